//! A picture that came back.

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

use bytes::{Buf as _, Bytes};

use super::data_url::{DataUrl, InvalidDataUrl, decode_base64};
use super::input::{Image, ImageError};
use super::media_type::{Dimensions, MediaType};
use super::other::{describe, may_be};
use super::reader::PictureReader;
use crate::base64::{self, Characters, InvalidBase64};
use crate::target::BaseUrl;
use crate::wire::Text;

/// A picture in a reply: its bytes, encoded until someone asks for them, or a URL to fetch them
/// from.
///
/// What it is comes from its magic bytes, never from what was declared, unless it is declared to be
/// of a type that has none, such as SVG in some forms.
#[derive(Clone)]
pub struct GeneratedImage {
    source: Source,
    declared: Option<MediaType>,
    revised_prompt: Option<String>,
    decoded: OnceLock<Result<Bytes, PictureError>>,
}

#[derive(Clone, PartialEq)]
enum Source {
    Remote(String),
    DataUrl(Text),
    Base64(Text),
    Bytes,
}

impl GeneratedImage {
    /// A picture behind a URL: a data URL holds it, any other says where to fetch it.
    pub fn from_url(url: impl Into<String>) -> Self {
        Self::of_url(url.into().into())
    }

    pub(crate) fn of_url(url: Text) -> Self {
        match DataUrl::parse(&url) {
            Ok(data) => {
                let declared = data.declared();
                Self::of(Source::DataUrl(url.into_shared()), declared)
            }
            Err(_) => Self::of(Source::Remote(url.trim().to_owned()), None),
        }
    }

    /// A picture as base64, or as a data URL where the base64 should be.
    pub fn from_base64(text: impl Into<String>) -> Self {
        Self::of_base64(text.into().into())
    }

    pub(crate) fn of_base64(text: Text) -> Self {
        if DataUrl::is_data_url(&text) {
            return Self::of_url(text);
        }
        Self::of(Source::Base64(text.into_shared()), None)
    }

