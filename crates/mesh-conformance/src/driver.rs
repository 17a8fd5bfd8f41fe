//! The drivers that go through the scenarios.

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use mesh_examples::{bare_socket, smol_runtime};
use mesh_proto::call::Settings;
use mesh_proto::{Answer, Call, Endpoint, Error, Moment, Target};
use tokio::runtime::{Builder, Runtime};

use crate::memory::MemoryGateway;
use crate::scenario::Need;

/// Whom to call, and how.
#[derive(Clone, Debug)]
pub struct Case {
    /// The gateway and the key.
    pub target: Target,
    /// Limits and retries.
    pub settings: Settings,
    /// The gateway itself, for a driver that reaches it without a network.
    pub memory: Option<Arc<MemoryGateway>>,
}

/// How a stream ended.
#[derive(Debug)]
pub struct Streamed<T> {
    /// The reply, or why there is none.
    pub result: Result<Answer<T>, Error>,
    /// What had been assembled where it failed.
    pub partial: Option<T>,
}

/// A client in some runtime, as the scenarios use it. One client serves all calls of a scenario.
pub trait Driver {
    /// What it is called.
    const NAME: &'static str;
    /// What it can do beyond what every driver can.
    const CAN: &'static [Need];
    /// Who answers it.
    const REACHES: Reaches = Reaches::Http1;

    /// A driver for a scenario.
    fn new(case: &Case) -> Self;
    /// Asks, and waits for the whole reply.
    fn send<E: Endpoint>(&self, endpoint: E) -> Result<Answer<E::Output>, Error>;
    /// Asks for a stream, and shows each event as it comes.
    fn stream<E: Endpoint>(
        &self,
        endpoint: E,
        seen: &mut dyn FnMut(&E::Event),
    ) -> Streamed<E::Output>;
    /// Lets the runtime see what has happened to its connections meanwhile, as one does that runs
    /// all the time.
    fn rest(&self) {}
}

/// Over what a driver is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaches {
    /// A socket, in HTTP/1.1.
    Http1,
    /// A socket, in HTTP/2.
    Http2,
    /// Memory, in virtual time.
    Memory,
}

/// `mesh-blocking`.
#[derive(Debug)]
pub struct Blocking(pub mesh_blocking::Client);

impl Driver for Blocking {
    const NAME: &'static str = "mesh-blocking";
    const CAN: &'static [Need] = &[Need::Http1, Need::KeptConnections];

    fn new(case: &Case) -> Self {
        let builder = mesh_blocking::Client::builder()
            .target(case.target.clone())
            .settings(case.settings.clone());
        Self(builder.build().expect("a client"))
    }

    fn send<E: Endpoint>(&self, endpoint: E) -> Result<Answer<E::Output>, Error> {
        self.0.send(endpoint)
    }

    fn stream<E: Endpoint>(
        &self,
        endpoint: E,
        seen: &mut dyn FnMut(&E::Event),
    ) -> Streamed<E::Output> {
        let mut stream = match self.0.stream(endpoint) {
            Ok(stream) => stream,
            Err(error) => return Streamed::failed(error),
        };
        for event in &mut stream {
            match event {
                Ok(event) => seen(&event),
                Err(error) => {
                    return Streamed {
                        result: Err(error),
                        partial: stream.into_partial(),
                    };
                }
            }
        }
        Streamed {
            result: stream.finish(),
            partial: None,
        }
    }
}

/// `mesh-async`, on a runtime of one thread or of `THREADS`, or in HTTP/2 on one of one.
#[derive(Debug)]
pub struct Async<const THREADS: usize, const HTTP2: bool = false> {
    /// The client.
    pub client: mesh_async::Client,
    /// What it runs in.
    pub runtime: Runtime,
}

