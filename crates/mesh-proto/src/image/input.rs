//! A picture to be sent: bytes or a URL.

use std::fmt;
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use serde_core::de::{Deserialize, Deserializer};
use serde_core::ser::Serializer;

use super::data_url::{DataUrl, InvalidDataUrl};
use super::media_type::{Dimensions, MediaType, is_xcode_png};
use super::other::describe;
use crate::address;
use crate::base64;
use crate::body::{Picture, Segment};
use crate::open_enum::open_enum;
use crate::wire::{
    Blank, Extra, Json, Manner, Object, Silent, Text, Wire, field, serialize_inline,
};

/// The largest file that is worth opening as a picture, in bytes: 256 MiB, far beyond what the
/// gateway takes.
pub const MAX_FILE: u64 = 256 << 20;

/// The scheme of a data URL, as it is sent.
const SCHEME: &str = "data:";

open_enum! {
    /// How closely a model looks at a picture ([protocol reference, section 4.1](crate::protocol#41-image-input)).
    pub enum Detail {
        /// The provider decides.
        Auto = "auto",
        /// Coarsely, for less.
        Low = "low",
        /// Closely.
        High = "high",
    }
}

/// A picture in a message: bytes, which are sent as a data URL, or a URL that the provider
/// fetches. Cheap to clone.
///
/// ```
/// use mesh_proto::image::{Detail, Image};
///
/// let scan = Image::from_bytes(&b"\x89PNG\r\n\x1a\n"[..])?.detail(Detail::Low);
/// let hosted = Image::from_url("https://example.com/image.jpg")?;
/// assert!(Image::from_bytes(&b"%PDF-1.7"[..]).unwrap_err().to_string().contains("PDF"));
/// # Ok::<(), mesh_proto::image::ImageError>(())
/// ```
#[derive(Clone)]
pub struct Image {
    source: Source,
    detail: Option<Detail>,
    extra: Extra,
}

#[derive(Clone)]
enum Source {
    Bytes {
        media_type: MediaType,
        bytes: Bytes,
    },
    /// A URL, data URLs included, kept to the letter.
    Url(Bytes),
}

