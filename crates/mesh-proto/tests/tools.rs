//! Tools and structured output: what is sent, and what comes back, plain and streamed ([protocol
//! reference, section 4.3](mesh_proto::protocol#43-streams) and [section 4.4](mesh_proto::protocol#44-structured-output-and-tools)).

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test says when it fails"
)]

use std::io::Read as _;

use bytes::Bytes;
use mesh_proto::chat::{ChatReply, Effort, Message, ResponseFormat, Role, Stop, Tool, ToolChoice};
use mesh_proto::endpoint::ChatStream;
use mesh_proto::{ApiKey, ChatRequest, Endpoint, Target};
use serde_json::{Value, json};

fn plain(reply: &Value) -> ChatReply {
    let response = http::Response::new(Bytes::from(reply.to_string()));
    ChatRequest::new("m")
        .user("x")
        .read(response)
        .expect("a reply")
        .into_value()
}

fn streamed(deltas: &[Value]) -> ChatReply {
    let frame = |delta: &Value| {
        format!(
            "data: {}\n\n",
            json!({"choices": [{"index": 0, "delta": delta}]})
        )
    };
    let frames: Vec<String> = deltas.iter().map(frame).collect();
    let response = http::Response::new(Bytes::from(format!("{}data: [DONE]\n\n", frames.concat())));
    let endpoint = ChatStream::new(&ChatRequest::new("m").user("x")).unwrap();
    endpoint.read(response).expect("a reply").into_value()
}

#[test]
fn every_field_of_the_reference_is_sent_as_it_was_given() {
    let fields = json!({
        "model": "m", "temperature": 0.5, "top_p": 0.9, "max_tokens": 5, "seed": 1, "timeout": 60.5,
        "models": ["a", "b"], "frequency_penalty": -1.5, "presence_penalty": 2.0, "stop": ["x"],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}, "strict": true}}, {"type": "web", "a": 1}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": true}},
        "user": "u", "reasoning_effort": "low", "service_tier": "flex", "template": "t", "variables": {"a": "b"},
        "session_id": "s", "cache": false, "transforms": ["middle-out"], "modality": "text",
        "image": {"n": 1}, "async_mode": true, "modalities": ["text"],
        "messages": [
            {"role": "user", "content": "hi", "name": "ada"},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}, "thought_signature": "sig"}],
             "reasoning_details": [{"type": "x"}]},
            {"role": "tool", "content": "done", "tool_call_id": "c1"}
        ]
    });
    let request: ChatRequest = serde_json::from_value(fields.clone()).unwrap();
    assert_eq!(
        (&request.reasoning_effort, &request.stop),
        (&Some(Effort::Low), &Some(Stop::Any(vec!["x".to_owned()])))
    );
    let target = Target::production(ApiKey::new("rsk_1").unwrap());
    let mut body = String::new();
    request
        .request(&target)
        .unwrap()
        .into_body()
        .reader()
        .read_to_string(&mut body)
        .unwrap();
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), fields);
}

#[test]
fn choices_and_formats_that_are_not_known_are_kept() {
    for value in [
        json!("auto"),
        json!("none"),
        json!("required"),
        json!("validated"),
        json!({"type": "allowed_tools", "x": 1}),
    ] {
        let choice: ToolChoice = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(serde_json::to_value(&choice).unwrap(), value);
    }
    for value in [
        json!({"type": "text"}),
        json!({"type": "json_object"}),
        json!({"type": "json_schema", "json_schema": {"name": "n", "schema": {}}}),
        json!({"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "description": "d"}}),
        json!({"type": "grammar", "x": 1}),
    ] {
        let format: ResponseFormat = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(serde_json::to_value(&format).unwrap(), value);
    }
}

#[test]
fn a_conversation_goes_on_without_losing_anything() {
    let message = json!({
        "role": "assistant", "content": [{"type": "text", "text": "hm"}, {"type": "new", "a": 1}],
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}, "thought_signature": "s"}],
        "reasoning_details": [{"text": "why"}], "images": [{"image_url": {"url": "https://x.test/a.png"}}]
    });
    let reply = plain(&json!({"choices": [{"index": 0, "message": message}]}));
    assert_eq!(reply.tool_calls()[0].function.name, "f");
    let tool = Tool::function("f", "does it", json!({}));
    let next = ChatRequest::new("m")
        .tool(tool)
        .message(reply.into_message().unwrap())
        .message(Message::tool_result("c1", "42"));
    let sent = serde_json::to_value(&next).unwrap();
    assert_eq!(sent["messages"][0], message);
    assert_eq!(
        sent["messages"][1],
        json!({"role": "tool", "content": "42", "tool_call_id": "c1"})
    );
    assert_eq!(next.messages[1].role, Role::Tool);
}

#[test]
fn pieces_of_tool_calls_find_their_call() {
    let piece = |index: Value, id: Value, name: Value, arguments: Value| {
        let mut piece = json!({"function": {"name": name, "arguments": arguments}});
        for (field, value) in [("index", index), ("id", id)] {
            if !value.is_null() {
                piece[field] = value;
            }
        }
        json!({"tool_calls": [piece]})
    };
    let (null, two) = (
        Value::Null,
        [("a", "f", "{\"x\":1}"), ("b", "g", "{\"y\":2}")],
    );
    let cases = [
        (
            "indexed",
            vec![
                piece(json!(0), json!("a"), json!("f"), json!("{\"x\"")),
                piece(json!(1), json!("b"), json!("g"), json!("{\"y\"")),
                piece(json!(0), null.clone(), null.clone(), json!(":1}")),
                piece(json!(1), null.clone(), null.clone(), json!(":2}")),
            ],
        ),
        (
            "by id",
            vec![
                piece(null.clone(), json!("a"), json!("f"), json!("{\"x\"")),
                piece(null.clone(), json!("b"), json!("g"), json!("{\"y\"")),
                piece(null.clone(), json!("a"), json!("f"), json!(":1}")),
                piece(null.clone(), json!("b"), json!("g"), json!(":2}")),
            ],
        ),
        (
            "bare pieces",
            vec![
                piece(null.clone(), json!("a"), json!("f"), json!("")),
                piece(null.clone(), null.clone(), null.clone(), json!("{\"x\":1}")),
                piece(null.clone(), json!("b"), json!("g"), json!("")),
                piece(null.clone(), null.clone(), null.clone(), json!("{\"y\":")),
                piece(null.clone(), null.clone(), null.clone(), json!("2}")),
            ],
        ),
        (
            "indices with a gap, arguments as an object",
            vec![
                piece(json!(3), json!("a"), json!("f"), json!({"x": 1})),
                piece(json!(7), json!("b"), json!("g"), json!({"y": 2})),
            ],
        ),
    ];
    for (name, deltas) in cases {
        let reply = streamed(&deltas);
        let calls: Vec<_> = reply
            .tool_calls()
            .iter()
            .map(|call| {
                (
                    call.id.as_deref().unwrap(),
                    call.function.name.as_str(),
                    call.function.arguments.as_str(),
                )
            })
            .collect();
        assert_eq!(calls, two, "{name}");
    }
}