    /// A picture whose bytes are there, such as one that was fetched.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        let image = Self::of(Source::Bytes, None);
        // A cell that was made a line ago is empty.
        let _set = image.decoded.set(not_empty(bytes));
        image
    }

    fn of(source: Source, declared: Option<MediaType>) -> Self {
        Self {
            source,
            declared,
            revised_prompt: None,
            decoded: OnceLock::new(),
        }
    }

    /// Says what the reply, or the response it was fetched from, declares it to be.
    pub fn with_declared(mut self, declared: Option<MediaType>) -> Self {
        self.declared = declared.or(self.declared);
        self
    }

    /// Says what the provider made of the prompt.
    pub fn with_revised_prompt(mut self, prompt: Option<String>) -> Self {
        self.revised_prompt = prompt.filter(|prompt| !prompt.is_empty());
        self
    }

    pub(super) fn is_same_source(&self, other: &Self) -> bool {
        self.source != Source::Bytes && self.source == other.source
    }

    /// The URL to fetch it from, where the reply holds no bytes, as it came: it may be relative to
    /// the gateway ([`GeneratedImage::url_from`]). Fetch it at once and without the Mesh key: it
    /// expires, and it is not Mesh's ([protocol reference, section 5.1](crate::protocol#51-image-generations)).
    pub fn remote_url(&self) -> Option<&str> {
        match &self.source {
            Source::Remote(url) => Some(url),
            _ => None,
        }
    }

    /// The same URL, if it is relative resolved against the gateway's base URL without `/v1`
    /// (RFC 3986, section 5). One that cannot be resolved is returned as it came.
    pub fn url_from(&self, base: &BaseUrl) -> Option<Cow<'_, str>> {
        let url = self.remote_url()?;
        let resolved = crate::address::resolve(base, url);
        Some(resolved.map_or(Cow::Borrowed(url), |url| Cow::Owned(url.to_string())))
    }

    /// What the reply, or the response it was fetched from, declares it to be.
    pub fn declared(&self) -> Option<&MediaType> {
        self.declared.as_ref()
    }

    /// The prompt that the provider made of the caller's.
    pub fn revised_prompt(&self) -> Option<&str> {
        self.revised_prompt.as_deref()
    }

    /// The picture's bytes, decoded once.
    ///
    /// Errors where they are behind a URL, or not the base64 that they are said to be, or empty.
    pub fn bytes(&self) -> Result<&Bytes, PictureError> {
        self.decoded
            .get_or_init(|| self.decode())
            .as_ref()
            .map_err(Clone::clone)
    }

    fn decode(&self) -> Result<Bytes, PictureError> {
        let bytes = match &self.source {
            Source::Remote(url) => {
                return Err(PictureError::Remote(crate::excerpt::excerpt(
                    url.as_bytes(),
                )));
            }
            Source::DataUrl(url) => DataUrl::parse(url)
                .and_then(|data| data.decode())
                .map_err(PictureError::DataUrl)?,
            Source::Base64(text) => {
                base64::decode(text.as_bytes()).map_err(PictureError::Base64)?
            }
            Source::Bytes => Vec::new(),
        };
        not_empty(bytes)
    }

    /// The picture's bytes, in the memory of the reply that it came in where nothing else holds that
    /// any longer: see [`ChatReply::into_images`](crate::ChatReply::into_images).
    ///
    /// Errors as [`GeneratedImage::bytes`] does.
    pub fn into_bytes(mut self) -> Result<Bytes, PictureError> {
        if let Some(decoded) = self.decoded.take() {
            return decoded;
        }
        let decoded = match self.source {
            Source::Base64(text) => {
                decode_in_place(text.into_bytes(), base64::decode).map_err(PictureError::Base64)
            }
            Source::DataUrl(url) => {
                let parsed = DataUrl::parse(&url).map_err(PictureError::DataUrl)?;
                let data = parsed.data().len();
                // White space behind it is no part of it.
                if !parsed.is_base64() || url.ends_with(char::is_whitespace) {
                    parsed.decode().map(Bytes::from)
                } else {
                    let mut text = url.into_bytes();
                    text.advance(text.len().saturating_sub(data));
                    decode_in_place(text, decode_base64).map_err(InvalidDataUrl::Base64)
                }
                .map_err(PictureError::DataUrl)
            }
            Source::Remote(_) | Source::Bytes => return self.decode(),
        };
        decoded.and_then(not_empty)
    }

    /// Reads the picture's bytes a piece at a time, decoded on the way, so that it is never whole in
    /// memory.
    ///
    /// Errors where they are behind a URL, or a data URL cannot be taken apart; what else
    /// [`GeneratedImage::bytes`] fails with comes where the reader meets it.
    pub fn reader(&self) -> Result<PictureReader, PictureError> {
        if let Some(decoded) = self.decoded.get() {
            return decoded.clone().map(PictureReader::of_bytes);
        }
        match &self.source {
            Source::DataUrl(url) => {
                let data = DataUrl::parse(url).map_err(PictureError::DataUrl)?;
                // The data ends where the URL does.
                let end = url.trim_end().len();
                let begin = end.saturating_sub(data.data().len());
                let text = url.clone().into_bytes().slice(begin..end);
                Ok(if !data.is_base64() {
                    PictureReader::of_characters(Characters::escaped(text))
                } else if data.data().contains('%') {
                    PictureReader::of_data_url(Characters::escaped(text))
                } else {
                    PictureReader::of_data_url(Characters::literal(text))
                })
            }
            Source::Base64(text) => Ok(PictureReader::of_base64(Characters::literal(
                text.clone().into_bytes(),
            ))),
            Source::Remote(_) | Source::Bytes => self.decode().map(PictureReader::of_bytes),
        }
    }

    /// What it is, and how that is known. Errors as [`GeneratedImage::bytes`] does, and where the
    /// bytes are no picture and were not declared one.
    pub fn media_type(&self) -> Result<(MediaType, Evidence), PictureError> {
        what_is(self.bytes()?, self.declared.as_ref())
    }

    /// Its size in pixels, where its header states it. Errors as [`GeneratedImage::bytes`] does.
    pub fn dimensions(&self) -> Result<Option<Dimensions>, PictureError> {
        self.bytes().map(|bytes| Dimensions::read(bytes))
    }
}

