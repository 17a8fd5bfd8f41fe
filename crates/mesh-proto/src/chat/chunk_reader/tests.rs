//! Whatever is remembered, a chunk is read as it would be alone.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn said(delta: &str) -> String {
    format!(r#"{{"id":"c","created":1,"choices":[{{"index":0,"delta":{delta}}}],"x":null}}"#)
}

fn reads_as_alone<'f>(reader: &mut ChunkReader, frame: &'f str) -> Result<ChatChunk, &'f str> {
    let read = reader.read(frame);
    let texts = quoted(frame);
    let alone: Result<ChatChunk, _> = serde_json::from_str(texts.as_deref().unwrap_or(frame));
    match (read, alone) {
        (Ok(read), Ok(alone)) => {
            assert_eq!(read, alone, "{frame}");
            Ok(read)
        }
        (Err(read), Err(alone)) => {
            assert_eq!(read.to_string(), alone.to_string(), "{frame}");
            Err(frame)
        }
        (read, alone) => panic!("{frame}: {read:?} for {alone:?}"),
    }
}

fn is_known(reader: &ChunkReader, frame: &str) -> bool {
    let known = reader.known.as_ref();
    known.is_some_and(|known| known.again(frame).is_some())
}

#[test]
fn what_is_told_again_is_read_from_its_texts() {
    for (first, next) in [
        (
            r#"{"content":"a"}"#,
            r#"{"content":"b \" \\ \u00fc \ud83e\udd8a\n"}"#,
        ),
        (r#"{"content":""}"#, r#"{"content":"{\"content\":\"\"}"}"#),
        (
            r#"{"content":null,"reasoning_content":"a"}"#,
            r#"{"content":null,"reasoning_content":""}"#,
        ),
        (
            r#"{"reasoning":"a","content":"a"}"#,
            r#"{"reasoning":"","content":"b"}"#,
        ),
        (
            r#"{"tool_calls":[{"index":0,"function":{"arguments":"{\u007d"}}]}"#,
            r#"{"tool_calls":[{"index":0,"function":{"arguments":"x"}}]}"#,
        ),
        (
            r#"{"tool_calls":[{"index":1,"function":{"arguments":"a"}}]}"#,
            r#"{"tool_calls":[{"index":1,"function":{"arguments":": {\"b\""}}]}"#,
        ),
    ] {
        let (first, next) = (said(first), said(next));
        let mut reader = ChunkReader::default();
        reads_as_alone(&mut reader, &first).unwrap();
        assert_eq!(
            is_known(&reader, &next),
            !first.contains("\\u007d"),
            "{next}"
        );
        reads_as_alone(&mut reader, &next).unwrap();
    }
    let hidden = |text: &str, length: &str| {
        said(&json!({"content": text}).to_string())
            .replace("null", &format!("null,\"obfuscation\":\"{length}\""))
    };
    let mut reader = ChunkReader::default();
    reads_as_alone(&mut reader, &hidden("a", "Kx7")).unwrap();
    assert!(is_known(&reader, &hidden("the", "9")));
    reads_as_alone(&mut reader, &hidden("the", "9")).unwrap();
}

#[test]
fn what_is_not_told_again_to_the_byte_is_not_known() {
    let known = said(r#"{"content":"a"}"#);
    for other in [
        known.replace("\"a\"", "1"),
        known.replace("\"a\"", "null"),
        known.replace("\"a\"", "[\"b\"]"),
        known.replace("\"a\"", "\"b\",\"content\":\"c\""),
        known.replace("\"a\"", "\"b\" ,\"role\":\"user\""),
        known.replace("\"a\"", "\"\\ud83e\""),
        known.replace("\"a\"", "\"\\x\""),
        known.replace("\"a\"", "\"b\nc\""),
        known.replace("\"a\"", "\"b"),
        known.replace("\"a\"", "\"b\\"),
        known.replace("\"index\":0", "\"index\":1"),
        known.replace("null", "{}"),
        known.replace("}]", "},{\"delta\":{\"content\":\"b\"}}]"),
        known.strip_suffix('}').unwrap().to_owned(),
        format!("{known} "),
        format!("{known}{known}"),
        String::new(),
    ] {
        let mut reader = ChunkReader::default();
        reads_as_alone(&mut reader, &known).unwrap();
        assert!(!is_known(&reader, &other), "{other}");
        let _ = reads_as_alone(&mut reader, &other);
        let _ = reads_as_alone(&mut reader, &known);
    }
    // A text that could be read from elsewhere, too, is none to go by.
    for odd in [
        said(r#"{"content":"a","reasoning":"a","reasoning":"b"}"#),
        said(r#"{"content":"a"}"#).replace("[{", "[null,{"),
        said(r#"{"content":"a"}"#)
            .replace("\"x\":null", "\"obfuscation\":\"b\",\"obfuscation\":\"b\""),
        said(r#"{"content":"a","tool_calls":[{"function":{"arguments":"b","arguments":"c"}}]}"#),
        said(r#"{"content":["a"]}"#),
        said("null"),
    ] {
        let mut reader = ChunkReader::default();
        reads_as_alone(&mut reader, &odd).unwrap();
        assert!(reader.known.is_none(), "{odd}");
    }
}

#[test]
fn a_stream_that_tells_nothing_again_is_left_in_peace() {
    let mut reader = ChunkReader::default();
    let frame =
        |number: usize| said(r#"{"content":"a"}"#).replace("\"c\"", &format!("\"{number}\""));
    let mut remembered = 0;
    for number in 0..1000 {
        reader.read(&frame(number)).unwrap();
        remembered += usize::from(is_known(&reader, &frame(number)));
    }
    assert!(remembered < 20, "{remembered}");
    // One that does so later is found out all the same.
    let again = (0..200).map(|_| {
        let is_known = is_known(&reader, &frame(0));
        reader.read(&frame(0)).unwrap();
        is_known
    });
    assert!(again.filter(|is_known| *is_known).count() > 50);
}

fn frame() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        3 => "[a-c \\u{fc}]{0,3}".prop_map(|text| format!("\"{text}\"")),
        1 => "\\PC{0,3}".prop_map(|text| Value::from(text).to_string()),
        1 => prop::sample::select(vec!["\"\\u0061\"", "\"\\ud800\"", "\"\\\\\"", "\"", "null", "1", "[]", "\"\n\""])
            .prop_map(str::to_owned),
    ];
    let delta = prop::sample::select(vec![
        "{\"content\":@}",
        "{\"role\":\"assistant\",\"content\":@}",
        "{\"content\":@,\"content\":@}",
        "{\"content\":@,\"reasoning\":@,\"reasoning_content\":@}",
        "{\"reasoning\":@,\"reasoning\":@}",
        "{\"content\":null,\"reasoning\":@}",
        "{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":@}}]}",
        "{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":@,\"arguments\":@}}]}",
        "{\"tool_calls\":[{\"function\":{\"arguments\":@}},{\"function\":{\"arguments\":@}}]}",
        "{\"tool_calls\":[[],{\"id\":@,\"function\":{\"arguments\":@}}]}",
        "{\"tool_calls\":[{\"function\":null}],\"content\":@}",
        "{\"conten\\u0074\":@}",
        "null",
    ]);
    let rest = prop::sample::select(vec![
        "{\"id\":\"a\",\"choices\":[{\"index\":0,\"delta\":#}]}",
        "{\"id\":\"a\",\"choices\":[{\"index\":0,\"delta\":#,\"delta\":#}]}",
        "{\"id\":\"a\",\"choices\":[{\"index\":0,\"delta\":#}],\"obfuscation\":@}",
        "{\"obfuscation\":@,\"choices\":[{\"delta\":#}],\"obfuscation\":@}",
        "{\"id\":@,\"choices\":[{\"index\":0,\"delta\":#}]}",
        "{\"choices\":[{\"delta\":#},{\"delta\":#}]}",
        "{\"choices\":{\"delta\":#}}",
        "{\"content\":@,\"choices\":[null,{\"delta\":#}]}",
        "{\"content\":@,\"choices\":[{\"delta\":#}]} ",
    ]);
    (rest, delta, proptest::collection::vec(text, 1..6)).prop_map(|(rest, delta, texts)| {
        let shape = rest.replace('#', delta);
        let mut texts = texts.iter().cycle();
        shape
            .split_inclusive('@')
            .map(|piece| match piece.strip_suffix('@') {
                Some(before) => format!("{before}{}", texts.next().unwrap()),
                None => piece.to_owned(),
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_chunk_is_read_as_it_would_be_alone(
        frames in proptest::collection::vec(frame(), 2..4),
        order in proptest::collection::vec(any::<prop::sample::Index>(), 1..12),
        other in frame(),
    ) {
        let mut reader = ChunkReader::default();
        for index in order {
            let _ = reads_as_alone(&mut reader, index.get::<String>(&frames));
        }
        let _ = reads_as_alone(&mut reader, &other);
    }

    #[test]
    fn a_chunk_with_any_bytes_changed_is_read_as_it_would_be_alone(
        known in frame(),
        at in any::<prop::sample::Index>(),
        length in 0_usize..4,
        more in prop::sample::select(vec!["", "\"", "\\", ",", "}", "]", "{", ":", "a", "\"b\"", "\u{fc}", "\\u0061", "0"]),
    ) {
        let mut changed: Vec<char> = known.chars().collect();
        let start = at.index(changed.len());
        let end = changed.len().min(start + length);
        changed.splice(start..end, more.chars());
        let changed: String = changed.into_iter().collect();
        let mut reader = ChunkReader::default();
        let _ = reads_as_alone(&mut reader, &known);
        let _ = reads_as_alone(&mut reader, &changed);
        let _ = reads_as_alone(&mut reader, &known);
    }
}
