//! `freeswitch install` and `freeswitch print`: what FreeSWITCH has on its own disk.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Subcommand;

use super::Printed;
use crate::app;
use crate::config::{Config, Service};
use crate::standing::directory::{self, Entry, Shrink};
use crate::standing::disk::{Folder, Outcome};
use crate::standing::install::{self, Advice, Credentials, Part};
use crate::standing::{current, queues};
use crate::store::{Lock, Store};

/// `freeswitch …`
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Writes the standing files: the dialplan contexts, the emergency call-back, the directory, the queues.
    #[command(after_help = "Example:\n  hotdeskd freeswitch install")]
    Install {
        /// Where; else `standing.folder` of the configuration.
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
        /// Write the directory even with fewer than half of the phones that it has.
        #[arg(long)]
        allow_fewer_phones: bool,
    },
    /// Prints what to include and set in FreeSWITCH's own configuration, whole or in part.
    #[command(after_help = "Example:\n  hotdeskd freeswitch print profile")]
    Print {
        /// Which part: domain, dialplan, public, directory, queues, xml_curl, profile, try.
        part: Option<Part>,
    },
}

pub(super) async fn run(command: &Command, config: &Config) -> Printed {
    Ok(match command {
        Command::Install { folder, allow_fewer_phones } => {
            install(config, folder.clone(), *allow_fewer_phones).await?
        }
        Command::Print { part } => print(config, *part)?,
    })
}

/// Writes the standing files into `folder`, or where the configuration says.
///
/// The store is read even while a daemon runs: reading takes nothing away from it.
///
/// # Errors
/// The store cannot be read, or a file that is not ours is in the way.
async fn install(
    config: &Config,
    folder: Option<PathBuf>,
    allow_fewer: bool,
) -> anyhow::Result<String> {
    let path = folder.unwrap_or_else(|| config.standing.folder.clone());
    let path = std::path::absolute(&path)?;
    let folder = Folder::new(&path, config.standing.group.as_ref().map(|group| group.id));
    let files = app::rendered(config)?;
    let password = config.switch_password()?;
    let credentials =
        Credentials { user: config.switch_credentials.user.as_str(), password: &password };
    let report = install::install(&folder, &files, Some(credentials))?;
    folder.let_pass(&config.data)?;
    let mut told = report.to_string();
    // A daemon that runs has the lock: then we only look.
    let lock = Lock::take(&config.data)?;
    let store = match lock {
        Some(_) => Store::open(&config.data).await?,
        None => Store::look(&config.data).await?,
    };
    let entries = current::entries(&store, &app::rules(config, &store));
    let entries: Vec<Entry<'_>> = entries.iter().map(|(id, xml)| Entry { id, xml }).collect();
    let shrink = if allow_fewer { Shrink::Allowed } else { Shrink::Refused };
    let written = directory::write(&folder.inside("directory"), &entries, shrink)?;
    let (phones, all, files) = (written.phones, written.entries, written.written.len());
    let place = path.join("directory");
    writeln!(
        told,
        "{}: {phones} phones, {all} entries in all, {files} files written",
        place.display()
    )?;
    let rules = app::queue_rules(config);
    for (name, outcome) in queues::write(&folder, &rules, &current::queues(&store, &rules))? {
        let word = if outcome == Outcome::Unchanged { "unchanged" } else { "written" };
        writeln!(told, "{}: {word}", path.join(name).join(queues::FILE).display())?;
    }
    if report.blocked() {
        bail!(
            "{told}files that hotdeskd did not write are in the way; move them, and run this again"
        );
    }
    for warning in config.emergency.warnings() {
        writeln!(told, "Note: {warning}")?;
    }
    if config.standing.group.is_none() {
        writeln!(
            told,
            "Note: standing.group is not set: only this user can read these files. Where FreeSWITCH runs as \
             another user it finds nothing here, and does not say so: set the group that it runs as"
        )?;
    }
    writeln!(told, "\nWhat FreeSWITCH still has to be told: `hotdeskd freeswitch print`.")?;
    Ok(told)
}

/// Prints what to include and set in FreeSWITCH's own configuration.
///
/// # Errors
/// A template of ours is wrong.
fn print(config: &Config, part: Option<Part>) -> anyhow::Result<String> {
    let profiles: Vec<String> = config
        .freeswitch
        .values()
        .flat_map(|node| &node.profiles)
        .map(|profile| profile.as_str().to_owned())
        .collect();
    let node = config.freeswitch.values().next().context("no FreeSWITCH is configured")?;
    let url = format!("http://{}/freeswitch", config.switch.address);
    let queues = app::queue_rules(config);
    let advice = Advice {
        folder: &config.standing.folder,
        config_dir: &node.config_dir,
        domain: &config.domain,
        profiles: &profiles,
        switch_url: &url,
        remote: !config.switch.address.ip().is_loopback(),
        dialplan: &config.dialplan,
        emergency: &config.emergency,
        service: config.service.as_ref().map(Service::plan),
        queues: Some(&queues),
    };
    Ok(part.map_or_else(|| advice.print_all(), |part| advice.print(part)))
}

/// The same without a configuration: for the defaults, and says so.
pub(super) fn print_defaults(part: Option<Part>) -> anyhow::Result<String> {
    let text = b"domain = \"example.net\"\n[freeswitch.fs1]\npassword = \"unknown\"\n";
    let config = Config::parse(Path::new("/etc/hotdeskd/hotdeskd.toml"), text, None)?;
    let told = print(&config, part)?;
    Ok(format!(
        "There is no configuration yet; this is for the defaults and the domain example.net.\n\n{told}"
    ))
}