/// The bytes behind `text`, in its own memory where nothing else holds that.
fn decode_in_place(
    text: Bytes,
    decode: fn(&[u8]) -> Result<Vec<u8>, InvalidBase64>,
) -> Result<Bytes, InvalidBase64> {
    match text.try_into_mut() {
        Ok(mut text) => base64::decode_in_place(&mut text, decode).map(|()| text.freeze()),
        Err(text) => decode(&text).map(Bytes::from),
    }
}

/// What `bytes` are, or are declared to be. A declaration is believed only of a type that has no
/// magic bytes here: what is declared a PNG and does not begin like one is no picture, whatever a
/// host calls its error pages.
pub(super) fn what_is(
    bytes: &[u8],
    declared: Option<&MediaType>,
) -> Result<(MediaType, Evidence), PictureError> {
    if let Some(sniffed) = MediaType::sniff(bytes) {
        return Ok((sniffed, Evidence::MagicBytes));
    }
    match declared {
        Some(declared) if declared.as_str().starts_with("image/") && may_be(bytes, declared) => {
            Ok((declared.clone(), Evidence::Declared))
        }
        _ => Err(PictureError::NotAPicture(describe(bytes).into_owned())),
    }
}

fn not_empty(bytes: impl Into<Bytes>) -> Result<Bytes, PictureError> {
    let bytes = bytes.into();
    if bytes.is_empty() {
        Err(PictureError::Empty)
    } else {
        Ok(bytes)
    }
}

/// A picture that came back goes into the next request as it is.
///
/// Errors as [`GeneratedImage::bytes`] does, and where the bytes are nothing that models take.
///
/// ```
/// use mesh_proto::ChatRequest;
/// use mesh_proto::image::{GeneratedImage, Image};
///
/// let drawn = GeneratedImage::from_base64("iVBORw0KGgo=");
/// let request = ChatRequest::new("openai/gpt-4o")
///     .user(("What did you draw?", Image::try_from(&drawn)?));
/// # Ok::<(), mesh_proto::image::PictureError>(())
/// ```
impl TryFrom<&GeneratedImage> for Image {
    type Error = PictureError;

    fn try_from(picture: &GeneratedImage) -> Result<Self, PictureError> {
        Image::from_bytes(picture.bytes()?.clone()).map_err(|error| match error {
            ImageError::Empty => PictureError::Empty,
            ImageError::NotAnImage(what) => PictureError::NotAPicture(what),
            error => PictureError::Unsendable(error),
        })
    }
}

/// As for a reference.
impl TryFrom<GeneratedImage> for Image {
    type Error = PictureError;

    fn try_from(picture: GeneratedImage) -> Result<Self, PictureError> {
        Self::try_from(&picture)
    }
}

/// How a media type is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The picture's own magic bytes say so.
    MagicBytes,
    /// They say nothing of this or anything else, and the reply declares it.
    Declared,
}

impl fmt::Debug for GeneratedImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match &self.source {
            Source::Remote(url) => format!("remote {}", crate::excerpt::excerpt(url.as_bytes())),
            Source::DataUrl(url) => format!("data URL of {} characters", url.len()),
            Source::Base64(text) => format!("base64 of {} characters", text.len()),
            Source::Bytes => "bytes".to_owned(),
        };
        f.debug_struct("GeneratedImage")
            .field("source", &source)
            .field("declared", &self.declared)
            .finish_non_exhaustive()
    }
}

/// Why a picture's bytes cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PictureError {
    /// They are behind a URL: fetch them with a client's `download`.
    Remote(String),
    /// The reply holds something that is not base64.
    Base64(InvalidBase64),
    /// The reply holds a data URL that cannot be read.
    DataUrl(InvalidDataUrl),
    /// There are none.
    Empty,
    /// They are no picture; the text says what they are.
    NotAPicture(String),
    /// They are a picture, and of a type that models do not take.
    Unsendable(ImageError),
}

