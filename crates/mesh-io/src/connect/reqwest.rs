//! What reqwest does not do by itself: certificates of one's own beside the system's, direct
//! connections to public addresses only, and telling how far an upload has got.

mod clients;
mod failure;
mod lookup;
mod upload;

use std::sync::Arc;

use mesh_proto::BaseUrl;
use mesh_proto::SetUpError;
use mesh_proto::download::Reach;
use rustls::{ClientConfig, RootCertStore};

pub use self::clients::Clients;
pub use self::failure::is_in_trailers;
pub use self::upload::{Upload, UploadProgress};
use super::Authorities;
use super::trust::refused;

/// TLS with ring, for HTTP/2 and HTTP/1.1, trusting the system's certificates and `authorities`.
/// For a gateway over plain http the system's are not read.
///
/// Errors where an authority cannot be read, or nobody would be trusted.
pub fn tls(
    authorities: &Authorities,
    reach: Reach,
    base: &BaseUrl,
) -> Result<ClientConfig, SetUpError> {
    let mut trusted = RootCertStore::empty();
    authorities.each(reach, base, |certificate| trusted.add(certificate))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| refused(&error))?
        .with_root_certificates(trusted)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
