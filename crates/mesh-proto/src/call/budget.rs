//! The retry budget that the calls of a client share.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Moment;

/// How many retries the calls of a client may make together, so that a fleet of clients does not
/// overload a gateway that is down.
///
/// A bucket of ten retries. Each retry takes one. Each success puts one back, and so do every ten
/// seconds that pass. A call that fails takes its own retries and no more, so that the calls after
/// it are still retried.
///
/// A gateway that is down sees, per client, at most ten requests plus one in ten seconds beyond one
/// a call. A gateway that fails three requests in ten sees every retry. `docs/retries.md` in the
/// repository has the figures.
///
/// Clones share one bucket. Calls that share it must count their moments from the same origin;
/// otherwise retries come back too early or too late, but never more than ten.
#[derive(Clone)]
pub struct RetryBudget(
    /// When the bucket is full again, in nanoseconds since the origin. What lies between now and
    /// then is missing, at [`REFILL`] a retry; so time fills the bucket without a timer.
    Arc<AtomicU64>,
);

/// How many retries a full bucket has.
const SIZE: u64 = 10;

/// How much time puts one retry back, in nanoseconds.
const REFILL: u64 = 10_000_000_000;

impl RetryBudget {
    /// A full bucket of its own.
    pub fn new() -> Self {
        Self(Arc::new(AtomicU64::new(0)))
    }

    /// Returns how many retries are left at a moment.
    pub fn left(&self, now: Moment) -> u32 {
        let missing = missing(self.0.load(Ordering::Relaxed), nanoseconds(now));
        u32::try_from(SIZE.saturating_sub(missing.div_ceil(REFILL))).unwrap_or_default()
    }

    /// Takes one retry out, or returns `None` if less than one is left.
    pub(super) fn withdraw(&self, now: Moment) -> Option<Withdrawn> {
        let now = nanoseconds(now);
        let take = |full_at| {
            let missing = missing(full_at, now) + REFILL;
            (missing <= SIZE * REFILL).then(|| now.saturating_add(missing))
        };
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .ok()?;
        Some(Withdrawn {
            budget: self.clone(),
            is_spent: false,
        })
    }

    /// Puts one retry back. A full bucket stays full.
    pub(super) fn deposit(&self) {
        let put = |full_at: u64| Some(full_at.saturating_sub(REFILL));
        let _always = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, put);
    }
}

/// What is missing in a bucket that is full at `full_at`: all of it at most, whatever the origin of
/// `now` is.
fn missing(full_at: u64, now: u64) -> u64 {
    full_at.saturating_sub(now).min(SIZE * REFILL)
}

fn nanoseconds(moment: Moment) -> u64 {
    u64::try_from(moment.since_origin().as_nanos()).unwrap_or(u64::MAX)
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RetryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let full_at = Duration::from_nanos(self.0.load(Ordering::Relaxed));
        f.debug_struct("RetryBudget")
            .field("full_at", &Moment::after_origin(full_at))
            .finish()
    }
}

/// A retry that was taken out of a budget. Dropping it puts it back: the call ran out of time while
/// it waited, or was dropped.
pub(super) struct Withdrawn {
    budget: RetryBudget,
    is_spent: bool,
}

impl Withdrawn {
    /// The retry is made.
    pub(super) fn spend(mut self) {
        self.is_spent = true;
    }
}

impl Drop for Withdrawn {
    fn drop(&mut self) {
        if !self.is_spent {
            self.budget.deposit();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::after_origin(Duration::from_secs(seconds))
    }

    #[test]
    fn time_and_success_put_retries_back_one_by_one() {
        let budget = RetryBudget::new();
        for left in (0..10).rev() {
            budget.withdraw(at(100)).unwrap().spend();
            assert_eq!(budget.left(at(100)), left);
        }
        assert!(budget.withdraw(at(109)).is_none());
        assert_eq!(budget.left(at(110)), 1);
        assert_eq!(budget.left(at(159)), 5);
        budget.deposit();
        assert_eq!(budget.left(at(159)), 6);
        assert_eq!(budget.left(at(199)), 10);
        assert_eq!(budget.left(at(1_000_000)), 10);
    }

    #[test]
    fn a_full_bucket_stays_full_and_clones_share_it() {
        let budget = RetryBudget::new();
        budget.deposit();
        let clone = budget.clone();
        for _ in 0..10 {
            clone.withdraw(at(0)).unwrap().spend();
        }
        assert!(budget.withdraw(at(0)).is_none());
    }

    #[test]
    fn a_retry_that_is_not_made_goes_back() {
        let budget = RetryBudget::new();
        let withdrawn = budget.withdraw(at(5)).unwrap();
        assert_eq!(budget.left(at(5)), 9);
        drop(withdrawn);
        assert_eq!(budget.left(at(5)), 10);
    }

    proptest! {
        /// Against a bucket that counts credit forwards instead of the moment of fullness.
        #[test]
        fn it_is_a_bucket_of_ten(steps in prop::collection::vec((0..30_u64, 0..3_u8), 1..200)) {
            let budget = RetryBudget::new();
            let (mut now, mut credit) = (0, 100);
            for (pass, action) in steps {
                now += pass;
                credit = (credit + pass).min(100);
                match action {
                    0 => {
                        budget.deposit();
                        credit = (credit + 10).min(100);
                    }
                    _ => match budget.withdraw(at(now)) {
                        Some(withdrawn) => {
                            withdrawn.spend();
                            prop_assert!(credit >= 10);
                            credit -= 10;
                        }
                        None => prop_assert!(credit < 10),
                    },
                }
                prop_assert_eq!(u64::from(budget.left(at(now))), credit / 10);
            }
        }

        #[test]
        fn moments_of_any_origin_are_taken(moments in prop::collection::vec(any::<u64>(), 1..50)) {
            let budget = RetryBudget::new();
            for moment in moments {
                let now = Moment::after_origin(Duration::from_nanos(moment));
                let left = budget.left(now);
                prop_assert!(left <= 10);
                prop_assert_eq!(budget.withdraw(now).map(Withdrawn::spend).is_some(), left > 0);
            }
        }
    }
}
