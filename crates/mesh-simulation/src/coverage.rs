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
                let seen = self.0.entry(cell).or_insert(Seen { times: 0, seed });
                seen.times += 1;
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
        seen.filter(|(cell, _)| !can_happen(*cell)).collect()
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

/// Which cells can happen. One that can and is not seen means that the worlds miss it; one that
/// cannot and is seen means that something is not understood.
fn can_happen((cause, phase, came): Cell) -> bool {
    use Came::{Delivered, NotSent, Refused, Success, Unknown};
    use Conduct as G;
    use Weather as W;
    let came_of: &[Came] = match (cause, phase) {
        // A driver that says how far it got knows more than one that does not.
        (Cause::TotalDeadline, Phase::Connecting | Phase::Uploading)
        | (Cause::Network(W::ConnectRefused | W::ConnectHangs), Phase::Connecting)
        | (Cause::Network(W::CutUpload | W::StalledUpload), Phase::Uploading)
        // Where the gateway refuses before it has all of the request, and that is lost.
        | (Cause::Network(W::CutBeforeHead | W::NotHttp | W::Silence), Phase::Uploading) => {
            &[NotSent, Unknown]
        }
        (
            Cause::TotalDeadline
            | Cause::Network(W::SwallowedRequest | W::CutBeforeHead | W::NotHttp | W::Silence)
            | Cause::Gateway(G::Dawdles),
            Phase::AwaitingHead,
        )
        | (Cause::TotalDeadline | Cause::Network(W::CutBody | W::StalledBody), Phase::Reading) => {
            &[Unknown]
        }
        // An error is told by what has come of it.
        (
            Cause::Network(
                W::CutBody | W::EndedBody | W::StalledBody | W::FlippedByte | W::InjectedPage,
            ),
            Phase::ReadingError,
        ) => &[Refused, Unknown],
        // An error inside a success may come whole all the same.
        (Cause::Network(W::EndedBody), Phase::Reading) => &[Refused, Unknown, Delivered],
        (Cause::Network(W::FlippedByte | W::InjectedPage), Phase::Reading) => {
            &[Refused, Unknown, Delivered, Success]
        }
        (Cause::TotalDeadline | Cause::Network(W::CutBody | W::StalledBody), Phase::Streaming) => {
            &[Delivered]
        }
        // All but the line feeds after the end mark may have come.
        (
            Cause::Network(W::EndedBody | W::FlippedByte | W::InjectedPage)
            | Cause::Gateway(G::Dawdles | G::NoEndMark),
            Phase::Streaming,
        ) => &[Delivered, Success],
        (Cause::Gateway(G::Answers), Phase::Reading | Phase::Streaming)
        | (Cause::Gateway(G::OtherForm), Phase::Streaming) => &[Success],
        (Cause::Gateway(G::Dawdles), Phase::Reading) => &[Unknown, Success],
        (
            Cause::Gateway(
                G::RateLimited
                | G::Exhausted
                | G::Unavailable
                | G::Refuses
                | G::RequestTimeout
                | G::RefusesEarly
                | G::Redirects,
            ),
            Phase::ReadingError,
        ) => &[Refused],
        (
            Cause::Gateway(G::BadGateway | G::GatewayTimeout | G::Breaks | G::JobFailed),
            Phase::ReadingError,
        ) => &[Unknown],
        (
            Cause::Gateway(G::Page | G::Empty | G::Compressed | G::OtherForm | G::Declines),
            Phase::Reading,
        )
        | (Cause::Gateway(G::ErrorMidway | G::ErrorLast | G::Declines), Phase::Streaming) => {
            &[Delivered]
        }
        (Cause::Gateway(G::ErrorFirst), Phase::Reading) => &[Refused, Unknown],
        _ => &[],
    };
    came_of.contains(&came)
}

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
