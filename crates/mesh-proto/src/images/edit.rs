//! The edit: a picture, what shall be done with it, and what that needs.

use std::fmt;

use serde_core::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_core::ser::Serializer;
use serde_json::Value;
use serde_json::value::RawValue;

use super::request::{Background, mere_url, mere_urls, references};
use crate::body::{EncodedForm, Form};
use crate::build_error::BuildError;
use crate::chat::ImageFormat;
use crate::image::Image;
use crate::open_enum::open_enum;
use crate::wire::{Above, Manner, Object, Ranged, null_is_default, wire_object};

wire_object! {
    /// A request to `POST /v1/images/edits` ([protocol reference, section 5.3](crate::protocol#53-image-edits)). What is left out, the
    /// gateway decides.
    ///
    /// Where a picture is made from bytes, the request goes out as a form with those bytes, a third
    /// less than their base64; where all of them are data URLs, as JSON with those to the letter.
    /// [`EditRequest::encoding`] decides otherwise.
    ///
    /// ```
    /// use mesh_proto::image::Image;
    /// use mesh_proto::images::{EditRequest, Operation};
    ///
    /// let photo = Image::from_url("data:image/png;base64,iVBORw0KGgo=")?;
    /// let edit = EditRequest::new("openai/gpt-image-1", photo, "Make it night");
    /// let json = r#"{"model":"openai/gpt-image-1","prompt":"Make it night","image":"data:image/png;base64,iVBORw0KGgo="}"#;
    /// assert_eq!(serde_json::to_string(&edit)?, json);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Clone, PartialEq)]
    pub struct EditRequest as request {
        /// The model's id.
        pub model: String [required],
        /// What shall become of the picture. Needed to edit, outpaint and mix; may be empty otherwise.
        pub prompt: String => null_is_default,
        /// What is done; [`Operation::Edit`] by default.
        pub operation: Option<Operation>,
        /// How many, 1 to 10; 1 by default. Mixing and reframing give one.
        pub n: Option<u32> in (1..=10),
        /// `WxH` in pixels, a ratio, or `auto`.
        pub size: Option<String>,
        /// In what form; by URL by default. Not every model honours it.
        pub response_format: Option<ImageFormat>,
        /// What stands behind the subject.
        pub background: Option<Background>,
        /// A ratio such as `16:9`. Reframing needs it, and takes seven of them.
        pub aspect_ratio: Option<String>,
        /// A resolution such as `2K`.
        pub resolution: Option<String>,
        /// How much larger. Upscaling needs it.
        pub upscale_factor: Option<UpscaleFactor>,
        /// How far the canvas grows, as a share of the picture, more than 0.
        pub expand_factor: Option<f64> in (Above(0.0)) => number_or_text,
        /// How soft the mask's edge is, in pixels; 0 by default.
        pub mask_feather: Option<u32> in (0..),
        /// How well, in words that the reference does not list.
        pub quality_tier: Option<String>,
    }
    last {
        /// The picture: bytes or a data URL. The gateway never fetches one.
        pub image: Image [required] <= mere_url,
        /// Where to work: **white is edited**, black is kept, the opposite of OpenAI's rule for
        /// transparency. Outpainting and inpainting need it.
        pub mask: Option<Image> <= mere_url,
        /// Pictures to go by. Mixing needs one to three.
        pub reference_images: Vec<Image> <= mere_urls => references,
    }
    beside {
        /// How the request is written; not part of it.
        pub encoding: EditEncoding,
    }
}

