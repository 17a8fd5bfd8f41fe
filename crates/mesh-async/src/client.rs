//! The client: a target, settings, and an HTTP client.

use std::fmt;
use std::future::poll_fn;
use std::ops::ControlFlow;
use std::sync::Arc;

use mesh_io::connect::{Proxies, Routes};
use mesh_io::save::{SaveError, Saved, Saving};
use mesh_io::{chance, variable};
use mesh_proto::SetUpError;
use mesh_proto::call::CallOptions;
use mesh_proto::destination::Destination;
use mesh_proto::download::{Download, DownloadBounds, Fetch, Reach};
use mesh_proto::image::{GeneratedImage, Image};
use mesh_proto::{Answer, BaseUrl, Call, ChatRequest, Endpoint, Error, Settings, Target};
use tokio::time::Instant;

use crate::driver::{Clock, Driver, Progress};
use crate::http_client::{HttpClient, HttpOptions};
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
    routes: Routes<HttpClient>,
    options: HttpOptions,
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
    pub async fn send<E: Endpoint>(&self, endpoint: E) -> Result<Answer<E::Output>, Error> {
        Ok(self.drive(endpoint)?.finish().await?)
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
    pub async fn download(&self, image: &GeneratedImage) -> Result<GeneratedImage, Error> {
        self.download_within(image, DownloadBounds::default()).await
    }

    /// As [`Client::download`], within other bounds.
    pub async fn download_within(
        &self,
        image: &GeneratedImage,
        bounds: DownloadBounds,
    ) -> Result<GeneratedImage, Error> {
        let Some(url) = image.remote_url() else {
            return Ok(image.clone());
        };
        let began = self.shared.clock.now();
        let mut fetch = (Fetch::new(url, bounds, Download::whole, began)?, None);
        let ControlFlow::Break(fetched) = self.next(&mut fetch).await?;
        let prompt = image.revised_prompt().map(str::to_owned);
        Ok(fetched.with_revised_prompt(prompt))
    }

    /// Saves a picture as a file, decoded or fetched on the way into it, so that it is never whole
    /// in memory. The file is there whole or not at all. A path is a destination: it gets the
    /// ending of what the picture is, unless it has one, and no file that is there is touched.
    ///
    /// A picture behind a URL is fetched as [`Client::download`] does it. Files are written off the
    /// runtime. Dropped before the picture is put into its place, nothing of it is left.
    ///
    /// Errors where it cannot be fetched, is no picture, or has no place there; nothing is left
    /// behind then.
    pub async fn save(
        &self,
        image: &GeneratedImage,
        to: impl Into<Destination>,
    ) -> Result<Saved, SaveError> {
        let to = to.into();
        let bounds = to.bounds();
        let mut saving = Saving::create(to).await?;
        let inline = match image.remote_url() {
            None => Some(image.clone()),
            Some(url) => {
                let began = self.shared.clock.now();
                let fetch = Fetch::new(url, bounds, Download::in_pieces, began)?;
                let mut fetch = (fetch, None);
                loop {
                    match self.next(&mut fetch).await? {
                        ControlFlow::Continue(piece) => saving.take(piece).await?,
                        ControlFlow::Break(inline) => break inline,
                    }
                }
            }
        };
        if let Some(inline) = inline {
            saving.copy(inline).await?;
        }
        saving.finish().await
    }

    /// What comes next of a picture that is fetched, with the call that is under way.
    async fn next<E: Endpoint>(
        &self,
        (fetch, driver): &mut (Fetch<E>, Option<Driver<E>>),
    ) -> Result<ControlFlow<E::Output, E::Event>, Error> {
        let clock = self.shared.clock;
        loop {
            let Some(under_way) = driver else {
                let (reach, call) =
                    fetch.call(&self.target, &self.settings, clock.now(), chance())?;
                let client = self.reaching(reach)?;
                *driver = Some(Driver::new(call, client, clock));
                continue;
            };
            match poll_fn(|context| under_way.poll_advance(context)).await {
                Progress::Event(event) => return Ok(ControlFlow::Continue(event)),
                Progress::Done(Ok(answer)) => return Ok(ControlFlow::Break(answer.value)),
                Progress::Done(Err(error)) => fetch.follow(error)?,
            }
            *driver = None;
        }
    }

    /// Fetches the picture behind a public URL, to be sent as bytes: some providers refuse URLs. It
    /// is fetched as [`Client::download`] does it. A data URL is read without fetching.
    ///
    /// Errors as [`Client::download`] does, and where what is there is not a picture that models
    /// take, and says what it is. A picture that is fetched costs nothing.
    pub async fn inline(&self, url: impl AsRef<str>) -> Result<Image, Error> {
        self.inline_within(url, DownloadBounds::default()).await
    }

    /// As [`Client::inline`], within other bounds.
    pub async fn inline_within(
        &self,
        url: impl AsRef<str>,
        bounds: DownloadBounds,
    ) -> Result<Image, Error> {
        let image = Download::input(url.as_ref())?;
        let fetched = self.download_within(&image, bounds).await?;
        Ok(Download::to_be_sent(&fetched)?)
    }

    /// Fetches every picture of a request that is behind a URL, one after another, and puts its
    /// bytes in the URL's place.
    ///
    /// Errors as [`Client::inline`] does, at the first; those before it are in their places then.
    pub async fn inline_all(&self, request: &mut ChatRequest) -> Result<(), Error> {
        for image in request.images_mut() {
            if let Some(url) = image.remote_url() {
                let fetched = self.inline(url).await?;
                *image = image.clone().with_source_of(fetched);
            }
        }
        Ok(())
    }

    fn reaching(&self, reach: Reach) -> Result<HttpClient, Error> {
        let Shared {
            routes, options, ..
        } = &*self.shared;
        routes.reaching(reach, || options.client(reach, self.target.base()))
    }

    /// A call under way; apart, so that the futures around it are small: they are moved about.
    fn drive<E: Endpoint>(&self, endpoint: E) -> Result<Box<Driver<E>>, Error> {
        let (clock, client) = (self.shared.clock, self.shared.routes.gateway());
        let call = Call::new(
            endpoint,
            &self.target,
            &self.settings,
            clock.now(),
            chance(),
        )?;
        Ok(Box::new(Driver::new(call, client, clock)))
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

/// A client in the making: see [`Client::builder`].
#[derive(Clone, Default)]
#[must_use]
pub struct ClientBuilder {
    target: Option<Target>,
    key: Option<String>,
    base: Option<String>,
    settings: Settings,
    options: HttpOptions,
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

    /// Changes the configuration of the HTTP client beneath: proxy, pool, TLS. Redirects and retries
    /// stay with the core, whatever is set here.
    ///
    /// The proxies of the environment (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`) are read by this
    /// crate. A proxy that is set here comes before them, and
    /// [`no_proxy`](reqwest::ClientBuilder::no_proxy) switches them off.
    pub fn http(
        mut self,
        configure: impl Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync + 'static,
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
        let options = HttpOptions {
            connect: self.settings.deadlines.connect,
            proxies: Arc::new(Proxies::from_env()),
            ..self.options
        };
        let gateway = options.client(Reach::Gateway, target.base())?;
        let shared = Shared {
            routes: Routes::new(gateway),
            options,
            clock: Clock(Instant::now()),
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
