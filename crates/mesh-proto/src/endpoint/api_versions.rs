//! `GET /v1/api-versions` ([protocol reference, section 2](crate::protocol#2-dated-versions)).

use std::convert::Infallible;

use http::{Method, Request};

use super::document::DocumentDecoder;
use super::rows::{self, Key};
use super::{Endpoint, Replay, json_request};
use crate::api_versions::VersionList;
use crate::body::Body;
use crate::build_error::BuildError;
use crate::error::DecodeError;
use crate::head::Head;
use crate::limits::Limits;
use crate::target::Target;

/// Asks for the dated contracts that the gateway serves. Older deployments do not know the path,
/// and answer 404, which is an error like any other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListApiVersions;

impl ListApiVersions {
    /// All of them.
    pub fn new() -> Self {
        Self
    }
}

const LABEL: Key = Key {
    name: "label",
    missing: "it has no label",
    odd: "its label is empty or no text",
};

impl Endpoint for ListApiVersions {
    type Event = Infallible;
    type Output = VersionList;
    type Decoder = DocumentDecoder<VersionList>;

    fn replay(&self) -> Replay {
        Replay::Always
    }

    fn request(&self, target: &Target) -> Result<Request<Body>, BuildError> {
        json_request(
            target,
            Method::GET,
            "/v1/api-versions",
            "application/json",
            Body::empty(),
        )
    }

    fn decoder(&self, head: &Head, limits: &Limits) -> Result<Self::Decoder, DecodeError> {
        Ok(DocumentDecoder::new(head, limits, (), |body, ()| {
            let (rows, _) = rows::list(&body, &["data", "versions", "items"])?;
            let (versions, odd) = rows::read(rows, LABEL);
            Ok(VersionList { versions, odd })
        }))
    }
}
