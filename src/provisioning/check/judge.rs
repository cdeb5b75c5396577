//! What was found out about a phone, compared with what should be.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{NotRead, Said};
use crate::model::{Extension, NodeRegistrations, PhoneContact, PhoneRequest, Shown, Stage};
use crate::provisioning::WayView;

/// Whether something is as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is.
    Ok,
    /// It may be, or nobody knows.
    Look,
    /// It is not.
    Differs,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckLine {
    /// What.
    pub subject: String,
    /// Whether it is as it should be.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl CheckLine {
    fn new(subject: &str, verdict: Verdict, found: impl Into<String>) -> Self {
        Self { subject: subject.to_owned(), verdict, found: found.into(), advice: None }
    }

    fn advised(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }
}

/// What was found out.
pub(super) struct Facts<'a> {
    pub way: &'a WayView,
    pub nodes: &'a [NodeRegistrations],
    pub contact: Option<&'a PhoneContact>,
    pub last: Option<&'a PhoneRequest>,
    pub shown: Option<&'a Shown>,
    pub seated: Option<&'a Extension>,
    pub said: Result<&'a Said, &'a NotRead>,
}

impl Facts<'_> {
    /// A line for each thing that was looked at.
    pub(super) fn lines(&self) -> Vec<CheckLine> {
        let mut lines = vec![self.stage()];
        lines.extend(self.registrations());
        lines.extend(self.place());
        lines.push(self.request());
        lines.push(self.file());
        lines.extend(self.pages());
        lines
    }

    fn stage(&self) -> CheckLine {
        let stage = self.way.stage.title();
        match &self.way.stuck {
            None => {
                let is_there = self.way.stage == Stage::Shown;
                let verdict = if is_there { Verdict::Ok } else { Verdict::Look };
                CheckLine::new("way", verdict, stage)
            }
            Some(stuck) => {
                let found = format!("stuck at \"{stage}\": {}", stuck.why);
                CheckLine::new("way", Verdict::Differs, found).advised(stuck.to_do.clone())
            }
        }
    }

    fn registrations(&self) -> Vec<CheckLine> {
        let mut lines = Vec::new();
        for node in self.nodes {
            let subject = format!("FreeSWITCH {}", node.node);
            if let Some(trouble) = &node.trouble {
                let found = format!("it cannot be asked: {trouble}");
                lines.push(CheckLine::new(&subject, Verdict::Look, found));
            }
            for one in &node.registrations {
                let from = one.address.map_or("?".to_owned(), |address| address.to_string());
                let found = format!("registered at {} from {from}, {}", one.profile, one.agent);
                lines.push(CheckLine::new(&subject, Verdict::Ok, found));
            }
        }
        let is_registered = self.nodes.iter().any(|node| !node.registrations.is_empty());
        let answered = self.nodes.iter().any(|node| node.trouble.is_none());
        if !is_registered && answered {
            let line = CheckLine::new("FreeSWITCH", Verdict::Differs, "it is not registered");
            lines.push(line.advised("Is it plugged in and switched on?"));
        }
        lines
    }

    fn place(&self) -> Option<CheckLine> {
        let registration = self.way.registration.as_ref()?;
        let (_, location) = registration.moved.as_ref()?;
        let from = registration.address.map_or("?".to_owned(), |address| address.to_string());
        let found = format!("it belongs to {location}, and registers from {from}");
        let advice = "Carry it back, or correct its emergency location: an emergency call from there shows the wrong place.";
        Some(CheckLine::new("location", Verdict::Differs, found).advised(advice))
    }

    fn request(&self) -> CheckLine {
        let Some(last) = self.last else {
            return CheckLine::new("last request", Verdict::Look, "it never asked for anything");
        };
        let found = format!("{} from {}: {}", time(last.at), last.from, last.why);
        match self.contact.and_then(|contact| contact.refusal.as_ref()) {
            None => CheckLine::new("last request", Verdict::Ok, found),
            Some((since, told)) => {
                let found = format!("{found}; since {}: {told}", time(*since));
                CheckLine::new("last request", Verdict::Differs, found)
            }
        }
    }

    fn file(&self) -> CheckLine {
        let name = |user: Option<&Extension>| user.map_or("nobody".to_owned(), ToString::to_string);
        let should = name(self.seated);
        let Some(shown) = self.shown else {
            let found = format!("nothing of ours; it should show {should}");
            return CheckLine::new("shows", Verdict::Differs, found);
        };
        let shows = name(shown.user.as_ref());
        let is_right = shown.user.as_ref() == self.seated;
        let found = match is_right {
            true => format!("{shows}, since {}", time(shown.at)),
            false => format!("{shows} since {}; it should show {should}", time(shown.at)),
        };
        let verdict = if is_right { Verdict::Ok } else { Verdict::Differs };
        CheckLine::new("shows", verdict, found)
    }

    fn pages(&self) -> Vec<CheckLine> {
        let said = match self.said {
            Err(why) => {
                return vec![CheckLine::new("its own pages", Verdict::Look, why.to_string())];
            }
            Ok(said) => said,
        };
        let mut lines = Vec::new();
        if !said.asked_for_password {
            let line = CheckLine::new(
                "its own pages",
                Verdict::Differs,
                "anybody can read them: they ask for no password",
            );
            lines.push(line.advised("Restart it; a password is part of its settings."));
        }
        if let Some((compared, differences)) = &said.settings {
            let differing = differences.len();
            lines.push(match differing {
                0 => CheckLine::new(
                    "its settings",
                    Verdict::Ok,
                    format!("{compared} compared, all as they were given"),
                ),
                _ => CheckLine::new(
                    "its settings",
                    Verdict::Differs,
                    format!("{compared} compared, {differing} not as they were given"),
                )
                .advised("Somebody changed them at the phone, or it does not know them; `hotdeskd phones resync` has it fetch them again."),
            });
        }
        lines
    }
}

/// A time in the machine's own zone.
fn time(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}
