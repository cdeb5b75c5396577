//! What FreeSWITCH's answers mean; no IO.

use crate::event_socket::ChannelWord;
use crate::model::{Domain, Mac};
use crate::standing::install::{Wanted, required_profile_settings};
use crate::standing::tree::{self, Element};
use crate::switch::reload::{ReloadError, Reloaded};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it must be.
    Good,
    /// Works, but look at it.
    Warning,
    /// Something will not work, or is not safe.
    Bad,
}

/// One line of the table of `check`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was asked about (`SIP profile internal, auth-calls`).
    pub subject: String,
    /// How bad it is.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do, where something is to be done.
    pub advice: Option<String>,
}

impl Finding {
    fn good(subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self { subject: subject.into(), verdict: Verdict::Good, found: found.into(), advice: None }
    }

    fn bad(
        subject: impl Into<String>,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        let (subject, found, advice) = (subject.into(), found.into(), Some(advice.into()));
        Self { subject, verdict: Verdict::Bad, found, advice }
    }

    fn warning(
        subject: impl Into<String>,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { verdict: Verdict::Warning, ..Self::bad(subject, found, advice) }
    }
}

pub(super) fn module(module: &str, purpose: &str, loaded: bool) -> Finding {
    if loaded {
        return Finding::good(module, "loaded");
    }
    let advice =
        format!("{purpose}: load it in modules.conf.xml (and now: fs_cli -x 'load {module}')");
    Finding::bad(module, "not loaded", advice)
}

/// Whose configuration a queue module reads: ours, while we run, or at least the operator's file with our lists in it.
pub(super) fn queue_configuration(file: &str, located: &str) -> Finding {
    let lists = ["<queue ", "<fifo "];
    if located.contains("description=\"hotdeskd\"") {
        Finding::good(file, "FreeSWITCH has it from hotdeskd")
    } else if lists.iter().any(|list| located.contains(list)) {
        let advice = "start hotdeskd; if it runs, bind mod_xml_curl to the configuration too (`hotdeskd freeswitch print xml_curl`)";
        Finding::warning(file, "FreeSWITCH has it from its own disk", advice)
    } else {
        let advice = "include the lists (`hotdeskd freeswitch print queues`), and bind mod_xml_curl to the configuration";
        Finding::bad(file, "FreeSWITCH finds no queue in it", advice)
    }
}

/// A SIP profile: its settings in FreeSWITCH's XML, and what the running one shows of them.
pub(super) fn profile(
    name: &ChannelWord,
    configured: &str,
    running: &str,
    domain: &Domain,
) -> Vec<Finding> {
    let subject = format!("SIP profile {name}");
    if !running.contains("<profile-info>") {
        let advice =
            "start it, or name the profile that phones register with (freeswitch.*.profiles)";
        return vec![Finding::bad(subject, "does not run", advice)];
    }
    let Some(settings) = settings_of(name.as_str(), configured) else {
        let advice = "is it configured somewhere else than in sofia.conf? Then compare by hand: hotdeskd freeswitch print profile";
        return vec![Finding::warning(subject, "runs; its settings cannot be read", advice)];
    };
    let mut all = Vec::new();
    for required in required_profile_settings(domain) {
        let subject = format!("{subject}, {}", required.name);
        // The last of a name is in force (`sofia.c` sets them one after the other).
        let found = settings.iter().rev().find(|(name, _)| name == required.name);
        let found = found.map(|(_, value)| value.as_str());
        let shown = found.map_or_else(|| "not set".to_owned(), |value| format!("\"{value}\""));
        all.push(if required.holds(found) {
            Finding::good(subject, shown)
        } else {
            let advice = match &required.wanted {
                Wanted::Is(value) => {
                    format!("set it to \"{value}\" and restart the profile: {}", required.why)
                }
                Wanted::Absent => {
                    format!("leave it out, unless it covers no phone: {}", required.why)
                }
            };
            match required.wanted {
                Wanted::Is(_) => Finding::bad(subject, shown, advice),
                Wanted::Absent => Finding::warning(subject, shown, advice),
            }
        });
    }
    let in_force = running.lines().find_map(|line| info(line, "challenge-realm"));
    if in_force.is_some_and(|realm| !realm.eq_ignore_ascii_case(domain.as_str())) {
        let found =
            format!("the running profile challenges for \"{}\"", in_force.unwrap_or_default());
        let advice = format!(
            "restart it once its files are right: fs_cli -x 'sofia profile {name} restart'"
        );
        all.push(Finding::bad(format!("{subject}, in force"), found, advice));
    }
    all
}

