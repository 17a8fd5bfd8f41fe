//! The catalogue of models, parsed.

use std::hint::black_box;

use bytes::Bytes;
use mesh_proto::endpoint::ListModels;
use serde_json::Value;

use crate::clients::ours_read;
use crate::measure::{Sample, repeat};
use crate::row::{Effort, Goal, Heap, Measure, Row, limit, ours, peer};
use crate::runner::Scale;
use crate::{Failure, inputs, plain};

/// As large as the gateway's own ([protocol reference, section 9](mesh_proto::protocol#9-models-catalogue)).
const SIZE: usize = 2_800_000;

pub(super) fn row() -> Row {
    Row {
        id: "catalogue",
        title: "The catalogue of models, 2.8 MB, parsed",
        unit: "catalogue",
        heap: Heap::System,
        effort: Effort::Usual,
        contestants: vec![
            ours("mesh", mesh),
            peer("serde_json into a list", listed),
            limit("serde_json into values", values),
        ],
        goals: vec![Goal::times(
            "≤ serde_json into a list",
            "mesh",
            Measure::Cpu,
            1.0,
            "serde_json into a list",
        )],
    }
}

fn mesh(scale: Scale) -> Result<Sample, Failure> {
    let body = Bytes::from(inputs::catalogue(scale.bytes(SIZE)));
    repeat(
        scale.times(7),
        || Ok(body.clone()),
        |body| {
            let list = ours_read(&ListModels::new(), body)?;
            match list.odd.first() {
                None => Ok(()),
                Some(odd) => Err(odd.reason.into()),
            }
        },
    )
}

fn listed(scale: Scale) -> Result<Sample, Failure> {
    let body = inputs::catalogue(scale.bytes(SIZE));
    repeat(
        scale.times(7),
        || Ok(()),
        |()| {
            let models: Vec<plain::Model> = serde_json::from_slice(&body)?;
            black_box(models);
            Ok(())
        },
    )
}

fn values(scale: Scale) -> Result<Sample, Failure> {
    let body = inputs::catalogue(scale.bytes(SIZE));
    repeat(
        scale.times(7),
        || Ok(()),
        |()| {
            let models: Vec<Value> = serde_json::from_slice(&body)?;
            black_box(models);
            Ok(())
        },
    )
}
