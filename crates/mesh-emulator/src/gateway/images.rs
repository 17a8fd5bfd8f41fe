//! `POST /v1/images/generations` ([protocol reference, section 5.1](mesh_proto::protocol#51-image-generations) and [section 5.2](mesh_proto::protocol#52-streamed-generations)): from a body to an
//! answer.
//!
//! Composite models and Gemini's image models answer 500 `internal_error` here, as was observed of
//! the gateway; chat is where they draw.

use image::RgbaImage;
use mesh_proto::error::ErrorCode;

use super::chat_turns::Detail;
use super::circumstances::{Answered, Circumstances};
use super::delivery::Delivery;
use super::document::Document;
use super::errors::Refused;
use super::given::Given;
use super::ids;
use super::image_reply::{self, Answer, Facts, Form, Picture};
use super::image_request::{Background, ImageRequest, Seed};
use super::image_stream;
use super::looking::Seen;
use super::models::Model;
use super::painting;
use super::pictures::Hosted;
use super::record::Exchange;
use super::routing;
use super::secrets::without_keys;
use super::sources::NoBytes;
use super::switches::Refusal;
use super::tokens;
use super::usage::Usage;
use crate::drawing::{self, Codec};

/// Answers a body, and notes for the page what it was about.
pub(super) fn answer(
    body: &[u8],
    circumstances: &Circumstances<'_>,
    exchange: &mut Exchange,
) -> Result<Answered, Refused> {
    let body = Document::read(body)?;
    let request = ImageRequest::read(&body)?;
    let model = routing::route_images(request.model)?;
    exchange.model = Some(model.id.to_owned());
    check_capable(model, &request)?;
    let mut seen = Seen::default();
    let looked = look_at_references(&request, circumstances, &mut seen);
    exchange.pictures_in = std::mem::take(&mut seen.record);
    looked?;
    let mut hosted = Vec::new();
    let answer = make(&request, model, &seen, circumstances, &mut hosted)?;
    exchange.drawn = answer.pictures.len();
    exchange.pictures_out = hosted.iter().map(|it| it.name.clone()).collect();
    let draft = match request.delivery {
        Delivery::Whole => image_reply::whole(&answer),
        Delivery::Streamed => image_stream::streamed(&answer, circumstances.settings),
    };
    Ok(Answered::new(draft, hosted))
}

fn check_capable(model: &Model, request: &ImageRequest<'_>) -> Result<(), Refused> {
    if !model.draws() {
        return Err(Refused::incapable(model.id, "does not draw pictures"));
    }
    if model.fails_at_images() {
        return Err(Refused::because(
            ErrorCode::InternalError,
            format!(
                "The model {} failed. Composite models and Gemini's image models draw in chat only.",
                model.id
            ),
        ));
    }
    if !model.sees() && !request.references.is_empty() {
        return Err(Refused::incapable(model.id, "does not take pictures"));
    }
    if request.prompt.trim().is_empty() {
        return Err(Refused::because(
            ErrorCode::InvalidRequest,
            "The prompt has no words.",
        ));
    }
    Ok(())
}

fn look_at_references(
    request: &ImageRequest<'_>,
    circumstances: &Circumstances<'_>,
    seen: &mut Seen,
) -> Result<(), Refused> {
    for (index, reference) in request.references.iter().enumerate() {
        let broken = |reason: &str| {
            let message = format!("image[{index}]: {reason}");
            Refused::because(ErrorCode::InvalidInput, message)
        };
        let bytes = circumstances
            .sources()
            .bytes_of_url_or_base64(reference)
            .map_err(|reason| match reason {
                NoBytes::Broken(reason) => {
                    broken(&format!("this is neither a URL nor base64: {reason}."))
                }
                NoBytes::NoUrl => broken("this is no URL."),
                NoBytes::Elsewhere(reason) => broken(reason),
            })?;
        circumstances.wanted.check()?;
        seen.note(&bytes)?;
        seen.look(&bytes, Detail::High, |reason| broken(&format!("{reason}.")))?;
    }
    Ok(())
}

