//! What scripted gateways answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::{ImageFormat, RgbImage};
use mesh_conformance::{Act, Exchange, ScriptedServer, stream_head};
use serde_json::{Value, json};

/// A server that gives every request one answer.
pub(crate) fn server(exchange: Exchange) -> ScriptedServer {
    ScriptedServer::start([exchange])
}

/// A document as a success.
pub(crate) fn document(body: &Value) -> Exchange {
    Exchange::response(200, "content-type: application/json\r\n", &body.to_string())
}

/// An error in the standard envelope.
pub(crate) fn error(status: u16, code: &str, message: &str) -> Exchange {
    let body = json!({"error": {"code": code, "message": message}, "request_id": "req_7"});
    // A hint beyond what is waited for: the command fails at once.
    Exchange::response(
        status,
        "content-type: application/json\r\nretry-after: 61\r\n",
        &body.to_string(),
    )
}

/// A piece of a stream.
pub(crate) fn chunk(text: impl Into<String>) -> Act {
    Act::Data(text.into().into())
}

/// One event of a stream.
pub(crate) fn event(body: &Value) -> Act {
    chunk(format!("data: {body}\n\n"))
}

/// A piece of a streamed text.
pub(crate) fn piece(text: &str) -> Act {
    event(&json!({"choices": [{"index": 0, "delta": {"content": text}}]}))
}

/// The last choice of a stream, with the reason for its end.
pub(crate) fn finish(reason: &str) -> Act {
    event(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}))
}

/// The end of a stream.
pub(crate) fn done() -> Act {
    chunk("data: [DONE]\n\n")
}

/// The end of the chunked coding: the response is whole, whatever is missing in it.
pub(crate) fn end_of_body() -> Act {
    Act::End
}

/// A stream, from its head on.
pub(crate) fn stream(acts: impl IntoIterator<Item = Act>) -> Exchange {
    Exchange::new([stream_head()].into_iter().chain(acts))
}

/// A stream that says `text` and ends as it should.
pub(crate) fn saying(text: &str) -> Exchange {
    stream([piece(text), finish("stop"), done(), end_of_body()])
}

/// A plain reply whose message is `message`.
pub(crate) fn reply(message: &Value, reason: &str) -> Exchange {
    document(&json!({"choices": [{"index": 0, "message": message, "finish_reason": reason}]}))
}

/// A reply with pictures by these URLs.
pub(crate) fn pictures(urls: &[&str]) -> Exchange {
    let images: Vec<Value> = urls
        .iter()
        .map(|url| json!({"type": "image_url", "image_url": {"url": url}}))
        .collect();
    reply(
        &json!({"role": "assistant", "content": "", "images": images}),
        "stop",
    )
}

/// A row of the catalogue, which says nothing of endpoints.
pub(crate) fn silent_row() -> Exchange {
    document(&json!({"id": "openai/gpt-image-1"}))
}

/// A small picture's file.
pub(crate) fn png() -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    RgbImage::from_pixel(4, 3, image::Rgb([200, 30, 30]))
        .write_to(&mut file, ImageFormat::Png)
        .unwrap();
    file.into_inner()
}

/// A file as a data URL.
pub(crate) fn data_url(file: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(file))
}
