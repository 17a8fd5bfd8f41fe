//! What a picture's bytes are, by their magic bytes, whatever anyone declared.

use std::borrow::Cow;
use std::fmt;

/// The media type of a picture, such as `image/png` (RFC 6838), in lower case.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MediaType(Cow<'static, str>);

impl MediaType {
    /// `image/png`.
    pub const PNG: Self = Self::known("image/png");
    /// `image/jpeg`.
    pub const JPEG: Self = Self::known("image/jpeg");
    /// `image/gif`.
    pub const GIF: Self = Self::known("image/gif");
    /// `image/webp`.
    pub const WEBP: Self = Self::known("image/webp");
    /// `image/heic`.
    pub const HEIC: Self = Self::known("image/heic");
    /// `image/heif`.
    pub const HEIF: Self = Self::known("image/heif");
    /// `image/avif`.
    pub const AVIF: Self = Self::known("image/avif");
    /// `image/tiff`.
    pub const TIFF: Self = Self::known("image/tiff");
    /// `image/bmp`.
    pub const BMP: Self = Self::known("image/bmp");
    /// `image/svg+xml`.
    pub const SVG: Self = Self::known("image/svg+xml");
    /// `image/jxl`.
    pub const JXL: Self = Self::known("image/jxl");
    /// `image/x-icon`.
    pub const ICON: Self = Self::known("image/x-icon");
    /// `image/jp2`: JPEG 2000 as a file (ISO/IEC 15444-1, annex I).
    pub const JP2: Self = Self::known("image/jp2");
    /// `image/j2c`: JPEG 2000 as a bare codestream.
    pub const J2C: Self = Self::known("image/j2c");
    /// `image/vnd.adobe.photoshop`.
    pub const PSD: Self = Self::known("image/vnd.adobe.photoshop");

    const fn known(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// A declared media type: `type/subtype`, without parameters. `None` for anything else.
    pub fn declared(text: &str) -> Option<Self> {
        let essence = text.split(';').next().unwrap_or_default().trim();
        let (kind, subtype) = essence.split_once('/')?;
        let token = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
        };
        (token(kind) && token(subtype)).then(|| {
            let lower = essence.to_ascii_lowercase();
            // A common slip that no reader takes for a format of its own.
            Self(Cow::Owned(if lower == "image/jpg" {
                "image/jpeg".to_owned()
            } else {
                lower
            }))
        })
    }

    /// What `bytes` are, by their magic bytes (WHATWG MIME Sniffing, section 6.1, and the formats'
    /// own specifications), or `None` where they are no picture.
    ///
    /// ```
    /// use mesh_proto::image::MediaType;
    ///
    /// assert_eq!(MediaType::sniff(b"\xff\xd8\xff\xe0"), Some(MediaType::JPEG));
    /// assert_eq!(MediaType::sniff(b"%PDF-1.7"), None);
    /// ```
    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        let starts = |magic: &[u8]| bytes.starts_with(magic);
        let at = |offset: usize, magic: &[u8]| {
            bytes
                .get(offset..)
                .is_some_and(|rest| rest.starts_with(magic))
        };
        if starts(b"\x89PNG\r\n\x1a\n") {
            Some(Self::PNG)
        } else if starts(b"\xff\xd8\xff") {
            Some(Self::JPEG)
        } else if starts(b"GIF87a") || starts(b"GIF89a") {
            Some(Self::GIF)
        } else if starts(b"RIFF") && at(8, b"WEBPVP") {
            Some(Self::WEBP)
        } else if at(4, b"ftyp") {
            iso_brand(bytes)
        } else if starts(b"II*\0") || starts(b"MM\0*") || starts(b"II+\0") || starts(b"MM\0+") {
            Some(Self::TIFF)
        } else if starts(b"BM") && at(6, &[0; 4]) {
            Some(Self::BMP)
        } else if starts(b"\0\0\x01\0") || starts(b"\0\0\x02\0") {
            Some(Self::ICON)
        } else if starts(b"\xff\x0a") || starts(b"\0\0\0\x0cJXL \r\n\x87\n") {
            Some(Self::JXL)
        } else if starts(b"\0\0\0\x0cjP  \r\n\x87\n") {
            Some(Self::JP2)
        } else if starts(b"\xff\x4f\xff\x51") {
            Some(Self::J2C)
        } else if starts(b"8BPS") {
            Some(Self::PSD)
        } else if is_svg(bytes) {
            Some(Self::SVG)
        } else {
            None
        }
    }

    /// The type as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name people know the format by: `PNG`, `JPEG`.
    pub fn name(&self) -> &str {
        match self.as_str() {
            "image/png" => "PNG",
            "image/jpeg" => "JPEG",
            "image/gif" => "GIF",
            "image/webp" => "WebP",
            "image/heic" => "HEIC",
            "image/heif" => "HEIF",
            "image/avif" => "AVIF",
            "image/tiff" => "TIFF",
            "image/bmp" => "BMP",
            "image/svg+xml" => "SVG",
            "image/jxl" => "JPEG XL",
            "image/jp2" | "image/j2c" | "image/jpx" | "image/jpm" => "JPEG 2000",
            "image/x-icon" => "icon",
            "image/vnd.adobe.photoshop" => "Photoshop",
            other => other,
        }
    }

    /// The ending of a file of this type, without the dot: `png`, `jpg`.
    pub fn extension(&self) -> &str {
        match self.as_str() {
            "image/jpeg" => "jpg",
            "image/svg+xml" => "svg",
            "image/x-icon" => "ico",
            "image/vnd.adobe.photoshop" => "psd",
            other => other.split_once('/').map_or(other, |(_, subtype)| subtype),
        }
    }

    /// Whether every vision model takes it: PNG, JPEG, GIF and WebP ([protocol reference, section
    /// 4.1](crate::protocol#41-image-input)).
    pub fn is_portable(&self) -> bool {
        [Self::PNG, Self::JPEG, Self::GIF, Self::WEBP].contains(self)
    }
}

