//! The network between a driver and a gateway: when what arrives, and what becomes of it on the way.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::response::Parts;
use mesh_proto::call::{Fault, FaultKind, Moment, Sent, Stage};

use crate::chance::Chance;
use crate::gateway::{Conduct, Served};

/// What the network does to an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weather {
    /// It delays, and splits bytes as it likes; nothing worse.
    Clear,
    /// No connection, and it says so.
    ConnectRefused,
    /// No connection, in silence.
    ConnectHangs,
    /// The connection breaks at some byte of the request.
    CutUpload,
    /// The connection takes no more of the request from some byte on.
    StalledUpload,
    /// The request is handed over, never arrives, and then the connection breaks.
    SwallowedRequest,
    /// The request arrives, and the connection breaks before the head.
    CutBeforeHead,
    /// The request arrives, and what comes back is not HTTP, or the end.
    NotHttp,
    /// The request arrives, and nothing comes back.
    Silence,
    /// The connection breaks at some byte of the body.
    CutBody,
    /// The body ends at some byte as if that were its end.
    EndedBody,
    /// Nothing comes after some byte of the body.
    StalledBody,
    /// A byte of the body is another.
    FlippedByte,
    /// A page stands in the middle of the body.
    InjectedPage,
}

impl Weather {
    pub(crate) const ALL: [Self; 14] = [
        Self::Clear,
        Self::ConnectRefused,
        Self::ConnectHangs,
        Self::CutUpload,
        Self::StalledUpload,
        Self::SwallowedRequest,
        Self::CutBeforeHead,
        Self::NotHttp,
        Self::Silence,
        Self::CutBody,
        Self::EndedBody,
        Self::StalledBody,
        Self::FlippedByte,
        Self::InjectedPage,
    ];

    /// Any weather; every other time it is clear.
    pub(crate) fn any(chance: &mut Chance) -> Self {
        if chance.percent(50) {
            Self::Clear
        } else {
            chance.of(&Self::ALL)
        }
    }
}

/// What a driver gets to see.
#[derive(Debug)]
pub(crate) enum Happening {
    Stage(Stage),
    Head(Parts),
    Data(Bytes),
    End,
    Fault(Fault),
}

/// One exchange, planned from its beginning to its end. Whoever gives it up leaves the rest.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) weather: Weather,
    /// What is to happen, in its order.
    pub(crate) plan: VecDeque<(Moment, Happening)>,
    /// When the driver had handed over the last byte of a request that then arrived.
    pub(crate) handed_over: Option<Moment>,
    /// What the gateway made of it, where it had enough of it to answer.
    pub(crate) served: Option<Served>,
    /// From which byte of the body on it is garbled.
    pub(crate) garbled_from: Option<usize>,
    /// The bytes of the body that its driver was given.
    pub(crate) delivered: Vec<u8>,
    /// How many events the caller was given.
    pub(crate) events: usize,
    pub(crate) phase: Phase,
    /// Whether the body's end was given.
    pub(crate) is_ended: bool,
    /// Whether the weather's fault was given.
    pub(crate) has_faulted: bool,
}

/// How far an exchange has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Connecting,
    Uploading,
    AwaitingHead,
    /// Within the body of an error.
    ReadingError,
    /// Within the body of a success, and the caller has had nothing of it yet.
    Reading,
    /// The caller has had an event.
    Streaming,
}

impl Phase {
    pub(crate) const ALL: [Self; 6] = [
        Self::Connecting,
        Self::Uploading,
        Self::AwaitingHead,
        Self::ReadingError,
        Self::Reading,
        Self::Streaming,
    ];
}

/// What the network needs to know to plan an exchange.
pub(crate) struct Beginning<'b> {
    pub(crate) at: Moment,
    pub(crate) body_length: usize,
    /// Whether the driver says how far it gets and how much of a request went out.
    pub(crate) tells: bool,
    pub(crate) chance: &'b mut Chance,
}

