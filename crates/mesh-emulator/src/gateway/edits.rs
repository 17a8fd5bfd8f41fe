//! `POST /v1/images/edits` ([protocol reference, section 5.3](mesh_proto::protocol#53-image-edits)): from a body to an answer. Every
//! operation is one on pixels.

use std::borrow::Cow;

use bytes::Bytes;
use http::StatusCode;
use image::RgbaImage;
use mesh_proto::error::ErrorCode;
use mesh_proto::image::DataUrl;

use super::chat_turns::Detail;
use super::circumstances::{Answered, Circumstances, Wanted};
use super::edit_request::{
    Asked, Backdrop, EditBody, EditRequest, PictureField, SizeAsked, Source,
};
use super::errors::Refused;
use super::given::Given;
use super::image_reply::{self, Answer, Facts, Form, Picture};
use super::looking::Seen;
use super::models::Model;
use super::operation::Operation;
use super::painting;
use super::record::Exchange;
use super::routing;
use super::secrets::without_keys;
use super::sizes::Size;
use super::sources::NoBytes;
use super::switches::{Refusal, UnsupportedEdit};
use super::tokens;
use super::usage::Usage;
use crate::drawing;
use crate::editing::{self, Mask};
use crate::vision::{self, CannotSee};

/// Answers a body, and notes for the page what it was about.
pub(super) fn answer(
    body: &[u8],
    content_type: Option<&str>,
    circumstances: &Circumstances<'_>,
    exchange: &mut Exchange,
) -> Result<Answered, Refused> {
    let switches = circumstances.settings.switches;
    let body = EditBody::read(content_type, body, switches.edits_body)?;
    let request = EditRequest::read(&body)?;
    let model = routing::route_images(Some(request.model))?;
    exchange.model = Some(model.id.to_owned());
    let operation = supported(model, request.operation, switches.unsupported_edit)?;
    let mut seen = Seen::default();
    let pictures = Pictures::see(&request, &mut seen, circumstances.wanted);
    exchange.pictures_in = std::mem::take(&mut seen.record);
    let pictures = pictures?;
    let answer = Answer {
        id: circumstances.ids.id("img_", 1),
        created: circumstances.created,
        model,
        asked: request.drawing.count,
        form: Form::of(model, request.drawing.format, switches.response_format),
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
            Refusal::InMessage | Refusal::InProse => {
                Ok(Answered::new(image_reply::whole(&answer), Vec::new()))
            }
        };
    }
    let made = make(operation, &request, &pictures, circumstances.wanted)?;
    Ok(finish(
        answer,
        made,
        &request,
        &seen,
        circumstances,
        exchange,
    ))
}

/// The operation, if the model has it.
fn supported(model: &Model, asked: Asked<'_>, form: UnsupportedEdit) -> Result<Operation, Refused> {
    let name = match asked {
        Asked::Known(operation) if model.edits.contains(&operation) => return Ok(operation),
        Asked::Known(operation) => operation.name(),
        Asked::Unknown(name) => name,
    };
    let short: String = name.chars().take(60).collect();
    let message = format!("Model {} does not support operation '{short}'.", model.id);
    Err(match form {
        UnsupportedEdit::Detail => Refused::detail(
            StatusCode::UNPROCESSABLE_ENTITY,
            ErrorCode::UnsupportedOperation,
            message,
        ),
        UnsupportedEdit::BadRequest => {
            Refused::because(ErrorCode::ModelCapabilityNotSupported, message)
        }
        UnsupportedEdit::NotImplemented => Refused::because(ErrorCode::NotImplemented, message),
        UnsupportedEdit::NotImplementedBadRequest => {
            Refused::with_status(StatusCode::BAD_REQUEST, ErrorCode::NotImplemented, message)
        }
    })
}

/// The pictures of a request, decoded.
struct Pictures {
    image: RgbaImage,
    mask: Option<RgbaImage>,
    references: Vec<RgbaImage>,
}

