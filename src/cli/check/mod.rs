//! `check`: what works, what does not, and what to do; asks every outside thing that a daemon would use.

mod customers;
mod inventory;
mod ldap;
mod operators;
mod phones;
mod pnp;
mod redirection;
mod service;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use tokio::net::TcpListener;

use super::{Failure, Printed, output};
use crate::app;
use crate::config::Config;
use crate::event_socket::ChannelWord;
use crate::model::{Mac, QueueModule};
use crate::people;
use crate::standing::directory::Directory;
use crate::standing::disk::Folder;
use crate::standing::emergency::dial_every_number;
use crate::standing::walk::{Call, Policy, Walk};
use crate::standing::{current, queues};
use crate::store::{Lock, Store};
use crate::switch::CheckSync;
use crate::switch::check::{Finding, Questions, QueueQuestions, Verdict, examine};

/// How long one FreeSWITCH may take to answer everything.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Debug, Args)]
pub(super) struct Check {
    /// As JSON.
    #[arg(long)]
    json: bool,
    /// Have FreeSWITCH reload its XML, to see how long that takes. It answers nobody meanwhile.
    #[arg(long)]
    reload: bool,
}

/// A line of the table.
#[derive(Debug, Serialize)]
struct Line {
    subject: String,
    state: &'static str,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl Line {
    fn good(subject: &str, found: impl Into<String>) -> Self {
        Self { subject: subject.into(), state: "ok", found: found.into(), advice: None }
    }

    fn look(subject: &str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { state: "look", advice: Some(advice.into()), ..Self::good(subject, found) }
    }

    fn wrong(subject: &str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { state: "WRONG", advice: Some(advice.into()), ..Self::good(subject, found) }
    }

    fn of(node: &str, finding: Finding) -> Self {
        let state = match finding.verdict {
            Verdict::Good => "ok",
            Verdict::Warning => "look",
            Verdict::Bad => "WRONG",
        };
        let subject = format!("{node}: {}", finding.subject);
        Self { subject, state, found: finding.found, advice: finding.advice }
    }
}

/// Checks everything; exit code 1 when something is wrong.
pub(super) async fn run(check: &Check, config: &Config) -> Printed {
    let mut lines = vec![Line::good("configuration", config.file.display().to_string())];
    lines.extend(
        config.warnings().into_iter().map(|warning| Line::look("configuration", warning, "")),
    );
    users_file(config, &mut lines);
    let store = open_store(config, &mut lines).await;
    ldap::lines(config, store.as_ref(), &mut lines).await;
    listeners(config, &mut lines).await;
    operators::lines(config, &mut lines);
    phones::lines(config, store.as_ref(), &mut lines).await;
    pnp::lines(config, &mut lines).await;
    redirection::lines(config, store.as_ref(), &mut lines).await;
    customers::lines(config, &mut lines).await?;
    inventory::lines(config, &mut lines).await;
    if let Some(store) = &store {
        service::lines(config, store, &mut lines);
        standing_files(config, store, &mut lines)?;
        nodes(config, store, check.reload, &mut lines).await?;
    }
    let wrong = lines.iter().filter(|line| line.state == "WRONG").count();
    let told = if check.json { output::json(&lines)? } else { in_words(&lines) };
    if wrong == 0 {
        return Ok(told);
    }
    // The answer belongs on standard output even when it is a bad one.
    print!("{told}");
    let things = if wrong == 1 { "thing is" } else { "things are" };
    Err(Failure::Failed(anyhow::anyhow!("{wrong} {things} wrong")))
}

/// Each line, and what to do below it.
fn in_words(lines: &[Line]) -> String {
    let widest = lines.iter().map(|line| line.subject.chars().count()).max().unwrap_or_default();
    let mut told = String::new();
    for line in lines {
        let (subject, state, found) =
            (output::plain(&line.subject), line.state, output::plain(&line.found));
        told.push_str(&format!("{state:5}  {subject:widest$}  {found}\n"));
        if let Some(advice) = line.advice.as_ref().filter(|advice| !advice.is_empty()) {
            told.push_str(&format!("{:5}  {:widest$}  -> {}\n", "", "", output::plain(advice)));
        }
    }
    told
}

