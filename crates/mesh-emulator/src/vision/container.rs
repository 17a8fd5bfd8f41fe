//! Picture files from the outside: which format, whole or cut, how many frames, which way up.

use std::fmt;
use std::io::BufRead;

use mesh_proto::image::Orientation;

use mesh_proto::image::MediaType;

use super::CannotSee;

/// The format of a picture file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// GIF.
    Gif,
    /// WebP.
    Webp,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Gif => "GIF",
            Self::Webp => "WebP",
        })
    }
}

/// What a file's frame says of the picture inside.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) format: Format,
    pub(super) frames: u32,
}

/// Tells the format and checks that the file reaches its end.
///
/// Decoders fill what is missing with gray or stop silently; a cut file is worth telling.
pub(super) fn open(bytes: &[u8]) -> Result<Container, CannotSee> {
    let (format, frames) = if bytes.is_empty() {
        return Err(CannotSee::Empty);
    } else if begins(bytes, b"\x89PNG\r\n\x1a\n") {
        if let Some(reason) = wrong_chunk(bytes) {
            let format = Format::Png;
            return Err(CannotSee::Broken { format, reason });
        }
        (Format::Png, png(bytes))
    } else if begins(bytes, b"\xff\xd8\xff") {
        (Format::Jpeg, jpeg(bytes))
    } else if begins(bytes, b"GIF87a") || begins(bytes, b"GIF89a") {
        (Format::Gif, gif(bytes))
    } else if begins(bytes, b"RIFF") && bytes.get(8..).unwrap_or_default().starts_with(b"WEBP") {
        (Format::Webp, webp(bytes))
    } else {
        return Err(stranger(bytes));
    };
    match frames {
        Some(frames) => Ok(Container { format, frames }),
        None if has_end(bytes, format) => Err(CannotSee::Broken {
            format,
            reason: "a length in it does not lead to its end".to_owned(),
        }),
        None => Err(CannotSee::Truncated { format }),
    }
}

/// What is wrong with the first chunk of a PNG whose head is none (PNG, third edition, section 5.3).
fn wrong_chunk(bytes: &[u8]) -> Option<String> {
    let mut rest = bytes.get(8..)?;
    loop {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (kind, after) = after.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length);
        let at = bytes.len().saturating_sub(rest.len());
        if length > MOST_CHUNK_BYTES || !kind.iter().all(u8::is_ascii_alphabetic) {
            return Some(format!("there is no chunk at byte {at}, where one begins"));
        }
        if kind == b"IEND" {
            return None;
        }
        rest = after.get(usize::try_from(length).ok()?.checked_add(4)?..)?;
    }
}

/// The most bytes of a PNG's chunk, 2³¹ − 1.
const MOST_CHUNK_BYTES: u32 = 0x7fff_ffff;

/// Whether the file has an end at its end, so that it was not cut off.
fn has_end(bytes: &[u8], format: Format) -> bool {
    match format {
        Format::Png => bytes.ends_with(b"\0\0\0\0IEND\xae\x42\x60\x82"),
        Format::Jpeg => bytes.ends_with(b"\xff\xd9"),
        Format::Gif => bytes.ends_with(b"\0;"),
        // Its end is where its head says.
        Format::Webp => false,
    }
}

/// The orientation that the file's EXIF or XMP data tells, 1 to 8.
pub(super) fn orientation(bytes: &[u8]) -> Option<u8> {
    Orientation::read(bytes).map(Orientation::number)
}

fn begins(bytes: &[u8], magic: &[u8]) -> bool {
    bytes.starts_with(magic)
}

