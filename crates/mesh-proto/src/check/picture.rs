//! A picture that is to be sent.

use std::borrow::Cow;

use super::{Examination, Severity};
use crate::chat::Modality;
use crate::image::{
    DataUrl, Dimensions, Image, ImageError, MediaType, Orientation, describe, is_xcode_png,
};

/// The largest file that Mesh's own command sends ([protocol reference, section 4.1](crate::protocol#41-image-input)).
const LARGE: usize = 20 << 20;

/// The longest side, in pixels, that is of use: OpenAI fits a picture into 2048 × 2048 before its
/// models see it, others into less.
const USEFUL_PIXELS: u32 = 2048;

/// The longest side, in pixels, beyond which Anthropic refuses a picture.
const MOST_PIXELS: u32 = 8000;

impl Examination<'_> {
    /// A picture that goes in at `field`.
    pub(super) fn picture(&mut self, field: &str, image: &Image) {
        self.report.pictures += 1;
        self.input(field.to_owned(), &Modality::Image);
        match (image.bytes(), image.url()) {
            (Some(bytes), _) => self.file(field, bytes, None),
            (None, Some(url)) if DataUrl::is_data_url(url) => {
                let decoded =
                    DataUrl::parse(url).and_then(|url| Ok((url.declared(), url.decode()?)));
                match decoded {
                    Ok((declared, bytes)) => self.file(field, &bytes, declared),
                    Err(error) => self.find(Severity::Problem, field.to_owned(), error.to_string()),
                }
            }
            (None, Some(url)) => self.remote(field, url),
            (None, None) => {}
        }
    }

    fn remote(&mut self, field: &str, url: &str) {
        let scheme = url
            .split_once("://")
            .map(|(scheme, _)| scheme.to_ascii_lowercase());
        let (severity, text) = match scheme.as_deref() {
            Some("https") => (
                Severity::Advice,
                "behind a URL, which some providers do not fetch: bytes work everywhere",
            ),
            Some("http") => (
                Severity::Warning,
                "behind a URL without encryption, which providers do not fetch as a rule: bytes work everywhere",
            ),
            _ => (
                Severity::Problem,
                "neither an https nor a data URL; mere base64 is not recognised",
            ),
        };
        self.find(severity, field.to_owned(), text);
    }

    /// A picture's file, and the type that it is declared as where that is not its own.
    pub(super) fn file(&mut self, field: &str, bytes: &[u8], declared: Option<MediaType>) {
        let Some(media_type) = MediaType::sniff(bytes) else {
            let text = format!("not a picture but {}", describe(bytes));
            return self.find(Severity::Problem, field.to_owned(), text);
        };
        let mut warn =
            |severity, text: Cow<'static, str>| self.find(severity, field.to_owned(), text);
        if let Some(declared) = declared.filter(|declared| *declared != media_type) {
            let text = format!("declared as {declared}, and it is {media_type}");
            warn(Severity::Warning, text.into());
        }
        if bytes.len() > LARGE {
            let text = format!(
                "{} MiB, and 20 MiB is the most that can be relied on: make it smaller",
                bytes.len().div_ceil(1 << 20)
            );
            warn(Severity::Warning, text.into());
        }
        if !media_type.is_portable() {
            let text = format!(
                "{}, which few providers take: convert it to PNG, JPEG, GIF or WebP",
                media_type.name()
            );
            return warn(Severity::Warning, text.into());
        }
        if is_xcode_png(bytes) {
            return warn(Severity::Problem, ImageError::XcodePng.to_string().into());
        }
        match Dimensions::read(bytes) {
            Some(size) if size.width > 0 && size.height > 0 => {
                let longest = size.width.max(size.height);
                if longest > MOST_PIXELS {
                    let text = format!(
                        "{size} pixels, and some providers refuse more than {MOST_PIXELS} on a side"
                    );
                    warn(Severity::Warning, text.into());
                } else if longest > USEFUL_PIXELS {
                    let text = format!(
                        "{size} pixels: models are shown pictures of at most about {USEFUL_PIXELS} on a side, so a smaller one costs less time"
                    );
                    warn(Severity::Advice, text.into());
                }
            }
            _ => warn(
                Severity::Warning,
                "its header states no size: it may be broken or cut off".into(),
            ),
        }
        if let Some(orientation) = Orientation::read(bytes).filter(|it| !it.is_upright()) {
            let text = format!(
                "stored sideways: vision models see the stored pixels, which have to be {orientation} first"
            );
            warn(Severity::Warning, text.into());
        }
    }
}
