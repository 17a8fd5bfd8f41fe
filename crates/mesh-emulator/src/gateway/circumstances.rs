//! What an endpoint needs beside the body, and what it hands back.

use std::fmt;

use bytes::Bytes;
use http::StatusCode;
use mesh_proto::error::ErrorCode;

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
    pub(super) wanted: Wanted<'c>,
}

/// Whether the answer is still wanted. Work that takes long asks between its steps.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'c>(pub(super) &'c dyn Fn() -> bool);

impl Wanted<'_> {
    /// Stops the work if nobody waits for it.
    pub(super) fn check(self) -> Result<(), Refused> {
        if (self.0)() {
            return Ok(());
        }
        Err(Refused::with_status(
            StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
            ErrorCode::Other("client_closed_request".to_owned()),
            "The client closed its connection before the answer was ready.",
        ))
    }
}

impl fmt::Debug for Wanted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wanted")
    }
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
