//! What whoever watches the daemon is told: metrics, health.

mod dashboard;
mod health;
mod metrics;
mod readers;

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

/// Runs Prometheus's own checker on a text.
fn promtool(arguments: &[&str], text: &str) -> Output {
    let mut command = Command::new("promtool");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("promtool is Debian's package prometheus");
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// The value of a series, as it stands in the text.
fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{series} is not in\n{text}")).parse().unwrap()
}
