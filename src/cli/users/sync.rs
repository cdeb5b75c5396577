//! `hotdeskd users sync`.

use std::io::IsTerminal as _;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{Instant, sleep};

use crate::cli::door::Door;
use crate::cli::output;
use crate::config::Config;
use crate::http::admin::{Ask, Method, SyncRequest};
use crate::people::ldap::{LdapStatus, Progress};

/// How often to ask how far it is.
const LOOK: Duration = Duration::from_millis(100);
/// How often that is told where nobody watches a bar.
const TELL: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub(in crate::cli) struct Sync {
    /// Believe the server, however few people it gives.
    #[arg(long)]
    accept: bool,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(sync: &Sync, config: &Config) -> anyhow::Result<String> {
    let door = Door::open(config).await?;
    let ask = Ask::new(Method::POST, "/users/sync");
    let body = serde_json::to_value(SyncRequest { accept: sync.accept })?;
    let begun: LdapStatus = door.ask(ask.with(body)).await?;
    let mut told = Teller::new(begun.people);
    let status = loop {
        let status: LdapStatus = door.ask(Ask::get("/users/sync")).await?;
        match status.running {
            Some(progress) if status.ended == begun.ended => told.tell(progress),
            _ => break status,
        }
        sleep(LOOK).await;
    };
    told.end();
    let Some(pass) = &status.last else { bail!("the daemon does not say how it ended") };
    if let Some(error) = &pass.error {
        bail!("{error}");
    }
    if sync.json {
        return output::json(pass);
    }
    let mut printed = format!(
        "{} people read: {} added, {} changed, {} removed, {} not taken over.\n",
        pass.read, pass.added, pass.changed, pass.removed, pass.skipped
    );
    for skipped in &status.examples {
        printed += &format!("  {}: {}\n", output::plain(&skipped.dn), output::plain(&skipped.why));
    }
    if pass.skipped > status.examples.len() {
        printed += &format!("  and {} more\n", pass.skipped - status.examples.len());
    }
    if pass.referrals > 0 {
        printed += &format!(
            "{} referrals to other servers were not followed; people there are nobody here.\n",
            pass.referrals
        );
    }
    Ok(printed)
}

/// Tells how far it is, on standard error: as a bar where somebody watches, else in lines.
struct Teller {
    bar: Option<ProgressBar>,
    /// How many people there were before: about as many will come.
    before: u64,
    told: Instant,
}

impl Teller {
    fn new(before: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = "{msg:8} {wide_bar} {pos}/{len} {elapsed_precise}";
            let style = ProgressStyle::with_template(style);
            ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { bar, before: before as u64, told: Instant::now() }
    }

    fn tell(&mut self, progress: Progress) {
        let Progress { read, written, changes } = progress;
        let (what, at, of) = match changes {
            0 => ("reading", read as u64, self.before.max(read as u64)),
            changes => ("writing", written as u64, changes as u64),
        };
        match &self.bar {
            Some(bar) => {
                bar.set_message(what);
                bar.set_length(of);
                bar.set_position(at);
            }
            None if self.told.elapsed() >= TELL => {
                self.told = Instant::now();
                eprintln!("{what}: {at}");
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
