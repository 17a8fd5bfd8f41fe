//! What stands as JSON in the protocol reference, and the fields that it names of a chat reply
//! (sections 4 and 5), plain and streamed.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says when it fails"
)]

use std::io::Read as _;

use bytes::Bytes;
use mesh_proto::chat::{ChatChunk, ChatReply, FinishReason, Message, Part, Role};
use mesh_proto::endpoint::{ChatStream, ImageStream};
use mesh_proto::error::Absence;
use mesh_proto::image::{Detail, Image, MediaType};
use mesh_proto::images::ImageRequest;
use mesh_proto::{ApiKey, ChatRequest, Endpoint, Target, Usd};
use serde_json::{Value, json};

fn sent(endpoint: &impl Endpoint) -> String {
    let target = Target::production(ApiKey::new("rsk_1").unwrap());
    let mut text = String::new();
    let request = endpoint.request(&target).unwrap();
    request.body().reader().read_to_string(&mut text).unwrap();
    text
}

fn plain(reply: &Value) -> ChatReply {
    let response = http::Response::new(Bytes::from(reply.to_string()));
    let request = ChatRequest::new("m").user("x");
    request.read(response).unwrap().into_value()
}

fn streamed(chunks: &[Value]) -> ChatReply {
    let frames: Vec<String> = chunks
        .iter()
        .map(|chunk| {
            format!(
                "data: {chunk}

"
            )
        })
        .collect();
    let frames = frames.concat();
    let response = http::Response::new(Bytes::from(format!("{frames}data: [DONE]\n\n")));
    let endpoint = ChatStream::new(&ChatRequest::new("m").user("x")).unwrap();
    endpoint.read(response).unwrap().into_value()
}

#[test]
fn the_request_of_section_4_1() {
    let photo = Image::from_bytes(&b"\x89PNG\r\n\x1a\n"[..]).unwrap();
    let request =
        ChatRequest::new("openai/gpt-4o-mini").user(("Read the meter.", photo.detail(Detail::Low)));
    assert_eq!(
        sent(&request),
        concat!(
            r#"{"model":"openai/gpt-4o-mini","messages":[{"role":"user","content":["#,
            r#"{"type":"text","text":"Read the meter."},"#,
            r#"{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo=","detail":"low"}}]}]}"#
        )
    );
}

#[test]
fn the_reply_of_section_5_1_and_the_stream_of_5_2() {
    let request = ImageRequest::new("m", "x");
    let reply = r#"{"created":1790000000,"data":[{"url":"data:image/webp;base64,UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==","revised_prompt":"…"}],"size":"1024x1024"}"#;
    let reply = request
        .read(http::Response::new(Bytes::from(reply)))
        .unwrap();
    let [image] = reply.images().try_into().unwrap();
    assert_eq!(image.revised_prompt(), Some("…"));
    assert_eq!(image.media_type().unwrap().0, MediaType::WEBP);
    assert_eq!(reply.size.as_deref(), Some("1024x1024"));

    let stream = concat!(
        "data: {\"id\":\"img_1\",\"object\":\"image.chunk\",\"created\":1790000000,\"status\":\"processing\",\"data\":[]}\n\n",
        ": ping\n\n",
        "data: {\"id\":\"img_1\",\"object\":\"image.chunk\",\"created\":1790000041,\"status\":\"completed\",\"data\":[{\"b64_json\":\"iVBORw0KGgo=\"}]}\n\n",
        "data: [DONE]\n"
    );
    let stream = http::Response::new(Bytes::from(stream));
    let reply = ImageStream::new(&request).unwrap().read(stream).unwrap();
    assert_eq!(reply.images()[0].media_type().unwrap().0, MediaType::PNG);
}

/// A message with everything in it that the reference names.
fn message() -> Value {
    json!({
        "role": "assistant", "content": "It is a fox.", "reasoning_content": "A red animal.",
        "reasoning_details": [{"type": "reasoning.encrypted", "data": "c2VjcmV0"}],
        "audio": {"id": "audio_1", "data": "AAAA", "transcript": "It is a fox."},
        "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"},
            "thought_signature": "sig"}]
    })
}

