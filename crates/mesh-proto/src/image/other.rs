//! What bytes are that are no picture.

use std::borrow::Cow;

use super::media_type::MediaType;

/// What `bytes` are, in words for a message: `a PNG picture`, `a PDF document`, `text`.
pub fn describe(bytes: &[u8]) -> Cow<'static, str> {
    if bytes.is_empty() {
        return "empty".into();
    }
    if let Some(media_type) = MediaType::sniff(bytes) {
        let article = if matches!(media_type.name(), "AVIF" | "SVG" | "icon") {
            "an"
        } else {
            "a"
        };
        return format!("{article} {} picture", media_type.name()).into();
    }
    if let Some(other) = other(bytes) {
        return other.name().into();
    }
    let known = if bytes.starts_with(b"RIFF") {
        Other::Sound.name()
    } else if std::str::from_utf8(bytes).is_ok_and(|text| !text.contains('\0')) {
        "text"
    } else {
        "data of an unknown kind"
    };
    known.into()
}

/// Whether bytes that are no known picture may be the one that they are declared to be: it is of a
/// type without magic bytes here, and they are nothing else, or the other thing is how pictures of
/// that type are stored.
pub(super) fn may_be(bytes: &[u8], declared: &MediaType) -> bool {
    let subtype = declared.as_str().rsplit('/').next().unwrap_or_default();
    if has_magic_bytes(subtype) {
        return false;
    }
    let is_xml = subtype.ends_with("+xml");
    match other(bytes) {
        // A text without markup is no XML.
        None => !is_xml || std::str::from_utf8(bytes).is_err(),
        Some(Other::Markup) => is_xml,
        Some(Other::Gzip) => *declared == MediaType::SVG,
        Some(Other::Archive) => subtype == "openraster",
        Some(_) => false,
    }
}

/// Whether pictures of a type begin with bytes that [`MediaType::sniff`] knows, by any of the names
/// that the type goes by.
fn has_magic_bytes(subtype: &str) -> bool {
    const NAMES: [&str; 30] = [
        "png",
        "apng",
        "jpeg",
        "jpg",
        "jpe",
        "jfif",
        "pjpeg",
        "gif",
        "webp",
        "heic",
        "heic-sequence",
        "heif",
        "heif-sequence",
        "avif",
        "avif-sequence",
        "avis",
        "tiff",
        "tif",
        "bmp",
        "ms-bmp",
        "icon",
        "ico",
        "vnd.microsoft.icon",
        "jxl",
        "jp2",
        "jpx",
        "jpm",
        "j2c",
        "psd",
        "vnd.adobe.photoshop",
    ];
    let name = subtype.strip_prefix("x-").unwrap_or(subtype);
    NAMES.contains(&name)
}

/// What plainly is something else than a picture.
#[derive(Clone, Copy)]
enum Other {
    Pdf,
    Archive,
    Gzip,
    Video,
    Sound,
    Program,
    Html,
    Markup,
    Json,
    DataUrl,
}

impl Other {
    fn name(self) -> &'static str {
        match self {
            Self::Pdf => "a PDF document",
            Self::Archive => "a ZIP archive or an Office document",
            Self::Gzip => "gzip-compressed data",
            Self::Video => "a video",
            Self::Sound => "a sound or a video",
            Self::Program => "a program",
            Self::Html => "HTML",
            Self::Markup => "XML or other markup",
            Self::Json => "JSON",
            Self::DataUrl => "the text of a data URL",
        }
    }
}

