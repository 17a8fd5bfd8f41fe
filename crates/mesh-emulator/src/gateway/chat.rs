//! `POST /v1/chat/completions` (protocol reference, section 4): from a body to an answer.

use mesh_proto::error::ErrorCode;

use super::chat_reply::{self, Answer};
use super::chat_request::{AnswerFormat, ChatRequest, Role, Wish};
use super::chat_stream;
use super::circumstances::{self, Answered, Circumstances};
use super::delivery::Delivery;
use super::draft::Draft;
use super::drawing_options::{DrawingOptions, PictureFormat};
use super::errors::Refused;
use super::given::Given;
use super::looking::{self, Seen};
use super::models::Model;
use super::painting;
use super::picture_shape::{self, Shaped};
use super::pictures::Hosted;
use super::record::Exchange;
use super::routing::{self, Routed};
use super::structured;
use super::switches::{Cost, Refusal, ResponseFormat};
use super::tokens::{self, Ending};
use super::usage::Usage;
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
    let body = circumstances::json(body)?;
    let request = ChatRequest::read(&body)?;
    request.check_servable()?;
    let routed = routing::route(&request)?;
    let model = routed.model;
    exchange.model = Some(model.id.to_owned());
    let intent = intent(&request, model)?;
    let mut seen = Seen::default();
    let looked = looking::look_at_all(&request, circumstances.sources(), &mut seen);
    exchange.pictures_in = std::mem::take(&mut seen.record);
    looked?;
    let prompt = prompt_tokens(&request, &seen, model)?;
    let made = make(&request, intent, &seen, circumstances)?;
    exchange.drawn = made.drawn;
    exchange.pictures_out = made.hosted.iter().map(|it| it.name.clone()).collect();
    let usage = Usage {
        prompt,
        pictures: seen.tokens,
        completion: made.tokens,
    };
    let draft = deliver(
        &request,
        &routed,
        made.said,
        usage,
        made.drawn,
        circumstances,
    );
    Ok(Answered {
        draft,
        hosted: made.hosted,
    })
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
    let is_about_words =
        request.wish == Some(Wish::Text) || !matches!(request.format, AnswerFormat::Text);
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
        Intent::Write => Ok(write(request, &question, seen)),
        Intent::Draw(options) => draw(&question, options, seen, circumstances),
    }
}

fn decline(refusal: Refusal) -> Result<Made, Refused> {
    let text = painting::DECLINED;
    match refusal {
        Refusal::AsError => Err(Refused::because(ErrorCode::ContentPolicyViolation, text)),
        Refusal::InMessage => Ok(Made {
            said: Said::Declined(text.to_owned()),
            tokens: tokens::count(text),
            drawn: 0,
            hosted: Vec::new(),
        }),
    }
}

fn write(request: &ChatRequest<'_>, question: &str, seen: &Seen) -> Made {
    let prose = if seen.sights.is_empty() {
        small_talk(question)
    } else {
        vision::compare(&seen.sights, question)
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
    let joined: Vec<&str> = text.split_whitespace().collect();
    let joined = joined.join(" ");
    let short: String = joined.chars().take(80).collect();
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
    let painted = painting::paint(&prompt, None, options, &painting::png)?;
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

fn deliver(
    request: &ChatRequest<'_>,
    routed: &Routed,
    said: Said,
    usage: Usage,
    drawn: usize,
    circumstances: &Circumstances<'_>,
) -> Draft {
    let settings = circumstances.settings;
    let (shaped, refusal, ending) = match said {
        Said::Words(text, ending) => (Shaped::of_text(text), None, ending),
        Said::Declined(text) => (Shaped::default(), Some(text), Ending::ContentFilter),
        Said::Pictures(shaped) => (shaped, None, Ending::Stop),
    };
    let pictures = u64::try_from(drawn).unwrap_or(u64::MAX);
    let cost = match settings.switches.cost {
        Cost::Absent => None,
        Cost::Reported => {
            let model = routed.model;
            Some(model.cost(usage.prompt, usage.completion, pictures))
        }
    };
    let answer = Answer {
        id: circumstances.ids.id("chatcmpl-", 1),
        created: circumstances.created,
        routed,
        shaped,
        refusal,
        ending,
        usage,
        cost,
    };
    let mut draft = match request.delivery {
        Delivery::Whole => chat_reply::whole(answer),
        Delivery::Streamed => chat_stream::streamed(answer, settings.pace),
    };
    routed.tell(request.delivery, &mut draft.headers);
    draft
}
