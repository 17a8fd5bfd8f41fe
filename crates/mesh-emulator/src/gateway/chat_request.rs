//! A chat request, read and checked field by field (protocol reference, section 4).

use mesh_proto::error::ErrorCode;
use serde_json::Value;

use super::delivery::Delivery;
use super::drawing_options::DrawingOptions;
use super::errors::Refused;
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
    pub(super) template: Option<&'b str>,
}

/// A message.
#[derive(Debug)]
pub(super) struct Turn<'b> {
    pub(super) role: Role,
    pub(super) texts: Vec<&'b str>,
    pub(super) pictures: Vec<PictureIn<'b>>,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    User,
    Assistant,
    Other,
}

/// A picture part.
#[derive(Debug)]
pub(super) struct PictureIn<'b> {
    /// Where it stands: `messages[0].content[1]`.
    pub(super) place: String,
    pub(super) url: &'b str,
    pub(super) detail: Detail,
}

/// How closely a picture shall be looked at, which is a matter of tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Detail {
    Low,
    #[default]
    High,
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
    pub(super) fn read(body: &'b Value) -> Result<Self, Refused> {
        validate::read(body, Self::read_fields)
    }

    fn read_fields(fields: &Fields<'b>, problems: &mut Problems) -> Self {
        check_sampling(fields, problems);
        check_tools(fields, problems);
        check_extras(fields, problems);
        let most = fields.integer("max_tokens", Bounds::AtLeast(1.0), problems);
        let completion = fields.integer("max_completion_tokens", Bounds::AtLeast(1.0), problems);
        let wishes = [("text", Wish::Text), ("image", Wish::Picture)];
        Self {
            model: fields.text("model", problems),
            fallbacks: fields.texts("models", problems),
            turns: turns(fields, problems),
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
            template: fields.text("template", problems),
        }
    }

    /// The text of the user's last message.
    pub(super) fn question(&self) -> String {
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

    /// What the emulator does not have and must not pass over.
    pub(super) fn check_servable(&self) -> Result<(), Refused> {
        match self.template {
            Some(_) => Err(Refused::because(
                ErrorCode::ResourceNotFound,
                "The emulator stores no templates.",
            )),
            None => Ok(()),
        }
    }
}

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
    fields.number("timeout", Bounds::Above(0.0), problems);
    let efforts = ["high", "medium", "low", "none"].map(|it| (it, ()));
    fields.choice("reasoning_effort", &efforts, problems);
    let tiers = ["default", "auto", "flex"].map(|it| (it, ()));
    fields.choice("service_tier", &tiers, problems);
}

fn check_tools(fields: &Fields<'_>, problems: &mut Problems) {
    for (index, tool) in fields
        .list("tools", problems)
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        if let Some(tool) = fields.item("tools", index, tool, problems) {
            tool.required_text("type", problems);
        }
    }
    match fields.get("tool_choice") {
        Some(Value::Object(_)) | None => {}
        Some(_) => {
            let choices = ["auto", "none", "required"].map(|it| (it, ()));
            fields.choice("tool_choice", &choices, problems);
        }
    }
}

fn check_extras(fields: &Fields<'_>, problems: &mut Problems) {
    if fields
        .text("user", problems)
        .is_some_and(|user| user.chars().count() > 256)
    {
        let message = "String should have at most 256 characters";
        fields.tell("user", message, "string_too_long", problems);
    }
    fields.object("variables", problems);
    fields.text("session_id", problems);
    fields.boolean("cache", problems);
    fields.texts("transforms", problems);
    fields.boolean("async_mode", problems);
    fields.texts("modalities", problems);
    fields.object("audio", problems);
}

fn stops<'b>(fields: &Fields<'b>, problems: &mut Problems) -> Vec<&'b str> {
    let stops = fields.text_or_texts("stop", problems);
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

fn turns<'b>(fields: &Fields<'b>, problems: &mut Problems) -> Vec<Turn<'b>> {
    if !fields.has("messages") {
        fields.missing("messages", problems);
        return Vec::new();
    }
    if fields.get("messages").is_none() {
        fields.tell(
            "messages",
            "Input should be a valid list",
            "list_type",
            problems,
        );
    }
    let Some(items) = fields.list("messages", problems) else {
        return Vec::new();
    };
    if items.is_empty() {
        let message = "List should have at least 1 item after validation, not 0";
        fields.tell("messages", message, "too_short", problems);
    }
    let messages = items.iter().enumerate();
    messages
        .filter_map(|(index, item)| {
            let message = fields.item("messages", index, item, problems)?;
            turn(&message, problems)
        })
        .collect()
}

fn turn<'b>(message: &Fields<'b>, problems: &mut Problems) -> Option<Turn<'b>> {
    let roles = [
        ("system", Role::Other),
        ("developer", Role::Other),
        ("user", Role::User),
        ("assistant", Role::Assistant),
        ("tool", Role::Other),
        ("function", Role::Other),
    ];
    message.required_text("role", problems)?;
    let mut turn = Turn {
        role: message.choice("role", &roles, problems)?,
        texts: Vec::new(),
        pictures: Vec::new(),
    };
    if !message.has("content") && turn.role != Role::Assistant {
        message.missing("content", problems);
    }
    match message.get("content") {
        Some(Value::String(text)) => turn.texts.push(text),
        Some(Value::Array(parts)) => {
            for (index, part) in parts.iter().enumerate() {
                if let Some(part) = message.item("content", index, part, problems) {
                    read_part(&part, &mut turn, problems);
                }
            }
        }
        Some(_) => {
            let text = "Input should be a valid string, a list of parts, or null";
            message.tell("content", text, "string_type", problems);
        }
        None => {}
    }
    Some(turn)
}

fn read_part<'b>(part: &Fields<'b>, turn: &mut Turn<'b>, problems: &mut Problems) {
    match part.required_text("type", problems) {
        Some("text") => turn.texts.extend(part.required_text("text", problems)),
        Some("image_url") => {
            if !part.has("image_url") {
                part.missing("image_url", problems);
            }
            let Some(image) = part.object("image_url", problems) else {
                return;
            };
            let details = [
                ("auto", Detail::High),
                ("low", Detail::Low),
                ("high", Detail::High),
            ];
            let detail = image
                .choice("detail", &details, problems)
                .unwrap_or_default();
            if let Some(url) = image.required_text("url", problems) {
                turn.pictures.push(PictureIn {
                    place: part.path(),
                    url,
                    detail,
                });
            }
        }
        Some(name @ ("input_audio" | "video_url")) => {
            if !part.has(name) {
                part.missing(name, problems);
            }
            part.object(name, problems);
        }
        // An answer that is sent back may hold parts of any shape.
        Some(_) if turn.role != Role::Assistant => {
            let message = "Input should be 'text', 'image_url', 'input_audio' or 'video_url'";
            part.tell("type", message, "literal_error", problems);
        }
        Some(_) | None => {}
    }
}
