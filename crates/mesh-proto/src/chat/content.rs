//! What a message says: a text, or parts in their order.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer};
use serde::ser::Serializer;
use serde_json::{Map, Value};

use crate::body::Splice;
use crate::image::Image;
use crate::wire::{Extra, Object, Wire, Written, serialize_inline};

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
    pub(super) fn append(&mut self, more: Self) {
        match (&mut *self, more) {
            (Self::Text(text), Self::Text(more)) => text.push_str(&more),
            (Self::Parts(parts), Self::Parts(more)) => {
                for part in more {
                    match (parts.last_mut(), part) {
                        (Some(Part::Text { text, .. }), Part::Text { text: more, .. }) => {
                            text.push_str(&more);
                        }
                        (_, part) => parts.push(part),
                    }
                }
            }
            (Self::Parts(_), Self::Text(more)) => self.append(Self::Parts(vec![Part::from(more)])),
            (Self::Text(text), Self::Parts(more)) => {
                let text = std::mem::take(text);
                let first = (!text.is_empty()).then(|| Part::from(text));
                *self = Self::Parts(first.into_iter().collect());
                self.append(Self::Parts(more));
            }
        }
    }
}

/// One part of a message's content (protocol reference, section 4.1).
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
    fn write<S: Serializer>(
        &self,
        splice: Option<&Splice>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Parts(parts) => parts.write(splice, serializer),
        }
    }
}

impl Wire for Part {
    fn write<S: Serializer>(
        &self,
        splice: Option<&Splice>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut object = Object::begin(serializer)?;
        match self {
            Self::Text { text, extra } => {
                object.field("type", "text")?;
                object.field("text", text)?;
                object.extra(extra, &[])?;
            }
            Self::Image { image, extra } => {
                object.field("type", "image_url")?;
                object.field("image_url", &Written(image, splice))?;
                object.extra(extra, &[])?;
            }
            Self::Other(part) => object.extra(part, &[])?,
        }
        object.end()
    }
}

serialize_inline!(Content, Part);

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Form {
            Text(String),
            Parts(Vec<Part>),
            // One part without its list.
            Part(Part),
        }

        Ok(match Form::deserialize(deserializer)? {
            Form::Text(text) => Self::Text(text),
            Form::Parts(parts) => Self::Parts(parts),
            Form::Part(part) => Self::Parts(vec![part]),
        })
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut part = match Value::deserialize(deserializer)? {
            Value::Object(part) => part,
            Value::String(text) => return Ok(Self::from(text)),
            other => Map::from_iter([("value".to_owned(), other)]),
        };
        let kind = part.get("type").and_then(Value::as_str);
        match (kind, part.get("text"), part.get("image_url")) {
            (Some("text"), Some(Value::String(_)), _) => {
                part.remove("type");
                if let Some(Value::String(text)) = part.remove("text") {
                    return Ok(Self::Text {
                        text,
                        extra: Extra(part),
                    });
                }
            }
            (Some("image_url"), _, Some(url)) => {
                if let Ok(image) = Image::deserialize(url) {
                    part.remove("type");
                    part.remove("image_url");
                    return Ok(Self::Image {
                        image,
                        extra: Extra(part),
                    });
                }
            }
            _ => {}
        }
        Ok(Self::Other(Extra(part)))
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A text may be a picture.
            Self::Text(text) => f
                .debug_tuple("Text")
                .field(&crate::error::message(text))
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
                .field(&crate::error::message(text))
                .finish(),
            Self::Image { image, .. } => image.fmt(f),
            Self::Other(part) => f.debug_tuple("Other").field(part).finish(),
        }
    }
}
