//! Names become addresses when a connection is made, and only then: ureq would look one up for every
//! request, before it takes a kept connection, and in a thread of its own for the sake of the time
//! limit.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use mesh_proto::download::{Reach, is_public};
use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport, time,
};

/// Stands for an address that is still to be looked up.
const UNRESOLVED: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// What ureq asks for addresses: leaves it to the [`LookupConnector`].
#[derive(Debug)]
pub(crate) struct Unresolved;

impl Resolver for Unresolved {
    fn resolve(
        &self,
        _uri: &Uri,
        _config: &Config,
        _timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let mut addresses = self.empty();
        addresses.push(UNRESOLVED);
        Ok(addresses)
    }
}

/// Looks the address up, where one is needed, and connects as ureq does.
#[derive(Debug)]
pub(crate) struct LookupConnector {
    lookup: Lookup,
    connector: DefaultConnector,
}

impl LookupConnector {
    pub(crate) fn new(reach: Reach) -> Self {
        Self {
            lookup: Lookup(reach),
            connector: DefaultConnector::new(),
        }
    }
}

impl Connector for LookupConnector {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, Error> {
        let mut addrs = details.addrs.clone();
        let mut timeout = details.timeout;
        let began = std::time::Instant::now();
        if addrs.first() == Some(&UNRESOLVED) {
            addrs = self.lookup.resolve(details.uri, details.config, timeout)?;
            if let time::Duration::Exact(left) = &mut timeout.after {
                *left = left.saturating_sub(began.elapsed());
            }
        }
        let details = ConnectionDetails {
            addrs,
            timeout,
            resolver: &self.lookup,
            now: (details.current_time)(),
            current_time: details.current_time.clone(),
            run_connector: details.run_connector.clone(),
            register_shutdown: details.register_shutdown.clone(),
            ..*details
        };
        self.connector.connect(&details, chained)
    }
}

/// Resolves names, all of them or only those that stand for public addresses, and says so where
/// that fails: ureq gives the bare error of the lookup, which looks like a lost connection.
#[derive(Debug)]
struct Lookup(Reach);

/// Why a name has no address.
#[derive(Debug)]
pub(crate) struct NoAddress(String);

impl NoAddress {
    fn error(why: impl Into<String>) -> Error {
        Error::Other(Box::new(Self(why.into())))
    }
}

impl fmt::Display for NoAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoAddress {}

impl Resolver for Lookup {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        // An address is no name: nothing takes time, and no thread is needed.
        let timeout = match host.parse::<IpAddr>() {
            Ok(_) => NextTimeout::default(),
            Err(_) => timeout,
        };
        let found = DefaultResolver::default()
            .resolve(uri, config, timeout)
            .map_err(|error| match error {
                Error::Timeout(_) => error,
                error => NoAddress::error(format!("no address for the host: {error}")),
            })?;
        if self.0 != Reach::Public {
            return Ok(found);
        }
        let mut public = self.empty();
        for address in found.iter().filter(|address| is_public(address.ip())) {
            public.push(*address);
        }
        if public.is_empty() {
            return Err(NoAddress::error(
                "the host stands for addresses in a private network only",
            ));
        }
        Ok(public)
    }
}

#[cfg(test)]
mod tests {
    use mesh_proto::call::FaultKind;

    use super::*;

    #[test]
    fn a_name_that_stands_for_a_private_address_has_none() {
        let look_up = |reach| {
            let uri = http::Uri::from_static("https://localhost:9/a.png");
            Lookup(reach).resolve(&uri, &Config::default(), NextTimeout::default())
        };
        assert!(look_up(Reach::Anywhere).is_ok_and(|found| !found.is_empty()));
        let error = look_up(Reach::Public).unwrap_err();
        assert_eq!(crate::agent::fault_kind(&error), FaultKind::Connect);
        assert!(error.to_string().contains("private network"), "{error}");
    }
}
