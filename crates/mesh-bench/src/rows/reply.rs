//! A reply with a picture of 8 MiB, from the received body down to the picture's bytes.

use std::hint::black_box;

use async_openai::types::images::{Image, ImagesResponse};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use mesh_proto::ChatRequest;
use mesh_proto::images::ImageRequest;

use crate::clients::ours_read;
use crate::measure::{Sample, repeat};
use crate::python::{self, Work};
use crate::row::{Effort, Goal, Heap, Measure, Row, limit, ours, peer};
use crate::runner::Scale;
use crate::{Failure, inputs, plain};

const SIZE: usize = 8 << 20;

pub(super) fn rows() -> Vec<Row> {
    let shared = || {
        vec![
            Goal::times(
                "≤ 1.25 × parse and decode",
                "mesh",
                Measure::Cpu,
                1.25,
                "borrowed parse, decoding in place",
            ),
            Goal::at_most(
                "≤ 64 KiB beyond the body",
                "mesh",
                Measure::Heap,
                64.0 * 1024.0,
            ),
        ]
    };
    vec![
        Row {
            id: "reply",
            title: "An image reply with a picture of 8 MiB, down to its bytes, fresh",
            unit: "reply",
            heap: Heap::Fresh,
            effort: Effort::Usual,
            contestants: vec![
                ours("mesh", mesh),
                peer("async-openai", openai),
                peer("serde_json and base64", by_hand),
                peer("official Python SDK", official),
                limit("borrowed parse, decoding in place", in_place),
            ],
            goals: shared(),
        },
        Row {
            id: "chat-reply",
            title: "A chat reply with a picture of 8 MiB in `images`, down to its bytes, fresh",
            unit: "reply",
            heap: Heap::Fresh,
            effort: Effort::Usual,
            contestants: vec![
                ours("mesh", chat_mesh),
                peer("serde_json and base64", chat_by_hand),
                limit("borrowed parse, decoding in place", chat_in_place),
            ],
            goals: shared(),
        },
    ]
}

/// Every sample gets a body of its own, as if it had just been received.
fn received(
    scale: Scale,
    body: fn(usize) -> Vec<u8>,
    work: impl FnMut(Vec<u8>) -> Result<(), Failure>,
) -> Result<Sample, Failure> {
    let body = body(scale.bytes(SIZE));
    repeat(scale.times(9), || Ok(body.clone()), work)
}

fn mesh(scale: Scale) -> Result<Sample, Failure> {
    let request = ImageRequest::new("google/imagen-4", "a rocket");
    received(scale, inputs::image_reply, |body| {
        let images = ours_read(&request, Bytes::from(body))?.into_images();
        let image = images.into_iter().next().ok_or("no picture")?;
        black_box(image.into_bytes()?);
        Ok(())
    })
}

fn chat_mesh(scale: Scale) -> Result<Sample, Failure> {
    let request = ChatRequest::new("google/gemini-2.5-flash-image").user("a rocket");
    received(scale, inputs::chat_reply_with_picture, |body| {
        let images = ours_read(&request, Bytes::from(body))?.into_images();
        let image = images.into_iter().next().ok_or("no picture")?;
        black_box(image.into_bytes()?);
        Ok(())
    })
}

/// What its client does with a body: see `read_response` and `execute` in its `client.rs`.
fn openai(scale: Scale) -> Result<Sample, Failure> {
    received(scale, inputs::image_reply, |body| {
        let body = Bytes::from(body);
        let reply: ImagesResponse = serde_json::from_slice(&body)?;
        let image = reply.data.first().ok_or("no picture")?;
        let Image::B64Json { b64_json, .. } = &**image else {
            return Err("no base64".into());
        };
        black_box(STANDARD.decode(b64_json.as_bytes())?);
        Ok(())
    })
}

fn by_hand(scale: Scale) -> Result<Sample, Failure> {
    received(scale, inputs::image_reply, |body| {
        black_box(plain::Images::parse(&body)?.picture()?);
        Ok(())
    })
}

fn chat_by_hand(scale: Scale) -> Result<Sample, Failure> {
    received(scale, inputs::chat_reply_with_picture, |body| {
        black_box(plain::Reply::parse(&body)?.picture()?);
        Ok(())
    })
}

fn official(scale: Scale) -> Result<Sample, Failure> {
    python::sample(&Work {
        name: "decode",
        times: scale.times(9),
        size: scale.bytes(SIZE),
        count: 1,
        url: "",
    })
}

fn in_place(scale: Scale) -> Result<Sample, Failure> {
    received(scale, inputs::image_reply, |mut body| {
        black_box(plain::decode_in_place(&mut body)?);
        Ok(())
    })
}

fn chat_in_place(scale: Scale) -> Result<Sample, Failure> {
    received(scale, inputs::chat_reply_with_picture, |mut body| {
        black_box(plain::decode_chat_in_place(&mut body)?);
        Ok(())
    })
}
