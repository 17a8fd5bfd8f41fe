//! The loop that drives a call with reqwest. It decides nothing.

use std::error::Error as StdError;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http_body::Body as _;
use mesh_proto::call::{Fault, FaultKind, Sent, Stage};
use mesh_proto::error::{CallError, Failure};
use mesh_proto::{Answer, Call, Endpoint, Moment, Step};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::exchange::{Progress as Upload, Upload as UploadBody};
use crate::http_client::fault_kind;

/// A call under way.
pub(crate) struct Driver<E: Endpoint> {
    call: Call<E>,
    client: reqwest::Client,
    clock: Clock,
    exchange: Exchange,
    timer: Option<Pin<Box<Sleep>>>,
    /// The library's own error behind the last fault.
    source: Option<Box<dyn StdError + Send + Sync>>,
}

type Sending = Pin<Box<dyn Future<Output = Result<reqwest::Response, reqwest::Error>> + Send>>;

enum Exchange {
    None,
    Sending(u32, Sending, Arc<Upload>),
    Receiving(reqwest::Body),
}

pub(crate) enum Progress<E: Endpoint> {
    Event(E::Event),
    Done(Result<Answer<E::Output>, CallError>),
}

/// Time since the client was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(pub(crate) Instant);

impl Clock {
    pub(crate) fn now(self) -> Moment {
        Moment::after_origin(self.0.elapsed())
    }
}

impl<E: Endpoint> Driver<E> {
    pub(crate) fn new(call: Call<E>, client: reqwest::Client, clock: Clock) -> Self {
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
            self.report_upload(context);
            match self.call.poll(self.clock.now()) {
                Step::Send(mut outgoing) => {
                    let attempt = outgoing.attempt();
                    if !matches!(self.exchange, Exchange::Sending(begun, ..) if begun == attempt) {
                        let (body, progress) = UploadBody::new(outgoing.request().body());
                        let request = outgoing
                            .request()
                            .clone()
                            .map(|_| reqwest::Body::wrap(body));
                        let client = self.client.clone();
                        let sending = async move { client.execute(request.try_into()?).await };
                        self.exchange = Exchange::Sending(attempt, Box::pin(sending), progress);
                        continue;
                    }
                    let Exchange::Sending(_, sending, upload) = &mut self.exchange else {
                        continue;
                    };
                    match sending.as_mut().poll(context) {
                        Poll::Ready(Ok(response)) => {
                            let (parts, body) = http::Response::from(response).into_parts();
                            self.exchange = Exchange::Receiving(body);
                            outgoing.head(parts);
                        }
                        Poll::Ready(Err(error)) if error.is_connect() && error.is_timeout() => {
                            outgoing.progress(Stage::Connecting);
                            outgoing.fault(Fault::new(FaultKind::TimedOut).after(Sent::Nothing));
                            self.source = Some(error.into());
                            self.exchange = Exchange::None;
                        }
                        Poll::Ready(Err(error)) => {
                            outgoing.fault(upload.fault(fault_kind(&error)));
                            self.source = Some(error.into());
                            self.exchange = Exchange::None;
                        }
                        Poll::Pending => ready!(self.poll_deadline(context)),
                    }
                }
                Step::Receive(incoming) => {
                    let Exchange::Receiving(body) = &mut self.exchange else {
                        incoming.end();
                        continue;
                    };
                    match Pin::new(body).poll_frame(context) {
                        Poll::Ready(Some(Ok(frame))) => {
                            // Trailers say nothing that is needed, and still are a sign of life.
                            incoming.bytes(frame.into_data().unwrap_or_default());
                        }
                        Poll::Ready(Some(Err(error))) => {
                            let kind = if error.is_timeout() {
                                FaultKind::TimedOut
                            } else {
                                FaultKind::Lost
                            };
                            incoming.fault(Fault::new(kind));
                            self.source = Some(error.into());
                        }
                        Poll::Ready(None) => incoming.end(),
                        Poll::Pending => ready!(self.poll_deadline(context)),
                    }
                }
                Step::Wait(_) => {
                    self.exchange = Exchange::None;
                    ready!(self.poll_deadline(context));
                }
                Step::Event(event) => return Poll::Ready(Progress::Event(event)),
                Step::Done(result) => {
                    self.exchange = Exchange::None;
                    return Poll::Ready(Progress::Done(
                        result.map_err(|error| self.explain(error)),
                    ));
                }
            }
        }
    }

    /// Tells the call how far the upload has got, before it may find a deadline passed that this
    /// moves: no time passes with a moment that is no later than an earlier one.
    fn report_upload(&mut self, context: &Context<'_>) {
        if let Exchange::Sending(attempt, _, upload) = &self.exchange {
            upload.watch(context.waker());
            // Past the limit for connecting, the body must not leave while the call gives it up.
            if self
                .call
                .deadline()
                .is_some_and(|deadline| deadline <= self.clock.now())
            {
                upload.close();
            }
            if let (Some(stage), Step::Send(mut outgoing)) =
                (upload.stage(), self.call.poll(Moment::ORIGIN))
                && outgoing.attempt() == *attempt
            {
                outgoing.progress(stage);
            }
        }
    }

    /// Ready when the call has to be polled again though nothing came.
    fn poll_deadline(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.call.deadline() else {
            return Poll::Pending;
        };
        // What lies beyond the clock's range never comes.
        let Some(deadline) = self.clock.0.checked_add(deadline.since_origin()) else {
            return Poll::Pending;
        };
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(context)
    }

    fn explain(&mut self, error: CallError) -> CallError {
        match (error.failure(), self.source.take()) {
            (Failure::Fault(_), Some(source)) => error.with_source(source),
            _ => error,
        }
    }
}
