//! A call with a picture, a refusal, a wait and a stream, in a module that imports nothing: no
//! socket, clock or randomness could be there. [`run`] is called by `.ci/wasm`.

use std::time::Duration;

use mesh_proto::endpoint::ChatStream;
use mesh_proto::image::Image;
use mesh_proto::{ApiKey, Call, ChatRequest, Moment, Settings, Step, Target};

const BUSY: &str = r#"{"error":{"code":"provider_not_available","message":"busy"}}"#;
const PIECES: [&str; 3] = [
    "data: {\"choices\":[{\"delta\":{\"content\":\"A very small\"}}]}\n\nda",
    "ta: {\"choices\":[{\"delta\":{\"content\":\" picture.\"},\"finish_reason\":\"stop\"}]}\n\n",
    "data: [DONE]\n\n",
];

/// 1 where the call came to the reply it should.
#[unsafe(no_mangle)]
pub extern "C" fn run() -> i32 {
    i32::from(call().is_some_and(|text| text == "A very small picture."))
}

/// The reply's text, where everything on the way to it was as it should be.
fn call() -> Option<String> {
    let photo = Image::from_bytes(&b"\x89PNG\r\n\x1a\n"[..]).ok()?;
    let request = ChatRequest::new("openai/gpt-4o").user(("What is in this image?", photo));
    let expected = serde_json::to_value(&request).ok()?;
    let target = Target::production(ApiKey::new("rsk_01J").ok()?);
    let stream = ChatStream::new(&request).ok()?;
    let mut call = Call::new(stream, &target, &Settings::default(), Moment::ORIGIN, 7).ok()?;

    let mut now = Moment::ORIGIN;
    let (mut told, mut pieces) = (String::new(), Vec::new());
    let reply = loop {
        match call.poll(now) {
            Step::Send(outgoing) => {
                let mut body = vec![0; usize::try_from(outgoing.request().body().len()).ok()?];
                outgoing.request().body().reader().read(&mut body);
                let sent: serde_json::Value = serde_json::from_slice(&body).ok()?;
                if sent.get("messages") != expected.get("messages") {
                    return None;
                }
                let is_first = outgoing.attempt() == 1;
                let mut response = http::Response::new(()).into_parts().0;
                if is_first {
                    response.status = http::StatusCode::SERVICE_UNAVAILABLE;
                    response.headers.insert("retry-after", "2".parse().ok()?);
                }
                pieces = if is_first {
                    vec![BUSY]
                } else {
                    PIECES.to_vec()
                };
                pieces.reverse();
                outgoing.head(response);
            }
            Step::Receive(incoming) => match pieces.pop() {
                Some(piece) => incoming.data(piece.as_bytes()),
                None => incoming.end(),
            },
            Step::Wait(until) => now = until,
            Step::Event(chunk) => told += &chunk.text(),
            Step::Done(result) => break result.ok()?,
        }
    };
    let waited = now.since_origin() >= Duration::from_secs(2);
    (waited && call.attempt() == 2 && reply.text() == told).then_some(told)
}
