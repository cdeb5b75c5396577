//! Work in short steps: a core that reads a hundred thousand entries is free at once for whoever wakes up there.

use std::pin::pin;

use futures_util::future::poll_fn;

/// Gives way to other threads after each step of `work`. Without that one that has to answer FreeSWITCH waits for the
/// end of this thread's time slice, milliseconds later, while the kernel knows nothing of the hurry.
pub(super) async fn giving_way<F: Future>(work: F) -> F::Output {
    let mut work = pin!(work);
    poll_fn(move |context| {
        let step = work.as_mut().poll(context);
        std::thread::yield_now();
        step
    })
    .await
}
