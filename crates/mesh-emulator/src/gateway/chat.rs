//! `POST /v1/chat/completions` ([protocol reference, section 4](mesh_proto::protocol#4-chat-completions)): from a body to an answer.

use mesh_proto::error::ErrorCode;
use serde_json::Value;

use super::cache::{Kept, Question};
use super::chat_reply::{self, Answer};
use super::chat_request::{AnswerFormat, Caching, ChatRequest, Effort, Wish};
use super::chat_stream;
use super::chat_tools::{self, ToolCall};
use super::chat_turns::Role;
use super::circumstances::{Answered, Circumstances};
use super::delivery::Delivery;
use super::document::Document;
use super::drawing_options::{DrawingOptions, PictureFormat};
use super::errors::Refused;
use super::given::Given;
use super::looking::{self, Seen};
use super::models::{Model, Thinking};
use super::painting;
use super::picture_shape::{self, Shaped};
use super::pictures::Hosted;
use super::record::Exchange;
use super::routing::{self, Routed};
use super::structured;
use super::switches::{Cost, Refusal, ResponseFormat, Thoughts};
use super::tokens::{self, Ending};
use super::usage::Usage;
use crate::drawing;
use crate::vision;

/// What a request wants.
#[derive(Clone, Copy, Debug)]
enum Intent {
    Write,
    Draw(DrawingOptions),
}

/// Answers a body, and notes for the page what it was about.
pub(super) fn answer(
    body: &[u8],
    circumstances: &Circumstances<'_>,
    exchange: &mut Exchange,
) -> Result<Answered, Refused> {
    let document = Document::read(body)?;
    let mut request = ChatRequest::read(&document)?;
    let switches = circumstances.settings.switches;
    request.apply_template(&circumstances.settings.templates)?;
    let routed = routing::route(&request)?;
    let model = routed.model;
    exchange.model = Some(model.id.to_owned());
    let intent = intent(&request, model)?;
    if switches.thoughts == Thoughts::Told {
        chat_tools::check_echo(&request.turns)?;
    }
    if request.effort == Some(Effort::Some) && model.thinks == Thinking::Fixed {
        return unthinking(&request, model, circumstances);
    }
    let mut seen = Seen::default();
    let looked = looking::look_at_all(&request, circumstances, &mut seen);
    exchange.pictures_in = std::mem::take(&mut seen.record);
    looked?;
    let prompt = prompt_tokens(&request, &seen, model)?;
    let question = circumstances
        .cache
        .filter(|_| request.caching == Caching::Allowed && request.tools.is_empty())
        .map(|cache| (cache, Question::of(circumstances.caller, &document.value)));
    if let Some((cache, question)) = &question
        && let Some(document) = cache.find(question)
    {
        let id = circumstances.ids.id("chatcmpl-cached-", 1);
        let created = circumstances.created;
        let draft = chat_reply::replayed(document.clone(), id, created, request.delivery);
        return Ok(Answered::new(draft, Vec::new()));
    }
    let made = make(&request, intent, &seen, circumstances)?;
    exchange.drawn = made.drawn;
    exchange.pictures_out = made.hosted.iter().map(|it| it.name.clone()).collect();
    let usage = Usage {
        prompt,
        pictures: seen.tokens,
        completion: made.tokens.saturating_mul(u64::from(request.count)),
    };
    let thoughts = (switches.thoughts == Thoughts::Told && request.effort != Some(Effort::None))
        .then(|| chat_tools::thoughts(&seen.sights, &request.question()));
    let answer = answered(
        &request,
        &routed,
        made.said,
        thoughts,
        usage,
        made.drawn,
        circumstances,
    );
    // A picture that is hosted is gone one day, and an answer that points to it would not be.
    let kept = question
        .filter(|_| made.hosted.is_empty())
        .map(|(_, question)| Kept {
            question,
            document: answer.document(),
        });
    let mut draft = match request.delivery {
        Delivery::Whole => chat_reply::whole(&answer),
        Delivery::Streamed => {
            let stream = chat_stream::streamed(&answer, circumstances.settings.pace);
            match request.timeout {
                Some(timeout) => chat_stream::cut_off(stream, timeout, circumstances.request_id),
                None => stream,
            }
        }
    };
    routed.tell(request.delivery, &mut draft.headers);
    Ok(Answered {
        draft,
        hosted: made.hosted,
        kept,
    })
}

/// A model that cannot be told how much to think says so, in a stream within it.
fn unthinking(
    request: &ChatRequest<'_>,
    model: &Model,
    circumstances: &Circumstances<'_>,
) -> Result<Answered, Refused> {
    let code = ErrorCode::ModelCapabilityNotSupported;
    let message = format!("The model {} does not support reasoning_effort.", model.id);
    match request.delivery {
        Delivery::Whole => Err(Refused::because(code, message)),
        Delivery::Streamed => {
            let draft = chat_stream::failed(&code, &message, circumstances.request_id);
            Ok(Answered::new(draft, Vec::new()))
        }
    }
}

