//! What the daemon says about itself: lines on standard error, or entries of journald with a field for each value.

use std::io::IsTerminal as _;

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::util::TryInitError;

/// The table `[log]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// How a line looks.
    pub format: LogFormat,
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
    /// Entries of journald, over its socket: nothing on standard error.
    Journald,
}

/// Why the log cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `RUST_LOG` does not say what to log.
    #[error(
        "the variable RUST_LOG: {0}; write a level such as `debug`, or `hotdeskd::switch=debug,info`"
    )]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// journald is not there.
    #[error(
        "log.format = \"journald\": its socket cannot be reached: {0}; run under systemd, or write \"text\" or \"json\""
    )]
    Journald(std::io::Error),
    /// It was started before.
    #[error(transparent)]
    Started(#[from] TryInitError),
}

/// What the names of our fields begin with in journald (`HOTDESKD_PHONE`), so that none is taken for journald's own.
const FIELDS: &str = "HOTDESKD";

/// Starts the log, on standard error or at journald. What to log: `RUST_LOG` (given as `wanted`) where it is set, else
/// by `verbose`, the number of `-v`: warnings and what the daemon does, then debug, then trace.
///
/// # Errors
/// `wanted` cannot be read, journald is not there, or the log was started before.
pub fn start(format: LogFormat, verbose: u8, wanted: Option<&str>) -> Result<(), Error> {
    let filter = match wanted.filter(|wanted| !wanted.is_empty()) {
        Some(wanted) => EnvFilter::try_new(wanted)?,
        None => EnvFilter::new(level(verbose)),
    };
    if format == LogFormat::Journald {
        let entries = tracing_journald::layer().map_err(Error::Journald)?;
        let entries = entries
            .with_field_prefix(Some(FIELDS.to_owned()))
            .with_syslog_identifier("hotdeskd".to_owned());
        return Ok(tracing_subscriber::registry().with(filter).with(entries).try_init()?);
    }
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Text => lines.finish().try_init()?,
        LogFormat::Json | LogFormat::Journald => {
            lines.json().flatten_event(true).finish().try_init()?
        }
    }
    Ok(())
}

/// sqlx tells every statement at debug, with its values; that is no business of a log.
fn level(verbose: u8) -> &'static str {
    match verbose {
        0 => "info,sqlx=warn",
        1 => "info,hotdeskd=debug,sqlx=warn",
        2 => "debug,hotdeskd=trace,sqlx=warn",
        _ => "trace,sqlx=info",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_of_verbosity_is_a_filter() {
        for verbose in 0..5 {
            assert!(EnvFilter::try_new(level(verbose)).is_ok(), "{verbose}");
        }
        let refused = start(LogFormat::Text, 0, Some("hotdeskd=loud")).unwrap_err();
        assert!(refused.to_string().contains("RUST_LOG"), "{refused}");
    }
}
