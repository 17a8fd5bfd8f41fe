//! What has been seen: which cause ended attempts, where they were then, and what came of it.

use std::collections::BTreeMap;
use std::fmt;

use mesh_proto::call::{AttemptEnd, Deadline};
use mesh_proto::error::Outcome;

use crate::drive::{Attempted, Ended};
use crate::gateway::Conduct;
use crate::network::{Phase, Weather};
use crate::rules::outcome_of;

/// Why an attempt ended as it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// The limit for the whole call.
    TotalDeadline,
    Network(Weather),
    Gateway(Conduct),
}

impl Cause {
    fn all() -> impl Iterator<Item = Self> {
        let weather = Weather::ALL.into_iter().filter(|it| *it != Weather::Clear);
        let gateway = Conduct::ALL.into_iter().map(Self::Gateway);
        [Self::TotalDeadline]
            .into_iter()
            .chain(weather.map(Self::Network))
            .chain(gateway)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TotalDeadline => f.write_str("limit of the call"),
            Self::Network(weather) => write!(f, "network: {weather:?}"),
            Self::Gateway(conduct) => write!(f, "gateway: {conduct:?}"),
        }
    }
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Came {
    NotSent,
    Refused,
    Unknown,
    Delivered,
    Success,
}

impl Came {
    const ALL: [Self; 5] = [
        Self::NotSent,
        Self::Refused,
        Self::Unknown,
        Self::Delivered,
        Self::Success,
    ];

    fn of(end: AttemptEnd) -> Self {
        match outcome_of(end) {
            Some(Outcome::NotSent) => Self::NotSent,
            Some(Outcome::Refused) => Self::Refused,
            Some(Outcome::Unknown) => Self::Unknown,
            Some(Outcome::Delivered) => Self::Delivered,
            None => Self::Success,
        }
    }
}

type Cell = (Cause, Phase, Came);

/// How often each cell of the table was seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Coverage(BTreeMap<Cell, Seen>);

/// How often a cell was seen, and in which world.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    times: u64,
    seed: u64,
}

