//! Having something done, watching it, and stopping it.

use std::io::IsTerminal as _;
use std::time::Duration;

use anyhow::bail;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep};

use crate::cli::door::Door;
use crate::config::Config;
use crate::http::admin::{Ask, Method};
use crate::provisioning::redirection::{Doing, Order, Outcome, Progress, RunStatus};

/// How often to ask how far it is.
const LOOK: Duration = Duration::from_millis(100);
/// How often that is told where nobody watches a bar.
const TELL: Duration = Duration::from_secs(2);

/// Where it is done.
const RUN: &str = "/redirection/run";

pub(super) async fn run(order: Order, config: &Config) -> anyhow::Result<Vec<Outcome>> {
    let door = Door::open(config).await?;
    // One for all the time: what comes while nobody waits is not lost.
    let mut interrupts = signal(SignalKind::interrupt())?;
    let begun: RunStatus =
        door.ask(Ask::new(Method::POST, RUN).with(serde_json::to_value(order)?)).await?;
    let mut teller = Teller::new();
    let mut is_stopping = false;
    loop {
        let status: RunStatus = door.ask(Ask::get(RUN)).await?;
        if status.ended != begun.ended {
            break;
        }
        if let Some(progress) = status.running {
            teller.tell(&progress);
        }
        tokio::select! {
            () = sleep(LOOK) => {}
            _ = interrupts.recv() => {
                if is_stopping {
                    bail!("stopped before it had ended; the same command asks the service what was done, and goes on");
                }
                is_stopping = true;
                eprintln!("stopping; what is under way is ended first");
                let () = door.ask(Ask::new(Method::DELETE, RUN)).await?;
            }
        }
    }
    teller.end();
    door.ask(Ask::get("/redirection/run/last")).await
}

/// Tells how far it is, on standard error: as a bar where somebody watches, else in lines.
struct Teller {
    bar: Option<ProgressBar>,
    told: Instant,
}

impl Teller {
    fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = "{msg:20} {wide_bar} {pos}/{len} {elapsed_precise}";
            let style = ProgressStyle::with_template(style);
            ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { bar, told: Instant::now() }
    }

    fn tell(&mut self, progress: &Progress) {
        let Progress { service, doing, done, of } = progress;
        let what = match doing {
            Doing::Listing => "listing",
            Doing::Asking => "asking",
            Doing::Telling => "telling",
        };
        match &self.bar {
            Some(bar) => {
                bar.set_message(format!("{service}: {what}"));
                bar.set_length(*of as u64);
                bar.set_position(*done as u64);
            }
            None if self.told.elapsed() >= TELL && !service.is_empty() => {
                self.told = Instant::now();
                eprintln!("{service}: {what}: {done} of {of}");
            }
            None => {}
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