impl Pictures {
    fn see(
        request: &EditRequest<'_>,
        seen: &mut Seen,
        wanted: Wanted<'_>,
    ) -> Result<Self, Refused> {
        let mut decoded = |field| {
            wanted.check()?;
            decoded(field, seen)
        };
        let image = decoded(&request.image)?;
        let mask = request.mask.as_ref().map(&mut decoded);
        let references = request.references.iter().map(&mut decoded);
        Ok(Self {
            image,
            mask: mask.transpose()?,
            references: references.collect::<Result<_, _>>()?,
        })
    }
}

fn decoded(field: &PictureField<'_>, seen: &mut Seen) -> Result<RgbaImage, Refused> {
    let invalid = |reason: &str| {
        let message = format!("{}: {reason}.", field.place);
        Refused::because(ErrorCode::InvalidInput, message)
    };
    let bytes = match field.source {
        Source::File(bytes) => Cow::Borrowed(bytes),
        Source::Text(text) => Cow::Owned(inline(text).map_err(|reason| match reason {
            NoBytes::Broken(reason) => invalid(&format!(
                "this is neither a data: URL nor base64: {reason}"
            )),
            NoBytes::NoUrl | NoBytes::Elsewhere(_) => Refused::because(
                ErrorCode::InvalidRequest,
                format!(
                    "{}: remote URLs are not accepted; the gateway never fetches pictures. Send a data: URL, base64 or a file.",
                    field.place
                ),
            ),
        })?),
    };
    if let Some(size) = seen.note(&bytes)? {
        seen.reserve(size)?;
    }
    let picture = vision::decode(&bytes).map_err(|reason| match reason {
        // The gateway takes it for an image, and the provider rejects it.
        CannotSee::Broken { .. } | CannotSee::Truncated { .. } => Refused::because(
            ErrorCode::InvalidRequest,
            format!("{}: {reason}.", field.place),
        ),
        _ => invalid(&reason.to_string()),
    })?;
    let (width, height) = picture.dimensions();
    if !editing::is_feasible(width, height) {
        return Err(invalid(&format!(
            "the picture has {width} × {height} pixels, more than the {} million that are edited",
            editing::MOST_PIXELS / 1_000_000
        )));
    }
    seen.count(width, height, Detail::High);
    Ok(picture)
}

/// The bytes of a data URL or of bare base64.
fn inline(text: &str) -> Result<Vec<u8>, NoBytes> {
    let text = text.trim();
    let is_remote = text.split_once("://").is_some_and(|(scheme, _)| {
        let first = scheme.chars().next();
        first.is_some_and(|it| it.is_ascii_alphabetic())
            && scheme.bytes().all(|it| it.is_ascii_alphanumeric())
    });
    if is_remote {
        return Err(NoBytes::NoUrl);
    }
    let url = if DataUrl::is_data_url(text) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("data:;base64,{text}"))
    };
    DataUrl::parse(&url)
        .and_then(|parsed| parsed.decode())
        .map_err(|reason| NoBytes::Broken(reason.to_string()))
}

/// A result, written before the next is made, so that only files pile up.
struct Made {
    file: Bytes,
    size: Size,
    is_clear: bool,
}

/// Every result of an operation, in the size that is asked for.
fn make(
    operation: Operation,
    request: &EditRequest<'_>,
    pictures: &Pictures,
    wanted: Wanted<'_>,
) -> Result<Vec<Made>, Refused> {
    check_feasible(operation, request, pictures)?;
    let results = (0..request.drawing.count).map(|number| {
        wanted.check()?;
        let made = operate(operation, request, pictures, number)?;
        let sized = in_size(made, operation, request);
        let result = match request.background {
            Backdrop::AsItIs => sized,
            Backdrop::Opaque => drawing::flatten(&sized),
            Backdrop::Transparent => editing::remove_background(&sized),
        };
        let (width, height) = result.dimensions();
        Ok(Made {
            file: painting::png(&result)?,
            size: Size { width, height },
            is_clear: result.pixels().any(|pixel| pixel.0[3] < 255),
        })
    });
    results.collect()
}

