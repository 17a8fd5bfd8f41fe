//! Where a chat answer has its pictures: the shapes of the [protocol reference, section 6](mesh_proto::protocol#6-image-results-a-client-must-accept), rows 7 to
//! 12.

use serde_json::{Value, json};

use super::drawing_options::PictureFormat;
use super::given::Given;
use super::switches::ChatPictureShape;

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
            beside(list(&|picture| json!({"b64_json": picture.base64()})))
        }
        ChatPictureShape::Images => beside(list(&url_part)),
        ChatPictureShape::ImageStrings => beside(list(&|picture| picture.url().into())),
        ChatPictureShape::ImageUrls => beside(list(&|picture| json!({"url": picture.url()}))),
        ChatPictureShape::ImageBase64 => {
            beside(list(&|picture| json!({"b64_json": picture.base64()})))
        }
        ChatPictureShape::ImageUrlParts => parts(&url_part),
        ChatPictureShape::OutputImageParts => parts(
            &|picture| json!({"type": "output_image", "media_type": "image/png", "b64_json": picture.base64()}),
        ),
        ChatPictureShape::InlineDataParts => parts(
            &|picture| json!({"type": "inline_data", "inline_data": {"mime_type": "image/png", "data": picture.base64()}}),
        ),
        ChatPictureShape::ImageParts => parts(
            &|picture| json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": picture.base64()}}),
        ),
        ChatPictureShape::UrlText => {
            let urls: Vec<String> = pictures.iter().map(Given::url).collect();
            Shaped::of_text(urls.join("\n"))
        }
        ChatPictureShape::MarkdownText => {
            let lines: Vec<String> = pictures
                .iter()
                .map(|picture| format!("![picture]({})", picture.url()))
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
    json!({"type": "image_url", "image_url": {"url": picture.url()}})
}

fn data_item(picture: &Given, format: Option<PictureFormat>, caption: &str) -> Value {
    match format {
        Some(PictureFormat::Base64) => {
            json!({"b64_json": picture.base64(), "revised_prompt": caption})
        }
        _ => json!({"url": picture.url(), "revised_prompt": caption}),
    }
}
