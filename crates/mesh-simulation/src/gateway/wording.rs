//! How a gateway on a script writes what it says.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::chance::Chance;

/// The pieces of what a chat says: with everything in them that streams have been cut by.
pub(super) fn pieces(chance: &mut Chance) -> Vec<&'static str> {
    const PIECES: [&str; 12] = [
        "Good ",
        "morning",
        "",
        "ä€🎨",
        "\u{2028}\u{85}",
        "data: [DONE]\n\n",
        "\r\n: ping\r",
        "\"quoted\\\"",
        "{\"error\":null}",
        "日本語のテキスト",
        "\u{0}\u{1f}",
        "a somewhat longer piece that does not end in the middle of a segment of the network",
    ];
    let count = chance.below(8);
    (0..count).map(|_| chance.of(&PIECES)).collect()
}

/// A picture's bytes, as far as anyone looks at them here.
pub(super) fn picture(chance: &mut Chance) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.extend(chance.next().to_le_bytes());
    bytes.extend((0..chance.below(120)).map(|byte| u8::try_from(byte).unwrap_or_default()));
    bytes
}

/// An item of `data`.
pub(super) fn item(bytes: &[u8], chance: &mut Chance) -> Value {
    let base64 = STANDARD.encode(bytes);
    if chance.percent(50) {
        json!({ "b64_json": base64 })
    } else {
        json!({ "url": format!("data:image/png;base64,{base64}") })
    }
}

/// How a stream is written, which is the same from its beginning to its end.
#[derive(Debug)]
pub(super) struct Manner {
    line_end: &'static str,
    field: &'static str,
    is_folded: bool,
    has_names: bool,
    has_pings: bool,
    opening: &'static str,
}

impl Manner {
    pub(super) fn any(chance: &mut Chance) -> Self {
        Self {
            line_end: chance.of(&["\n", "\n", "\n", "\r\n", "\r"]),
            field: chance.of(&["data: ", "data: ", "data:"]),
            is_folded: chance.percent(15),
            has_names: chance.percent(15),
            has_pings: chance.percent(40),
            opening: if chance.percent(10) { "\u{feff}" } else { "" },
        }
    }

    /// The event of `data`.
    pub(super) fn event(&self, data: &str, chance: &mut Chance) -> Bytes {
        let mut text = self.open_event(data, chance);
        text += self.line_end;
        text.into()
    }

    /// An event that lacks its blank line.
    pub(super) fn open_event(&self, data: &str, chance: &mut Chance) -> String {
        let end = self.line_end;
        let mut text = String::new();
        if self.has_pings && chance.percent(30) {
            let _ = write!(text, ": ping{end}{end}");
        }
        if self.has_names {
            let _ = write!(text, "event: message{end}id: 7{end}retry: 3000{end}");
        }
        match data.strip_prefix('{') {
            Some(rest) if self.is_folded => {
                let _ = write!(text, "{0}{{{end}{0}{rest}{end}", self.field);
            }
            _ => {
                let _ = write!(text, "{}{data}{end}", self.field);
            }
        }
        text
    }

    /// What stands before the first event.
    pub(super) fn opening(&self) -> &'static str {
        self.opening
    }
}

/// JSON, with characters beyond ASCII as they are or escaped.
pub(super) fn json_text(value: &Value, chance: &mut Chance) -> String {
    let text = value.to_string();
    if chance.percent(80) {
        return text;
    }
    let mut escaped = String::new();
    for character in text.chars() {
        if character.is_ascii() {
            escaped.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        }
    }
    escaped
}