impl EditRequest {
    /// Has `model` change `image` as `prompt` says.
    pub fn new(model: impl Into<String>, image: Image, prompt: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            prompt: prompt.into(),
            image,
            ..Self::blank()
        }
    }

    /// Has the background of `image` taken away.
    pub fn remove_background(model: impl Into<String>, image: Image) -> Self {
        Self::new(model, image, "").operation(Operation::RemoveBackground)
    }

    /// Has `image` made larger by `factor`.
    pub fn upscale(model: impl Into<String>, image: Image, factor: UpscaleFactor) -> Self {
        let mut request = Self::new(model, image, "").operation(Operation::Upscale);
        request.upscale_factor = Some(factor);
        request
    }

    /// Has `image` continued beyond its border, as `prompt` says, where `mask` is white.
    pub fn outpaint(
        model: impl Into<String>,
        image: Image,
        mask: Image,
        prompt: impl Into<String>,
    ) -> Self {
        Self::new(model, image, prompt)
            .operation(Operation::Outpaint)
            .mask(mask)
    }

    /// Has `image` and one to three `references` put together as `prompt` says.
    pub fn mix(
        model: impl Into<String>,
        image: Image,
        references: impl IntoIterator<Item = Image>,
        prompt: impl Into<String>,
    ) -> Self {
        let mut request = Self::new(model, image, prompt).operation(Operation::Mix);
        request.reference_images.extend(references);
        request
    }

    /// Has `image` brought to another ratio: `1:1`, `3:4`, `4:3`, `9:16`, `16:9`, `2:3` or `3:2`.
    pub fn reframe(
        model: impl Into<String>,
        image: Image,
        aspect_ratio: impl Into<String>,
    ) -> Self {
        let mut request = Self::new(model, image, "").operation(Operation::Reframe);
        request.aspect_ratio = Some(aspect_ratio.into());
        request
    }

    /// Has the part of `image` where `mask` is white drawn anew as `prompt` says, which may be
    /// empty.
    pub fn inpaint(
        model: impl Into<String>,
        image: Image,
        mask: Image,
        prompt: impl Into<String>,
    ) -> Self {
        Self::new(model, image, prompt)
            .operation(Operation::Inpaint)
            .mask(mask)
    }

    /// Adds a picture to go by.
    pub fn reference(mut self, image: Image) -> Self {
        self.reference_images.push(image);
        self
    }

    /// Sets how the request is written.
    pub fn encoding(mut self, encoding: EditEncoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Checks what the protocol reference says of each field and of what each operation needs,
    /// before anything is sent.
    pub(crate) fn validate(&self) -> Result<(), BuildError> {
        let refuse = |field: &'static str, rule: String| Err(BuildError::invalid(field, rule));
        if self.model.trim().is_empty() {
            return refuse("model", "the id is empty".to_owned());
        }
        self.check_ranges("")?;
        if let Some(UpscaleFactor::Other(factor)) = &self.upscale_factor {
            return refuse("upscale_factor", format!("{factor:?} is neither x2 nor x4"));
        }
        for (field, image) in self.images() {
            if image.remote_url().is_some() {
                return refuse(
                    field,
                    "a URL to fetch, and the gateway never fetches here; send bytes or a data URL"
                        .to_owned(),
                );
            }
            // What is not a picture is told here, and not by a 400 after the upload.
            image
                .file()
                .map_err(|error| BuildError::invalid(field, error.to_string()))?;
        }
        // An operation that is named by hand has needs that only who names it knows.
        if self.operation.is_none() && self.extra.contains_key("operation") {
            return Ok(());
        }
        self.validate_needs(self.operation.as_ref().unwrap_or(&Operation::Edit))
    }

    fn validate_needs(&self, operation: &Operation) -> Result<(), BuildError> {
        let refuse = |field: &'static str, rule: String| Err(BuildError::invalid(field, rule));
        if let Operation::Other(name) = operation {
            return refuse(
                "operation",
                format!(
                    "{name:?} is none of edit, remove_background, upscale, outpaint, mix, reframe and inpaint; \
                     to send it all the same, set it in extra"
                ),
            );
        }
        let needs =
            |field: &'static str, what: &str| refuse(field, format!("{operation} needs {what}"));
        let prompted = matches!(
            operation,
            Operation::Edit | Operation::Outpaint | Operation::Mix
        );
        if prompted && self.prompt.trim().is_empty() {
            return needs("prompt", "one that is not empty");
        }
        if matches!(operation, Operation::Outpaint | Operation::Inpaint) && self.mask.is_none() {
            return needs("mask", "one, white where it shall work");
        }
        if *operation == Operation::Upscale && self.upscale_factor.is_none() {
            return needs("upscale_factor", "x2 or x4");
        }
        if *operation == Operation::Mix && !(1..=3).contains(&self.reference_images.len()) {
            return needs("reference_images", "one to three");
        }
        if *operation == Operation::Reframe
            && !self
                .aspect_ratio
                .as_deref()
                .is_some_and(|ratio| RATIOS.contains(&ratio))
        {
            return needs("aspect_ratio", "1:1, 3:4, 4:3, 9:16, 16:9, 2:3 or 3:2");
        }
        if matches!(operation, Operation::Mix | Operation::Reframe) && self.n.is_some_and(|n| n > 1)
        {
            return refuse("n", format!("{operation} gives one picture"));
        }
        Ok(())
    }

    /// Whether the request goes out as a form.
    pub(crate) fn is_form(&self) -> bool {
        match self.encoding {
            EditEncoding::Json => false,
            EditEncoding::Multipart => true,
            EditEncoding::Auto => self.images().any(|(_, image)| image.bytes().is_some()),
        }
    }

    /// The pictures, each with its field, in the order in which they are sent.
    fn images(&self) -> impl Iterator<Item = (&'static str, &Image)> {
        let masks = self.mask.iter().map(|mask| ("mask", mask));
        let references = self.reference_images.iter();
        [("image", &self.image)]
            .into_iter()
            .chain(masks)
            .chain(references.map(|reference| ("reference_images", reference)))
    }

    /// The request as a form: texts first, then the files as their own bytes.
    pub(crate) fn form(&self) -> Result<EncodedForm, BuildError> {
        // One order and one set of rules for both forms: the fields are those of the JSON.
        let json = serde_json::to_string(&Fields(self)).map_err(BuildError::json)?;
        let Texts(texts) = serde_json::from_str(&json).map_err(BuildError::json)?;
        let mut form = Form::new();
        for (name, text) in texts {
            form = form.text(&name, text);
        }
        for (name, image) in self.images() {
            let (media_type, bytes) = image
                .file()
                .map_err(|error| BuildError::invalid(name, error.to_string()))?;
            let file_name = format!("{name}.{}", media_type.extension());
            form = form.file(name, &file_name, &media_type, bytes);
        }
        form.encode()
    }
}

