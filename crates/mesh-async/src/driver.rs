//! The loop that drives a call with reqwest. It decides nothing.

use std::error::Error as StdError;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use mesh_io::connect::reqwest::{Upload, UploadProgress, is_in_trailers};
use mesh_proto::call::CallError;
use mesh_proto::call::{Fault, FaultKind, Outgoing, Stage};
use mesh_proto::{Answer, Call, Endpoint, Moment, Step};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::http_client::{HttpClient, Sending};

/// A call under way.
pub(crate) struct Driver<E: Endpoint> {
    call: Call<E>,
    client: HttpClient,
    clock: Clock,
    exchange: Exchange,
    timer: Option<Pin<Box<Sleep>>>,
    /// The library's own error behind the last fault.
    source: Option<Box<dyn StdError + Send + Sync>>,
}

enum Exchange {
    None,
    Sending(Attempt),
    Receiving(reqwest::Response),
}

/// A request on its way.
struct Attempt {
    number: u32,
    sending: Sending,
    upload: Arc<UploadProgress>,
    /// What the call has been told of the upload.
    told: Option<Stage>,
}

pub(crate) enum Progress<E: Endpoint> {
    Event(E::Event),
    Done(Result<Answer<E::Output>, CallError>),
}

const NEVER: Moment = Moment::after_origin(Duration::MAX);

/// Time since the client was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(pub(crate) Instant);

impl Clock {
    pub(crate) fn now(self) -> Moment {
        Moment::after_origin(self.0.elapsed())
    }
}

impl Attempt {
    fn has_news(&self) -> bool {
        let stage = self.upload.stage().map(|(stage, _)| stage);
        stage.is_some() && stage != self.told
    }

    /// Says how far the upload has got, where that is known.
    fn tell<E: Endpoint>(&mut self, outgoing: &mut Outgoing<'_, E>) {
        if let Some((stage, at)) = self.upload.stage() {
            outgoing.progress_at(stage, at);
            self.told = Some(stage);
        }
    }
}

impl<E: Endpoint> Driver<E> {
    pub(crate) fn new(call: Call<E>, client: HttpClient, clock: Clock) -> Self {
        Self {
            call,
            client,
            clock,
            exchange: Exchange::None,
            timer: None,
            source: None,
        }
    }

    pub(crate) fn call(&self) -> &Call<E> {
        &self.call
    }

    pub(crate) fn into_partial(self) -> Option<E::Output> {
        self.call.into_partial()
    }

    /// Drives the call to its end.
    pub(crate) async fn finish(&mut self) -> Result<Answer<E::Output>, CallError> {
        loop {
            if let Progress::Done(result) = poll_fn(|context| self.poll_advance(context)).await {
                return result;
            }
        }
    }

    /// Drives the call to its next event or its end.
    pub(crate) fn poll_advance(&mut self, context: &mut Context<'_>) -> Poll<Progress<E>> {
        loop {
            let now = self.clock.now();
            if let Some(done) = self.report_upload(now) {
                return Poll::Ready(done);
            }
            match self.call.poll(now) {
                Step::Send(mut outgoing) => {
                    let number = outgoing.attempt();
                    if !matches!(&self.exchange, Exchange::Sending(it) if it.number == number) {
                        let request = outgoing.request();
                        let (body, upload) = Upload::new(request.body().reader(), self.clock.0);
                        let sending = self.client.send(request, body);
                        let mut attempt = Attempt {
                            number,
                            sending,
                            upload,
                            told: None,
                        };
                        attempt.tell(&mut outgoing);
                        self.exchange = Exchange::Sending(attempt);
                    }
                    let Exchange::Sending(attempt) = &mut self.exchange else {
                        continue;
                    };
                    match attempt.sending.as_mut().poll(context) {
                        Poll::Ready(Ok(mut response)) => {
                            let (mut parts, ()) = http::Response::new(()).into_parts();
                            parts.status = response.status();
                            parts.headers = std::mem::take(response.headers_mut());
                            self.exchange = Exchange::Receiving(response);
                            outgoing.received_at(SystemTime::now());
                            outgoing.head(parts);
                        }
                        Poll::Ready(Err(error)) => {
                            let is_timeout = error.is_connect() && error.is_timeout();
                            let url = outgoing.request().uri();
                            let (fault, source) = self.client.failure(error, url, &attempt.upload);
                            if is_timeout {
                                outgoing.progress(Stage::Connecting);
                            }
                            outgoing.fault(fault);
                            self.source = Some(source);
                            self.exchange = Exchange::None;
                        }
                        Poll::Pending => {
                            // Nobody wakes the driver for a stage of the upload; the limit that it
                            // begins cannot pass before this.
                            let soonest = now.plus(outgoing.limits().head);
                            ready!(self.poll_deadline(soonest, context));
                        }
                    }
                }
                Step::Receive(incoming) => {
                    let Exchange::Receiving(response) = &mut self.exchange else {
                        incoming.end();
                        continue;
                    };
                    let read = pin!(response.chunk()).poll(context);
                    match read {
                        Poll::Ready(Ok(Some(bytes))) => incoming.bytes(bytes),
                        Poll::Ready(Ok(None)) => incoming.end(),
                        Poll::Ready(Err(error)) if is_in_trailers(&error) => {
                            // With the exchange the connection goes.
                            self.exchange = Exchange::None;
                            incoming.end();
                        }
                        Poll::Ready(Err(error)) => {
                            let kind = if error.is_timeout() {
                                FaultKind::TimedOut
                            } else {
                                FaultKind::Lost
                            };
                            incoming.fault(Fault::new(kind));
                            self.source = Some(error.into());
                        }
                        Poll::Pending => ready!(self.poll_deadline(NEVER, context)),
                    }
                }
                Step::Wait(_) => {
                    self.exchange = Exchange::None;
                    ready!(self.poll_deadline(NEVER, context));
                }
                Step::Event(event) => return Poll::Ready(Progress::Event(event)),
                Step::Done(result) => return Poll::Ready(self.end(result)),
            }
        }
    }

