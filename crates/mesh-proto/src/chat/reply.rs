//! The reply: choices, usage, and the pictures in it, wherever they are.

use std::borrow::Cow;
use std::fmt;

use serde_core::{Deserialize, Serialize};
use serde_json::Value;

use super::chunk::{is_blank, text_in};
use super::content::{Content, Part};
use super::ending::Ending;
use super::logprobs::Logprobs;
use super::message::{Message, Role};
use super::tools::ToolCall;
use crate::error::{Absence, NoPicture};
use crate::image::{
    BESIDE_CONTENT, GeneratedImage, Urls, find_in_data, find_in_message, holds_picture, once,
};
use crate::open_enum::open_enum;
use crate::usage::{Usage, usage_beside};
use crate::usd::Usd;
use crate::wire::{
    Extra, Json, count, lenient, lenient_list, lenient_object, null_is_default, read_object,
    without_nulls,
};

read_object! {
    /// A reply of `POST /v1/chat/completions` ([protocol reference, section 4.2](crate::protocol#42-response)), plain or assembled
    /// from a stream. What is odd or missing in it beside the choices costs nothing.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct ChatReply then Self::settle {
        /// The reply's id.
        pub id: Option<String> => lenient,
        /// When it was made, in seconds since 1970.
        pub created: Option<u64> => count,
        /// The model that answered; may be the provider's own name for it.
        pub model: Option<String> => lenient,
        /// The answers, one unless more were asked for.
        pub choices: Vec<Choice> [always] => without_nulls,
        /// What it took.
        pub usage: Option<Usage> => lenient_object,
        /// The system that answered; the emulator names itself here.
        pub system_fingerprint: Option<String> => lenient,
        /// Pictures beside or instead of choices, as the images endpoint has them.
        pub data: Vec<Picture> => pictures,
    }
}

impl ChatReply {
    /// Takes the usage from where else it may be.
    fn settle(&mut self) {
        if self.usage.is_none() {
            let choices = self.choices.iter();
            let choices = choices.map(|choice| (&choice.extra, &choice.message.extra));
            self.usage = usage_beside(&self.extra, choices);
        }
    }

    /// The text of the first choice; empty where it has none.
    pub fn text(&self) -> Cow<'_, str> {
        self.choices
            .first()
            .map(|choice| choice.message.text())
            .unwrap_or_default()
    }

    /// Every picture of the reply, in every shape of the [protocol reference, section 6](crate::protocol#6-image-results-a-client-must-accept): in parts,
    /// in `images`, in `data`, in Markdown, by data URL, base64 or URL. A URL in a field may be
    /// relative to the gateway, and one in Markdown if nothing else of the reply is a picture.
    pub fn images(&self) -> Vec<GeneratedImage> {
        let found = self.found(Urls::Absolute);
        if found.is_empty() {
            return self.found(Urls::Any);
        }
        found
    }

    fn found(&self, urls: Urls) -> Vec<GeneratedImage> {
        let in_choices = self
            .choices
            .iter()
            .flat_map(|choice| choice.message.found(urls));
        let beside = pictures_in(&self.extra, &[IMAGES]);
        let data = self.data.iter().chain(&beside);
        once(in_choices.chain(find_in_data(data.map(|it| &it.0))))
    }

    /// The same pictures, without the reply: [`GeneratedImage::into_bytes`] can then decode a
    /// picture in the memory that it was received in.
    pub fn into_images(self) -> Vec<GeneratedImage> {
        self.images()
    }

    /// Every picture of the reply, where one was asked for.
    ///
    /// Errors where there is none, with the reason and what the model says instead. The answer
    /// was delivered all the same, and it is billed.
    pub fn drawn(&self) -> Result<Vec<GeneratedImage>, NoPicture> {
        let images = self.images();
        if !images.is_empty() {
            return Ok(images);
        }
        let text = self.text().into_owned();
        let absence = |reason, text| Err(NoPicture::new(reason, text, self.usage.clone()));
        if let Some(refusal) = self.choices.first().and_then(Choice::refusal) {
            return absence(Absence::Refusal, refusal.to_owned());
        }
        match self.finish_reason().map(FinishReason::ending) {
            Some(Ending::Filtered) => absence(Absence::ContentFilter, text),
            Some(Ending::MostTokens | Ending::Broken) => absence(Absence::CutOff, text),
            _ if !text.trim().is_empty() => absence(Absence::Prose, text),
            _ if !self.tool_calls().is_empty() => absence(Absence::ToolCalls, text),
            _ => Err(NoPicture::in_data(
                self.data.iter().map(|it| &it.0),
                self.usage.clone(),
            )),
        }
    }

    /// The first choice's message, to go on with: with its tool calls, its reasoning and whatever
    /// else has to be sent back as it came. `None` where there is no choice.
    pub fn into_message(self) -> Option<Message> {
        self.choices
            .into_iter()
            .next()
            .map(|choice| choice.message.into_message())
    }

    /// What it cost, as the gateway says: a field that is often missing. What is billed for sure,
    /// `POST /v1/usage/events` says by the request's id.
    pub fn cost(&self) -> Option<Usd> {
        cost(&self.extra, self.usage.as_ref())
    }

    /// How the model was chosen, where that was left to the gateway (`model: "auto"`).
    pub fn auto_routing(&self) -> Option<AutoRouting> {
        AutoRouting::read(&self.extra)
    }

    /// Whether the gateway answered from its cache, told by the reply's id.
    pub fn is_cached(&self) -> bool {
        let id = self.id.as_deref();
        id.is_some_and(|id| id.starts_with("chatcmpl-cached-"))
    }

    /// The calls of tools in the first choice.
    pub fn tool_calls(&self) -> &[ToolCall] {
        self.choices
            .first()
            .map(|choice| choice.message.tool_calls.as_slice())
            .unwrap_or_default()
    }

    /// Why the first choice ended.
    pub fn finish_reason(&self) -> Option<&FinishReason> {
        self.choices.first()?.finish_reason.as_ref()
    }

    /// What the model says where it declines: its `refusal`, or the text beside a content filter.
    pub fn refusal(&self) -> Option<Cow<'_, str>> {
        let choice = self.choices.first()?;
        match (choice.refusal(), &choice.finish_reason) {
            (Some(text), _) => Some(Cow::Borrowed(text)),
            (None, Some(FinishReason::ContentFilter)) => Some(choice.message.text()),
            _ => None,
        }
    }
}

