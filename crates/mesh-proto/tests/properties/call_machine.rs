//! Whatever a driver says in whatever order, at whatever times: a call ends, keeps to its policy,
//! and says the same again when it is asked again.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use http::response;
use mesh_proto::call::{
    Attempt, AttemptEnd, BadGateway, CertificateFault, Fault, FaultKind, RetryPolicy, Sent,
    Settings, Stage,
};
use mesh_proto::call::{CallError, Failure};
use mesh_proto::endpoint::{ChatStream, ImageStream, ListModels, Replay};
use mesh_proto::error::Outcome;
use mesh_proto::image::Image;
use mesh_proto::images::{EditRequest, ImageRequest};
use mesh_proto::{Call, ChatRequest, Endpoint, Moment, Step};

use super::{KEY, target};

#[derive(Arbitrary, Debug)]
struct Script {
    endpoint: Kind,
    policy: Policy,
    limits: Limits,
    began: u16,
    seed: u64,
    acts: Vec<Act>,
}

#[derive(Arbitrary, Debug)]
enum Kind {
    Chat,
    ChatStream,
    Image,
    ImageStream,
    Edit,
    List,
}

#[derive(Arbitrary, Debug)]
struct Policy {
    max_retries: u8,
    base: u16,
    cap: u16,
    longest_hint: u8,
    bad_gateway: bool,
}

/// In milliseconds.
#[derive(Arbitrary, Debug)]
struct Limits {
    total: Option<u16>,
    connect: u16,
    head: Option<u16>,
    idle: u16,
}

/// What a driver does at one step. What is no answer to the step is passed over.
#[derive(Arbitrary, Debug)]
enum Act {
    Connecting,
    Connected,
    BodySent,
    Head(Status, Option<Hint>),
    Data(Text),
    Bytes(Vec<u8>),
    End,
    Fault(u8, u8),
    Pass(u16),
    /// A clock that goes back.
    Back(u16),
}

#[derive(Arbitrary, Debug)]
enum Status {
    Success,
    Usual(u8),
    Any(u16),
}

#[derive(Arbitrary, Debug)]
enum Hint {
    Seconds(u8),
    Text(String),
}

/// What gateways send, whole and cut.
#[derive(Arbitrary, Debug)]
enum Text {
    Chunk,
    Picture,
    Done,
    Comment,
    Usage,
    Error,
    Nonsense,
    Half,
    Reply,
    Images,
    Rows,
    Html,
    BlankLine,
}

impl Text {
    fn bytes(&self) -> &'static [u8] {
        match self {
            Self::Chunk => b"data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n",
            Self::Picture => b"data: {\"data\":[{\"b64_json\":\"iVBORw0KGgo=\"}]}\n\n",
            Self::Done => b"data: [DONE]\n\n",
            Self::Comment => b": ping\n\n",
            Self::Usage => b"data: {\"choices\":[],\"usage\":{}}\n\n",
            Self::Error => b"data: {\"error\":{\"code\":\"upstream_error\",\"message\":\"m\"}}\n\n",
            Self::Nonsense => b"data: nonsense\n\n",
            Self::Half => b"data: {\"choices\":[{\"delta\":{\"con",
            Self::Reply => b"{\"choices\":[{\"message\":{\"content\":\"hi\"}}]}",
            Self::Images => b"{\"data\":[{\"b64_json\":\"iVBORw0KGgo=\"}]}",
            Self::Rows => b"[{\"id\":\"m\"},7]",
            Self::Html => b"<html>",
            Self::BlankLine => b"\n",
        }
    }
}

pub(super) fn hold(data: &[u8]) {
    let Ok(script) = Script::arbitrary_take_rest(Unstructured::new(data)) else {
        return;
    };
    let image = || Image::from_bytes(&b"\x89PNG\r\n\x1a\n"[..]).unwrap();
    let chat = ChatRequest::new("m").user(("look", image()));
    let drawing = ImageRequest::new("m", "a fox");
    match script.endpoint {
        Kind::Chat => twice(&chat, &script),
        Kind::ChatStream => twice(&ChatStream::new(&chat).unwrap(), &script),
        Kind::Image => twice(&drawing, &script),
        Kind::ImageStream => twice(&ImageStream::new(&drawing).unwrap(), &script),
        Kind::Edit => twice(&EditRequest::new("m", image(), "night"), &script),
        Kind::List => twice(&ListModels::new(), &script),
    }
}

