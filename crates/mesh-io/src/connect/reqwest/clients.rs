//! reqwest's clients for one reach, and which of them a request goes through.
//!
//! reqwest resolves the name of a proxy as it does that of a host, and its resolver is not told
//! which it is. So that direct connections are filtered, and those to a proxy are not, there are
//! two clients for public addresses: one that connects through proxies only, and one that has none.

use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::Uri;
use mesh_proto::BaseUrl;
use mesh_proto::SetUpError;
use mesh_proto::call::{Fault, FaultKind, Sent};
use mesh_proto::download::Reach;
use reqwest::{Client, ClientBuilder, Error, Proxy, Request, Response, Url};

use super::failure::broken_response;
use super::lookup::{NOWHERE, NeedsDirect, Only, Resolver};
use super::upload::UploadProgress;
use crate::connect::fault::find;
use crate::connect::{Hosts, Proxies, ThroughProxy, certificate_fault};

/// The HTTP clients for one reach.
#[derive(Clone, Debug)]
pub struct Clients {
    /// Connects as its proxies have it, and directly only if no address has to be filtered out.
    main: Client,
    /// Connects directly, to public addresses only.
    direct: Option<Client>,
    environment: Option<Arc<Environment>>,
}

/// What a proxy holds that is to be found again.
struct Held;

/// The proxies of the environment, as a client asks for them.
#[derive(Debug)]
struct Environment {
    proxies: Arc<Proxies>,
    /// Whether one of them was used: a proxy that the caller configures comes before them.
    is_used: AtomicBool,
}

impl Clients {
    /// Makes the clients for a reach. `blank` makes a builder, `configure` changes it as the caller
    /// has it. A proxy that is set there comes before those of the environment, and `no_proxy`
    /// switches them off.
    ///
    /// # Errors
    ///
    /// Returns an error if the environment names a proxy that cannot be used, or reqwest refuses its
    /// configuration.
    pub fn new(
        reach: Reach,
        base: &BaseUrl,
        proxies: &Arc<Proxies>,
        hosts: Option<&Hosts>,
        blank: impl Fn() -> ClientBuilder,
        configure: impl Fn(ClientBuilder) -> ClientBuilder,
    ) -> Result<Self, SetUpError> {
        let resolver = |only| {
            let hosts = hosts.cloned();
            Arc::new(Resolver { hosts, only })
        };
        if reach == Reach::Gateway && base.is_loopback() {
            return Ok(Self {
                main: build(configure(blank()).no_proxy())?,
                direct: None,
                environment: None,
            });
        }
        // `no_proxy` drops the proxies before it, and what they hold.
        let held = Arc::new(Held);
        let first = held.clone();
        let first = Proxy::custom(move |_| {
            let Held = *first;
            None::<Url>
        });
        let mut builder = configure(blank().proxy(first));
        let mut environment = None;
        if Arc::strong_count(&held) > 1 {
            proxies.check(reach, base)?;
            environment = Some(Arc::new(Environment {
                proxies: proxies.clone(),
                is_used: AtomicBool::new(false),
            }));
        }
        let is_filtered = reach == Reach::Public;
        let last = environment.clone();
        builder = builder.proxy(Proxy::custom(move |url| {
            let proxy = last.as_ref().and_then(|last| last.proxy(url));
            proxy.or_else(|| is_filtered.then(|| format!("http://{NOWHERE}")))
        }));
        if is_filtered || hosts.is_some() {
            builder = builder.dns_resolver(resolver(Only::Any));
        }
        let direct = is_filtered.then(|| {
            let builder = configure(blank()).no_proxy();
            build(builder.dns_resolver(resolver(Only::Public)))
        });
        Ok(Self {
            main: build(builder)?,
            direct: direct.transpose()?,
            environment,
        })
    }

    /// Sends a request.
    ///
    /// # Errors
    ///
    /// Returns reqwest's error if there is no response.
    pub async fn execute(self, request: Request) -> Result<Response, Error> {
        let Some((direct, again)) = self.direct.zip(request.try_clone()) else {
            return self.main.execute(request).await;
        };
        match self.main.execute(request).await {
            Err(error) if find::<NeedsDirect>(&error).is_some() => direct.execute(again).await,
            result => result,
        }
    }

    /// What the failure of a request to a URL is to the core, and the error to be shown for it.
    pub fn failure(
        &self,
        error: Error,
        url: &Uri,
        upload: &UploadProgress,
    ) -> (Fault, Box<dyn StdError + Send + Sync>) {
        if let Some(kind) = certificate_fault(&error) {
            return (upload.fault(kind), error.into());
        }
        if is_unprocessed(&error) {
            return (
                Fault::new(FaultKind::Lost).after(Sent::Nothing),
                error.into(),
            );
        }
        if !error.is_connect() {
            let kind = match () {
                () if error.is_timeout() => FaultKind::TimedOut,
                () if error.is_builder() => FaultKind::Other,
                () => broken_response(&error),
            };
            return (upload.fault(kind), error.into());
        }
        let environment = self.environment.as_ref();
        let proxy = environment.and_then(|environment| environment.used(url));
        let is_through_proxy = proxy.is_some() || is_tunnel(&error);
        let fault = match (error.is_timeout(), is_through_proxy) {
            (true, _) => Fault::new(FaultKind::TimedOut).after(Sent::Nothing),
            (false, true) => upload.fault(FaultKind::Proxy),
            (false, false) => upload.fault(FaultKind::Connect),
        };
        match proxy {
            Some(proxy) => (fault, ThroughProxy::new(proxy.to_string(), error).into()),
            None => (fault, error.into()),
        }
    }
}

impl Environment {
    /// The proxy for a URL, with its credentials.
    fn proxy(&self, url: &Url) -> Option<String> {
        // The values for every scheme within reach have been read.
        let proxy = self.proxies.route(&url.as_str().parse().ok()?).ok()??;
        self.is_used.store(true, Ordering::Relaxed);
        Some(proxy.url_with_credentials())
    }

    fn used(&self, url: &Uri) -> Option<&crate::connect::Proxy> {
        let is_used = self.is_used.load(Ordering::Relaxed);
        self.proxies.route(url).ok()?.filter(|_| is_used)
    }
}

fn build(builder: ClientBuilder) -> Result<Client, SetUpError> {
    let client = builder.build();
    client.map_err(|error| SetUpError::Http(error.into()))
}

/// Whether the gateway has said that it did not begin on the request: it refused the stream, or
/// closed the connection to it (RFC 9113, section 8.7). h2 hands a `GOAWAY` of the peer's to
/// streams above the last one only.
fn is_unprocessed(error: &Error) -> bool {
    find::<h2::Error>(error).is_some_and(|error| {
        let is_refused = error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
        error.is_remote() && (is_refused || error.is_go_away())
    })
}

/// Whether a proxy did not open a tunnel. The error's type is hyper-util's own.
fn is_tunnel(error: &Error) -> bool {
    let mut next = error.source();
    while let Some(error) = next {
        if error.to_string().starts_with("tunnel error") {
            return true;
        }
        next = error.source();
    }
    false
}
