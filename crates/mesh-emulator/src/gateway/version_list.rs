//! `GET /v1/api-versions`: the dated contracts ([protocol reference, section 2](mesh_proto::protocol#2-dated-versions)).

use serde_json::{Value, json};

use super::admission::Version;

/// The versions, the oldest first.
pub(super) fn catalogue() -> Value {
    let rows = Version::ALL.map(|version| {
        let is_baseline = version == Version::Baseline;
        json!({
            "label": version.label(),
            "status": "ga",
            "baseline": is_baseline,
            "latest": !is_baseline,
            "capabilities": if is_baseline { json!([]) } else { json!(["video"]) },
            "sunset_on": null,
        })
    });
    rows.into_iter().collect()
}