const RATIOS: [&str; 7] = ["1:1", "3:4", "4:3", "9:16", "16:9", "2:3", "3:2"];

/// The fields that are not pictures.
struct Fields<'r>(&'r EditRequest);

impl serde_core::Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = Object::begin(Manner::default(), serializer, &self.0.extra)?;
        self.0.write_fields(&mut object)?;
        object.end()
    }
}

/// The fields of a JSON object as the texts of a form, in their order: a text without its quotes,
/// anything else as JSON, null not at all.
struct Texts(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Texts, A::Error> {
                let mut texts = Vec::new();
                while let Some((name, value)) = fields.next_entry::<String, Box<RawValue>>()? {
                    match serde_json::from_str(value.get()) {
                        Ok(Value::Null) => {}
                        Ok(Value::String(text)) => texts.push((name, text)),
                        _ => texts.push((name, value.get().to_owned())),
                    }
                }
                Ok(Texts(texts))
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

/// Some clients write a number as text, such as `"0.25"`.
fn number_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(text) => text.trim().parse().map(Some).map_err(D::Error::custom),
        other => match other.as_f64() {
            Some(number) => Ok(Some(number)),
            None => Err(D::Error::custom("a number, or a text that is one")),
        },
    }
}

/// How an edit is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EditEncoding {
    /// As a form where a picture is made from bytes, as JSON where all of them are data URLs.
    #[default]
    Auto,
    /// As JSON, the pictures as data URLs: what the official SDKs send.
    Json,
    /// As a form (`multipart/form-data`), the pictures as their own bytes.
    Multipart,
}

open_enum! {
    /// What is done with a picture. Which model can do it, the catalogue says.
    pub enum Operation {
        /// Changes it as the prompt says.
        Edit = "edit",
        /// Takes its background away.
        RemoveBackground = "remove_background",
        /// Makes it larger.
        Upscale = "upscale",
        /// Continues it beyond its border.
        Outpaint = "outpaint",
        /// Puts it together with others.
        Mix = "mix",
        /// Brings it to another ratio.
        Reframe = "reframe",
        /// Draws a part of it anew.
        Inpaint = "inpaint",
    }
}

open_enum! {
    /// How much larger a picture becomes, in each direction.
    pub enum UpscaleFactor {
        /// Twice.
        X2 = "x2",
        /// Four times.
        X4 = "x4",
    }
}
