//! ureq, configured so that it leaves every decision to the core.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::header::{self, HeaderValue};
use http::{Request, Response, StatusCode, Uri};
use mesh_io::connect::ureq::{self as connect, Cancelled, HeadTooLarge, RoutedAgent, Scope};
use mesh_io::connect::{Authorities, Hosts, Proxies, certificate_fault};
use mesh_proto::BaseUrl;
use mesh_proto::SetUpError;
use mesh_proto::body::Body;
use mesh_proto::call::{Fault, FaultKind, Sent};
use mesh_proto::download::Reach;
use ureq::config::ConfigBuilder;
use ureq::typestate::AgentScope;
use ureq::{Agent, SendBody, Timeout};

/// How many idle connections are kept: one for each of many threads, where ureq's own three would
/// make the others reconnect for every call.
const IDLE_CONNECTIONS: usize = 256;

/// From this size on a request waits for the gateway's go-ahead (RFC 9110, section 10.1.1): an
/// early refusal is lost with the connection otherwise.
const EXPECT_FROM: u64 = 1 << 20;

/// How long the go-ahead is waited for: a server need not send one.
const GO_AHEAD_WITHIN: Duration = Duration::from_secs(1);

/// What a caller changes in ureq's configuration.
pub(crate) type Configure =
    Arc<dyn Fn(ConfigBuilder<AgentScope>) -> ConfigBuilder<AgentScope> + Send + Sync>;

/// What agents are made from.
#[derive(Clone, Default)]
pub(crate) struct AgentOptions {
    pub(crate) configure: Option<Configure>,
    pub(crate) authorities: Authorities,
    pub(crate) proxies: Arc<Proxies>,
    pub(crate) hosts: Option<Hosts>,
}

impl AgentOptions {
    pub(crate) fn sender(&self, reach: Reach, base: &BaseUrl) -> Result<Sender, SetUpError> {
        let blank = Agent::config_builder()
            .max_idle_connections(IDLE_CONNECTIONS)
            .max_idle_connections_per_host(IDLE_CONNECTIONS)
            .tls_config(connect::tls(&self.authorities, reach, base)?);
        let configure = |builder| {
            let builder = match &self.configure {
                Some(configure) => configure(builder),
                None => builder,
            };
            builder
                .http_status_as_error(false)
                .max_redirects(0)
                .max_redirects_will_error(false)
                // The transport keeps the limits of each call.
                .timeout_global(None)
                .timeout_per_call(None)
                .timeout_resolve(None)
                .timeout_connect(None)
                .timeout_send_request(None)
                .timeout_await_100(Some(GO_AHEAD_WITHIN))
                .timeout_send_body(None)
                .timeout_recv_response(None)
                .timeout_recv_body(None)
                .timeout_per_read(None)
                .timeout_per_write(None)
        };
        let (proxies, hosts) = (&self.proxies, self.hosts.as_ref());
        RoutedAgent::new(reach, base, proxies, hosts, blank, configure).map(Sender)
    }
}

/// Sends requests with one agent.
#[derive(Clone, Debug)]
pub(crate) struct Sender(RoutedAgent);

impl Sender {
    /// Sends `request`, and waits for the response's head. On failure says how much of the request
    /// the gateway can have.
    pub(crate) fn send(
        &self,
        request: &Request<Body>,
        scope: &Scope,
    ) -> Result<Response<ureq::Body>, (ureq::Error, Fault)> {
        if request.body().len() >= EXPECT_FROM {
            let response = self.exchange(request, GoAhead::Awaited, scope)?;
            // It refuses our `Expect`, not the request (RFC 9110, section 15.5.18).
            if response.status() != StatusCode::EXPECTATION_FAILED {
                return Ok(response);
            }
        }
        self.exchange(request, GoAhead::Assumed, scope)
    }

    /// The failure of a request to a URL, and the error to be shown for it.
    pub(crate) fn failure(
        &self,
        error: ureq::Error,
        fault: Fault,
        url: &Uri,
    ) -> (Fault, Box<dyn StdError + Send + Sync>) {
        self.0.failure(error, fault, url)
    }

