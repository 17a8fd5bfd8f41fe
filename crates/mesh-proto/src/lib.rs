//! The protocol of Mesh API as pure data.
mod base64;
pub mod body;
pub mod call;
pub mod chat;
pub mod download;
pub mod endpoint;
pub mod error;
pub mod head;
pub mod image;
pub mod models;
mod open_enum;
pub mod sse;
mod target;
mod wire;

pub use self::call::{Call, Moment, Settings, Step};
pub use self::chat::{ChatReply, ChatRequest};
pub use self::endpoint::Endpoint;
pub use self::error::{Error, Outcome};
pub use self::head::{Answer, Head};
pub use self::target::{
    ApiKey, ApiVersion, BaseUrl, InvalidApiVersion, InvalidBaseUrl, InvalidKey, Target, TargetError,
};
