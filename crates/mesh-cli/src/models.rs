//! `mesh models`: list models.

use std::io::{self, IsTerminal as _, Write as _};

use mesh_blocking::proto::chat::Modality;
use mesh_blocking::proto::error::is_unprintable;
use mesh_blocking::proto::models::{Capability, Model};

use crate::arguments::Models;
use crate::failure::{Failure, Shown};
use crate::gateway::Gateway;
use crate::output::say;

pub(crate) fn run(arguments: &Models, gateway: &Gateway) -> Result<(), Failure> {
    let client = &gateway.client;
    let list = client
        .models()
        .list()
        .map_err(|error| Failure::of_call(&error, client.target(), Shown::Nothing))?;
    let wanted: Vec<&Model> = list
        .iter()
        .filter(|model| meets(model, arguments) == Capability::Yes)
        .collect();
    let silent = if wanted.is_empty() {
        let met = list.iter().map(|model| meets(model, arguments));
        met.filter(|met| *met == Capability::Unknown).count()
    } else {
        0
    };

    let mut out = io::stdout().lock();
    // Columns for people, tabs for programs; the id comes first in both.
    let width = if out.is_terminal() {
        wanted.iter().map(|model| model.id.chars().count()).max()
    } else {
        None
    };
    for model in wanted {
        let (takes, gives) = (joined(&model.inputs()), joined(&model.outputs()));
        match width {
            Some(width) => writeln!(out, "{:width$}  {takes} → {gives}", printable(&model.id))?,
            None => writeln!(out, "{}\t{takes}\t{gives}", printable(&model.id))?,
        }
    }
    out.flush()?;
    if silent > 0 {
        let what = match (arguments.sees, arguments.draws) {
            (true, true) => "take and give",
            (true, false) => "take",
            (false, _) => "give",
        };
        say(format_args!(
            "none is known to {what} pictures; {silent} of {} models do not say what they {what}",
            list.models.len()
        ));
    }
    for row in &list.odd {
        say(format_args!(
            "row {} of the catalogue is no model: {}",
            row.place + 1,
            row.reason
        ));
    }
    Ok(())
}

/// Whether a model has all that is asked for.
fn meets(model: &Model, arguments: &Models) -> Capability {
    let asked = [
        (arguments.sees, model.sees()),
        (arguments.draws, model.draws()),
    ];
    let mut met = Capability::Yes;
    for (_, capability) in asked.into_iter().filter(|(is_asked, _)| *is_asked) {
        met = match (met, capability) {
            (Capability::No, _) | (_, Capability::No) => Capability::No,
            (Capability::Unknown, _) | (_, Capability::Unknown) => Capability::Unknown,
            (Capability::Yes, Capability::Yes) => Capability::Yes,
        };
    }
    met
}

fn joined(modalities: &[Modality]) -> String {
    if modalities.is_empty() {
        return "?".to_owned();
    }
    modalities
        .iter()
        .map(|modality| printable(modality.as_str()))
        .collect::<Vec<_>>()
        .join("+")
}

fn printable(text: &str) -> String {
    text.chars()
        .filter(|character| !is_unprintable(*character))
        .collect()
}