/// A call replays exactly.
fn twice<E: Endpoint>(endpoint: &E, script: &Script) {
    assert_eq!(run(endpoint, script), run(endpoint, script));
}

/// What a step is, without its loans.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Told {
    Send(u32),
    Receive,
    Wait(Moment),
    Owned,
}

fn told<E: Endpoint>(step: &Step<'_, E>) -> Told {
    match step {
        Step::Send(outgoing) => Told::Send(outgoing.attempt()),
        Step::Receive(_) => Told::Receive,
        Step::Wait(until) => Told::Wait(*until),
        Step::Event(_) | Step::Done(_) => Told::Owned,
    }
}

fn milliseconds(count: u16) -> Duration {
    Duration::from_millis(count.into())
}

impl Script {
    fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        let policy = &mut settings.retry;
        policy.max_retries = u32::from(self.policy.max_retries % 6);
        policy.base = milliseconds(self.policy.base);
        policy.cap = milliseconds(self.policy.cap);
        policy.longest_hint = Duration::from_secs(self.policy.longest_hint.into());
        if self.policy.bad_gateway {
            policy.bad_gateway = BadGateway::Retry;
        }
        let deadlines = &mut settings.deadlines;
        deadlines.total = self.limits.total.map(milliseconds);
        deadlines.connect = milliseconds(self.limits.connect);
        // No time at all to send anything is no limit but a contradiction.
        deadlines.head = self.limits.head.map(|head| milliseconds(head.max(1)));
        deadlines.idle = milliseconds(self.limits.idle);
        settings
    }
}

/// Drives a call by the script and holds it to its promises; what came of it, in words.
fn run<E: Endpoint>(endpoint: &E, script: &Script) -> Vec<String> {
    let told_of = Arc::new(Mutex::new(Vec::new()));
    let sink = told_of.clone();
    let settings = script
        .settings()
        .with_observer(move |attempt| sink.lock().unwrap().push(attempt.clone()));
    let policy = settings.retry;
    let began = Moment::after_origin(milliseconds(script.began));
    let total = settings.deadlines.total.map(|total| began.plus(total));
    let mut call = Call::new(endpoint, &target(), &settings, began, script.seed).unwrap();

    let (mut now, mut latest) = (began, began);
    let mut acts = script.acts.iter();
    let (mut events, mut sends) = (0, 0);
    let mut trace = Vec::new();
    // Each turn takes an act, hands out an event that an act has brought, or lets time pass to a
    // deadline, of which an attempt has few.
    let turns = script.acts.len() * 4 + 200;
    for _ in 0..turns {
        latest = latest.max(now);
        let deadline = call.deadline();
        let step = call.poll(now);
        let first = told(&step);
        trace.push(format!("{first:?}"));
        let step = if first == Told::Owned {
            step
        } else {
            // Asked again, it says the same.
            let again = call.poll(now);
            assert_eq!(told(&again), first);
            again
        };
        let to_the_deadline = || deadline.expect("a limit on every phase").max(latest);
        match step {
            Step::Send(mut outgoing) => {
                if outgoing.attempt() != sends {
                    sends += 1;
                    assert_eq!(outgoing.attempt(), sends);
                    assert_eq!(events, 0, "an attempt after an event");
                    assert!(
                        sends <= policy.max_retries + 1,
                        "more attempts than the policy has"
                    );
                    assert!(
                        sends == 1 || total.is_none_or(|total| latest < total),
                        "too late"
                    );
                    assert_eq!(
                        outgoing.request().headers()["authorization"],
                        format!("Bearer {KEY}")
                    );
                }
                match acts.next() {
                    Some(Act::Connecting) => outgoing.progress(Stage::Connecting),
                    Some(Act::Connected) => outgoing.progress(Stage::Connected),
                    Some(Act::BodySent) => outgoing.progress(Stage::BodySent),
                    Some(Act::Head(status, hint)) => outgoing.head(head(status, hint.as_ref())),
                    Some(Act::Fault(kind, sent)) => outgoing.fault(fault(*kind, *sent)),
                    Some(Act::Pass(time)) => now = latest.plus(milliseconds(*time)),
                    Some(Act::Back(time)) => now = back(now, *time),
                    Some(_) => {}
                    None => now = to_the_deadline(),
                }
            }
            Step::Receive(incoming) => match acts.next() {
                Some(Act::Data(text)) => incoming.data(text.bytes()),
                Some(Act::Bytes(bytes)) => incoming.data(bytes),
                Some(Act::End) => incoming.end(),
                Some(Act::Fault(kind, sent)) => incoming.fault(fault(*kind, *sent)),
                Some(Act::Pass(time)) => now = latest.plus(milliseconds(*time)),
                Some(Act::Back(time)) => now = back(now, *time),
                Some(_) => {}
                None => now = to_the_deadline(),
            },
            Step::Wait(until) => {
                assert!(until >= latest);
                assert!(
                    total.is_none_or(|total| until < total),
                    "a wait beyond the limit"
                );
                assert!(deadline.is_some());
                now = until;
            }
            Step::Event(_) => events += 1,
            Step::Done(result) => {
                trace.push(end(result, sends, events));
                assert_eq!(call.deadline(), None);
                let Step::Done(Err(error)) = call.poll(now) else {
                    panic!("a call that goes on after its end");
                };
                assert_eq!(*error.failure(), Failure::Finished);
                let attempts = told_of.lock().unwrap();
                trace.extend(attempts.iter().map(|attempt| format!("{attempt:?}")));
                repeats_what_is_free(&attempts, endpoint.replay(), policy, sends);
                return trace;
            }
        }
    }
    panic!("the call never ends");
}

