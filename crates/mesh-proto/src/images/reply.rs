//! The reply: pictures, and what the provider says of them.

use crate::chat::{Picture, Quality, pictures};
use crate::error::NoPicture;
use crate::image::{GeneratedImage, find_in_data, holds_picture, once};
use crate::images::{Background, OutputFormat};
use crate::usage::Usage;
use crate::wire::{Json, count, lenient, lenient_object, read_object};

read_object! {
    /// A reply of the images endpoints ([protocol reference, section 5.1](crate::protocol#51-image-generations)), plain or put together from a
    /// stream. Whatever is odd or missing beside the pictures costs nothing.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct ImageReply {
        /// When it was made, in seconds since 1970.
        pub created: Option<u64> => count,
        /// The pictures, as they came: [`ImageReply::images`] reads them.
        pub data: Vec<Picture> [always] => pictures,
        /// What stands behind the subject, where the provider says so.
        pub background: Option<Background> => lenient,
        /// The file format, where the provider says so. The bytes know better.
        pub output_format: Option<OutputFormat> => lenient,
        /// The quality, where the provider says so.
        pub quality: Option<Quality> => lenient,
        /// The size, where the provider says so.
        pub size: Option<String> => lenient,
        /// What it took, where the provider says so.
        pub usage: Option<Usage> => lenient_object,
    }
}

impl ImageReply {
    /// The pictures: rows 1 to 4 of the [protocol reference, section 6](crate::protocol#6-image-results-a-client-must-accept). A reply of a call has at
    /// least one: where the model declined (row 5), the call fails with [`NoPicture`].
    pub fn images(&self) -> Vec<GeneratedImage> {
        once(find_in_data(self.values()).into_iter())
    }

    /// The same pictures, without the reply: [`GeneratedImage::into_bytes`] can then decode a
    /// picture in the memory that it was received in.
    pub fn into_images(self) -> Vec<GeneratedImage> {
        self.images()
    }

    /// An error where there is no picture in it.
    pub(crate) fn require_picture(&self) -> Result<(), NoPicture> {
        if self.values().any(holds_picture) {
            return Ok(());
        }
        Err(NoPicture::in_data(self.values(), self.usage.clone()))
    }

    fn values(&self) -> impl Iterator<Item = &Json> {
        self.data.iter().map(|picture| &picture.0)
    }
}
