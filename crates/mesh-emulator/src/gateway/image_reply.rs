//! An images answer as one document ([protocol reference, section 5.1](mesh_proto::protocol#51-image-generations)).

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::draft::Draft;
use super::drawing_options::PictureFormat;
use super::given::Given;
use super::models::Model;
use super::sizes::Size;
use super::switches::{PartialImages, RefusedPicture, ResponseFormat};
use super::usage::Usage;

/// An images answer, before it is one document or a stream.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) id: String,
    /// Seconds since 1970.
    pub(super) created: u64,
    pub(super) model: &'static Model,
    /// How many pictures were asked for.
    pub(super) asked: u32,
    pub(super) form: Form,
    /// Empty where the prompt was declined.
    pub(super) pictures: Vec<Picture>,
    /// What stands for pictures that are not there.
    pub(super) refused: RefusedPicture,
    /// How a stream tells of earlier states.
    pub(super) events: PartialImages,
    pub(super) revised_prompt: Option<String>,
    pub(super) facts: Option<Facts>,
    pub(super) usage: Option<Usage>,
}

/// A picture of an answer.
#[derive(Debug)]
pub(super) struct Picture {
    /// Its earlier states, the earliest first. All pictures of an answer have as many.
    pub(super) earlier: Vec<Given>,
    pub(super) last: Given,
}

/// What a provider tells of its pictures.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    pub(super) background: &'static str,
    pub(super) output_format: &'static str,
    pub(super) quality: &'static str,
    pub(super) size: Size,
}

/// Where an item has its picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `b64_json`.
    Base64,
    /// `url`, a data URL.
    DataUrl,
    /// `url`, where the gateway hosts it.
    Hosted,
}

impl Form {
    /// The form in which a model gives its pictures.
    pub(super) fn of(model: &Model, asked: Option<PictureFormat>, counts: ResponseFormat) -> Self {
        let own = if model.is_imagen() {
            return Self::Base64;
        } else if model.is_openai() {
            Self::DataUrl
        } else {
            Self::Hosted
        };
        match (counts, asked) {
            (ResponseFormat::Honoured, Some(PictureFormat::Base64)) => Self::Base64,
            _ => own,
        }
    }

    fn item(self, picture: &Given) -> Map<String, Value> {
        let (name, value) = match self {
            Self::Base64 => ("b64_json", picture.base64()),
            Self::DataUrl | Self::Hosted => ("url", picture.url()),
        };
        Map::from_iter([(name.to_owned(), value.into())])
    }
}

impl Answer {
    /// The pictures, or what stands for them.
    pub(super) fn data(&self) -> Value {
        if self.pictures.is_empty() {
            return match self.refused {
                RefusedPicture::EmptyData => json!([]),
                RefusedPicture::BareItem => (0..self.asked).map(|_| json!({})).collect(),
            };
        }
        let items = self.pictures.iter().map(|picture| {
            let mut item = self.form.item(&picture.last);
            if let Some(prompt) = &self.revised_prompt {
                item.insert("revised_prompt".to_owned(), prompt.clone().into());
            }
            Value::Object(item)
        });
        items.collect()
    }

    /// One of the pictures' earlier states.
    pub(super) fn earlier_data(&self, stage: usize) -> Value {
        let stages = self.pictures.iter().filter_map(|it| it.earlier.get(stage));
        stages
            .map(|picture| Value::Object(self.form.item(picture)))
            .collect()
    }

    /// Adds what the provider tells of its pictures.
    pub(super) fn tell_facts(&self, document: &mut Map<String, Value>) {
        let Some(facts) = self.facts else { return };
        let Size { width, height } = facts.size;
        for (name, value) in [
            ("background", facts.background.to_owned()),
            ("output_format", facts.output_format.to_owned()),
            ("quality", facts.quality.to_owned()),
            ("size", format!("{width}x{height}")),
        ] {
            document.insert(name.to_owned(), value.into());
        }
    }
}

/// The answer as one document.
pub(super) fn whole(answer: &Answer) -> Draft {
    let mut document = Map::new();
    document.insert("created".to_owned(), answer.created.into());
    document.insert("data".to_owned(), answer.data());
    answer.tell_facts(&mut document);
    if let Some(usage) = answer.usage {
        document.insert("usage".to_owned(), usage.of_images());
    }
    Draft::json(StatusCode::OK, &Value::Object(document))
}
