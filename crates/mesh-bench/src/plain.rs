//! The same work done by hand: plain serde_json and base64, into structs of the same fields as ours
//! and nothing else. Written as one writes it at first, whole and without tricks, except where a
//! function is a limit.

use std::borrow::Cow;
use std::hint::black_box;

use base64::Engine as _;
use base64::engine::Simd;
use base64::engine::general_purpose::{PAD, STANDARD};
use serde::{Deserialize, Serialize};

use crate::Failure;

/// A chat request with pictures.
#[derive(Serialize)]
pub(crate) struct Request<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'a str,
    content: Content<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(&'a str),
    Parts(Vec<Part<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageUrl },
}

#[derive(Serialize)]
struct ImageUrl {
    url: String,
}

impl<'a> Request<'a> {
    /// A question about pictures.
    pub(crate) fn about<B: AsRef<[u8]>>(text: &'a str, pictures: &[B]) -> Self {
        let mut content = vec![Part::Text { text }];
        content.extend(pictures.iter().map(|picture| Part::ImageUrl {
            image_url: ImageUrl {
                url: data_url(picture.as_ref()),
            },
        }));
        Self {
            model: "openai/gpt-4o",
            messages: vec![Message {
                role: "user",
                content: Content::Parts(content),
            }],
            stream: false,
        }
    }

    /// A question alone.
    pub(crate) fn asking(text: &'a str) -> Self {
        Self {
            model: "openai/gpt-4o-mini",
            messages: vec![Message {
                role: "user",
                content: Content::Text(text),
            }],
            stream: false,
        }
    }

    pub(crate) fn streamed(self) -> Self {
        Self {
            stream: true,
            ..self
        }
    }

    pub(crate) fn json(&self) -> Result<Vec<u8>, Failure> {
        Ok(serde_json::to_vec(self)?)
    }
}

/// A picture as a data URL.
pub(crate) fn data_url(picture: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(picture))
}

/// Base64 by the SIMD engine alone, in pieces that stay in the cache: the limit of encoding.
pub(crate) fn encode_alone(picture: &[u8]) {
    let engine = Simd::standard(PAD);
    let mut out = vec![0; 64 << 10];
    for piece in picture.chunks(48 << 10) {
        black_box(engine.encode_slice(piece, &mut out).unwrap_or(0));
    }
}

/// A chat reply.
#[derive(Deserialize)]
#[allow(dead_code, reason = "parsing is the work")]
pub(crate) struct Reply {
    id: Option<String>,
    created: Option<u64>,
    model: Option<String>,
    choices: Vec<Choice>,
    usage: Option<Usage>,
    system_fingerprint: Option<String>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "parsing is the work")]
struct Choice {
    index: u64,
    message: ReplyMessage,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "parsing is the work")]
struct ReplyMessage {
    role: Option<String>,
    content: Option<String>,
    #[serde(default)]
    images: Vec<Picture>,
}

#[derive(Deserialize)]
struct Picture {
    image_url: PictureUrl,
}

#[derive(Deserialize)]
struct PictureUrl {
    url: String,
}

#[derive(Deserialize)]
#[allow(dead_code, clippy::struct_field_names, reason = "parsing is the work")]
pub(crate) struct Usage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    total_tokens: Option<u64>,
}

impl Reply {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Failure> {
        Ok(serde_json::from_slice(body)?)
    }

    /// The bytes of its picture.
    pub(crate) fn picture(&self) -> Result<Vec<u8>, Failure> {
        let choice = self.choices.first().ok_or("no choice")?;
        let picture = choice.message.images.first().ok_or("no picture")?;
        let (_, text) = picture.image_url.url.split_once(',').ok_or("no data")?;
        Ok(STANDARD.decode(text)?)
    }
}

/// A chunk of a streamed chat.
#[derive(Deserialize)]
#[allow(dead_code, reason = "parsing is the work")]
pub(crate) struct Chunk {
    id: Option<String>,
    created: Option<u64>,
    model: Option<String>,
    choices: Vec<ChunkChoice>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "parsing is the work")]
struct ChunkChoice {
    index: u64,
    delta: Delta,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "parsing is the work")]
struct Delta {
    role: Option<String>,
    content: Option<String>,
}

/// A text that is borrowed unless an escape stands in it; within an `Option` serde borrows nothing.
#[derive(Deserialize)]
#[serde(transparent)]
#[allow(dead_code, reason = "parsing is the work")]
struct Text<'f>(#[serde(borrow)] Cow<'f, str>);

/// The same, borrowed from the frame.
#[derive(Deserialize)]
#[allow(dead_code, reason = "parsing is the work")]
pub(crate) struct BorrowedChunk<'f> {
    #[serde(borrow)]
    id: Option<Text<'f>>,
    created: Option<u64>,
    #[serde(borrow)]
    model: Option<Text<'f>>,
    #[serde(borrow)]
    choices: Vec<BorrowedChoice<'f>>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "parsing is the work")]
struct BorrowedChoice<'f> {
    index: u64,
    #[serde(borrow)]
    delta: BorrowedDelta<'f>,
    #[serde(borrow)]
    finish_reason: Option<Text<'f>>,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "parsing is the work")]
struct BorrowedDelta<'f> {
    #[serde(borrow)]
    role: Option<Text<'f>>,
    #[serde(borrow)]
    content: Option<Text<'f>>,
}

