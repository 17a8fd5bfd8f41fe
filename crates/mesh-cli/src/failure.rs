//! How the command fails: one line, and an exit code.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::process::ExitCode;

use mesh_blocking::proto::call::CallError;
use mesh_blocking::proto::error::{
    ApiError, BuildError, DecodeError, ErrorCode, Failure as CallFailure, chain,
};
use mesh_blocking::proto::image::PictureError;
use mesh_blocking::{Error, Outcome, SetUpError, Target};

use crate::output::say;

/// Why the command ends without success.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    message: String,
}

/// What the exit code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// 0: whoever reads the output has seen enough.
    BrokenPipe,
    /// 1: the gateway or the network failed.
    Failed,
    /// 2: wrong usage, or a bad input file.
    Usage,
    /// 3: no key, or it was refused.
    Key,
    /// 4: the rate or the quota is used up.
    Limit,
    /// 5: the model refused, or sent no picture.
    Declined,
    /// 6: the answer is incomplete.
    Incomplete,
}

impl Failure {
    pub(crate) fn new(kind: Kind, message: impl fmt::Display) -> Self {
        Self {
            kind,
            message: message.to_string(),
        }
    }

    /// A call that failed, made to `target`, of which something may have been shown already.
    pub(crate) fn of_call(error: &Error, target: &Target, shown: Shown) -> Self {
        let kind = match error {
            Error::Build(_) => Kind::Usage,
            Error::Call(error) => kind_of_call(error, shown),
            _ => Kind::Failed,
        };
        let mut message = error.to_string();
        match error.call().map(CallError::failure) {
            Some(CallFailure::Fault(_) | CallFailure::Deadline(_)) => {
                message = format!("{message}; asked {}", target.base());
            }
            // A web page, or nothing: most likely there is no gateway.
            Some(CallFailure::Decode(DecodeError::NotJson { .. })) => {
                message = format!("{message}; asked {}: check MESHAPI_BASE_URL", target.base());
            }
            _ => {}
        }
        if error.code() == Some(&ErrorCode::ModelNotFound) {
            message.push_str("; `mesh models` lists those there are");
        } else if error.api().is_some_and(is_unknown_path) {
            message = format!("{message}; asked {}: check MESHAPI_BASE_URL", target.base());
        }
        for cause in causes(error) {
            message = format!("{message}: {cause}");
        }
        Self { kind, message }
    }

    /// The same failure, its message in other words.
    pub(crate) fn rephrased(mut self, rephrase: impl FnOnce(&str) -> String) -> Self {
        self.message = rephrase(&self.message);
        self
    }

    /// A picture that was drawn and cannot be had from the URL that the reply gives for it: its
    /// host failed, not the gateway.
    pub(crate) fn of_download(why: &Unfetched<'_>, url: &str) -> Self {
        let reason = match why {
            Unfetched::Call(error) => undelivered(error),
            Unfetched::NoPicture(error) => error.to_string(),
        };
        Self::new(
            Kind::Failed,
            format_args!(
                "the picture was made and is billed, but could not be fetched: {reason}; while it lasts it is at {}",
                shortened(url),
            ),
        )
    }

    /// Says it on standard error, and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        if self.kind != Kind::BrokenPipe {
            say(&self.message);
        }
        ExitCode::from(match self.kind {
            Kind::BrokenPipe => 0,
            Kind::Failed => 1,
            Kind::Usage => 2,
            Kind::Key => 3,
            Kind::Limit => 4,
            Kind::Declined => 5,
            Kind::Incomplete => 6,
        })
    }
}

/// Whether a server that is asked knows no such path: most likely it is no gateway, or the base URL
/// lacks a part of its path. A gateway's own code, and a message about the model, are about
/// something else.
pub(crate) fn is_unknown_path(error: &ApiError) -> bool {
    let is_bare = matches!(
        &error.code,
        None | Some(ErrorCode::Other(_) | ErrorCode::NotFound | ErrorCode::ResourceNotFound)
    );
    matches!(error.status.as_u16(), 404 | 405)
        && is_bare
        && !error.message.to_lowercase().contains("model")
}

