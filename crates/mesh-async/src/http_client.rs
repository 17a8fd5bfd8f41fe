//! reqwest, configured so that it leaves every decision to the core.

use std::future::{Future, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Request, Uri};
use mesh_proto::BaseUrl;
use mesh_proto::body::Body;
use mesh_proto::call::FaultKind;
use mesh_proto::download::{Reach, is_public};
use mesh_proto::error::SetUpError;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::exchange::Upload;

/// What a caller changes in reqwest's configuration.
pub(crate) type Configure =
    Arc<dyn Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync>;

/// What HTTP clients are made from.
#[derive(Clone, Default)]
pub(crate) struct HttpOptions {
    pub(crate) configure: Option<Configure>,
    pub(crate) authorities: Vec<Vec<u8>>,
    pub(crate) connect: Duration,
}

impl HttpOptions {
    pub(crate) fn client(&self, reach: Reach, base: &BaseUrl) -> Result<HttpClient, SetUpError> {
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(self.tls(reach, base)?)
            .connect_timeout(self.connect)
            .tcp_nodelay(true);
        if let Some(configure) = &self.configure {
            builder = configure(builder);
        }
        if reach == Reach::Gateway && base.is_loopback() {
            builder = builder.no_proxy();
        }
        if reach == Reach::Public && !has_proxy() {
            builder = builder.dns_resolver(PublicResolver);
        }
        let client = builder
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .build()
            .map_err(|error| SetUpError::Http(error.into()))?;
        Ok(HttpClient {
            client,
            last: Arc::default(),
        })
    }

    fn tls(&self, reach: Reach, base: &BaseUrl) -> Result<ClientConfig, SetUpError> {
        let mut trusted = RootCertStore::empty();
        for pem in &self.authorities {
            let before = trusted.len();
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate =
                    certificate.map_err(|error| SetUpError::Certificates(error.to_string()))?;
                trusted
                    .add(certificate)
                    .map_err(|error| SetUpError::Certificates(error.to_string()))?;
            }
            if trusted.len() == before {
                return Err(SetUpError::Certificates(
                    "the certificate authority given holds none".to_owned(),
                ));
            }
        }
        // Reading the system's certificates takes longer than a call.
        if reach != Reach::Gateway || base.is_https() {
            let system = rustls_native_certs::load_native_certs();
            trusted.add_parsable_certificates(system.certs);
            if trusted.is_empty() {
                let reasons: Vec<String> = system.errors.iter().map(ToString::to_string).collect();
                return Err(SetUpError::Certificates(format!(
                    "the system's trust store is empty {}",
                    reasons.join("; ")
                )));
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| SetUpError::Certificates(error.to_string()))?
            .with_root_certificates(trusted)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// reqwest's client, and the URL that it was last sent to: most calls go where the last went, and
/// reading a URL takes longer than all else that is done to send a request.
#[derive(Clone)]
pub(crate) struct HttpClient {
    client: reqwest::Client,
    last: Arc<Mutex<Option<(Uri, reqwest::Url)>>>,
}

pub(crate) type Sending =
    Pin<Box<dyn Future<Output = Result<reqwest::Response, reqwest::Error>> + Send>>;

impl HttpClient {
    pub(crate) fn send(&self, request: &Request<Body>, body: Upload) -> Sending {
        match self.make(request) {
            Ok(mut made) => {
                request.headers().clone_into(made.headers_mut());
                *made.body_mut() = Some(reqwest::Body::wrap(body));
                Box::pin(self.client.execute(made))
            }
            Err(error) => Box::pin(ready(Err(error))),
        }
    }

    fn make(&self, request: &Request<Body>) -> Result<reqwest::Request, reqwest::Error> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, url)) = last.as_ref().filter(|(uri, _)| uri == request.uri()) {
            return Ok(reqwest::Request::new(request.method().clone(), url.clone()));
        }
        let made: reqwest::Request = request.clone().map(|_| "").try_into()?;
        *last = Some((request.uri().clone(), made.url().clone()));
        Ok(made)
    }
}

/// What a failure of reqwest's is to the core.
pub(crate) fn fault_kind(error: &reqwest::Error) -> FaultKind {
    if error.is_connect() {
        FaultKind::Connect
    } else if error.is_timeout() {
        FaultKind::TimedOut
    } else if error.is_builder() {
        FaultKind::Other
    } else {
        FaultKind::Lost
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