/// The final event of an image stream.
#[derive(Deserialize)]
#[allow(dead_code, reason = "parsing is the work")]
pub(crate) struct PictureEvent {
    r#type: Option<String>,
    b64_json: String,
}

/// The same, borrowed from the frame.
#[derive(Deserialize)]
#[allow(dead_code, reason = "parsing is the work")]
pub(crate) struct BorrowedPictureEvent<'f> {
    r#type: Option<&'f str>,
    b64_json: &'f str,
}

/// A reply of the images endpoint.
#[derive(Deserialize)]
#[allow(dead_code, reason = "parsing is the work")]
pub(crate) struct Images {
    created: Option<u64>,
    data: Vec<Drawn>,
    size: Option<String>,
    quality: Option<String>,
    output_format: Option<String>,
}

#[derive(Deserialize)]
struct Drawn {
    b64_json: String,
}

impl Images {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Failure> {
        Ok(serde_json::from_slice(body)?)
    }

    /// The bytes of the first picture.
    pub(crate) fn picture(&self) -> Result<Vec<u8>, Failure> {
        let drawn = self.data.first().ok_or("no picture")?;
        Ok(STANDARD.decode(&drawn.b64_json)?)
    }
}

#[derive(Deserialize)]
struct BorrowedImages<'b> {
    #[serde(borrow)]
    data: Vec<BorrowedDrawn<'b>>,
}

#[derive(Deserialize)]
struct BorrowedDrawn<'b> {
    b64_json: &'b str,
}

#[derive(Deserialize)]
struct BorrowedReply<'b> {
    #[serde(borrow)]
    choices: Vec<BorrowedReplyChoice<'b>>,
}

#[derive(Deserialize)]
struct BorrowedReplyChoice<'b> {
    #[serde(borrow)]
    message: BorrowedReplyMessage<'b>,
}

#[derive(Deserialize)]
struct BorrowedReplyMessage<'b> {
    #[serde(borrow)]
    images: Vec<BorrowedPicture<'b>>,
}

#[derive(Deserialize)]
struct BorrowedPicture<'b> {
    #[serde(borrow)]
    image_url: BorrowedPictureUrl<'b>,
}

#[derive(Deserialize)]
struct BorrowedPictureUrl<'b> {
    url: &'b str,
}

/// Parses an image reply without copying its picture, and decodes that where it lies: the limit of
/// decoding. Gives how many bytes of the front of `body` are the picture.
pub(crate) fn decode_in_place(body: &mut [u8]) -> Result<usize, Failure> {
    let reply: BorrowedImages<'_> = serde_json::from_slice(body)?;
    let text = reply.data.first().ok_or("no picture")?.b64_json;
    let place = place_in(body, text);
    in_place(body, place)
}

/// The same for a chat reply.
pub(crate) fn decode_chat_in_place(body: &mut [u8]) -> Result<usize, Failure> {
    let reply: BorrowedReply<'_> = serde_json::from_slice(body)?;
    let choice = reply.choices.first().ok_or("no choice")?;
    let picture = choice.message.images.first().ok_or("no picture")?;
    let (_, text) = picture.image_url.url.split_once(',').ok_or("no data")?;
    let place = place_in(body, text);
    in_place(body, place)
}

/// Where in `body` a text lies that borrows from it.
fn place_in(body: &[u8], text: &str) -> std::ops::Range<usize> {
    let start = text.as_ptr().addr() - body.as_ptr().addr();
    start..start + text.len()
}

fn in_place(body: &mut [u8], place: std::ops::Range<usize>) -> Result<usize, Failure> {
    let engine = Simd::standard(PAD);
    let mut piece = vec![0; 24 << 10];
    let (mut from, mut to) = (place.start, 0);
    while from < place.end {
        let end = place.end.min(from + (32 << 10));
        let text = body.get(from..end).ok_or("outside the body")?;
        let count = engine.decode_slice(text, &mut piece)?;
        let target = body.get_mut(to..to + count).ok_or("outside the body")?;
        target.copy_from_slice(piece.get(..count).ok_or("outside the piece")?);
        (from, to) = (end, to + count);
    }
    Ok(to)
}

/// A row of the catalogue: the fields that ours has by name, and all the others.
#[derive(Deserialize)]
#[allow(dead_code, clippy::struct_field_names, reason = "parsing is the work")]
pub(crate) struct Model {
    id: String,
    name: Option<String>,
    context_length: Option<u64>,
    is_free: Option<bool>,
    model_type: Option<String>,
    #[serde(default)]
    input_modalities: Vec<String>,
    #[serde(default)]
    output_modalities: Vec<String>,
    #[serde(flatten)]
    extra: serde_json::Map<String, serde_json::Value>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs;

    #[test]
    fn decoding_in_place_gives_the_picture() {
        let picture = inputs::picture(100_001);
        for (mut body, decode) in [
            (
                inputs::image_reply(picture.len()),
                decode_in_place as fn(&mut [u8]) -> Result<usize, Failure>,
            ),
            (
                inputs::chat_reply_with_picture(picture.len()),
                decode_chat_in_place,
            ),
        ] {
            let length = decode(&mut body).unwrap();
            assert_eq!(body[..length], picture);
        }
    }
}
