//! What ureq does not do by itself: public addresses only, a call's limits, interim responses with
//! headers, bounded trailers, and cancelling one call. `docs/decisions/ureq-layer.md` says why each
//! needs what is outside ureq's own versioning.

mod cancel;
mod framing;
mod resolver;
mod scope;
mod transport;

use std::sync::Arc;

use mesh_proto::BaseUrl;
use mesh_proto::download::Reach;
use mesh_proto::error::SetUpError;
use ureq::Agent;
use ureq::config::Config;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::transport::DefaultConnector;

pub use self::cancel::{Cancel, Cancelled};
use self::resolver::ReachResolver;
pub use self::scope::Scope;
pub use self::transport::HeadTooLarge;
use self::transport::ScopedConnector;
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

/// An agent that connects to the addresses within its reach only, and has to be used within a
/// [`Scope`].
pub fn agent(config: Config, reach: Reach) -> Agent {
    // Behind a proxy it is the proxy's name that is resolved here.
    let resolver = ReachResolver(if config.proxy().is_none() {
        reach
    } else {
        Reach::Anywhere
    });
    let connector = ScopedConnector {
        resolver,
        connector: Arc::new(DefaultConnector::new()),
    };
    Agent::with_parts(config, connector, resolver)
}
