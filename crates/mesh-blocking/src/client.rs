//! The client: a target, settings, and an agent.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use mesh_io::connect::{Proxies, Routes};
use mesh_io::save::{Draft, SaveError, Saved};
use mesh_io::{chance, variable};
use mesh_proto::SetUpError;
use mesh_proto::call::CallOptions;
use mesh_proto::destination::Destination;
use mesh_proto::download::{Download, DownloadBounds, Fetch, Reach};
use mesh_proto::image::{GeneratedImage, Image};
use mesh_proto::{Answer, BaseUrl, Call, ChatRequest, Endpoint, Error, Moment, Settings, Target};
use ureq::config::ConfigBuilder;
use ureq::typestate::AgentScope;

use crate::agent::{AgentOptions, Sender};
use crate::driver::{Driver, Progress};
use crate::stream::EventStream;

/// A client of one gateway with one key. Cheap to clone; clones share connections and the retry
/// budget.
#[derive(Clone)]
pub struct Client {
    target: Target,
    settings: Settings,
    shared: Arc<Shared>,
}

struct Shared {
    routes: Routes<Sender>,
    options: AgentOptions,
    clock: Clock,
}

impl Client {
    /// A client as environment variables have it: the key in `MESHAPI_API_KEY` or else
    /// `MESH_API_KEY`, the base URL in `MESHAPI_BASE_URL` or else Mesh's own.
    ///
    /// Errors where there is no key, or a value is not valid.
    pub fn from_env() -> Result<Self, SetUpError> {
        Self::builder().build()
    }

    /// A client to be configured. The key and the base URL come from the environment variables of
    /// [`Client::from_env`] unless they are set.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// The same client with some things done differently; it shares connections with this one.
    pub fn with(&self, options: &CallOptions) -> Self {
        let (target, settings) = options.apply(&self.target, &self.settings);
        Self {
            target,
            settings,
            shared: self.shared.clone(),
        }
    }

    /// The gateway and the key.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Calls any endpoint, and waits for its whole reply.
    ///
    /// Errors where the request cannot be built, the gateway refuses it, or no reply can be read;
    /// [`Error::outcome`] says what that may have cost.
    pub fn send<E: Endpoint>(&self, endpoint: E) -> Result<Answer<E::Output>, Error> {
        Ok(self.drive(endpoint)?.finish()?)
    }

    /// Calls any endpoint, and gives its events as they arrive. Nothing is sent before the first
    /// event is asked for.
    ///
    /// Errors where the request cannot be built; what goes wrong later comes as the stream's item.
    pub fn stream<E: Endpoint>(&self, endpoint: E) -> Result<EventStream<E>, Error> {
        self.drive(endpoint).map(EventStream::new)
    }

    /// Fetches the picture behind an image's URL: without the key, over https, at most 64 MiB,
    /// from public addresses or the gateway's own origin. An image whose bytes are there is given
    /// back as it is.
    ///
    /// Errors where the URL leads elsewhere, or the picture cannot be fetched.
    pub fn download(&self, image: &GeneratedImage) -> Result<GeneratedImage, Error> {
        self.download_within(image, DownloadBounds::default())
    }

    /// As [`Client::download`], within other bounds.
    pub fn download_within(
        &self,
        image: &GeneratedImage,
        bounds: DownloadBounds,
    ) -> Result<GeneratedImage, Error> {
        let Some(url) = image.remote_url() else {
            return Ok(image.clone());
        };
        let began = self.shared.clock.now();
        let fetch = Fetch::new(url, bounds, Download::whole, began)?;
        let fetched = self.fetch(fetch, |never| match never {});
        let prompt = image.revised_prompt().map(str::to_owned);
        fetched.map(|fetched| fetched.with_revised_prompt(prompt))
    }

    /// Saves a picture as a file, decoded or fetched on the way into it, so that it is never whole
    /// in memory. The file is there whole or not at all. A path is a destination: it gets the
    /// ending of what the picture is, unless it has one, and no file that is there is touched.
    ///
    /// A picture behind a URL is fetched as [`Client::download`] does it.
    ///
    /// Errors where it cannot be fetched, is no picture, or has no place there; nothing is left
    /// behind then.
    pub fn save(
        &self,
        image: &GeneratedImage,
        to: impl Into<Destination>,
    ) -> Result<Saved, SaveError> {
        let mut draft = Draft::create(to)?;
        let inline = match image.remote_url() {
            None => Some(image.clone()),
            Some(url) => {
                let (bounds, began) = (draft.destination().bounds(), self.shared.clock.now());
                let fetch = Fetch::new(url, bounds, Download::in_pieces, began)?;
                self.fetch(fetch, |piece| {
                    draft.push(piece);
                    draft.flush()
                })?
            }
        };
        if let Some(inline) = inline {
            let mut reader = draft.begin(&inline)?;
            while draft.copy(&mut reader)?.is_continue() {}
        }
        draft.finish()
    }

