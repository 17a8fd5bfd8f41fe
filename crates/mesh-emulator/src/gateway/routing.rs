//! Which model answers: the one asked for, its fallbacks, or one chosen for `auto`.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use mesh_proto::error::ErrorCode;

use super::chat_request::{ChatRequest, Wish};
use super::delivery::Delivery;
use super::errors::Refused;
use super::models::Model;
use super::tokens;

/// The model that answers, and how it came to that.
#[derive(Clone, Copy, Debug)]
pub(super) struct Routed {
    pub(super) model: &'static Model,
    pub(super) how: How,
}

/// How a model was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// It was asked for, or is the default.
    Asked,
    /// It is one of the fallbacks, after so many attempts.
    Fallback(usize),
    /// `auto` chose it.
    Auto(Auto),
}

/// What choosing took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Auto {
    pub(super) classifier_tokens: u64,
    /// Why nothing could be told from the request, where that is so.
    pub(super) fallback: Option<&'static str>,
}

const DEFAULT: &str = "openai/gpt-4o";
const DEFAULT_FOR_DRAWING: &str = "openai/gpt-image-1";

/// Finds the model: 404 where nothing in the request names one that is there.
pub(super) fn route(request: &ChatRequest<'_>) -> Result<Routed, Refused> {
    let asked = match (request.model, request.fallbacks.first()) {
        (Some(model), _) => model,
        (None, Some(first)) => first,
        (None, None) => DEFAULT,
    };
    let routed = if asked == "auto" {
        Model::find(chosen(request)).map(|model| Routed {
            model,
            how: How::Auto(Auto::choosing(request)),
        })
    } else {
        Model::find(asked)
            .map(|model| Routed {
                model,
                how: How::Asked,
            })
            .or_else(|| fall_back(request))
    };
    let Some(routed) = routed else {
        return Err(unknown(asked));
    };
    if request.has_service_tier && !routed.model.is_openai() {
        return Err(Refused::because(
            ErrorCode::InvalidRequest,
            "service_tier is for OpenAI's models only.",
        ));
    }
    Ok(routed)
}

/// Finds the model of the images endpoint: 404 where none has the id. `auto` is not documented
/// there and is no id.
pub(super) fn route_images(asked: Option<&str>) -> Result<&'static Model, Refused> {
    let id = asked.unwrap_or(DEFAULT_FOR_DRAWING);
    Model::find(id).ok_or_else(|| unknown(id))
}

fn unknown(id: &str) -> Refused {
    Refused::because(
        ErrorCode::ModelNotFound,
        format!(
            "No model has the id '{}'. GET /v1/models lists those that the emulator answers for.",
            id.chars().take(100).collect::<String>()
        ),
    )
}

fn fall_back(request: &ChatRequest<'_>) -> Option<Routed> {
    let attempts = 2..;
    attempts.zip(&request.fallbacks).find_map(|(attempts, id)| {
        Some(Routed {
            model: Model::find(id)?,
            how: How::Fallback(attempts),
        })
    })
}

impl Auto {
    fn choosing(request: &ChatRequest<'_>) -> Self {
        let question = request.question();
        let is_silent = question.trim().is_empty() && request.pictures().is_empty();
        Self {
            classifier_tokens: tokens::count(&question),
            fallback: is_silent.then_some("nothing_to_classify"),
        }
    }
}

fn chosen(request: &ChatRequest<'_>) -> &'static str {
    if request.drawing.is_some() || request.wish == Some(Wish::Picture) {
        DEFAULT_FOR_DRAWING
    } else if request.pictures().is_empty() {
        "openai/gpt-4o-mini"
    } else {
        DEFAULT
    }
}

impl Routed {
    /// Tells of it in the headers; of fallbacks in plain chat only.
    pub(super) fn tell(self, delivery: Delivery, headers: &mut HeaderMap) {
        match self.how {
            How::Fallback(attempts) if delivery == Delivery::Whole => {
                headers.insert(
                    HeaderName::from_static("x-mesh-routing-attempts"),
                    HeaderValue::from(attempts),
                );
                headers.insert(
                    HeaderName::from_static("x-mesh-routing-fallback"),
                    HeaderValue::from_static("true"),
                );
            }
            How::Asked | How::Fallback(_) => {}
            How::Auto(_) => {
                headers.insert(
                    HeaderName::from_static("x-auto-routed"),
                    HeaderValue::from_static("true"),
                );
                headers.insert(
                    HeaderName::from_static("x-resolved-model-id"),
                    HeaderValue::from_static(self.model.id),
                );
            }
        }
    }
}
