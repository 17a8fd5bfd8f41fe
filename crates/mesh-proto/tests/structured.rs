//! Answers as values: what is read, what is told to the model, what is kept of each round.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says when it fails"
)]

use mesh_proto::error::BuildError;
use mesh_proto::head::ReplyEnd;
use mesh_proto::structured::{Parse, ParseError, ParseReason, Parsed, Round, RoundFailure, Schema};
use mesh_proto::{Answer, ChatReply, ChatRequest, Error, Head, Outcome};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, PartialEq, Deserialize)]
struct Meter {
    kwh: f64,
    #[serde(default)]
    note: String,
    place: Option<String>,
}

fn schema() -> Schema {
    Schema::new(
        "meter",
        json!({
            "type": "object",
            "properties": {"kwh": {"type": "number"}, "note": {"type": "string"}, "place": {"type": "string"}},
            "required": ["kwh"],
        }),
    )
}

fn question(corrections: u32) -> Parse<Meter> {
    let request = ChatRequest::new("m").user("Read the meter.");
    Parse::with_schema(request, &schema()).corrections(corrections)
}

/// An answer of one choice.
fn answer(id: &str, choice: Value) -> Answer<ChatReply> {
    let response = http::Response::builder()
        .header("x-request-id", id)
        .body(())
        .unwrap();
    let usage = json!({"completion_tokens": 7});
    let value = json!({"choices": [choice], "usage": usage});
    Answer {
        head: Head::from(&response.into_parts().0),
        value: serde_json::from_value(value).unwrap(),
        end: ReplyEnd::Regular,
    }
}