impl Coverage {
    /// Counts a call in the world of `seed`.
    pub(crate) fn count(&mut self, ended: &Ended, seed: u64) {
        for attempt in &ended.attempts {
            if let Some(cell) = cell(attempt) {
                let first = Seen { times: 0, seed };
                self.0.entry(cell).or_insert(first).times += 1;
            }
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (cell, other) in other.0 {
            let seen = self.0.entry(cell).or_insert(Seen { times: 0, ..other });
            seen.times += other.times;
        }
    }

    /// Cells that can happen and have not been seen.
    pub(crate) fn empty(&self) -> Vec<Cell> {
        let cells = cells().filter(|cell| can_happen(*cell));
        cells.filter(|cell| !self.0.contains_key(cell)).collect()
    }

    /// Cells that cannot happen and have been seen, each with the seed of a world where it was.
    pub(crate) fn surprising(&self) -> Vec<(Cell, u64)> {
        let seen = self.0.iter().map(|(cell, seen)| (*cell, seen.seed));
        seen.filter(|(cell, _)| !can_happen(*cell) && !RARE.contains(cell))
            .collect()
    }
}

fn cells() -> impl Iterator<Item = Cell> {
    Cause::all().flat_map(|cause| {
        Phase::ALL
            .into_iter()
            .flat_map(move |phase| Came::ALL.into_iter().map(move |came| (cause, phase, came)))
    })
}

fn cell(attempt: &Attempted) -> Option<Cell> {
    let end = attempt.told.as_ref()?.end;
    Some((cause(attempt, end), attempt.exchange.phase, Came::of(end)))
}

fn cause(attempt: &Attempted, end: AttemptEnd) -> Cause {
    let exchange = &attempt.exchange;
    if let AttemptEnd::Deadline(Deadline::Total(_), _) = end {
        return Cause::TotalDeadline;
    }
    let by_time = matches!(end, AttemptEnd::Deadline(..) | AttemptEnd::Fault(..));
    let has_struck = match exchange.weather {
        Weather::Clear => false,
        // Time may run out before the fault is told.
        Weather::ConnectRefused
        | Weather::ConnectHangs
        | Weather::CutUpload
        | Weather::StalledUpload
        | Weather::SwallowedRequest
        | Weather::CutBeforeHead
        | Weather::NotHttp
        | Weather::Silence => by_time,
        Weather::CutBody => exchange.has_faulted,
        Weather::StalledBody => {
            let is_over = exchange.plan.is_empty() && !exchange.is_ended;
            is_over && (by_time || exchange.phase == Phase::ReadingError)
        }
        Weather::EndedBody => {
            exchange.is_ended && exchange.delivered.len() < exchange.sent_length()
        }
        Weather::FlippedByte | Weather::InjectedPage => exchange.is_garbled(),
    };
    match &exchange.served {
        Some(served) if !has_struck => Cause::Gateway(served.conduct),
        _ => Cause::Network(exchange.weather),
    }
}

/// Whether a cell can happen. One that can and is not seen means that the worlds miss it; one that
/// cannot and is seen means that something is not understood.
fn can_happen((cause, phase, came): Cell) -> bool {
    POSSIBLE.iter().any(|(causes, of_phase, of_came)| {
        *of_phase == phase && causes.contains(&cause) && of_came.contains(&came)
    })
}

/// What can come of what, but is seen once in many thousand calls.
const RARE: &[Cell] = &[
    // The number may stand in the body alone, which the call's time may cut off.
    (
        Cause::Gateway(Conduct::RequestTimeout),
        Phase::ReadingError,
        Came::Refused,
    ),
    // Events that answer a plain request may lack their end mark alone.
    (
        Cause::Network(Weather::EndedBody),
        Phase::Reading,
        Came::Success,
    ),
];

/// What can come of what, where.
const POSSIBLE: &[(&[Cause], Phase, &[Came])] = {
    use Came::{Delivered, NotSent, Refused, Success, Unknown};
    use Cause::{Gateway as G, Network as N, TotalDeadline};
    use Conduct as C;
    use Weather as W;
    &[
        // A driver that says how far it got knows more than one that does not.
        (
            &[TotalDeadline, N(W::ConnectRefused), N(W::ConnectHangs)],
            Phase::Connecting,
            &[NotSent, Unknown],
        ),
        (
            &[TotalDeadline, N(W::CutUpload), N(W::StalledUpload)],
            Phase::Uploading,
            &[NotSent, Unknown],
        ),
        // The gateway refuses before it has all of the request, and that is lost.
        (
            &[N(W::CutBeforeHead), N(W::NotHttp), N(W::Silence)],
            Phase::Uploading,
            &[NotSent, Unknown],
        ),
        (
            &[
                TotalDeadline,
                N(W::SwallowedRequest),
                N(W::CutBeforeHead),
                N(W::NotHttp),
                N(W::Silence),
                G(C::Dawdles),
            ],
            Phase::AwaitingHead,
            &[Unknown],
        ),
        // An error is told by what has come of it.
        (
            &[
                N(W::CutBody),
                N(W::EndedBody),
                N(W::StalledBody),
                N(W::FlippedByte),
                N(W::InjectedPage),
            ],
            Phase::ReadingError,
            &[Refused, Unknown],
        ),
        (
            &[
                G(C::RateLimited),
                G(C::Refuses),
                G(C::RefusesEarly),
                G(C::Redirects),
            ],
            Phase::ReadingError,
            &[Refused],
        ),
        // A router does not know what became of the request.
        (
            &[G(C::Exhausted), G(C::Unavailable)],
            Phase::ReadingError,
            &[Refused, Unknown],
        ),
        (
            &[
                G(C::BadGateway),
                G(C::GatewayTimeout),
                G(C::RequestTimeout),
                G(C::Breaks),
                G(C::JobFailed),
            ],
            Phase::ReadingError,
            &[Unknown],
        ),
        // Events that answer a plain request have delivered something.
        (
            &[TotalDeadline, N(W::CutBody), N(W::StalledBody)],
            Phase::Reading,
            &[Unknown, Delivered],
        ),
        // An error inside a success may come whole all the same.
        (
            &[N(W::EndedBody)],
            Phase::Reading,
            &[Refused, Unknown, Delivered],
        ),
        (
            &[N(W::FlippedByte), N(W::InjectedPage)],
            Phase::Reading,
            &[Refused, Unknown, Delivered, Success],
        ),
        (&[G(C::Answers)], Phase::Reading, &[Success]),
        (&[G(C::Dawdles)], Phase::Reading, &[Unknown, Success]),
        (&[G(C::ErrorFirst)], Phase::Reading, &[Refused, Unknown]),
        (&[G(C::Page), G(C::Empty)], Phase::Reading, &[Unknown]),
        (&[G(C::OtherForm)], Phase::Reading, &[Unknown, Success]),
        (
            &[G(C::Compressed), G(C::Declines)],
            Phase::Reading,
            &[Delivered],
        ),
        (
            &[TotalDeadline, N(W::CutBody), N(W::StalledBody)],
            Phase::Streaming,
            &[Delivered],
        ),
        // All but the line feeds after the end mark may have come.
        (
            &[N(W::EndedBody), N(W::FlippedByte), N(W::InjectedPage)],
            Phase::Streaming,
            &[Delivered, Success],
        ),
        (
            &[G(C::Answers), G(C::OtherForm)],
            Phase::Streaming,
            &[Success],
        ),
        (
            &[G(C::Dawdles), G(C::NoEndMark)],
            Phase::Streaming,
            &[Delivered, Success],
        ),
        (
            &[G(C::ErrorMidway), G(C::ErrorLast), G(C::Declines)],
            Phase::Streaming,
            &[Delivered],
        ),
    ]
};

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<28}{:<14}", "cause", "phase")?;
        for came in Came::ALL {
            write!(f, "{:>11}", format!("{came:?}"))?;
        }
        writeln!(f)?;
        for cause in Cause::all() {
            for phase in Phase::ALL {
                let row = Came::ALL.map(|came| {
                    let seen = self.0.get(&(cause, phase, came));
                    let times = seen.map_or(0, |seen| seen.times);
                    (times, can_happen((cause, phase, came)))
                });
                if row.iter().all(|(seen, can)| *seen == 0 && !can) {
                    continue;
                }
                write!(f, "{:<28}{:<14}", cause.to_string(), format!("{phase:?}"))?;
                for (seen, can) in row {
                    if seen == 0 && !can {
                        write!(f, "{:>11}", "·")?;
                    } else {
                        write!(f, "{seen:>11}")?;
                    }
                }
                writeln!(f)?;
            }
        }
        Ok(())
    }
}
