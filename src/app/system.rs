//! The daemon itself, for the admin API.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;

use super::watch::Running;
use crate::config::Config;
use crate::http::admin::SystemReport;
use crate::http::watch::{DaemonWatch as _, Ready, Watched};

/// What it tells of itself.
pub(super) struct Report {
    running: Arc<Running>,
    watched: Watched,
    /// The configuration, secrets hidden. It stays the same while the daemon runs.
    configuration: String,
}

impl Report {
    /// Of a daemon with this configuration.
    pub(super) fn new(config: &Config, running: Arc<Running>, watched: Watched) -> Self {
        Self { running, watched, configuration: config.show() }
    }
}

impl SystemReport for Report {
    fn now(&self) -> BoxFuture<'_, (Timestamp, Ready)> {
        async { (self.running.started(), self.watched.ready().await) }.boxed()
    }

    fn configuration(&self) -> String {
        self.configuration.clone()
    }
}