fn intent(request: &ChatRequest<'_>, model: &Model) -> Result<Intent, Refused> {
    let lacks = |what: &str| Err(Refused::incapable(model.id, what));
    if !model.writes() && !model.draws() {
        return lacks("does not answer chat completions");
    }
    if !model.sees() && request.turns.iter().any(|turn| !turn.pictures.is_empty()) {
        return lacks("does not take pictures");
    }
    let options = request.drawing.unwrap_or_default();
    let is_asked_to_draw = request.drawing.is_some() || request.wish == Some(Wish::Picture);
    if is_asked_to_draw {
        return if model.draws() {
            Ok(Intent::Draw(options))
        } else {
            lacks("does not draw pictures")
        };
    }
    if !model.writes() {
        return if request.wish == Some(Wish::Text) {
            lacks("answers with pictures only")
        } else {
            Ok(Intent::Draw(options))
        };
    }
    // A model that does both draws, unless the request is plainly about words or shows pictures.
    let shows_pictures = request
        .turns
        .iter()
        .rev()
        .find(|turn| turn.role == Role::User)
        .is_some_and(|turn| !turn.pictures.is_empty());
    let is_about_words = request.wish == Some(Wish::Text)
        || !matches!(request.format, AnswerFormat::Text)
        || request
            .tools
            .is_asked_for(drawing::beginning(&request.question()))
        || request.turns.last().is_some_and(|it| it.role == Role::Tool);
    if model.draws() && !shows_pictures && !is_about_words {
        Ok(Intent::Draw(options))
    } else {
        Ok(Intent::Write)
    }
}

fn prompt_tokens(request: &ChatRequest<'_>, seen: &Seen, model: &Model) -> Result<u64, Refused> {
    let turns = request.turns.iter();
    let texts: u64 = turns
        .map(|turn| {
            4 + turn
                .texts
                .iter()
                .map(|text| tokens::count(text))
                .sum::<u64>()
        })
        .sum();
    let all = texts + seen.tokens;
    match model.context() {
        Some(most) if all > most => Err(Refused::because(
            ErrorCode::ContextWindowExceeded,
            format!("The conversation has {all} tokens; the model takes {most}."),
        )),
        _ => Ok(all),
    }
}

/// What there is to say, before it is known how.
struct Made {
    said: Said,
    tokens: u64,
    drawn: usize,
    hosted: Vec<Hosted>,
}

/// The content of an answer.
enum Said {
    Words(String, Ending),
    Calls(ToolCall),
    Declined(String),
    Pictures(Shaped),
}

fn make(
    request: &ChatRequest<'_>,
    intent: Intent,
    seen: &Seen,
    circumstances: &Circumstances<'_>,
) -> Result<Made, Refused> {
    let question = request.question();
    if painting::is_forbidden(&question) {
        return decline(circumstances.settings.switches.refusal);
    }
    match intent {
        Intent::Write => {
            let (turns, sights) = (&request.turns, &seen.sights);
            let asked = drawing::beginning(&question);
            match request
                .tools
                .call(asked, turns, sights, circumstances.ids)?
            {
                Some(call) => Ok(called(call, circumstances.settings.switches.thoughts)),
                None => Ok(write(request, &question, seen)),
            }
        }
        Intent::Draw(options) => draw(&question, options, seen, circumstances),
    }
}

fn decline(refusal: Refusal) -> Result<Made, Refused> {
    let text = painting::DECLINED;
    match refusal {
        Refusal::AsError => Err(Refused::because(ErrorCode::ContentPolicyViolation, text)),
        Refusal::InMessage | Refusal::InProse => Ok(Made {
            said: match refusal {
                Refusal::InProse => Said::Words(text.to_owned(), Ending::Stop),
                _ => Said::Declined(text.to_owned()),
            },
            tokens: tokens::count(text),
            drawn: 0,
            hosted: Vec::new(),
        }),
    }
}

fn called(call: ToolCall, thoughts: Thoughts) -> Made {
    let call = match thoughts {
        Thoughts::Told => call.signed(),
        Thoughts::Absent => call,
    };
    Made {
        tokens: tokens::count(&call.name) + tokens::count(&call.arguments),
        said: Said::Calls(call),
        drawn: 0,
        hosted: Vec::new(),
    }
}

