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
    /// Whether `text` begins like a data URL, in any case.
    pub fn is_data_url(text: &str) -> bool {
        after_scheme(text).is_some()
    }

    /// Takes `text` apart. Errors where it is not `data:…,…`.
    #[inline]
    pub fn parse(text: &'u str) -> Result<Self, InvalidDataUrl> {
        let rest = after_scheme(text).ok_or(InvalidDataUrl::Scheme)?;
        let (head, data) = rest.split_once(',').ok_or(InvalidDataUrl::NoComma)?;
        let marked = head
            .rsplit_once(';')
            .filter(|(_, last)| last.trim().eq_ignore_ascii_case("base64"));
        Ok(match marked {
            Some((declared, _)) => Self {
                declared,
                encoding: Encoding::Base64,
                data,
            },
            None => Self {
                declared: head,
                encoding: Encoding::Percent,
                data,
            },
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
    #[inline]
    pub fn decode(&self) -> Result<Vec<u8>, InvalidDataUrl> {
        let data = self.data.as_bytes();
        match self.encoding {
            Encoding::Base64 => decode_base64(data).map_err(InvalidDataUrl::Base64),
            Encoding::Percent => Ok(percent_encoding::percent_decode(data).collect()),
        }
    }
}

/// The bytes behind the base64 of a data URL, which may be percent-encoded.
#[inline]
pub(super) fn decode_base64(data: &[u8]) -> Result<Vec<u8>, base64::InvalidBase64> {
    if memchr::memchr(b'%', data).is_none() {
        return base64::decode(data);
    }
    base64::decode(&Cow::from(percent_encoding::percent_decode(data)))
}

fn after_scheme(text: &str) -> Option<&str> {
    let text = text.trim();
    let (scheme, rest) = text.split_at_checked(5)?;
    scheme.eq_ignore_ascii_case("data:").then_some(rest)
}

impl fmt::Debug for DataUrl<'_> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "DataUrl({:?}, {} characters)",
            crate::error::excerpt(self.declared.as_bytes()),
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
    #[inline]
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

    #[test]
    fn forms_of_the_standard() {
        for (text, declared, bytes) in [
            (
                "data:image/png;base64,AAEC",
                Some("image/png"),
                &[0, 1, 2][..],
            ),
            ("DATA:IMAGE/PNG;BASE64,AAEC", Some("image/png"), &[0, 1, 2]),
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