fn says(text: &str) -> Answer<ChatReply> {
    answer(
        "req_1",
        json!({"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}),
    )
}

fn done<T>(round: Round<T>) -> Result<Parsed<T>, Error> {
    match round {
        Round::Done(result) => result.map_err(Error::from),
        Round::Again(_) => panic!("another round"),
    }
}

fn again<T>(round: Round<T>) -> Parse<T> {
    match round {
        Round::Again(parse) => parse,
        Round::Done(_) => panic!("the end"),
    }
}

fn failed(answer: Answer<ChatReply>) -> ParseError {
    let error = done(question(0).take(Ok(answer))).unwrap_err();
    assert_eq!(error.outcome(), Outcome::Delivered);
    assert_eq!(error.request_id(), Some("req_1"));
    assert_eq!(error.status().unwrap(), 200);
    match error {
        Error::Parse(error) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn json_is_read_alone_or_in_one_fence() {
    let plain = Meter {
        kwh: 1.5,
        note: "ok".to_owned(),
        place: None,
    };
    for text in [
        r#"{"kwh": 1.5, "note": "ok", "place": null}"#,
        "\u{feff}\n {\"kwh\":1.5,\"note\":\"ok\"}\n",
        "```json\n{\"kwh\": 1.5, \"note\": \"ok\"}\n```",
        "```\n{\"kwh\": 1.5, \"note\": \"ok\"}\n```\n",
        "```{\"kwh\": 1.5, \"note\": \"ok\"}```",
        r#"{"kwh": 1.5, "note": "ok", "unasked": [1]}"#,
    ] {
        let parsed = done(question(0).take(Ok(says(text)))).unwrap();
        assert_eq!(parsed.value, plain, "{text}");
        assert_eq!(parsed.rounds.len(), 1);
    }
    // In strict form, a field that is left out is null.
    let parsed =
        done(question(0).take(Ok(says(r#"{"kwh": 1, "note": null, "place": null}"#)))).unwrap();
    assert_eq!(parsed.note, "");
    // Parts are one text.
    let parts = json!({"message": {"content": [{"type": "text", "text": "{\"kwh\""}, {"type": "text", "text": ":2}"}]}});
    let parsed = done(question(0).take(Ok(answer("r", parts)))).unwrap();
    assert!((parsed.kwh - 2.0).abs() < f64::EPSILON);
}

#[test]
fn what_is_no_value_says_what_it_is_and_is_kept() {
    for (text, expected) in [
        ("About 1200 kWh.", "the answer is prose instead of JSON: "),
        (
            "Here it is: {\"kwh\": 1}",
            "the answer is prose instead of JSON: ",
        ),
        (
            "{\"kwh\": 1}\nHope this helps!",
            "the answer is prose instead of JSON: ",
        ),
        (
            "```json\n{\"kwh\": 1}\n```\nDone.",
            "the answer is prose instead of JSON: ",
        ),
        (
            "```json\n{\"kwh\": 1}\n```\n```json\n{}\n```",
            "the answer is prose instead of JSON: ",
        ),
        ("{\"kwh\": 1", "the answer is broken JSON: EOF"),
        (
            "{kwh: 1}",
            "the answer is broken JSON: key must be a string",
        ),
        (
            r#"{"kwh": "a lot"}"#,
            "the answer is JSON of another shape: at kwh: invalid type: string \"a lot\", expected f64: ",
        ),
        (
            r#"{"note": "x"}"#,
            "the answer is JSON of another shape: missing field `kwh`: ",
        ),
        (
            r#"{"kwh": null, "place": null}"#,
            "the answer is JSON of another shape: at kwh: invalid type: null",
        ),
        ("", "the answer is empty (request req_1); "),
        (" \n", "the answer is empty (request req_1); "),
    ] {
        let error = failed(says(text));
        let message = error.to_string();
        assert!(message.starts_with(expected), "{message}");
        assert!(
            message.ends_with("(request req_1); an answer had been delivered; it is billed"),
            "{message}"
        );
        assert_eq!(error.text(), text);
        assert_eq!(
            error.rounds()[0].usage.as_ref().unwrap().completion_tokens,
            Some(7)
        );
    }
    assert!(matches!(
        failed(says("{\"kwh\":")).reason(),
        ParseReason::Broken { is_cut: true, .. }
    ));
    let shape = failed(says(r#"{"kwh": []}"#));
    assert!(matches!(shape.reason(), ParseReason::Shape { place, .. } if place == "kwh"));
}

#[test]
fn an_answer_that_ended_otherwise_says_so_and_is_not_asked_for_again() {
    let cut = json!({"message": {"content": "{\"kwh\": 1"}, "finish_reason": "length"});
    let cut_by_google =
        json!({"message": {"content": "{\"kwh\": 1"}, "finish_reason": "MAX_TOKENS"});
    let filtered = json!({"message": {"content": null}, "finish_reason": "content_filter"});
    let refused = json!({"message": {"content": null, "refusal": "I cannot read meters."}});
    let tools = json!({"message": {"content": null, "tool_calls": [{"id": "1", "function": {"name": "f"}}]}});
    for (choice, expected) in [
        (cut, "the answer is cut off at the most tokens"),
        (cut_by_google, "the answer is cut off at the most tokens"),
        (filtered, "the answer is withheld by a content filter"),
        (
            refused,
            "the answer is a refusal: \"I cannot read meters.\"",
        ),
        (tools, "the answer is calls of tools"),
    ] {
        let error = done(question(5).take(Ok(answer("req_1", choice)))).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
    }
    // What is whole is whole.
    let whole = json!({"message": {"content": "{\"kwh\": 1}"}, "finish_reason": "length"});
    assert!(done(question(0).take(Ok(answer("req_1", whole)))).is_ok());
}

#[test]
fn a_correction_shows_the_bad_answer_and_what_is_wrong_and_keeps_every_round() {
    let parse = question(2);
    let first = serde_json::to_value(parse.request()).unwrap();
    assert_eq!(first["response_format"]["json_schema"]["strict"], true);

    let bad = json!({"message": {
        "role": "assistant", "content": "About 1200.", "reasoning_details": [{"signature": "s"}],
    }});
    let parse = again(parse.take(Ok(answer("req_1", bad))));
    let second = serde_json::to_value(parse.request()).unwrap();
    assert_eq!(second["response_format"], first["response_format"]);
    let messages = second["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 3);
    assert_eq!(messages[0], first["messages"][0]);
    assert_eq!(messages[1]["content"], "About 1200.");
    assert_eq!(
        messages[1]["reasoning_details"],
        json!([{"signature": "s"}])
    );
    assert_eq!(messages[2]["role"], "user");
    assert!(
        messages[2]["content"]
            .as_str()
            .unwrap()
            .contains("prose instead of JSON")
    );

    let parse = again(parse.take(Ok(says(r#"{"kwh": "1200"}"#))));
    assert_eq!(parse.rounds().len(), 2);
    let third = serde_json::to_value(parse.request()).unwrap();
    let told = third["messages"][4]["content"].as_str().unwrap();
    assert!(
        told.contains("at kwh: invalid type: string \"1200\", expected f64"),
        "{told}"
    );

    let parsed = done(parse.take(Ok(says(r#"{"kwh": 1200}"#)))).unwrap();
    assert!((parsed.kwh - 1200.0).abs() < f64::EPSILON);
    let texts: Vec<_> = parsed
        .rounds
        .iter()
        .map(|round| round.text().into_owned())
        .collect();
    assert_eq!(
        texts,
        ["About 1200.", r#"{"kwh": "1200"}"#, r#"{"kwh": 1200}"#]
    );
    assert!(parsed.rounds.iter().all(|round| round.usage.is_some()));
}

#[test]
fn rounds_end_and_an_empty_answer_is_not_null_in_the_next_request() {
    let parse = again(question(1).take(Ok(answer("req_1", json!({"message": {"content": null}})))));
    let request = serde_json::to_value(parse.request()).unwrap();
    assert_eq!(
        request["messages"][1],
        json!({"role": "assistant", "content": ""})
    );
    let error = done(parse.take(Ok(says("no")))).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("; 2 answers had been delivered; each is billed"),
        "{error}"
    );

    // A reply without choices is an empty answer too.
    let mut none = says("");
    none.value.choices.clear();
    let parse = again(question(1).take(Ok(none)));
    assert_eq!(parse.request().messages.len(), 2);
}

#[test]
fn a_round_that_fails_does_not_lose_the_ones_before() {
    let network = || RoundFailure::Build(BuildError::invalid("model", "gone"));
    let first = done(question(1).take(Err(network()))).unwrap_err();
    assert!(matches!(first, Error::Build(_)));

    let parse = again(question(1).take(Ok(says("prose"))));
    let error = done(parse.take(Err(network()))).unwrap_err();
    assert_eq!(error.outcome(), Outcome::Delivered);
    assert_eq!(
        error.to_string(),
        "the answer is not to be had: model: gone (request req_1); an answer had been delivered; it is billed"
    );
    let Error::Parse(error) = error else {
        panic!("{error:?}")
    };
    assert!(matches!(error.reason(), ParseReason::Round(_)));
    assert_eq!(error.text(), "prose");
    assert_eq!(error.into_rounds().len(), 1);
}

#[test]
fn what_is_no_object_is_taken_out_of_the_one_it_stands_in() {
    let schema = Schema::new(
        "numbers",
        json!({"type": "array", "items": {"type": "integer"}}),
    );
    let parse = || Parse::<Vec<u8>>::with_schema(ChatRequest::new("m").user("x"), &schema);
    for text in [r#"{"value": [1, 2]}"#, "[1, 2]"] {
        let parsed = done(parse().take(Ok(says(text)))).unwrap();
        assert_eq!(parsed.into_value(), [1, 2], "{text}");
    }
    for (text, expected) in [
        (
            r#"{"value": [1, 300]}"#,
            "at value[1]: invalid value: integer `300`",
        ),
        ("[1, -1]", "at [1]: invalid value: integer `-1`"),
        (
            r#"{"numbers": [1]}"#,
            "invalid type: map, expected a sequence",
        ),
    ] {
        let error = done(parse().take(Ok(says(text)))).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_picture_in_an_answer_is_not_shown() {
    let text = format!(r#"{{"kwh": "{}"}}"#, "iVBORw0KGgo".repeat(40));
    let error = failed(says(&text));
    assert!(
        !format!("{error} {error:?}").contains("iVBORw0KGgoiVBORw0KGgo"),
        "{error}"
    );
}

proptest::proptest! {
    #[test]
    fn no_answer_panics(text: String, fenced: bool, corrections in 0..3_u32) {
        let text = if fenced { format!("```{text}```") } else { text };
        let _ = question(corrections).take(Ok(says(&text)));
    }
}

#[cfg(feature = "schemars")]
#[test]
fn a_request_alone_is_enough_where_the_type_knows_its_schema() {
    #[derive(Debug, Deserialize, schemars::JsonSchema)]
    struct Seen {
        colour: String,
    }

    let request = ChatRequest::new("m").user("Which colour?");
    let parse = Parse::<Seen>::from(&request);
    let sent = serde_json::to_value(parse.request()).unwrap();
    assert_eq!(sent["response_format"]["json_schema"]["name"], "Seen");
    let parsed = done(parse.take(Ok(says(r#"{"colour": "red"}"#)))).unwrap();
    assert_eq!(parsed.colour, "red");
}
