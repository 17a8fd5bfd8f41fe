//! Where in a JSON text an error is, by the names of its fields.

enum Level<'t> {
    Object { field: Option<&'t str> },
    Array { index: usize },
}

/// The place that a parser had come to at `line` and `column`, as serde counts them: `rooms[2].size`,
/// or nothing for the whole. `text` is JSON.
pub(super) fn place(text: &str, line: usize, column: usize) -> String {
    let start: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let bytes = text.as_bytes();
    let end = start.saturating_add(column).min(bytes.len());
    let mut levels: Vec<Level<'_>> = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at).filter(|_| at < end) {
        at += 1;
        match byte {
            b'{' => levels.push(Level::Object { field: None }),
            b'[' => levels.push(Level::Array { index: 0 }),
            b'}' | b']' => {
                levels.pop();
            }
            b',' => match levels.last_mut() {
                Some(Level::Object { field }) => *field = None,
                Some(Level::Array { index }) => *index += 1,
                None => {}
            },
            b'"' => {
                let length = string_length(bytes.get(at..).unwrap_or_default());
                if let Some(Level::Object {
                    field: field @ None,
                }) = levels.last_mut()
                {
                    *field = text.get(at..at + length);
                }
                at += length + 1;
            }
            _ => {}
        }
    }
    written(&levels)
}

/// How long a string is whose opening quote is behind.
fn string_length(bytes: &[u8]) -> usize {
    let mut escaped = false;
    let end = bytes.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    end.unwrap_or(bytes.len())
}

fn written(levels: &[Level<'_>]) -> String {
    let mut path = String::new();
    for level in levels {
        match level {
            Level::Object { field: Some(name) } => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
            }
            Level::Object { field: None } => {}
            Level::Array { index } => path.extend(["[", &index.to_string(), "]"]),
        }
    }
    crate::excerpt::message(&path)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "read to see where it fails")]
    struct House {
        rooms: Vec<Room>,
        #[serde(default)]
        name: String,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "read to see where it fails")]
    struct Room {
        size: u32,
        #[serde(default)]
        kind: Option<Kind>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Bath,
    }

    #[test]
    fn an_error_is_placed_by_names() {
        for (text, expected) in [
            (
                r#"{"rooms":[{"size":1},{"size":"a,{\"b"}]}"#,
                "rooms[1].size",
            ),
            ("{\n  \"rooms\": [\n    {\"size\": -1}\n]}", "rooms[0].size"),
            (
                r#"{"rooms":[{"size":1},{"kind":"bath"}],"name":"x"}"#,
                "rooms[1]",
            ),
            (r#"{"rooms":[{"size":1,"kind":"den"}]}"#, "rooms[0].kind"),
            (r#"{"name":"a\\"}"#, ""),
            (r#"{"name":5,"rooms":[]}"#, "name"),
            (r#"{"rooms":{"a":1}}"#, "rooms"),
            ("7", ""),
        ] {
            let error = serde_json::from_str::<House>(text).unwrap_err();
            let place = place(text, error.line(), error.column());
            assert_eq!(place, expected, "{text}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_and_no_position_panics(text: String, line: usize, column: usize) {
            let _ = place(&text, line, column);
        }
    }
}