/// The causes of an error, which its own text does not tell.
fn causes<'e>(error: &'e Error) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    let first = error.call().and_then(StdError::source);
    std::iter::successors(first, |cause: &&'e (dyn StdError + 'static)| {
        let cause: &'e (dyn StdError + 'static) = *cause;
        cause.source()
    })
}

/// Why a picture's host does not give it.
#[derive(Debug)]
pub(crate) enum Unfetched<'e> {
    /// The call that was to fetch it failed.
    Call(&'e Error),
    /// What came is no picture.
    NoPicture(&'e PictureError),
}

/// Why a download failed. What it may have cost is not told: the download itself costs nothing, and
/// the picture was paid for before it.
fn undelivered(error: &Error) -> String {
    let told = match error.call().map(CallError::failure) {
        Some(CallFailure::Redirect { status, location }) => match location {
            Some(location) => format!("its host redirects ({status}) to {location:?}"),
            None => format!("its host redirects ({status}) without saying where to"),
        },
        Some(failure) => failure.to_string(),
        None => error.to_string(),
    };
    causes(error).fold(told, |text, cause| format!("{text}: {cause}"))
}

/// A URL as far as a line takes it. A signature may be thousands of characters long, and the URL is
/// of no use without it.
fn shortened(url: &str) -> String {
    const MOST: usize = 8192;
    if url.chars().count() > MOST {
        url.chars().take(MOST).chain(['…']).collect()
    } else {
        url.to_owned()
    }
}

/// Whether a part of the answer had been shown when the call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Nothing,
    Part,
}

fn kind_of_call(error: &CallError, shown: Shown) -> Kind {
    if shown == Shown::Part {
        return Kind::Incomplete;
    }
    if let Some(api) = error.api() {
        return kind_of_api(api);
    }
    match error.failure() {
        CallFailure::Decode(DecodeError::Truncated) => Kind::Incomplete,
        CallFailure::Decode(DecodeError::NoPicture(_)) => Kind::Declined,
        CallFailure::Fault(_) | CallFailure::Deadline(_)
            if error.outcome() == Outcome::Delivered =>
        {
            Kind::Incomplete
        }
        _ => Kind::Failed,
    }
}

fn kind_of_api(error: &ApiError) -> Kind {
    if error.is_auth() {
        Kind::Key
    } else if error.is_quota() || error.is_rate_limit() {
        Kind::Limit
    } else if error.is_content_policy() {
        Kind::Declined
    } else if error.code == Some(ErrorCode::InvalidInput) || error.status.as_u16() == 413 {
        Kind::Usage
    } else {
        Kind::Failed
    }
}

impl From<SetUpError> for Failure {
    fn from(error: SetUpError) -> Self {
        use mesh_blocking::proto::TargetError;

        match &error {
            SetUpError::Target(TargetError::NoKey) => Self::new(
                Kind::Key,
                "there is no API key: set MESHAPI_API_KEY, or try --offline, which needs none",
            ),
            SetUpError::Target(TargetError::Key(_)) => {
                Self::new(Kind::Key, format_args!("MESHAPI_API_KEY: {error}"))
            }
            SetUpError::Target(TargetError::BaseUrl(_)) => {
                Self::new(Kind::Usage, format_args!("MESHAPI_BASE_URL: {error}"))
            }
            SetUpError::Proxy(_) => Self::new(Kind::Usage, &error),
            _ => Self::new(Kind::Failed, chain(&error)),
        }
    }
}

/// What a reply has in place of an image: the model has made one, which is billed.
impl From<PictureError> for Failure {
    fn from(error: PictureError) -> Self {
        Self::new(
            Kind::Failed,
            format_args!("the picture was made and is billed, but cannot be read: {error}"),
        )
    }
}

/// An error of writing to standard output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let kind = if error.kind() == io::ErrorKind::BrokenPipe {
            Kind::BrokenPipe
        } else {
            Kind::Failed
        };
        Self::new(kind, format_args!("standard output: {error}"))
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        Self::new(Kind::Usage, chain(&error))
    }
}