/// What bytes that are no known picture are by their beginning, of which a little is enough.
fn other(bytes: &[u8]) -> Option<Other> {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    let at = |offset: usize| bytes.get(offset..).unwrap_or_default();
    let is_sound = starts(b"ID3") || starts(b"OggS") || starts(b"fLaC");
    // Canon's pictures are in the container that films are in.
    let is_film = at(4).starts_with(b"ftyp") && !at(8).starts_with(b"crx ");
    let is_riff = starts(b"RIFF") && (at(8).starts_with(b"WAVE") || at(8).starts_with(b"AVI "));
    if starts(b"%PDF-") {
        return Some(Other::Pdf);
    } else if starts(b"PK\x03\x04") {
        return Some(Other::Archive);
    } else if starts(b"\x1f\x8b") {
        return Some(Other::Gzip);
    } else if is_film || starts(b"\x1aE\xdf\xa3") {
        return Some(Other::Video);
    } else if is_sound || is_riff {
        return Some(Other::Sound);
    } else if starts(b"\x7fELF") || starts(b"MZ") {
        return Some(Other::Program);
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = text.get(..text.len().min(BEGINNING)).unwrap_or_default();
    let text = text.trim_ascii_start();
    let markup = text
        .get(..text.len().min(14))
        .unwrap_or_default()
        .to_ascii_lowercase();
    let mut after = text.get(1..).unwrap_or_default().trim_ascii_start().iter();
    if markup.starts_with(b"<!doctype html") || markup.starts_with(b"<html") {
        Some(Other::Html)
    } else if markup.starts_with(b"data:") {
        Some(Other::DataUrl)
    } else {
        match (text.first()?, after.next()) {
            (b'<', Some(b'!' | b'?' | b'a'..=b'z' | b'A'..=b'Z')) => Some(Other::Markup),
            (b'{', Some(b'"' | b'}')) | (b'[', Some(b'"' | b'{' | b'[' | b']')) => {
                Some(Other::Json)
            }
            _ => None,
        }
    }
}

/// How much of a text is looked at, white space before it included: no more than is kept of a
/// picture that goes by.
const BEGINNING: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_picture_is_named() {
        for (bytes, expected) in [
            (&b""[..], "empty"),
            (b"%PDF-1.7", "a PDF document"),
            (b"<!DOCTYPE html><p>", "HTML"),
            (b"PK\x03\x04", "a ZIP archive or an Office document"),
            (b"hello", "text"),
            (b"\n{\"error\":\"expired\"}", "JSON"),
            (b"[{}]", "JSON"),
            (b"{hello}", "text"),
            (b"<?xml version='1.0'?><Error>", "XML or other markup"),
            (b"<3 you", "text"),
            (b"\xef\xbb\xbf \n<HTML>", "HTML"),
            (b"RIFF\x10\0\0\0WAVEfmt ", "a sound or a video"),
            (b"RIFF", "a sound or a video"),
            (b"\xfe\x00\xff", "data of an unknown kind"),
            (b"MM\0*", "a TIFF picture"),
            (b"\0\0\0\x1cftypavif\0\0\0\0avif", "an AVIF picture"),
            (b"\0\0\0\x1cftypheic\0\0\0\0heic", "a HEIC picture"),
            (b"<svg>", "an SVG picture"),
        ] {
            assert_eq!(describe(bytes), expected);
        }
    }

    #[test]
    fn a_declaration_is_believed_of_what_is_nothing_else() {
        for (bytes, declared, expected) in [
            (
                &b"<html><body>Access denied</body></html>"[..],
                "image/png",
                false,
            ),
            (b"<html><svg>", "image/svg+xml", false),
            (b"{\"error\":\"expired\"}", "image/png", false),
            (b"%PDF-1.4 ...", "image/png", false),
            (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", "image/avif", false),
            (b"<Error><Code>AccessDenied", "image/jpeg", false),
            (
                b"<!DOCTYPE svg [<!ENTITY a \"b\">]><svg>",
                "image/svg+xml",
                true,
            ),
            (b"<svg:svg>", "image/svg+xml", true),
            (b"\x1f\x8b\x08", "image/svg+xml", true),
            (b"\x1f\x8b\x08", "image/png", false),
            (b"PK\x03\x04", "image/openraster", true),
            (b"PK\x03\x04", "image/png", false),
            (
                b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom",
                "image/x-canon-cr3",
                true,
            ),
            (b"RIFF", "image/webp", false),
            (b"RIFF\x10\0\0\0WAVEfmt ", "image/webp", false),
            (b"hello", "image/png", false),
            (b"hello", "image/jpg", false),
            (b"hello", "image/pjpeg", false),
            (b"hello", "image/x-png", false),
            (b"hello", "image/webp", false),
            (b"hello", "image/gif", false),
            (b"\x01\x02\x03", "image/png", false),
            (b"\x89PNG", "image/png", false),
            (b"hello", "image/avif", false),
            (b"hello", "image/tiff", false),
            (b"hello", "image/svg+xml", false),
            (b"\xff\xfe<\0s\0v\0g\0", "image/svg+xml", true),
            (b"P3 1 1 255 0 0 0", "image/x-portable-pixmap", true),
            (b"\0\x01\x02", "image/x-new", true),
        ] {
            let declared = MediaType::declared(declared).unwrap();
            assert_eq!(may_be(bytes, &declared), expected, "{declared}: {bytes:?}");
        }
    }
}
