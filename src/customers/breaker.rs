//! A database that fails is left alone for a while, so that callers need not wait for it one after another.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::settings::BreakerSettings;

/// Counts failures one after the other.
pub(super) struct Breaker {
    most: u32,
    rest: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// Until when nobody asks.
    until: Option<Instant>,
    /// Whether somebody tries after the rest.
    trying: bool,
}

/// Leave to ask. Whoever goes without telling how it went leaves things as they were.
pub(super) struct Leave<'a> {
    breaker: &'a Breaker,
    is_trial: bool,
}

impl Breaker {
    pub(super) fn new(settings: &BreakerSettings) -> Self {
        let rest = Duration::from_secs(settings.rest_seconds.get().into());
        Self { most: settings.failures.get(), rest, state: Mutex::default() }
    }

    /// Leave to ask, unless the database rests. After the rest one asker goes ahead, and the others when it came
    /// back well.
    pub(super) fn leave(&self) -> Option<Leave<'_>> {
        let mut state = self.lock();
        let is_trial = match state.until {
            None => false,
            Some(until) if state.trying || Instant::now() < until => return None,
            Some(_) => true,
        };
        state.trying |= is_trial;
        Some(Leave { breaker: self, is_trial })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Leave<'_> {
    /// The database answered.
    pub(super) fn went_well(self) {
        let was_resting = {
            let mut state = self.breaker.lock();
            state.failures = 0;
            state.until.take().is_some()
        };
        if was_resting {
            tracing::info!("the customer database answers again");
        }
    }

    /// It did not.
    pub(super) fn failed(self, why: &str) {
        let begins = {
            let mut state = self.breaker.lock();
            state.failures = state.failures.saturating_add(1);
            let rests = self.is_trial || state.failures >= self.breaker.most;
            let begins = rests && state.until.is_none();
            if rests {
                state.until = Some(Instant::now() + self.breaker.rest);
            }
            begins
        };
        if begins {
            let rest = self.breaker.rest.as_secs();
            tracing::warn!(
                why,
                "the customer database failed too often and is left alone for {rest} s"
            );
        }
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        if self.is_trial {
            self.breaker.lock().trying = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> Breaker {
        Breaker::new(&BreakerSettings {
            failures: 3.try_into().unwrap(),
            rest_seconds: 10.try_into().unwrap(),
        })
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_after_failures_in_a_row_and_closes_after_one_that_went_well() {
        let breaker = breaker();
        for _ in 0..2 {
            breaker.leave().unwrap().failed("x");
        }
        breaker.leave().unwrap().went_well();
        for _ in 0..3 {
            breaker.leave().unwrap().failed("x");
        }
        assert!(breaker.leave().is_none());
        tokio::time::advance(Duration::from_secs(11)).await;
        // One tries, alone; when it fails, the rest begins anew.
        let trial = breaker.leave().unwrap();
        assert!(breaker.leave().is_none());
        trial.failed("x");
        assert!(breaker.leave().is_none());
        tokio::time::advance(Duration::from_secs(11)).await;
        breaker.leave().unwrap().went_well();
        assert!(breaker.leave().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_who_hangs_up_while_trying_keeps_nobody_out() {
        let breaker = breaker();
        for _ in 0..3 {
            breaker.leave().unwrap().failed("x");
        }
        tokio::time::advance(Duration::from_secs(11)).await;
        drop(breaker.leave().unwrap());
        assert!(breaker.leave().is_some());
    }
}
