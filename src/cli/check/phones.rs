//! What phones are told: templates, certificates, firmware, contacts, and whether phones can reach us.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Line;
use crate::app;
use crate::config::Config;
use crate::http::tls::Tls;
use crate::model::WantedKind;
use crate::provisioning::phone_book;
use crate::provisioning::vendor::Vendors;
use crate::store::{Memory, Store};

/// How long the phones' listener may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// A certificate that ends so soon is told of.
const SOON: SignedDuration = SignedDuration::from_hours(24 * 30);

/// The lines about phones.
pub(super) async fn lines(config: &Config, store: Option<&Store>, lines: &mut Vec<Line>) {
    let vendors = templates(config, lines);
    firmware(config, &vendors, lines);
    contacts(config, lines);
    certificates(config, lines);
    url(config, lines).await;
    if let Some(store) = store {
        inventory(&store.memory(), &vendors, lines);
        locations(config, &store.memory(), lines);
    }
}

fn templates(config: &Config, lines: &mut Vec<Line>) -> Vendors {
    let folder = config.provisioning.templates.as_deref();
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        let found = format!("{} is no folder", folder.display());
        lines.push(Line::wrong("templates", found, "correct `provisioning.templates`"));
    }
    let vendors = Vendors::load(folder);
    let titles: Vec<String> = vendors
        .all()
        .map(|vendor| {
            let own = if vendor.is_overridden() { " (with your own templates)" } else { "" };
            format!("{}{own}", vendor.title())
        })
        .collect();
    lines.push(Line::good("templates", titles.join(", ")));
    for fault in vendors.faults() {
        let advice = "its phones keep what they have until it is corrected";
        lines.push(Line::wrong("templates", fault.to_string(), advice));
    }
    vendors
}

fn firmware(config: &Config, vendors: &Vendors, lines: &mut Vec<Line>) {
    let Some(folder) = &config.provisioning.firmware else { return };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            let found = format!("{}: {error}", folder.display());
            lines.push(Line::wrong("firmware", found, "correct `provisioning.firmware`"));
            return;
        }
    };
    let (mut known, mut strange) = (0, Vec::new());
    for name in entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()) {
        match vendors.all().any(|vendor| vendor.firmware_file(&name).is_some()) {
            true => known += 1,
            false => strange.push(name),
        }
    }
    lines.push(Line::good("firmware", format!("{known} files")));
    if !strange.is_empty() {
        let found = format!("no phone would ask for {}", strange.join(", "));
        lines.push(Line::look("firmware", found, "name them as the vendor does"));
    }
}

fn contacts(config: &Config, lines: &mut Vec<Line>) {
    let Some(path) = &config.provisioning.contacts else { return };
    lines.push(match phone_book::read(path) {
        Ok(contacts) => Line::good("contacts", format!("{} contacts", contacts.len())),
        Err(error) => {
            let found = format!("{}: {error}", path.display());
            Line::wrong("contacts", found, "it is CSV with a first line `name,number`")
        }
    });
}

fn certificates(config: &Config, lines: &mut Vec<Line>) {
    let Some(settings) = app::tls_settings(config) else {
        let found = "none: phones fetch without encryption";
        let advice = "name `provisioning.tls.certificate` and `key`, or keep phones in a network of their own";
        lines.push(Line::look("certificate", found, advice));
        return;
    };
    let path = settings.certificate.display().to_string();
    let tls = match Tls::load(settings) {
        Ok(tls) => tls,
        Err(error) => {
            lines.push(Line::wrong("certificate", error.to_string(), "correct `provisioning.tls`"));
            return;
        }
    };
    lines.push(match tls.good_until() {
        Some(until) if until <= Timestamp::now() => {
            Line::wrong("certificate", format!("{path} ended {until}"), "renew it")
        }
        Some(until) if until.duration_since(Timestamp::now()) < SOON => {
            Line::look("certificate", format!("{path} ends {until}"), "renew it soon")
        }
        Some(until) => Line::good("certificate", format!("{path}, until {until}")),
        None => Line::good("certificate", path),
    });
}

