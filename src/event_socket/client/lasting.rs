//! Keeping a connection up: connect, work, wait a little longer each time it fails, again.

use std::future::Future;
use std::time::Duration;

use secrecy::SecretString;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{Client, ClientSettings, ConnectError, Events, connect};

/// How long to wait between attempts: doubling from `first` to `longest`, each time a random part of it between half and
/// the whole, so that many daemons do not come back to a restarted FreeSWITCH at the same moment.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    /// From `first` to `longest`.
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first.min(longest) }
    }

    /// The next pause; `part` is a random number from 0 to 1.
    pub fn pause(&mut self, part: f64) -> Duration {
        let whole = self.next;
        self.next = (whole * 2).min(self.longest);
        whole.mul_f64(0.5 + part.clamp(0.0, 1.0) / 2.0)
    }

    /// Begins again with the first pause.
    pub fn reset(&mut self) {
        self.next = self.first.min(self.longest);
    }
}

impl Default for Backoff {
    /// From 250 ms to 15 s.
    fn default() -> Self {
        Self::new(Duration::from_millis(250), Duration::from_secs(15))
    }
}

/// A connection that held this long was a good one: the next pause is a first one again.
const GOOD: Duration = Duration::from_secs(10);

/// Keeps a connection up until `stop`: gives each new one, and each failure, to `each` and waits for what that does. It
/// should return when the connection is over ([`Events::next`] or [`Client::closed`] say so). At `stop` the future of
/// `each` is dropped.
pub async fn lasting<F, Fut>(
    address: &str,
    password: &SecretString,
    settings: ClientSettings,
    mut backoff: Backoff,
    stop: CancellationToken,
    mut each: F,
) where
    F: FnMut(Result<(Client, Events), ConnectError>) -> Fut,
    Fut: Future<Output = ()>,
{
    let keep = async {
        loop {
            let connected = connect(address, password, settings.clone()).await;
            let (begun, good) = (Instant::now(), connected.is_ok());
            each(connected).await;
            if good && begun.elapsed() >= GOOD {
                backoff.reset();
            }
            sleep(backoff.pause(rand::random())).await;
        }
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        () = keep => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_a_limit_and_keep_their_random_part_within_bounds() {
        let seconds = Duration::from_secs;
        let mut backoff = Backoff::new(seconds(1), seconds(5));
        let whole: Vec<_> = (0..5).map(|_| backoff.pause(1.0)).collect();
        assert_eq!(whole, [1, 2, 4, 5, 5].map(seconds));
        backoff.reset();
        assert_eq!(backoff.pause(0.0), Duration::from_millis(500));
        assert_eq!(backoff.pause(7.0), seconds(2));
        assert_eq!(Backoff::new(seconds(9), seconds(5)).pause(1.0), seconds(5));
    }
}