impl Beginning<'_> {
    /// Plans an exchange in `weather`; `serve` is asked once a request has arrived.
    pub(crate) fn plan(
        mut self,
        weather: Weather,
        serve: impl FnOnce(Moment, &mut Chance) -> Served,
    ) -> Exchange {
        let mut exchange = Exchange {
            weather,
            plan: VecDeque::new(),
            handed_over: None,
            served: None,
            garbled_from: None,
            delivered: Vec::new(),
            events: 0,
            phase: Phase::Connecting,
            is_ended: false,
            has_faulted: false,
        };
        self.connect_and_upload(&mut exchange, serve);
        if let Some(served) = exchange.served.take() {
            self.answer(&mut exchange, &served);
            exchange.served = Some(served);
        }
        exchange
    }

    fn pass(&mut self, most: u64) {
        self.at = self.at.plus(self.chance.milliseconds(0..=most));
    }

    fn stage(&mut self, exchange: &mut Exchange, stage: Stage) {
        exchange.plan.push_back((self.at, Happening::Stage(stage)));
    }

    fn fault(&mut self, exchange: &mut Exchange, kind: FaultKind, sent: Sent) {
        self.pass(5_000);
        let blunt = Fault::new(kind);
        let fault = if self.tells { blunt.after(sent) } else { blunt };
        exchange.plan.push_back((self.at, Happening::Fault(fault)));
    }

    fn connect_and_upload(
        &mut self,
        exchange: &mut Exchange,
        serve: impl FnOnce(Moment, &mut Chance) -> Served,
    ) {
        self.stage(exchange, Stage::Connecting);
        match exchange.weather {
            Weather::ConnectRefused => {
                return self.fault(exchange, FaultKind::Connect, Sent::Nothing);
            }
            Weather::ConnectHangs => return,
            _ => {}
        }
        self.pass(300);
        self.stage(exchange, Stage::Connected);
        match exchange.weather {
            Weather::CutUpload => {
                let sent = if self.chance.below(self.body_length) == 0 {
                    Sent::Nothing
                } else {
                    Sent::Part
                };
                let kind = self.chance.of(&[FaultKind::Lost, FaultKind::BodyRefused]);
                return self.fault(exchange, kind, sent);
            }
            Weather::StalledUpload => return,
            _ => {}
        }
        // Whether the gateway waits for all of the request shows in what it does.
        let begun = self.at;
        self.pass(2_000);
        let served = serve(self.at, self.chance);
        if served.conduct == Conduct::RefusesEarly {
            self.at = begun;
            exchange.served = Some(served);
            return;
        }
        self.stage(exchange, Stage::BodySent);
        if exchange.weather == Weather::SwallowedRequest {
            return self.fault(exchange, FaultKind::Lost, Sent::Whole);
        }
        exchange.handed_over = Some(self.at);
        exchange.served = Some(served);
    }

    fn answer(&mut self, exchange: &mut Exchange, served: &Served) {
        let sent = if exchange.handed_over.is_some() {
            Sent::Whole
        } else {
            Sent::Part
        };
        match exchange.weather {
            Weather::CutBeforeHead => return self.fault(exchange, FaultKind::Lost, sent),
            Weather::NotHttp => return self.fault(exchange, FaultKind::Other, sent),
            Weather::Silence => return,
            _ => {}
        }
        self.at = self.at.plus(served.head_after);
        self.pass(50);
        let head = Happening::Head(served.head.clone());
        exchange.plan.push_back((self.at, head));
        let whole: usize = served.frames.iter().map(|(_, bytes)| bytes.len()).sum();
        // The last bytes of a body are where its end mark is.
        let place = if self.chance.percent(40) {
            whole.saturating_sub(self.chance.below(5))
        } else {
            self.chance.below(whole + 1)
        };
        let frames = match exchange.weather {
            Weather::FlippedByte | Weather::InjectedPage => {
                exchange.garbled_from = Some(place);
                self.garble(exchange.weather, &served.frames, place)
            }
            Weather::CutBody | Weather::EndedBody | Weather::StalledBody => {
                cut(&served.frames, place)
            }
            _ => served.frames.clone(),
        };
        self.deliver(exchange, frames);
        match exchange.weather {
            Weather::CutBody => self.fault(exchange, FaultKind::Lost, Sent::Whole),
            Weather::StalledBody => {}
            _ => {
                self.pass(20);
                exchange.plan.push_back((self.at, Happening::End));
            }
        }
    }

    fn garble(
        &mut self,
        weather: Weather,
        frames: &[(Duration, Bytes)],
        place: usize,
    ) -> Vec<(Duration, Bytes)> {
        let mut offset = 0;
        let mut garbled = Vec::new();
        for (at, bytes) in frames {
            let mut bytes = BytesMut::from(&bytes[..]);
            let length = bytes.len();
            if (offset..offset + length).contains(&place) {
                let within = place - offset;
                if weather == Weather::FlippedByte {
                    let bit = 1 << self.chance.below(8);
                    bytes
                        .iter_mut()
                        .skip(within)
                        .take(1)
                        .for_each(|it| *it ^= bit);
                } else {
                    let rest = bytes.split_off(within);
                    bytes.extend_from_slice(b"<html><h1>502</h1></html>");
                    bytes.unsplit(rest);
                }
            }
            offset += length;
            garbled.push((*at, bytes.freeze()));
        }
        garbled
    }

    /// Delivers pieces in other pieces.
    fn deliver(&mut self, exchange: &mut Exchange, frames: Vec<(Duration, Bytes)>) {
        let left = self.at;
        // The longest piece in which bytes come, and how often those of one moment come with the next.
        let longest = self
            .chance
            .of(&[usize::MAX, usize::MAX, usize::MAX, 100, 17, 2]);
        // A long body in pieces of two bytes shows no more than a short one.
        let whole: usize = frames.iter().map(|(_, bytes)| bytes.len()).sum();
        let longest = longest.max(whole / 2_000);
        let together = self.chance.of(&[0, 0, 50]);
        let mut waiting = BytesMut::new();
        let count = frames.len();
        for (place, (after, bytes)) in frames.into_iter().enumerate() {
            self.at = self.at.max(left.plus(after));
            waiting.extend_from_slice(&bytes);
            if place + 1 < count && self.chance.percent(together) {
                continue;
            }
            while !waiting.is_empty() {
                let most = longest.min(waiting.len());
                let length = if self.chance.percent(50) {
                    most
                } else {
                    1 + self.chance.below(most)
                };
                self.pass(3);
                let piece = waiting.split_to(length).freeze();
                exchange.plan.push_back((self.at, Happening::Data(piece)));
            }
        }
    }
}

fn cut(frames: &[(Duration, Bytes)], place: usize) -> Vec<(Duration, Bytes)> {
    let mut left = place;
    let mut kept = Vec::new();
    for (at, bytes) in frames {
        let length = bytes.len().min(left);
        kept.push((*at, bytes.slice(..length)));
        left -= length;
    }
    kept
}
