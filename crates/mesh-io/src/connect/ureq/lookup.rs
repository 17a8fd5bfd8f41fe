//! Names become addresses when a connection is made, and only then: ureq would look one up for every
//! request, before it takes a kept connection, and in a thread of its own for the sake of the time
//! limit.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Instant;

use mesh_proto::download::{Reach, is_public};
use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport, time,
};

use super::phases::Phased;

/// Stands for an address that is still to be looked up.
const UNRESOLVED: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// What ureq asks for addresses: leaves it to the [`PhasedConnector`].
#[derive(Debug)]
pub(super) struct Unresolved;

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

/// Looks the address up where one is needed, all addresses or the public ones only, connects as ureq
/// does, and wraps the transport.
#[derive(Debug)]
pub(super) struct PhasedConnector {
    reach: Reach,
    connector: DefaultConnector,
}

impl PhasedConnector {
    pub(super) fn new(reach: Reach) -> Self {
        Self {
            reach,
            connector: DefaultConnector::new(),
        }
    }
}

impl Connector for PhasedConnector {
    type Out = Phased<Box<dyn Transport>>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, Error> {
        let began = Instant::now();
        let mut addrs = details.addrs.clone();
        let mut timeout = details.timeout;
        if addrs.first() == Some(&UNRESOLVED) {
            addrs = self.resolve(details.uri, details.config, timeout)?;
            if let time::Duration::Exact(left) = &mut timeout.after {
                *left = left.saturating_sub(began.elapsed());
            }
        }
        let details = ConnectionDetails {
            addrs,
            timeout,
            resolver: self,
            now: (details.current_time)(),
            current_time: details.current_time.clone(),
            run_connector: details.run_connector.clone(),
            register_shutdown: details.register_shutdown.clone(),
            ..*details
        };
        Ok(self.connector.connect(&details, chained)?.map(Phased::new))
    }
}

impl Resolver for PhasedConnector {
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
                error => no_address(format!("no address for the host: {error}")),
            })?;
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

/// ureq's own error of a lookup is bare, and looks like a lost connection.
fn no_address(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Io(io::Error::new(io::ErrorKind::HostUnreachable, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_stands_for_a_private_address_has_none() {
        let look_up = |reach| {
            let uri = Uri::from_static("https://localhost:9/a.png");
            PhasedConnector::new(reach).resolve(&uri, &Config::default(), NextTimeout::default())
        };
        assert!(look_up(Reach::Anywhere).is_ok_and(|found| !found.is_empty()));
        let error = look_up(Reach::Public).unwrap_err();
        assert!(
            matches!(&error, Error::Io(error) if error.kind() == io::ErrorKind::HostUnreachable)
        );
        assert!(error.to_string().contains("private network"), "{error}");
    }
}