/// Whether the result has a size that can be made.
fn check_feasible(
    operation: Operation,
    request: &EditRequest<'_>,
    pictures: &Pictures,
) -> Result<(), Refused> {
    let (width, height) = pictures.image.dimensions();
    let (width, height) = match (operation, request.ratio) {
        (Operation::Upscale, _) => {
            let factor = request.upscale.unwrap_or(1);
            (width.saturating_mul(factor), height.saturating_mul(factor))
        }
        (Operation::Outpaint, _) => sheet_size(request, pictures),
        (Operation::Reframe, Some(ratio)) => editing::extended_size((width, height), ratio),
        _ => (width, height),
    };
    if editing::is_feasible(width, height) {
        return Ok(());
    }
    Err(Refused::because(
        ErrorCode::InvalidInput,
        format!(
            "image: the result would have {width} × {height} pixels; at most {} million are made.",
            editing::MOST_PIXELS / 1_000_000
        ),
    ))
}

fn operate(
    operation: Operation,
    request: &EditRequest<'_>,
    pictures: &Pictures,
    number: u32,
) -> Result<RgbaImage, Refused> {
    let image = &pictures.image;
    let (width, height) = image.dimensions();
    let prompt = drawing::beginning(request.prompt);
    Ok(match operation {
        Operation::Edit => {
            let prompt = with_references(request, pictures)?;
            let mask = pictures.mask.as_ref().map(|mask| {
                // OpenAI's masks are see-through where they edit, Mesh's are white there.
                let mask = if mask.pixels().any(|pixel| pixel.0[3] == 0) {
                    Mask::of_transparent(mask, width, height)
                } else {
                    Mask::of_white(mask, width, height)
                };
                mask.feathered(request.feather)
            });
            editing::edit(image, mask.as_ref(), &prompt, number)
        }
        Operation::RemoveBackground => editing::remove_background(image),
        Operation::Upscale => {
            let factor = request.upscale.unwrap_or(1);
            editing::resample(image, width * factor, height * factor)
        }
        Operation::Outpaint => outpaint(request, pictures, number),
        Operation::Mix => editing::mix(image, &pictures.references, prompt),
        Operation::Reframe => {
            let ratio = request.ratio.unwrap_or((1, 1));
            if prompt.to_lowercase().contains("crop") {
                editing::cropped(image, ratio)
            } else {
                editing::extended(image, ratio)
            }
        }
        Operation::Inpaint => {
            let mask = pictures.mask.as_ref();
            let mask = mask.map_or(Mask::everywhere(width, height), |mask| {
                Mask::of_white(mask, width, height)
            });
            editing::inpaint(image, &mask.feathered(request.feather), prompt, number)
        }
    })
}

/// The prompt, and the colours of the references.
fn with_references(request: &EditRequest<'_>, pictures: &Pictures) -> Result<String, Refused> {
    let mut sights = Vec::new();
    for reference in &pictures.references {
        sights.extend(vision::look(&painting::png(reference)?));
    }
    Ok(painting::prompt_with(request.prompt, &sights))
}

/// The size of the sheet to outpaint: larger by the factor, else that of a larger mask.
fn sheet_size(request: &EditRequest<'_>, pictures: &Pictures) -> (u32, u32) {
    let (width, height) = pictures.image.dimensions();
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the conversion saturates, and factors are above 0"
    )]
    let larger = |side: u32, factor: f64| (f64::from(side) * (1.0 + factor)).round() as u32;
    match (request.expand, &pictures.mask) {
        (Some(factor), _) => (
            larger(width, factor).max(width + 1),
            larger(height, factor).max(height + 1),
        ),
        (None, Some(mask)) => (mask.width().max(width), mask.height().max(height)),
        (None, None) => (width, height),
    }
}

