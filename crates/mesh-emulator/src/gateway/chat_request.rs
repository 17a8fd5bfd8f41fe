//! A chat request, read and checked field by field ([protocol reference, section 4](mesh_proto::protocol#4-chat-completions)).

use std::collections::BTreeMap;
use std::time::Duration;

use mesh_proto::error::ErrorCode;
use serde_json::Value;

use super::chat_tools::Tools;
use super::chat_turns::{self, PictureIn, Role, Turn};
use super::delivery::Delivery;
use super::document::Document;
use super::drawing_options::DrawingOptions;
use super::errors::Refused;
use super::template::{self, Template};
use super::validate::{self, Bounds, Fields, Problems};

/// A request whose fields keep the rules, borrowed from its body.
#[derive(Debug)]
pub(super) struct ChatRequest<'b> {
    pub(super) model: Option<&'b str>,
    /// What to fall back to, in order.
    pub(super) fallbacks: Vec<&'b str>,
    pub(super) turns: Vec<Turn<'b>>,
    pub(super) delivery: Delivery,
    pub(super) most_tokens: Option<u64>,
    pub(super) stops: Vec<&'b str>,
    pub(super) wish: Option<Wish>,
    pub(super) drawing: Option<DrawingOptions>,
    pub(super) format: AnswerFormat<'b>,
    pub(super) has_service_tier: bool,
    pub(super) effort: Option<Effort>,
    pub(super) tools: Tools<'b>,
    /// How many choices the answer shall have.
    pub(super) count: u32,
    /// How long the answer may take.
    pub(super) timeout: Option<Duration>,
    /// Whether an answer may come from, and go into, the cache.
    pub(super) caching: Caching,
    template: Option<&'b str>,
    variables: BTreeMap<&'b str, &'b str>,
    /// The text of the template, once it was found.
    pub(super) preamble: Option<String>,
}

/// How much a model shall think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effort {
    None,
    Some,
}

/// What the request says of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caching {
    Allowed,
    Declined,
}

/// The kind of answer that is asked for by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Text,
    Picture,
}

/// `response_format` of a text.
#[derive(Clone, Copy, Debug)]
pub(super) enum AnswerFormat<'b> {
    Text,
    JsonObject,
    JsonSchema(&'b Value),
}

impl<'b> ChatRequest<'b> {
    /// Reads a body, or tells every rule that it breaks.
    pub(super) fn read(body: &'b Document) -> Result<Self, Refused> {
        validate::read(body, Self::read_fields)
    }

    fn read_fields(fields: &Fields<'b>, problems: &mut Problems) -> Self {
        check_sampling(fields, problems);
        check_extras(fields, problems);
        let most = fields.integer("max_tokens", Bounds::AtLeast(1.0), problems);
        let completion = fields.integer("max_completion_tokens", Bounds::AtLeast(1.0), problems);
        let count = fields.integer("n", Bounds::Between(1.0, 10.0), problems);
        let wishes = [("text", Wish::Text), ("image", Wish::Picture)];
        Self {
            model: fields.text("model", problems),
            fallbacks: fields.texts("models", problems),
            turns: chat_turns::read(fields, problems),
            delivery: Delivery::read(fields, problems),
            most_tokens: most
                .or(completion)
                .and_then(|most| u64::try_from(most).ok()),
            stops: stops(fields, problems),
            wish: fields.choice("modality", &wishes, problems),
            drawing: fields
                .object("image", problems)
                .map(|image| DrawingOptions::read(&image, problems)),
            format: answer_format(fields, problems),
            has_service_tier: fields.get("service_tier").is_some(),
            effort: fields.choice("reasoning_effort", &EFFORTS, problems),
            tools: Tools::read(fields, problems),
            count: count.and_then(|it| u32::try_from(it).ok()).unwrap_or(1),
            timeout: fields
                .number("timeout", Bounds::Above(0.0), problems)
                .map(|it| Duration::try_from_secs_f64(it).unwrap_or(Duration::MAX)),
            caching: match fields.boolean("cache", problems) {
                Some(false) => Caching::Declined,
                Some(true) | None => Caching::Allowed,
            },
            template: fields.text("template", problems),
            variables: template::variables(fields, problems),
            preamble: None,
        }
    }

    /// The template's text, where there is one, and the text of the user's last message.
    pub(super) fn question(&self) -> String {
        let own = self.own_question();
        match &self.preamble {
            Some(preamble) if own.is_empty() => preamble.clone(),
            Some(preamble) => format!("{preamble}\n{own}"),
            None => own,
        }
    }

