//! An agent, and the proxy that each of its requests goes through.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use mesh_proto::BaseUrl;
use mesh_proto::SetUpError;
use mesh_proto::call::{Fault, FaultKind};
use mesh_proto::download::Reach;
use ureq::config::ConfigBuilder;
use ureq::http::{Request, Response, Uri};
use ureq::typestate::AgentScope;
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, AsSendBody, Body, Error, Proxy, ProxyProtocol};

use super::resolver::ReachResolver;
use super::transport::ScopedConnector;
use crate::connect::{Hosts, Proxies, ThroughProxy};

/// An agent that connects within its reach only, through a proxy or directly. It has to be used
/// within a [`Scope`](super::Scope).
#[derive(Clone, Debug)]
pub struct RoutedAgent {
    agent: Agent,
    proxies: Configured,
}

/// Where the proxies come from.
#[derive(Clone, Debug)]
enum Configured {
    None,
    Builder(Proxy),
    Environment(Arc<Proxies>),
}

/// In the builder, it stands for the proxies of the environment.
const ENVIRONMENT: &str = "http://environment.invalid";

impl RoutedAgent {
    /// Makes an agent for a reach from `blank`, which `configure` changes as the caller has it. A
    /// proxy that is set there replaces those of the environment, and `None` switches them off.
    ///
    /// # Errors
    ///
    /// Returns an error if the environment or the caller names a proxy that cannot be used.
    pub fn new(
        reach: Reach,
        base: &BaseUrl,
        proxies: &Arc<Proxies>,
        hosts: Option<&Hosts>,
        blank: ConfigBuilder<AgentScope>,
        configure: impl FnOnce(ConfigBuilder<AgentScope>) -> ConfigBuilder<AgentScope>,
    ) -> Result<Self, SetUpError> {
        let environment =
            Proxy::new(ENVIRONMENT).map_err(|error| SetUpError::Http(error.into()))?;
        let mut builder = configure(blank.proxy(Some(environment.clone())));
        if reach == Reach::Gateway && base.is_loopback() {
            builder = builder.proxy(None);
        }
        let config = builder.build();
        let proxies = match config.proxy() {
            None => Configured::None,
            Some(proxy) if *proxy == environment => {
                proxies.check(reach, base)?;
                Configured::Environment(proxies.clone())
            }
            Some(proxy) => match proxy.protocol() {
                ProxyProtocol::Http | ProxyProtocol::Https => Configured::Builder(proxy.clone()),
                protocol => {
                    return Err(SetUpError::Proxy(format!(
                        "the builder sets a {protocol} proxy, which is not supported: use an \
                         http or https proxy"
                    )));
                }
            },
        };
        // ureq asks the connector's resolver for proxies, and the agent's for hosts.
        let connector = ScopedConnector {
            resolver: ReachResolver::new(Reach::Anywhere, hosts),
            connector: Arc::new(DefaultConnector::new()),
        };
        let resolver = ReachResolver::new(reach, hosts);
        Ok(Self {
            agent: Agent::with_parts(config, connector, resolver),
            proxies,
        })
    }

    /// Sends a request.
    ///
    /// # Errors
    ///
    /// Returns ureq's error if there is no response.
    pub fn run(&self, request: Request<impl AsSendBody>) -> Result<Response<Body>, Error> {
        let Configured::Environment(proxies) = &self.proxies else {
            return self.agent.run(request);
        };
        let route = proxies.route(request.uri());
        let proxy = match route.map_err(|_| Error::InvalidProxyUrl)? {
            Some(proxy) => Some(Proxy::new(&proxy.url_with_credentials())?),
            None => None,
        };
        let request = self.agent.configure_request(request).proxy(proxy).build();
        self.agent.run(request)
    }

    /// The failure of a request to a URL, and the error to be shown for it: if it could not connect
    /// through a proxy, both say so.
    pub fn failure(
        &self,
        error: Error,
        fault: Fault,
        url: &Uri,
    ) -> (Fault, Box<dyn StdError + Send + Sync>) {
        let kind = match fault.kind {
            FaultKind::Connect | FaultKind::Proxy => FaultKind::Proxy,
            FaultKind::TimedOut if matches!(error, Error::Timeout(ureq::Timeout::Connect)) => {
                FaultKind::TimedOut
            }
            _ => return (fault, error.into()),
        };
        match self.proxy(url) {
            Some(proxy) => {
                let fault = Fault { kind, ..fault };
                (fault, ThroughProxy::new(proxy, error).into())
            }
            None => (fault, error.into()),
        }
    }

    /// The proxy that leads to a URL, without its credentials.
    fn proxy(&self, url: &Uri) -> Option<String> {
        match &self.proxies {
            Configured::None => None,
            Configured::Environment(proxies) => Some(proxies.route(url).ok()??.to_string()),
            Configured::Builder(proxy) if proxy.is_no_proxy(url) => None,
            Configured::Builder(proxy) => Some(Named(proxy).to_string()),
        }
    }
}

/// A proxy of the builder, without its credentials.
struct Named<'a>(&'a Proxy);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.0.protocol() {
            ProxyProtocol::Https => "https",
            _ => "http",
        };
        let (host, port) = (self.0.host(), self.0.port());
        write!(f, "{scheme}://{host}:{port} (set in the builder)")
    }
}
