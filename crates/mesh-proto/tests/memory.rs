//! What replies take of the heap, beside the length of their bodies. Alone in its file, as the
//! allocator counts for all threads of the process.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test says when it fails"
)]

use std::alloc::System;

use bytes::Bytes;
use cap::Cap;
use mesh_proto::endpoint::{
    ChatStream, ImageStream, ListApiVersions, ListErrorCodes, ListModels, SearchModels,
};
use mesh_proto::images::ImageRequest;
use mesh_proto::{ChatRequest, Endpoint};

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

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
fn times<E: Endpoint>(endpoint: &E, [before, after]: [&str; 2], item: &str) -> f64 {
    const LENGTH: usize = 3 << 20;
    let items = vec![item; LENGTH / (item.len() + 1)].join(",");
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

#[test]
fn no_list_of_any_reply_takes_more_than_twelve_times_its_length() {
    let chat = ChatRequest::new("m").user("x");
    let chat_stream = ChatStream::new(&chat).unwrap();
    let image = ImageRequest::new("m", "a fox");
    let image_stream = ImageStream::new(&image).unwrap();
    let mut taken = Vec::new();
    for item in ITEMS {
        for plain in REPLIES {
            let before = format!("data: {}", plain[0].replace("message", "delta"));
            let after = format!("{}\n\ndata: [DONE]\n\n", plain[1]);
            let streamed = times(&chat_stream, [&before, &after], item);
            taken.push((times(&chat, *plain, item), "chat", plain[0], item));
            taken.push((streamed, "chat stream", plain[0], item));
        }
        let [rows, errors] = [["{\"data\":[", "]}"], ["{\"errors\":[", "]}"]];
        let frame = ["data: {\"data\":[", "]}\n\ndata: [DONE]\n\n"];
        for (name, times) in [
            (
                "document for a chat stream",
                times(&chat_stream, rows, item),
            ),
            ("images", times(&image, rows, item)),
            ("image stream", times(&image_stream, frame, item)),
            ("models", times(&ListModels::new(), rows, item)),
            ("search", times(&SearchModels::new(), rows, item)),
            ("versions", times(&ListApiVersions::new(), rows, item)),
            ("error codes", times(&ListErrorCodes::new(), errors, item)),
        ] {
            taken.push((times, name, rows[0], item));
        }
    }
    for it in taken {
        assert!(it.0 <= 12.0, "{it:?}");
    }
}
