//! The loop that drives a call with ureq. It decides nothing.

use std::error::Error as StdError;
use std::io::Read;
use std::thread;
use std::time::SystemTime;

use mesh_io::connect::ureq::{Cancel, Scope};
use mesh_proto::call::CallError;
use mesh_proto::call::{Fault, FaultKind, Stage};
use mesh_proto::{Answer, Call, Endpoint, Step};
use ureq::{BodyReader, Timeout};

use crate::agent::{self, Sender};
use crate::client::Clock;

/// A call under way.
pub(crate) struct Driver<E: Endpoint> {
    call: Call<E>,
    sender: Sender,
    clock: Clock,
    response: Option<(BodyReader<'static>, Scope)>,
    cancel: Option<Cancel>,
    /// Where the next bytes of the response go.
    buffer: Vec<u8>,
    /// The library's own error behind the last fault.
    source: Option<Box<dyn StdError + Send + Sync>>,
}

pub(crate) enum Progress<E: Endpoint> {
    Event(E::Event),
    Done(Result<Answer<E::Output>, CallError>),
}

impl<E: Endpoint> Driver<E> {
    pub(crate) fn new(call: Call<E>, sender: Sender, clock: Clock) -> Self {
        Self {
            call,
            sender,
            clock,
            response: None,
            cancel: None,
            buffer: Vec::new(),
            source: None,
        }
    }

    /// Lets `cancel` end the call: what it waits for, and all further attempts.
    #[cfg(test)]
    pub(crate) fn cancelled_by(mut self, cancel: Cancel) -> Self {
        self.cancel = Some(cancel);
        self
    }

    pub(crate) fn call(&self) -> &Call<E> {
        &self.call
    }

    pub(crate) fn into_partial(self) -> Option<E::Output> {
        self.call.into_partial()
    }

    /// Drives the call to its end.
    pub(crate) fn finish(&mut self) -> Result<Answer<E::Output>, CallError> {
        loop {
            if let Progress::Done(result) = self.advance() {
                return result;
            }
        }
    }

