//! An image on its way into a body of JSON.

use std::fmt;

use serde_core::{Serialize, Serializer};

use super::Image;
use crate::body::Splice;

/// An image as a value to serialize with the [`Splice`] that it was given: see [`Image::spliced`].
/// Serialized by anything else it is an empty byte string.
#[derive(Clone, Copy)]
pub struct Spliced<'s> {
    splice: &'s Splice,
    image: &'s Image,
}

impl Image {
    /// The image as a value to serialize with [`Splice::body`] of this very splice: the string that
    /// its URL is, without a copy of its bytes.
    pub fn spliced<'s>(&'s self, splice: &'s Splice) -> Spliced<'s> {
        Spliced {
            splice,
            image: self,
        }
    }
}

impl Serialize for Spliced<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.image.picture() {
            Some(picture) => {
                self.splice.put(picture);
                serializer.serialize_bytes(&[])
            }
            None => self.image.serialize_url(serializer),
        }
    }
}

impl fmt::Debug for Spliced<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Spliced").field(self.image).finish()
    }
}
