//! The task that owns a socket: the only one that reads it and writes it, and nobody can hold it up.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::Interest;
use tokio::task::coop::consume_budget;
use tokio::time::{Instant, sleep_until};

use super::Disconnected;
use super::link::{Link, Watch};
use super::wire::Wire;

/// How long FreeSWITCH may take nothing of what we write.
const LONGEST_STALL: Duration = Duration::from_secs(10);
/// How long we wait for FreeSWITCH to close after `exit`.
const LONGEST_GOODBYE: Duration = Duration::from_secs(1);

/// Owns the socket until it ends: writes what the handles put down, reads, hands out.
pub(super) async fn run<W: Watch>(mut wire: Wire, link: Arc<Link<W>>) {
    /// Ends the link also when the task is dropped, so that nobody waits for a task that is gone.
    struct Last<W: Watch>(Arc<Link<W>>);
    impl<W: Watch> Drop for Last<W> {
        fn drop(&mut self) {
            if self.0.state().why_ended().is_none() {
                self.0.end(Disconnected::Closed);
            }
        }
    }
    let last = Last(link);
    let why = own(&mut wire, &last.0).await;
    last.0.end(why);
}

/// How the owner stands with what it writes.
#[derive(Default)]
struct Writing {
    /// What is being written.
    out: BytesMut,
    /// Since when FreeSWITCH takes nothing.
    stalled: Option<Instant>,
    /// When we stop waiting for FreeSWITCH to close.
    goodbye: Option<Instant>,
}

/// The owner's loop; gives the reason of the end.
async fn own<W: Watch>(wire: &mut Wire, link: &Link<W>) -> Disconnected {
    let mut writing = Writing::default();
    // What came together with the last message of a log-in is in the buffer already.
    if let Err(why) = take_messages(wire, link) {
        return why;
    }
    loop {
        // A peer that never stops talking must not keep the thread from other calls.
        consume_budget().await;
        let due = match write(wire, link, &mut writing) {
            Ok(due) => due,
            Err(why) => return why,
        };
        let interest = match writing.out.is_empty() {
            true => Interest::READABLE,
            false => Interest::READABLE | Interest::WRITABLE,
        };
        tokio::select! {
            ready = wire.stream.ready(interest) => match ready {
                Ok(ready) if ready.is_readable() || ready.is_read_closed() => {
                    if let Err(why) = wire.read_some().and_then(|()| take_messages(wire, link)) {
                        return if writing.goodbye.is_some() { Disconnected::Left } else { why };
                    }
                }
                Ok(_) => {}
                Err(error) => return Disconnected::Io(error.kind()),
            },
            () = link.woken() => {}
            () = at(due) => {}
        }
    }
}

/// That time, or never.
async fn at(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}

/// Writes as much as FreeSWITCH takes; gives the time at which to look again at the latest.
fn write<W: Watch>(
    wire: &Wire,
    link: &Link<W>,
    writing: &mut Writing,
) -> Result<Option<Instant>, Disconnected> {
    let now = Instant::now();
    if writing.goodbye.is_some_and(|until| now >= until) {
        return Err(Disconnected::Left);
    }
    let mut leave_at = None;
    {
        let mut state = link.state();
        if writing.goodbye.is_none() {
            match state.is_time_to_leave(now) {
                Ok(()) => {
                    state.put_exit();
                    writing.goodbye = Some(now + LONGEST_GOODBYE);
                }
                Err(at) => leave_at = at,
            }
        }
        if writing.out.is_empty() {
            writing.out = state.take_output();
        }
    }
    while !writing.out.is_empty() {
        match wire.stream.try_write(&writing.out) {
            Ok(0) => return Err(Disconnected::Closed),
            Ok(written) => {
                writing.out.advance(written);
                writing.stalled = None;
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                let since = *writing.stalled.get_or_insert(now);
                if now >= since + LONGEST_STALL {
                    return Err(Disconnected::Stalled);
                }
                break;
            }
            Err(error) => return Err(Disconnected::Io(error.kind())),
        }
        if writing.out.is_empty() {
            writing.out = link.state().take_output();
        }
    }
    let stalled = writing.stalled.map(|since| since + LONGEST_STALL);
    Ok([leave_at, stalled, writing.goodbye].into_iter().flatten().min())
}

/// Hands out every message that is whole.
fn take_messages<W: Watch>(wire: &mut Wire, link: &Link<W>) -> Result<(), Disconnected> {
    while let Some(message) = wire.take()? {
        link.receive(message)?;
    }
    Ok(())
}