fn stranger(bytes: &[u8]) -> CannotSee {
    // A file cut inside its first signature has no other meaning.
    let cut: [(&[u8], Format); 4] = [
        (b"\x89PNG\r\n\x1a\n", Format::Png),
        (b"\xff\xd8\xff", Format::Jpeg),
        (b"GIF89a", Format::Gif),
        (b"GIF87a", Format::Gif),
    ];
    let half = |magic: &[u8]| bytes.len() >= 2 && magic.starts_with(bytes);
    if let Some((_, format)) = cut.iter().find(|(magic, _)| half(magic)) {
        return CannotSee::Truncated { format: *format };
    }
    if begins(bytes, b"RIFF") && bytes.len() < 12 {
        return CannotSee::Truncated {
            format: Format::Webp,
        };
    }
    if let Some(media_type) = MediaType::sniff(bytes) {
        let looks_like = named(&media_type);
        return CannotSee::NotAPicture { looks_like };
    }
    let text = bytes.trim_ascii_start();
    let known: [(bool, &'static str); 8] = [
        (begins(bytes, b"BM"), "a BMP picture"),
        (boxed(bytes, b"ftyp"), "an MP4 video"),
        (begins(bytes, b"%PDF"), "a PDF document"),
        (begins(bytes, b"RIFF"), "a RIFF file that is not WebP"),
        (begins(text, b"<svg"), "an SVG drawing"),
        (begins(text, b"<"), "HTML or XML text"),
        (begins(text, b"{"), "JSON text"),
        (begins(text, b"data:"), "a data URL that was not decoded"),
    ];
    let looks_like = known.iter().find_map(|(fits, what)| fits.then_some(*what));
    CannotSee::NotAPicture { looks_like }
}

/// A type that is not decoded here, by the name that the core has for it.
fn named(media_type: &MediaType) -> Option<&'static str> {
    Some(match media_type.as_str() {
        "image/heic" => "a HEIC picture",
        "image/heif" => "a HEIF picture",
        "image/avif" => "an AVIF picture",
        "image/tiff" => "a TIFF picture",
        "image/bmp" => "a BMP picture",
        "image/svg+xml" => "an SVG drawing",
        "image/jxl" => "a JPEG XL picture",
        "image/x-icon" => "an icon",
        "image/vnd.adobe.photoshop" => "a Photoshop picture",
        _ => return None,
    })
}

fn boxed(bytes: &[u8], kind: &[u8]) -> bool {
    bytes.get(4..).is_some_and(|rest| rest.starts_with(kind))
}

/// Each of these gives the number of frames, or nothing if the file ends too early.
fn png(bytes: &[u8]) -> Option<u32> {
    let mut rest = bytes.get(8..)?;
    let mut frames = 1;
    loop {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (kind, after) = after.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        if kind == b"acTL" {
            frames = after
                .first_chunk::<4>()
                .map_or(1, |count| u32::from_be_bytes(*count).max(1));
        }
        rest = after.get(length.checked_add(4)?..)?;
        if kind == b"IEND" {
            return Some(frames);
        }
    }
}

fn jpeg(bytes: &[u8]) -> Option<u32> {
    let mut rest = bytes.get(2..)?;
    loop {
        // Finds the next marker; inside a scan, 0xFF is followed by 0 or by a restart.
        rest.skip_until(0xff).ok()?;
        while let [0xff, after @ ..] = rest {
            rest = after;
        }
        let (marker, after) = rest.split_first()?;
        rest = after;
        match marker {
            0xd9 => return Some(1),
            0x00 | 0x01 | 0xd0..=0xd8 => {}
            _ => {
                let length = u16::from_be_bytes(*rest.first_chunk::<2>()?);
                rest = rest.get(usize::from(length.max(2))..)?;
            }
        }
    }
}

fn gif(bytes: &[u8]) -> Option<u32> {
    let packed = *bytes.get(10)?;
    let mut rest = bytes.get(13 + table(packed)..)?;
    let mut frames = 0_u32;
    loop {
        let (kind, after) = rest.split_first()?;
        match kind {
            0x21 => rest = blocks(after.get(1..)?)?,
            0x2c => {
                let packed = *after.get(8)?;
                frames = frames.saturating_add(1);
                rest = blocks(after.get(10 + table(packed)..)?)?;
            }
            // The trailer; or no block at all, and then the decoder says what is wrong.
            _ => return Some(frames.max(1)),
        }
    }
}

fn table(packed: u8) -> usize {
    if packed & 0x80 == 0 {
        0
    } else {
        3 << ((packed & 7) + 1)
    }
}

fn blocks(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let (length, after) = rest.split_first()?;
        if *length == 0 {
            return Some(after);
        }
        rest = after.get(usize::from(*length)..)?;
    }
}

fn webp(bytes: &[u8]) -> Option<u32> {
    let size = usize::try_from(u32::from_le_bytes(*bytes.get(4..)?.first_chunk::<4>()?)).ok()?;
    let mut rest = bytes.get(12..size.checked_add(8)?)?;
    let mut frames = 0_u32;
    while let Some((kind, after)) = rest.split_first_chunk::<4>() {
        let Some((length, after)) = after.split_first_chunk::<4>() else {
            break;
        };
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        if kind == b"ANMF" {
            frames = frames.saturating_add(1);
        }
        let Some(next) = after.get(length.saturating_add(length % 2)..) else {
            break;
        };
        rest = next;
    }
    Some(frames.max(1))
}
