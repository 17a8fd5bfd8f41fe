//! What ureq does not do by itself: public addresses only, a call's limits, interim responses with
//! headers, bounded trailers, and cancelling one call. `docs/decisions/ureq-layer.md` says why each
//! needs what is outside ureq's own versioning.

mod cancel;
mod framing;
mod resolver;
mod routed;
mod scope;
mod transport;

use std::sync::Arc;

use mesh_proto::BaseUrl;
use mesh_proto::SetUpError;
use mesh_proto::download::Reach;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

pub use self::cancel::{Cancel, Cancelled};
pub use self::routed::RoutedAgent;
pub use self::scope::Scope;
pub use self::transport::HeadTooLarge;
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
