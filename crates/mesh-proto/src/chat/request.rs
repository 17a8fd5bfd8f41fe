//! The request: a model, options, a conversation.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_core::de::{Deserialize, Deserializer, Error};
use serde_core::ser::{Serialize, Serializer};
use serde_json::Value;

use super::content::Content;
use super::message::{Message, Role};
use super::tools::{ResponseFormat, Tool, ToolChoice};
use crate::build_error::BuildError;
use crate::image::Image;
use crate::open_enum::open_enum;
use crate::wire::{Above, Extra, Ranged, Wire, wire_object};

wire_object! {
    /// A request to `POST /v1/chat/completions` ([protocol reference, section 4](crate::protocol#4-chat-completions)).
    ///
    /// ```
    /// use mesh_proto::ChatRequest;
    /// use mesh_proto::image::Image;
    ///
    /// let photo = Image::from_url("https://example.com/image.jpg")?;
    /// let mut request = ChatRequest::new("openai/gpt-4o").user(("What is in this image?", photo));
    /// request.max_tokens = Some(300);
    /// # Ok::<(), mesh_proto::image::ImageError>(())
    /// ```
    #[derive(Clone, Default, PartialEq)]
    pub struct ChatRequest as request {
        /// The model's id: `provider/name`, or `auto`. None where the key has a default.
        pub model: Option<String> [before_stream],
        /// How freely the model chooses, 0 to 2.
        pub temperature: Option<f64> in (0.0..=2.0),
        /// The share of probability that the model chooses from, 0 to 1.
        pub top_p: Option<f64> in (0.0..=1.0),
        /// The most tokens to answer with, at least 1.
        pub max_tokens: Option<u32> in (1..),
        /// A seed for models that can repeat themselves.
        pub seed: Option<i64>,
        /// How long the gateway shall wait for the provider, in seconds, more than 0; 300 by default.
        pub timeout: Option<f64> in (Above(0.0)),
        /// Models to fall back to, in their order; the gateway does it.
        pub models: Vec<String>,
        /// How much repeated words are avoided, −2 to 2.
        pub frequency_penalty: Option<f64> in (-2.0..=2.0),
        /// How much topics that were there are avoided, −2 to 2.
        pub presence_penalty: Option<f64> in (-2.0..=2.0),
        /// Where to stop.
        pub stop: Option<Stop>,
        /// Tools that the model may call.
        pub tools: Vec<Tool>,
        /// Whether it has to call one.
        pub tool_choice: Option<ToolChoice>,
        /// What form the answer shall have.
        pub response_format: Option<ResponseFormat>,
        /// Who asks, for the provider to tell abuse by; at most 256 characters.
        pub user: Option<String> [own_setter],
        /// How long the model shall think.
        pub reasoning_effort: Option<Effort>,
        /// How soon the answer is wanted. OpenAI's models only.
        pub service_tier: Option<ServiceTier>,
        /// A stored prompt, by its name or UUID.
        pub template: Option<String>,
        /// What stands in the slots of the stored prompt.
        pub variables: BTreeMap<String, String> [private],
        /// What the usage is grouped by.
        pub session_id: Option<String>,
        /// Whether the gateway may answer from its cache.
        pub cache: Option<bool>,
        /// What the gateway does to the conversation, such as `middle-out`.
        pub transforms: Vec<String>,
        /// What kind of answer is wanted.
        pub modality: Option<Modality>,
        /// How pictures shall be drawn.
        pub image: Option<ImageOptions>,
        /// Whether the gateway works at it in the background. What that does to the answer, the
        /// protocol reference does not know.
        pub async_mode: Option<bool>,
        /// In what forms the answer shall come, as OpenAI's models name them: text, audio.
        pub modalities: Vec<Modality>,
        /// How the answer shall sound: OpenAI's `voice` and `format`.
        pub audio: Option<Extra>,
    }
    last {
        /// The conversation.
        pub messages: Vec<Message> [always] <= Wire::write,
    }
}

impl ChatRequest {
    /// A request to `model` without messages yet.
    pub fn new(model: impl Into<String>) -> Self {
        Self {
            model: Some(model.into()),
            ..Self::default()
        }
    }

    /// Adds a message of the user's: a text, a picture, or both.
    pub fn user(self, content: impl Into<Content>) -> Self {
        self.message(Message::new(Role::User, content))
    }

    /// Adds a message of the application's.
    pub fn system(self, content: impl Into<Content>) -> Self {
        self.message(Message::new(Role::System, content))
    }