impl<const THREADS: usize, const HTTP2: bool> Driver for Async<THREADS, HTTP2> {
    const NAME: &'static str = match (THREADS, HTTP2) {
        (1, false) => "mesh-async, current thread",
        (_, false) => "mesh-async, multi-thread",
        (_, true) => "mesh-async, HTTP/2",
    };
    const CAN: &'static [Need] = if HTTP2 {
        &[Need::Http2, Need::KeptConnections]
    } else {
        &[Need::Http1, Need::KeptConnections]
    };
    const REACHES: Reaches = if HTTP2 {
        Reaches::Http2
    } else {
        Reaches::Http1
    };

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
        let mut builder = mesh_async::Client::builder()
            .target(case.target.clone())
            .settings(case.settings.clone());
        if HTTP2 {
            builder = builder.http(mesh_async::reqwest::ClientBuilder::http2_prior_knowledge);
        }
        Self {
            client: builder.build().expect("a client"),
            runtime,
        }
    }

    fn send<E: Endpoint>(&self, endpoint: E) -> Result<Answer<E::Output>, Error> {
        self.runtime.block_on(self.client.send(endpoint))
    }

    fn stream<E: Endpoint>(
        &self,
        endpoint: E,
        seen: &mut dyn FnMut(&E::Event),
    ) -> Streamed<E::Output> {
        self.runtime.block_on(async {
            let mut stream = match self.client.stream(endpoint) {
                Ok(stream) => stream,
                Err(error) => return Streamed::failed(error),
            };
            while let Some(event) = stream.next().await {
                match event {
                    Ok(event) => seen(&event),
                    Err(error) => {
                        return Streamed {
                            result: Err(error),
                            partial: stream.into_partial(),
                        };
                    }
                }
            }
            Streamed {
                result: stream.finish().await,
                partial: None,
            }
        })
    }

    fn rest(&self) {
        self.runtime.block_on(async {
            for _ in 0..10 {
                tokio::task::spawn_blocking(|| ()).await.expect("a thread");
            }
        });
    }
}

/// A bare non-blocking socket: a stranger's driver without a runtime.
#[derive(Debug)]
pub struct BareSocket(Case);

impl Driver for BareSocket {
    const NAME: &'static str = "a bare socket";
    const CAN: &'static [Need] = &[Need::Http1];

    fn new(case: &Case) -> Self {
        Self(case.clone())
    }

    fn send<E: Endpoint>(&self, endpoint: E) -> Result<Answer<E::Output>, Error> {
        self.stream(endpoint, &mut |_| {}).result
    }

    fn stream<E: Endpoint>(
        &self,
        endpoint: E,
        seen: &mut dyn FnMut(&E::Event),
    ) -> Streamed<E::Output> {
        self.0.drive(endpoint, |call, origin| {
            bare_socket::drive(call, origin, |event| seen(&event))
        })
    }
}

/// smol: a stranger's driver in a runtime other than tokio.
#[derive(Debug)]
pub struct Smol(Case);

impl Driver for Smol {
    const NAME: &'static str = "smol";
    const CAN: &'static [Need] = &[Need::Http1];

    fn new(case: &Case) -> Self {
        Self(case.clone())
    }

    fn send<E: Endpoint>(&self, endpoint: E) -> Result<Answer<E::Output>, Error> {
        self.stream(endpoint, &mut |_| {}).result
    }

    fn stream<E: Endpoint>(
        &self,
        endpoint: E,
        seen: &mut dyn FnMut(&E::Event),
    ) -> Streamed<E::Output> {
        self.0.drive(endpoint, |call, origin| {
            let driving = smol_runtime::drive(call, origin, |event| seen(&event));
            smol::block_on(driving)
        })
    }
}

/// What moments count from: the same for all calls, as those of a case share a retry budget.
static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Case {
    /// A call in real time, driven by a stranger.
    fn drive<E: Endpoint>(
        &self,
        endpoint: E,
        drive: impl FnOnce(
            &mut Call<E>,
            Instant,
        ) -> Result<Answer<E::Output>, mesh_proto::call::CallError>,
    ) -> Streamed<E::Output> {
        let origin = *ORIGIN;
        let now = Moment::after_origin(origin.elapsed());
        match Call::new(endpoint, &self.target, &self.settings, now, 7) {
            Ok(mut call) => {
                let result = drive(&mut call, origin);
                Streamed::of(result.map_err(Error::from), call)
            }
            Err(error) => Streamed::failed(error.into()),
        }
    }
}

impl<T> Streamed<T> {
    /// What never began.
    pub fn failed(error: Error) -> Self {
        Self {
            result: Err(error),
            partial: None,
        }
    }

    /// What a call has ended with.
    pub fn of<E: Endpoint<Output = T>>(result: Result<Answer<T>, Error>, call: Call<E>) -> Self {
        let partial = if result.is_err() {
            call.into_partial()
        } else {
            None
        };
        Self { result, partial }
    }
}
