//! Pictures on their way in ([`Image`]) and out ([`GeneratedImage`]), and what their bytes say of
//! themselves ([`MediaType`]).

mod data_url;
mod extract;
#[cfg(feature = "fit")]
mod fit;
mod input;
mod media_type;
mod output;

pub use self::data_url::{DataUrl, InvalidDataUrl};
pub(crate) use self::extract::{find_in_data, find_in_message, once};
#[cfg(feature = "fit")]
pub use self::fit::FitError;
pub use self::input::{Detail, Image, ImageError, ImageFileError, MAX_FILE};
pub use self::media_type::{Dimensions, MediaType, describe};
pub use self::output::{Evidence, GeneratedImage, PictureError};
pub use crate::base64::InvalidBase64;