// What was declared may be anything.
impl fmt::Debug for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MediaType")
            .field(&crate::excerpt::excerpt(self.0.as_bytes()))
            .finish()
    }
}

impl AsRef<str> for MediaType {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A picture's size in pixels, as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dimensions {
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
}

impl Dimensions {
    /// The size that the header of a PNG, JPEG, GIF or WebP states, without decoding the picture;
    /// `None` where it states none, or the picture is a PNG of Xcode's.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let media_type = MediaType::sniff(bytes)?;
        if media_type == MediaType::PNG {
            return png_size(bytes);
        }
        if !media_type.is_portable() {
            return None;
        }
        let size = imagesize::blob_size(bytes).ok()?;
        Some(Self {
            width: u32::try_from(size.width).ok()?,
            height: u32::try_from(size.height).ok()?,
        })
    }
}

impl fmt::Display for Dimensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} × {}", self.width, self.height)
    }
}

/// What the brands of an ISO base media file name: the major one if that names a codec, then AVIF
/// if any of the compatible ones does, then the first of them. `mif1` and `msf1` name no codec
/// (AV1 Image File Format, section 5; ISO/IEC 23008-12, section 10).
fn iso_brand(bytes: &[u8]) -> Option<MediaType> {
    let length = bytes.get(..4)?.try_into().map(u32::from_be_bytes).ok()?;
    let box_end = usize::try_from(length)
        .ok()?
        .clamp(16, 256)
        .min(bytes.len());
    let named = |brand: &[u8]| match brand {
        b"avif" | b"avis" => Some(MediaType::AVIF),
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs" => {
            Some(MediaType::HEIC)
        }
        b"mif1" | b"msf1" => Some(MediaType::HEIF),
        _ => None,
    };
    let major = named(bytes.get(8..12.min(box_end))?);
    if matches!(&major, Some(it) if *it != MediaType::HEIF) {
        return major;
    }
    let compatible = bytes.get(16..box_end).unwrap_or_default().chunks_exact(4);
    let others = || compatible.clone().filter_map(named);
    let with_codec = || others().find(|it| *it != MediaType::HEIF);
    others()
        .find(|it| *it == MediaType::AVIF)
        .or_else(with_codec)
        .or(major)
        .or_else(|| others().next())
}

/// The size that the header chunk of a PNG states, which other chunks may come before in spite of
/// the standard. `None` for a PNG of Xcode's.
fn png_size(bytes: &[u8]) -> Option<Dimensions> {
    let mut rest = bytes.get(8..)?;
    loop {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (kind, data) = after.split_first_chunk::<4>()?;
        match kind {
            b"IHDR" => {
                let (width, data) = data.split_first_chunk::<4>()?;
                let height = data.first_chunk::<4>()?;
                return Some(Dimensions {
                    width: u32::from_be_bytes(*width),
                    height: u32::from_be_bytes(*height),
                });
            }
            b"CgBI" | b"IDAT" | b"IEND" => return None,
            _ => {
                let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
                rest = data.get(length.checked_add(4)?..)?;
            }
        }
    }
}

/// Whether a PNG is one that Xcode has changed for Apple's devices: its first chunk is `CgBI`, and
/// no other decoder reads the pixels behind it.
pub fn is_xcode_png(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.get(12..16).is_some_and(|kind| kind == b"CgBI")
}