    fn own_question(&self) -> String {
        let users = || {
            self.turns
                .iter()
                .rev()
                .filter(|turn| turn.role == Role::User)
        };
        let with_text = users().find(|turn| turn.texts.iter().any(|text| !text.trim().is_empty()));
        with_text
            .map(|turn| turn.texts.join("\n"))
            .unwrap_or_default()
    }

    /// The pictures of the last message that has any of the user's.
    pub(super) fn pictures(&self) -> &[PictureIn<'b>] {
        self.turns
            .iter()
            .rev()
            .find(|turn| turn.role != Role::Assistant && !turn.pictures.is_empty())
            .map(|turn| turn.pictures.as_slice())
            .unwrap_or_default()
    }

    /// Puts the template in that the request names: 404 where there is none of that name, 422 where
    /// a slot of it has no variable.
    pub(super) fn apply_template(&mut self, stored: &[Template]) -> Result<(), Refused> {
        let Some(asked) = self.template else {
            return Ok(());
        };
        let found = stored.iter().find(|it| it.is_called(asked));
        let Some(template) = found else {
            let short: String = asked.chars().take(100).collect();
            return Err(Refused::because(
                ErrorCode::ResourceNotFound,
                format!("No template is called '{short}'."),
            ));
        };
        self.preamble = Some(template.render(&self.variables)?);
        Ok(())
    }
}

/// The efforts that models know.
const EFFORTS: [(&str, Effort); 4] = [
    ("high", Effort::Some),
    ("medium", Effort::Some),
    ("low", Effort::Some),
    ("none", Effort::None),
];

fn check_sampling(fields: &Fields<'_>, problems: &mut Problems) {
    for (name, low, high) in [
        ("temperature", 0.0, 2.0),
        ("top_p", 0.0, 1.0),
        ("frequency_penalty", -2.0, 2.0),
        ("presence_penalty", -2.0, 2.0),
    ] {
        fields.number(name, Bounds::Between(low, high), problems);
    }
    fields.integer("seed", Bounds::Any, problems);
    let tiers = ["default", "auto", "flex"].map(|it| (it, ()));
    fields.choice("service_tier", &tiers, problems);
}

fn check_extras(fields: &Fields<'_>, problems: &mut Problems) {
    if fields
        .text("user", problems)
        .is_some_and(|user| user.chars().count() > 256)
    {
        let message = "String should have at most 256 characters";
        fields.tell("user", message, "string_too_long", problems);
    }
    fields.text("session_id", problems);
    fields.texts("transforms", problems);
    fields.boolean("async_mode", problems);
    fields.texts("modalities", problems);
    fields.object("audio", problems);
}

fn stops<'b>(fields: &Fields<'b>, problems: &mut Problems) -> Vec<&'b str> {
    const MOST: usize = 100;
    let stops = fields.text_or_texts("stop", problems);
    if stops.len() > MOST {
        let message = format!("List should have at most {MOST} items after validation");
        fields.tell("stop", message, "too_long", problems);
    }
    stops.into_iter().filter(|stop| !stop.is_empty()).collect()
}

fn answer_format<'b>(fields: &Fields<'b>, problems: &mut Problems) -> AnswerFormat<'b> {
    #[derive(Clone, Copy)]
    enum Kind {
        Text,
        Object,
        Schema,
    }

    let Some(format) = fields.object("response_format", problems) else {
        return AnswerFormat::Text;
    };
    if !format.has("type") {
        format.missing("type", problems);
    }
    let kinds = [
        ("text", Kind::Text),
        ("json_object", Kind::Object),
        ("json_schema", Kind::Schema),
    ];
    match format.choice("type", &kinds, problems) {
        Some(Kind::Object) => AnswerFormat::JsonObject,
        Some(Kind::Schema) => {
            if !format.has("json_schema") {
                format.missing("json_schema", problems);
            }
            let Some(named) = format.object("json_schema", problems) else {
                return AnswerFormat::Text;
            };
            named.required_text("name", problems);
            named.boolean("strict", problems);
            if !named.has("schema") {
                named.missing("schema", problems);
            }
            named.object("schema", problems);
            named
                .get("schema")
                .map_or(AnswerFormat::JsonObject, AnswerFormat::JsonSchema)
        }
        Some(Kind::Text) | None => AnswerFormat::Text,
    }
}
