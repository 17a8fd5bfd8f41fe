//! Which addresses a name may stand for.

use std::net::SocketAddr;

use mesh_proto::download::{Reach, is_public};
use reqwest::ClientBuilder;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Has an HTTP client connect to the addresses within a reach only.
pub fn within(reach: Reach, builder: ClientBuilder) -> ClientBuilder {
    if reach == Reach::Public && !has_proxy() {
        builder.dns_resolver(PublicResolver)
    } else {
        builder
    }
}

/// Whether the environment names a proxy: it is the proxy's name that is resolved here then.
fn has_proxy() -> bool {
    ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        .into_iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Resolves names to public addresses only.
struct PublicResolver;

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err("the name stands for addresses in a private network only".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_stands_for_a_private_address_has_none() {
        let name: Name = "localhost".parse().unwrap();
        let Err(error) = PublicResolver.resolve(name).await else {
            panic!("an address");
        };
        assert!(error.to_string().contains("private network"), "{error}");
    }
}
