//! What a reply says, read plainly from all of its bytes at once: what the core's own reading is held
//! against. Shares no code with it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::subject::Kind;

/// What was said, in one text that can be compared: a chat's words, the ids of models, the pictures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) said: String,
    /// Whether the end was told, and nothing before it was wrong.
    pub(crate) is_whole: bool,
}

/// Reads a body of which all came that is in `body`. A reply is read in whichever form it comes, and
/// a list has no events.
pub(crate) fn read(kind: Kind, body: &[u8]) -> Reading {
    let is_document = matches!(body.trim_ascii_start().first(), Some(b'{' | b'['));
    match kind {
        Kind::Models => read_document(kind, body),
        _ if is_document => read_document(kind, body),
        Kind::Chat | Kind::ChatStream => read_events(Kind::ChatStream, body),
        Kind::Image | Kind::ImageStream | Kind::Edit => read_events(Kind::ImageStream, body),
    }
}

fn read_document(kind: Kind, body: &[u8]) -> Reading {
    let Some(document) = json(body) else {
        return Reading::default();
    };
    let is_error = document.get("error").is_some_and(|it| !it.is_null());
    let said = match kind {
        Kind::Chat | Kind::ChatStream => text_at(&document, "/choices/0/message/content"),
        Kind::Models => model_ids(document.get("data").unwrap_or(&document)),
        Kind::Image | Kind::ImageStream | Kind::Edit => pictures(&document),
    };
    Reading {
        said,
        is_whole: !is_error,
    }
}

fn read_events(kind: Kind, body: &[u8]) -> Reading {
    let mut reading = Reading::default();
    let mut finished = BTreeMap::new();
    for data in event_data(body).iter().flat_map(|data| documents(data)) {
        if is_end_mark(data) {
            reading.is_whole = true;
            return reading;
        }
        if data.is_empty() || is_sign_of_life(data) {
            continue;
        }
        let Some(chunk) = json(data) else {
            return reading;
        };
        match kind {
            Kind::ChatStream => {
                reading.said += &chat_piece(&chunk);
                finish(&mut finished, &chunk);
            }
            _ => reading.said += &final_pictures(&chunk),
        }
        // A picture ends a stream of one as well as its mark does.
        if kind == Kind::ImageStream && !reading.said.is_empty() {
            reading.is_whole = true;
            return reading;
        }
        if chunk.get("error").is_some_and(|it| !it.is_null()) {
            return reading;
        }
    }
    // A stream of which every choice has its reason may end without its mark.
    reading.is_whole = !finished.is_empty() && finished.values().all(|it| *it);
    reading
}

/// Takes note of the choices of a chunk, by their index, and of which have their finish reason.
fn finish(finished: &mut BTreeMap<u64, bool>, chunk: &Value) {
    let choices = chunk.get("choices").and_then(Value::as_array);
    for choice in choices.into_iter().flatten() {
        let index = choice.get("index").and_then(Value::as_u64).unwrap_or(0);
        let reason = choice.get("finish_reason").and_then(Value::as_str);
        let is_finished = finished.entry(index).or_default();
        *is_finished |= reason.is_some_and(|reason| !reason.is_empty());
    }
}

/// The data of an event, or its lines if it is not one document and each line is.
fn documents(data: &[u8]) -> Vec<&[u8]> {
    let data = data.trim_ascii();
    let lines = data.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let lines: Vec<&[u8]> = lines.filter(|line| !line.is_empty()).collect();
    let is_document =
        |line: &&[u8]| is_end_mark(line) || is_sign_of_life(line) || json(line).is_some();
    if lines.len() > 1 && json(data).is_none() && lines.iter().all(is_document) {
        lines
    } else {
        vec![data]
    }
}

fn is_end_mark(data: &[u8]) -> bool {
    [&b"[DONE]"[..], b"DONE", b"\"[DONE]\""].contains(&data)
}

fn is_sign_of_life(data: &[u8]) -> bool {
    let word = data.to_ascii_lowercase();
    [&b"ping"[..], b"heartbeat", b"keepalive", b"keep-alive"].contains(&&word[..])
}

/// JSON in which what is no character is one replacement character.
fn json(bytes: &[u8]) -> Option<Value> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}');
    serde_json::from_str(text)
        .or_else(|_| serde_json::from_str(&without_half_pairs(text)))
        .ok()
}

/// The same JSON without escaped surrogates that have no other half.
fn without_half_pairs(text: &str) -> String {
    let surrogate = |text: &str| {
        let digits = text.strip_prefix("\\u")?.get(..4)?;
        let unit = u16::from_str_radix(digits, 16).ok()?;
        (0xd800..0xe000).contains(&unit).then_some(unit < 0xdc00)
    };
    let mut whole = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (kept, length) = match surrogate(rest) {
            Some(true) if rest.get(6..).and_then(surrogate) == Some(false) => (rest.get(..12), 12),
            Some(_) => (Some("\\ufffd"), 6),
            None if first == '\\' => {
                let length = 1 + rest.chars().nth(1).map_or(0, char::len_utf8);
                (rest.get(..length), length)
            }
            None => (rest.get(..first.len_utf8()), first.len_utf8()),
        };
        whole += kept.unwrap_or_default();
        rest = rest.get(length..).unwrap_or_default();
    }
    whole
}

fn chat_piece(chunk: &Value) -> String {
    let choices = chunk.get("choices").and_then(Value::as_array);
    let first = choices
        .into_iter()
        .flatten()
        .find(|choice| choice.get("index").and_then(Value::as_u64).unwrap_or(0) == 0);
    first
        .map(|choice| text_at(choice, "/delta/content"))
        .unwrap_or_default()
}

