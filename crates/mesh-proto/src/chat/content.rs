//! What a message says: a text, or parts in their order.

use std::borrow::Cow;
use std::fmt;

use serde_core::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde_core::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_core::ser::Serializer;
use serde_json::Value;

use super::assembly::extend_picture;
use super::blocks;
use crate::image::{Image, is_continuation};
use crate::wire::weight::{self, Weight};
use crate::wire::{Extra, Json, Manner, Object, Wire, Written, field, serialize_inline};

/// The content of a message.
///
/// Made from a text, a picture, or both together, in the order in which they are given:
///
/// ```
/// use mesh_proto::chat::Content;
/// use mesh_proto::image::Image;
///
/// let photo = Image::from_url("https://example.com/image.jpg")?;
/// let content = Content::from(("What is in this image?", photo));
/// assert_eq!(content.text(), "What is in this image?");
/// # Ok::<(), mesh_proto::image::ImageError>(())
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Content {
    /// A mere text. A URL in it attaches nothing.
    Text(String),
    /// Parts: the only form that carries pictures.
    Parts(Vec<Part>),
}

impl Content {
    /// The text: all of it, the parts' texts one after another.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Parts(parts) => {
                let mut texts = parts.iter().filter_map(Part::text);
                match (texts.next(), texts.next()) {
                    (None, _) => Cow::Borrowed(""),
                    (Some(only), None) => Cow::Borrowed(only),
                    (Some(first), Some(second)) => {
                        [first, second].into_iter().chain(texts).collect()
                    }
                }
            }
        }
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Parts(parts) => parts.is_empty(),
        }
    }

    /// What it takes of the heap.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Parts(parts) => {
                let parts = parts.iter().map(Part::weight);
                parts.fold(0, usize::saturating_add)
            }
        }
    }

    pub(super) fn images_mut(&mut self) -> impl Iterator<Item = &mut Image> {
        let parts = match self {
            Self::Text(_) => &mut [],
            Self::Parts(parts) => parts.as_mut_slice(),
        };
        parts.iter_mut().filter_map(|part| match part {
            Part::Image { image, .. } => Some(image),
            _ => None,
        })
    }

    /// Adds what a delta says.
    pub(super) fn append(&mut self, more: Self, weight: &mut Weight) {
        match (&mut *self, more) {
            (Self::Text(text), Self::Text(more)) => {
                weight.add(more.len());
                text.push_str(&more);
            }
            (Self::Parts(parts), Self::Parts(more)) => {
                for part in more {
                    append_part(parts, part, weight);
                }
            }
            (Self::Parts(parts), Self::Text(more)) => {
                append_part(parts, Part::from(more), weight);
            }
            (Self::Text(text), Self::Parts(more)) => {
                let text = std::mem::take(text);
                let first = (!text.is_empty()).then(|| Part::from(text));
                *self = Self::Parts(first.into_iter().collect());
                self.append(Self::Parts(more), weight);
            }
        }
    }
}

/// Adds a part, or what it has more of the last one: text, reasoning, or the base64 of a picture.
fn append_part(parts: &mut Vec<Part>, part: Part, weight: &mut Weight) {
    match (parts.last_mut(), part) {
        (Some(Part::Text { text, .. }), Part::Text { text: more, .. }) => {
            weight.add(more.len());
            text.push_str(&more);
        }
        (Some(Part::Image { image, .. }), Part::Image { image: more, .. })
            if more.url().is_some_and(is_continuation) =>
        {
            let more = more.url().unwrap_or_default();
            weight.add(more.len());
            image.extend_url(more);
        }
        (Some(Part::Other(last)), Part::Other(more))
            if blocks::is_block(last) && blocks::continues(last, &more) =>
        {
            blocks::merge(last, &more, weight);
        }
        (Some(Part::Other(last)), Part::Other(more)) if last.get("type") == more.get("type") => {
            weight.add(weight::of_fields(&more));
            let begun = std::mem::take(&mut last.0).into_iter();
            let mut begun = Json::Object(begun.map(|(name, it)| (name, it.into())).collect());
            let mut piece = Json::from(&Value::Object(more.0));
            let is_continued = extend_picture(&mut begun, &mut piece, &mut Weight::default());
            if let Json::Object(begun) = begun {
                *last = extra(begun);
            }
            if let (false, Json::Object(piece)) = (is_continued, piece) {
                weight.add(2 * size_of::<Part>());
                parts.push(Part::Other(extra(piece)));
            }
        }
        (_, part) => {
            weight.add(part.weight());
            parts.push(part);
        }
    }
}