impl fmt::Display for PictureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remote(url) => write!(f, "the picture is to be fetched from {url}"),
            Self::Base64(error) => write!(f, "the picture is {error}"),
            Self::DataUrl(error) => write!(f, "the picture is {error}"),
            Self::Empty => f.write_str("the picture has no bytes"),
            Self::NotAPicture(what) => write!(f, "what came is not a picture but {what}"),
            Self::Unsendable(error) => write!(f, "what came is {error}"),
        }
    }
}

impl std::error::Error for PictureError {}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &str = "iVBORw0KGgo=";

    #[test]
    fn the_bytes_say_what_it_is_and_what_was_declared_only_where_they_cannot() {
        let lied = GeneratedImage::from_url(format!("data:image/jpeg;base64,{PNG}"));
        assert_eq!(
            lied.media_type(),
            Ok((MediaType::PNG, Evidence::MagicBytes))
        );
        let vague = GeneratedImage::from_url("data:image/x-new;base64,AAEC");
        assert_eq!(vague.media_type().unwrap().1, Evidence::Declared);
        let text = GeneratedImage::from_base64("aGVsbG8");
        assert_eq!(
            text.media_type(),
            Err(PictureError::NotAPicture("text".to_owned()))
        );
    }

    #[test]
    fn what_came_can_be_sent_where_models_take_it() {
        let sent = Image::try_from(GeneratedImage::from_base64(PNG)).unwrap();
        assert_eq!(sent, Image::from_bytes(&b"\x89PNG\r\n\x1a\n"[..]).unwrap());
        for (picture, expected) in [
            (GeneratedImage::from_bytes(Vec::new()), "has no bytes"),
            (
                GeneratedImage::from_bytes(&b"<html>"[..]),
                "not a picture but HTML",
            ),
            (
                GeneratedImage::from_bytes(&b"II*\0"[..]),
                "what came is TIFF",
            ),
            (
                GeneratedImage::from_url("https://example.com/a.png"),
                "is to be fetched from",
            ),
        ] {
            let error = Image::try_from(&picture).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn bytes_in_place_are_the_bytes() {
        let long = "iVBORw0KGgoA".repeat(4000);
        for url in [
            format!(" data:image/png;base64,{PNG} \n"),
            format!("data:image/png;base64,{long}%2B%2F8%3D"),
            format!("data:image/png;base64,{long}-_8"),
            format!("data:image/png;base64,{long}%"),
            format!("data:image/png;base64,{PNG}%zz"),
            format!("data:image/png;base64,{}", PNG.replace('=', "%3D")),
            "data:image/png,%89PNG".to_owned(),
            "data:;base64,".to_owned(),
        ] {
            let image = GeneratedImage::from_url(url.as_str());
            assert_eq!(
                image.clone().into_bytes(),
                image.bytes().cloned(),
                "{url:.60}"
            );
        }
        let image = GeneratedImage::from_url(format!("data:;base64,{long}%2B%2F8%3D"));
        assert_eq!(image.into_bytes().unwrap().len(), 36_002);
    }

    #[test]
    fn every_place_of_bytes_is_read() {
        let bytes = &b"\x89PNG\r\n\x1a\n"[..];
        for image in [
            GeneratedImage::from_base64(PNG),
            GeneratedImage::from_base64("iVBORw0KGgo"),
            GeneratedImage::from_base64(format!("data:image/png;base64,{PNG}")),
            GeneratedImage::from_url(format!("DATA:image/png;base64,{PNG}")),
            GeneratedImage::from_bytes(bytes),
        ] {
            assert_eq!(image.bytes().unwrap(), bytes);
            assert_eq!(image.remote_url(), None);
        }
        let remote = GeneratedImage::from_url("https://example.com/a.png");
        assert_eq!(remote.remote_url(), Some("https://example.com/a.png"));
        assert!(matches!(remote.bytes(), Err(PictureError::Remote(_))));
        assert_eq!(
            GeneratedImage::from_base64("").bytes(),
            Err(PictureError::Empty)
        );
        assert_eq!(
            GeneratedImage::from_bytes(Vec::new()).bytes(),
            Err(PictureError::Empty)
        );
        assert!(GeneratedImage::from_base64("<html>").bytes().is_err());
    }
}