/// Whether what phones are told leads to a listener of ours, as far as this machine can tell.
async fn url(config: &Config, lines: &mut Vec<Line>) {
    if config.phones.0.is_none() && config.phones_tls.0.is_none() {
        lines.push(Line::good("phones' listener", "switched off"));
        return;
    }
    let url = config.phones_url();
    // An address that no phone has: everybody is asked for credentials there.
    let asked = format!("{url}/provision/020000000000.cfg");
    let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy();
    // Whether it is us is asked, not who we are: phones have their own authorities.
    let client = client.tls_danger_accept_invalid_certs(true).build();
    let answer = match client {
        Ok(client) => client.get(asked).send().await,
        Err(error) => Err(error),
    };
    let realm = |answer: &reqwest::Response| {
        let challenge = answer.headers().get(reqwest::header::WWW_AUTHENTICATE);
        challenge.is_some_and(|value| value.as_bytes().starts_with(b"Digest realm=\"hotdeskd\""))
    };
    lines.push(match answer {
        Ok(answer) if realm(&answer) => Line::good("phones' listener", format!("{url} answers")),
        Ok(answer) => {
            let found = format!("{url} is answered by somebody else ({})", answer.status());
            Line::wrong("phones' listener", found, "correct `provisioning.url`")
        }
        Err(_) => {
            let found = format!("{url} does not answer");
            let advice =
                "start the daemon; if it runs, correct `provisioning.url` or `listen.phones`";
            Line::look("phones' listener", found, advice)
        }
    });
}

fn inventory(memory: &Memory, vendors: &Vendors, lines: &mut Vec<Line>) {
    let phones: Vec<_> = memory.phones().collect();
    let known = |phone: &&&std::sync::Arc<crate::model::Phone>| match &phone.vendor {
        Some(name) => vendors.get(name).is_some(),
        None => vendors.of_mac(phone.mac).is_some(),
    };
    let strangers: Vec<String> =
        phones.iter().filter(|phone| !known(phone)).map(|phone| phone.mac.to_string()).collect();
    if !strangers.is_empty() {
        let found = format!("nothing is known of the vendor of {}", some(&strangers));
        let advice = "set it with `hotdeskd phones add MAC --replace --vendor …`";
        lines.push(Line::look("phones", found, advice));
    }
    let enrolled = phones.iter().filter(|phone| {
        memory.enrolment(phone.mac).is_some_and(|enrolment| enrolment.proven.is_some())
    });
    let (enrolled, all) = (enrolled.count(), phones.len());
    lines.push(Line::good("phones", format!("{enrolled} of {all} fetch their files here")));
    let silent: Vec<String> = memory
        .wanted()
        .filter(|wanted| wanted.kind == WantedKind::Resync && wanted.attempts.not_shown.is_some())
        .map(|wanted| wanted.target.clone())
        .collect();
    if !silent.is_empty() {
        let found = format!("{} do not show who sits there", some(&silent));
        lines.push(Line::look("phones", found, "`hotdeskd phones why MAC` tells why"));
    }
}

/// The first of many.
fn some(all: &[String]) -> String {
    let first: Vec<&str> = all.iter().take(5).map(String::as_str).collect();
    match all.len().saturating_sub(first.len()) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// Phones whose emergency location belongs to no `[[location]]`: whether they were carried away nobody sees.
fn locations(config: &Config, memory: &Memory, lines: &mut Vec<Line>) {
    if config.locations.is_empty() {
        return;
    }
    let mut without: Vec<&str> = Vec::new();
    let (mut nowhere, mut all) = (0, 0);
    for phone in memory.phones() {
        all += 1;
        match phone.emergency.location.as_deref() {
            None => nowhere += 1,
            Some(location) if config.locations.of(location).is_none() => without.push(location),
            Some(_) => {}
        }
    }
    let known = config.locations.all().len();
    if without.is_empty() && nowhere == 0 {
        let found = format!("{known} with networks, and every phone belongs to one");
        lines.push(Line::good("locations", found));
        return;
    }
    let count = without.len() + nowhere;
    without.sort_unstable();
    without.dedup();
    let some: Vec<&str> = without.iter().copied().take(5).collect();
    let more = if without.len() > some.len() { ", …" } else { "" };
    let names =
        if some.is_empty() { String::new() } else { format!(": {}{more}", some.join("; ")) };
    let found = format!(
        "{count} phones of {all} belong to no location with networks ({nowhere} have no emergency location){names}"
    );
    let advice = "name their networks in [[location]], or nobody sees when they are carried away";
    lines.push(Line::look("locations", found, advice));
}
