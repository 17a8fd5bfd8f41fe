//! The API key taken out of texts that somebody else wrote, however it is spelled there.

use std::borrow::Cow;
use std::ops::Range;

use http::header::{self, HeaderName};
use memchr::memmem;

/// What stands in place of the key.
pub(crate) const TAKEN_OUT: &str = "[key]";

/// A key with fewer characters is a word such as `ollama` that documentation tells users to type. It
/// is taken out where a whole value is the key, and not searched for in texts.
const SEARCHED_FOR: usize = 8;

/// So much of a key says nothing: `rsk_` is the beginning of every one.
const SHOWN: usize = 5;

/// How often a text is decoded: a URL in JSON in a URL.
const LAYERS: usize = 3;

/// The longest escape, `\u0072`, but for character references with zeros before their digits.
const LONGEST_ESCAPE: usize = 10;

/// Whether `text` contains the key: as it is, in another case, percent-encoded, with the escapes of
/// JSON or the character references of HTML. Never true of a key that is not searched for.
pub(crate) fn holds(text: &[u8], key: &str) -> bool {
    // An escape is longer than what it stands for.
    if key.len() < SEARCHED_FOR || text.len() < key.len() {
        return false;
    }
    if contains_ignoring_case(text, key.as_bytes()) {
        return true;
    }
    is_escaped(text) && !spans(text, key).is_empty()
}

/// Takes the key out of `text`, in every spelling that [`holds`] looks for, and the beginning of one
/// that the end of an excerpt has cut off.
pub(crate) fn redact(text: &mut String, key: &str) {
    if key.len() < SEARCHED_FOR {
        if is_whole(text, key) {
            TAKEN_OUT.clone_into(text);
        }
        return;
    }
    if let Cow::Owned(redacted) = without(text, key) {
        *text = redacted;
    }
    let shown = text.trim_end_matches('…');
    if let Some(end) = cut_off(shown, &key.to_ascii_lowercase()) {
        *text = format!("{}{TAKEN_OUT}…", shown.get(..end).unwrap_or_default());
    }
}

/// `text` without the key, in every spelling that [`holds`] looks for.
pub(crate) fn without<'t>(text: &'t str, key: &str) -> Cow<'t, str> {
    if !holds(text.as_bytes(), key) {
        return Cow::Borrowed(text);
    }
    let mut redacted = String::with_capacity(text.len());
    let mut end = 0;
    for span in spans(text.as_bytes(), key) {
        // Two layers may find the same place.
        if span.start >= end {
            redacted.push_str(text.get(end..span.start).unwrap_or_default());
            redacted.push_str(TAKEN_OUT);
        }
        end = end.max(span.end);
    }
    redacted.push_str(text.get(end..).unwrap_or_default());
    Cow::Owned(redacted)
}

/// Headers of which a short key may be what they say of the message.
const OF_THE_MESSAGE: [HeaderName; 6] = [
    header::CONNECTION,
    header::CONTENT_ENCODING,
    header::CONTENT_TYPE,
    header::LOCATION,
    header::SERVER,
    header::TRANSFER_ENCODING,
];

/// Whether a header's value has to be taken out.
pub(crate) fn is_in_header(name: &HeaderName, value: &[u8], key: &str) -> bool {
    if key.len() >= SEARCHED_FOR {
        return holds(value, key);
    }
    let is_number = value.iter().all(u8::is_ascii_digit);
    !is_number
        && !OF_THE_MESSAGE.contains(name)
        && std::str::from_utf8(value).is_ok_and(|value| is_whole(value, key))
}

/// Whether a whole value is the key, with or without the scheme of an authorization.
fn is_whole(value: &str, key: &str) -> bool {
    let value = value.trim();
    let bare = match value.split_once(' ') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => rest.trim_start(),
        _ => value,
    };
    !key.is_empty() && bare == key
}

