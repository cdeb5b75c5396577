//! `serve`: the daemon.

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{Failure, Printed};
use crate::app;
use crate::config::Config;
use crate::telemetry;

/// Runs the daemon until SIGTERM or SIGINT.
pub(super) fn run(config: Config, verbose: u8) -> Printed {
    let wanted = std::env::var("RUST_LOG").ok();
    telemetry::start(config.log.format, verbose, wanted.as_deref())
        .map_err(|error| Failure::Usage(error.into()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(anyhow::Error::from)?.block_on(async {
        let shutdown = CancellationToken::new();
        let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be heard")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be heard")?;
        let told = shutdown.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            told.cancel();
        });
        app::serve(config, shutdown).await?;
        Ok(String::new())
    })
}
