//! The blocking client of Mesh API.
//!
//! Show a photograph to a model:
//!
//! ```
//! use mesh_blocking::ChatRequest;
//! # let gateway = mesh_emulator::Server::start(Default::default())?;
//! # let photo = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/photos/rocket.jpg");
//! # let client = || mesh_blocking::Client::builder().key(gateway.key()).base_url(gateway.base_url()).build();
//!
//! # /*
//! let mesh = mesh_blocking::Client::from_env()?;
//! let photo = mesh_blocking::image::open("rocket.jpg")?;
//! # */
//! # let mesh = client()?;
//! # let photo = mesh_blocking::image::open(photo)?;
//! let reply = mesh.chat().completions().create(
//!     &ChatRequest::new("openai/gpt-4o").user(("What is in this image?", photo)))?;
//! println!("{}", reply.text());
//! # assert!(reply.text().contains("JPEG"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Everything that is decided (retries, back-off, time limits, streams, errors) is decided in
//! [`mesh_proto`]; this crate drives it with [`ureq`]. A client is cheap to clone and shared
//! between threads; it needs no runtime.

mod agent;
mod client;
mod driver;
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
pub use {mesh_proto as proto, ureq};
