//! What replies take of the heap, beside the length of their bodies. Alone in its file, as the
//! allocator counts for all threads of the process.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test says when it fails"
)]

use std::alloc::System;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use cap::Cap;
use mesh_proto::endpoint::{
    ChatStream, ImageStream, ListApiVersions, ListErrorCodes, ListModels, SearchModels,
};
use mesh_proto::images::ImageRequest;
use mesh_proto::{ChatRequest, Endpoint};

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

/// Held by the test that runs: the allocator counts for all of them.
static ALONE: Mutex<()> = Mutex::new(());

/// The most that was held at once while `work` ran, beyond what was held before.
fn peak<T>(work: impl FnOnce() -> T) -> usize {
    // The peak cannot be reset, only reached: what is reserved here is never touched.
    let padding: Vec<u8> = Vec::with_capacity(HEAP.max_allocated() - HEAP.allocated());
    let before = HEAP.max_allocated();
    let done = work();
    let peak = HEAP.max_allocated() - before;
    drop((done, padding));
    peak
}

/// What a body takes that consists of `item`s in a list, between `before` and `after`, in times its
/// length.
fn times<E: Endpoint>(endpoint: &E, [before, after]: [&str; 2], item: &str, length: usize) -> f64 {
    let items = vec![item; length / (item.len() + 1)].join(",");
    let body = Bytes::from([before, &items, after].concat());
    drop(items);
    let length = body.len();
    let response = http::Response::new(body);
    let peak = peak(|| endpoint.read(response).is_ok());
    #[allow(clippy::cast_precision_loss, reason = "a ratio")]
    let times = peak as f64 / length as f64;
    times
}

/// Short items; and one as long as the rows of short catalogues.
const ITEMS: &[&str] = &[
    "{}",
    "0",
    "{\"id\":\"a\"}",
    "{\"type\":\"text\",\"text\":\"a\"}",
    "{\"id\":\"abcdefghijklmnopqrstuvwxyz\",\"object\":\"model\",\"created\":1700000000,\"owned_by\":\"somebody who owns it and has a long name so that the row has the size of a short one\"}",
];

/// Where lists stand in a reply.
const REPLIES: &[[&str; 2]] = &[
    ["{\"choices\":[", "]}"],
    ["{\"choices\":[{\"message\":{\"tool_calls\":[", "]}}]}"],
    ["{\"choices\":[{\"message\":{\"content\":[", "]}}]}"],
    ["{\"data\":[", "]}"],
];

/// The lengths of the bodies.
const LENGTHS: [usize; 3] = [500_000, 1_400_000, 3 << 20];

#[test]
fn no_list_of_any_reply_takes_more_than_twelve_times_its_length() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let chat = ChatRequest::new("m").user("x");
    let chat_stream = ChatStream::new(&chat).unwrap();
    let image = ImageRequest::new("m", "a fox");
    let image_stream = ImageStream::new(&image).unwrap();
    let mut taken = Vec::new();
    for (item, length) in ITEMS
        .iter()
        .flat_map(|item| LENGTHS.map(|length| (item, length)))
    {
        for plain in REPLIES {
            let before = format!("data: {}", plain[0].replace("message", "delta"));
            let after = format!("{}\n\ndata: [DONE]\n\n", plain[1]);
            let streamed = times(&chat_stream, [&before, &after], item, length);
            taken.push((
                times(&chat, *plain, item, length),
                "chat",
                plain[0],
                item,
                length,
            ));
            taken.push((streamed, "chat stream", plain[0], item, length));
        }
        let [rows, errors] = [["{\"data\":[", "]}"], ["{\"errors\":[", "]}"]];
        let frame = ["data: {\"data\":[", "]}\n\ndata: [DONE]\n\n"];
        for (name, times) in [
            (
                "document for a chat stream",
                times(&chat_stream, rows, item, length),
            ),
            ("images", times(&image, rows, item, length)),
            ("image stream", times(&image_stream, frame, item, length)),
            ("models", times(&ListModels::new(), rows, item, length)),
            ("search", times(&SearchModels::new(), rows, item, length)),
            (
                "versions",
                times(&ListApiVersions::new(), rows, item, length),
            ),
            (
                "error codes",
                times(&ListErrorCodes::new(), errors, item, length),
            ),
        ] {
            taken.push((times, name, rows[0], item, length));
        }
    }
    for it in taken {
        assert!(it.0 <= 12.0, "{it:?}");
    }
}