fn users_file(config: &Config, lines: &mut Vec<Line>) {
    let Some(path) = &config.users_file else { return };
    match people::read(path) {
        Ok(users) => lines.push(Line::good("users file", format!("{} users", users.len()))),
        Err(error) => lines.push(Line::wrong("users file", error.to_string(), "correct the file")),
    }
}

async fn open_store(config: &Config, lines: &mut Vec<Line>) -> Option<Store> {
    let (lock, daemon) = match Lock::take(&config.data) {
        Ok(Some(lock)) => (Some(lock), "no daemon runs"),
        Ok(None) => (None, "a daemon, or a command, works with it"),
        Err(error) => {
            lines.push(Line::wrong("data folder", error.to_string(), ""));
            return None;
        }
    };
    let opened = match lock {
        Some(_) => Store::open(&config.data).await,
        None => Store::look(&config.data).await,
    };
    match opened {
        Ok(store) => {
            let memory = store.memory();
            let (phones, users, sessions) =
                (memory.phones().count(), memory.users().count(), memory.sessions().count());
            let found =
                format!("{phones} phones, {users} users, {sessions} desk sessions; {daemon}");
            drop(memory);
            lines.push(Line::good("store", found));
            Some(store)
        }
        Err(error) => {
            lines.push(Line::wrong("store", error.to_string(), ""));
            None
        }
    }
}

/// Whether each listener answers, or could.
async fn listeners(config: &Config, lines: &mut Vec<Line>) {
    let phones = config.phones.0.as_ref().map(|listener| ("listen.phones", listener.address));
    let tls = config.phones_tls.0.as_ref().filter(|_| app::tls_settings(config).is_some());
    let tls = tls.map(|listener| ("listen.phones_tls", listener.address));
    let ours = [
        ("listen.event_socket", config.event_socket.address),
        ("listen.switch", config.switch.address),
    ];
    let admin = config.admin.0.as_ref().map(|listener| ("listen.admin", listener.address));
    for (key, address) in ours.into_iter().chain(phones).chain(tls).chain(admin) {
        lines.push(match TcpListener::bind(address).await {
            Ok(_) => Line::good(key, format!("{address} is free")),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
                Line::good(key, format!("something listens at {address}"))
            }
            Err(error) => {
                let advice = "name an address of this machine";
                Line::wrong(key, format!("{address}: {error}"), advice)
            }
        });
    }
}

/// What stands on FreeSWITCH's disk, and whether every emergency call would reach its route with it.
fn standing_files(config: &Config, store: &Store, lines: &mut Vec<Line>) -> anyhow::Result<()> {
    let folder = &config.standing.folder;
    let install = "run `hotdeskd freeswitch install`";
    if !folder.exists() {
        let found = format!(
            "{} is not there: without the daemon FreeSWITCH knows nobody",
            folder.display()
        );
        lines.push(Line::wrong("standing files", found, install));
        return Ok(());
    }
    for file in app::rendered(config)? {
        let there = std::fs::read_to_string(folder.join(&file.path)).unwrap_or_default();
        if there != file.text {
            let found =
                format!("{} is not as this configuration would have it", file.path.display());
            lines.push(Line::wrong("standing files", found, install));
        }
    }
    let rules = app::queue_rules(config);
    let lists = current::queues(store, &rules);
    for (name, text) in queues::fragments(&rules, &lists) {
        let file = folder.join(name).join(queues::FILE);
        let there = std::fs::read_to_string(&file).unwrap_or_default();
        // Without queues there need be no file.
        if there != text && !(there.is_empty() && lists.queues.is_empty()) {
            let found = format!("{} is not as the teams are", file.display());
            lines.push(Line::wrong("standing files", found, install));
        }
    }
    let known = Directory::read(&Folder::new(folder.join("directory"), None))?;
    let wanted = current::entries(store, &app::rules(config, store));
    let wanted: BTreeSet<&str> = wanted.iter().map(|(id, _)| id.as_str()).collect();
    let gone: Vec<&str> = known.ids().filter(|id| !wanted.contains(id)).collect();
    if !gone.is_empty() {
        let found =
            format!("{} are still in them, and can register without the daemon", gone.join(", "));
        lines.push(Line::wrong("standing files", found, install));
    }
    let phones: Vec<Mac> = store.memory().phones().map(|phone| phone.mac).collect();
    let missing = phones.iter().filter(|mac| known.find(&mac.to_string()).is_none()).count();
    lines.push(match missing {
        0 => Line::good("standing files", format!("{}, {} phones", folder.display(), phones.len())),
        _ => Line::wrong("standing files", format!("{missing} phones are not in them"), install),
    });
    emergency(config, &folder.join("dialplan"), lines);
    Ok(())
}