    /// Adds a message.
    pub fn message(mut self, message: Message) -> Self {
        self.messages.push(message);
        self
    }

    /// Adds a tool that the model may call.
    pub fn tool(mut self, tool: Tool) -> Self {
        self.tools.push(tool);
        self
    }

    /// The pictures of the conversation, in their order, to be changed in place.
    pub fn images_mut(&mut self) -> impl Iterator<Item = &mut Image> {
        let contents = self
            .messages
            .iter_mut()
            .filter_map(|it| it.content.as_mut());
        contents.flat_map(Content::images_mut)
    }

    /// Checks what the protocol reference says of each field, before anything is sent.
    pub(crate) fn validate(&self) -> Result<(), BuildError> {
        if self.messages.is_empty() {
            return Err(BuildError::invalid(
                "messages",
                "there is none; a request needs at least one",
            ));
        }
        if self
            .model
            .as_ref()
            .is_some_and(|model| model.trim().is_empty())
        {
            return Err(BuildError::invalid("model", "the id is empty"));
        }
        if self
            .user
            .as_ref()
            .is_some_and(|user| user.chars().count() > 256)
        {
            return Err(BuildError::invalid("user", "longer than 256 characters"));
        }
        self.check_ranges("")?;
        self.image
            .as_ref()
            .map_or(Ok(()), |image| image.check_ranges("image."))
    }

    pub(crate) fn upstream_timeout(&self) -> Option<Duration> {
        self.timeout
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }
}

/// Where an answer stops: at the first of these texts that the model would write.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Stop {
    /// One text.
    Text(String),
    /// Any of several.
    Any(Vec<String>),
}

impl Serialize for Stop {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Any(texts) => texts.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Stop {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self::Text(text)),
            texts => match Vec::deserialize(texts) {
                Ok(texts) => Ok(Self::Any(texts)),
                Err(_) => Err(D::Error::custom("a text to stop at, or a list of them")),
            },
        }
    }
}

open_enum! {
    /// How long a model shall think.
    pub enum Effort {
        /// Long.
        High = "high",
        /// In between.
        Medium = "medium",
        /// Briefly.
        Low = "low",
        /// Not at all.
        None = "none",
    }
}

open_enum! {
    /// How soon an answer is wanted.
    pub enum ServiceTier {
        /// As usual.
        Default = "default",
        /// The provider decides.
        Auto = "auto",
        /// Later, for less.
        Flex = "flex",
    }
}

open_enum! {
    /// A kind of input or output.
    pub enum Modality {
        /// Text.
        Text = "text",
        /// Pictures.
        Image = "image",
        /// Sound.
        Audio = "audio",
        /// Moving pictures.
        Video = "video",
        /// Vectors.
        Embedding = "embedding",
    }
}

open_enum! {
    /// How well a picture is drawn.
    pub enum Quality {
        /// The provider decides.
        Auto = "auto",
        /// Fast and cheap.
        Low = "low",
        /// In between.
        Medium = "medium",
        /// As well as the model can.
        High = "high",
        /// The lower of DALL·E's two.
        Standard = "standard",
        /// The higher of DALL·E's two.
        Hd = "hd",
    }
}

open_enum! {
    /// How a drawn picture comes back. Not every model honours it.
    pub enum ImageFormat {
        /// By a URL, which may be a data URL.
        Url = "url",
        /// As base64.
        B64Json = "b64_json",
    }
}

wire_object! {
    /// How pictures shall be drawn: the `image` object of a chat request. What is left out, the
    /// gateway decides.
    ///
    /// ```
    /// use mesh_proto::chat::{ImageFormat, ImageOptions, Quality};
    ///
    /// let options = ImageOptions::new().size("1024x1024").quality(Quality::High).response_format(ImageFormat::Url);
    /// let json = r#"{"size":"1024x1024","quality":"high","response_format":"url"}"#;
    /// assert_eq!(serde_json::to_string(&options)?, json);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Clone, Default, PartialEq)]
    pub struct ImageOptions as request {
        /// How many, 1 to 10.
        pub n: Option<u32> in (1..=10),
        /// `WxH` in pixels, a ratio, or `auto`.
        pub size: Option<String>,
        /// How well.
        pub quality: Option<Quality>,
        /// In what form.
        pub response_format: Option<ImageFormat>,
    }
}

impl ImageOptions {
    /// Options that leave everything to the gateway.
    pub fn new() -> Self {
        Self::default()
    }
}
