//! `mesh-emulator` as the gateway of a world.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use mesh_emulator::gateway::{Cost, ErrorForm, ModelListShape, PartialImages, Switch};
use mesh_emulator::gateway::{Gateway, GatewaySettings};
use mesh_emulator::{Reply, Switches};
use mesh_proto::call::Moment;

use super::{Conduct, Served};
use crate::chance::Chance;
use crate::hint::Hint;
use crate::subject::Kind;

/// Pictures that were drawn before, by what was asked for.
static DRAWN: Mutex<BTreeMap<Vec<u8>, Reply>> = Mutex::new(BTreeMap::new());

/// An emulator with settings of its own.
#[derive(Debug)]
pub(crate) struct Emulated {
    gateway: Gateway,
    switches: Switches,
}

impl Emulated {
    pub(crate) fn new(chance: &mut Chance) -> Self {
        let mut settings = GatewaySettings::default();
        settings.seed = 1;
        settings.pace = chance.milliseconds(0..=200);
        if chance.percent(50) {
            settings.requests_per_minute = Some(chance.of(&[1, 2, 3]));
        }
        settings.switches.cost = chance.of(Cost::ALL);
        settings.switches.model_list = chance.of(ModelListShape::ALL);
        settings.switches.errors = chance.of(ErrorForm::ALL);
        settings.switches.partial_images = chance.of(PartialImages::ALL);
        Self {
            switches: settings.switches,
            gateway: Gateway::new(settings),
        }
    }

    pub(crate) fn serve(&mut self, kind: Kind, request: Request<Bytes>, at: Moment) -> Served {
        let is_post = request.method() == Method::POST;
        let reply = if kind.is_pictures() {
            draw(self.switches, request)
        } else {
            self.gateway.handle(request, at)
        };
        let begin = if kind.is_pictures() {
            Moment::ORIGIN
        } else {
            at
        };
        let status = reply.head.status;
        let body: Vec<u8> = reply
            .frames
            .iter()
            .flat_map(|it| it.bytes.clone())
            .collect();
        let frames = reply.frames.into_iter();
        Served {
            conduct: match status {
                // The stream outlasts the timeout that was asked for.
                StatusCode::OK if memchr::memmem::find(&body, TIMED_OUT).is_some() => {
                    Conduct::ErrorMidway
                }
                StatusCode::OK => Conduct::Answers,
                StatusCode::TOO_MANY_REQUESTS => Conduct::RateLimited,
                StatusCode::GATEWAY_TIMEOUT => Conduct::GatewayTimeout,
                _ => Conduct::Refuses,
            },
            is_billed: is_post && matches!(status, StatusCode::OK | StatusCode::GATEWAY_TIMEOUT),
            head_after: Duration::from_millis(20),
            hint: Hint::read(&reply.head.headers, &body),
            head: reply.head,
            frames: frames
                .map(|frame| (frame.at.since(begin), frame.bytes))
                .collect(),
            forbids_repeating: false,
            meant: None,
        }
    }
}

/// What stands in a stream that the emulator gave up.
const TIMED_OUT: &[u8] = b"\"gateway_timeout\"";

/// A picture, drawn where it has not been before.
fn draw(switches: Switches, request: Request<Bytes>) -> Reply {
    let mut asked = format!("{switches:?} {} ", request.uri().path()).into_bytes();
    asked.extend_from_slice(request.body());
    let known = |drawn: &BTreeMap<_, Reply>| drawn.get(&asked).cloned();
    if let Some(reply) = known(&DRAWN.lock().unwrap_or_else(PoisonError::into_inner)) {
        return reply;
    }
    let mut settings = GatewaySettings::default();
    settings.seed = 1;
    settings.switches = switches;
    let reply = Gateway::new(settings).handle(request, Moment::ORIGIN);
    let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
    // Requests with pictures of their own in them would fill the memory for nothing.
    if drawn.len() < 500 {
        drawn.insert(asked, reply.clone());
    }
    reply
}
