//! `hotdeskd emergency`.

use clap::Subcommand;

use super::output::{self, plain};
use super::{Failure, Printed};
use crate::app;
use crate::config::Config;
use crate::model::EmergencyTest;
use crate::store::{Lock, Store};

/// `emergency …`
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Walks every phone's emergency calls through what is on FreeSWITCH's disk; exit code 1 when one would not get
    /// through as it should. Nothing is dialled.
    ///
    /// What is walked is what is installed: FreeSWITCH's own configuration where it is on this machine, with the files of
    /// hotdeskd that it includes, and the directory that holds while hotdeskd is away.
    #[command(after_help = "Example:\n  hotdeskd emergency test")]
    Test {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(command: &Command, config: &Config) -> Printed {
    let Command::Test { json } = command;
    // Reading takes nothing away from a daemon that runs.
    let store = match Lock::take(&config.data).map_err(anyhow::Error::from)? {
        Some(_lock) => Store::open(&config.data).await.map_err(anyhow::Error::from)?,
        None => Store::look(&config.data).await.map_err(anyhow::Error::from)?,
    };
    let found = app::emergency_test(config, &store).map_err(Failure::Failed)?;
    let told = if *json { output::json(&found)? } else { in_words(&found) };
    if found.is_good() {
        return Ok(told);
    }
    // The answer belongs on standard output even when it is a bad one.
    print!("{told}");
    let count = match (found.failing.len(), found.phones) {
        (0, _) => "something is wrong with what FreeSWITCH has".to_owned(),
        (1, all) => format!("1 of {all} phones would not get through as it should"),
        (many, all) => format!("{many} of {all} phones would not get through as they should"),
    };
    Err(Failure::Failed(anyhow::anyhow!("{count}")))
}

/// What was found, for people.
fn in_words(found: &EmergencyTest) -> String {
    let mut told = String::new();
    let mut line = |text: String| told += &format!("{}\n", plain(&text));
    for path in &found.walked {
        line(format!("Walked: {path}"));
    }
    for problem in &found.problems {
        line(format!("WRONG: {}", problem.what));
        line(format!("  -> {}", problem.advice));
    }
    for failing in &found.failing {
        let title = (failing.title != failing.identity).then(|| format!(" ({})", failing.title));
        let place = failing.location.as_ref().map(|place| format!(", {place}"));
        let (title, place) = (title.unwrap_or_default(), place.unwrap_or_default());
        line(format!("{}{title}{place}", failing.identity));
        for why in &failing.why {
            line(format!("  {}", why.what));
            line(format!("    -> {}", why.advice));
        }
    }
    for note in &found.notes {
        line(format!("Note: {note}"));
    }
    let good = found.phones - found.failing.len();
    line(format!(
        "{good} of {} phones and handsets reach {} without hotdeskd.",
        found.phones,
        found.numbers.join(", ")
    ));
    told
}