    fn fetch<E: Endpoint, F: From<Error>>(
        &self,
        mut fetch: Fetch<E>,
        mut take: impl FnMut(E::Event) -> Result<(), F>,
    ) -> Result<E::Output, F> {
        let clock = self.shared.clock;
        loop {
            let (reach, call) = fetch
                .call(&self.target, &self.settings, clock.now(), chance())
                .map_err(Error::from)?;
            let sender = self.reaching(reach)?;
            let mut driver = Driver::new(call, sender, clock);
            let error = loop {
                match driver.advance() {
                    Progress::Event(event) => take(event)?,
                    Progress::Done(Ok(answer)) => return Ok(answer.value),
                    Progress::Done(Err(error)) => break error,
                }
            };
            fetch.follow(error)?;
        }
    }

    /// Fetches the picture behind a public URL, to be sent as bytes: some providers refuse URLs. It
    /// is fetched as [`Client::download`] does it. A data URL is read without fetching.
    ///
    /// Errors as [`Client::download`] does, and where what is there is not a picture that models
    /// take, and says what it is. A picture that is fetched costs nothing.
    pub fn inline(&self, url: impl AsRef<str>) -> Result<Image, Error> {
        self.inline_within(url, DownloadBounds::default())
    }

    /// As [`Client::inline`], within other bounds.
    pub fn inline_within(
        &self,
        url: impl AsRef<str>,
        bounds: DownloadBounds,
    ) -> Result<Image, Error> {
        let image = Download::input(url.as_ref())?;
        let fetched = self.download_within(&image, bounds)?;
        Ok(Download::to_be_sent(&fetched)?)
    }

    /// Fetches every picture of a request that is behind a URL, one after another, and puts its
    /// bytes in the URL's place.
    ///
    /// Errors as [`Client::inline`] does, at the first; those before it are in their places then.
    pub fn inline_all(&self, request: &mut ChatRequest) -> Result<(), Error> {
        for image in request.images_mut() {
            if let Some(url) = image.remote_url() {
                let fetched = self.inline(url)?;
                *image = image.clone().with_source_of(fetched);
            }
        }
        Ok(())
    }

    fn reaching(&self, reach: Reach) -> Result<Sender, Error> {
        let Shared {
            routes, options, ..
        } = &*self.shared;
        routes.reaching(reach, || options.sender(reach, self.target.base()))
    }

    fn drive<E: Endpoint>(&self, endpoint: E) -> Result<Driver<E>, Error> {
        let (clock, sender) = (self.shared.clock, self.shared.routes.gateway());
        let call = Call::new(
            endpoint,
            &self.target,
            &self.settings,
            clock.now(),
            chance(),
        )?;
        Ok(Driver::new(call, sender, clock))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("target", &self.target)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Time since the client was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn starting_now() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now(self) -> Moment {
        Moment::after_origin(self.0.elapsed())
    }
}

/// A client in the making: see [`Client::builder`].
#[derive(Clone, Default)]
#[must_use]
pub struct ClientBuilder {
    target: Option<Target>,
    key: Option<String>,
    base: Option<String>,
    settings: Settings,
    options: AgentOptions,
}

impl ClientBuilder {
    /// Sets gateway, key and headers at once.
    pub fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// Sets the key; the one of the environment by default.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets the base URL, with or without `/v1`; the one of the environment by default, or else
    /// Mesh's own. Plain `http` is for loopback hosts; for others, see [`ClientBuilder::target`].
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base = Some(url.into());
        self
    }

    /// Sets limits, retries and the observer of attempts.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Changes the configuration of the HTTP client beneath: proxy, pool, TLS, middleware.
    /// Redirects, retries and errors by status stay with the core, and time limits with the
    /// settings, whatever is set here.
    ///
    /// The proxies of the environment (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`) are read by this
    /// crate. A proxy that is set here replaces them, and `proxy(None)` switches them off.
    pub fn http(
        mut self,
        configure: impl Fn(ConfigBuilder<AgentScope>) -> ConfigBuilder<AgentScope>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.options.configure = Some(Arc::new(configure));
        self
    }

    /// Trusts a certificate authority, in PEM, beside the system's own.
    pub fn certificate_authority(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.options.authorities.add(pem.into());
        self
    }

    /// The client.
    ///
    /// Errors where there is no key, neither set nor in the environment, a value is not valid, or no
    /// certificate can be trusted.
    pub fn build(self) -> Result<Client, SetUpError> {
        let target = match self.target {
            Some(target) => target,
            None => Target::resolve(self.key.as_deref(), self.base.as_deref(), variable)?,
        };
        let options = AgentOptions {
            proxies: Arc::new(Proxies::from_env()),
            ..self.options
        };
        let gateway = options.sender(Reach::Gateway, target.base())?;
        let shared = Shared {
            routes: Routes::new(gateway),
            options,
            clock: Clock::starting_now(),
        };
        Ok(Client {
            target,
            settings: self.settings,
            shared: Arc::new(shared),
        })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is no base URL may hold a password.
        let base = self.base.as_deref().map(BaseUrl::new);
        f.debug_struct("ClientBuilder")
            .field("target", &self.target)
            .field("base", &base)
            .finish_non_exhaustive()
    }
}
