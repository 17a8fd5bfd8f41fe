//! Texts that a gateway wrote as numbers or booleans, because they look like one: a token `6` of a
//! stream comes as `"content":6`.

/// The same JSON with quotes around numbers and booleans where a chat reply has texts, or `None` if
/// there are none. The digits stay as they are, which a number that was read would not.
pub(crate) fn quoted(json: &str) -> Option<String> {
    if !may_have_any(json) {
        return None;
    }
    let bytes = json.as_bytes();
    let (mut quoted, mut kept) = (String::new(), 0);
    let (mut levels, mut text, mut name) = (Vec::new(), "", "");
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let from = at;
        at += 1;
        match byte {
            b'"' => {
                at = end_of_text(bytes, at)?;
                text = json.get(from + 1..at - 1)?;
            }
            b':' => name = text,
            b'{' | b'[' => {
                if levels.len() > DEEPEST {
                    return None;
                }
                let outer = levels.last().copied();
                levels.push(Level::within(outer, name, *byte == b'{'));
                name = "";
            }
            b'}' | b']' => {
                levels.pop();
                name = "";
            }
            b',' => name = "",
            _ if is_scalar(*byte) => {
                let rest = bytes.get(at..)?;
                at += rest.iter().take_while(|it| is_scalar(**it)).count();
                let scalar = json.get(from..at)?;
                if levels.last().is_some_and(|it| it.is_text(name, scalar)) {
                    quoted.extend([json.get(kept..from)?, "\"", scalar, "\""]);
                    kept = at;
                }
            }
            _ => {}
        }
    }
    quoted.push_str(json.get(kept..)?);
    (kept > 0).then_some(quoted)
}

/// More levels than any JSON that is read has.
const DEEPEST: usize = 128;

/// The last letters of the names of texts, with their closing quotes.
const NAMES: [&[u8]; 6] = [
    b"content\"",
    b"text\"",
    b"reasoning\"",
    b"thinking\"",
    b"refusal\"",
    b"arguments\"",
];

/// Whether such a name is followed by a number or a boolean anywhere. Hardly any body has one, and
/// nothing more is then looked for.
fn may_have_any(json: &str) -> bool {
    let bytes = json.as_bytes();
    memchr::memchr_iter(b':', bytes).any(|colon| {
        let (before, after) = bytes.split_at(colon);
        let after = after.get(1..).unwrap_or_default().trim_ascii_start();
        after
            .first()
            .is_some_and(|it| is_scalar(*it) && *it != b'n')
            && NAMES
                .iter()
                .any(|name| before.trim_ascii_end().ends_with(name))
    })
}

fn is_scalar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')
}

/// Where the text that begins at `at` ends, its closing quote included.
fn end_of_text(json: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr2(b'"', b'\\', json.get(at..)?)?;
        match json.get(at)? {
            b'"' => return Some(at + 1),
            _ => at += 2,
        }
    }
}

/// Where in a chat reply something stands, as far as there are texts below it.
#[derive(Clone, Copy, PartialEq)]
enum Level {
    Reply,
    Choices,
    Choice,
    Message,
    Parts,
    Part,
    Calls,
    Call,
    Function,
    Other,
}

impl Level {
    /// What an object or a list is that stands under `name`; the name is empty in a list.
    fn within(outer: Option<Self>, name: &str, is_object: bool) -> Self {
        match (outer, name, is_object) {
            (None, _, true) => Self::Reply,
            (Some(Self::Reply), "choices", false) => Self::Choices,
            (Some(Self::Choices), _, true) => Self::Choice,
            (Some(Self::Choice), "delta" | "message", true) => Self::Message,
            (Some(Self::Message), "content" | "reasoning_details" | "thinking_blocks", false) => {
                Self::Parts
            }
            (Some(Self::Message), "content", true) | (Some(Self::Parts), _, true) => Self::Part,
            (Some(Self::Message), "tool_calls", false) => Self::Calls,
            (Some(Self::Calls), _, true) => Self::Call,
            (Some(Self::Call), "function", true) => Self::Function,
            _ => Self::Other,
        }
    }

