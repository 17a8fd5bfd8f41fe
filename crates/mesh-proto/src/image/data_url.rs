//! Data URLs (RFC 2397), read as the WHATWG Fetch standard reads them, section 6.

use std::borrow::Cow;
use std::fmt;

use super::media_type::MediaType;
use crate::base64;

/// A data URL taken apart, its data still encoded.
///
/// ```
/// use mesh_proto::image::DataUrl;
///
/// let url = DataUrl::parse("DATA:image/PNG;base64,iVBORw0KGgo=")?;
/// assert_eq!(url.declared().map(|it| it.to_string()).as_deref(), Some("image/png"));
/// assert_eq!(url.decode()?, b"\x89PNG\r\n\x1a\n");
/// # Ok::<(), mesh_proto::image::InvalidDataUrl>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DataUrl<'u> {
    declared: &'u str,
    encoding: Encoding,
    data: &'u str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Base64,
    Percent,
}

impl<'u> DataUrl<'u> {
    /// Whether `text` begins like a data URL, in any case, or like that of an image without `data:`.
    pub fn is_data_url(text: &str) -> bool {
        after_scheme(text).is_some()
    }

    /// Takes `text` apart: `data:…,…`.
    ///
    /// Gateways have been seen to put another parameter after `;base64`, to leave it out before the
    /// base64 of an image, to leave out `data:` before `image/…;base64`, and to put a whole data URL where the data of another should be. All of
    /// these are read as what is meant.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidDataUrl`] if the scheme or the comma is missing.
    pub fn parse(text: &'u str) -> Result<Self, InvalidDataUrl> {
        let mut read = Self::outermost(text)?;
        while let Ok(inner) = Self::outermost(read.data) {
            let declared = if inner.declared.trim().is_empty() {
                read.declared
            } else {
                inner.declared
            };
            read = Self { declared, ..inner };
        }
        if read.encoding == Encoding::Percent && begins_as_base64(read.data) {
            read.encoding = Encoding::Base64;
        }
        Ok(read)
    }

    fn outermost(text: &'u str) -> Result<Self, InvalidDataUrl> {
        let rest = after_scheme(text).ok_or(InvalidDataUrl::Scheme)?;
        let (head, data) = rest.split_once(',').ok_or(InvalidDataUrl::NoComma)?;
        let mut parameters = head.split(';');
        let declared = parameters.next().unwrap_or_default();
        let is_marked = parameters.any(|it| it.trim().eq_ignore_ascii_case("base64"));
        Ok(Self {
            declared,
            encoding: if is_marked {
                Encoding::Base64
            } else {
                Encoding::Percent
            },
            data,
        })
    }

    /// The media type that it declares, if it declares one.
    pub fn declared(&self) -> Option<MediaType> {
        MediaType::declared(self.declared)
    }

    /// The data as it stands in the URL.
    pub fn data(&self) -> &'u str {
        self.data
    }

    /// Whether the data is base64, whatever is percent-encoded within it.
    pub(crate) fn is_base64(&self) -> bool {
        self.encoding == Encoding::Base64
    }

    /// The bytes. Base64 is read in any alphabet, padded or not, and percent-encoded within it
    /// too.
    ///
    /// Errors where it is not base64, though the URL says so.
    pub fn decode(&self) -> Result<Vec<u8>, InvalidDataUrl> {
        let data = self.data.as_bytes();
        match self.encoding {
            Encoding::Base64 => decode_base64(data).map_err(InvalidDataUrl::Base64),
            Encoding::Percent => Ok(percent_encoding::percent_decode(data).collect()),
        }
    }
}

/// Whether data that is not marked as base64 is the base64 of an image, and not an image itself.
fn begins_as_base64(data: &str) -> bool {
    let beginning = data.as_bytes().get(..BEGINNING).unwrap_or(data.as_bytes());
    let plain = Cow::from(percent_encoding::percent_decode(beginning));
    if MediaType::sniff(&plain).is_some() {
        return false;
    }
    let mut base64: Vec<u8> = plain.iter().copied().collect();
    base64.retain(|byte| !byte.is_ascii_whitespace());
    if beginning.len() < data.len() {
        // The last escape may be cut off, and so may the last group.
        base64.truncate(base64.len().saturating_sub(2) / 4 * 4);
    }
    base64::decode(&base64).is_ok_and(|bytes| MediaType::sniff(&bytes).is_some())
}

/// How much of unmarked data is looked at.
const BEGINNING: usize = 1024;

/// The bytes behind the base64 of a data URL, which may be percent-encoded.
pub(super) fn decode_base64(data: &[u8]) -> Result<Vec<u8>, base64::InvalidBase64> {
    if memchr::memchr(b'%', data).is_none() {
        return base64::decode(data);
    }
    base64::decode(&Cow::from(percent_encoding::percent_decode(data)))
}

fn after_scheme(text: &str) -> Option<&str> {
    let text = text.trim();
    let marked = text
        .split_at_checked(5)
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("data:"));
    match marked {
        Some((_, rest)) => Some(rest),
        None => lacks_scheme(text).then_some(text),
    }
}