fn contains_ignoring_case(text: &[u8], key: &[u8]) -> bool {
    let Some(first) = key.first() else {
        return false;
    };
    let (lower, upper) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    memchr::memchr2_iter(lower, upper, text).any(|at| {
        text.get(at..at + key.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(key))
    })
}

fn is_escaped(text: &[u8]) -> bool {
    memchr::memchr3(b'%', b'\\', b'&', text).is_some()
}

/// Where the key stands in `text`, in order of their beginnings.
fn spans(text: &[u8], key: &str) -> Vec<Range<usize>> {
    let key = key.to_ascii_lowercase();
    let finder = memmem::Finder::new(key.as_bytes());
    let mut spans = Vec::new();
    let mut layer = Layer::of(text);
    for _ in 0..=LAYERS {
        let found = finder.find_iter(&layer.bytes);
        spans.extend(found.map(|at| layer.at(at)..layer.at(at + key.len())));
        match layer.decoded() {
            Some(next) => layer = next,
            None => break,
        }
    }
    spans.sort_unstable_by_key(|span| (span.start, span.end));
    spans
}

/// Where the beginning of the key that ends `text` stands, if it is long enough to say something.
fn cut_off(text: &str, key: &str) -> Option<usize> {
    // No more than the key can take up, so that a long text costs no more than a short one.
    let longest = key.len().saturating_mul(6 * LAYERS);
    let mut begin = text.len().saturating_sub(longest);
    while !text.is_char_boundary(begin) {
        begin += 1;
    }
    let mut layer = Layer::of(text.as_bytes().get(begin..).unwrap_or_default());
    for _ in 0..=LAYERS {
        for end in [Some(layer.bytes.len()), layer.last_escape()] {
            let shown = end.and_then(|end| layer.bytes.get(..end));
            let length = (SHOWN..key.len()).rev().find(|length| {
                key.as_bytes()
                    .get(..*length)
                    .zip(shown)
                    .is_some_and(|(beginning, shown)| shown.ends_with(beginning))
            });
            if let (Some(length), Some(shown)) = (length, shown) {
                return Some(begin + layer.at(shown.len() - length));
            }
        }
        layer = layer.decoded()?;
    }
    None
}

/// A text in lower case, decoded so many times, with where each byte stands in the text itself.
struct Layer {
    bytes: Vec<u8>,
    /// `None` if nothing is decoded yet.
    places: Option<Vec<usize>>,
    length: usize,
}

impl Layer {
    fn of(text: &[u8]) -> Self {
        Self {
            bytes: text.to_ascii_lowercase(),
            places: None,
            length: text.len(),
        }
    }

    /// Where a byte stands in the text itself; its end, after the last one.
    fn at(&self, index: usize) -> usize {
        match &self.places {
            Some(places) => places.get(index).copied().unwrap_or(self.length),
            None => index.min(self.length),
        }
    }

    /// The text decoded once more, unless nothing in it is escaped.
    fn decoded(&self) -> Option<Self> {
        if !is_escaped(&self.bytes) {
            return None;
        }
        let (mut bytes, mut places) = (Vec::new(), Vec::new());
        let mut at = 0;
        while let Some(byte) = self.bytes.get(at) {
            let rest = self.bytes.get(at..).unwrap_or_default();
            let (byte, length) = escape(rest).unwrap_or((*byte, 1));
            bytes.push(byte.to_ascii_lowercase());
            places.push(self.at(at));
            at += length;
        }
        (bytes.len() < self.bytes.len()).then_some(Self {
            bytes,
            places: Some(places),
            length: self.length,
        })
    }

    /// Where an escape begins that the end of the text may have cut off.
    fn last_escape(&self) -> Option<usize> {
        let begin = self.bytes.len().saturating_sub(LONGEST_ESCAPE);
        let tail = self.bytes.get(begin..)?;
        let at = memchr::memrchr3(b'%', b'\\', b'&', tail)?;
        Some(begin + at)
    }
}

