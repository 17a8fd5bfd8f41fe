//! Paths and methods.

use http::Method;
use mesh_proto::error::ErrorCode;
use percent_encoding::percent_decode_str;

use super::errors::Refused;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// The page for people.
    Page,
    /// A hosted picture, by the name of its file.
    Picture(String),
    /// An image that a request had, by the name of its file.
    Sent(String),
    /// `GET /v1/models`.
    Models,
    /// `GET /v1/models/search`.
    ModelSearch,
    /// `GET /v1/models/free` and `GET /v1/models/paid`, which are being withdrawn.
    ModelsByCost(ByCost),
    /// `GET /v1/models/{id}`; slashes in the id stay.
    Model(String),
    /// `GET /v1/api-versions`.
    ApiVersions,
    /// `GET /v1/errors`.
    Errors,
    /// `POST /v1/chat/completions`.
    Chat,
    /// `POST /v1/images/generations`.
    Images,
    /// `POST /v1/images/edits`.
    Edits,
}

/// A list that the routes being withdrawn give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByCost {
    Free,
    Paid,
}

impl Route {
    /// What a method and a path ask for: 404 or 405 where it is nothing.
    pub(super) fn find(method: &Method, path: &str) -> Result<Self, Refused> {
        let (route, expected, allowed) = match path {
            "/" => (Self::Page, Method::GET, "GET"),
            "/v1/models" => (Self::Models, Method::GET, "GET"),
            "/v1/models/search" => (Self::ModelSearch, Method::GET, "GET"),
            "/v1/models/free" => (Self::ModelsByCost(ByCost::Free), Method::GET, "GET"),
            "/v1/models/paid" => (Self::ModelsByCost(ByCost::Paid), Method::GET, "GET"),
            "/v1/errors" => (Self::Errors, Method::GET, "GET"),
            "/v1/api-versions" => (Self::ApiVersions, Method::GET, "GET"),
            "/v1/chat/completions" => (Self::Chat, Method::POST, "POST"),
            "/v1/images/generations" => (Self::Images, Method::POST, "POST"),
            "/v1/images/edits" => (Self::Edits, Method::POST, "POST"),
            other if other.starts_with("/sent/") => {
                let name = other.trim_start_matches("/sent/").to_owned();
                (Self::Sent(name), Method::GET, "GET")
            }
            other => match (
                other.strip_prefix("/pictures/"),
                other.strip_prefix("/v1/models/"),
            ) {
                (Some(name), _) => (Self::Picture(name.to_owned()), Method::GET, "GET"),
                (None, Some(id)) => {
                    let id = percent_decode_str(id).decode_utf8_lossy();
                    (Self::Model(id.into_owned()), Method::GET, "GET")
                }
                (None, None) => {
                    return Err(Refused::because(
                        ErrorCode::NotFound,
                        "There is nothing at this path. The emulator answers /v1/chat/completions, /v1/images/generations, /v1/images/edits, /v1/models, /v1/errors and /v1/api-versions.",
                    ));
                }
            },
        };
        if *method == expected {
            Ok(route)
        } else {
            Err(Refused::wrong_method(allowed))
        }
    }
}

impl Route {
    /// Whether it is about the catalogue of models.
    pub(super) fn is_of_models(&self) -> bool {
        matches!(
            self,
            Self::Models | Self::ModelSearch | Self::ModelsByCost(_) | Self::Model(_)
        )
    }
}

/// Whether a path is one of the API, where versions and keys count.
pub(super) fn is_api(path: &str) -> bool {
    path == "/v1" || path.starts_with("/v1/")
}
