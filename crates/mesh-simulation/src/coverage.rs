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
pub(crate) struct Coverage(BTreeMap<Cell, u64>);

impl Coverage {
    pub(crate) fn count(&mut self, ended: &Ended) {
        for attempt in &ended.attempts {
            if let Some(cell) = cell(attempt) {
                *self.0.entry(cell).or_default() += 1;
            }
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (cell, count) in other.0 {
            *self.0.entry(cell).or_default() += count;
        }
    }

    /// Cells that can happen and have not been seen.
    pub(crate) fn empty(&self) -> Vec<Cell> {
        let cells = cells().filter(|cell| can_happen(*cell));
        cells.filter(|cell| !self.0.contains_key(cell)).collect()
    }

    /// Cells that cannot happen and have been seen.
    pub(crate) fn surprising(&self) -> Vec<Cell> {
        let seen = self.0.keys().copied();
        seen.filter(|cell| !can_happen(*cell)).collect()
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
    let has_struck = match exchange.weather {
        Weather::Clear => false,
        Weather::ConnectRefused
        | Weather::CutUpload
        | Weather::SwallowedRequest
        | Weather::CutBeforeHead
        | Weather::NotHttp
        | Weather::CutBody => exchange.has_faulted,
        Weather::ConnectHangs | Weather::StalledUpload | Weather::Silence | Weather::StalledBody => {
            exchange.plan.is_empty() && !exchange.is_ended && Came::of(end) != Came::Success
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

fn can_happen(_cell: Cell) -> bool {
    true
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
                    let seen = self.0.get(&(cause, phase, came)).copied().unwrap_or_default();
                    (seen, can_happen((cause, phase, came)))
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