impl Image {
    /// A picture from its file's bytes: PNG, JPEG, GIF or WebP, by its magic bytes.
    ///
    /// Errors on anything else, and says what it is.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Result<Self, ImageError> {
        let image = Self::from_bytes_of_any_type(bytes)?;
        match &image.source {
            Source::Bytes { media_type, .. } if !media_type.is_portable() => {
                Err(ImageError::NotPortable(media_type.clone()))
            }
            Source::Bytes { bytes, .. } if is_xcode_png(bytes) => Err(ImageError::XcodePng),
            _ => Ok(image),
        }
    }

    /// A picture of any type that is known, the ones that few providers take (HEIC, AVIF, TIFF,
    /// BMP, SVG) among them.
    ///
    /// Errors where the bytes are no picture.
    pub fn from_bytes_of_any_type(bytes: impl Into<Bytes>) -> Result<Self, ImageError> {
        let bytes = bytes.into();
        if bytes.is_empty() {
            return Err(ImageError::Empty);
        }
        let media_type = MediaType::sniff(&bytes)
            .ok_or_else(|| ImageError::NotAnImage(describe(&bytes).into_owned()))?;
        Ok(Self::of(Source::Bytes { media_type, bytes }))
    }

    /// A picture behind an `https` or `http` URL, or in a data URL. It is sent as it is, but for
    /// the scheme, which is written in lower case, and for what may not stand in a URL, such as a
    /// space, which is percent-encoded. Some providers refuse URLs that are not data URLs.
    ///
    /// # Errors
    ///
    /// Returns [`ImageError`] if it is neither, or its host is not ASCII.
    pub fn from_url(url: impl AsRef<str>) -> Result<Self, ImageError> {
        let url = url.as_ref().trim();
        let (url, written) = if DataUrl::is_data_url(url) {
            let data = DataUrl::parse(url).map_err(ImageError::DataUrl)?;
            let bytes = data.decode().map_err(ImageError::DataUrl)?;
            if bytes.is_empty() {
                return Err(ImageError::Empty);
            }
            let rest = match url.split_at_checked(SCHEME.len()) {
                Some((scheme, rest)) if scheme.eq_ignore_ascii_case(SCHEME) => rest,
                _ => url,
            };
            let is_plain = url.starts_with(SCHEME);
            (url, (!is_plain).then(|| format!("{SCHEME}{rest}")))
        } else if Self::is_url(url) {
            let written = address::encoded(url).map_err(ImageError::InvalidUrl)?;
            (url, Some(written))
        } else {
            return Err(ImageError::Url);
        };
        let url = written.map_or_else(|| Bytes::copy_from_slice(url.as_bytes()), Bytes::from);
        Ok(Self::of(Source::Url(url)))
    }

    /// Whether a text that a user gives has the form of a URL, and not that of a file's path:
    /// `https://…`, `data:…`, `file:…`, in any case. [`Image::from_url`] returns an error for one of
    /// a scheme that is not taken, and says so.
    pub fn is_url(text: &str) -> bool {
        DataUrl::is_data_url(text) || address::is_url(text)
    }

    fn of(source: Source) -> Self {
        Self {
            source,
            detail: None,
            extra: Extra::new(),
        }
    }

    /// Sets how closely the model shall look.
    pub fn detail(mut self, detail: Detail) -> Self {
        self.detail = Some(detail);
        self
    }

    /// The media type: from the magic bytes, or declared by a data URL. `None` for a URL.
    pub fn media_type(&self) -> Option<MediaType> {
        match &self.source {
            Source::Bytes { media_type, .. } => Some(media_type.clone()),
            Source::Url(url) => DataUrl::parse(text(url)).ok()?.declared(),
        }
    }

    /// The file's bytes, where the picture was made from bytes.
    pub fn bytes(&self) -> Option<&Bytes> {
        match &self.source {
            Source::Bytes { bytes, .. } => Some(bytes),
            Source::Url(_) => None,
        }
    }

    /// The URL, where the picture was made from one.
    pub fn url(&self) -> Option<&str> {
        match &self.source {
            Source::Bytes { .. } => None,
            Source::Url(url) => Some(text(url)),
        }
    }

    /// The URL, where the picture has to be fetched from one.
    pub fn remote_url(&self) -> Option<&str> {
        self.url().filter(|url| super::extract::is_remote(url))
    }

    /// The same picture with the bytes of `other` in place of its own: with its own detail, and
    /// whatever else it says.
    pub fn with_source_of(mut self, other: Self) -> Self {
        self.source = other.source;
        self
    }

    /// The same picture with other bytes.
    #[cfg(feature = "fit")]
    pub(super) fn with_bytes(&self, media_type: MediaType, bytes: Bytes) -> Self {
        Self {
            source: Source::Bytes { media_type, bytes },
            detail: self.detail.clone(),
            extra: self.extra.clone(),
        }
    }

    /// The size in pixels that the header states, where the picture was made from bytes.
    pub fn dimensions(&self) -> Option<Dimensions> {
        Dimensions::read(self.bytes()?)
    }

    /// The file that the picture is, whether it came as bytes, in a data URL or as bare base64.
    ///
    /// Errors where it is behind a URL, or holds no picture.
    pub(crate) fn file(&self) -> Result<(MediaType, Bytes), ImageError> {
        let (declared, bytes) = match &self.source {
            Source::Bytes { media_type, bytes } => return Ok((media_type.clone(), bytes.clone())),
            Source::Url(url) if DataUrl::is_data_url(text(url)) => {
                let data = DataUrl::parse(text(url)).map_err(ImageError::DataUrl)?;
                let bytes = data.decode().map_err(ImageError::DataUrl)?;
                (data.declared(), bytes)
            }
            Source::Url(url) => (None, base64::decode(url).map_err(|_| ImageError::Url)?),
        };
        if bytes.is_empty() {
            return Err(ImageError::Empty);
        }
        let media_type = MediaType::sniff(&bytes)
            .or(declared)
            .ok_or_else(|| ImageError::NotAnImage(describe(&bytes).into_owned()))?;
        Ok((media_type, bytes.into()))
    }

    /// What a splice puts in place of the picture's URL; `None` for a URL that JSON must escape.
    pub(crate) fn picture(&self) -> Option<Picture> {
        match &self.source {
            Source::Bytes { media_type, bytes } => Some(Picture {
                prefix: format!("data:{media_type};base64,"),
                content: Segment::Base64(bytes.clone()),
            }),
            Source::Url(url) => url
                .iter()
                .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
                .then(|| Picture {
                    prefix: String::new(),
                    content: if DataUrl::is_data_url(text(url)) {
                        Segment::DataUrl(url.clone())
                    } else {
                        Segment::Literal(url.clone())
                    },
                }),
        }
    }

    /// Appends the next piece of a URL that came in pieces. Takes time for the piece alone.
    pub(crate) fn extend_url(&mut self, more: &str) {
        if let Source::Url(url) = &mut self.source {
            let mut whole = std::mem::take(url)
                .try_into_mut()
                .unwrap_or_else(|shared| BytesMut::from(&shared[..]));
            whole.extend_from_slice(more.as_bytes());
            *url = whole.freeze();
        }
    }

    /// The picture's URL as a string, a data URL written out.
    pub(crate) fn serialize_url<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.source {
            Source::Bytes { media_type, bytes } => {
                serializer.serialize_str(&data_url(media_type, bytes))
            }
            Source::Url(url) => serializer.serialize_str(text(url)),
        }
    }
}

