//! A request's spliced body is what plain serde writes, through buffers of any size.

use arbitrary::{Arbitrary, Unstructured};
use mesh_proto::body::Body;
use mesh_proto::chat::{Content, Message, Part, Role};
use mesh_proto::image::{Detail, Image};
use mesh_proto::images::{EditEncoding, EditRequest, ImageRequest};
use mesh_proto::{ChatRequest, Endpoint};
use serde::Serialize;
use serde_json::{Value, json};

use super::target;

#[derive(Arbitrary, Debug)]
struct Request {
    model: String,
    prompt: String,
    temperature: Option<u8>,
    extra: Vec<(String, Field)>,
    messages: Vec<Turn>,
    pictures: Vec<Picture>,
    buffers: Vec<u8>,
}

#[derive(Arbitrary, Debug)]
struct Turn {
    role: String,
    parts: Result<Vec<Piece>, String>,
    extra: Vec<(String, Field)>,
}

#[derive(Arbitrary, Debug)]
enum Piece {
    Text(String),
    Picture(Picture),
    Other(String, Field),
}

#[derive(Arbitrary, Debug)]
enum Picture {
    File(Kind, Vec<u8>, Option<String>),
    /// Stored conversations hold URLs that nobody has checked.
    Url(String),
    DataUrl(String),
}

#[derive(Arbitrary, Debug)]
enum Kind {
    Png,
    Jpeg,
    Gif,
}

#[derive(Arbitrary, Debug)]
enum Field {
    Null,
    Number(i64),
    Fraction(f64),
    Text(String),
    List(Vec<u8>),
    Object(String, bool),
}

impl Field {
    fn value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Number(number) => json!(number),
            Self::Fraction(number) => json!(number),
            Self::Text(text) => json!(text),
            Self::List(items) => json!(items),
            Self::Object(name, is) => json!({ name: is }),
        }
    }
}

impl Picture {
    fn image(&self) -> Image {
        let stored = |url: String| serde_json::from_value(json!({ "url": url })).unwrap();
        match self {
            Self::File(kind, tail, detail) => {
                let magic: &[u8] = match kind {
                    Kind::Png => b"\x89PNG\r\n\x1a\n",
                    Kind::Jpeg => b"\xff\xd8\xff",
                    Kind::Gif => b"GIF89a",
                };
                let image = Image::from_bytes([magic, tail].concat()).unwrap();
                match detail {
                    Some(detail) => image.detail(Detail::from(detail.as_str())),
                    None => image,
                }
            }
            Self::Url(url) => stored(url.clone()),
            Self::DataUrl(data) => stored(format!("data:image/png;base64,{data}")),
        }
    }
}

pub(super) fn hold(data: &[u8]) {
    let Ok(request) = Request::arbitrary_take_rest(Unstructured::new(data)) else {
        return;
    };
    check(&chat(&request), &request.buffers);
    let mut images = ImageRequest::new(&request.model, &request.prompt);
    for picture in &request.pictures {
        images = images.reference(picture.image());
    }
    fill(&mut images.extra, &request.extra);
    check(&images, &request.buffers);
    if let Some(first) = request.pictures.first() {
        let edit = EditRequest::new(&request.model, first.image(), &request.prompt);
        let mut edit = edit.encoding(EditEncoding::Json);
        for picture in &request.pictures[1..] {
            edit = edit.reference(picture.image()).mask(picture.image());
        }
        fill(&mut edit.extra, &request.extra);
        check(&edit, &request.buffers);
    }
}

fn chat(request: &Request) -> ChatRequest {
    let mut chat = ChatRequest::new(&request.model).user(request.prompt.as_str());
    chat.temperature = request
        .temperature
        .map(|tenths| f64::from(tenths % 21) / 10.0);
    fill(&mut chat.extra, &request.extra);
    for turn in &request.messages {
        let content = match &turn.parts {
            Ok(pieces) => Content::Parts(pieces.iter().map(part).collect()),
            Err(text) => Content::Text(text.clone()),
        };
        let mut message = Message::new(Role::from(turn.role.as_str()), content);
        fill(&mut message.extra, &turn.extra);
        chat = chat.message(message);
    }
    chat
}

fn part(piece: &Piece) -> Part {
    match piece {
        Piece::Text(text) => Part::from(text.as_str()),
        Piece::Picture(picture) => Part::from(picture.image()),
        Piece::Other(kind, field) => {
            serde_json::from_value(json!({ "type": kind, "x": field.value() })).unwrap()
        }
    }
}

fn fill(extra: &mut serde_json::Map<String, Value>, fields: &[(String, Field)]) {
    for (name, field) in fields {
        extra.insert(name.clone(), field.value());
    }
}

fn check<E: Endpoint + Serialize>(endpoint: &E, buffers: &[u8]) {
    let Ok(request) = endpoint.request(&target()) else {
        return;
    };
    let plain = serde_json::to_vec(endpoint).unwrap();
    let body: &Body = request.body();
    assert_eq!(body.len(), plain.len() as u64);
    let (mut reader, mut read) = (body.reader(), Vec::new());
    for size in buffers.iter().copied().chain(std::iter::repeat(97)) {
        let mut out = vec![0; usize::from(size)];
        let count = reader.read(&mut out);
        read.extend_from_slice(&out[..count]);
        assert_eq!(reader.remaining(), body.len() - read.len() as u64);
        if reader.remaining() == 0 {
            break;
        }
        assert_eq!(count, out.len(), "a short read before the end");
    }
    assert_eq!(String::from_utf8(read), String::from_utf8(plain));
}