/// The value of a line `    <name>value</name>` of `sofia xmlstatus profile`.
fn info<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.strip_prefix("    <")?
        .strip_prefix(name)?
        .strip_prefix('>')?
        .strip_suffix('>')?
        .strip_suffix(name)?
        .strip_suffix("</")
}

/// The params of a profile in `sofia.conf`.
fn settings_of(profile: &str, configured: &str) -> Option<Vec<(String, String)>> {
    let top = tree::parse(configured).ok()?;
    let configuration = top.children("configuration").next()?;
    let profiles = configuration.children("profiles").next()?;
    let settings = profiles.find("profile", "name", profile)?.children("settings").next()?;
    let pair = |param: &Element| {
        Some((param.attribute("name")?.to_owned(), param.attribute("value")?.to_owned()))
    };
    Some(settings.children("param").filter_map(pair).collect())
}

/// What a dialplan context has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// One of our own.
    Ours,
    /// The operator's.
    Operators,
    /// Where calls from outside come in, with our extension in it.
    Callback,
    /// The same, with the service number in it.
    Service,
}

/// The first context of a name, which is the only one that counts.
pub(super) fn context(name: &str, need: Context, answer: &str) -> Finding {
    let subject = format!("dialplan context {name}");
    let top = tree::parse(answer).unwrap_or_default();
    let Some(context) = top.children("context").next() else {
        let advice = match need {
            Context::Ours => "run hotdeskd freeswitch install, include its files, and reloadxml",
            Context::Operators => "name the context of your own dialplan (dialplan.context)",
            Context::Callback | Context::Service => {
                "name the context of calls from outside (emergency.callback_context)"
            }
        };
        return Finding::bad(subject, "not there", advice);
    };
    let mut names = context.children("extension").filter_map(|one| one.attribute("name"));
    match need {
        Context::Operators => Finding::good(subject, "there"),
        Context::Ours if names.next().is_some_and(|name| name.starts_with("hotdeskd_")) => {
            Finding::good(subject, "hotdeskd's")
        }
        Context::Ours => Finding::bad(
            subject,
            "another one of this name stands first, so that hotdeskd's is never reached",
            "rename or remove the other one; FreeSWITCH takes the first of a name",
        ),
        Context::Callback if names.any(|name| name == "hotdeskd_emergency_callback") => {
            Finding::good(subject, "has the emergency call-back")
        }
        Context::Service if names.any(|name| name == "hotdeskd_service") => {
            Finding::good(subject, "has the service number")
        }
        Context::Service => Finding::bad(
            subject,
            "lacks the service number",
            "include hotdeskd's fragment at its top (hotdeskd freeswitch print public), and reloadxml",
        ),
        Context::Callback => Finding::bad(
            subject,
            "lacks the emergency call-back",
            "include hotdeskd's fragment at its top (hotdeskd freeswitch print public), and reloadxml",
        ),
    }
}

/// A phone of the inventory, looked up as for a call.
pub(super) fn phone(phone: Mac, used: bool, answer: &str) -> Finding {
    let subject = format!("directory, phone {phone}");
    let wanted = if used { "hotdesk" } else { "restricted" };
    match answer.trim() {
        found if found == wanted => Finding::good(subject, format!("context {found}")),
        found @ ("hotdesk" | "restricted") => Finding::warning(
            subject,
            format!("context {found}, though hotdeskd says {wanted}"),
            "is hotdeskd running, and asked by FreeSWITCH (xml_curl.conf)? The static files lag behind by minutes",
        ),
        found if found.is_empty() || found.starts_with('-') => Finding::bad(
            subject,
            "FreeSWITCH does not find it",
            "bind mod_xml_curl to hotdeskd (hotdeskd freeswitch print xml_curl) and include the static directory",
        ),
        _ => Finding::bad(
            subject,
            "somebody else answers for it",
            "another directory entry of this name, or another xml_curl binding, comes before hotdeskd's",
        ),
    }
}