/// Pictures are equal that are sent alike: one from bytes equals one that was stored with its data
/// URL and read back.
impl PartialEq for Image {
    fn eq(&self, other: &Self) -> bool {
        let same_source = match (&self.source, &other.source) {
            (Source::Url(one), Source::Url(other)) => one == other,
            (
                Source::Bytes { media_type, bytes },
                Source::Bytes {
                    media_type: other_type,
                    bytes: other,
                },
            ) => media_type == other_type && bytes == other,
            (Source::Bytes { media_type, bytes }, Source::Url(url))
            | (Source::Url(url), Source::Bytes { media_type, bytes }) => {
                *url == data_url(media_type, bytes)
            }
        };
        same_source && self.detail == other.detail && self.extra == other.extra
    }
}

fn data_url(media_type: &MediaType, bytes: &[u8]) -> String {
    let mut url = format!("data:{media_type};base64,");
    base64::encode_onto(bytes, &mut url);
    url
}

/// A URL was text when it came, so nothing is lost here.
fn text(url: &Bytes) -> &str {
    std::str::from_utf8(url).unwrap_or_default()
}

/// The value of a part's `image_url`: an object with `url` and `detail`.
impl Wire for Image {
    fn write<S: Serializer>(&self, manner: Manner<'_>, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = Object::begin(manner, serializer, &self.extra)?;
        match manner.splice {
            Some(splice) => object.field("url", &self.spliced(splice))?,
            None => object.field("url", &Inline(self))?,
        }
        object.optional("detail", self.detail.as_ref())?;
        object.extra(&[])?;
        object.end()
    }
}

serialize_inline!(Image);

impl Silent for Image {}

/// A place for an image that is to be read.
impl Blank for Image {
    fn blank() -> Self {
        Self::of(Source::Url(Bytes::new()))
    }
}

struct Inline<'i>(&'i Image);

impl serde_core::Serialize for Inline<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize_url(serializer)
    }
}

