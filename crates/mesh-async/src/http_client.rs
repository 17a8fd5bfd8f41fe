//! reqwest, configured so that it leaves every decision to the core.

use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::uri::{Authority, PathAndQuery};
use http::{Request, Uri};
use mesh_io::connect::Authorities;
use mesh_io::connect::reqwest::{self as connect, Upload};
use mesh_proto::BaseUrl;
use mesh_proto::body::Body;
use mesh_proto::call::FaultKind;
use mesh_proto::download::Reach;
use mesh_proto::error::SetUpError;

/// What a caller changes in reqwest's configuration.
pub(crate) type Configure =
    Arc<dyn Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync>;

/// What HTTP clients are made from.
#[derive(Clone, Default)]
pub(crate) struct HttpOptions {
    pub(crate) configure: Option<Configure>,
    pub(crate) authorities: Authorities,
    pub(crate) connect: Duration,
}

impl HttpOptions {
    pub(crate) fn client(&self, reach: Reach, base: &BaseUrl) -> Result<HttpClient, SetUpError> {
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(connect::tls(&self.authorities, reach, base)?)
            .connect_timeout(self.connect)
            .tcp_nodelay(true);
        if let Some(configure) = &self.configure {
            builder = configure(builder);
        }
        if reach == Reach::Gateway && base.is_loopback() {
            builder = builder.no_proxy();
        }
        let client = connect::within(reach, builder)
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
        if let Some((_, url)) = last.as_ref().filter(|(uri, _)| is_same(uri, request.uri())) {
            return Ok(reqwest::Request::new(request.method().clone(), url.clone()));
        }
        let made: reqwest::Request = request.clone().map(|_| "").try_into()?;
        *last = Some((request.uri().clone(), made.url().clone()));
        Ok(made)
    }
}

/// Whether two URIs are the same to the letter: hosts in other cases are the same, too, and take
/// longer to tell.
fn is_same(one: &Uri, other: &Uri) -> bool {
    fn texts(uri: &Uri) -> [Option<&str>; 3] {
        let authority = uri.authority().map(Authority::as_str);
        let path = uri.path_and_query().map(PathAndQuery::as_str);
        [uri.scheme_str(), authority, path]
    }
    texts(one) == texts(other)
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