/// The cost beside the usage, or within it.
pub(super) fn cost(extra: &Extra, usage: Option<&Usage>) -> Option<Usd> {
    let within = || usage?.extra.get("cost");
    let told = extra.get("cost").or_else(within)?;
    Usd::deserialize(told).ok()
}

/// How a model was chosen ([protocol reference, section 4.2](crate::protocol#42-response)).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AutoRouting {
    /// The model that was chosen.
    pub model: Option<String>,
    /// Whether it is the fallback, because none could be chosen.
    pub is_fallback: bool,
    /// Why it is the fallback.
    pub fallback_reason: Option<String>,
    /// What choosing took, which is billed.
    pub classifier_usage: Vec<Usage>,
}

impl AutoRouting {
    fn read(extra: &Extra) -> Option<Self> {
        let is = |name| extra.get(name).and_then(Value::as_bool) == Some(true);
        let text = |name| extra.get(name).and_then(Value::as_str).map(str::to_owned);
        let model = text("x_resolved_model_id");
        if !is("x_auto_routed") && model.is_none() {
            return None;
        }
        let usage = extra.get("x_classifier_usage");
        Some(Self {
            model,
            is_fallback: is("x_auto_routed_fallback"),
            fallback_reason: text("x_auto_routed_fallback_reason"),
            classifier_usage: usage
                .and_then(|it| lenient_list(it).ok())
                .unwrap_or_default(),
        })
    }
}

read_object! {
    /// One answer of a reply.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Choice then Self::settle {
        /// Its place among the answers.
        pub index: u64 [always] => place,
        /// What is said.
        pub message: ReplyMessage [always] => null_is_default,
        /// Why it ended.
        pub finish_reason: Option<FinishReason> => lenient,
        /// How likely its tokens were, where that was asked for.
        pub logprobs: Option<Logprobs>,
    }
}

impl Choice {
    /// Takes the choice's `delta` or `text` for the message where that says nothing.
    fn settle(&mut self) {
        if !self.message.is_blank() {
            return;
        }
        let delta = self.extra.get(DELTA).map(ReplyMessage::deserialize);
        if let Some(Ok(mut delta)) = delta
            && !delta.is_blank()
        {
            delta.role = delta.role.or(self.message.role.take());
            self.message = delta;
            self.extra.remove(DELTA);
        } else if let Some(text) = text_in(&mut self.extra) {
            self.message.content = Some(text);
        }
    }

    /// The model's own words of refusal.
    fn refusal(&self) -> Option<&str> {
        let refusal = self.message.extra.get("refusal").and_then(Value::as_str);
        refusal.filter(|text| !text.trim().is_empty())
    }
}

/// The field that a choice of a stream has its message in.
const DELTA: &str = "delta";

pub(super) fn place<'de, D: serde_core::Deserializer<'de>>(
    deserializer: D,
) -> Result<u64, D::Error> {
    Ok(count(deserializer)?.unwrap_or(0))
}

