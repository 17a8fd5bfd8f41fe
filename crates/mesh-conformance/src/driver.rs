//! The drivers that go through the scenarios.

use mesh_proto::call::Settings;
use mesh_proto::chat::{ChatChunk, ChatReply, ChatRequest};
use mesh_proto::image::GeneratedImage;
use mesh_proto::models::ModelList;
use mesh_proto::{Answer, Error, Target};
use tokio::runtime::{Builder, Runtime};

use crate::server::ScriptedServer;

/// Whom to call, and how.
#[derive(Clone, Debug)]
pub struct Case {
    /// The gateway and the key.
    pub target: Target,
    /// Limits and retries.
    pub settings: Settings,
}

/// What a stream showed.
#[derive(Debug)]
pub struct Streamed {
    /// The events' texts.
    pub texts: Vec<String>,
    /// How it ended.
    pub result: Result<Answer<ChatReply>, Error>,
    /// What had been assembled where it failed.
    pub partial: Option<ChatReply>,
}

/// A client in some runtime, as the scenarios use it. One client serves all calls of a scenario.
pub trait Driver {
    /// A driver for a scenario.
    fn new(case: &Case) -> Self;
    /// Asks, and waits for the whole reply.
    fn create(&self, request: &ChatRequest) -> Result<Answer<ChatReply>, Error>;
    /// Asks for a stream, and shows each event as it comes.
    fn stream(&self, request: &ChatRequest, seen: &mut dyn FnMut(&ChatChunk)) -> Streamed;
    /// Asks for a stream, takes one event, gives up, and waits until `server` has reported twice:
    /// the request, and that the client has hung up.
    fn abandon(&self, request: &ChatRequest, server: ScriptedServer);
    /// Lets the runtime see what has happened to its connections meanwhile, as one does that runs
    /// all the time.
    fn rest(&self);
    /// Lists the models.
    fn list(&self) -> Result<Answer<ModelList>, Error>;
    /// Fetches a picture.
    fn download(&self, image: &GeneratedImage) -> Result<GeneratedImage, Error>;
}

/// `mesh-blocking`.
#[derive(Debug)]
pub struct Blocking(mesh_blocking::Client);

impl Driver for Blocking {
    fn new(case: &Case) -> Self {
        let builder = mesh_blocking::Client::builder()
            .target(case.target.clone())
            .settings(case.settings.clone());
        Self(builder.build().expect("a client"))
    }

    fn create(&self, request: &ChatRequest) -> Result<Answer<ChatReply>, Error> {
        self.0.chat().completions().create(request)
    }

    fn stream(&self, request: &ChatRequest, seen: &mut dyn FnMut(&ChatChunk)) -> Streamed {
        let mut stream = self
            .0
            .chat()
            .completions()
            .stream(request)
            .expect("a request");
        let mut texts = Vec::new();
        let mut failure = None;
        for chunk in &mut stream {
            match chunk {
                Ok(chunk) => {
                    texts.push(chunk.text().into_owned());
                    seen(&chunk);
                }
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            Some(error) => Streamed {
                texts,
                result: Err(error),
                partial: stream.into_partial(),
            },
            None => Streamed {
                texts,
                result: stream.finish(),
                partial: None,
            },
        }
    }

    fn abandon(&self, request: &ChatRequest, server: ScriptedServer) {
        let mut stream = self
            .0
            .chat()
            .completions()
            .stream(request)
            .expect("a request");
        stream.next().expect("an event").expect("an event");
        drop(stream);
        server.next();
        server.next();
    }

    fn rest(&self) {}

    fn list(&self) -> Result<Answer<ModelList>, Error> {
        self.0.models().list()
    }

    fn download(&self, image: &GeneratedImage) -> Result<GeneratedImage, Error> {
        self.0.download(image)
    }
}

/// `mesh-async`, on a runtime of one thread or of `THREADS`.
#[derive(Debug)]
pub struct Async<const THREADS: usize> {
    client: mesh_async::Client,
    runtime: Runtime,
}

impl<const THREADS: usize> Driver for Async<THREADS> {
    fn new(case: &Case) -> Self {
        let mut builder = if THREADS > 1 {
            Builder::new_multi_thread()
        } else {
            Builder::new_current_thread()
        };
        let runtime = builder
            .worker_threads(THREADS)
            .enable_all()
            .build()
            .expect("a runtime");
        let builder = mesh_async::Client::builder()
            .target(case.target.clone())
            .settings(case.settings.clone());
        Self {
            client: builder.build().expect("a client"),
            runtime,
        }
    }

    fn create(&self, request: &ChatRequest) -> Result<Answer<ChatReply>, Error> {
        self.runtime
            .block_on(self.client.chat().completions().create(request))
    }

    fn stream(&self, request: &ChatRequest, seen: &mut dyn FnMut(&ChatChunk)) -> Streamed {
        self.runtime.block_on(async {
            let mut stream = self
                .client
                .chat()
                .completions()
                .stream(request)
                .expect("a request");
            let mut texts = Vec::new();
            let mut failure = None;
            while let Some(chunk) = stream.next().await {
                match chunk {
                    Ok(chunk) => {
                        texts.push(chunk.text().into_owned());
                        seen(&chunk);
                    }
                    Err(error) => failure = Some(error),
                }
            }
            match failure {
                Some(error) => Streamed {
                    texts,
                    result: Err(error),
                    partial: stream.into_partial(),
                },
                None => Streamed {
                    texts,
                    result: stream.finish().await,
                    partial: None,
                },
            }
        })
    }

    fn abandon(&self, request: &ChatRequest, server: ScriptedServer) {
        self.runtime.block_on(async {
            let mut stream = self
                .client
                .chat()
                .completions()
                .stream(request)
                .expect("a request");
            stream.next().await.expect("an event").expect("an event");
            drop(stream);
            // A runtime of one thread closes the connection only while it runs.
            let hung_up = tokio::task::spawn_blocking(move || [server.next(), server.next()]);
            hung_up.await.expect("a report");
        });
    }

    fn rest(&self) {
        self.runtime.block_on(async {
            for _ in 0..10 {
                tokio::task::spawn_blocking(|| ()).await.expect("a thread");
            }
        });
    }

    fn list(&self) -> Result<Answer<ModelList>, Error> {
        self.runtime.block_on(self.client.models().list())
    }

    fn download(&self, image: &GeneratedImage) -> Result<GeneratedImage, Error> {
        self.runtime.block_on(self.client.download(image))
    }
}
