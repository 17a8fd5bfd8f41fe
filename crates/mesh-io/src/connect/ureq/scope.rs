//! The limits and the cancel flag of the call that uses ureq on this thread.
//!
//! ureq passes nothing of its caller's to a resolver or a transport, so a thread-local does. This
//! file is the only one that touches it.

use std::cell::RefCell;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use mesh_proto::call::ExchangeLimits;
use ureq::{Error, Timeout};

use super::cancel::{Cancel, Interrupt};

thread_local! {
    static CURRENT: RefCell<Option<Scope>> = const { RefCell::new(None) };
}

/// Longer than any wait: `Instant` and sockets cannot take every `Duration`.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// What the transport needs to know of an exchange: its limits, and whether the call was cancelled.
#[derive(Clone, Debug)]
pub struct Scope {
    pub(super) connect: Duration,
    pub(super) head: Duration,
    pub(super) idle: Duration,
    pub(super) total: Option<Instant>,
    pub(super) cancel: Option<Cancel>,
    /// When the call began to use ureq, this time.
    pub(super) entered: Instant,
}

impl Scope {
    /// The scope of an exchange that begins now.
    pub fn new(limits: ExchangeLimits, cancel: Option<Cancel>) -> Self {
        let now = Instant::now();
        Self {
            connect: limits.connect,
            head: limits.head,
            idle: limits.idle,
            total: limits.total.map(|total| after(now, total)),
            cancel,
            entered: now,
        }
    }

    /// The same, where nothing is waited for: only what has been received can be read.
    pub fn without_waiting(&self) -> Self {
        Self {
            idle: Duration::ZERO,
            ..self.clone()
        }
    }

    /// Uses ureq within this scope. The limits for connecting and for silence begin now.
    pub fn enter<T>(&self, work: impl FnOnce() -> T) -> T {
        Self {
            entered: Instant::now(),
            ..self.clone()
        }
        .resume(work)
    }

    /// Uses ureq within this scope, whose limits have begun already.
    fn resume<T>(self, work: impl FnOnce() -> T) -> T {
        struct Leave(Option<Scope>);
        impl Drop for Leave {
            fn drop(&mut self) {
                CURRENT.set(self.0.take());
            }
        }
        let _leave = Leave(CURRENT.replace(Some(self)));
        work()
    }

    /// The scope that was entered on this thread. Without one no time is left.
    pub(super) fn current() -> Self {
        let entered = CURRENT.with_borrow(Clone::clone);
        entered.unwrap_or_else(|| {
            let now = Instant::now();
            Self {
                connect: Duration::ZERO,
                head: Duration::ZERO,
                idle: Duration::ZERO,
                total: Some(now),
                cancel: None,
                entered: now,
            }
        })
    }

    /// When a limit that began at `since` passes, or the limit for the whole call if that is sooner.
    pub(super) fn until(&self, since: Instant, limit: Duration) -> Instant {
        let passes = after(since, limit);
        self.total.map_or(passes, |total| total.min(passes))
    }

    /// When the connection has to stand, with the lookup of its name and TLS.
    pub(super) fn connected_by(&self) -> Instant {
        self.until(self.entered, self.connect)
    }

    /// Does `work`, which `interrupt` ends early if the call is cancelled.
    pub(super) fn interruptible<T>(
        &self,
        interrupt: &Interrupt,
        work: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        match &self.cancel {
            None => work(),
            Some(cancel) => cancel
                .during(interrupt.clone(), work)
                .map_err(|cancelled| Error::Other(cancelled.into()))?,
        }
    }

    /// Does `work`, which cannot be interrupted, on a thread of its own, and waits for it until the
    /// connection has to stand or the call is cancelled; `abandon` is called in the second case.
    pub(super) fn on_a_thread<T: Send + 'static>(
        &self,
        abandon: impl Fn() + Send + Sync + 'static,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (done, result) = mpsc::channel();
        let interrupted = done.clone();
        let interrupt: Interrupt = Arc::new(move || {
            abandon();
            let _over = interrupted.send(None);
        });
        let scope = Self {
            cancel: None,
            ..self.clone()
        };
        thread::Builder::new().spawn(move || {
            let _nobody_waits = done.send(Some(scope.resume(work)));
        })?;
        let left = self
            .connected_by()
            .saturating_duration_since(Instant::now());
        let received = self.interruptible(&interrupt, || {
            result
                .recv_timeout(left)
                .map_err(|_| Error::Timeout(Timeout::Connect))
        })?;
        // Only an interrupt sends nothing, and then the flag was found above.
        received.unwrap_or(Err(Error::ConnectionFailed))
    }
}

/// The instant so long after another.
pub(super) fn after(instant: Instant, duration: Duration) -> Instant {
    instant
        .checked_add(duration.min(FOREVER))
        .unwrap_or(instant)
}
