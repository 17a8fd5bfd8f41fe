//! A chat request.

use serde_json::Value;

use super::cost::Prices;
use super::{Cost, Examination, Report, Severity};
use crate::chat::{
    ChatRequest, Content, Effort, Message, Modality, Part, ResponseFormat, Role, ServiceTier,
};
use crate::models::{Capability, Feature, Model};

impl ChatRequest {
    /// Holds the request against what the catalogue says of `model`, and against the gateway's
    /// limits ([protocol reference, section 4](crate::protocol#4-chat-completions) and [section 8](crate::protocol#8-limits-timeouts-retries)), offline: body size, pictures, kinds of input
    /// and output, abilities. It advises, and never blocks.
    ///
    /// [`Report::cost`] is an upper bound, and there only for plain text without `reasoning_effort`:
    /// with `max_tokens`, or else the model's context, for the answer. How many tokens a picture, a
    /// tool or a thought comes to is not in the catalogue.
    ///
    /// ```
    /// use mesh_proto::ChatRequest;
    /// use mesh_proto::models::Model;
    ///
    /// let model: Model = serde_json::from_str(
    ///     r#"{"id":"acme/one","pricing":{"pricing_unit":"per_1m_tokens","input_usd_per_unit":"2.5","output_usd_per_unit":"10"}}"#,
    /// )?;
    /// let mut request = ChatRequest::new("acme/one").user("What is a fox?");
    /// request.max_tokens = Some(300);
    /// let most = request.check(&model).cost().and_then(|cost| cost.most.clone());
    /// assert_eq!(most.map(|it| it.to_string()).as_deref(), Some("0.003195"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn check(&self, model: &Model) -> Report {
        let mut examination = Examination::new(model);
        examination.built(self.validate());
        examination.model(self.model.as_deref());
        examination.needs(
            "model",
            &Feature::CompletionsApi,
            "another endpoint may be meant",
        );
        examination.options(self);
        for (place, message) in self.messages.iter().enumerate() {
            examination.message(place, message);
        }
        examination.body(self);
        examination.report.cost = cost(self, model);
        examination.finish()
    }

    fn draws(&self) -> bool {
        self.image.is_some() || self.modality == Some(Modality::Image)
    }
}

impl Examination<'_> {
    fn options(&mut self, request: &ChatRequest) {
        if let (Some(asked), Some(context)) = (request.max_tokens, self.model.context())
            && u64::from(asked) > context
        {
            self.find(
                Severity::Warning,
                "max_tokens",
                format!("{asked} tokens, and the model's whole context has {context}"),
            );
        }
        if !request.models.is_empty() {
            self.find(
                Severity::Advice,
                "models",
                "the models to fall back to are not checked",
            );
        }
        if !request.tools.is_empty() {
            self.needs("tools", &Feature::Tools, "they may be refused or ignored");
        }
        if matches!(
            request.response_format,
            Some(ResponseFormat::JsonSchema { .. })
        ) {
            self.needs(
                "response_format",
                &Feature::StructuredOutput,
                "it may answer in ordinary prose",
            );
        }
        match &request.reasoning_effort {
            None | Some(Effort::None) => {}
            Some(Effort::Other(_)) => self.find(
                Severity::Warning,
                "reasoning_effort",
                "the gateway knows high, medium, low and none",
            ),
            Some(_) => self.needs(
                "reasoning_effort",
                &Feature::Thinking,
                "such models reject the call",
            ),
        }
        if let Some(tier) = &request.service_tier {
            self.made_by(
                "service_tier",
                "openai",
                Severity::Warning,
                "others are refused with 400",
            );
            if *tier == ServiceTier::Flex {
                self.needs("service_tier", &Feature::Flex, "it may be refused");
            }
        }
        if request.draws() {
            let field = if request.image.is_some() {
                "image"
            } else {
                "modality"
            };
            self.output(field, &Modality::Image);
        } else if let Some(modality) = &request.modality {
            self.output("modality", modality);
        } else if self.model.gives(&Modality::Text) == Capability::No {
            self.find(
                Severity::Advice,
                "model",
                "the catalogue says that the model gives no text",
            );
        }
    }

    fn message(&mut self, place: usize, message: &Message) {
        if matches!(message.role, Role::System | Role::Developer) {
            self.needs(
                format!("messages[{place}]"),
                &Feature::SystemPrompt,
                "it may be refused or ignored",
            );
        }
        match &message.content {
            None => {}
            Some(Content::Text(text)) => self.text(format!("messages[{place}].content"), text),
            Some(Content::Parts(parts)) => {
                for (part_place, part) in parts.iter().enumerate() {
                    self.part(&format!("messages[{place}].content[{part_place}]"), part);
                }
                let has_picture = parts.iter().any(|it| matches!(it, Part::Image { .. }));
                if message.role == Role::Tool && has_picture {
                    self.find(
                        Severity::Advice,
                        format!("messages[{place}]"),
                        "whether a tool's result may carry pictures depends on the provider",
                    );
                }
            }
        }
    }

    fn part(&mut self, field: &str, part: &Part) {
        match part {
            Part::Text { text, .. } => self.text(field.to_owned(), text),
            Part::Image { image, .. } => self.picture(field, image),
            Part::Other(part) => match part.get("type").and_then(Value::as_str) {
                Some("input_audio") => self.input(field.to_owned(), &Modality::Audio),
                Some("video_url") => self.input(field.to_owned(), &Modality::Video),
                _ => {}
            },
        }
    }

    fn text(&mut self, field: String, text: &str) {
        if text.contains("data:image/") && text.contains(";base64,") {
            self.find(
                Severity::Warning,
                field,
                "a data URL in a text attaches nothing: pictures are parts of their own",
            );
        }
    }
}

