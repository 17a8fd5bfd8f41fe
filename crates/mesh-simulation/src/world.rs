//! A world that one number determines: a client with its settings, a network, a gateway, and the calls
//! that the client makes one after another.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use mesh_proto::call::{BadGateway, Moment, RetryPolicy, Settings};
use mesh_proto::endpoint::{ChatStream, ImageStream};
use mesh_proto::{ApiKey, BaseUrl, Target};

use crate::chance::Chance;
use crate::coverage::Coverage;
use crate::drive::{Ended, Manners, Surroundings, drive};
use crate::gateway::{Conduct, Emulated, Gateway};
use crate::network::Weather;
use crate::rules::{Broken, Purse, Rule, check};
use crate::secret;
use crate::subject::{Kind, chat_request, edit_request, image_request, list_request};
use crate::trace::Trace;

/// What came of a world.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) calls: u64,
    pub(crate) trace: Trace,
    pub(crate) broken: Vec<Broken>,
    /// Whether bytes were changed on the way, where nobody knows the key again.
    is_garbled: bool,
}

/// Runs the world of `seed`, and counts what happened in it.
pub(crate) fn run(seed: u64, coverage: &mut Coverage) -> Told {
    let mut told = Told {
        calls: 0,
        trace: Trace::default(),
        broken: Vec::new(),
        is_garbled: false,
    };
    let ran = catch_unwind(AssertUnwindSafe(|| run_calls(seed, coverage, &mut told)));
    if ran.is_err() {
        told.calls += 1;
        told.broken.push(Rule::NoPanic.broken("see above"));
    }
    if !told.is_garbled && secret::is_shown(&told.trace.to_string()) {
        told.broken.push(Rule::NoKeyShows.broken("in the trace"));
    }
    told
}

fn run_calls(seed: u64, coverage: &mut Coverage, told: &mut Told) {
    let mut chance = Chance::new(seed);
    let target = Target::new(
        BaseUrl::production(),
        ApiKey::new(secret::KEY).expect("a key"),
    );
    let settings = settings(&mut chance);
    let manners = Manners::any(&mut chance);
    // In some worlds one thing goes wrong all the time, so that budgets run out.
    let is_dead = chance.percent(5);
    let calls = if is_dead {
        5 + chance.below(20)
    } else {
        1 + chance.below(3)
    };
    let always = match (is_dead, chance.percent(50)) {
        (true, true) => Some(chance.of(&[Weather::ConnectRefused, Weather::CutUpload])),
        (true, false) => Some(Weather::Clear),
        (false, _) => None,
    };
    let mut gateway = if is_dead {
        let always = chance.of(&[
            Conduct::RateLimited,
            Conduct::Unavailable,
            Conduct::BadGateway,
        ]);
        Gateway::Scripted {
            always: Some(always),
        }
    } else if chance.percent(8) {
        Gateway::Emulated(Box::new(Emulated::new(&mut chance)))
    } else {
        Gateway::Scripted { always: None }
    };
    let mut now = Moment::after_origin(chance.milliseconds(0..=100_000));
    let mut purse = Purse::new(now);
    for _ in 0..calls {
        let surroundings = Surroundings {
            target: &target,
            settings: &settings,
            gateway: &mut gateway,
            always,
            manners,
            chance: &mut chance,
            trace: &mut told.trace,
            now,
        };
        let ended = make_call(surroundings);
        told.calls += 1;
        told.is_garbled |= ended.is_garbled();
        told.broken.extend_from_slice(&ended.broken);
        told.broken
            .extend(check(&ended, &settings, manners, &mut purse));
        coverage.count(&ended, seed);
        now = ended.at.plus(Duration::from_secs(1));
    }
}

fn make_call(world: Surroundings<'_>) -> Ended {
    // Most of what can go wrong goes wrong in streams.
    let kind = if world.chance.percent(30) {
        world.chance.of(&[Kind::ChatStream, Kind::ImageStream])
    } else {
        world.chance.of(&Kind::ALL)
    };
    match kind {
        Kind::Chat => {
            let request = chat_request(world.chance);
            let upstream = request.timeout.map(Duration::from_secs_f64);
            drive(kind, request, upstream, world)
        }
        Kind::ChatStream => {
            let request = chat_request(world.chance);
            let upstream = request.timeout.map(Duration::from_secs_f64);
            let stream = ChatStream::new(&request).expect("a request");
            drive(kind, stream, upstream, world)
        }
        Kind::Models => {
            let request = list_request(world.chance);
            drive(kind, request, None, world)
        }
        Kind::Image => {
            let request = image_request(world.chance);
            drive(kind, request, None, world)
        }
        Kind::ImageStream => {
            let mut request = image_request(world.chance);
            if world.chance.percent(30) {
                request.partial_images = Some(2);
            }
            let stream = ImageStream::new(&request).expect("a request");
            drive(kind, stream, None, world)
        }
        Kind::Edit => {
            let request = edit_request(world.chance);
            drive(kind, request, None, world)
        }
    }
}

fn settings(chance: &mut Chance) -> Settings {
    let mut settings = Settings::default();
    settings.retry.max_retries = chance.of(&[2, 2, 2, 2, 0, 1, 3, 5]);
    let default = RetryPolicy::default();
    settings.retry.base = chance.of(&[default.base, default.base, Duration::from_millis(1)]);
    settings.retry.cap = chance.of(&[default.cap, default.cap, Duration::from_millis(700)]);
    settings.retry.longest_hint = chance.of(&[
        default.longest_hint,
        default.longest_hint,
        Duration::from_secs(4),
    ]);
    if chance.percent(20) {
        settings.retry.bad_gateway = BadGateway::Retry;
    }
    if chance.percent(35) {
        settings.deadlines.total = Some(chance.milliseconds(1..=120_000));
    }
    if chance.percent(30) {
        settings.deadlines.connect = Duration::from_secs(1);
    }
    if chance.percent(30) {
        settings.deadlines.head = Some(Duration::from_secs(chance.of(&[5, 40])));
    }
    if chance.percent(30) {
        settings.deadlines.idle = Duration::from_secs(20);
    }
    settings
}
