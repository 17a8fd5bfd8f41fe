//! Why a call failed.

use std::error::Error as StdError;
use std::fmt;

use http::StatusCode;

use super::{ApiError, DecodeError};
use crate::fault::Fault;
use crate::timing::Deadline;

/// Why a call failed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Failure {
    /// The gateway reported an error.
    Api(Box<ApiError>),
    /// The reply cannot be used.
    Decode(DecodeError),
    /// The transport failed.
    Fault(Fault),
    /// A time limit passed.
    Deadline(Deadline),
    /// The gateway answered with a redirect, which is never followed: the key stays here.
    Redirect {
        /// The status.
        status: StatusCode,
        /// Where it points, if it says.
        location: Option<String>,
    },
    /// The call had ended before, and its result was taken.
    Finished,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api(error) => error.fmt(f),
            Self::Decode(error) => error.fmt(f),
            Self::Fault(fault) => fault.fmt(f),
            Self::Deadline(deadline) => deadline.fmt(f),
            Self::Redirect {
                status,
                location: Some(location),
            } => write!(
                f,
                "the gateway redirects ({status}) to {location:?}, which is not followed; set the base URL to where the gateway is"
            ),
            Self::Redirect {
                status,
                location: None,
            } => write!(
                f,
                "the gateway redirects ({status}) without saying where to"
            ),
            Self::Finished => f.write_str("the call had ended before, and its result was taken"),
        }
    }
}

impl StdError for Failure {}
