//! reqwest, configured so that it leaves every decision to the core.

use std::error::Error as StdError;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Uri};
use mesh_io::connect::reqwest::{self as connect, Clients, Upload, UploadProgress};
use mesh_io::connect::{Authorities, Hosts, Proxies};
use mesh_proto::BaseUrl;
use mesh_proto::SetUpError;
use mesh_proto::body::Body;
use mesh_proto::call::{Fault, MAX_RESPONSE_HEADERS};
use mesh_proto::download::Reach;

/// How many bytes of headers HTTP/2 takes, by its own count: more than a response may have, so that
/// the core finds it.
const HTTP2_HEADERS: u32 = 256 << 10;

/// What a caller changes in reqwest's configuration.
pub(crate) type Configure =
    Arc<dyn Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync>;

/// What HTTP clients are made from.
#[derive(Clone, Default)]
pub(crate) struct HttpOptions {
    pub(crate) configure: Option<Configure>,
    pub(crate) authorities: Authorities,
    pub(crate) connect: Duration,
    pub(crate) proxies: Arc<Proxies>,
    pub(crate) hosts: Option<Hosts>,
}

impl HttpOptions {
    pub(crate) fn client(&self, reach: Reach, base: &BaseUrl) -> Result<HttpClient, SetUpError> {
        let tls = connect::tls(&self.authorities, reach, base)?;
        let blank = || {
            reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .connect_timeout(self.connect)
                .tcp_nodelay(true)
                .http1_max_headers(MAX_RESPONSE_HEADERS)
                .http2_max_header_list_size(HTTP2_HEADERS)
        };
        let configure = |builder| {
            let builder = match &self.configure {
                Some(configure) => configure(builder),
                None => builder,
            };
            builder
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .referer(false)
        };
        let (proxies, hosts) = (&self.proxies, self.hosts.as_ref());
        let clients = Clients::new(reach, base, proxies, hosts, blank, configure)?;
        Ok(HttpClient(clients))
    }
}

/// reqwest's clients.
#[derive(Clone)]
pub(crate) struct HttpClient(Clients);

pub(crate) type Sending =
    Pin<Box<dyn Future<Output = Result<reqwest::Response, reqwest::Error>> + Send>>;

impl HttpClient {
    pub(crate) fn send(&self, request: &Request<Body>, body: Upload) -> Sending {
        let mut head = Request::new("");
        *head.method_mut() = request.method().clone();
        *head.uri_mut() = request.uri().clone();
        *head.headers_mut() = request.headers().clone();
        match reqwest::Request::try_from(head) {
            Ok(mut made) => {
                *made.body_mut() = None;
                if !request.body().is_empty() {
                    *made.body_mut() = Some(reqwest::Body::wrap(body));
                }
                Box::pin(self.0.clone().execute(made))
            }
            Err(error) => Box::pin(ready(Err(error))),
        }
    }

    /// What the failure of a request is to the core, and the error to be shown for it.
    pub(crate) fn failure(
        &self,
        error: reqwest::Error,
        url: &Uri,
        upload: &UploadProgress,
    ) -> (Fault, Box<dyn StdError + Send + Sync>) {
        self.0.failure(error, url, upload)
    }
}

#[cfg(test)]
mod tests {
    use mesh_conformance::routes::{self, Route};
    use tokio::time::Instant;

    use super::*;

    /// Sends a request, and returns the error that it ends with, and its causes.
    fn send(route: &Route) -> String {
        let variables = &route.variables;
        let proxies = Proxies::from_variables(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.into())
        });
        let mut options = HttpOptions {
            connect: Duration::from_secs(60),
            proxies: Arc::new(proxies),
            hosts: Some(Arc::new(routes::hosts)),
            ..HttpOptions::default()
        };
        if let Some(proxy) = route.proxy.clone() {
            let exempt = reqwest::NoProxy::from_string(route.no_proxy);
            options.configure = Some(Arc::new(move |builder| {
                let proxy = reqwest::Proxy::all(&proxy).unwrap();
                builder.proxy(proxy.no_proxy(exempt.clone()))
            }));
        }
        let client = match options.client(route.reach, &route.base) {
            Ok(client) => client,
            Err(error) => return error.to_string(),
        };
        let request = Request::get(&route.url).body(Body::empty()).unwrap();
        let (body, upload) = Upload::new(request.body().reader(), Instant::now());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let error = runtime.block_on(client.send(&request, body)).unwrap_err();
        let (fault, source) = client.failure(error, request.uri(), &upload);
        let mut told = format!("{fault}: {source}");
        let mut cause = source.source();
        while let Some(error) = cause {
            told = format!("{told}: {error}");
            cause = error.source();
        }
        told
    }

    #[test]
    fn direct_connections_are_filtered_and_those_to_a_proxy_are_not() {
        routes::check(send);
    }

    #[test]
    fn proxy_of_the_environment_is_named_without_its_credentials() {
        routes::check_credentials(send);
    }
}
