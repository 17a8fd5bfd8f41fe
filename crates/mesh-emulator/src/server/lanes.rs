//! Where answers are worked out, so that one request never keeps others from being answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Semaphore;

use crate::gateway::{Admitted, Answered};

/// How many short answers in words are worked out at a time.
const LIGHT: usize = 4;

/// A few threads for what takes a moment, and a few for what may take long: neither waits for the
/// other.
#[derive(Debug)]
pub(super) struct Lanes {
    light: Arc<Semaphore>,
    heavy: Arc<Semaphore>,
}

/// What came of a request.
pub(super) enum Worked {
    Answered(Box<Answered>),
    /// The client left before there was an answer.
    Left,
    /// The work panicked.
    Failed,
}

impl Lanes {
    pub(super) fn new() -> Self {
        Self {
            light: Arc::new(Semaphore::new(LIGHT)),
            heavy: Arc::new(Semaphore::new(heavy())),
        }
    }

    /// How many threads there are at most.
    pub(super) fn threads() -> usize {
        LIGHT + heavy()
    }

    /// Works an answer out on another thread. The work stops once this future is dropped.
    pub(super) async fn work(&self, admitted: Admitted) -> Worked {
        let lane = if admitted.is_light() {
            &self.light
        } else {
            &self.heavy
        };
        let Ok(place) = Arc::clone(lane).acquire_owned().await else {
            return Worked::Failed;
        };
        let wanted = Wanted::default();
        let still = Arc::clone(&wanted.0);
        let work = tokio::task::spawn_blocking(move || {
            let _place = place;
            admitted.answer_while(&|| !still.load(Ordering::Relaxed))
        });
        let answered = work.await;
        answered.map_or(Worked::Failed, |it| Worked::Answered(Box::new(it)))
    }
}

/// At least four, so that one long request leaves others their threads on a small machine, too.
fn heavy() -> usize {
    std::thread::available_parallelism().map_or(4, |it| usize::from(it).max(4))
}

/// Whether the work may stop: set once nobody waits for it.
#[derive(Default)]
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