fn write(request: &ChatRequest<'_>, question: &str, seen: &Seen) -> Made {
    let results = chat_tools::told_results(&request.turns);
    let asked = drawing::beginning(question);
    let prose = match (results.is_empty(), seen.sights.is_empty()) {
        (true, true) => small_talk(question),
        (true, false) => vision::compare(&seen.sights, asked),
        (false, true) => results,
        (false, false) => format!("{results}\n{}", vision::compare(&seen.sights, asked)),
    };
    let text = match request.format {
        AnswerFormat::Text => prose,
        AnswerFormat::JsonObject => structured::facts(&seen.sights, &prose, question).to_string(),
        AnswerFormat::JsonSchema(schema) => {
            structured::fill(schema, &seen.sights, &prose, question).to_string()
        }
    };
    let (text, ending) = tokens::cut(text, &request.stops, request.most_tokens);
    Made {
        tokens: tokens::count(&text),
        said: Said::Words(text, ending),
        drawn: 0,
        hosted: Vec::new(),
    }
}

/// What can honestly be said to words alone.
fn small_talk(question: &str) -> String {
    let words = question.split_whitespace().count();
    let quoted = quoted(question);
    let said = match words {
        0 => "Your last message has no words.".to_owned(),
        1 => format!("Your last message is one word: {quoted}."),
        _ => format!("Your last message has {words} words: {quoted}."),
    };
    format!(
        "This is the offline emulator of Mesh API; no model reads this. {said} Send a picture, and it is measured and described; ask a drawing model, and it draws."
    )
}

fn quoted(text: &str) -> String {
    const MOST: usize = 80;
    // So many words and one more have more characters than are quoted.
    let joined: Vec<&str> = text.split_whitespace().take(MOST + 1).collect();
    let joined = joined.join(" ");
    let short: String = joined.chars().take(MOST).collect();
    let more = if short.len() < joined.len() {
        "…"
    } else {
        ""
    };
    format!("“{short}{more}”")
}

fn draw(
    question: &str,
    options: DrawingOptions,
    seen: &Seen,
    circumstances: &Circumstances<'_>,
) -> Result<Made, Refused> {
    if question.trim().is_empty() {
        return Err(Refused::because(
            ErrorCode::InvalidRequest,
            "There is no text of the user's to draw from.",
        ));
    }
    let prompt = painting::prompt_with(question, &seen.sights);
    let painted = painting::paint(&prompt, None, options, &|picture| {
        circumstances.wanted.check()?;
        painting::png(picture)
    })?;
    let format = match circumstances.settings.switches.response_format {
        ResponseFormat::Honoured => options.format,
        ResponseFormat::Ignored => None,
    };
    let mut hosted = Vec::new();
    let mut given = Vec::new();
    for (number, file) in (0..).zip(painted) {
        let is_hosted = format == Some(PictureFormat::Url);
        let place = circumstances
            .host_picture(number, &file)
            .filter(|_| is_hosted);
        given.push(Given {
            file,
            media_type: "image/png",
            hosted: place.map(|(picture, url)| {
                hosted.push(picture);
                url
            }),
        });
    }
    let (width, height) = (options.size.width, options.size.height);
    let caption = match given.len() {
        1 => format!(
            "Drawn by the emulator, {width} × {height} pixels: {}",
            quoted(question)
        ),
        several => format!(
            "{several} pictures drawn by the emulator, {width} × {height} pixels each: {}",
            quoted(question)
        ),
    };
    let place = circumstances.settings.switches.chat_picture;
    let drawn = given.len();
    let tokens = options.size.area() / 256 * u64::from(options.count) + tokens::count(&caption);
    Ok(Made {
        said: Said::Pictures(picture_shape::shape(
            place,
            &given,
            format,
            &caption,
            circumstances.created,
        )),
        tokens,
        drawn,
        hosted,
    })
}

fn answered<'a>(
    request: &ChatRequest<'_>,
    routed: &'a Routed,
    said: Said,
    thoughts: Option<Value>,
    usage: Usage,
    drawn: usize,
    circumstances: &Circumstances<'_>,
) -> Answer<'a> {
    let switches = circumstances.settings.switches;
    let mut calls = Vec::new();
    let (shaped, refusal, ending) = match said {
        Said::Words(text, ending) => (Shaped::of_text(text), None, ending),
        Said::Calls(call) => {
            calls.push(call);
            (Shaped::default(), None, Ending::ToolCalls)
        }
        Said::Declined(text) => (Shaped::default(), Some(text), Ending::ContentFilter),
        Said::Pictures(shaped) => (shaped, None, Ending::Stop),
    };
    let pictures = u64::try_from(drawn).unwrap_or(u64::MAX);
    let cost = match switches.cost {
        Cost::Absent => None,
        Cost::Reported => {
            let model = routed.model;
            Some(model.cost(usage.prompt, usage.completion, pictures))
        }
    };
    Answer {
        id: circumstances.ids.id("chatcmpl-", 1),
        created: circumstances.created,
        routed,
        count: request.count,
        shaped,
        calls,
        thoughts,
        refusal,
        ending,
        usage,
        cost,
        tool_pieces: switches.tool_pieces,
        picture_pieces: switches.picture_pieces,
    }
}