/// Whether a text is SVG: its first element is `svg`, after a BOM, a declaration, comments or a
/// document type.
fn is_svg(bytes: &[u8]) -> bool {
    let mut text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    text = text.get(..text.len().min(4096)).unwrap_or_default();
    loop {
        text = text.trim_ascii_start();
        let after = if text.starts_with(b"<!--") {
            memchr::memmem::find(text, b"-->").map(|at| at + 3)
        } else if text.starts_with(b"<?") {
            memchr::memmem::find(text, b"?>").map(|at| at + 2)
        } else if text.starts_with(b"<!") {
            // A type of SVG whose end lies beyond what is looked at is enough.
            end_of_doctype(text).or(names_svg(text).then_some(text.len()))
        } else {
            let after = text
                .strip_prefix(b"<svg:svg")
                .or_else(|| text.strip_prefix(b"<svg"))
                .and_then(|rest| rest.first());
            return after
                .is_some_and(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/'));
        };
        let is_svg = names_svg(text);
        match after.and_then(|after| text.get(after..)) {
            Some([]) | None => return is_svg,
            Some(rest) => text = rest,
        }
    }
}

/// Whether a text begins with a document type whose root is `svg`.
fn names_svg(text: &[u8]) -> bool {
    const DOCTYPE: &[u8] = b"<!doctype";
    let (keyword, rest) = text.split_at_checked(DOCTYPE.len()).unwrap_or_default();
    let root = rest.trim_ascii_start();
    let after = root
        .strip_prefix(b"svg:svg")
        .or_else(|| root.strip_prefix(b"svg"))
        .and_then(|rest| rest.first());
    keyword.eq_ignore_ascii_case(DOCTYPE)
        && rest.first().is_some_and(u8::is_ascii_whitespace)
        && after.is_some_and(|byte| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'['))
}

