//! The images endpoint: the values of `POST /v1/images/generations` (protocol reference, sections
//! 5.1 and 5.2).

mod chunk;
mod reply;
mod request;

pub use self::chunk::{Assembly, ImageChunk};
pub use self::reply::ImageReply;
pub(crate) use self::request::Streamed;
pub use self::request::{Background, ImageRequest, Moderation, OutputFormat, SequentialGeneration};
