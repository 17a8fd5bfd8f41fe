//! What ureq does not do by itself: names resolved when a connection is made, limits phase by phase,
//! a head and a body in one packet.

mod lookup;
mod phases;

use std::sync::Arc;

use mesh_proto::BaseUrl;
use mesh_proto::download::Reach;
use mesh_proto::error::SetUpError;
use ureq::Agent;
use ureq::config::Config;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use self::lookup::{PhasedConnector, Unresolved};
pub use self::phases::let_go;
use super::Authorities;

/// TLS with ring, trusting the system's certificates and `authorities`. For a gateway over plain
/// http the system's are not read.
///
/// Errors where an authority cannot be read, or nobody would be trusted.
pub fn tls(
    authorities: &Authorities,
    reach: Reach,
    base: &BaseUrl,
) -> Result<TlsConfig, SetUpError> {
    let mut trusted: Vec<Certificate<'static>> = Vec::new();
    authorities.each(reach, base, |certificate| {
        trusted.push(Certificate::from_der(&certificate).to_owned());
        Ok(())
    })?;
    Ok(TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::from(trusted))
        .build())
}

/// An agent that connects to the addresses within its reach only.
pub fn agent(config: Config, reach: Reach) -> Agent {
    // Behind a proxy it is the proxy's name that is resolved here.
    let looked_up = if config.proxy().is_none() {
        reach
    } else {
        Reach::Anywhere
    };
    let connector = PhasedConnector::new(looked_up);
    Agent::with_parts(config, connector, Unresolved)
}
