//! Base64 as the protocol meets it: written in the standard alphabet, read in whatever form it comes.

use std::fmt;
use std::sync::LazyLock;

use ::base64::Engine as _;
use ::base64::engine::general_purpose::{NO_PAD, PAD_INDIFFERENT};
use ::base64::engine::{DecodePaddingMode, GeneralPurposeConfig};

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

#[cfg(test)]
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
    }
}
