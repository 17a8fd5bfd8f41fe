//! The messages of a chat request, read and checked field by field ([protocol reference, section
//! 4.1](mesh_proto::protocol#41-image-input)).

use serde_json::Value;

use super::validate::{Fields, Problems};

/// A message.
#[derive(Debug)]
pub(super) struct Turn<'b> {
    pub(super) role: Role,
    pub(super) texts: Vec<&'b str>,
    pub(super) pictures: Vec<PictureIn<'b>>,
    /// Of the assistant: the tools that it called.
    pub(super) calls: Vec<CallBack<'b>>,
    /// Of a tool: the call that it answers.
    pub(super) answers: Option<&'b str>,
    /// Of the assistant: what it thought, as it came back.
    pub(super) thoughts: Option<&'b Value>,
}

/// A tool call that is sent back.
#[derive(Debug)]
pub(super) struct CallBack<'b> {
    /// Where it stands: `messages[1].tool_calls[0]`.
    pub(super) place: String,
    pub(super) id: &'b str,
    pub(super) name: &'b str,
    pub(super) arguments: &'b str,
    pub(super) signature: Option<&'b str>,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    User,
    Assistant,
    Tool,
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

/// Reads `messages`.
pub(super) fn read<'b>(fields: &Fields<'b>, problems: &mut Problems) -> Vec<Turn<'b>> {
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
    let mut turns = Vec::new();
    for (index, item) in items.iter().enumerate() {
        if problems.is_full() {
            break;
        }
        let message = fields.item("messages", index, item, problems);
        turns.extend(message.and_then(|message| turn(&message, problems)));
    }
    turns
}

fn turn<'b>(message: &Fields<'b>, problems: &mut Problems) -> Option<Turn<'b>> {
    let roles = [
        ("system", Role::Other),
        ("developer", Role::Other),
        ("user", Role::User),
        ("assistant", Role::Assistant),
        ("tool", Role::Tool),
        ("function", Role::Tool),
    ];
    message.required_text("role", problems)?;
    let mut turn = Turn {
        role: message.choice("role", &roles, problems)?,
        texts: Vec::new(),
        pictures: Vec::new(),
        calls: Vec::new(),
        answers: message.text("tool_call_id", problems),
        thoughts: message.get("reasoning_details"),
    };
    if message.get("role").is_some_and(|role| role == "tool") && !message.has("tool_call_id") {
        message.missing("tool_call_id", problems);
    }
    let calls = message.list("tool_calls", problems).unwrap_or_default();
    for (index, call) in calls.iter().enumerate() {
        if problems.is_full() {
            break;
        }
        let call = message.item("tool_calls", index, call, problems);
        turn.calls
            .extend(call.and_then(|call| read_call(&call, problems)));
    }
    if !message.has("content") && turn.role != Role::Assistant {
        message.missing("content", problems);
    }
    match message.get("content") {
        Some(Value::String(text)) => turn.texts.push(text),
        Some(Value::Array(parts)) => {
            for (index, part) in parts.iter().enumerate() {
                if problems.is_full() {
                    break;
                }
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

fn read_call<'b>(call: &Fields<'b>, problems: &mut Problems) -> Option<CallBack<'b>> {
    let id = call.required_text("id", problems);
    if !call.has("function") {
        call.missing("function", problems);
    }
    let function = call.object("function", problems)?;
    Some(CallBack {
        place: call.path(),
        id: id?,
        name: function.required_text("name", problems)?,
        arguments: function.required_text("arguments", problems)?,
        signature: call.text("thought_signature", problems),
    })
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
