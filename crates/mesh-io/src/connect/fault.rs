//! What a failure to connect is to the core.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use mesh_proto::call::{CertificateFault, FaultKind};
use rustls::CertificateError;

/// What is wrong with the server's certificate, if that is why a connection failed: `error`, or
/// what is behind it, is an error of rustls that says so.
pub fn certificate_fault(error: &(dyn StdError + 'static)) -> Option<FaultKind> {
    let rustls = find::<rustls::Error>(error)?;
    let rustls::Error::InvalidCertificate(problem) = rustls else {
        return None;
    };
    Some(FaultKind::Certificate(match problem {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            CertificateFault::Expired
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            CertificateFault::NotYetValid
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            CertificateFault::WrongHost
        }
        CertificateError::UnknownIssuer => CertificateFault::UnknownAuthority,
        CertificateError::Revoked => CertificateFault::Revoked,
        CertificateError::Other(other) => match other.0.downcast_ref() {
            Some(webpki::Error::CaUsedAsEndEntity) => CertificateFault::AuthorityAsServer,
            _ => CertificateFault::Other,
        },
        _ => CertificateFault::Other,
    }))
}

/// The first error of a type in a chain of causes. What an [`io::Error`] wraps is looked at, too:
/// its `source` leaves that out.
pub(crate) fn find<'a, E: StdError + 'static>(
    error: &'a (dyn StdError + 'static),
) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// A failure of a connection through a proxy, which it names.
#[derive(Debug)]
pub struct ThroughProxy {
    proxy: String,
    source: Box<dyn StdError + Send + Sync>,
}

impl ThroughProxy {
    /// The failure that is `source`, through a proxy that is shown like this.
    pub fn new(proxy: String, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            proxy,
            source: source.into(),
        }
    }
}

impl fmt::Display for ThroughProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "proxy {}", self.proxy)
    }
}

impl StdError for ThroughProxy {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::OtherError;

    use super::*;

    #[test]
    fn certificate_errors_of_rustls_are_found_behind_others() {
        use CertificateFault::*;
        let authority = OtherError(Arc::new(webpki::Error::CaUsedAsEndEntity));
        let other = OtherError(Arc::new(webpki::Error::BadDer));
        for (problem, expected) in [
            (CertificateError::Expired, Expired),
            (CertificateError::NotValidYet, NotYetValid),
            (CertificateError::NotValidForName, WrongHost),
            (CertificateError::UnknownIssuer, UnknownAuthority),
            (CertificateError::Revoked, Revoked),
            (CertificateError::Other(authority), AuthorityAsServer),
            (CertificateError::Other(other), Other),
            (CertificateError::BadSignature, Other),
        ] {
            let error = rustls::Error::InvalidCertificate(problem);
            let wrapped = io::Error::other(io::Error::other(error.clone()));
            for error in [&error as &(dyn StdError + 'static), &wrapped] {
                let expected = FaultKind::Certificate(expected);
                assert_eq!(certificate_fault(error), Some(expected), "{error}");
            }
        }
        let handshake = io::Error::other(rustls::Error::DecryptError);
        assert_eq!(certificate_fault(&handshake), None);
        assert_eq!(certificate_fault(&io::Error::other("no")), None);
    }
}