    /// Drives the call to its next event or its end.
    pub(crate) fn advance(&mut self) -> Progress<E> {
        loop {
            if self.cancel.as_ref().is_some_and(Cancel::is_cancelled) {
                self.call.stop_retrying();
            }
            match self.call.poll(self.clock.now()) {
                Step::Send(mut outgoing) => {
                    self.response = None;
                    let scope = Scope::new(outgoing.limits(), self.cancel.clone());
                    match self.sender.send(outgoing.request(), &scope) {
                        Ok(response) => {
                            let (parts, body) = response.into_parts();
                            self.response = Some((body.into_reader(), scope));
                            outgoing.received_at(SystemTime::now());
                            outgoing.head(parts);
                        }
                        Err((error, fault)) => {
                            if let ureq::Error::Timeout(Timeout::Connect) = error {
                                outgoing.progress(Stage::Connecting);
                            }
                            let url = outgoing.request().uri();
                            let (fault, source) = self.sender.failure(error, fault, url);
                            outgoing.fault(fault);
                            self.source = Some(source);
                        }
                    }
                }
                Step::Receive(incoming) => {
                    self.buffer.resize(BUFFER, 0);
                    let buffer = &mut self.buffer;
                    let read = self
                        .response
                        .as_mut()
                        .map(|(body, scope)| scope.enter(|| body.read(buffer)));
                    match read {
                        Some(Ok(0)) | None => incoming.end(),
                        Some(Ok(count)) => {
                            incoming.data(self.buffer.get(..count).unwrap_or_default());
                        }
                        Some(Err(error)) => {
                            let error = ureq::Error::from(error);
                            let kind = match agent::fault_kind(&error) {
                                FaultKind::Connect => FaultKind::Lost,
                                kind => kind,
                            };
                            incoming.fault(Fault::new(kind));
                            self.source = Some(error.into());
                        }
                    }
                }
                Step::Wait(until) => {
                    self.response = None;
                    let wait = until.since(self.clock.now());
                    match &self.cancel {
                        Some(cancel) => cancel.sleep(wait),
                        None => thread::sleep(wait),
                    }
                }
                Step::Event(event) => return Progress::Event(event),
                Step::Done(result) => {
                    if let (Some((mut body, scope)), Ok(_)) = (self.response.take(), &result) {
                        // The connection is kept if the end of the body was received, too.
                        let scope = scope.without_waiting();
                        let _end = scope.enter(|| body.read(&mut [0; 64]));
                    }
                    return Progress::Done(
                        result.map_err(|error| error.with_source(self.source.take())),
                    );
                }
            }
        }
    }
}

/// How much is read at once, in bytes.
const BUFFER: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver};
    use std::time::Duration;

    use mesh_conformance::{Act, Exchange, FullListener, ScriptedServer};
    use mesh_proto::call::Failure;
    use mesh_proto::call::Settings;
    use mesh_proto::download::Reach;
    use mesh_proto::endpoint::{ChatStream, ListModels};
    use mesh_proto::{ApiKey, BaseUrl, ChatRequest, Outcome, Target};

    use super::*;
    use crate::agent::AgentOptions;

    const EVENT: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n";

    fn stream() -> ChatStream {
        ChatStream::new(&ChatRequest::new("m").user("hello")).unwrap()
    }

    fn sender(url: &str) -> (Target, Sender) {
        let base = BaseUrl::new(url).unwrap();
        let sender = AgentOptions::default().sender(Reach::Gateway, &base);
        let target = Target::new(base, ApiKey::new("rsk_1").unwrap());
        (target, sender.unwrap())
    }

    fn driver<E: Endpoint>(
        endpoint: E,
        (target, sender): (Target, Sender),
        settings: &Settings,
    ) -> Driver<E> {
        let clock = Clock::starting_now();
        let call = Call::new(endpoint, &target, settings, clock.now(), 7).unwrap();
        Driver::new(call, sender, clock)
    }

    /// Drives a call to its end on a thread of its own.
    fn finish<E>(mut driver: Driver<E>) -> Receiver<CallError>
    where
        E: Endpoint + Send + 'static,
        E::Output: Send,
        Driver<E>: Send,
    {
        let (sender, ended) = mpsc::channel();
        thread::spawn(move || sender.send(driver.finish().map(drop).unwrap_err()));
        ended
    }

    fn end(ended: &Receiver<CallError>) -> CallError {
        ended.recv_timeout(Duration::from_secs(60)).unwrap()
    }

    fn is_cancelled(error: &CallError) -> bool {
        matches!(error.failure(), Failure::Fault(fault) if fault.kind == FaultKind::Cancelled)
    }

    fn patient() -> Settings {
        let mut settings = Settings::default();
        settings.deadlines.connect = Duration::from_secs(3600);
        settings.retry.longest_hint = Duration::from_secs(7200);
        settings
    }

    #[test]
    fn call_that_connects_is_cancelled() {
        let full = FullListener::start();
        let cancel = Cancel::default();
        let to = sender(&format!("http://{}", full.address));
        let ended =
            finish(driver(ListModels::default(), to, &patient()).cancelled_by(cancel.clone()));
        cancel.cancel();
        let error = end(&ended);
        assert!(is_cancelled(&error), "{error:?}");
        assert_eq!(error.attempts(), 1);
    }

    #[test]
    fn call_that_waits_for_its_response_is_cancelled_and_no_other() {
        let server = ScriptedServer::start([
            Exchange::new([Act::Stall]),
            Exchange::new([
                Act::AwaitEvents(1),
                Act::Raw("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]".into()),
            ]),
        ]);
        let to = sender(&server.base_url());
        let cancel = Cancel::default();
        let ended = finish(driver(stream(), to.clone(), &patient()).cancelled_by(cancel.clone()));
        server.next();
        let mut other =
            driver(ListModels::default(), to, &patient()).cancelled_by(Cancel::default());
        let other = thread::spawn(move || other.finish().map(drop));
        server.next();
        cancel.cancel();
        let error = end(&ended);
        assert!(is_cancelled(&error), "{error:?}");
        assert_eq!((error.outcome(), error.attempts()), (Outcome::Unknown, 1));
        assert_eq!(server.ended(), 0);
        server.shown().add();
        other.join().unwrap().unwrap();
    }

    #[test]
    fn call_that_waits_for_its_next_attempt_is_cancelled() {
        let hint = [("retry-after", "3600")];
        let server = ScriptedServer::start([Exchange::answer_with(503, &hint, "{}")]);
        let (attempt, ended_attempt) = mpsc::channel();
        let settings = patient().with_observer(move |it| attempt.send(it.next).unwrap());
        let cancel = Cancel::default();
        let to = sender(&server.base_url());
        let ended =
            finish(driver(ListModels::default(), to, &settings).cancelled_by(cancel.clone()));
        assert!(ended_attempt.recv().unwrap() >= Some(Duration::from_secs(3600)));
        cancel.cancel();
        let error = end(&ended);
        assert_eq!(error.status().map(|status| status.as_u16()), Some(503));
        assert_eq!(error.attempts(), 1);
        assert!(ended_attempt.try_recv().is_err());
    }

    #[test]
    fn stream_is_cancelled_and_its_text_is_kept() {
        let server =
            ScriptedServer::start([Exchange::stream([Act::Data(EVENT.into()), Act::Stall])]);
        let cancel = Cancel::default();
        let to = sender(&server.base_url());
        let mut driver = driver(stream(), to, &patient()).cancelled_by(cancel.clone());
        assert!(matches!(driver.advance(), Progress::Event(_)));
        let (sender, ended) = mpsc::channel();
        thread::spawn(move || {
            let error = driver.finish().map(drop).unwrap_err();
            sender.send((error, driver.into_partial())).unwrap();
        });
        cancel.cancel();
        let (error, partial) = ended.recv_timeout(Duration::from_secs(60)).unwrap();
        assert!(is_cancelled(&error), "{error:?}");
        assert_eq!(error.outcome(), Outcome::Delivered);
        assert_eq!(partial.unwrap().text(), "hi");
        assert_eq!(server.ended(), 0);
    }

    #[test]
    fn cancelling_after_the_end_leaves_the_kept_connection() {
        let server = ScriptedServer::start([Exchange::answer(200, "[]")]);
        let to = sender(&server.base_url());
        for _ in 0..2 {
            let cancel = Cancel::default();
            let mut driver =
                driver(ListModels::default(), to.clone(), &patient()).cancelled_by(cancel.clone());
            driver.finish().unwrap();
            cancel.cancel();
            assert_eq!(server.next().connection, 0);
        }
    }
}