/// The character that an escape at the beginning of `text` stands for, and the escape's length.
fn escape(text: &[u8]) -> Option<(u8, usize)> {
    let number = |begin: usize, end: usize, radix: u32| {
        let digits = std::str::from_utf8(text.get(begin..end)?).ok()?;
        let is_digit = |digit: char| digit.is_digit(radix);
        let number = digits
            .chars()
            .all(is_digit)
            .then(|| u32::from_str_radix(digits, radix).ok())??;
        u8::try_from(number).ok()
    };
    match text {
        [b'%', ..] => Some((number(1, 3, 16)?, 3)),
        [b'\\', b'u', ..] => Some((number(2, 6, 16)?, 6)),
        [b'\\', b'x', ..] => Some((number(2, 4, 16)?, 4)),
        [b'\\', quoted @ (b'/' | b'\\' | b'"' | b'\''), ..] => Some((*quoted, 2)),
        [b'&', b'#', digits @ ..] => {
            let end = 2 + digits.iter().take(8).position(|byte| *byte == b';')?;
            let character = match digits {
                [b'x', ..] => number(3, end, 16)?,
                _ => number(2, end, 10)?,
            };
            Some((character, end + 1))
        }
        [b'&', ..] => NAMED.iter().find_map(|(name, character)| {
            text.starts_with(name.as_bytes())
                .then_some((*character, name.len()))
        }),
        _ => None,
    }
}