impl<'de> Deserialize<'de> for Image {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Json::deserialize(deserializer)?;
        Self::of_json(&json).ok_or_else(|| {
            serde_core::de::Error::custom("a picture is a URL, or an object with a field \"url\"")
        })
    }
}

impl Image {
    /// Reads the value of a part's `image_url`; some clients write the URL where the object belongs.
    pub(crate) fn of_json(json: &Json) -> Option<Self> {
        let url = |text: &Text| Source::Url(text.clone().into_bytes());
        let fields = match json {
            Json::Text(text) => return Some(Self::of(url(text))),
            Json::Object(fields) => fields,
            _ => return None,
        };
        let mut image = Self::of(url(field(fields, "url")?.as_text()?));
        for (name, value) in fields {
            match (name.as_str(), value) {
                ("url", _) | ("detail", Json::Null) => {}
                ("detail", Json::Text(detail)) => image.detail = Some(Detail::from(&**detail)),
                _ => {
                    image.extra.insert(name.clone(), value.clone().into());
                }
            }
        }
        Some(image)
    }

    /// The value of a part's `image_url`, its URL not copied where it is one.
    pub(crate) fn to_json(&self) -> Json {
        let url = match &self.source {
            Source::Bytes { media_type, bytes } => data_url(media_type, bytes).into(),
            Source::Url(url) => Text::of_bytes(url),
        };
        Json::Object(vec![("url".to_owned(), Json::Text(url))])
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Image");
        match &self.source {
            Source::Bytes { media_type, bytes } => {
                shown
                    .field("media_type", &media_type.as_str())
                    .field("bytes", &bytes.len());
            }
            Source::Url(url) => {
                shown.field("url", &crate::excerpt::excerpt(url));
            }
        }
        shown.field("detail", &self.detail).finish_non_exhaustive()
    }
}

/// What keeps bytes or a text from being a picture that can be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageError {
    /// No bytes at all.
    Empty,
    /// No picture; the text says what it is.
    NotAnImage(String),
    /// A picture of a type that models do not take.
    NotPortable(MediaType),
    /// A PNG that Xcode has changed for Apple's devices (`CgBI`).
    XcodePng,
    /// A data URL that cannot be read.
    DataUrl(InvalidDataUrl),
    /// Neither an `https` nor a data URL.
    Url,
    /// A URL that cannot be sent; the text says what is wrong with it.
    InvalidUrl(&'static str),
    /// Larger than [`MAX_FILE`].
    TooLarge,
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("empty, so no picture"),
            Self::NotAnImage(what) => write!(f, "not a picture but {what}"),
            Self::NotPortable(media_type) => write!(
                f,
                "{} ({media_type}), which models do not take; convert it to PNG, JPEG, GIF or WebP",
                media_type.name()
            ),
            Self::XcodePng => f.write_str(
                "Xcode's PNG (CgBI), which models do not read; convert it to a plain PNG",
            ),
            Self::DataUrl(error) => write!(f, "{error}"),
            Self::Url => f.write_str("not a URL that begins with https:// or data:"),
            Self::InvalidUrl(reason) => f.write_str(reason),
            Self::TooLarge => write!(
                f,
                "larger than {} MiB, and the gateway takes 32 MiB",
                MAX_FILE >> 20
            ),
        }
    }
}

impl std::error::Error for ImageError {}

/// A file that cannot be opened as a picture: what the transports' `image::open` fails with.
#[derive(Debug)]
pub struct ImageFileError {
    path: PathBuf,
    reason: Reason,
}

#[derive(Debug)]
enum Reason {
    Read(std::io::Error),
    Image(ImageError),
}

impl ImageFileError {
    /// The file at `path` could not be read.
    pub fn read(path: &Path, error: std::io::Error) -> Self {
        Self {
            path: path.to_owned(),
            reason: Reason::Read(error),
        }
    }