    /// Tells the call how far the upload has got, before it may find a deadline passed that this
    /// moves: no time passes with a moment that is no later than an earlier one.
    ///
    /// Returns the end of the call, if it ends with this.
    fn report_upload(&mut self, now: Moment) -> Option<Progress<E>> {
        if let Exchange::Sending(attempt) = &mut self.exchange {
            // Past the limit for connecting, the body must not leave while the call gives it up.
            if self.call.deadline().is_some_and(|deadline| deadline <= now) {
                attempt.upload.close();
            }
            if attempt.has_news() {
                match self.call.poll(Moment::ORIGIN) {
                    Step::Send(mut outgoing) if outgoing.attempt() == attempt.number => {
                        attempt.tell(&mut outgoing);
                    }
                    Step::Done(result) => return Some(self.end(result)),
                    _ => {}
                }
            }
        }
        None
    }

    fn end(&mut self, result: Result<Answer<E::Output>, CallError>) -> Progress<E> {
        self.exchange = Exchange::None;
        Progress::Done(result.map_err(|error| error.with_source(self.source.take())))
    }

    /// Ready when the call has to be polled again though nothing came: at its deadline, or at
    /// `soonest`.
    fn poll_deadline(&mut self, soonest: Moment, context: &mut Context<'_>) -> Poll<()> {
        let deadline = self.call.deadline().map(|deadline| deadline.min(soonest));
        // What lies beyond the clock's range never comes.
        let Some(deadline) =
            deadline.and_then(|deadline| self.clock.0.checked_add(deadline.since_origin()))
        else {
            return Poll::Pending;
        };
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        // Most deadlines only move on, and setting a timer takes longer than finding it too early.
        if timer.deadline() <= deadline && timer.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        timer.as_mut().reset(deadline);
        timer.as_mut().poll(context)
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::task::Waker;

    use http_body::Body as _;
    use mesh_proto::call::Settings;
    use mesh_proto::download::Reach;
    use mesh_proto::endpoint::ChatStream;
    use mesh_proto::{ApiKey, BaseUrl, ChatRequest, Target};

    use super::*;
    use crate::http_client::HttpOptions;

    /// hyper reads the body in a task of its own, which may get a connection while the call gives up.
    #[tokio::test]
    async fn body_does_not_leave_once_the_connect_limit_has_passed() {
        let base = BaseUrl::new("http://127.0.0.1:9").unwrap();
        let client = HttpOptions::default().client(Reach::Gateway, &base);
        let target = Target::new(base, ApiKey::new("rsk_1").unwrap());
        let settings = Settings::default();
        let endpoint = ChatStream::new(&ChatRequest::new("m").user("hello")).unwrap();
        let mut call = Call::new(endpoint, &target, &settings, Moment::ORIGIN, 7).unwrap();
        let clock = Clock(Instant::now());
        let Step::Send(mut outgoing) = call.poll(Moment::ORIGIN) else {
            unreachable!("a call that sends nothing");
        };
        let (mut body, upload) = Upload::new(outgoing.request().body().reader(), clock.0);
        let mut attempt = Attempt {
            number: outgoing.attempt(),
            sending: Box::pin(pending()),
            upload,
            told: None,
        };
        attempt.tell(&mut outgoing);
        let mut driver = Driver::new(call, client.unwrap(), clock);
        driver.exchange = Exchange::Sending(attempt);
        let limit = Moment::after_origin(settings.deadlines.connect);
        assert!(driver.report_upload(limit).is_none());
        let mut context = Context::from_waker(Waker::noop());
        let frame = Pin::new(&mut body).poll_frame(&mut context);
        assert!(matches!(frame, Poll::Ready(Some(Err(_)))));
    }
}
