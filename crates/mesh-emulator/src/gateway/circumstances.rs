//! What an endpoint needs beside the body, and what it hands back.

use bytes::Bytes;
use mesh_proto::error::ErrorCode;
use serde_json::Value;

use super::cache::{Cache, Kept};
use super::draft::Draft;
use super::errors::Refused;
use super::ids::Ids;
use super::pictures::{Hosted, Pictures};
use super::settings::GatewaySettings;
use super::sources::Sources;

/// What an answer depends on beside the request.
#[derive(Debug)]
pub(super) struct Circumstances<'c> {
    pub(super) settings: &'c GatewaySettings,
    pub(super) ids: Ids,
    /// Seconds since 1970.
    pub(super) created: u64,
    /// The gateway's own host and port, as the caller names it.
    pub(super) host: Option<&'c str>,
    pub(super) pictures: &'c Pictures,
    pub(super) request_id: &'c str,
    /// The answers that are kept, where the request may have one of them.
    pub(super) cache: Option<&'c Cache>,
    /// The fingerprint of the caller's key.
    pub(super) caller: u64,
}

/// A response, and the pictures to host.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) draft: Draft,
    pub(super) hosted: Vec<Hosted>,
    pub(super) kept: Option<Kept>,
}

impl Answered {
    /// A response that is not kept.
    pub(super) fn new(draft: Draft, hosted: Vec<Hosted>) -> Self {
        Self {
            draft,
            hosted,
            kept: None,
        }
    }
}

impl Circumstances<'_> {
    /// Where the pictures of the request are found.
    pub(super) fn sources(&self) -> Sources<'_> {
        Sources {
            pictures: self.pictures,
            host: self.host,
        }
    }

    /// Picture `number` of the answer as one to host, and its URL. `None` where the caller does not
    /// say how it reaches the gateway.
    pub(super) fn host_picture(&self, number: u64, file: &Bytes) -> Option<(Hosted, String)> {
        // The ids before are those of the answer itself.
        const FIRST_PART: u64 = 100;
        let name = self.ids.id("", FIRST_PART.saturating_add(number)) + ".png";
        let url = format!("http://{}/pictures/{name}", self.host?);
        let bytes = file.clone();
        Some((Hosted { name, bytes }, url))
    }
}

/// A body as JSON: 400 where it is none.
pub(super) fn json(body: &[u8]) -> Result<Value, Refused> {
    serde_json::from_slice(body).map_err(|error| {
        Refused::because(
            ErrorCode::BadRequest,
            format!("The body is not JSON: {error}."),
        )
    })
}
