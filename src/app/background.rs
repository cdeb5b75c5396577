//! Work that nobody waits for, apart from what FreeSWITCH, callers and phones wait for.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

/// A runtime with one thread.
pub(super) struct Background(Option<Runtime>);

impl Background {
    /// Starts it.
    pub(super) fn start() -> io::Result<Self> {
        let mut runtime = Builder::new_multi_thread();
        runtime.worker_threads(1).thread_name("background").enable_all();
        Ok(Self(Some(runtime.build()?)))
    }

    /// Where to spawn.
    pub(super) fn handle(&self) -> Handle {
        let runtime = self.0.as_ref().map(Runtime::handle);
        runtime.map_or_else(Handle::current, Handle::clone)
    }
}

impl Drop for Background {
    /// Does not wait: that is forbidden on a thread that drives others.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
