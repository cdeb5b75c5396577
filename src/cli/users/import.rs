//! `hotdeskd users import`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use crate::cli::door::Door;
use crate::cli::output;
use crate::config::Config;
use crate::http::admin::{Ask, Method, UserChange, UserView};
use crate::model::{Extension, UserRecord};
use crate::standing::existing::{self, ExistingDirectory, ExistingUser};

#[derive(Debug, Args)]
pub(in crate::cli) struct Import {
    /// FreeSWITCH's configuration folder, or the folder `directory` in it.
    #[arg(long, value_name = "DIR")]
    from_freeswitch: PathBuf,
    /// Say what would be taken over, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(import: &Import, config: &Config) -> anyhow::Result<String> {
    let found = existing::read(&import.from_freeswitch, &config.domain)?;
    let door = Door::open(config).await?;
    let users = door.list("/users", |user: &UserView| user.extension.to_string()).await?;
    let here: BTreeSet<Extension> = users.into_iter().map(|user| user.extension).collect();
    let mut printed = String::new();
    let mut taken = 0;
    for user in found.users.iter().filter(|user| !here.contains(&user.record.extension)) {
        if !import.dry_run {
            let extension = &user.record.extension;
            let ask = Ask::new(Method::POST, "/users").with(request(user)?);
            let _: UserView = door
                .ask(ask)
                .await
                .with_context(|| format!("user {extension}; {taken} were taken over before"))?;
        }
        taken += 1;
        printed += &line(user);
    }
    Ok(printed + &summary(&found, taken, import.dry_run))
}

fn request(user: &ExistingUser) -> anyhow::Result<serde_json::Value> {
    let record: UserRecord = user.record.clone();
    let change = UserChange {
        name: record.name,
        hot_desk: record.hot_desk,
        away: record.away,
        groups: record.groups,
        teams: record.teams,
        params: record.params,
        variables: record.variables,
        keys: record.keys,
        settings: record.settings,
        softphone: None,
    };
    let exposed =
        |secret: Option<&SecretString>| secret.map(|secret| secret.expose_secret().to_owned());
    Ok(json!({
        "extension": record.extension,
        "user": serde_json::to_value(change)?,
        "pin": exposed(user.pin.as_ref().map(|pin| pin.secret())),
        "sip_secret": exposed(user.sip_secret.as_ref()),
    }))
}

fn line(user: &ExistingUser) -> String {
    let with = match (&user.pin, &user.sip_secret) {
        (Some(_), Some(_)) => "PIN and SIP password",
        (Some(_), None) => "PIN",
        (None, Some(_)) => "SIP password, no PIN",
        (None, None) => "no PIN, no SIP password",
    };
    let name = output::plain(&user.record.name);
    let mut text = format!("{}  {name} ({with})\n", user.record.extension);
    for left_out in &user.left_out {
        text += &format!("      without {}\n", output::plain(left_out));
    }
    text
}

fn summary(found: &ExistingDirectory, taken: usize, is_dry: bool) -> String {
    let mut text = String::new();
    for (id, why) in &found.skipped {
        text += &format!("{}  not taken over: {why}\n", output::plain(id));
    }
    // FreeSWITCH's own files name it after an address that is found when it starts.
    let domain = if found.domain.is_empty() { "$${domain}" } else { &found.domain };
    let domain = output::plain(domain);
    let there = found.users.len().saturating_sub(taken);
    let done = if is_dry { "would be taken over" } else { "taken over" };
    text += &format!(
        "From the domain {domain}: {taken} {done}, {there} here already, {} not possible.\n",
        found.skipped.len()
    );
    if !is_dry && taken > 0 {
        text += "FreeSWITCH asks hotdeskd first, so their files may stay until all is well; then take them out. \
                 `hotdeskd users add --team` and `users pin` do the rest.\n";
    }
    text
}
