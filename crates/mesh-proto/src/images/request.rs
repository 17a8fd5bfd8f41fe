//! The request: a prompt, and how it shall be drawn.

use serde_core::de::{Deserialize, Error};
use serde_core::ser::{Serialize, Serializer};

use crate::build_error::BuildError;
use crate::chat::{ImageFormat, Quality};
use crate::image::Image;
use crate::open_enum::open_enum;
use crate::wire::{Extra, Json, Manner, Ranged, Wire, wire_object};

wire_object! {
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
    #[derive(Clone, Default, PartialEq)]
    pub struct ImageRequest as request {
        /// The model's id. None where the key has a default.
        pub model: Option<String> [before_stream],
        /// What to draw.
        pub prompt: String,
        /// How many, 1 to 10; 1 by default.
        pub n: Option<u32> in (1..=10),
        /// `WxH` in pixels, a ratio, or `auto`, the default.
        pub size: Option<String>,
        /// How well; `auto` by default.
        pub quality: Option<Quality>,
        /// In what form; by URL by default. Not every model honours it.
        pub response_format: Option<ImageFormat>,
        /// In what file format. OpenAI's models only.
        pub output_format: Option<OutputFormat>,
        /// How strongly compressed, 0 to 100. OpenAI's models only.
        pub output_compression: Option<u32> in (0..=100),
        /// What stands behind the subject.
        pub background: Option<Background>,
        /// How strictly the content is moderated.
        pub moderation: Option<Moderation>,
        /// How many earlier states a stream shows, 0 to 3.
        pub partial_images: Option<u32> in (0..=3),
        /// A seed, −1 (at random) to 2147483647.
        pub seed: Option<i64> in (-1..=2_147_483_647),
        /// How closely the prompt is followed, 1 to 10.
        pub guidance_scale: Option<f64> in (1.0..=10.0),
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
    }
    last {
        /// Pictures to go by.
        pub references: Vec<Image> = "image" <= one_or_several => self::references,
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
        self.check_ranges("")
    }
}

/// An image as its mere URL.
struct Reference<'i>(&'i Image);

impl Wire for Reference<'_> {
    fn write<S: Serializer>(&self, manner: Manner<'_>, serializer: S) -> Result<S::Ok, S::Error> {
        match manner.splice {
            Some(splice) => self.0.spliced(splice).serialize(serializer),
            None => self.0.serialize_url(serializer),
        }
    }
}

/// Writes an image as its mere URL.
pub(super) fn mere_url<'i, S: Serializer>(
    image: impl Into<Option<&'i Image>>,
    manner: Manner<'_>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    image.into().map(Reference).write(manner, serializer)
}

/// Writes images as their mere URLs.
pub(super) fn mere_urls<S: Serializer>(
    images: &[Image],
    manner: Manner<'_>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let references: Vec<_> = images.iter().map(Reference).collect();
    references.write(manner, serializer)
}

/// Writes one image without a list.
fn one_or_several<S: Serializer>(
    images: &[Image],
    manner: Manner<'_>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match images {
        [one] => mere_url(one, manner, serializer),
        several => mere_urls(several, manner, serializer),
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
