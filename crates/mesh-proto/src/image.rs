//! Pictures on their way in ([`Image`]) and out ([`GeneratedImage`]), and what their bytes say of
//! themselves ([`MediaType`]).

mod data_url;
pub(crate) mod extension;
mod extract;
#[cfg(feature = "fit")]
mod fit;
mod input;
mod media_type;
mod opening;
mod orientation;
mod other;
mod output;
mod reader;
mod spliced;
#[cfg(feature = "fit")]
mod whole;
mod xmp;

pub use self::data_url::{DataUrl, InvalidDataUrl};
pub use self::extract::find_in_document;
pub(crate) use self::extract::{
    BESIDE_CONTENT, Urls, find_in_data, find_in_message, holds_picture, is_continuation, once,
    picture_text,
};
#[cfg(feature = "fit")]
pub use self::fit::FitError;
pub use self::input::{Detail, Image, ImageError, ImageFileError, MAX_FILE};
pub use self::media_type::{Dimensions, MediaType, is_xcode_png};
pub use self::opening::Opening;
pub use self::orientation::Orientation;
pub use self::other::describe;
pub use self::output::{Evidence, GeneratedImage, PictureError};
pub use self::reader::PictureReader;
pub use self::spliced::Spliced;
pub use crate::base64::InvalidBase64;
