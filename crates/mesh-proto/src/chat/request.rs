//! The request: a model, options, a conversation.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_core::de::{Deserialize, Deserializer, Error};
use serde_core::ser::{Serialize, Serializer};
use serde_json::Value;

use super::content::Content;
use super::message::{Message, Role};
use super::tools::{ResponseFormat, Tool, ToolChoice};
use crate::body::Splice;
use crate::build_error::BuildError;
use crate::image::Image;
use crate::open_enum::open_enum;
use crate::wire::{Extra, Object, Wire, Written, read_fields, read_object, serialize_inline};

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
#[non_exhaustive]
pub struct ChatRequest {
    /// The model's id: `provider/name`, or `auto`. None where the key has a default.
    pub model: Option<String>,
    /// How freely the model chooses, 0 to 2.
    pub temperature: Option<f64>,
    /// The share of probability that the model chooses from, 0 to 1.
    pub top_p: Option<f64>,
    /// The most tokens to answer with, at least 1.
    pub max_tokens: Option<u32>,
    /// A seed for models that can repeat themselves.
    pub seed: Option<i64>,
    /// How long the gateway shall wait for the provider, in seconds, more than 0; 300 by default.
    pub timeout: Option<f64>,
    /// Models to fall back to, in their order; the gateway does it.
    pub models: Vec<String>,
    /// How much repeated words are avoided, −2 to 2.
    pub frequency_penalty: Option<f64>,
    /// How much topics that were there are avoided, −2 to 2.
    pub presence_penalty: Option<f64>,
    /// Where to stop.
    pub stop: Option<Stop>,
    /// Tools that the model may call.
    pub tools: Vec<Tool>,
    /// Whether it has to call one.
    pub tool_choice: Option<ToolChoice>,
    /// What form the answer shall have.
    pub response_format: Option<ResponseFormat>,
    /// Who asks, for the provider to tell abuse by; at most 256 characters.
    pub user: Option<String>,
    /// How long the model shall think.
    pub reasoning_effort: Option<Effort>,
    /// How soon the answer is wanted. OpenAI's models only.
    pub service_tier: Option<ServiceTier>,
    /// A stored prompt, by its name or UUID.
    pub template: Option<String>,
    /// What stands in the slots of the stored prompt.
    pub variables: BTreeMap<String, String>,
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
    /// Fields that are not modelled here, sent as they are.
    pub extra: Extra,
    /// The conversation.
    pub messages: Vec<Message>,
}

read_fields! {
    ChatRequest {
        model: Option<String>,
        temperature: Option<f64>,
        top_p: Option<f64>,
        max_tokens: Option<u32>,
        seed: Option<i64>,
        timeout: Option<f64>,
        models: Vec<String>,
        frequency_penalty: Option<f64>,
        presence_penalty: Option<f64>,
        stop: Option<Stop>,
        tools: Vec<Tool>,
        tool_choice: Option<ToolChoice>,
        response_format: Option<ResponseFormat>,
        user: Option<String>,
        reasoning_effort: Option<Effort>,
        service_tier: Option<ServiceTier>,
        template: Option<String>,
        variables: BTreeMap<String, String>,
        session_id: Option<String>,
        cache: Option<bool>,
        transforms: Vec<String>,
        modality: Option<Modality>,
        image: Option<ImageOptions>,
        async_mode: Option<bool>,
        modalities: Vec<Modality>,
        audio: Option<Extra>,
        messages: Vec<Message>,
    }
}

