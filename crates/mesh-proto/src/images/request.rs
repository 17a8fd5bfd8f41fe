//! The request: a prompt, and how it shall be drawn.

use serde_core::de::{Deserialize, Error};
use serde_core::ser::{SerializeSeq, Serializer};

use crate::body::Splice;
use crate::build_error::BuildError;
use crate::chat::{ImageFormat, Quality};
use crate::image::Image;
use crate::open_enum::open_enum;
use crate::wire::{Extra, Json, Object, Wire, read_fields, serialize_inline};

/// A request to `POST /v1/images/generations` ([protocol reference, section 5.1](crate::protocol#51-image-generations)). What is left out,
/// the gateway decides.
///
/// ```
/// use mesh_proto::images::ImageRequest;
///
/// let mut request = ImageRequest::new("openai/gpt-image-1", "A fox in a snowy forest");
/// request.size = Some("1536x1024".to_owned());
/// let json = r#"{"model":"openai/gpt-image-1","prompt":"A fox in a snowy forest","size":"1536x1024"}"#;
/// assert_eq!(serde_json::to_string(&request)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ImageRequest {
    /// The model's id. None where the key has a default.
    pub model: Option<String>,
    /// What to draw.
    pub prompt: String,
    /// How many, 1 to 10; 1 by default.
    pub n: Option<u32>,
    /// `WxH` in pixels, a ratio, or `auto`, the default.
    pub size: Option<String>,
    /// How well; `auto` by default.
    pub quality: Option<Quality>,
    /// In what form; by URL by default. Not every model honours it.
    pub response_format: Option<ImageFormat>,
    /// In what file format. OpenAI's models only.
    pub output_format: Option<OutputFormat>,
    /// How strongly compressed, 0 to 100. OpenAI's models only.
    pub output_compression: Option<u32>,
    /// What stands behind the subject.
    pub background: Option<Background>,
    /// How strictly the content is moderated.
    pub moderation: Option<Moderation>,
    /// How many earlier states a stream shows, 0 to 3.
    pub partial_images: Option<u32>,
    /// A seed, −1 (at random) to 2147483647.
    pub seed: Option<i64>,
    /// How closely the prompt is followed, 1 to 10.
    pub guidance_scale: Option<f64>,
    /// A ratio such as `16:9`.
    pub aspect_ratio: Option<String>,
    /// A resolution such as `2K`.
    pub resolution: Option<String>,
    /// Whether the picture is marked.
    pub watermark: Option<bool>,
    /// Whether a series is drawn (Seedream).
    pub sequential_image_generation: Option<SequentialGeneration>,
    /// How a series is drawn (Seedream).
    pub sequential_image_generation_options: Option<Extra>,
    /// How the prompt is worked over (Seedream).
    pub optimize_prompt_options: Option<Extra>,
    /// Fields that are not modelled here, sent as they are.
    pub extra: Extra,
    /// Pictures to go by.
    pub references: Vec<Image>,
}

read_fields! {
    ImageRequest {
        model: Option<String>,
        prompt: String,
        n: Option<u32>,
        size: Option<String>,
        quality: Option<Quality>,
        response_format: Option<ImageFormat>,
        output_format: Option<OutputFormat>,
        output_compression: Option<u32>,
        background: Option<Background>,
        moderation: Option<Moderation>,
        partial_images: Option<u32>,
        seed: Option<i64>,
        guidance_scale: Option<f64>,
        aspect_ratio: Option<String>,
        resolution: Option<String>,
        watermark: Option<bool>,
        sequential_image_generation: Option<SequentialGeneration>,
        sequential_image_generation_options: Option<Extra>,
        optimize_prompt_options: Option<Extra>,
        references: Vec<Image> = "image" => self::references,
    }
}

impl ImageRequest {
    /// A request to `model` to draw `prompt`.
    pub fn new(model: impl Into<String>, prompt: impl Into<String>) -> Self {
        Self {
            model: Some(model.into()),
            prompt: prompt.into(),
            ..Self::default()
        }
    }

    /// Adds a picture to go by.
    pub fn reference(mut self, image: Image) -> Self {
        self.references.push(image);
        self
    }

    /// Checks what the protocol reference says of each field, before anything is sent.
    pub(crate) fn validate(&self) -> Result<(), BuildError> {
        if self.prompt.trim().is_empty() {
            return Err(BuildError::invalid("prompt", "it is empty"));
        }
        if self
            .model
            .as_ref()
            .is_some_and(|model| model.trim().is_empty())
        {
            return Err(BuildError::invalid("model", "the id is empty"));
        }
        let within = |field, value: Option<i64>, least: i64, most: i64| match value {
            Some(value) if !(least..=most).contains(&value) => Err(BuildError::invalid(
                field,
                format!("{value} is not between {least} and {most}"),
            )),
            _ => Ok(()),
        };
        within("n", self.n.map(i64::from), 1, 10)?;
        within(
            "output_compression",
            self.output_compression.map(i64::from),
            0,
            100,
        )?;
        within("partial_images", self.partial_images.map(i64::from), 0, 3)?;
        within("seed", self.seed, -1, 2_147_483_647)?;
        if self
            .guidance_scale
            .is_some_and(|scale| !(1.0..=10.0).contains(&scale))
        {
            return Err(BuildError::invalid(
                "guidance_scale",
                "not between 1 and 10",
            ));
        }
        Ok(())
    }

