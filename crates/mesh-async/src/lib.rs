//! The async client of Mesh API, for tokio.
//!
//! Show a photograph to a model:
//!
//! ```
//! use mesh_async::ChatRequest;
//! # let gateway = mesh_emulator::Server::start(Default::default())?;
//! # let photo = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/photos/rocket.jpg");
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//!
//! # /*
//! let mesh = mesh_async::Client::from_env()?;
//! let photo = mesh_async::image::open("rocket.jpg").await?;
//! # */
//! # let mesh = mesh_async::Client::builder().key(gateway.key()).base_url(gateway.base_url()).build()?;
//! # let photo = mesh_async::image::open(photo).await?;
//! let request = ChatRequest::new("openai/gpt-4o").user(("What is in this image?", photo));
//! let mut stream = mesh.chat().completions().stream(&request)?;
//! while let Some(chunk) = stream.next().await {
//!     print!("{}", chunk?.text());
//! }
//! # assert!(stream.reply().is_some_and(|reply| reply.text().contains("JPEG")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Everything that is decided (retries, back-off, time limits, streams, errors) is decided in
//! [`mesh_proto`]; this crate drives it with [`reqwest`]. A client is cheap to clone. Streams are
//! polled in place: no task is spawned, and dropping one cancels its call.

mod client;
mod driver;
mod http_client;
pub mod image;
mod resources;
mod search;
mod stream;

pub use mesh_proto::SetUpError;
pub use mesh_proto::call::{CallOptions, RetryPolicy};
pub use mesh_proto::chat::{
    ChatChunk, ChatReply, ChatRequest, Content, ImageFormat, ImageOptions, Message, Part, Quality,
    Role,
};
pub use mesh_proto::endpoint::{ListModels, SearchModels};
pub use mesh_proto::error::NoPicture;
pub use mesh_proto::error::{ApiError, ErrorCode};
pub use mesh_proto::image::{Detail, GeneratedImage, Image};
pub use mesh_proto::images::{EditRequest, ImageReply, ImageRequest, Operation, UpscaleFactor};
pub use mesh_proto::models::Model;
pub use mesh_proto::structured::{Parse, Parsed};
pub use mesh_proto::{
    Answer, ApiKey, BaseUrl, Endpoint, Error, Head, Outcome, Settings, Target, Usd,
};

pub use self::client::{Client, ClientBuilder};
pub use self::resources::{Chat, Completions, Images, Models};
pub use self::search::ModelSearch;
pub use self::stream::EventStream;
pub use {mesh_proto as proto, reqwest};