fn outpaint(request: &EditRequest<'_>, pictures: &Pictures, number: u32) -> RgbaImage {
    let image = &pictures.image;
    let (width, height) = image.dimensions();
    let sheet = sheet_size(request, pictures);
    let white = |(width, height)| {
        let mask = pictures.mask.as_ref();
        mask.map(|mask| Mask::of_white(mask, width, height))
    };
    let is_picture_size = pictures
        .mask
        .as_ref()
        .is_some_and(|mask| mask.dimensions() == (width, height));
    // A mask of the sheet's size keeps black what the picture covers.
    let kept = white(sheet)
        .filter(|_| !is_picture_size)
        .and_then(|mask| mask.kept_bounds())
        .filter(|(_, _, across, down)| (*across, *down) == (width, height));
    let placed = editing::framed(image, sheet, kept.map(|(left, top, ..)| (left, top)));
    let mask = match white((width, height)).filter(|_| is_picture_size) {
        Some(mask) => mask.within(&placed.around, placed.left, placed.top),
        None => match white(sheet) {
            // What is see-through has to be drawn, whatever a mask says.
            Some(mask) => mask.or(&placed.around),
            None => placed.around.clone(),
        },
    };
    // What was see-through has to be drawn whole; within the picture the edge may fade.
    let mask = mask.feathered(request.feather).or(&placed.around);
    let prompt = drawing::beginning(request.prompt);
    editing::outpaint(&placed.sheet, &mask, prompt, number)
}

/// The result in the size that is asked for. Upscaling has its factor, and a new frame its ratio.
fn in_size(made: RgbaImage, operation: Operation, request: &EditRequest<'_>) -> RgbaImage {
    if operation == Operation::Upscale {
        return made;
    }
    let (width, height) = made.dimensions();
    let size = match request.size {
        None => return made,
        Some(SizeAsked::Pixels(_)) if operation == Operation::Reframe => return made,
        Some(SizeAsked::Pixels(size)) => size,
        Some(SizeAsked::Resolution(resolution)) => match resolution.shaped(width, height) {
            Some(size) => size,
            None => return made,
        },
    };
    editing::cover(&made, size.width, size.height)
}

fn finish(
    mut answer: Answer,
    made: Vec<Made>,
    request: &EditRequest<'_>,
    seen: &Seen,
    circumstances: &Circumstances<'_>,
    exchange: &mut Exchange,
) -> Answered {
    let model = answer.model;
    if let Some(first) = made.first().filter(|_| model.is_openai()) {
        let is_clear = made.iter().any(|it| it.is_clear);
        answer.facts = Some(Facts {
            background: if is_clear { "transparent" } else { "opaque" },
            output_format: "png",
            quality: "high",
            size: first.size,
        });
    }
    if !model.is_imagen() {
        answer.usage = Some(Usage {
            prompt: seen.tokens + tokens::count(request.prompt),
            pictures: seen.tokens,
            completion: made.iter().map(|it| it.size.area()).sum::<u64>() / 256,
        });
        let told: String = without_keys(request.prompt).chars().take(1000).collect();
        answer.revised_prompt = Some(told).filter(|it| !it.trim().is_empty());
    }
    let mut hosted = Vec::new();
    for (number, Made { file, .. }) in (0..).zip(made) {
        let place = circumstances.host_picture(number, &file);
        let place = place.filter(|_| answer.form == Form::Hosted);
        let last = Given {
            file,
            media_type: "image/png",
            hosted: place.map(|(file, url)| {
                hosted.push(file);
                url
            }),
        };
        answer.pictures.push(Picture {
            earlier: Vec::new(),
            last,
        });
    }
    exchange.drawn = answer.pictures.len();
    exchange.pictures_out = hosted.iter().map(|it| it.name.clone()).collect();
    Answered::new(image_reply::whole(&answer), hosted)
}
