//! The protocol of Mesh API as pure data: requests, replies, errors, streams, and a call as a state
//! machine. No sockets, files, threads, clocks or randomness: time and chance come in as arguments.
//!
//! Three layers, each usable alone:
//!
//! 1. **Values**: [`ChatRequest`], [`ChatReply`], [`image::Image`]: plain structs with serde.
//! 2. **Endpoints**: [`Endpoint::request`] makes an [`http::Request`], [`Endpoint::read`] reads the
//!    [`http::Response`]. For those who want everything else their own.
//! 3. **Calls**: [`Call`] is one logical request with its attempts, back-off, deadlines and stream.
//!    For those who want only the I/O their own.
//!
//! The clients `mesh-blocking` and `mesh-async` drive calls with ureq and reqwest. A driver of one's
//! own is a loop over [`Call::poll`]. Here is one, whole, in a world where a gateway that is busy at
//! first answers from memory and time passes as we say:
//!
//! ```
//! use std::time::Duration;
//!
//! use mesh_proto::endpoint::ChatStream;
//! use mesh_proto::image::Image;
//! use mesh_proto::{ApiKey, Call, ChatRequest, Moment, Settings, Step, Target};
//!
//! let photo = Image::from_bytes(&b"\x89PNG\r\n\x1a\n"[..])?;
//! let request = ChatRequest::new("openai/gpt-4o").user(("What is in this image?", photo));
//! let target = Target::production(ApiKey::new("rsk_01J")?);
//!
//! // What the gateway will send: a refusal for now, then a stream in three pieces.
//! let busy = http::Response::builder().status(503).header("retry-after", "2").body(vec!["{}"])?;
//! let answer = http::Response::new(vec![
//!     "data: {\"choices\":[{\"delta\":{\"content\":\"A very small\"}}]}\n\nda",
//!     "ta: {\"choices\":[{\"delta\":{\"content\":\" picture.\"},\"finish_reason\":\"stop\"}]}\n\n",
//!     "data: [DONE]\n\n",
//! ]);
//! let mut responses = [busy, answer].into_iter();
//! let mut pieces = Vec::new().into_iter();
//!
//! let mut now = Moment::ORIGIN;
//! let mut told = String::new();
//! let mut call = Call::new(ChatStream::new(&request)?, &target, &Settings::default(), now, 7)?;
//! let reply = loop {
//!     match call.poll(now) {
//!         Step::Send(outgoing) => {
//!             assert_eq!(outgoing.request().uri(), "https://api.meshapi.ai/v1/chat/completions");
//!             let (head, body) = responses.next().expect("a response").into_parts();
//!             pieces = body.into_iter();
//!             outgoing.head(head);
//!         }
//!         Step::Receive(incoming) => match pieces.next() {
//!             Some(piece) => incoming.data(piece.as_bytes()),
//!             None => incoming.end(),
//!         },
//!         Step::Wait(until) => now = until,
//!         Step::Event(chunk) => told += &chunk.text(),
//!         Step::Done(result) => break result?,
//!     }
//! };
//!
//! assert_eq!(told, "A very small picture.");
//! assert_eq!(reply.text(), told);
//! assert_eq!(call.attempt(), 2);
//! assert!(now.since_origin() >= Duration::from_secs(2), "the gateway's hint is a lower bound");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
pub mod api_versions;
mod base64;
pub mod body;
mod build_error;
pub mod call;
pub mod chat;
pub mod check;
mod client_error;
pub mod destination;
pub mod download;
pub mod endpoint;
pub mod error;
pub mod error_codes;
mod excerpt;
mod fault;
pub mod head;
mod host;
pub mod image;
pub mod images;
mod limits;
pub mod models;
mod open_enum;
mod outcome;
#[doc = include_str!("../docs/protocol.md")]
pub mod protocol {}
mod replay;
mod row;
mod secret;
pub mod sse;
pub mod structured;
mod target;
mod timing;
mod usage;
mod usd;
mod wire;

pub use {bytes, http};

pub use self::call::{Call, Moment, Settings, Step};
pub use self::chat::{ChatReply, ChatRequest};
pub use self::client_error::{Error, SetUpError};
pub use self::endpoint::Endpoint;
pub use self::head::{Answer, Head};
pub use self::outcome::Outcome;
pub use self::target::{
    ApiKey, ApiVersion, BaseUrl, InvalidApiVersion, InvalidBaseUrl, InvalidHeader, InvalidKey,
    Target, TargetError,
};
pub use self::usd::{InvalidUsd, Usd};