/// Where a document type ends: at a `>` outside of quotes, comments and the brackets of its
/// internal subset (XML 1.0, section 2.8).
fn end_of_doctype(text: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 2;
    loop {
        let rest = text.get(at..)?;
        at += match rest.first()? {
            quote @ (b'"' | b'\'') => memchr::memchr(*quote, rest.get(1..)?)? + 2,
            b'<' if rest.starts_with(b"<!--") => memchr::memmem::find(rest, b"-->")? + 3,
            b'[' | b'<' => {
                depth += 1;
                1
            }
            b']' => {
                depth = depth.saturating_sub(1);
                1
            }
            b'>' if depth == 0 => return Some(at + 1),
            b'>' => {
                depth -= 1;
                1
            }
            _ => 1,
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn magic_bytes_decide() {
        for (bytes, expected) in [
            (&b"\x89PNG\r\n\x1a\n...."[..], Some(MediaType::PNG)),
            (b"\xff\xd8\xff\xdb", Some(MediaType::JPEG)),
            (b"GIF89a", Some(MediaType::GIF)),
            (b"RIFF\x10\0\0\0WEBPVP8L", Some(MediaType::WEBP)),
            (b"RIFF\x10\0\0\0WAVEfmt ", None),
            (b"\0\0\0\x1cftypheic\0\0\0\0mif1heic", Some(MediaType::HEIC)),
            (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heic", Some(MediaType::HEIC)),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1", Some(MediaType::HEIF)),
            (b"\0\0\0\x18ftypmsf1\0\0\0\0msf1", Some(MediaType::HEIF)),
            (
                b"\0\0\0\x20ftypmif1\0\0\0\0avifmif1miaf",
                Some(MediaType::AVIF),
            ),
            (
                b"\0\0\0\x20ftypmif1\0\0\0\0mif1miafavif",
                Some(MediaType::AVIF),
            ),
            (
                b"\0\0\0\x20ftypmsf1\0\0\0\0msf1heviavis",
                Some(MediaType::AVIF),
            ),
            (
                b"\0\0\0\x20ftypmif1\0\0\0\0heicmif1avif",
                Some(MediaType::AVIF),
            ),
            (
                b"\0\0\0\x20ftypmiaf\0\0\0\0mif1miafavif",
                Some(MediaType::AVIF),
            ),
            (
                b"\0\0\0\x20ftypheic\0\0\0\0mif1heicavif",
                Some(MediaType::HEIC),
            ),
            (
                b"\0\0\0\x20ftypmsf1\0\0\0\0msf1hevcmif1",
                Some(MediaType::HEIC),
            ),
            (b"\0\0\0\x14ftypmif1\0\0\0\0mif1avif", Some(MediaType::HEIF)),
            (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1", Some(MediaType::AVIF)),
            (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", None),
            (b"II*\0\x08\0\0\0", Some(MediaType::TIFF)),
            (b"MM\0*\0\0\0\x08", Some(MediaType::TIFF)),
            (b"BM\x36\0\0\0\0\0\0\0", Some(MediaType::BMP)),
            (b"BMW is a car", None),
            (b"<svg xmlns='x'/>", Some(MediaType::SVG)),
            (
                b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- a -->\n<!DOCTYPE svg>\n<svg>",
                Some(MediaType::SVG),
            ),
            (
                b"<!DOCTYPE svg [\n<!ENTITY a \"b>\">\n<!-- ]> -->\n]>\n<svg>",
                Some(MediaType::SVG),
            ),
            (
                b"<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'http://www.w3.org/'>\n<svg>",
                Some(MediaType::SVG),
            ),
            (b"<!DOCTYPE svg:svg []><svg:svg>", Some(MediaType::SVG)),
            (b"<!doctype svg [<!ENTITY a \"", Some(MediaType::SVG)),
            (b"<!DOCTYPE svg>", Some(MediaType::SVG)),
            (
                b"<?xml version='1.0'?><!-- > --><svg:svg>",
                Some(MediaType::SVG),
            ),
            (b"<!DOCTYPE html [<!ENTITY svg \"<svg>\">]><html>", None),
            (b"<!DOCTYPE svgs><a>", None),
            (b"<!DOCTYPE html", None),
            (
                b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 ",
                Some(MediaType::JP2),
            ),
            (b"\xff\x4f\xff\x51\0\x2f", Some(MediaType::J2C)),
            (b"<svgs>", None),
            (b"<html><svg>", None),
            (b"", None),
            (b"\x89PNG", None),
        ] {
            assert_eq!(
                MediaType::sniff(bytes),
                expected,
                "{:?}",
                String::from_utf8_lossy(bytes)
            );
        }
    }

    #[test]
    fn declared_types_are_normalised() {
        assert_eq!(MediaType::declared("Image/JPG; q=1"), Some(MediaType::JPEG));
        for text in [
            "",
            "png",
            "image/",
            "/png",
            "image/p ng",
            "a/b/c",
            "image/png\r\nx: y",
        ] {
            assert_eq!(MediaType::declared(text), None, "{text}");
        }
    }

    #[test]
    fn dimensions_come_from_the_header() {
        let photo = include_bytes!("../../../../examples/photos/rocket.jpg");
        assert_eq!(
            Dimensions::read(photo),
            Some(Dimensions {
                width: 640,
                height: 427
            })
        );
        let photo = include_bytes!("../../../../examples/photos/chelsea.png");
        assert_eq!(
            Dimensions::read(photo),
            Some(Dimensions {
                width: 451,
                height: 300
            })
        );
        assert_eq!(Dimensions::read(&photo[..20]), None);
    }

    #[test]
    fn the_header_of_a_png_is_looked_for_where_it_is() {
        let magic = &b"\x89PNG\r\n\x1a\n"[..];
        let header = b"\0\0\0\x0dIHDR\0\0\x01\x90\0\0\0\xc8\x08\x06\0\0\0....";
        let size = Some(Dimensions {
            width: 400,
            height: 200,
        });
        let other = b"\0\0\0\x05teXt12345....";
        let xcode = b"\0\0\0\x04CgBI\x50\0\x20\x06....";
        let data = b"\0\0\0\0IDAT....";
        let endless = b"\xff\xff\xff\xffteXt";
        for (chunks, expected) in [
            (&[&header[..]][..], size),
            (&[&other[..], header], size),
            (&[&other[..], other, header], size),
            (&[&xcode[..], header], None),
            (&[&other[..], xcode, header], None),
            (&[&data[..], header], None),
            (&[&endless[..], header], None),
            (&[&header[..15]], None),
            (&[], None),
        ] {
            let bytes = [magic, &chunks.concat()].concat();
            assert_eq!(Dimensions::read(&bytes), expected, "{chunks:?}");
            assert_eq!(is_xcode_png(&bytes), chunks.first() == Some(&&xcode[..]));
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(
            magic in prop::sample::select(vec![
                &b""[..], b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"RIFF\x10\0\0\0WEBPVP8 ", b"RIFF\x10\0\0\0WEBPVP8X",
                b"RIFF\x10\0\0\0WEBPVP8L", b"\0\0\0\x1cftyp", b"<svg", b"<!--", b"<?xml",
            ]),
            rest: Vec<u8>,
        ) {
            let bytes = [magic, &rest[..]].concat();
            let _ = MediaType::sniff(&bytes);
            let _ = Dimensions::read(&bytes);
            let _ = crate::image::describe(&bytes);
        }
    }
}