fn make(
    request: &ImageRequest<'_>,
    model: &'static Model,
    seen: &Seen,
    circumstances: &Circumstances<'_>,
    hosted: &mut Vec<Hosted>,
) -> Result<Answer, Refused> {
    let switches = circumstances.settings.switches;
    let form = Form::of(model, request.drawing.format, switches.response_format);
    let prompt = seen.tokens + tokens::count(request.prompt);
    let mut answer = Answer {
        id: circumstances.ids.id("img_", 1),
        created: circumstances.created,
        model,
        asked: request.drawing.count,
        form,
        pictures: Vec::new(),
        refused: switches.refused_picture,
        events: switches.partial_images,
        revised_prompt: None,
        facts: None,
        usage: None,
    };
    if painting::is_forbidden(request.prompt) {
        return match switches.refusal {
            Refusal::AsError => Err(Refused::because(
                ErrorCode::ContentPolicyViolation,
                painting::DECLINED,
            )),
            Refusal::InMessage | Refusal::InProse => Ok(answer),
        };
    }
    let full_prompt = full_prompt(request, seen);
    let drawn = draw(request, &full_prompt, model, circumstances)?;
    let has_alpha = drawn.iter().any(|picture| picture.has_alpha);
    for (number, drawn) in (0..).zip(drawn) {
        let mut picture = drawn.picture;
        let place = circumstances.host_picture(number, &picture.last.file);
        picture.last.hosted = place.filter(|_| form == Form::Hosted).map(|(file, url)| {
            hosted.push(file);
            url
        });
        answer.pictures.push(picture);
    }
    if model.is_openai() {
        answer.facts = Some(Facts {
            background: if has_alpha { "transparent" } else { "opaque" },
            output_format: codec_of(request, model).name(),
            quality: quality_name(request.quality),
            size: request.drawing.size,
        });
    }
    if !model.is_imagen() {
        answer.usage = Some(Usage {
            prompt,
            pictures: seen.tokens,
            completion: request.drawing.size.area() / 256 * u64::from(request.drawing.count),
        });
    }
    if !model.is_imagen() {
        answer.revised_prompt = Some(told(&full_prompt));
    }
    Ok(answer)
}

/// What the picture is drawn from: the prompt, the colours of the references, the background.
fn full_prompt(request: &ImageRequest<'_>, seen: &Seen) -> String {
    let mut prompt = painting::prompt_with(request.prompt, &seen.sights);
    if request.background == Background::Transparent {
        prompt.push_str(", transparent background");
    }
    prompt
}

/// A prompt as it is told: not a whole book, and no key.
fn told(prompt: &str) -> String {
    const MOST_CHARACTERS: usize = 1000;
    let clean = without_keys(prompt);
    clean.chars().take(MOST_CHARACTERS).collect()
}

/// A picture, and whether it can be seen through.
struct Drawn {
    picture: Picture,
    has_alpha: bool,
}

fn draw(
    request: &ImageRequest<'_>,
    prompt: &str,
    model: &Model,
    circumstances: &Circumstances<'_>,
) -> Result<Vec<Drawn>, Refused> {
    let codec = codec_of(request, model);
    let seed = match request.seed {
        Seed::Prompt => None,
        Seed::Number(number) => Some(number),
        Seed::Chance => {
            let chance = ids::fingerprint(&circumstances.ids.id("", 2));
            u32::try_from(chance >> 33).ok()
        }
    };
    let stages = match request.delivery {
        Delivery::Streamed if model.is_openai() => request.partial_images,
        Delivery::Streamed | Delivery::Whole => 0,
    };
    let given = |picture: &RgbaImage| -> Result<Given, Refused> {
        let file = drawing::encode(picture, codec, request.compression)?;
        Ok(Given {
            file: file.into(),
            media_type: codec.media_type(),
            hosted: None,
        })
    };
    painting::paint(prompt, seed, request.drawing, &|picture| {
        circumstances.wanted.check()?;
        let flat = (request.background == Background::Opaque).then(|| drawing::flatten(picture));
        let picture = flat.as_ref().unwrap_or(picture);
        let earlier: Result<Vec<Given>, Refused> = (1..=stages)
            .rev()
            .map(|steps| given(&painting::unfinished(picture, steps)))
            .collect();
        Ok(Drawn {
            picture: Picture {
                earlier: earlier?,
                last: given(picture)?,
            },
            has_alpha: codec != Codec::Jpeg && picture.pixels().any(|pixel| pixel.0[3] < 255),
        })
    })
}

/// Only `OpenAI`'s models know formats.
fn codec_of(request: &ImageRequest<'_>, model: &Model) -> Codec {
    if model.is_openai() {
        request.codec
    } else {
        Codec::Png
    }
}

/// The quality that the answer tells. The field is open, and what is not known is not told back.
fn quality_name(asked: Option<&str>) -> &'static str {
    ["low", "medium", "standard", "hd"]
        .into_iter()
        .find(|name| asked == Some(*name))
        .unwrap_or("high")
}