fn final_pictures(chunk: &Value) -> String {
    let is_partial = chunk.get("partial_image_index").is_some();
    if is_partial {
        String::new()
    } else {
        pictures(chunk)
    }
}

/// The data of each event, by the standard's rules, the last one with or without its blank line.
fn event_data(body: &[u8]) -> Vec<Vec<u8>> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let mut events = Vec::new();
    let mut pending: Option<Vec<u8>> = None;
    for line in lines(body).into_iter().chain([&b""[..]]) {
        if line.is_empty() {
            events.extend(pending.take());
            continue;
        }
        let (name, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => line.split_at(colon),
            None => (line, &b""[..]),
        };
        if name != b"data" {
            continue;
        }
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &mut pending {
            Some(data) => {
                data.push(b'\n');
                data.extend_from_slice(value);
            }
            None => pending = Some(value.to_vec()),
        }
    }
    events
}

fn lines(body: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut rest = body;
    while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
        let (line, after) = rest.split_at(end);
        lines.push(line);
        rest = after
            .strip_prefix(b"\r\n")
            .or_else(|| after.get(1..))
            .unwrap_or_default();
    }
    lines.push(rest);
    lines
}

fn text_at(value: &Value, pointer: &str) -> String {
    let text = value.pointer(pointer).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

fn model_ids(rows: &Value) -> String {
    let rows = rows.as_array().into_iter().flatten();
    rows.filter_map(|row| row.get("id")?.as_str())
        .flat_map(|id| [id, ";"])
        .collect()
}

fn pictures(document: &Value) -> String {
    let data = document.get("data").and_then(Value::as_array);
    let items = data.into_iter().flatten().chain([document]);
    items.filter_map(picture).collect()
}

/// The picture of an item: base64 or a data URL.
fn picture(item: &Value) -> Option<String> {
    let field = |name| item.get(name).and_then(Value::as_str);
    let base64 = match field("b64_json") {
        Some(base64) => base64,
        None => field("url")?.split_once(";base64,")?.1,
    };
    STANDARD.decode(base64).ok().map(|bytes| describe(&bytes))
}

/// A picture by its length and a hash of its bytes (FNV-1a).
pub(crate) fn describe(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{}:{hash:x};", bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_whatever_their_line_ends() {
        for end in ["\n", "\r", "\r\n"] {
            let text = "\u{feff}: ping\nevent: x\ndata:{\"choices\":[{\"delta\":\ndata: {\"content\":\"a\u{2028}b\"}}]}\n\ndata: {\"choices\":[]}\n\ndata: [DONE]";
            let reading = read(Kind::ChatStream, text.replace('\n', end).as_bytes());
            assert_eq!(reading.said, "a\u{2028}b");
            assert!(reading.is_whole);
        }
        let cut = b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: {\"cho";
        let reading = read(Kind::ChatStream, cut);
        assert_eq!((reading.said.as_str(), reading.is_whole), ("a", false));
    }

    #[test]
    fn end_without_a_mark_is_whole_once_every_choice_is_finished() {
        let chunk = |index: u64, reason: &str| {
            format!("data: {{\"choices\":[{{\"index\":{index},\"finish_reason\":{reason}}}]}}\n\n")
        };
        let is_whole = |body: &[String]| read(Kind::Chat, body.concat().as_bytes()).is_whole;
        assert!(is_whole(&[chunk(0, "\"stop\""), chunk(0, "null")]));
        assert!(!is_whole(&[chunk(0, "\"stop\""), chunk(1, "null")]));
        assert!(!is_whole(&[chunk(0, "\"stop\""), "data: {".to_owned()]));
        assert!(!is_whole(&[chunk(0, "\"\"")]));
        assert!(!is_whole(&[]));
    }

    #[test]
    fn lines_and_words_are_read() {
        let piece = |text: &str| {
            format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n")
        };
        let body = format!("data: Ping\n\n{}{}data: DONE\n", piece("a"), piece("b"));
        let reading = read(Kind::ChatStream, body.as_bytes());
        assert_eq!((reading.said.as_str(), reading.is_whole), ("ab", true));
        let body = format!("{}data: oops\n", piece("a"));
        assert_eq!(read(Kind::ChatStream, body.as_bytes()), Reading::default());
    }

    #[test]
    fn what_is_no_character_is_replaced() {
        let body = b"{\"choices\":[{\"message\":{\"content\":\"a\xff\\ud83d\\\\ud83d\\ud83c\\udfa8\\udfa8\"}}]}";
        let said = "a\u{fffd}\u{fffd}\\ud83d\u{1f3a8}\u{fffd}";
        assert_eq!(read(Kind::Chat, body).said, said);
    }

    #[test]
    fn documents_are_read() {
        let chat = br#"{"choices":[{"message":{"content":"hi"}}]}"#;
        assert_eq!(read(Kind::Chat, chat).said, "hi");
        assert_eq!(
            read(Kind::Models, br#"[{"id":"a"},{"id":"b"}]"#).said,
            "a;b;"
        );
        let picture = br#"{"data":[{"b64_json":"AAAA"},{"url":"data:image/png;base64,AAAA"}]}"#;
        assert_eq!(read(Kind::Image, picture).said, describe(&[0; 3]).repeat(2));
        assert!(!read(Kind::Image, b"<html>").is_whole);
    }
}
