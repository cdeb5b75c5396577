//! The few connections that there are.
//!
//! A connection is made by a task of its own, so that one that takes longer than a caller may wait is there for the
//! next caller. Whoever is given up while he asks drops the connection.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, timeout};

use super::database::{Link, Target};
use crate::databases::Fault;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);

/// The connections.
pub(super) struct Pool {
    pub target: Target,
    /// Each with when it was used last; the one that was used last comes last, and goes first.
    idle: Mutex<Vec<(Link, Instant)>>,
    permits: Arc<Semaphore>,
}

/// A connection in use.
pub(super) struct Held {
    pub link: Link,
    /// Whether it was used before, and so may have died meanwhile.
    pub is_used: bool,
    pub permit: OwnedSemaphorePermit,
}

impl Pool {
    pub(super) fn new(target: Target, connections: usize) -> Self {
        Self { target, idle: Mutex::default(), permits: Arc::new(Semaphore::new(connections)) }
    }

    /// Waits for leave to use a connection.
    pub(super) async fn permit(&self) -> Result<OwnedSemaphorePermit, Fault> {
        let closed = |_| Fault::Lost("the daemon ends".to_owned());
        self.permits.clone().acquire_owned().await.map_err(closed)
    }

    /// A connection that is there, or a new one.
    pub(super) async fn take(
        self: &Arc<Self>,
        permit: OwnedSemaphorePermit,
    ) -> Result<Held, Fault> {
        let link = self.idle().pop();
        match link {
            Some((link, _)) => Ok(Held { link, is_used: true, permit }),
            None => self.connect(permit).await,
        }
    }

    /// A new connection.
    pub(super) async fn connect(
        self: &Arc<Self>,
        permit: OwnedSemaphorePermit,
    ) -> Result<Held, Fault> {
        let (sender, receiver) = oneshot::channel();
        let pool = self.clone();
        tokio::spawn(async move {
            let made = timeout(CONNECT, Link::connect(&pool.target)).await.unwrap_or_else(|_| {
                Err(Fault::Lost(format!("no connection within {} s", CONNECT.as_secs())))
            });
            match sender.send(made.map(|link| Held { link, is_used: false, permit })) {
                Ok(()) => {}
                Err(Ok(held)) => pool.give_back(held),
                Err(Err(fault)) => tracing::warn!(%fault, "no connection to the customer database"),
            }
        });
        receiver
            .await
            .unwrap_or_else(|_| Err(Fault::Lost("the connection was given up".to_owned())))
    }

    /// For whoever comes next.
    pub(super) fn give_back(&self, held: Held) {
        self.idle().push((held.link, Instant::now()));
    }

    /// Closes what is idle: the server was restarted, or is gone.
    pub(super) fn forget(&self) {
        let idle = std::mem::take(&mut *self.idle());
        drop(idle);
    }

    /// Closes what was not used for that long.
    pub(super) fn forget_idle_for(&self, time: Duration) {
        self.idle().retain(|(_, used)| used.elapsed() < time);
    }

    /// How many connections are open and not in use.
    pub(super) fn idle_count(&self) -> usize {
        self.idle().len()
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<(Link, Instant)>> {
        self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