fn cost(request: &ChatRequest, model: &Model) -> Option<Cost> {
    let is_of_this_model = request.model.as_ref() == Some(&model.id)
        && request.models.is_empty()
        && model.is_composite != Some(true);
    let listed = match Prices::of(model).filter(|_| is_of_this_model)? {
        Prices::Free => return Some(Cost::nothing()),
        Prices::Listed(listed) => listed,
    };
    let is_plain = request.tools.is_empty()
        && matches!(request.response_format, None | Some(ResponseFormat::Text))
        && request.template.is_none()
        && request.extra.is_empty()
        && !matches!(request.service_tier, Some(ServiceTier::Other(_)))
        // Some providers count thinking beyond `max_tokens`.
        && matches!(request.reasoning_effort, None | Some(Effort::None))
        && !request.draws();
    if !is_plain {
        return None;
    }
    let bytes = request.messages.iter().try_fold(0_u64, |sum, message| {
        Some(sum.saturating_add(text_bytes(message)?))
    })?;
    let tokens = request
        .max_tokens
        .map(u64::from)
        .or_else(|| model.context())?;
    let read = listed.most_for_text(bytes, request.messages.len() as u64)?;
    let written = (listed.output_per_million()? * tokens).divided_by_ten_to(6);
    let most = [read, written]
        .into_iter()
        .chain(listed.per_request())
        .sum();
    let basis = format!(
        "at the catalogue's prices, a token for each of {bytes} bytes of text and some around them, {tokens} tokens of answer"
    );
    Cost::between(model, None, Some(most), basis)
}

/// How long a message is that is nothing but text.
fn text_bytes(message: &Message) -> Option<u64> {
    if !message.tool_calls.is_empty() || !message.extra.is_empty() {
        return None;
    }
    let name = message.name.as_ref().map_or(0, String::len) as u64;
    let content = match &message.content {
        None => 0,
        Some(Content::Text(text)) => text.len() as u64,
        Some(Content::Parts(parts)) => parts.iter().try_fold(0_u64, |sum, part| match part {
            Part::Text { text, .. } => Some(sum.saturating_add(text.len() as u64)),
            Part::Image { .. } | Part::Other(_) => None,
        })?,
    };
    Some(name.saturating_add(content))
}
