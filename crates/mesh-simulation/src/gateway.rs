//! The gateway's side: what it does with a request, what it says, and whether it will be billed.
//!
//! Most worlds have a gateway on a script, which costs microseconds and can misbehave in every way.
//! A share of them have `mesh-emulator`, so that the script cannot drift from what a gateway that
//! really reads requests would answer; its pictures are drawn once and kept, as drawing one takes
//! longer than a hundred calls.

mod emulated;
mod script;
mod wording;

use std::time::Duration;

use bytes::Bytes;
use http::response::Parts;
use mesh_proto::call::Moment;

pub(crate) use self::emulated::Emulated;
pub(crate) use self::script::HOPELESS;
use crate::chance::Chance;
use crate::hint::Hint;
use crate::secret;
use crate::subject::Kind;

/// What a gateway does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Conduct {
    /// It answers as it should.
    Answers,
    /// It answers, and takes its time.
    Dawdles,
    /// 429: later.
    RateLimited,
    /// 429, 402, 403 or 503: not before someone pays.
    Exhausted,
    /// 503: the gateway's own, which says that nothing began, or a router's, which does not know.
    Unavailable,
    /// 502.
    BadGateway,
    /// 504.
    GatewayTimeout,
    /// 500 or 501.
    Breaks,
    /// 500 `provider_job_failed`.
    JobFailed,
    /// 4xx: the request is wrong.
    Refuses,
    /// 408 or 499, as the status or as a number in the body: someone stopped waiting.
    RequestTimeout,
    /// 413, 401 or 429 before the whole request has come.
    RefusesEarly,
    /// 3xx.
    Redirects,
    /// A page of HTML with 200.
    Page,
    /// Nothing with 200.
    Empty,
    /// A document where a stream was asked for, or the other way round.
    OtherForm,
    /// A body encoded as nobody asked.
    Compressed,
    /// An error with 200, before anything else.
    ErrorFirst,
    /// An error in the middle of a stream.
    ErrorMidway,
    /// An error at the end of a stream, without its blank line.
    ErrorLast,
    /// A stream without its end mark.
    NoEndMark,
    /// A reply without a picture.
    Declines,
}

impl Conduct {
    pub(crate) const ALL: [Self; 22] = [
        Self::Answers,
        Self::Dawdles,
        Self::RateLimited,
        Self::Exhausted,
        Self::Unavailable,
        Self::BadGateway,
        Self::GatewayTimeout,
        Self::Breaks,
        Self::JobFailed,
        Self::Refuses,
        Self::RequestTimeout,
        Self::RefusesEarly,
        Self::Redirects,
        Self::Page,
        Self::Empty,
        Self::OtherForm,
        Self::Compressed,
        Self::ErrorFirst,
        Self::ErrorMidway,
        Self::ErrorLast,
        Self::NoEndMark,
        Self::Declines,
    ];

    /// Any conduct, good ones more often, and those whose weathers are seldom met otherwise.
    pub(crate) fn any(chance: &mut Chance) -> Self {
        match chance.below(20) {
            0..=5 => Self::Answers,
            6..=8 => Self::ErrorFirst,
            9 => Self::RefusesEarly,
            _ => chance.of(&Self::ALL),
        }
    }

    /// What this comes to for a call of `kind`: some things happen to streams or pictures only.
    pub(crate) fn with(self, kind: Kind) -> Self {
        let happens = match self {
            Self::ErrorMidway | Self::ErrorLast | Self::NoEndMark => kind.is_streamed(),
            Self::Declines => kind.is_pictures(),
            _ => true,
        };
        if happens { self } else { Self::Answers }
    }
}

/// What a gateway made of a request.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) conduct: Conduct,
    /// Whether work was done that will be billed.
    pub(crate) is_billed: bool,
    /// How long after the request's last byte the head leaves.
    pub(crate) head_after: Duration,
    pub(crate) head: Parts,
    /// The body, and how long after the head each piece leaves.
    pub(crate) frames: Vec<(Duration, Bytes)>,
    pub(crate) hint: Hint,
    /// Whether the code says that a repeat harms or cannot help.
    pub(crate) forbids_repeating: bool,
    /// What the script meant to say: nothing where it is read from the body instead.
    pub(crate) meant: Option<String>,
}

/// The gateway of a world.
#[derive(Debug)]
pub(crate) enum Gateway {
    Scripted {
        /// What it does all the time, or nothing where it changes with every request.
        always: Option<Conduct>,
    },
    Emulated(Box<Emulated>),
}

impl Gateway {
    /// Answers a request of which the last byte comes `at`.
    pub(crate) fn serve(
        &mut self,
        kind: Kind,
        request: http::Request<Bytes>,
        at: Moment,
        chance: &mut Chance,
    ) -> Served {
        match self {
            Self::Scripted { always } => {
                let conduct = always.unwrap_or_else(|| Conduct::any(chance));
                let echoed = if chance.percent(25) { secret::KEY } else { "" };
                script::serve(kind, conduct.with(kind), echoed, chance)
            }
            Self::Emulated(emulated) => emulated.serve(kind, request, at),
        }
    }
}
