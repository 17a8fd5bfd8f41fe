//! Which addresses a name may stand for.

use std::fmt;
use std::io;
use std::net::IpAddr;

use mesh_proto::download::{Reach, is_public};
use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::scope::Scope;
use crate::connect::Hosts;

/// Resolves names to the addresses within a reach only.
#[derive(Clone)]
pub(super) struct ReachResolver {
    reach: Reach,
    hosts: Option<Hosts>,
}

impl ReachResolver {
    pub(super) fn new(reach: Reach, hosts: Option<&Hosts>) -> Self {
        Self {
            reach,
            hosts: hosts.cloned(),
        }
    }

    /// The addresses of a name that the system's resolver is not asked for.
    fn known(&self, uri: &Uri) -> Option<ResolvedSocketAddrs> {
        let port = match (uri.port_u16(), uri.scheme_str()) {
            (Some(port), _) => port,
            (None, Some("http")) => 80,
            (None, _) => 443,
        };
        let mut known = self.empty();
        for address in self.hosts.as_ref()?(uri.host()?) {
            known.push((address, port).into());
        }
        Some(known).filter(|known| !known.is_empty())
    }
}

impl fmt::Debug for ReachResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReachResolver").field(&self.reach).finish()
    }
}

impl Resolver for ReachResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        _timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let found = match self.known(uri) {
            Some(known) => known,
            None => look_up(uri, config).map_err(|error| match error {
                Error::Timeout(_) | Error::Other(_) => error,
                error => no_address(format!("no address for the host: {error}")),
            })?,
        };
        if self.reach != Reach::Public {
            return Ok(found);
        }
        let mut public = self.empty();
        for address in found.iter().filter(|address| is_public(address.ip())) {
            public.push(*address);
        }
        if public.is_empty() {
            return Err(no_address(
                "the host stands for addresses in a private network only",
            ));
        }
        Ok(public)
    }
}

fn look_up(uri: &Uri, config: &Config) -> Result<ResolvedSocketAddrs, Error> {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    if host.parse::<IpAddr>().is_ok() {
        return DefaultResolver::default().resolve(uri, config, NextTimeout::default());
    }
    let (uri, config) = (uri.clone(), config.clone());
    Scope::current().on_a_thread(
        || (),
        move || DefaultResolver::default().resolve(&uri, &config, NextTimeout::default()),
    )
}

/// ureq's own error of a lookup is bare, and looks like a lost connection.
fn no_address(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Io(io::Error::new(io::ErrorKind::HostUnreachable, why))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn name_of_a_private_address_has_no_public_one() {
        let scope = Scope {
            connect: Duration::from_secs(60),
            head: Duration::ZERO,
            idle: Duration::ZERO,
            total: None,
            cancel: None,
            entered: Instant::now(),
        };
        let look_up = |reach| {
            let uri = Uri::from_static("https://localhost:9/a.png");
            scope.enter(|| {
                let resolver = ReachResolver::new(reach, None);
                resolver.resolve(&uri, &Config::default(), NextTimeout::default())
            })
        };
        assert!(look_up(Reach::Anywhere).is_ok_and(|found| !found.is_empty()));
        let error = look_up(Reach::Public).unwrap_err();
        assert!(
            matches!(&error, Error::Io(error) if error.kind() == io::ErrorKind::HostUnreachable)
        );
        assert!(error.to_string().contains("private network"), "{error}");
    }
}