/// Stock users that still have the stock password.
pub(super) fn stock_users(open: &[u32]) -> Finding {
    let subject = "stock users";
    if open.is_empty() {
        return Finding::good(subject, "none answers to the password 1234");
    }
    let names: Vec<String> = open.iter().map(u32::to_string).collect();
    let advice = "remove directory/default/10*.xml or change default_password in vars.xml: whoever knows FreeSWITCH can register and call";
    Finding::bad(
        subject,
        format!("{} can register with the password 1234", names.join(", ")),
        advice,
    )
}

/// The voicemail profile, by whether it counts messages.
pub(super) fn voicemail(profile: &ChannelWord, answer: &str) -> Finding {
    let subject = format!("voicemail profile {profile}");
    if crate::switch::notify::Messages::read(answer).is_some() {
        return Finding::good(subject, "there");
    }
    let advice = "name a profile of voicemail.conf (pin.voicemail_profile): PINs and message lamps come from it";
    Finding::bad(subject, "not there", advice)
}

pub(super) fn reload(reloaded: &Result<Reloaded, ReloadError>) -> Finding {
    let subject = "reloadxml";
    match reloaded {
        Ok(Reloaded { took }) => {
            let found = format!("{} ms", took.as_millis());
            if took.as_millis() < 1000 {
                return Finding::good(subject, found);
            }
            let advice = "no call can be routed meanwhile: put users into groups of at most 100, and remove the stun-set lines of vars.xml if no STUN server answers";
            Finding::warning(subject, found, advice)
        }
        Err(error) => {
            Finding::bad(subject, error.to_string(), "mend the file, then reloadxml again")
        }
    }
}

/// FreeSWITCH's own directory: the first domain of the name must be the one with our groups.
pub(super) fn static_directory(answer: &str, domain: &Domain, phones: &[Mac]) -> Finding {
    let subject = format!("static directory, domain {domain}");
    let include = "include hotdeskd's directory files in this domain's <groups> (hotdeskd freeswitch print directory), and reloadxml: without them phones cannot call, not even 999, while hotdeskd is gone";
    let top = tree::parse(answer).unwrap_or_default();
    let section = top.children("section").next();
    let Some(found) = section.and_then(|section| section.find("domain", "name", domain.as_str()))
    else {
        return Finding::bad(subject, "not there", include);
    };
    let groups: Vec<&Element> =
        found.children("groups").flat_map(|groups| groups.children("group")).collect();
    let ours = |group: &&&Element| {
        group.attribute("name").is_some_and(|name| name.starts_with("hotdeskd_"))
    };
    if !groups.iter().any(|group| ours(&group)) {
        let found = "the first domain of this name is without hotdeskd's files";
        return Finding::bad(subject, found, include);
    }
    let has = |phone: &Mac| {
        let id = phone.to_string();
        // FreeSWITCH looks through the groups in order and takes the first user of the name.
        let users = |group: &&Element| {
            group.children("users").find_map(|users| users.find("user", "id", &id)).is_some()
        };
        groups.iter().find(|group| users(group)).is_some_and(|group| ours(&group))
    };
    let missing: Vec<String> =
        phones.iter().filter(|phone| !has(phone)).map(ToString::to_string).collect();
    if missing.is_empty() {
        return Finding::good(subject, "hotdeskd's files are in it");
    }
    let found =
        format!("lacks {}, or has an entry of that name before hotdeskd's", missing.join(", "));
    Finding::bad(subject, found, include)
}

#[cfg(test)]
mod tests;
