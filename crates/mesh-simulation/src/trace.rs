//! What happened in a call, moment by moment.

use std::fmt;

use mesh_proto::call::{Fault, Moment, Stage};

use crate::gateway::Conduct;
use crate::network::Weather;
use crate::subject::Kind;

/// One line of a trace.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Note {
    Call(Kind),
    Attempt(u32, Weather),
    Served(Conduct, bool),
    Stage(Stage),
    Head(u16),
    Data(usize),
    End,
    Fault(Fault),
    Event(String),
    Wait(Moment),
    Deadline,
    Succeeded,
    Failed(String),
}

/// The notes of a world, in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Trace(Vec<(Moment, Note)>);

impl Trace {
    pub(crate) fn note(&mut self, at: Moment, note: Note) {
        self.0.push((at, note));
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, note) in &self.0 {
            write!(f, "{:>12.3} s  ", at.since_origin().as_secs_f64())?;
            match note {
                Note::Call(kind) => writeln!(f, "── {kind:?}")?,
                Note::Attempt(number, weather) => writeln!(f, "attempt {number}, {weather:?}")?,
                Note::Served(conduct, true) => writeln!(f, "the gateway: {conduct:?}, billed")?,
                Note::Served(conduct, false) => writeln!(f, "the gateway: {conduct:?}")?,
                Note::Stage(stage) => writeln!(f, "→ {stage:?}")?,
                Note::Head(status) => writeln!(f, "→ head {status}")?,
                Note::Data(length) => writeln!(f, "→ {length} bytes")?,
                Note::End => writeln!(f, "→ end")?,
                Note::Fault(fault) => writeln!(f, "→ {fault} ({:?})", fault.sent)?,
                Note::Event(text) => writeln!(f, "← event {text:?}")?,
                Note::Wait(until) => {
                    writeln!(
                        f,
                        "← wait until {:.3} s",
                        until.since_origin().as_secs_f64()
                    )?;
                }
                Note::Deadline => writeln!(f, "… a deadline")?,
                Note::Succeeded => writeln!(f, "← success")?,
                Note::Failed(error) => writeln!(f, "← {error}")?,
            }
        }
        Ok(())
    }
}
