//! How streamed replies are assembled: messages in place of deltas, reasoning in pieces, usage
//! wherever it is, and the limit of what is kept.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says when it fails"
)]

use bytes::Bytes;
use mesh_proto::call::{Fault, FaultKind, Limits};
use mesh_proto::chat::{ChatChunk, ChatReply};
use mesh_proto::endpoint::{ChatStream, Decode, Decoded, ImageStream};
use mesh_proto::error::DecodeError;
use mesh_proto::images::{ImageReply, ImageRequest};
use mesh_proto::{ApiKey, Call, ChatRequest, Endpoint, Head, Moment, Settings, Step, Target};
use serde_json::{Value, json};

fn chat() -> ChatStream {
    ChatStream::new(&ChatRequest::new("m").user("x")).unwrap()
}

fn frames(chunks: &[Value]) -> String {
    let chunks: Vec<_> = chunks
        .iter()
        .map(|chunk| format!("data: {chunk}\n\n"))
        .collect();
    chunks.concat()
}

/// The reply of a stream, and the text of its events put together.
fn streamed(chunks: &[Value]) -> (ChatReply, String) {
    let head = Head::from(&http::Response::new(()).into_parts().0);
    let mut decoder = chat().decoder(&head, &Limits::default()).unwrap();
    let body = format!("{}data: [DONE]\n\n", frames(chunks));
    decoder.push(body.into()).unwrap();
    decoder.end();
    let mut text = String::new();
    while let Decoded::Event(chunk) = decoder.next().unwrap() {
        text.push_str(&chunk.text());
        let stored = serde_json::to_string(&chunk).unwrap();
        assert_eq!(serde_json::from_str::<ChatChunk>(&stored).unwrap(), chunk);
    }
    let reply = decoder.finish().unwrap();
    let stored = serde_json::to_string(&reply).unwrap();
    assert_eq!(serde_json::from_str::<ChatReply>(&stored).unwrap(), reply);
    (reply, text)
}

fn plain(reply: &Value) -> ChatReply {
    let response = http::Response::new(Bytes::from(reply.to_string()));
    let request = ChatRequest::new("m").user("x");
    request.read(response).unwrap().into_value()
}

fn choice(fields: &Value) -> Value {
    json!({"id": "c1", "model": "m", "choices": [fields]})
}

#[test]
fn a_message_or_a_text_in_place_of_a_delta_is_what_is_new() {
    let message = |text: &str| json!({"message": {"role": "assistant", "content": text}});
    let text = |text: &str| json!({"text": text});
    let delta = |text: &str| json!({"delta": {"content": text}});
    let blank = |text: &str| json!({"delta": {"role": "assistant", "content": null}, "message": {"content": text}});
    let two = ["Two boats ", "in a harbour."];
    let said = "Two boats in a harbour.";
    for choices in [
        two.map(message).to_vec(),
        two.map(text).to_vec(),
        two.map(blank).to_vec(),
        two.map(|it| json!({"delta": null, "message": it})).to_vec(),
        // The whole so far each time.
        vec![message("Two"), message("Two boats "), message(said)],
        vec![text("Two"), text("Two boats "), text(said), text(said)],
        vec![message(two[0]), message(two[1]), message(said)],
        vec![message(said), message(said)],
        // The whole at the end, as it was sent in deltas.
        vec![delta(two[0]), delta(two[1]), message(said)],
        vec![delta(two[0]), delta(two[1]), text(said)],
        vec![delta(two[0]), delta(two[1]), blank(said)],
        vec![delta(two[0]), message(said)],
        vec![delta(said), message("Two boats in a harbour")],
        vec![
            delta(said),
            json!({"delta": {}, "message": {"content": [{"type": "text", "text": said}]}}),
        ],
        // The whole so far beside each delta.
        vec![
            json!({"delta": {"content": two[0]}, "message": {"content": two[0]}}),
            json!({"delta": {"content": two[1]}, "message": {"content": said}}),
        ],
        vec![
            json!({"delta": {"role": "assistant", "content": ""}}),
            message(two[0]),
            message(two[1]),
        ],
    ] {
        let chunks: Vec<_> = choices.iter().map(choice).collect();
        let (reply, events) = streamed(&chunks);
        assert_eq!(
            (reply.text().as_ref(), events.as_str()),
            (said, said),
            "{choices:?}"
        );
    }
    // Short pieces that are alike are pieces.
    let (reply, _) = streamed(&["1", "1", "5"].map(|it| choice(&message(it))));
    assert_eq!(reply.text(), "115");
    let (reply, _) = streamed(
        &["4", "2", "42"].map(|it| choice(&if it == "42" { message(it) } else { delta(it) })),
    );
    assert_eq!(reply.text(), "42");
}