    /// Whether `scalar` is a number or a boolean that stands for a text. A boolean in place of the
    /// reasoning or of a refusal says that there is one, or none.
    fn is_text(self, name: &str, scalar: &str) -> bool {
        let may_be_flag = match (self, name) {
            (Self::Choice, "text")
            | (Self::Message, "content" | "reasoning_content")
            | (Self::Part, "text" | "thinking")
            | (Self::Function, "arguments") => false,
            (Self::Message, "reasoning" | "refusal") => true,
            _ => return false,
        };
        match scalar {
            "true" | "false" => !may_be_flag,
            "null" => false,
            // Whatever its size.
            _ => serde_json::from_str::<serde_core::de::IgnoredAny>(scalar).is_ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn numbers_and_booleans_become_texts_where_a_reply_has_texts() {
        let delta =
            |delta: &str| format!(r#"{{"created":1,"choices":[{{"index":0,"delta":{delta}}}]}}"#);
        for (written, read) in [
            (r#"{"content":6}"#, Some(r#"{"content":"6"}"#)),
            (r#"{"content" : -0.10 }"#, Some(r#"{"content" : "-0.10" }"#)),
            (
                r#"{"content":1e999,"x":2}"#,
                Some(r#"{"content":"1e999","x":2}"#),
            ),
            (r#"{"content":false}"#, Some(r#"{"content":"false"}"#)),
            (r#"{"reasoning":1.50}"#, Some(r#"{"reasoning":"1.50"}"#)),
            (
                r#"{"reasoning_content":true}"#,
                Some(r#"{"reasoning_content":"true"}"#),
            ),
            (r#"{"refusal":7}"#, Some(r#"{"refusal":"7"}"#)),
            (
                r#"{"content":[{"type":"text","text":12345678901234567890123}]}"#,
                Some(r#"{"content":[{"type":"text","text":"12345678901234567890123"}]}"#),
            ),
            (
                r#"{"content":{"text":true,"x":{"text":1}}}"#,
                Some(r#"{"content":{"text":"true","x":{"text":1}}}"#),
            ),
            (
                r#"{"tool_calls":[{"index":0,"function":{"arguments":1.0}}]}"#,
                Some(r#"{"tool_calls":[{"index":0,"function":{"arguments":"1.0"}}]}"#),
            ),
            // What is no text of a reply stays as it is.
            (r#"{"content":null,"refusal":null}"#, None),
            (r#"{"refusal":false,"reasoning":true}"#, None),
            (r#"{"content":"\"content\":6","x":{"content":6}}"#, None),
            (r#"{"x\"content":6}"#, None),
            (
                r#"{"tool_calls":[{"function":{"arguments":{"content":6,"text":true}}}]}"#,
                None,
            ),
            (r#"{"content":6x}"#, None),
            (r#"{"content":01}"#, None),
        ] {
            assert_eq!(quoted(&delta(written)), read.map(delta), "{written}");
        }
        assert_eq!(quoted(r#"{"usage":{"text":6},"content":6}"#), None);
    }

    proptest! {
        #[test]
        fn whatever_is_changed_was_a_number_or_a_boolean(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "{", "}", "[", "]", ",", ":", "\"choices\":[{\"delta\":{", "\"content\":", "\"text\":",
                "6", "-1.50", "true", "null", "\"", "\\", "\"a\"", " ", "ü", "\"arguments\":",
            ]), 0..20),
        ) {
            let json = pieces.concat();
            if let Some(quoted) = quoted(&json) {
                let plain = quoted.replace('"', "");
                prop_assert_eq!(plain, json.replace('"', ""));
                let (before, after) = (serde_json::from_str::<Value>(&json), serde_json::from_str::<Value>(&quoted));
                prop_assert!(before.is_err() || after.is_ok());
                prop_assert_eq!(super::quoted(&quoted), None);
            }
        }
    }
}