fn emergency(config: &Config, dialplan: &Path, lines: &mut Vec<Line>) {
    if config.emergency.routes.is_empty() {
        let context = config.dialplan.context.as_str();
        let found = format!("no route is set: the numbers go to your context `{context}`");
        lines.push(Line::look(
            "emergency calls",
            found,
            "set `emergency.routes`, and see that the numbers are reached there",
        ));
        return;
    }
    let walk = match Walk::load(dialplan) {
        Ok(walk) => walk,
        Err(error) => {
            lines.push(Line::wrong(
                "emergency calls",
                error.to_string(),
                "run `hotdeskd freeswitch install`",
            ));
            return;
        }
    };
    let now = u64::try_from(Timestamp::now().as_second()).unwrap_or_default();
    let policy = Policy { now, ..Policy::daemon_dead() };
    let verdicts = dial_every_number(&walk, &config.emergency, &Call::default(), &policy);
    let bad: Vec<String> = verdicts
        .iter()
        .filter(|verdict| verdict.outcome.is_err())
        .map(ToString::to_string)
        .collect();
    lines.push(match bad.is_empty() {
        true => Line::good(
            "emergency calls",
            format!("{} ways walked without the daemon, each reaches its route", verdicts.len()),
        ),
        false => {
            Line::wrong("emergency calls", bad.join("; "), "run `hotdeskd freeswitch install`")
        }
    });
}

/// What each FreeSWITCH says of itself.
async fn nodes(
    config: &Config,
    store: &Store,
    reload: bool,
    lines: &mut Vec<Line>,
) -> anyhow::Result<()> {
    let settings = app::switch_settings(config, std::sync::Arc::new(CheckSync))?;
    let calls_back = config.emergency.callback_minutes > 0 && !config.emergency.numbers.is_empty();
    let has_numbers = config.service.as_ref().is_some_and(|service| !service.numbers.is_empty());
    let context = |name: &str| ChannelWord::parse(name);
    let outside = context(config.emergency.callback_context.as_str())?;
    let questions = Questions {
        domain: config.domain.clone(),
        voicemail_profile: settings.voicemail_profile.clone(),
        context: context(config.dialplan.context.as_str())?,
        callback_context: calls_back.then(|| outside.clone()),
        service_context: has_numbers.then_some(outside),
        queues: queue_questions(config, store),
        reload,
    };
    for node in &settings.nodes {
        let name = format!("FreeSWITCH {}", node.name);
        match tokio::time::timeout(PATIENCE, examine(node, store, &questions)).await {
            Ok(Ok(findings)) => {
                lines.extend(findings.into_iter().map(|finding| Line::of(&node.name, finding)));
            }
            Ok(Err(error)) => {
                let advice = "see that it runs, that its event_socket.conf.xml listens there, and that the password is the same";
                lines.push(Line::wrong(&name, format!("{}: {error}", node.address), advice));
            }
            Err(_) => {
                lines.push(Line::wrong(&name, "it did not answer in time", "look at its log"));
            }
        }
    }
    Ok(())
}

/// What to ask of queues, where a team has one.
fn queue_questions(config: &Config, store: &Store) -> Option<QueueQuestions> {
    let rules = app::queue_rules(config);
    let lists = current::queues(store, &rules);
    let module = match rules.module() {
        QueueModule::CallCenter => "mod_callcenter",
        QueueModule::Fifo => "mod_fifo",
    };
    (!lists.queues.is_empty()).then_some(QueueQuestions { module, file: rules.file() })
}
