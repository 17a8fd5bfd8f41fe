//! What the clients do in more than one exchange, over real sockets: pictures fetched to be sent,
//! answers asked for again.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test has sockets and threads, and says when it fails"
)]

mod inlining;
mod parsing;

use std::time::Duration;

use mesh_conformance::{Exchange, ScriptedServer};
use mesh_proto::call::Settings;
use mesh_proto::download::DownloadBounds;
use mesh_proto::image::Image;
use mesh_proto::structured::{Parse, Parsed};
use mesh_proto::{ApiKey, BaseUrl, ChatRequest, Error, Target};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

/// Either client.
enum Client {
    Blocking(mesh_blocking::Client),
    Async(mesh_async::Client, Runtime),
}

impl Client {
    fn inline_within(&self, url: &str, bounds: DownloadBounds) -> Result<Image, Error> {
        match self {
            Self::Blocking(client) => client.inline_within(url, bounds),
            Self::Async(client, runtime) => runtime.block_on(client.inline_within(url, bounds)),
        }
    }

    fn inline(&self, url: &str) -> Result<Image, Error> {
        match self {
            Self::Blocking(client) => client.inline(url),
            Self::Async(client, runtime) => runtime.block_on(client.inline(url)),
        }
    }

    fn inline_all(&self, request: &mut ChatRequest) -> Result<(), Error> {
        match self {
            Self::Blocking(client) => client.inline_all(request),
            Self::Async(client, runtime) => runtime.block_on(client.inline_all(request)),
        }
    }

    fn parse(&self, parse: Parse<Value>) -> Result<Parsed<Value>, Error> {
        match self {
            Self::Blocking(client) => client.chat().completions().parse(parse),
            Self::Async(client, runtime) => {
                runtime.block_on(client.chat().completions().parse(parse))
            }
        }
    }
}

/// Runs a test with each client, and a server of its own that follows `scripts`.
fn each(scripts: &[Exchange], test: impl Fn(&Client, &ScriptedServer)) {
    let target = |server: &ScriptedServer| {
        let base = BaseUrl::new(server.base_url()).unwrap();
        Target::new(base, ApiKey::new("rsk_canary").unwrap())
    };
    let mut settings = Settings::default();
    settings.retry.base = Duration::from_millis(1);

    let server = ScriptedServer::start(scripts.to_vec());
    let builder = mesh_blocking::Client::builder().target(target(&server));
    let client = builder.settings(settings.clone()).build().unwrap();
    test(&Client::Blocking(client), &server);

    let server = ScriptedServer::start(scripts.to_vec());
    let builder = mesh_async::Client::builder().target(target(&server));
    let client = builder.settings(settings).build().unwrap();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    test(&Client::Async(client, runtime), &server);
}
