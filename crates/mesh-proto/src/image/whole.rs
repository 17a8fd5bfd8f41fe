//! Whether the file of a picture reaches its end.
//!
//! Decoders fill what is missing with gray, or stop without an error; the frame of a file shows
//! where it should have ended.

use super::media_type::MediaType;

/// Whether a file ends before the picture in it does.
pub(super) fn is_cut(bytes: &[u8], media_type: &MediaType) -> bool {
    let reached = match media_type.name() {
        "PNG" => png(bytes),
        "JPEG" => jpeg(bytes),
        "GIF" => gif(bytes),
        "WebP" => webp(bytes),
        _ => Some(()),
    };
    reached.is_none()
}

/// Up to the end of the chunk `IEND` (PNG, section 5.3).
fn png(bytes: &[u8]) -> Option<()> {
    let mut rest = bytes.get(8..)?;
    loop {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (kind, after) = after.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        rest = after.get(length.checked_add(4)?..)?;
        if kind == b"IEND" {
            return Some(());
        }
    }
}

/// Up to the marker `EOI`, outside of the segments, where thumbnails have theirs (ITU-T T.81, annex
/// B).
fn jpeg(bytes: &[u8]) -> Option<()> {
    let mut rest = bytes.get(2..)?;
    loop {
        let at = memchr::memchr(0xff, rest)?;
        rest = rest.get(at..)?;
        // Any number of these may come before a marker.
        while let [0xff, after @ ..] = rest {
            rest = after;
        }
        let (marker, after) = rest.split_first()?;
        rest = after;
        match marker {
            0xd9 => return Some(()),
            // Within a scan, 0xFF is followed by 0 or by a restart.
            0x00 | 0x01 | 0xd0..=0xd8 => {}
            _ => {
                let length = u16::from_be_bytes(*rest.first_chunk::<2>()?);
                rest = rest.get(usize::from(length.max(2))..)?;
            }
        }
    }
}

/// Up to the trailer (the GIF specification, section 27).
fn gif(bytes: &[u8]) -> Option<()> {
    let mut rest = bytes.get(13 + color_table(*bytes.get(10)?)..)?;
    loop {
        let (kind, after) = rest.split_first()?;
        rest = match kind {
            0x21 => sub_blocks(after.get(1..)?)?,
            0x2c => sub_blocks(after.get(10 + color_table(*after.get(8)?)..)?)?,
            // The trailer; anything else is for the decoder to refuse.
            _ => return Some(()),
        };
    }
}

/// The length of the color table that follows these flags.
fn color_table(flags: u8) -> usize {
    if flags & 0x80 == 0 {
        0
    } else {
        3 << ((flags & 7) + 1)
    }
}

/// What follows the block of length zero.
fn sub_blocks(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let (length, after) = rest.split_first()?;
        if *length == 0 {
            return Some(after);
        }
        rest = after.get(usize::from(*length)..)?;
    }
}

/// As long as the header says (WebP container, section 2.4).
fn webp(bytes: &[u8]) -> Option<()> {
    let size = u32::from_le_bytes(*bytes.get(4..)?.first_chunk::<4>()?);
    let end = usize::try_from(size).ok()?.checked_add(8)?;
    bytes.get(..end).map(drop)
}