    /// The file at `path` could be read and is not a picture that can be sent.
    pub fn image(path: &Path, error: ImageError) -> Self {
        Self {
            path: path.to_owned(),
            reason: Reason::Image(error),
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for ImageFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Reason::Read(_) => write!(f, "cannot read {}", self.path.display()),
            Reason::Image(error) => write!(f, "{}: {error}", self.path.display()),
        }
    }
}

impl std::error::Error for ImageFileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.reason {
            Reason::Read(error) => Some(error),
            // Its text is this error's own.
            Reason::Image(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_model_takes_is_refused_by_name_unless_asked_for() {
        for (bytes, name) in [
            (&b"\0\0\0\x18ftypheic\0\0\0\0heic"[..], "HEIC"),
            (b"\0\0\0\x18ftypavif\0\0\0\0avif", "AVIF"),
            (b"II*\0", "TIFF"),
            (b"BM\x36\0\0\0\0\0\0\0", "BMP"),
            (b"<svg/>", "SVG"),
            (b"<!DOCTYPE svg [<!ENTITY a \"b\">]><svg/>", "SVG"),
            (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
            (b"\xff\x4f\xff\x51", "JPEG 2000"),
        ] {
            let error = Image::from_bytes(bytes).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
            assert!(Image::from_bytes_of_any_type(bytes).is_ok());
        }
        assert_eq!(Image::from_bytes(&b""[..]), Err(ImageError::Empty));
        assert_eq!(
            Image::from_bytes(&b"text"[..]),
            Err(ImageError::NotAnImage("text".to_owned()))
        );
    }

    #[test]
    fn urls_are_https_or_data() {
        for url in [
            "https://example.com/a.jpg",
            "http://example.com",
            "data:image/png;base64,iVBORw0KGgo=",
        ] {
            assert_eq!(Image::from_url(url).unwrap().url(), Some(url));
        }
        for url in [
            "",
            "ftp://x/y",
            "/tmp/a.png",
            "https://",
            "data:image/png;base64,!!!!",
            "data:image/png;base64,",
            "data:x",
        ] {
            assert!(Image::from_url(url).is_err(), "{url}");
        }
        for (url, expected) in [
            ("HTTPS://a.test/a.jpg", "https://a.test/a.jpg"),
            (
                "https://a.test/my photo.jpg",
                "https://a.test/my%20photo.jpg",
            ),
            (
                "DATA:image/PNG;base64,iVBORw0KGgo=",
                "data:image/PNG;base64,iVBORw0KGgo=",
            ),
            (
                "image/png;base64,iVBORw0KGgo=",
                "data:image/png;base64,iVBORw0KGgo=",
            ),
        ] {
            assert_eq!(Image::from_url(url).unwrap().url(), Some(expected));
        }
        for (url, expected) in [
            ("https://zürich.test/a.jpg", "xn--"),
            ("https://my host.test/a.jpg", "a space in its host"),
            ("file:///tmp/a.jpg", "give the path"),
            ("s3://bucket/a.jpg", "another scheme"),
            ("photos/a.jpg", "not a URL that begins with https://"),
        ] {
            let error = Image::from_url(url).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn debug_shows_no_bytes() {
        let image = Image::from_bytes(&b"\x89PNG\r\n\x1a\ncanary"[..]).unwrap();
        let text = serde_json::to_string(&image).unwrap();
        let stored: Image = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&stored).unwrap(), text);
        assert_eq!(stored, image);
        assert_ne!(stored, image.clone().detail(Detail::Low));
        assert_eq!(
            format!("{image:?}"),
            r#"Image { media_type: "image/png", bytes: 14, detail: None, .. }"#
        );
        let long = Image::from_url(format!(
            "data:image/png;base64,{}",
            "iVBORw0KGgo".repeat(40)
        ))
        .unwrap();
        assert!(!format!("{long:?}").contains("iVBORw0KGgoiVBORw0KGgo"));
    }
}