/// One part of a message's content ([protocol reference, section 4.1](crate::protocol#41-image-input)).
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Part {
    /// `{"type":"text","text":…}`.
    Text {
        /// The text.
        text: String,
        /// What else the part holds.
        extra: Extra,
    },
    /// `{"type":"image_url","image_url":{…}}`.
    Image {
        /// The picture.
        image: Image,
        /// What else the part holds.
        extra: Extra,
    },
    /// A part of another type, passed through untouched.
    Other(Extra),
}

impl Part {
    /// What the part takes in a list of parts.
    fn weight(&self) -> usize {
        let (within, extra) = match self {
            Self::Text { text, extra } => (text.len(), extra),
            Self::Image { image, extra } => (image.url().map_or(0, str::len), extra),
            Self::Other(extra) => (0, extra),
        };
        let place = 2 * size_of::<Self>();
        place
            .saturating_add(within)
            .saturating_add(weight::of_fields(extra))
    }

    /// The text, where the part is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text { text, .. } => Some(text),
            // The Responses form of a text part, which some deployments answer with.
            Self::Other(part) => part
                .get("text")
                .and_then(Value::as_str)
                .filter(|_| part.get("type").is_some_and(|kind| kind == "output_text")),
            Self::Image { .. } => None,
        }
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Content {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<Image> for Content {
    fn from(image: Image) -> Self {
        Self::Parts(vec![image.into()])
    }
}

impl From<Vec<Part>> for Content {
    fn from(parts: Vec<Part>) -> Self {
        Self::Parts(parts)
    }
}

impl<const N: usize> From<[Part; N]> for Content {
    fn from(parts: [Part; N]) -> Self {
        Self::Parts(parts.into())
    }
}

impl<T: Into<String>> From<(T, Image)> for Content {
    fn from((text, image): (T, Image)) -> Self {
        Self::Parts(vec![Part::from(text.into()), image.into()])
    }
}

impl<T: Into<String>> From<(T, Vec<Image>)> for Content {
    fn from((text, images): (T, Vec<Image>)) -> Self {
        Self::Parts(
            std::iter::once(Part::from(text.into()))
                .chain(images.into_iter().map(Part::from))
                .collect(),
        )
    }
}

impl<T: Into<String>, const N: usize> From<(T, [Image; N])> for Content {
    fn from((text, images): (T, [Image; N])) -> Self {
        Self::from((text, Vec::from(images)))
    }
}

impl From<String> for Part {
    fn from(text: String) -> Self {
        Self::Text {
            text,
            extra: Extra::new(),
        }
    }
}

impl From<&str> for Part {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<Image> for Part {
    fn from(image: Image) -> Self {
        Self::Image {
            image,
            extra: Extra::new(),
        }
    }
}

impl Wire for Content {
    fn write<S: Serializer>(&self, manner: Manner<'_>, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Parts(parts) => parts.write(manner, serializer),
        }
    }
}

impl Wire for Part {
    fn write<S: Serializer>(&self, manner: Manner<'_>, serializer: S) -> Result<S::Ok, S::Error> {
        let (Self::Text { extra, .. } | Self::Image { extra, .. } | Self::Other(extra)) = self;
        let mut object = Object::begin(manner, serializer, extra)?;
        match self {
            Self::Text { text, .. } => {
                object.field("type", "text")?;
                object.field("text", text)?;
            }
            Self::Image { image, .. } => {
                object.field("type", "image_url")?;
                object.field("image_url", &Written(image, manner))?;
            }
            Self::Other(_) => {}
        }
        object.extra(&[])?;
        object.end()
    }
}

serialize_inline!(Content, Part);

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrParts;

        impl<'de> Visitor<'de> for TextOrParts {
            type Value = Content;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or parts")
            }

            fn visit_str<E>(self, text: &str) -> Result<Content, E> {
                Ok(Content::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Content, E> {
                Ok(Content::Text(text))
            }

            // A gateway wrote a token that looks like a number as a number.
            fn visit_bool<E>(self, value: bool) -> Result<Content, E> {
                Ok(Content::Text(value.to_string()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Content, E> {
                Ok(Content::Text(value.to_string()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Content, E> {
                Ok(Content::Text(value.to_string()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Content, E> {
                Ok(Content::Text(Value::from(value).to_string()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Content, A::Error> {
                let mut parts = Vec::deserialize(SeqAccessDeserializer::new(items))?;
                parts.shrink_to_fit();
                Ok(Content::Parts(parts))
            }

            // One part without its list.
            fn visit_map<A: MapAccess<'de>>(self, part: A) -> Result<Content, A::Error> {
                let part = Part::deserialize(MapAccessDeserializer::new(part))?;
                Ok(Content::Parts(vec![part]))
            }
        }

        deserializer.deserialize_any(TextOrParts)
    }
}

impl Part {
    /// The part as it stands on the wire, its picture not copied.
    pub(super) fn to_json(&self) -> Json {
        let object = |kind: &str, name: &str, value: Json, extra: &Extra| {
            let rest = extra
                .iter()
                .map(|(name, value)| (name.clone(), value.into()));
            let first = [
                ("type".to_owned(), Json::Text(kind.to_owned().into())),
                (name.to_owned(), value),
            ];
            Json::Object(first.into_iter().chain(rest).collect())
        };
        match self {
            Self::Text { text, extra } => {
                object("text", "text", Json::Text(text.clone().into()), extra)
            }
            Self::Image { image, extra } => {
                object("image_url", "image_url", image.to_json(), extra)
            }
            Self::Other(part) => Json::from(&Value::Object(part.0.clone())),
        }
    }

    fn of(json: Json) -> Self {
        let mut part = match json {
            Json::Object(part) => part,
            Json::Text(text) => return Self::from(String::from(text)),
            other => vec![("value".to_owned(), other)],
        };
        let kind = field(&part, "type").and_then(Json::as_str);
        let take = |part: &mut Vec<(String, Json)>, name: &str| {
            let value = field(part, name).cloned();
            part.retain(|(known, _)| known != name && known != "type");
            value
        };
        match kind {
            Some("text") if field(&part, "text").is_some_and(|it| it.as_text().is_some()) => {
                if let Some(Json::Text(text)) = take(&mut part, "text") {
                    return Self::Text {
                        text: text.into(),
                        extra: extra(part),
                    };
                }
            }
            Some("image_url") => {
                if let Some(image) = field(&part, "image_url").and_then(Image::of_json) {
                    take(&mut part, "image_url");
                    return Self::Image {
                        image,
                        extra: extra(part),
                    };
                }
            }
            _ => {}
        }
        Self::Other(extra(part))
    }
}

fn extra(fields: Vec<(String, Json)>) -> Extra {
    let mut extra = Extra::new();
    for (name, value) in fields {
        extra.insert(name, value.into());
    }
    extra
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Json::deserialize(deserializer).map(Self::of)
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A text may be a picture.
            Self::Text(text) => f
                .debug_tuple("Text")
                .field(&crate::excerpt::message(text))
                .finish(),
            Self::Parts(parts) => f.debug_list().entries(parts).finish(),
        }
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { text, .. } => f
                .debug_tuple("Text")
                .field(&crate::excerpt::message(text))
                .finish(),
            Self::Image { image, .. } => image.fmt(f),
            Self::Other(part) => f.debug_tuple("Other").field(part).finish(),
        }
    }
}
