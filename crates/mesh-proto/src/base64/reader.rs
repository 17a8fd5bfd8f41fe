//! Base64 decoded a piece at a time, as [`decode`](super::decode) reads it whole.

use ::base64::Engine as _;
use bytes::Bytes;

use super::{InvalidBase64, UNPADDED};

/// Decodes a text into buffers of any size, with little memory of its own.
pub(crate) struct Reader {
    text: Characters,
    /// Whether nothing but the standard alphabet has been met, so that it is decoded where it
    /// stands.
    is_straight: bool,
    plain: Vec<u8>,
    padding: usize,
    bytes: Vec<u8>,
    given: usize,
}

/// How many characters are made plain at a time: a multiple of four.
const PLAIN: usize = 8 << 10;

impl Reader {
    pub(crate) fn new(text: Characters) -> Self {
        Self {
            is_straight: !text.is_escaped,
            text,
            plain: Vec::new(),
            padding: 0,
            bytes: Vec::new(),
            given: 0,
        }
    }

    /// Fills `out` as far as there are bytes; none at the end.
    pub(crate) fn read(&mut self, out: &mut [u8]) -> Result<usize, InvalidBase64> {
        let mut written = 0;
        loop {
            let room = out.get_mut(written..).unwrap_or_default();
            if room.is_empty() {
                return Ok(written);
            }
            let count = match self.give(room) {
                0 => self.decode_straight(room),
                count => count,
            };
            if count > 0 {
                written += count;
                continue;
            }
            self.decode_plain()?;
            if self.bytes.is_empty() {
                return Ok(written);
            }
        }
    }

    /// Hands out what is decoded already.
    fn give(&mut self, out: &mut [u8]) -> usize {
        let ready = self.bytes.get(self.given..).unwrap_or_default();
        let count = ready.len().min(out.len());
        if let (Some(out), Some(ready)) = (out.get_mut(..count), ready.get(..count)) {
            out.copy_from_slice(ready);
        }
        self.given += count;
        count
    }

    /// Decodes whole groups of characters from where they stand, but for the last one, which may be
    /// padded.
    fn decode_straight(&mut self, out: &mut [u8]) -> usize {
        let left = self.text.text.len().saturating_sub(self.text.at);
        let groups = (out.len() / 3).min(left.saturating_sub(1) / 4);
        if !self.is_straight || groups == 0 {
            return 0;
        }
        let until = self.text.at + groups * 4;
        let encoded = self.text.text.get(self.text.at..until).unwrap_or_default();
        match UNPADDED.decode_slice(encoded, out) {
            Ok(count) => {
                self.text.at = until;
                count
            }
            Err(_) => {
                self.is_straight = false;
                0
            }
        }
    }

    /// Decodes the next characters after they have been brought into one form.
    fn decode_plain(&mut self) -> Result<(), InvalidBase64> {
        self.plain.clear();
        self.bytes.clear();
        self.given = 0;
        // Where a buffer has room for less than a group, the rest may be straight all the same.
        let most = if self.is_straight { 4 } else { PLAIN };
        while self.plain.len() < most {
            let Some(character) = self.text.next() else {
                break;
            };
            match character {
                space if space.is_ascii_whitespace() => {}
                b'=' if self.padding < 2 => self.padding += 1,
                _ if self.padding > 0 => return Err(self.invalid()),
                b'-' => self.plain.push(b'+'),
                b'_' => self.plain.push(b'/'),
                other => self.plain.push(other),
            }
        }
        UNPADDED
            .decode_vec(&self.plain, &mut self.bytes)
            .map_err(|_| self.invalid())
    }

    fn invalid(&self) -> InvalidBase64 {
        InvalidBase64 {
            length: self.text.length(),
        }
    }
}

/// A text, with its percent signs undone where it is escaped.
pub(crate) struct Characters {
    text: Bytes,
    at: usize,
    is_escaped: bool,
}

impl Characters {
    pub(crate) fn literal(text: Bytes) -> Self {
        Self {
            text,
            at: 0,
            is_escaped: false,
        }
    }

    pub(crate) fn escaped(text: Bytes) -> Self {
        Self {
            text,
            at: 0,
            is_escaped: true,
        }
    }

    /// How many characters it has in all.
    fn length(&self) -> usize {
        if !self.is_escaped {
            return self.text.len();
        }
        Self::escaped(self.text.clone()).count()
    }
}

impl Iterator for Characters {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let byte = *self.text.get(self.at)?;
        self.at += 1;
        if byte == b'%' && self.is_escaped {
            let digit = |at| char::from(*self.text.get(at)?).to_digit(16);
            if let (Some(high), Some(low)) = (digit(self.at), digit(self.at + 1)) {
                self.at += 2;
                return u8::try_from(high * 16 + low).ok();
            }
        }
        Some(byte)
    }
}

#[cfg(test)]
#[allow(
    clippy::cast_possible_truncation,
    reason = "a pattern of bytes is meant"
)]
mod tests {
    use proptest::prelude::*;

    use super::super::{decode, encode_onto};
    use super::*;

    proptest! {
        #[test]
        fn in_pieces_is_the_same_whatever_form_follows_the_plain_one(
            // Around the size in which characters are made plain.
            length in prop_oneof![0_usize..40, PLAIN / 4 * 3 - 6..PLAIN / 4 * 3 + 6, PLAIN..PLAIN * 4],
            at in any::<prop::sample::Index>(),
            change in prop_oneof![Just("\n"), Just("!"), Just("="), Just("=="), Just("-"), Just("%2B"), Just("")],
            size in prop_oneof![1_usize..9, 5_000_usize..70_000],
            escaped in any::<bool>(),
        ) {
            let raw: Vec<u8> = (0..length).map(|n| (n * 7 + n / 256) as u8).collect();
            let mut text = String::new();
            encode_onto(&raw, &mut text);
            text.insert_str(at.index(text.len() + 1), change);
            let (characters, plain) = if escaped {
                (Characters::escaped(text.clone().into()), text.replace("%2B", "+"))
            } else {
                (Characters::literal(text.clone().into()), text)
            };
            let mut reader = Reader::new(characters);
            let (mut read, mut piece) = (Vec::new(), vec![0; size]);
            let in_pieces = loop {
                match reader.read(&mut piece) {
                    Ok(0) => break Ok(read),
                    Ok(count) => read.extend_from_slice(&piece[..count]),
                    Err(error) => break Err(error),
                }
            };
            prop_assert_eq!(in_pieces, decode(plain.as_bytes()));
        }
    }
}
