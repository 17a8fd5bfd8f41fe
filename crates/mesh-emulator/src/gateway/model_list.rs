//! `GET /v1/models` and `GET /v1/models/{id}` ([protocol reference, section 9](mesh_proto::protocol#9-models-catalogue)).

use http::header::{self, HeaderMap};
use mesh_proto::error::ErrorCode;
use serde_json::{Value, json};

use super::errors::{FieldProblem, Refused};
use super::model_row::PROVIDER;
use super::models::{CATALOGUE, Medium, Model};
use super::query;
use super::switches::{ModelListShape, Pricing};

/// The rows that the query's filters leave. `provider` names a brand, or the emulator itself.
pub(super) fn list(query: &str, shape: ModelListShape, pricing: Pricing) -> Result<Value, Refused> {
    Ok(Filters::read(query)?.list(shape, pricing))
}

/// The rows that cost nothing, or those that cost something, as the withdrawn routes gave them.
pub(super) fn list_by_cost(is_free: bool, shape: ModelListShape, pricing: Pricing) -> Value {
    let filters = Filters {
        free: Some(is_free),
        ..Filters::default()
    };
    filters.list(shape, pricing)
}

/// The row of one model.
pub(super) fn get(id: &str, pricing: Pricing) -> Result<Value, Refused> {
    let model = Model::find(id).ok_or_else(|| {
        Refused::because(
            ErrorCode::ModelNotFound,
            format!("No model has the id {id:?}."),
        )
    })?;
    Ok(model.row(pricing))
}

/// The form of the list for one request: that of the switch, or the one that its client reads. The
/// official SDKs of Mesh take an array only, `OpenAI`'s clients an object only.
pub(super) fn shape_for(headers: &HeaderMap, switch: ModelListShape) -> ModelListShape {
    match switch {
        ModelListShape::ByClient if is_built_on_openai(headers) => ModelListShape::Data,
        ModelListShape::ByClient => ModelListShape::Array,
        ModelListShape::Array | ModelListShape::Data => switch,
    }
}

/// Whether the headers are those of one of `OpenAI`'s clients, or of a program that uses one or
/// names itself after one. A client that says that it is an SDK of Mesh is none.
fn is_built_on_openai(headers: &HeaderMap) -> bool {
    if headers.contains_key("x-meshapi-sdk") {
        return false;
    }
    let agents = headers.get_all(header::USER_AGENT).iter();
    let names_openai = agents
        .filter_map(|agent| agent.to_str().ok())
        .any(|agent| agent.to_ascii_lowercase().contains("openai"));
    let of_openai = ["x-stainless-", "openai-"];
    names_openai
        || headers
            .keys()
            .any(|name| of_openai.iter().any(|it| name.as_str().starts_with(it)))
}

#[derive(Default)]
struct Filters {
    free: Option<bool>,
    kind: Option<Medium>,
    provider: Option<String>,
}

impl Filters {
    fn read(query: &str) -> Result<Self, Refused> {
        let mut filters = Self::default();
        let mut problems = Vec::new();
        for (name, value) in query::pairs(query) {
            match name.as_str() {
                "free" => match query::boolean(&value) {
                    Some(free) => filters.free = Some(free),
                    None => problems.push(problem(
                        "free",
                        "Input should be a valid boolean, unable to interpret input",
                        "bool_parsing",
                    )),
                },
                "type" => match Medium::named(&value) {
                    Some(kind) => filters.kind = Some(kind),
                    None => problems.push(problem(
                        "type",
                        "Input should be 'text', 'image', 'audio', 'video' or 'embedding'",
                        "enum",
                    )),
                },
                "provider" => filters.provider = Some(value),
                _ => {}
            }
        }
        if problems.is_empty() {
            Ok(filters)
        } else {
            Err(Refused::Fields(problems))
        }
    }

    fn list(&self, shape: ModelListShape, pricing: Pricing) -> Value {
        let rows: Vec<Value> = CATALOGUE
            .iter()
            .filter(|model| self.leave(model))
            .map(|model| model.row(pricing))
            .collect();
        match shape {
            ModelListShape::Array | ModelListShape::ByClient => rows.into(),
            ModelListShape::Data => json!({"object": "list", "data": rows}),
        }
    }

    fn leave(&self, model: &Model) -> bool {
        self.free.is_none_or(|free| free == model.is_free())
            && self.kind.is_none_or(|kind| kind == model.kind)
            && self
                .provider
                .as_deref()
                .is_none_or(|wanted| wanted == PROVIDER || wanted == model.brand)
    }
}

fn problem(name: &str, message: &str, kind: &'static str) -> FieldProblem {
    FieldProblem {
        place: vec!["query".into(), name.into()],
        message: message.to_owned(),
        kind,
    }
}
