//! Which addresses a name may stand for.

use std::error::Error as StdError;
use std::fmt;
use std::net::SocketAddr;

use mesh_proto::download::is_public;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::connect::Hosts;

/// A host that no resolver knows (RFC 6761, section 6.4): reqwest asks for it where it would
/// connect directly and must not.
pub(super) const NOWHERE: &str = "direct.invalid";

/// Stands behind an error of a client that connects through proxies only.
#[derive(Debug)]
pub(super) struct NeedsDirect;

impl fmt::Display for NeedsDirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no proxy leads to the host")
    }
}

impl StdError for NeedsDirect {}

/// Resolves names: any, or those of public addresses only.
pub(super) struct Resolver {
    pub(super) hosts: Option<Hosts>,
    pub(super) only: Only,
}

/// Which addresses a [`Resolver`] gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Only {
    Any,
    Public,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let known = match &self.hosts {
            Some(hosts) => hosts(name.as_str()),
            None => Vec::new(),
        };
        let only = self.only;
        Box::pin(async move {
            if name.as_str() == NOWHERE {
                return Err(NeedsDirect.into());
            }
            let mut found: Vec<SocketAddr> = if known.is_empty() {
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect()
            } else {
                known.into_iter().map(|ip| (ip, 0).into()).collect()
            };
            if only == Only::Public {
                found.retain(|address| is_public(address.ip()));
                if found.is_empty() {
                    return Err("the name stands for addresses in a private network only".into());
                }
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_stands_for_a_private_address_has_none() {
        let resolver = |only| Resolver { hosts: None, only };
        let name = || "localhost".parse::<Name>().unwrap();
        assert!(resolver(Only::Any).resolve(name()).await.is_ok());
        let Err(error) = resolver(Only::Public).resolve(name()).await else {
            panic!("an address");
        };
        assert!(error.to_string().contains("private network"), "{error}");
    }
}
