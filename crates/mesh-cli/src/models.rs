//! `mesh models`: list models.

use std::io::{self, IsTerminal as _, Write as _};

use mesh_blocking::proto::chat::Modality;
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
        .models
        .iter()
        .filter(|model| !arguments.sees || model.sees() == Capability::Yes)
        .filter(|model| !arguments.draws || model.draws() == Capability::Yes)
        .collect();

    let mut out = io::stdout().lock();
    // Columns for people, tabs for programs; the id comes first in both.
    let width = if out.is_terminal() {
        wanted.iter().map(|model| model.id.chars().count()).max()
    } else {
        None
    };
    for model in wanted {
        let (takes, gives) = (
            joined(&model.input_modalities),
            joined(&model.output_modalities),
        );
        match width {
            Some(width) => writeln!(out, "{:width$}  {takes} → {gives}", printable(&model.id))?,
            None => writeln!(out, "{}\t{takes}\t{gives}", printable(&model.id))?,
        }
    }
    out.flush()?;
    for row in &list.odd {
        say(format_args!(
            "row {} of the catalogue is no model: {}",
            row.place + 1,
            row.reason
        ));
    }
    Ok(())
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
        .filter(|character| !character.is_control())
        .collect()
}