/// One token of `logprobs` and its alternatives, 21 objects.
fn token() -> String {
    let one = |more: &str| {
        format!("{{\"token\":\" the\",\"logprob\":-0.0012,\"bytes\":[32,116,104,101]{more}}}")
    };
    let alternatives = vec![one(""); 20].join(",");
    one(&format!(",\"top_logprobs\":[{alternatives}]"))
}

#[test]
fn a_long_reply_with_logprobs_is_read_in_little_memory() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let tokens = vec![token(); 5_000].join(",");
    for message in [
        r#""message":{"role":"assistant","content":"a fox"}"#,
        // A reply that says nothing is looked at once more.
        r#""message":{"role":"assistant","content":null,"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]}"#,
    ] {
        let body = format!(
            "{{\"id\":\"a\",\"model\":\"m\",\"choices\":[{{{message},\"logprobs\":{{\"content\":[{tokens}],\"refusal\":null}},\"finish_reason\":\"stop\"}}]}}"
        );
        let body = Bytes::from(body);
        let length = body.len();
        let chat = ChatRequest::new("m").user("x");
        let stream = ChatStream::new(&chat).unwrap();
        let frame = Bytes::from([b"data: ", &*body, b"\n\ndata: [DONE]\n\n"].concat());
        let mut read = Vec::new();
        for taken in [
            peak(|| read.push(chat.read(http::Response::new(body.clone())))),
            peak(|| read.push(stream.read(http::Response::new(body.clone())))),
            peak(|| read.push(stream.read(http::Response::new(frame.clone())))),
        ] {
            assert!(taken <= 7 * length, "{taken} bytes for {length}");
        }
        for reply in read {
            let reply = reply.unwrap();
            let logprobs = reply.choices[0].logprobs.as_ref().unwrap();
            let written = serde_json::to_string(logprobs).unwrap();
            assert_eq!(
                written,
                format!("{{\"content\":[{tokens}],\"refusal\":null}}")
            );
        }
    }
}

#[test]
fn a_long_stream_with_logprobs_is_assembled_in_little_memory() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let token = token();
    let chunk = format!(
        "data: {{\"id\":\"a\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\" the\"}},\"logprobs\":{{\"content\":[{token}],\"refusal\":null}}}}]}}\n\n"
    );
    let body = Bytes::from([chunk.repeat(5_000).as_str(), "data: [DONE]\n\n"].concat());
    let length = body.len();
    let stream = ChatStream::new(&ChatRequest::new("m").user("x")).unwrap();
    let mut reply = None;
    let most = peak(|| reply = Some(stream.read(http::Response::new(body))));
    assert!(most <= 5 * length, "{most} bytes for {length}");
    let reply = reply.unwrap().unwrap();
    let logprobs = reply.choices[0].logprobs.as_ref().unwrap();
    let written = serde_json::to_string(logprobs).unwrap();
    let tokens = vec![token; 5_000].join(",");
    assert_eq!(
        written,
        format!("{{\"content\":[{tokens}],\"refusal\":null}}")
    );
}

#[test]
fn a_long_catalogue_of_short_rows_is_read() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for rest in [
        "",
        ",\"object\":\"model\",\"created\":1700000000,\"owned_by\":\"vendor\"",
    ] {
        let rows: Vec<_> = (0..50_000)
            .map(|at| format!("{{\"id\":\"vendor/model-{at}\"{rest}}}"))
            .collect();
        let body = Bytes::from(format!("{{\"data\":[{}]}}", rows.join(",")));
        let mut read = None;
        let taken = peak(|| read = Some(ListModels::new().read(http::Response::new(body))));
        assert!(taken <= 64 << 20, "{taken}");
        assert_eq!(read.unwrap().unwrap().models.len(), 50_000);
    }
}
