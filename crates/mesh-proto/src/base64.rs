//! Base64 as the protocol meets it: written in the standard alphabet, read in whatever form it comes.

mod reader;

use std::fmt;
use std::sync::LazyLock;

use ::base64::Engine as _;
use ::base64::engine::general_purpose::{NO_PAD, PAD_INDIFFERENT};
use ::base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use bytes::BytesMut;

pub(crate) use self::reader::{Characters, Reader};

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
type Fastest = ::base64::engine::Simd;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
type Fastest = ::base64::engine::GeneralPurpose;

// Choosing the instruction set and building the tables costs more than a small picture does.
static PADDED: LazyLock<Fastest> = LazyLock::new(|| fastest(PAD_INDIFFERENT));
static UNPADDED: LazyLock<Fastest> =
    LazyLock::new(|| fastest(NO_PAD.with_decode_padding_mode(DecodePaddingMode::RequireNone)));

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn fastest(config: GeneralPurposeConfig) -> Fastest {
    Fastest::standard(config)
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn fastest(config: GeneralPurposeConfig) -> Fastest {
    Fastest::new(&::base64::alphabet::STANDARD, config)
}

/// Writes `raw` as padded base64 to the front of `out`, and returns how many bytes that took: none
/// where `out` is too small.
pub(crate) fn encode(raw: &[u8], out: &mut [u8]) -> usize {
    PADDED.encode_slice(raw, out).unwrap_or(0)
}

/// `raw` as padded base64, appended to `text`.
pub(crate) fn encode_onto(raw: &[u8], text: &mut String) {
    PADDED.encode_string(raw, text);
}

/// Text that is not base64 in any alphabet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidBase64 {
    /// How many characters the text has.
    pub length: usize,
}

impl fmt::Display for InvalidBase64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} characters that are not base64", self.length)
    }
}

impl std::error::Error for InvalidBase64 {}

/// The bytes behind `text`: the standard or the URL-safe alphabet, padded or not, with or without
/// white space. Anything else is an error, so that garbage never becomes a picture.
pub(crate) fn decode(text: &[u8]) -> Result<Vec<u8>, InvalidBase64> {
    if let Ok(bytes) = PADDED.decode(text) {
        return Ok(bytes);
    }
    let mut plain: Vec<u8> = text
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => *other,
        })
        .collect();
    for _ in 0..2 {
        if plain.last() == Some(&b'=') {
            plain.pop();
        }
    }
    UNPADDED
        .decode(&plain)
        .map_err(|_| InvalidBase64 { length: text.len() })
}

/// How much is decoded at a time in place: encoded characters, a multiple of four.
const PIECE: usize = 16 << 10;

/// Replaces `text` by the bytes behind it, as `decode` reads them: [`decode`] itself, or one that
/// reads more forms than that. After an error nothing can be said of what it holds.
pub(crate) fn decode_in_place(
    text: &mut BytesMut,
    decode: fn(&[u8]) -> Result<Vec<u8>, InvalidBase64>,
) -> Result<(), InvalidBase64> {
    let length = text.len();
    let mut piece = [0; PIECE / 4 * 3];
    let (mut read, mut written) = (0, 0);
    // All but the last piece, which may be padded.
    while length - read > PIECE {
        let encoded = text.get(read..read + PIECE).unwrap_or_default();
        match UNPADDED.decode_slice(encoded, &mut piece) {
            Ok(count) => {
                put(text, written, piece.get(..count).unwrap_or_default());
                written += count;
                read += PIECE;
            }
            // What came so far was plain, so the rest can be read by itself.
            Err(_) => break,
        }
    }
    let rest = decode(text.get(read..).unwrap_or_default()).map_err(|rest| InvalidBase64 {
        length: read + rest.length,
    })?;
    put(text, written, &rest);
    text.truncate(written + rest.len());
    Ok(())
}

/// Writes `bytes` at `at`; the decoded never reach what is still encoded.
fn put(text: &mut BytesMut, at: usize, bytes: &[u8]) {
    if let Some(place) = text.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

#[cfg(test)]
#[allow(
    clippy::cast_possible_truncation,
    reason = "a pattern of bytes is meant"
)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_every_form_and_refuses_garbage() {
        let raw = [0xfb, 0xff, 0xbf, 0x00];
        for text in [
            "+/+/AA==",
            "-_-_AA==",
            "+/+/AA",
            "-_-_AA",
            "+/+/\r\nAA==",
            " +/+/ AA = =\n",
            "-/+_AA=",
        ] {
            assert_eq!(decode(text.as_bytes()).unwrap(), raw, "{text:?}");
        }
        for text in [
            "+/+/A",
            "+/=/AA==",
            "+/+/AA===",
            "+/+/A!==",
            "%2B%2F",
            "data:,",
            "AB",
        ] {
            assert!(decode(text.as_bytes()).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn gives_back_what_was_encoded(raw: Vec<u8>) {
            let mut text = String::new();
            encode_onto(&raw, &mut text);
            prop_assert_eq!(text.len(), raw.len().div_ceil(3) * 4);
            prop_assert_eq!(decode(text.as_bytes()).unwrap(), raw.clone());
            let loose = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
            prop_assert_eq!(decode(loose.as_bytes()).unwrap(), raw);
        }

        #[test]
        fn in_place_is_the_same_whatever_form_follows_the_plain_one(
            // Around the size of a piece, where it is decided.
            length in prop_oneof![0_usize..40, PIECE / 4 * 3 - 6..PIECE / 4 * 3 + 6, PIECE - 3..PIECE + 40_000],
            seed: u8,
            at in any::<prop::sample::Index>(),
            change in prop_oneof![Just("\n"), Just("!"), Just("="), Just("-"), Just("")],
        ) {
            let raw: Vec<u8> = (0..length).map(|n| (n * 7 + n / 256) as u8 ^ seed).collect();
            let mut text = String::new();
            encode_onto(&raw, &mut text);
            text.insert_str(at.index(text.len() + 1), change);
            let mut place = BytesMut::from(text.as_str());
            let expected = decode(text.as_bytes());
            let in_place = decode_in_place(&mut place, decode);
            prop_assert_eq!(in_place.is_ok(), expected.is_ok());
            if let Ok(expected) = expected {
                prop_assert_eq!(&place[..], &expected[..]);
            }
        }
    }
}