/// Whether only the scheme is missing: `image/png;base64,…`.
fn lacks_scheme(text: &str) -> bool {
    let beginning = text
        .as_bytes()
        .get(..LONGEST_HEAD)
        .unwrap_or(text.as_bytes());
    let Some(comma) = memchr::memchr(b',', beginning) else {
        return false;
    };
    let head = text.get(..comma).unwrap_or_default().to_ascii_lowercase();
    head.starts_with("image/")
        && head.ends_with(";base64")
        && !head.contains(|it: char| it == ':' || it.is_whitespace())
}

/// How far the comma of a data URL without its scheme is looked for.
const LONGEST_HEAD: usize = 128;

impl fmt::Debug for DataUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "DataUrl({:?}, {} characters)",
            crate::excerpt::excerpt(self.declared.as_bytes()),
            self.data.len()
        )
    }
}

/// What keeps a text from being a data URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidDataUrl {
    /// It does not begin with `data:`.
    Scheme,
    /// It has no comma before its data.
    NoComma,
    /// It says that its data is base64, which it is not.
    Base64(base64::InvalidBase64),
}

impl fmt::Display for InvalidDataUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheme => f.write_str("not a data URL"),
            Self::NoComma => f.write_str("a data URL without a comma before its data"),
            Self::Base64(error) => write!(f, "a data URL of {error}"),
        }
    }
}

impl std::error::Error for InvalidDataUrl {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

    #[test]
    fn forms_of_the_standard_and_those_that_gateways_have() {
        for (text, declared, bytes) in [
            (
                "data:image/png;base64,AAEC",
                Some("image/png"),
                &[0, 1, 2][..],
            ),
            ("DATA:IMAGE/PNG;BASE64,AAEC", Some("image/png"), &[0, 1, 2]),
            ("image/png;base64,AAEC", Some("image/png"), &[0, 1, 2]),
            ("Image/PNG;Base64,AAEC", Some("image/png"), &[0, 1, 2]),
            (
                "data:image/jpeg;charset=utf-8;base64,AAE",
                Some("image/jpeg"),
                &[0, 1],
            ),
            (" data:;base64,-_8=\n", None, &[0xfb, 0xff]),
            (
                "data:image/png;base64,%41AEC",
                Some("image/png"),
                &[0, 1, 2],
            ),
            (
                "data:image/svg+xml,%3Csvg%3E",
                Some("image/svg+xml"),
                b"<svg>",
            ),
            ("data:,a,b", None, b"a,b"),
            (
                "data:image/png;base64;charset=utf-8,AAEC",
                Some("image/png"),
                &[0, 1, 2],
            ),
            (
                "data: image/png ; BASE64 , AA\r\nEC",
                Some("image/png"),
                &[0, 1, 2],
            ),
            ("data:image/png,iVBORw0KGgo=", Some("image/png"), PNG),
            ("data:image/png,iVBORw0KGgo", Some("image/png"), PNG),
            (
                "data:image/png;charset=utf-8,iVBORw0KGgo=",
                Some("image/png"),
                PNG,
            ),
            ("data:,iVBO%52w0K\nGgo%3D", None, PNG),
            (
                "data:image/gif,R0lGODlh_-8=",
                Some("image/gif"),
                b"GIF89a\xff\xef",
            ),
            (
                "data:image/svg+xml,PHN2Zy8+",
                Some("image/svg+xml"),
                b"<svg/>",
            ),
            ("data:image/png,%89PNG%0D%0A%1A%0A", Some("image/png"), PNG),
            ("data:text/plain,iVBORw", Some("text/plain"), b"iVBORw"),
            (
                "data:image/png;base64,data:image/png;base64,iVBORw0KGgo=",
                Some("image/png"),
                PNG,
            ),
            (
                "data:image/png,DATA:;base64, data:,iVBORw0KGgo=",
                Some("image/png"),
                PNG,
            ),
            (
                "data:image/png;base64,data:image/webp,iVBORw0KGgo=",
                Some("image/webp"),
                PNG,
            ),
        ] {
            let url = DataUrl::parse(text).unwrap();
            assert_eq!(
                url.declared().as_ref().map(MediaType::as_str),
                declared,
                "{text}"
            );
            assert_eq!(url.decode().unwrap(), bytes, "{text}");
        }
        assert_eq!(DataUrl::parse("https://x"), Err(InvalidDataUrl::Scheme));
        assert_eq!(
            DataUrl::parse("data:image/png;base64"),
            Err(InvalidDataUrl::NoComma)
        );
        assert!(DataUrl::parse("data:;base64,!").unwrap().decode().is_err());
    }

    #[test]
    fn unmarked_base64_is_read_to_its_end_or_refused() {
        let long = format!("data:image/png,iVBORw0KGgo{}", "AAAA".repeat(1000));
        let bytes = DataUrl::parse(&long).unwrap().decode().unwrap();
        assert!(bytes.starts_with(PNG) && bytes.len() == 3008);
        let broken = format!("{long}!");
        assert!(DataUrl::parse(&broken).unwrap().decode().is_err());
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(data:)?\\PC{0,40}") {
            if let Ok(url) = DataUrl::parse(&text) {
                let _ = url.declared();
                let _ = url.decode();
            }
        }
    }
}