/// What stands beside the choices.
fn beside() -> Value {
    json!({
        "id": "chatcmpl-cached-1", "created": 1_790_000_000, "model": "gpt-4o-2026-08-06", "system_fingerprint": "fp",
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15,
            "prompt_tokens_details": {"cached_tokens": 4, "image_tokens": 6}, "classifier_total_tokens": 7},
        "cost": "0.00012", "x_auto_routed": true, "x_resolved_model_id": "openai/gpt-4o",
        "x_auto_routed_fallback": true, "x_auto_routed_fallback_reason": "classifier_timeout",
        "x_classifier_usage": [{"prompt_tokens": 6, "completion_tokens": 1, "model": "small"}]
    })
}

fn assert_is_whole(reply: &ChatReply) {
    let [choice] = reply.choices.as_slice() else {
        panic!("{reply:?}")
    };
    assert_eq!(reply.text(), "It is a fox.");
    assert_eq!(choice.message.reasoning(), "A red animal.");
    assert_eq!(choice.message.reasoning_details().len(), 1);
    assert_eq!(
        choice.message.audio().unwrap()["transcript"],
        "It is a fox."
    );
    assert_eq!(reply.tool_calls()[0].thought_signature(), Some("sig"));
    assert_eq!(reply.finish_reason(), Some(&FinishReason::ToolCalls));
    assert!(reply.is_cached());
    assert_eq!(reply.cost(), Some("0.00012".parse::<Usd>().unwrap()));
    let routing = reply.auto_routing().unwrap();
    assert_eq!(routing.model.as_deref(), Some("openai/gpt-4o"));
    assert!(routing.is_fallback);
    assert_eq!(
        routing.fallback_reason.as_deref(),
        Some("classifier_timeout")
    );
    let [classifier] = routing.classifier_usage.as_slice() else {
        panic!("{routing:?}")
    };
    assert_eq!(classifier.prompt_tokens, Some(6));
    let usage = reply.usage.as_ref().unwrap();
    assert_eq!(usage.classifier_tokens(), Some(7));
    let details = usage.prompt_tokens_details.as_ref().unwrap();
    assert_eq!(details.image_tokens, Some(6));
}

#[test]
fn a_chat_reply_is_read_whole_and_the_conversation_goes_on_with_all_of_it() {
    let mut whole = beside();
    whole["choices"] = json!([{"index": 0, "message": message(), "finish_reason": "tool_calls"}]);
    let reply = plain(&whole);
    assert_is_whole(&reply);
    assert_eq!(serde_json::to_value(&reply).unwrap(), whole);

    let mut last = beside();
    last["choices"] = json!([]);
    let mut first = message();
    first["content"] = json!("It is");
    let chunks = [
        json!({"id": "chatcmpl-cached-1", "choices": [{"index": 0, "delta": first}]}),
        json!({"choices": [{"index": 0, "delta": {"content": " a fox."}, "finish_reason": "tool_calls"}]}),
        last.clone(),
    ];
    assert_is_whole(&streamed(&chunks));
    let chunk: ChatChunk = serde_json::from_value(last).unwrap();
    assert_eq!(chunk.cost(), reply.cost());

    let next = ChatRequest::new("m").message(reply.into_message().unwrap());
    let body: Value = serde_json::from_str(&sent(&next)).unwrap();
    assert_eq!(body["messages"][0], message());
}

#[test]
fn what_is_told_at_the_top_of_every_chunk_is_not_told_twice() {
    let chunk = json!({"choices": [], "citations": ["a", "b"], "x_classifier_usage": [{"prompt_tokens": 1}]});
    let reply = streamed(&[chunk.clone(), chunk]);
    assert_eq!(reply.extra["citations"], json!(["a", "b"]));
    assert_eq!(
        reply.extra["x_classifier_usage"].as_array().unwrap().len(),
        1
    );
}

