//! Where a chat answer has its pictures: the shapes of the protocol reference, section 6, rows 7 to
//! 12.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use super::chat_request::PictureFormat;
use super::switches::ChatPictureShape;

/// A picture, and the URL under which it is hosted where one was asked for.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) file: Bytes,
    pub(super) hosted: Option<String>,
}

/// The places of an answer that a shape fills.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Shaped {
    /// The message's content.
    pub(super) content: Option<Value>,
    /// The message's `images`.
    pub(super) images: Option<Value>,
    /// The answer's `data`.
    pub(super) data: Option<Value>,
    /// Whether the answer has choices.
    pub(super) choices: Choices,
}

impl Shaped {
    /// A text alone.
    pub(super) fn of_text(text: String) -> Self {
        Self {
            content: Some(text.into()),
            ..Self::default()
        }
    }
}

/// Whether there are choices beside the data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Choices {
    #[default]
    Present,
    Left,
}

/// Pictures and a caption in a shape.
pub(super) fn shape(
    shape: ChatPictureShape,
    pictures: &[Given],
    format: Option<PictureFormat>,
    caption: &str,
    created: u64,
) -> Shaped {
    let list = |each: &dyn Fn(&Given) -> Value| pictures.iter().map(each).collect::<Vec<_>>();
    let parts = |each: &dyn Fn(&Given) -> Value| {
        let mut parts = vec![json!({"type": "text", "text": caption})];
        parts.extend(list(each));
        Shaped {
            content: Some(parts.into()),
            ..Shaped::default()
        }
    };
    let beside = |images: Vec<Value>| Shaped {
        content: Some(caption.into()),
        images: Some(images.into()),
        ..Shaped::default()
    };
    let item = |picture: &Given| data_item(picture, format, caption);
    match shape {
        ChatPictureShape::Images if format == Some(PictureFormat::Base64) => {
            beside(list(&|picture| json!({"b64_json": base64_of(picture)})))
        }
        ChatPictureShape::Images => beside(list(&url_part)),
        ChatPictureShape::ImageStrings => beside(list(&|picture| url_of(picture).into())),
        ChatPictureShape::ImageUrlParts => parts(&url_part),
        ChatPictureShape::OutputImageParts => parts(
            &|picture| json!({"type": "output_image", "media_type": "image/png", "b64_json": base64_of(picture)}),
        ),
        ChatPictureShape::InlineDataParts => parts(
            &|picture| json!({"type": "inline_data", "inline_data": {"mime_type": "image/png", "data": base64_of(picture)}}),
        ),
        ChatPictureShape::ImageParts => parts(
            &|picture| json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": base64_of(picture)}}),
        ),
        ChatPictureShape::UrlText => {
            let urls: Vec<String> = pictures.iter().map(url_of).collect();
            Shaped::of_text(urls.join("\n"))
        }
        ChatPictureShape::MarkdownText => {
            let lines: Vec<String> = pictures
                .iter()
                .map(|picture| format!("![picture]({})", url_of(picture)))
                .collect();
            Shaped::of_text(format!("{caption}\n\n{}", lines.join("\n\n")))
        }
        ChatPictureShape::JsonText => {
            Shaped::of_text(json!({"created": created, "data": list(&item)}).to_string())
        }
        ChatPictureShape::Data => Shaped {
            content: Some(caption.into()),
            data: Some(list(&item).into()),
            ..Shaped::default()
        },
        ChatPictureShape::DataAlone => Shaped {
            data: Some(list(&item).into()),
            choices: Choices::Left,
            ..Shaped::default()
        },
    }
}

fn url_part(picture: &Given) -> Value {
    json!({"type": "image_url", "image_url": {"url": url_of(picture)}})
}

fn data_item(picture: &Given, format: Option<PictureFormat>, caption: &str) -> Value {
    match format {
        Some(PictureFormat::Base64) => {
            json!({"b64_json": base64_of(picture), "revised_prompt": caption})
        }
        _ => json!({"url": url_of(picture), "revised_prompt": caption}),
    }
}

fn url_of(picture: &Given) -> String {
    picture
        .hosted
        .clone()
        .unwrap_or_else(|| format!("data:image/png;base64,{}", base64_of(picture)))
}

fn base64_of(picture: &Given) -> String {
    STANDARD.encode(&picture.file)
}