    fn exchange(
        &self,
        request: &Request<Body>,
        go_ahead: GoAhead,
        scope: &Scope,
    ) -> Result<Response<ureq::Body>, (ureq::Error, Fault)> {
        let length = request.body().len();
        let mut reader = request.body().reader();
        let mut outgoing = Request::new(());
        outgoing.method_mut().clone_from(request.method());
        outgoing.uri_mut().clone_from(request.uri());
        let headers = outgoing.headers_mut();
        headers.reserve(request.headers().len() + 2);
        for (name, value) in request.headers() {
            headers.append(name, value.clone());
        }
        if length > 0 {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        if go_ahead == GoAhead::Awaited {
            headers.insert(header::EXPECT, HeaderValue::from_static("100-continue"));
        }
        let run = |body: Request<SendBody<'_>>| scope.enter(|| self.0.run(body));
        let result = if length == 0 {
            run(outgoing.map(|()| SendBody::none()))
        } else {
            run(outgoing.map(|()| SendBody::from_reader(&mut reader)))
        };
        result.map_err(|error| {
            let fault = fault(&error, length - reader.remaining(), length);
            (error, fault)
        })
    }
}

/// Whether a server is asked before the body is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum GoAhead {
    Awaited,
    Assumed,
}

/// What a failure is to the core, of a request of which `handed_over` bytes of `length` had gone
/// out.
fn fault(error: &ureq::Error, handed_over: u64, length: u64) -> Fault {
    if let ureq::Error::Timeout(Timeout::Connect) = error {
        return Fault::new(FaultKind::TimedOut).after(Sent::Nothing);
    }
    Fault::in_upload(fault_kind(error), handed_over, length)
}

