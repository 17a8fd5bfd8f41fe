//! The fields that chat's `image` object and the images endpoint have in common.

use super::sizes::Size;
use super::validate::{Bounds, Fields, Problems};

/// How many pictures, how large, how well, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct DrawingOptions {
    pub(super) count: u32,
    pub(super) size: Size,
    pub(super) effort: Effort,
    pub(super) format: Option<PictureFormat>,
}

impl Default for DrawingOptions {
    fn default() -> Self {
        Self {
            count: 1,
            size: Size::AUTO,
            effort: Effort::Full,
            format: None,
        }
    }
}

/// What the quality amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effort {
    Draft,
    Full,
}

/// `response_format` of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PictureFormat {
    Url,
    Base64,
}

impl DrawingOptions {
    /// Reads `n`, `size`, `quality` and `response_format`.
    pub(super) fn read(fields: &Fields<'_>, problems: &mut Problems) -> Self {
        let count = fields.integer("n", Bounds::Between(1.0, 10.0), problems);
        let formats = [
            ("url", PictureFormat::Url),
            ("b64_json", PictureFormat::Base64),
        ];
        let size = fields.text("size", problems).and_then(|size| {
            let read = Size::read(size);
            if read.is_none() {
                let message = "Input should be WxH with sides of 16 to 4096 pixels, a ratio such as 16:9, or auto";
                fields.tell("size", message, "value_error", problems);
            }
            read
        });
        let effort = match fields.text("quality", problems) {
            Some("low") => Effort::Draft,
            _ => Effort::Full,
        };
        Self {
            count: count
                .and_then(|count| u32::try_from(count).ok())
                .unwrap_or(1),
            size: size.unwrap_or(Size::AUTO),
            effort,
            format: fields.choice("response_format", &formats, problems),
        }
    }
}