read_object! {
    /// A message of the model's.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct ReplyMessage {
        /// Who speaks: the assistant.
        pub role: Option<Role> => lenient,
        /// What is said. Some models leave it out or empty.
        pub content: Option<Content> [always],
        /// Pictures beside the content.
        pub images: Vec<Picture> => pictures,
        /// The calls of tools.
        pub tool_calls: Vec<ToolCall> => lenient_list,
    }
}

impl ReplyMessage {
    /// Whether it says nothing: it may still have a role.
    fn is_blank(&self) -> bool {
        self.content.as_ref().is_none_or(Content::is_empty)
            && self.images.is_empty()
            && self.tool_calls.is_empty()
            && is_blank(&self.extra)
    }

    /// The message as one of a conversation, nothing left out.
    pub fn into_message(self) -> Message {
        let mut message = Message::new(self.role.unwrap_or(Role::Assistant), "");
        message.content = self.content;
        message.tool_calls = self.tool_calls;
        message.extra = self.extra;
        if !self.images.is_empty() {
            let images = self.images.into_iter().map(|it| it.0.into()).collect();
            message
                .extra
                .insert("images".to_owned(), Value::Array(images));
        }
        message
    }

    /// What the model thought, as it tells it in words; empty where it does not.
    pub fn reasoning(&self) -> &str {
        let places = ["reasoning_content", "reasoning"];
        let texts = places
            .iter()
            .filter_map(|name| self.extra.get(*name)?.as_str());
        texts.max_by_key(|text| text.len()).unwrap_or_default()
    }

    /// What has to be sent back as it came when the conversation goes on; a message that was made
    /// with [`ReplyMessage::into_message`] does.
    pub fn reasoning_details(&self) -> &[Value] {
        self.extra
            .get("reasoning_details")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// The answer as sound, as it came.
    pub fn audio(&self) -> Option<&Value> {
        self.extra.get("audio").filter(|audio| !audio.is_null())
    }

    /// The text; empty where there is none.
    pub fn text(&self) -> Cow<'_, str> {
        self.content.as_ref().map(Content::text).unwrap_or_default()
    }

    /// Every picture of the message.
    pub fn images(&self) -> Vec<GeneratedImage> {
        let found = once(self.found(Urls::Absolute).into_iter());
        if found.is_empty() {
            return once(self.found(Urls::Any).into_iter());
        }
        found
    }

    fn found(&self, urls: Urls) -> Vec<GeneratedImage> {
        let (text, parts) = match &self.content {
            Some(Content::Text(text)) => (Some(text.as_str()), Vec::new()),
            Some(Content::Parts(parts)) => (None, parts.iter().map(Part::to_json).collect()),
            None => (None, Vec::new()),
        };
        let beside = pictures_in(&self.extra, &BESIDE_CONTENT);
        let images = self.images.iter().chain(&beside).map(|it| &it.0);
        find_in_message(text, &parts, images, urls)
    }
}

/// A list of pictures beside or instead of choices, where it is not `data`.
pub(crate) const IMAGES: &str = "images";

/// What stands where pictures may be among fields that are not modelled.
pub(crate) fn pictures_in(extra: &Extra, names: &[&str]) -> Vec<Picture> {
    let values = names.iter().filter_map(|name| extra.get(*name));
    values
        .flat_map(|it| pictures(it).unwrap_or_default())
        .collect()
}

/// A picture as a reply holds it; [`ChatReply::images`] reads it.
#[derive(Clone, PartialEq)]
pub struct Picture(pub(crate) Json);

impl Picture {
    /// Whether it is one, or stands in the place of one that is missing.
    pub(crate) fn is_one(&self) -> bool {
        const NAMES: [&str; 4] = ["b64_json", "url", "image_url", "revised_prompt"];
        holds_picture(&self.0) || NAMES.iter().any(|name| self.0.get(name).is_some())
    }
}

impl Serialize for Picture {
    fn serialize<S: serde_core::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Picture {
    fn deserialize<D: serde_core::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Json::deserialize(deserializer).map(Self)
    }
}

/// Whatever stands where pictures belong: a list, or a single one without its brackets.
pub(crate) fn pictures<'de, D: serde_core::Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Picture>, D::Error> {
    Ok(match Json::deserialize(deserializer)? {
        Json::List(items) => items.into_iter().map(Picture).collect(),
        single @ (Json::Object(_) | Json::Text(_)) => vec![Picture(single)],
        Json::Null | Json::Bool(_) | Json::Number(_) => Vec::new(),
    })
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Picture")
    }
}

open_enum! {
    /// Why an answer ended.
    pub enum FinishReason {
        /// It was complete.
        Stop = "stop",
        /// It reached the most tokens.
        Length = "length",
        /// The model calls tools.
        ToolCalls = "tool_calls",
        /// A content filter cut it off.
        ContentFilter = "content_filter",
    }
}
