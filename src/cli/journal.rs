//! `hotdeskd journal`.

use clap::{Args, Subcommand};

use super::Printed;
use super::door::Door;
use super::output;
use crate::config::Config;
use crate::http::admin::Ask;
use crate::model::{Extension, Happening, JournalEntry, Mac};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists what happened, oldest first.
    #[command(after_help = "Example:\n  hotdeskd journal list --user 1001 --limit 20")]
    List(List),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Only of this phone.
    #[arg(long, value_name = "MAC")]
    phone: Option<Mac>,
    /// Only of this user.
    #[arg(long, value_name = "EXTENSION")]
    user: Option<Extension>,
    /// How many, the newest.
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(command: &Command, config: &Config) -> Printed {
    let Command::List(List { phone, user, limit, json }) = command;
    let mut path = format!("/journal?limit={limit}");
    if let Some(phone) = phone {
        path += &format!("&phone={phone}");
    }
    if let Some(user) = user {
        path += &format!("&user={user}");
    }
    let entries: Vec<JournalEntry> = Door::open(config).await?.ask(Ask::get(&path)).await?;
    if *json {
        return Ok(output::json(&entries)?);
    }
    let rows = entries
        .iter()
        .map(|entry| [output::time(entry.at), entry.by.to_string(), sentence(&entry.what)]);
    Ok(output::table(["TIME", "BY", "WHAT"], rows, "Nothing happened yet."))
}

/// What happened, in words.
pub(super) fn sentence(what: &Happening) -> String {
    what.sentence(&output::time)
}
