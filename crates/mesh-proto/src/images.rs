//! The images endpoints: the values of `POST /v1/images/generations` and `POST /v1/images/edits`
//! ([protocol reference, section 5](crate::protocol#5-image-endpoints)).

mod chunk;
mod edit;
mod reply;
mod request;

pub use self::chunk::{Assembly, ImageChunk};
pub use self::edit::{EditEncoding, EditRequest, Operation, UpscaleFactor};
pub use self::reply::ImageReply;
pub use self::request::{Background, ImageRequest, Moderation, OutputFormat, SequentialGeneration};
