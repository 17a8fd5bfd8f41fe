//! Whom a client trusts.

use std::fmt;

use mesh_proto::BaseUrl;
use mesh_proto::SetUpError;
use mesh_proto::download::Reach;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// Certificate authorities to be trusted beside the system's own.
#[derive(Clone, Default)]
pub struct Authorities(Vec<Vec<u8>>);

impl Authorities {
    /// Adds what a file in PEM holds, one or several.
    pub fn add(&mut self, pem: Vec<u8>) {
        self.0.push(pem);
    }

    /// Hands over each certificate to be trusted for a reach: those given, of which none may be
    /// refused, and the system's, of which those are left out that are.
    ///
    /// Errors where a certificate given cannot be read, or there is none.
    pub fn each(
        &self,
        reach: Reach,
        base: &BaseUrl,
        mut trust: impl FnMut(CertificateDer<'static>) -> Result<(), rustls::Error>,
    ) -> Result<(), SetUpError> {
        let mut trusted = 0;
        for pem in &self.0 {
            let before = trusted;
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|error| refused(&error))?;
                trust(certificate).map_err(|error| refused(&error))?;
                trusted += 1;
            }
            if trusted == before {
                return Err(refused(&"the certificate authority given holds none"));
            }
        }
        // Reading the system's certificates takes longer than a call.
        if reach != Reach::Gateway || base.is_https() {
            let system = rustls_native_certs::load_native_certs();
            let certificates = system.certs.into_iter();
            trusted += certificates.filter_map(|found| trust(found).ok()).count();
            if trusted == 0 {
                let reasons: Vec<String> = system.errors.iter().map(ToString::to_string).collect();
                let reasons = reasons.join("; ");
                return Err(refused(&format!(
                    "the system's trust store is empty {reasons}"
                )));
            }
        }
        Ok(())
    }
}

// Beside a certificate, a file may hold its key.
impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Authorities").field(&self.0.len()).finish()
    }
}

pub(crate) fn refused(why: &impl ToString) -> SetUpError {
    SetUpError::Certificates(why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `CertificateDer` is not looked into: any bytes will do.
    const PEM: &[u8] = b"-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n";

    /// How many certificates are trusted for calls to a gateway over plain http.
    fn trusted(pems: &[&[u8]]) -> Result<usize, String> {
        let mut authorities = Authorities::default();
        for pem in pems {
            authorities.add(pem.to_vec());
        }
        let base = BaseUrl::new("http://localhost:9").unwrap();
        let mut count = 0;
        let each = authorities.each(Reach::Gateway, &base, |_| {
            count += 1;
            Ok(())
        });
        each.map(|()| count).map_err(|error| error.to_string())
    }

    #[test]
    fn a_plain_gateway_is_reached_with_the_authorities_given_alone() {
        assert_eq!(trusted(&[]), Ok(0));
        assert_eq!(trusted(&[PEM, &PEM.repeat(2)]), Ok(3));
    }

    #[test]
    fn an_authority_without_a_certificate_is_refused() {
        let error = trusted(&[PEM, b"a key, perhaps"]).unwrap_err();
        assert!(error.contains("holds none"), "{error}");
        let cut_off = b"-----BEGIN CERTIFICATE-----\nAQID\n";
        assert!(trusted(&[cut_off]).is_err());
    }

    #[test]
    fn a_certificate_given_must_be_accepted_and_the_systems_need_not() {
        let mut authorities = Authorities::default();
        let refuse = |_| Err(rustls::Error::DecryptError);
        let base = BaseUrl::production();
        let error = authorities.each(Reach::Public, &base, refuse).unwrap_err();
        assert!(error.to_string().contains("trust store is empty"));
        authorities.add(PEM.to_vec());
        let error = authorities.each(Reach::Public, &base, refuse).unwrap_err();
        assert!(error.to_string().contains("decrypt"), "{error}");
    }

    #[test]
    fn what_an_authority_holds_is_not_shown() {
        let mut authorities = Authorities::default();
        authorities.add(PEM.to_vec());
        assert_eq!(format!("{authorities:?}"), "Authorities(1)");
    }
}
