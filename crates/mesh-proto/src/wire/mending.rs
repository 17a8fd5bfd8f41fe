//! JSON with characters in it that are none, made readable: Node's gateways split an emoji over two
//! deltas, and others send bytes in whatever encoding they have.

use std::borrow::Cow;

/// The mark that some put before UTF-8.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A body without the byte order mark before it.
pub(crate) fn without_mark(body: &[u8]) -> &[u8] {
    let marked = body.trim_ascii_start().strip_prefix(BYTE_ORDER_MARK);
    marked.unwrap_or(body)
}

/// A body as text: without a byte order mark, and with U+FFFD for what is not UTF-8.
pub(crate) fn legible(body: &[u8]) -> Cow<'_, str> {
    let body = without_mark(body);
    // `from_utf8_lossy` alone takes a tenth of the time of the row `deltas`.
    std::str::from_utf8(body).map_or_else(|_| String::from_utf8_lossy(body), Cow::Borrowed)
}

/// JSON with U+FFFD for each escaped half of a surrogate pair, or `None` where it has none. No byte
/// moves, so that errors keep their places.
pub(crate) fn mended(json: &str) -> Option<String> {
    let mut mended = String::new();
    let (mut kept, mut at) = (0, 0);
    while let Some(next) = memchr::memchr(b'\\', json.as_bytes().get(at..)?) {
        let escape = at + next;
        at = escape
            + match surrogate(json, escape) {
                Some(High) if surrogate(json, escape + ESCAPE) == Some(Low) => 2 * ESCAPE,
                Some(High | Low) => {
                    mended.push_str(json.get(kept..escape)?);
                    mended.push_str("\\ufffd");
                    kept = escape + ESCAPE;
                    ESCAPE
                }
                None => 2,
            };
    }
    mended.push_str(json.get(kept..)?);
    (kept > 0).then_some(mended)
}

/// The length of an escape like `\ud83d`.
const ESCAPE: usize = 6;

/// Half of a surrogate pair.
#[derive(PartialEq)]
enum Half {
    High,
    Low,
}

use Half::{High, Low};

/// Which half of a pair the escape at a place is.
fn surrogate(json: &str, at: usize) -> Option<Half> {
    let escape = json.as_bytes().get(at..)?.get(..ESCAPE)?;
    let (b"\\u", [b'd' | b'D', half, rest @ ..]) = escape.split_at(2) else {
        return None;
    };
    if !rest.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    match half {
        b'8' | b'9' | b'a' | b'b' | b'A' | b'B' => Some(High),
        b'c'..=b'f' | b'C'..=b'F' => Some(Low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn halves_alone_are_replaced_and_nothing_else_is() {
        for (json, expected) in [
            (r#""\ud83d\ude00""#, None),
            (r#""\\ud83d""#, None),
            (r#""\ud83"#, None),
            (r#""\ud8zz""#, None),
            (r#""\u0041\n\ud7ff\ue000""#, None),
            ("\\", None),
            (r#""a\ud83d""#, Some(r#""a\ufffd""#)),
            (r#""\uDE00b""#, Some(r#""\ufffdb""#)),
            (r#""\\\ud83d\u0041""#, Some(r#""\\\ufffd\u0041""#)),
            (
                r#""\ud83d\ud83d\ude00\ude00""#,
                Some(r#""\ufffd\ud83d\ude00\ufffd""#),
            ),
            (r"\udfff", Some(r"\ufffd")),
        ] {
            assert_eq!(mended(json).as_deref(), expected, "{json}");
        }
    }

    #[test]
    fn a_mark_is_no_part_of_a_body() {
        assert_eq!(without_mark(b"\n\xef\xbb\xbf{}"), b"{}");
        assert_eq!(without_mark(b" {\xef\xbb\xbf}"), b" {\xef\xbb\xbf}");
        assert_eq!(legible(b"\xef\xbb\xbf\"\xe9\""), "\"\u{fffd}\"");
    }

    proptest! {
        #[test]
        fn what_is_mended_is_a_text_as_long_and_is_not_mended_again(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "\\ud83d", "\\uDE00", "\\\\", "\\\"", "\\u00e9", "a", "ü", "ud83d",
            ]), 0..8),
        ) {
            let json = format!("\"{}\"", pieces.concat());
            let once = mended(&json);
            prop_assert_eq!(once.is_some(), serde_json::from_str::<String>(&json).is_err());
            let once = once.unwrap_or(json.clone());
            prop_assert_eq!(once.len(), json.len());
            prop_assert!(serde_json::from_str::<String>(&once).is_ok());
            prop_assert_eq!(mended(&once), None);
        }
    }
}