/// What a failure of ureq's is to the core.
pub(crate) fn fault_kind(error: &ureq::Error) -> FaultKind {
    let behind: Option<&(dyn StdError + 'static)> = match error {
        ureq::Error::Rustls(error) => Some(error),
        ureq::Error::Io(error) => Some(error),
        _ => None,
    };
    if let Some(kind) = behind.and_then(certificate_fault) {
        return kind;
    }
    match error {
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::Tls(_)
        | ureq::Error::Rustls(_)
        | ureq::Error::TlsRequired => FaultKind::Connect,
        ureq::Error::ConnectProxyFailed(_) | ureq::Error::InvalidProxyUrl => FaultKind::Proxy,
        ureq::Error::Timeout(_) => FaultKind::TimedOut,
        ureq::Error::Protocol(_) => FaultKind::BadResponse,
        ureq::Error::LargeResponseHeader(..) => FaultKind::HeadTooLarge,
        // The connection ended where neither a chunk nor the body does.
        ureq::Error::BodyStalled => FaultKind::Lost,
        ureq::Error::Other(error) if error.is::<HeadTooLarge>() => FaultKind::HeadTooLarge,
        ureq::Error::Other(error) if error.is::<Cancelled>() => FaultKind::Cancelled,
        ureq::Error::Io(error) => match error.kind() {
            io::ErrorKind::ConnectionRefused
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::AddrNotAvailable => FaultKind::Connect,
            // A handshake that fails comes as the error of the first read or write.
            _ if error
                .get_ref()
                .is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>) =>
            {
                FaultKind::Connect
            }
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => FaultKind::TimedOut,
            _ => FaultKind::Lost,
        },
        _ => FaultKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use mesh_conformance::routes::{self, Route};
    use mesh_proto::call::{Moment, Settings, Step};
    use mesh_proto::endpoint::ListModels;
    use mesh_proto::{ApiKey, Call, Target};

    use super::*;

    #[test]
    fn an_error_of_tls_after_the_body_may_have_cost_something() {
        let tls = || ureq::Error::Io(io::Error::other(rustls::Error::DecryptError));
        assert_eq!(fault(&tls(), 0, 9), Fault::new(FaultKind::Connect));
        assert_eq!(fault(&tls(), 0, 0), Fault::new(FaultKind::Connect));
        assert_eq!(
            fault(&tls(), 4, 9),
            Fault::new(FaultKind::Lost).after(Sent::Part)
        );
        assert_eq!(
            fault(&tls(), 9, 9),
            Fault::new(FaultKind::Lost).after(Sent::Whole)
        );
    }

    #[test]
    fn a_limit_that_passes_before_the_connection_stands_sent_nothing() {
        for (limit, sent) in [
            (Timeout::Connect, Sent::Nothing),
            (Timeout::RecvResponse, Sent::Whole),
        ] {
            let expected = Fault::new(FaultKind::TimedOut).after(sent);
            assert_eq!(fault(&ureq::Error::Timeout(limit), 0, 0), expected);
        }
    }

    #[test]
    fn each_error_of_the_library_has_its_kind() {
        use ureq::Error as E;
        let io = |kind: io::ErrorKind| E::Io(kind.into());
        for (error, kind) in [
            (E::HostNotFound, FaultKind::Connect),
            (E::ConnectionFailed, FaultKind::Connect),
            (E::ConnectProxyFailed(String::new()), FaultKind::Proxy),
            (E::InvalidProxyUrl, FaultKind::Proxy),
            (E::Tls("no"), FaultKind::Connect),
            (E::Rustls(rustls::Error::DecryptError), FaultKind::Connect),
            (E::TlsRequired, FaultKind::Connect),
            (io(io::ErrorKind::ConnectionRefused), FaultKind::Connect),
            (io(io::ErrorKind::HostUnreachable), FaultKind::Connect),
            (io(io::ErrorKind::NetworkUnreachable), FaultKind::Connect),
            (io(io::ErrorKind::AddrNotAvailable), FaultKind::Connect),
            (E::Timeout(Timeout::Connect), FaultKind::TimedOut),
            (E::Timeout(Timeout::RecvBody), FaultKind::TimedOut),
            (io(io::ErrorKind::TimedOut), FaultKind::TimedOut),
            (io(io::ErrorKind::WouldBlock), FaultKind::TimedOut),
            (io(io::ErrorKind::UnexpectedEof), FaultKind::Lost),
            (io(io::ErrorKind::ConnectionReset), FaultKind::Lost),
            (io(io::ErrorKind::BrokenPipe), FaultKind::Lost),
            (E::BodyStalled, FaultKind::Lost),
            (E::LargeResponseHeader(2, 1), FaultKind::HeadTooLarge),
            (E::Other(HeadTooLarge.into()), FaultKind::HeadTooLarge),
            (E::Other(Cancelled.into()), FaultKind::Cancelled),
            (E::Other("no".into()), FaultKind::Other),
            (E::BadUri(String::new()), FaultKind::Other),
            (E::RequireHttpsOnly(String::new()), FaultKind::Other),
            (E::BodyExceedsLimit(1), FaultKind::Other),
            (E::StatusCode(500), FaultKind::Other),
            (E::RedirectFailed, FaultKind::Other),
            (E::TooManyRedirects, FaultKind::Other),
        ] {
            assert_eq!(fault_kind(&error), kind, "{error:?}");
        }
    }

    /// Sends a request, and returns the error that it ends with, and its causes.
    fn send(route: &Route) -> String {
        let variables = &route.variables;
        let proxies = Proxies::from_variables(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.into())
        });
        let mut options = AgentOptions {
            proxies: Arc::new(proxies),
            hosts: Some(Arc::new(routes::hosts)),
            ..AgentOptions::default()
        };
        if let Some(proxy) = route.proxy.clone() {
            let exempt = route.no_proxy;
            options.configure = Some(Arc::new(move |builder| {
                let uri: Uri = proxy.parse().unwrap();
                let proxy = ureq::Proxy::builder(ureq::ProxyProtocol::Http)
                    .host(uri.host().unwrap())
                    .port(uri.port_u16().unwrap())
                    .no_proxy(exempt);
                builder.proxy(Some(proxy.build().unwrap()))
            }));
        }
        let sender = match options.sender(route.reach, &route.base) {
            Ok(sender) => sender,
            Err(error) => return error.to_string(),
        };
        let request = Request::get(&route.url).body(Body::empty()).unwrap();
        let target = Target::new(route.base.clone(), ApiKey::new("rsk_test").unwrap());
        let settings = Settings::default();
        let now = Moment::ORIGIN;
        let mut call = Call::new(ListModels::new(), &target, &settings, now, 0).unwrap();
        let Step::Send(outgoing) = call.poll(now) else {
            panic!("nothing to send");
        };
        let scope = Scope::new(outgoing.limits(), None);
        let (error, fault) = sender.send(&request, &scope).unwrap_err();
        let (fault, source) = sender.failure(error, fault, request.uri());
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

    #[test]
    fn socks_proxy_in_the_builder_is_an_error() {
        let options = AgentOptions {
            configure: Some(Arc::new(|builder| {
                let proxy = ureq::Proxy::new("socks5://user:canary@127.0.0.1:1").unwrap();
                builder.proxy(Some(proxy))
            })),
            ..AgentOptions::default()
        };
        let base = BaseUrl::new("https://gateway.test").unwrap();
        let error = options.sender(Reach::Gateway, &base).unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains("SOCKS5") && !message.contains("canary"),
            "{message}"
        );
    }
}
