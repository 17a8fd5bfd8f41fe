//! Chat: the values of `POST /v1/chat/completions` ([protocol reference, section 4](crate::protocol#4-chat-completions)).

mod assembly;
mod blocks;
mod chunk;
mod content;
mod ending;
mod failure;
mod logprobs;
mod message;
mod reply;
mod request;
mod streamed_choice;
mod tool_calls;
mod tools;

pub use self::assembly::Assembly;
pub use self::chunk::{ChatChunk, ChunkChoice, Delta};
pub use self::content::{Content, Part};
pub use self::ending::Ending;
pub use self::logprobs::Logprobs;
pub use self::message::{Message, Role};
pub use self::reply::{AutoRouting, ChatReply, Choice, FinishReason, Picture, ReplyMessage};
pub(crate) use self::reply::{IMAGES, pictures, pictures_in};
pub use self::request::{
    ChatRequest, Effort, ImageFormat, ImageOptions, Modality, Quality, ServiceTier, Stop,
};
pub use self::tools::{
    CalledFunction, Function, ResponseFormat, Tool, ToolCall, ToolCallDelta, ToolChoice, ToolKind,
};
use crate::row::open_field;
pub use crate::usage::{TokenDetails, Usage};

open_field!(Modality);
