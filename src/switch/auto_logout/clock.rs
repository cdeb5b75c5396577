//! Whether the machine's clock can be believed.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// How far the clock may be from where it should be since the last look.
const SLACK: SignedDuration = SignedDuration::from_secs(60);
/// For how long it must then go on as it should until it is believed again: whoever set it wrong has time to see that.
const SETTLE: Duration = Duration::from_secs(300);

/// Compares the clock with one that nobody sets.
#[derive(Debug, Default)]
pub(super) struct Clock {
    last: Option<(Timestamp, Instant)>,
    /// When it was found to have jumped.
    jumped: Option<Instant>,
}

impl Clock {
    /// Whether it can be believed that it is `now`, at `instant`.
    pub(super) fn is_trusted(&mut self, now: Timestamp, instant: Instant) -> bool {
        let before = self.last.replace((now, instant));
        let jumped = before.is_some_and(|(then, at)| {
            let passed = SignedDuration::try_from(instant.saturating_duration_since(at));
            let passed = passed.unwrap_or(SignedDuration::MAX);
            let off = now.duration_since(then).saturating_sub(passed);
            off > SLACK || off < -SLACK
        });
        if jumped {
            tracing::warn!("the clock was set; nobody is logged out by it until it has settled");
            self.jumped = Some(instant);
        }
        self.jumped.is_none_or(|at| instant.saturating_duration_since(at) >= SETTLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_is_believed_once_it_has_settled() {
        let (begin, instant) = (Timestamp::from_second(1_000_000).unwrap(), Instant::now());
        let mut clock = Clock::default();
        let mut at = |wall: i64, real: u64| {
            let now = begin + SignedDuration::from_secs(wall);
            clock.is_trusted(now, instant + Duration::from_secs(real))
        };
        assert!(at(0, 0) && at(10, 10) && at(75, 20));
        // A day ahead, and back before anybody saw it through.
        assert!(!at(86_400, 30) && !at(86_500, 130) && !at(150, 140));
        assert!(!at(440, 430) && at(450, 440));
        // An hour back.
        assert!(!at(-3_150, 450));
    }
}