// What stands in a slot may be a picture.
impl fmt::Debug for ChatRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ChatRequest");
        macro_rules! what_is_set {
            ($($field:ident)*) => {
                $(if let Some(value) = &self.$field {
                    shown.field(stringify!($field), value);
                })*
            };
        }
        macro_rules! what_is_there {
            ($($field:ident)*) => {
                $(if !self.$field.is_empty() {
                    shown.field(stringify!($field), &self.$field);
                })*
            };
        }
        what_is_set! {
            model temperature top_p max_tokens seed timeout frequency_penalty presence_penalty stop
            tool_choice response_format user reasoning_effort service_tier template session_id cache
            modality image async_mode audio
        }
        if !self.variables.is_empty() {
            shown.field("variables", &self.variables.keys().collect::<Vec<_>>());
        }
        what_is_there!(models tools transforms modalities extra messages);
        shown.finish()
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

    /// Sets how pictures shall be drawn.
    pub fn image(mut self, options: ImageOptions) -> Self {
        self.image = Some(options);
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
        let within = |field, value: Option<f64>, least: f64, most: f64| match value {
            Some(value) if !(least..=most).contains(&value) => Err(BuildError::invalid(
                field,
                format!("{value} is not between {least} and {most}"),
            )),
            _ => Ok(()),
        };
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
        within("temperature", self.temperature, 0.0, 2.0)?;
        within("top_p", self.top_p, 0.0, 1.0)?;
        within("frequency_penalty", self.frequency_penalty, -2.0, 2.0)?;
        within("presence_penalty", self.presence_penalty, -2.0, 2.0)?;
        if self
            .user
            .as_ref()
            .is_some_and(|user| user.chars().count() > 256)
        {
            return Err(BuildError::invalid("user", "longer than 256 characters"));
        }
        if self.max_tokens == Some(0) {
            return Err(BuildError::invalid("max_tokens", "0 is not at least 1"));
        }
        if self
            .timeout
            .is_some_and(|timeout| !(timeout > 0.0 && timeout.is_finite()))
        {
            return Err(BuildError::invalid("timeout", "not more than 0 seconds"));
        }
        if let Some(n) = self
            .image
            .as_ref()
            .and_then(|image| image.n)
            .filter(|n| !(1..=10).contains(n))
        {
            return Err(BuildError::invalid(
                "image.n",
                format!("{n} is not between 1 and 10"),
            ));
        }
        Ok(())
    }

    pub(crate) fn upstream_timeout(&self) -> Option<Duration> {
        self.timeout
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }

    fn write_as<S: Serializer>(
        &self,
        delivery: Delivery,
        splice: Option<&Splice>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut object = Object::begin(serializer, &self.extra)?;
        object.optional("model", self.model.as_ref())?;
        if delivery == Delivery::Stream {
            object.field("stream", &true)?;
        }
        object.optional("temperature", self.temperature.as_ref())?;
        object.optional("top_p", self.top_p.as_ref())?;
        object.optional("max_tokens", self.max_tokens.as_ref())?;
        object.optional("seed", self.seed.as_ref())?;
        object.optional("timeout", self.timeout.as_ref())?;
        object.optional("models", Some(&self.models).filter(|it| !it.is_empty()))?;
        object.optional("frequency_penalty", self.frequency_penalty.as_ref())?;
        object.optional("presence_penalty", self.presence_penalty.as_ref())?;
        object.optional("stop", self.stop.as_ref())?;
        object.optional("tools", Some(&self.tools).filter(|it| !it.is_empty()))?;
        object.optional("tool_choice", self.tool_choice.as_ref())?;
        object.optional("response_format", self.response_format.as_ref())?;
        object.optional("user", self.user.as_ref())?;
        object.optional("reasoning_effort", self.reasoning_effort.as_ref())?;
        object.optional("service_tier", self.service_tier.as_ref())?;
        object.optional("template", self.template.as_ref())?;
        object.optional(
            "variables",
            Some(&self.variables).filter(|it| !it.is_empty()),
        )?;
        object.optional("session_id", self.session_id.as_ref())?;
        object.optional("cache", self.cache.as_ref())?;
        object.optional(
            "transforms",
            Some(&self.transforms).filter(|it| !it.is_empty()),
        )?;
        object.optional("modality", self.modality.as_ref())?;
        object.optional("image", self.image.as_ref())?;
        object.optional("async_mode", self.async_mode.as_ref())?;
        object.optional(
            "modalities",
            Some(&self.modalities).filter(|it| !it.is_empty()),
        )?;
        object.optional("audio", self.audio.as_ref())?;
        object.extra(&["messages", "stream"])?;
        object.field("messages", &Written(self.messages.as_slice(), splice))?;
        object.end()
    }
}

/// Whether the reply comes as one document or as a stream; said by the endpoint, not the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    Whole,
    Stream,
}

impl Wire for ChatRequest {
    fn write<S: Serializer>(
        &self,
        splice: Option<&Splice>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        self.write_as(Delivery::Whole, splice, serializer)
    }
}

serialize_inline!(ChatRequest);

/// A request that asks for a stream.
pub(crate) struct Streamed<'r>(pub(crate) &'r ChatRequest);

impl Wire for Streamed<'_> {
    fn write<S: Serializer>(
        &self,
        splice: Option<&Splice>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        self.0.write_as(Delivery::Stream, splice, serializer)
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

read_object! {
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
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct ImageOptions {
        /// How many, 1 to 10.
        pub n: Option<u32>,
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

    /// Sets how many, 1 to 10.
    pub fn n(mut self, n: u32) -> Self {
        self.n = Some(n);
        self
    }

    /// Sets the size: `WxH` in pixels, a ratio, or `auto`.
    pub fn size(mut self, size: impl Into<String>) -> Self {
        self.size = Some(size.into());
        self
    }

    /// Sets how well.
    pub fn quality(mut self, quality: Quality) -> Self {
        self.quality = Some(quality);
        self
    }

    /// Sets in what form.
    pub fn response_format(mut self, format: ImageFormat) -> Self {
        self.response_format = Some(format);
        self
    }
}
