//! Cancels one call from another thread.

use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

/// Ends a wait early. Called from the thread that cancels.
pub(super) type Interrupt = Arc<dyn Fn() + Send + Sync>;

/// Cancels one call: closes the connection that the call uses at that moment, and no other. Clones
/// cancel the same call.
#[derive(Clone, Default)]
pub struct Cancel(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    is_cancelled: bool,
    interrupt: Option<Interrupt>,
}

/// The call was cancelled.
#[derive(Debug)]
pub struct Cancelled;

impl Cancel {
    /// Cancels the call. It does nothing more, and a wait of it ends now.
    pub fn cancel(&self) {
        let mut state = self.state();
        state.is_cancelled = true;
        // The lock is held meanwhile: once the wait is over, its connection may serve another call.
        if let Some(interrupt) = state.interrupt.take() {
            interrupt();
        }
    }

    /// Whether the call was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.state().is_cancelled
    }

    /// Waits for so long, or until the call is cancelled.
    pub fn sleep(&self, duration: Duration) {
        let (wake, woken) = mpsc::channel();
        let interrupt = Arc::new(move || {
            let _over = wake.send(());
        });
        // Whether time or the flag ended the wait, the flag says it.
        let _ended = self.during(interrupt, || woken.recv_timeout(duration));
    }

    /// Does `work`, which `interrupt` makes end early.
    ///
    /// Returns [`Cancelled`] if the call was cancelled before the end of it.
    pub(super) fn during<T>(
        &self,
        interrupt: Interrupt,
        work: impl FnOnce() -> T,
    ) -> Result<T, Cancelled> {
        {
            let mut state = self.state();
            if state.is_cancelled {
                return Err(Cancelled);
            }
            state.interrupt = Some(interrupt);
        }
        let done = work();
        let mut state = self.state();
        state.interrupt = None;
        if state.is_cancelled {
            return Err(Cancelled);
        }
        Ok(done)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cancel").field(&self.is_cancelled()).finish()
    }
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the call was cancelled")
    }
}

impl StdError for Cancelled {}