/// What a call ended with, in words.
fn end<T>(result: Result<T, CallError>, sends: u32, events: u32) -> String {
    let Err(error) = result else {
        return "a reply".to_owned();
    };
    assert_eq!(error.attempts(), sends.max(1));
    assert!(
        events == 0 || error.outcome() == Outcome::Delivered,
        "{error}"
    );
    let shown = format!("{error}; {error:?}");
    assert!(!shown.contains(KEY), "{shown}");
    shown
}

fn repeats_what_is_free(attempts: &[Attempt], replay: Replay, policy: RetryPolicy, sends: u32) {
    let repeated: Vec<_> = attempts
        .iter()
        .filter(|attempt| attempt.next.is_some())
        .collect();
    // The last may have been announced, and the call ended while it waited.
    assert!((sends.saturating_sub(1)..=sends).contains(&u32::try_from(repeated.len()).unwrap()));
    for attempt in repeated {
        assert!(attempt.began <= attempt.ended);
        let outcome = match attempt.end {
            AttemptEnd::Failed(outcome)
            | AttemptEnd::Fault(_, outcome)
            | AttemptEnd::Deadline(_, outcome) => outcome,
            other => panic!("{other:?} was repeated"),
        };
        let status = attempt.status.map(|status| status.as_u16());
        let is_allowed =
            policy.bad_gateway == BadGateway::Retry && matches!(status, Some(502..=504));
        assert!(
            replay == Replay::Always
                || is_allowed
                || matches!(outcome, Outcome::NotSent | Outcome::Refused),
            "{attempt:?} was repeated"
        );
    }
}

fn back(now: Moment, time: u16) -> Moment {
    Moment::after_origin(now.since_origin().saturating_sub(milliseconds(time)))
}

fn fault(kind: u8, sent: u8) -> Fault {
    let kind = match kind % 7 {
        0 => FaultKind::Connect,
        5 => FaultKind::Proxy,
        6 => FaultKind::Certificate(CertificateFault::UnknownAuthority),
        1 => FaultKind::Lost,
        2 => FaultKind::TimedOut,
        3 => FaultKind::BodyRefused,
        _ => FaultKind::Other,
    };
    match sent % 4 {
        0 => Fault::new(kind),
        1 => Fault::new(kind).after(Sent::Nothing),
        2 => Fault::new(kind).after(Sent::Part),
        _ => Fault::new(kind).after(Sent::Whole),
    }
}

fn head(status: &Status, hint: Option<&Hint>) -> response::Parts {
    const USUAL: [u16; 12] = [204, 301, 400, 401, 402, 408, 413, 429, 500, 502, 503, 504];
    let mut parts = http::Response::new(()).into_parts().0;
    let status = match status {
        Status::Success => 200,
        Status::Usual(which) => USUAL[usize::from(*which) % USUAL.len()],
        Status::Any(status) => 200 + status % 400,
    };
    parts.status = status.try_into().unwrap();
    let hint = match hint {
        Some(Hint::Seconds(seconds)) => seconds.to_string().parse().ok(),
        Some(Hint::Text(text)) => text.parse().ok(),
        None => None,
    };
    if let Some(hint) = hint {
        parts.headers.insert("retry-after", hint);
    }
    let echo = format!("Bearer {KEY}").parse().unwrap();
    parts.headers.insert("x-echo", echo);
    parts
}
