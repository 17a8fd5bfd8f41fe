//! Which endpoint generates the image.

use std::time::Duration;

use mesh_blocking::proto::call::{CallOptions, RetryPolicy};
use mesh_blocking::proto::error::ErrorCode;
use mesh_blocking::proto::models::{ImageRoute, Model};
use mesh_blocking::{Client, Error};

use crate::arguments::{Draw, ViaArgument};
use crate::failure::is_unknown_path;

/// How long the catalogue may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The endpoint, and who chose it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Via {
    pub(super) route: ViaArgument,
    chosen_by: ChosenBy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ChosenBy {
    User,
    Default,
}

impl Via {
    /// What the user says, or else the catalogue, or else chat. A catalogue that fails, or takes
    /// longer than a few seconds, says nothing.
    pub(super) fn find(draw: &Draw, client: &Client) -> Self {
        if let Some(route) = draw.via {
            return Self {
                route,
                chosen_by: ChosenBy::User,
            };
        }
        let options = CallOptions::new()
            .total(PATIENCE)
            .retry(RetryPolicy::never());
        let model = row(&client.with(&options), &draw.model);
        let route = match model.and_then(|model| model.image_route()) {
            Some(ImageRoute::Images) => ViaArgument::Images,
            _ => ViaArgument::Chat,
        };
        Self {
            route,
            chosen_by: ChosenBy::Default,
        }
    }

    /// What to try if the gateway does not know the endpoint, or the model is not for it.
    pub(super) fn hint(self, error: &Error) -> Option<&'static str> {
        let api = error.api()?;
        let message = api.message.to_lowercase();
        let is_refused = matches!(api.status.as_u16(), 400 | 404 | 405 | 422 | 501);
        let is_about_endpoint = is_unknown_path(api)
            || api.code == Some(ErrorCode::ModelCapabilityNotSupported)
            || [
                "chat model",
                "chat completion",
                "chat/completions",
                "images/generations",
            ]
            .iter()
            .any(|words| message.contains(words));
        if self.chosen_by == ChosenBy::User || !is_refused || !is_about_endpoint {
            return None;
        }
        Some(match self.route {
            ViaArgument::Chat => "`--via images` asks at /v1/images/generations",
            ViaArgument::Images => "`--via chat` asks at /v1/chat/completions",
        })
    }
}

/// The model's row of the catalogue: by itself, or from the list if the gateway has no rows by
/// themselves.
fn row(client: &Client, id: &str) -> Option<Model> {
    match client.models().get(id) {
        Ok(model) => Some(model.into_value()),
        Err(error) if error.api().is_some_and(is_unknown_path) => {
            let list = client.models().list().ok()?.into_value();
            list.models.into_iter().find(|model| model.id == id)
        }
        Err(_) => None,
    }
}