/// The characters that HTML names because they mean something in it.
const NAMED: [(&str, u8); 5] = [
    ("&amp;", b'&'),
    ("&lt;", b'<'),
    ("&gt;", b'>'),
    ("&quot;", b'"'),
    ("&apos;", b'\''),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "rsk_01ARZ3NDEKTSV4";

    fn redacted(text: &str, key: &str) -> String {
        let mut text = text.to_owned();
        redact(&mut text, key);
        text
    }

    #[test]
    fn a_key_is_taken_out_in_every_spelling() {
        for (text, expected) in [
            ("a rsk_01ARZ3NDEKTSV4 b", "a [key] b"),
            ("a RSK_01arz3ndektsv4 b", "a [key] b"),
            ("é%72sk%5F01ARZ3NDEKTSV4é", "é[key]é"),
            ("?t=rsk%5f01ARZ3NDEKTSV%34&b", "?t=[key]&b"),
            ("?t=rsk%255f01ARZ3NDEKTSV4&b", "?t=[key]&b"),
            (r#""\u0072sk\u005F01ARZ3NDEKTSV4""#, r#""[key]""#),
            (
                r"\u005c\u0075005frsk\\u005f01ARZ3NDEKTSV4",
                r"\u005c\u0075005f[key]",
            ),
            (r"\x72sk_01ARZ3NDEKTSV4!", "[key]!"),
            ("&#114;sk&#x5F;01ARZ3NDEKTSV4.", "[key]."),
            ("rsk_01ARZ3NDEKTSV4rsk%5f01ARZ3NDEKTSV4", "[key][key]"),
            ("rsk_01ARZ3NDEKTSV", "[key]…"),
            ("rsk_01ARZ3NDEKTSV5", "rsk_01ARZ3NDEKTSV5"),
            ("100 % of rsk_ & co \\ %", "100 % of rsk_ & co \\ %"),
        ] {
            assert_eq!(redacted(text, KEY), expected);
        }
        for (key, text) in [
            ("a+b/c=d&e", "a%2Bb%2Fc%3Dd%26e"),
            ("a+b/c=d&e", r"a+b\/c=d&amp;e"),
            ("a%41b%42c", "a%41b%42c"),
            ("a%41b%42c", "a%2541b%2542c"),
        ] {
            assert_eq!(redacted(text, key), "[key]", "{text}");
            assert!(holds(text.as_bytes(), key), "{text}");
        }
    }

    #[test]
    fn the_beginning_of_a_key_is_taken_out_of_an_end_that_is_cut() {
        for text in [
            "bad key rsk_01ARZ…",
            "bad key RSK_01ARZ…",
            "bad key rsk%5F01ARZ…",
            "bad key rsk%5F01ARZ%…",
            "bad key rsk%5F01ARZ%3…",
            r"bad key \u0072sk_01ARZ\u00…",
            "bad key %2572sk_01…",
        ] {
            assert_eq!(redacted(text, KEY), "bad key [key]…", "{text}");
        }
        assert_eq!(redacted("bad key rsk_…", KEY), "bad key rsk_…");
    }

    #[test]
    fn a_key_is_taken_out_even_where_it_is_cut() {
        let secret = "rsk_01ARZ3NDEKTSV4RRFFQ69G5FAV";
        for length in 0..300 {
            let text = format!(
                "{} {secret} and more",
                "ab ".repeat(length / 3) + &"x".repeat(length % 3)
            );
            let mut shown = crate::excerpt::excerpt(text.as_bytes());
            redact(&mut shown, secret);
            assert!(!shown.contains("rsk_01"), "{shown}");
        }
    }

    #[test]
    fn a_short_key_is_taken_out_only_as_a_whole_value() {
        for (text, key, expected) in [
            ("http://127.0.0.1/ollama/1024.png", "ollama", None),
            ("gone (410)", "1", None),
            ("the key ollama", "ollama", None),
            ("ollama", "ollama", Some("[key]")),
            ("Bearer ollama", "ollama", Some("[key]")),
            (" 1 ", "1", Some("[key]")),
            ("ollamas", "ollama", None),
        ] {
            assert_eq!(redacted(text, key), expected.unwrap_or(text));
            assert_eq!(without(text, key), text);
            assert!(!holds(text.as_bytes(), key));
        }
        for (name, value, key, expected) in [
            ("x-echo", "ollama", "ollama", true),
            ("x-echo", "bearer ollama", "ollama", true),
            ("x-echo", "ollama 0.9", "ollama", false),
            ("server", "ollama", "ollama", false),
            ("content-encoding", "none", "none", false),
            ("retry-after", "1", "1", false),
            ("x-echo", "Bearer 1", "1", true),
        ] {
            let name = HeaderName::from_static(name);
            assert_eq!(
                is_in_header(&name, value.as_bytes(), key),
                expected,
                "{name}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_spelling_of_the_key_is_left(
            key in "[a-zA-Z0-9+/=_.%&-]{8,20}",
            before in r"[a-z%\\&;# é]{0,12}",
            after in r"[a-z%\\&;# é]{0,12}",
            spelling in proptest::collection::vec(0_u8..6, 20),
        ) {
            let spell = |(character, how): (char, &u8)| match how {
                0 => format!("%{:02x}", character as u32),
                1 => format!("%{:02X}", character as u32),
                2 => format!("\\u{:04x}", character as u32),
                3 => format!("&#{};", character as u32),
                4 => character.to_uppercase().to_string(),
                _ => character.to_string(),
            };
            // What is escaped in the key itself would be undone with the rest.
            let key = key.replace('%', "_").replace('&', "-");
            let spelled: String = key.chars().zip(&spelling).map(spell).collect();
            let text = format!("{before} {spelled} {after}");
            prop_assert!(holds(text.as_bytes(), &key));
            let shown = without(&text, &key);
            prop_assert!(!holds(shown.as_bytes(), &key), "{shown}");
            prop_assert!(shown.contains(TAKEN_OUT));
            prop_assert!(shown.starts_with(&before) && shown.ends_with(&after));
        }

        #[test]
        fn nothing_panics_and_other_texts_stay(text in r"[\\u0-9a-f%&#;xé…]{0,60}") {
            prop_assert_eq!(without(&text, KEY), text.as_str());
            let _ = redacted(&text, KEY);
            let _ = redacted(&text, "0000a%41&#");
        }
    }
}