#[test]
fn a_whole_message_at_the_end_adds_only_what_is_new() {
    let call =
        json!({"id": "a", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}});
    let whole = json!({
        "role": "assistant", "content": "Here.", "reasoning_content": "Hm.", "tool_calls": [call],
        "images": [{"image_url": {"url": "https://x.test/a.png"}}], "annotations": [1],
        "reasoning_details": [{"type": "reasoning.text", "index": 0, "text": "Hm.", "signature": "S"}]
    });
    let chunks = [
        choice(
            &json!({"delta": {"role": "assistant", "reasoning_content": "H",
            "reasoning_details": [{"type": "reasoning.text", "index": 0, "text": "Hm."}]}}),
        ),
        choice(
            &json!({"delta": {"reasoning_content": "m.", "reasoning_details": [{"type": "reasoning.text", "index": 0, "signature": "S"}]}}),
        ),
        choice(&json!({"delta": {"content": "Here.", "images": whole["images"]}})),
        choice(
            &json!({"delta": {"tool_calls": [{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{\"x\""}}]}}),
        ),
        choice(&json!({"delta": {"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]}})),
        choice(&json!({"message": whole, "finish_reason": "tool_calls"})),
    ];
    let (reply, _) = streamed(&chunks);
    let expected = plain(&choice(
        &json!({"index": 0, "message": whole, "finish_reason": "tool_calls"}),
    ));
    assert_eq!(reply, expected);
    // Once more, and alone.
    let twice = [chunks.as_slice(), &chunks[5..]].concat();
    assert_eq!(streamed(&twice).0, expected);
    assert_eq!(streamed(&chunks[5..]).0, expected);
}

#[test]
fn a_plain_reply_may_have_a_delta_or_a_text() {
    for fields in [
        json!({"text": "Two boats."}),
        json!({"delta": {"role": "assistant", "content": "Two boats."}}),
        json!({"message": {"role": "assistant", "content": null}, "text": "Two boats."}),
        json!({"message": null, "delta": {"content": [{"type": "text", "text": "Two boats."}]}}),
    ] {
        assert_eq!(plain(&choice(&fields)).text(), "Two boats.", "{fields}");
    }
    let both = plain(&choice(&json!({"message": {"content": "a"}, "text": "b"})));
    assert_eq!(
        (both.text().as_ref(), &both.choices[0].extra["text"]),
        ("a", &json!("b"))
    );
}

#[test]
fn signed_reasoning_in_pieces_is_sent_back_as_a_plain_reply_has_it() {
    let call =
        json!([{"id": "a", "type": "function", "function": {"name": "log", "arguments": "{}"}}]);
    let thought = ["The meter ", "reads 42."];
    let openrouter = |text: &str| json!({"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0, "text": text});
    let signed = json!({"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0, "signature": "SIG"});
    let litellm = |text: &str, signature: &str| json!({"type": "thinking", "thinking": text, "signature": signature});
    let mistral =
        |text: &str| json!([{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]);
    let anthropic = |text: &str, signature: Value| json!([{"type": "thinking", "thinking": text, "signature": signature}]);
    let mut whole = openrouter("The meter reads 42.");
    whole["signature"] = json!("SIG");
    for (pieces, plain_message) in [
        (
            vec![
                json!({"reasoning_details": [openrouter(thought[0])]}),
                json!({"reasoning_details": [openrouter(thought[1])]}),
                json!({"reasoning_details": [signed]}),
                json!({"reasoning_details": [{"type": "reasoning.encrypted", "index": 0, "data": "x"}]}),
            ],
            json!({"content": null, "reasoning_details": [whole, {"type": "reasoning.encrypted", "index": 0, "data": "x"}]}),
        ),
        (
            vec![
                json!({"thinking_blocks": [litellm(thought[0], "")]}),
                json!({"thinking_blocks": [litellm(thought[1], "")]}),
                json!({"thinking_blocks": [litellm("", "SIG")]}),
                json!({"thinking_blocks": [{"type": "redacted_thinking", "data": "x"}]}),
            ],
            json!({"content": null, "thinking_blocks": [litellm("The meter reads 42.", "SIG"), {"type": "redacted_thinking", "data": "x"}]}),
        ),
        (
            vec![
                json!({"content": mistral(thought[0])}),
                json!({"content": mistral(thought[1])}),
                json!({"content": [{"type": "text", "text": "Logged."}]}),
            ],
            json!({"content": [mistral("The meter reads 42.")[0], {"type": "text", "text": "Logged."}]}),
        ),
        (
            vec![
                json!({"content": anthropic(thought[0], Value::Null)}),
                json!({"content": anthropic(thought[1], Value::Null)}),
                json!({"content": anthropic("", json!("SIG"))}),
                json!({"content": anthropic("More.", json!("SIG2"))}),
                json!({"content": "Logged."}),
            ],
            json!({"content": [anthropic("The meter reads 42.", json!("SIG"))[0], anthropic("More.", json!("SIG2"))[0],
                {"type": "text", "text": "Logged."}]}),
        ),
    ] {
        let mut plain_message = plain_message;
        plain_message["role"] = json!("assistant");
        plain_message["tool_calls"] = call.clone();
        let first = json!({"role": "assistant"});
        let mut last = json!({"tool_calls": call});
        last["tool_calls"][0]["index"] = json!(0);
        let deltas = [&first].into_iter().chain(&pieces).chain([&last]);
        let chunks: Vec<_> = deltas
            .map(|delta| choice(&json!({"index": 0, "delta": delta})))
            .collect();
        let (reply, _) = streamed(&chunks);
        let sent = serde_json::to_value(reply.into_message().unwrap()).unwrap();
        assert_eq!(sent, plain_message);
        let whole = plain(&choice(&json!({"message": plain_message})));
        assert_eq!(
            sent,
            serde_json::to_value(whole.into_message().unwrap()).unwrap()
        );
    }
}

#[test]
fn usage_is_read_where_it_is() {
    let usage = json!({"prompt_tokens": 900, "completion_tokens": 3, "total_tokens": 903});
    let total = |reply: &ChatReply| reply.usage.as_ref().and_then(|usage| usage.total_tokens);
    let said = choice(&json!({"delta": {"content": "A boat."}}));
    for fields in [
        json!({"choices": [{"delta": {}, "finish_reason": "stop", "usage": usage}]}),
        json!({"choices": [{"delta": {"usage": usage}, "finish_reason": "stop"}]}),
        json!({"choices": [], "x_groq": {"id": "r", "usage": usage}}),
        json!({"choices": [{"delta": {}, "usage": {"total_tokens": 1}}], "usage": usage}),
    ] {
        let (reply, _) = streamed(&[said.clone(), fields.clone()]);
        assert_eq!(total(&reply), Some(903), "{fields}");
        // What stands at the top counts, whatever follows.
        let later = choice(&json!({"delta": {}, "usage": {"total_tokens": 1}}));
        let (reply, _) = streamed(&[json!({"choices": [], "usage": usage}), said.clone(), later]);
        assert_eq!(total(&reply), Some(903));
    }
    let mut reply = choice(&json!({"message": {"content": "A boat."}, "usage": usage}));
    assert_eq!(total(&plain(&reply)), Some(903));
    reply["usage"] = json!({"total_tokens": 904});
    assert_eq!(total(&plain(&reply)), Some(904));
    reply["usage"] = Value::Null;
    reply["choices"][0]["usage"] = json!("many");
    assert_eq!(total(&plain(&reply)), None);
}

const PNG: &str = "iVBORw0KGgo=";

fn seedream(index: u64) -> Value {
    json!({"type": "image_generation.partial_succeeded", "image_index": index, "b64_json": PNG, "size": "1x1"})
}

fn completed() -> Value {
    json!({"type": "image_generation.completed", "usage": {"generated_images": 1, "total_tokens": 16224}})
}

/// How an image stream ends: with its end, or with a broken connection.
enum End {
    Body,
    Fault,
    Idle,
}

fn drawn(n: u32, body: &str, end: &End) -> Result<ImageReply, String> {
    let mut request = ImageRequest::new("m", "a fox");
    request.n = Some(n);
    let target = Target::production(ApiKey::new("rsk_1").unwrap());
    let mut now = Moment::ORIGIN;
    let settings = Settings::default();
    let endpoint = ImageStream::new(&request).unwrap();
    let mut call = Call::new(endpoint, &target, &settings, now, 1).unwrap();
    let mut pieces = body.as_bytes().chunks(7);
    loop {
        match call.poll(now) {
            Step::Send(outgoing) => outgoing.head(http::Response::new(()).into_parts().0),
            Step::Receive(incoming) => match (pieces.next(), end) {
                (Some(piece), _) => incoming.data(piece),
                (None, End::Body) => incoming.end(),
                (None, End::Fault) => incoming.fault(Fault::new(FaultKind::Lost)),
                (None, End::Idle) => now = now.plus(settings.deadlines.idle),
            },
            Step::Wait(until) => panic!("a wait until {until:?}"),
            Step::Event(_) => {}
            Step::Done(Ok(answer)) => return Ok(answer.into_value()),
            Step::Done(Err(error)) => return Err(error.to_string()),
        }
    }
}

#[test]
fn the_usage_of_an_image_stream_is_read_behind_the_last_image() {
    let total = |reply: ImageReply| reply.usage.and_then(|usage| usage.total_tokens);
    let failed = json!({"type": "image_generation.partial_failed", "image_index": 1, "error": {"message": "m"}});
    for (n, chunks) in [
        (1, vec![seedream(0), completed()]),
        (2, vec![seedream(0), seedream(1), completed()]),
        (2, vec![seedream(0), failed, completed()]),
    ] {
        let body = frames(&chunks);
        for end in ["data: [DONE]\n\n", ""] {
            let reply = drawn(n, &format!("{body}{end}"), &End::Body).unwrap();
            assert_eq!(total(reply), Some(16224), "{body}");
        }
        // Every image is there: nothing that follows, or fails to, undoes that.
        let body = frames(&chunks[..chunks.len() - 1]);
        for rest in [
            "",
            "data: gar",
            "data: [DONE]\n\n",
            "data: {\"error\":\"late\"}\n\n",
        ] {
            for end in [End::Body, End::Fault, End::Idle] {
                let reply = drawn(n, &format!("{body}{rest}"), &end).unwrap();
                assert!(!reply.images().is_empty());
            }
        }
    }
    // One of two.
    let one = frames(&[seedream(0)]);
    for end in [End::Body, End::Fault, End::Idle] {
        drawn(2, &one, &end).unwrap_err();
    }
}

/// Reads the chunks that `chunk` makes of their number, until the limit of the reply is reached or
/// `most` of them were read, and returns the error, what there is of the reply, and the number read.
fn endless<E: Endpoint>(
    endpoint: &E,
    most: usize,
    chunk: impl Fn(usize) -> Value,
) -> (Option<DecodeError>, Option<E::Output>, usize) {
    let head = Head::from(&http::Response::new(()).into_parts().0);
    let mut limits = Limits::default();
    limits.reply = LIMIT;
    let mut decoder = endpoint.decoder(&head, &limits).unwrap();
    let mut read = 0;
    let error = loop {
        if read == most {
            break None;
        }
        decoder.push(frames(&[chunk(read)]).into()).unwrap();
        read += 1;
        match decoder.next() {
            Ok(Decoded::Event(_)) => {}
            Ok(_) => panic!("a frame that is no event"),
            Err(error) => break Some(error),
        }
    };
    (error, decoder.partial(), read)
}

const LIMIT: usize = 100_000;

/// What a stream consists of, and how it is made of its number.
type Endless = (&'static str, fn(usize) -> Value);

/// Deltas, made of their number, of streams that never end.
const DELTAS: &[Endless] = &[
    ("text", |_| json!({"content": HUNDRED})),
    ("reasoning", |_| json!({"reasoning_content": HUNDRED})),
    ("refusal", |_| json!({"refusal": HUNDRED})),
    ("parts", |at| json!({"content": [{"type": "x", "a": at}]})),
    (
        "thinking",
        |_| json!({"content": [{"type": "thinking", "thinking": HUNDRED}]}),
    ),
    (
        "blocks",
        |at| json!({"reasoning_details": [{"type": "reasoning.text", "index": at, "text": "a"}]}),
    ),
    (
        "block",
        |_| json!({"thinking_blocks": [{"type": "thinking", "thinking": HUNDRED}]}),
    ),
    (
        "arguments",
        |_| json!({"tool_calls": [{"index": 0, "function": {"arguments": HUNDRED}}]}),
    ),
    ("calls", |at| json!({"tool_calls": [{"index": at}]})),
    ("ids", |at| json!({"tool_calls": [{"id": at.to_string()}]})),
    (
        "call fields",
        |at| json!({"tool_calls": [{"index": 0, at.to_string(): 1}]}),
    ),
    (
        "images",
        |at| json!({"images": [{"image_url": {"url": format!("https://x.test/{at}")}}]}),
    ),
    (
        "image in pieces",
        |_| json!({"images": [{"b64_json": "AAAAAAAA"}]}),
    ),
    (
        "image beside",
        |at| json!({"image": {"url": format!("https://x.test/{at}")}}),
    ),
    ("lists", |_| json!({"annotations": [[]]})),
    ("objects", |at| json!({"audio": {at.to_string(): 1}})),
    ("fields", |at| json!({at.to_string(): 1})),
];

/// Whole chunks of the same kind.
const CHUNKS: &[Endless] = &[
    (
        "logprobs",
        |_| json!({"choices": [{"index": 0, "delta": {}, "logprobs": {"content": [{"token": "a"}]}}]}),
    ),
    (
        "choices",
        |at| json!({"choices": [{"index": at, "delta": {}}]}),
    ),
    ("top", |at| json!({"choices": [], at.to_string(): 1})),
    (
        "data",
        |_| json!({"choices": [], "data": [{"url": "https://x.test/a"}]}),
    ),
    (
        "messages",
        |at| json!({"choices": [{"message": {"content": format!("{at} {HUNDRED}")}}]}),
    ),
];

const HUNDRED: &str = concat!(
    "aaaa aaaa aaaa aaaa aaaa aaaa aaaa aaaa aaaa aaaa ",
    "aaaa aaaa aaaa aaaa aaaa aaaa aaaa aaaa aaaa aaaa "
);

#[test]
fn a_chat_stream_that_never_ends_meets_the_limit_of_the_reply_and_keeps_what_there_is() {
    let in_delta = |delta: &Value| json!({"choices": [{"index": 0, "delta": delta}]});
    let deltas = DELTAS
        .iter()
        .map(|(name, delta)| (*name, endless(&chat(), LIMIT, |at| in_delta(&delta(at)))));
    let chunks = CHUNKS
        .iter()
        .map(|(name, chunk)| (*name, endless(&chat(), LIMIT, chunk)));
    for (name, (error, partial, read)) in deltas.chain(chunks) {
        let expected = DecodeError::TooLarge {
            what: "reply",
            limit: LIMIT,
        };
        assert_eq!(error, Some(expected), "{name}");
        let size = serde_json::to_string(&partial.unwrap()).unwrap().len();
        assert!(
            size > LIMIT / 60 && read > 40,
            "{name}: {size} after {read}"
        );
        assert!(size < LIMIT * 2, "{name}: {size} after {read}");
    }
}

#[test]
fn what_is_replaced_in_a_stream_counts_once() {
    for chunk in [
        json!({"choices": [], "usage": {"total_tokens": 1, "x": "aaaa"}}),
        json!({"id": "a", "model": "m", "created": 1, "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}),
        json!({"choices": [], "x_groq": {"id": "aaaa"}, "citations": ["a", "b"]}),
    ] {
        let (error, partial, _) = endless(&chat(), 20_000, |_| chunk.clone());
        assert_eq!(error, None, "{chunk}");
        assert!(partial.is_some());
    }
    let pad =
        |at: usize| json!({"choices": [], "obfuscation": "a".repeat(at % 50), "x": {"n": at}});
    assert_eq!(endless(&chat(), 20_000, pad).0, None);
    let state = |at: usize| json!({"status": "partial", "partial_image_index": at, "data": [{"b64_json": PNG.repeat(100)}]});
    let request = ImageRequest::new("m", "a fox");
    let (error, partial, _) = endless(&ImageStream::new(&request).unwrap(), 20_000, state);
    assert_eq!(error, None);
    assert_eq!(partial.unwrap().images().len(), 1);
}

#[test]
fn an_image_stream_that_never_ends_meets_the_limit_of_the_reply_and_keeps_what_there_is() {
    let mut series = ImageRequest::new("m", "a fox");
    series.sequential_image_generation = Some("auto".into());
    let series = ImageStream::new(&series).unwrap();
    let one = ImageStream::new(&ImageRequest::new("m", "a fox")).unwrap();
    let image = |_: usize| json!({"data": [{"b64_json": PNG.repeat(20)}]});
    let failed =
        |_: usize| json!({"type": "image_generation.partial_failed", "error": {"message": "m"}});
    let fields = |at: usize| json!({"data": [], at.to_string(): "a"});
    for (name, (error, partial, read)) in [
        ("images", endless(&series, LIMIT, image)),
        ("failures", endless(&series, LIMIT, failed)),
        ("fields", endless(&one, LIMIT, fields)),
    ] {
        let expected = DecodeError::TooLarge {
            what: "reply",
            limit: LIMIT,
        };
        assert_eq!(error, Some(expected), "{name}");
        let size = serde_json::to_string(&partial.unwrap()).unwrap().len();
        assert!(
            size > LIMIT / 60 && read > 40 && size < LIMIT * 2,
            "{name}: {size} after {read}"
        );
    }
}

#[test]
fn many_calls_and_choices_take_time_in_proportion() {
    // Quadratic assembly of as many takes far longer.
    const MANY: u64 = 50_000;
    let read = |chunk: fn(u64) -> Value| {
        let head = Head::from(&http::Response::new(()).into_parts().0);
        let mut decoder = chat().decoder(&head, &Limits::default()).unwrap();
        for number in 0..MANY {
            decoder.push(frames(&[chunk(number)]).into()).unwrap();
            assert!(matches!(decoder.next(), Ok(Decoded::Event(_))));
        }
        decoder.partial().unwrap()
    };
    let indexed = read(|number| {
        let call = json!({"index": number, "id": number.to_string(), "function": {"name": "f"}});
        json!({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]})
    });
    assert_eq!(indexed.tool_calls().len(), 50_000);
    let named = read(|number| {
        let call = json!({"id": number.to_string(), "function": {"arguments": "{}"}});
        json!({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]})
    });
    assert_eq!(named.tool_calls().len(), 50_000);
    let backwards =
        read(|number| json!({"choices": [{"index": MANY - number, "delta": {"content": "a"}}]}));
    assert_eq!(backwards.choices.len(), 50_000);
}