    fn write_as<S: Serializer>(
        &self,
        stream: Option<&bool>,
        splice: Option<&Splice>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut object = Object::begin(serializer, &self.extra)?;
        object.optional("model", self.model.as_ref())?;
        object.optional("stream", stream)?;
        object.field("prompt", &self.prompt)?;
        object.optional("n", self.n.as_ref())?;
        object.optional("size", self.size.as_ref())?;
        object.optional("quality", self.quality.as_ref())?;
        object.optional("response_format", self.response_format.as_ref())?;
        object.optional("output_format", self.output_format.as_ref())?;
        object.optional("output_compression", self.output_compression.as_ref())?;
        object.optional("background", self.background.as_ref())?;
        object.optional("moderation", self.moderation.as_ref())?;
        object.optional("partial_images", self.partial_images.as_ref())?;
        object.optional("seed", self.seed.as_ref())?;
        object.optional("guidance_scale", self.guidance_scale.as_ref())?;
        object.optional("aspect_ratio", self.aspect_ratio.as_ref())?;
        object.optional("resolution", self.resolution.as_ref())?;
        object.optional("watermark", self.watermark.as_ref())?;
        object.optional(
            "sequential_image_generation",
            self.sequential_image_generation.as_ref(),
        )?;
        object.optional(
            "sequential_image_generation_options",
            self.sequential_image_generation_options.as_ref(),
        )?;
        object.optional(
            "optimize_prompt_options",
            self.optimize_prompt_options.as_ref(),
        )?;
        object.extra(&["image", "stream"])?;
        match self.references.as_slice() {
            [] => {}
            [one] => object.field("image", &Reference(one, splice))?,
            several => object.field("image", &References(several, splice))?,
        }
        object.end()
    }
}

impl Wire for ImageRequest {
    fn write<S: Serializer>(
        &self,
        splice: Option<&Splice>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        self.write_as(None, splice, serializer)
    }
}

serialize_inline!(ImageRequest);

/// A request that asks for a stream.
pub(crate) struct Streamed<'r>(pub(crate) &'r ImageRequest);

impl Wire for Streamed<'_> {
    fn write<S: Serializer>(
        &self,
        splice: Option<&Splice>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        self.0.write_as(Some(&true), splice, serializer)
    }
}

/// A picture as its mere URL.
pub(super) struct Reference<'i>(pub(super) &'i Image, pub(super) Option<&'i Splice>);

impl serde_core::Serialize for Reference<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.1 {
            Some(splice) => self.0.spliced(splice).serialize(serializer),
            None => self.0.serialize_url(serializer),
        }
    }
}

/// Pictures as their mere URLs.
pub(super) struct References<'i>(pub(super) &'i [Image], pub(super) Option<&'i Splice>);

impl serde_core::Serialize for References<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut items = serializer.serialize_seq(Some(self.0.len()))?;
        for image in self.0 {
            items.serialize_element(&Reference(image, self.1))?;
        }
        items.end()
    }
}

/// One picture, or several.
pub(super) fn references<'de, D: serde_core::Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Image>, D::Error> {
    let images = match Json::deserialize(deserializer)? {
        Json::Null => Some(Vec::new()),
        Json::List(images) => images.iter().map(Image::of_json).collect(),
        image => Image::of_json(&image).map(|image| vec![image]),
    };
    images.ok_or_else(|| D::Error::custom("a picture, or a list of them"))
}

open_enum! {
    /// The file format of a drawn picture.
    pub enum OutputFormat {
        /// PNG.
        Png = "png",
        /// JPEG.
        Jpeg = "jpeg",
        /// WebP.
        Webp = "webp",
    }
}

open_enum! {
    /// What stands behind the subject of a picture.
    pub enum Background {
        /// Nothing: the picture has an alpha channel.
        Transparent = "transparent",
        /// Something.
        Opaque = "opaque",
        /// The model decides.
        Auto = "auto",
    }
}

open_enum! {
    /// How strictly content is moderated.
    pub enum Moderation {
        /// Less strictly.
        Low = "low",
        /// As usual.
        Auto = "auto",
    }
}

open_enum! {
    /// Whether a series of pictures is drawn.
    pub enum SequentialGeneration {
        /// The model decides.
        Auto = "auto",
        /// No.
        Disabled = "disabled",
    }
}