#[test]
fn several_answers_come_in_turns_and_stay_apart() {
    let piece =
        |index: u64, text: &str| json!({"choices": [{"index": index, "delta": {"content": text}}]});
    let chunks = [
        piece(1, "B"),
        piece(0, "A"),
        json!({"choices": [{"index": 0, "delta": {"content": "a"}}, {"index": 1, "delta": {"content": "b"}, "finish_reason": "length"}]}),
        piece(0, "!"),
    ];
    let reply = streamed(&chunks);
    let texts: Vec<_> = reply
        .choices
        .iter()
        .map(|choice| choice.message.text().into_owned())
        .collect();
    assert_eq!(texts, ["Aa!", "Bb"]);
    assert_eq!(reply.choices[1].finish_reason, Some(FinishReason::Length));
    let chunk: ChatChunk = serde_json::from_value(chunks[2].clone()).unwrap();
    let pieces: Vec<_> = chunk
        .choices
        .iter()
        .map(|choice| (choice.index, choice.text().into_owned()))
        .collect();
    assert_eq!(pieces, [(0, "a".to_owned()), (1, "b".to_owned())]);
    assert_eq!(chunk.text(), "a");
}

#[test]
fn a_drawing_that_does_not_come_says_why() {
    let reply = |message: Value, reason: &str| {
        plain(
            &json!({"choices": [{"index": 0, "message": message, "finish_reason": reason}], "usage": {"total_tokens": 9}}),
        )
    };
    let said = |text: &str| json!({"content": text});
    for (reply, reason, text) in [
        (
            reply(said("Foxes are shy."), "stop"),
            Absence::Prose,
            "Foxes are shy.",
        ),
        (
            reply(said("Foxes are"), "length"),
            Absence::CutOff,
            "Foxes are",
        ),
        (
            reply(said(""), "content_filter"),
            Absence::ContentFilter,
            "",
        ),
        (reply(said(""), "SAFETY"), Absence::ContentFilter, ""),
        (
            reply(said("Foxes are"), "abort"),
            Absence::CutOff,
            "Foxes are",
        ),
        (
            reply(json!({"content": null, "refusal": "No."}), "stop"),
            Absence::Refusal,
            "No.",
        ),
        (reply(said(""), "stop"), Absence::Empty, ""),
        (
            reply(
                json!({"tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]}),
                "tool_calls",
            ),
            Absence::ToolCalls,
            "",
        ),
    ] {
        let absence = reply.drawn().unwrap_err();
        assert_eq!((absence.reason, absence.text.as_str()), (reason, text));
        assert_eq!(absence.usage.as_ref().unwrap().total_tokens, Some(9));
        assert!(absence.to_string().ends_with(text), "{absence}");
    }
}

#[test]
fn what_is_not_modelled_passes_through_request_message_and_part() {
    let sound = json!({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}});
    let film =
        json!({"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}, "fps": "2"});
    let parts: Vec<Part> = serde_json::from_value(json!([sound, film])).unwrap();
    let mut message = Message::new(Role::User, parts);
    message
        .extra
        .insert("cache_control".to_owned(), json!({"type": "ephemeral"}));
    let mut request = ChatRequest::new("m").message(message);
    request.extra.insert("route".to_owned(), json!("fallback"));
    let image = Part::Image {
        image: Image::from_url("https://example.com/a.png").unwrap(),
        extra: serde_json::from_value(json!({"cache_control": 1})).unwrap(),
    };
    request = request.user(vec![image]);
    let body: Value = serde_json::from_str(&sent(&request)).unwrap();
    assert_eq!(
        body,
        json!({"model": "m", "route": "fallback", "messages": [
            {"role": "user", "content": [sound, film], "cache_control": {"type": "ephemeral"}},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}, "cache_control": 1}]}
        ]})
    );
}

#[test]
fn what_is_no_text_costs_no_chunk_wherever_it_stands() {
    let chunk = |name: &str| {
        [
            b"data: {\"choices\":[],\"",
            name.as_bytes(),
            b"\":\"a\xff\"}\n\ndata: [DONE]\n\n",
        ]
        .concat()
    };
    for name in ["id", "object", "system_fingerprint", "anything"] {
        let endpoint = ChatStream::new(&ChatRequest::new("m").user("x")).unwrap();
        let read = endpoint.read(http::Response::new(chunk(name).into()));
        assert!(read.is_ok(), "{name}: {read:?}");
    }
}
