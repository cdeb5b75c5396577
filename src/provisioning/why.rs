//! `hotdeskd phones why`: what a phone asked, what it was told and why, and whether the last change is
//! shown yet.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Beside, Provisioning, WayView};
use crate::model::{
    Attempts, Enrolment, Mac, PhoneRequest, Proof, Shown, Told, Wanted, WantedKind,
};
use crate::store::DatabaseError;

/// What is known of a phone at the phones' listener.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Why {
    /// The phone.
    pub phone: Mac,
    /// How far it is on its way, and what to do where it does not go on.
    pub way: WayView,
    /// Its vendor, as the inventory or its MAC address says; absent where nothing is known of it.
    pub vendor: Option<String>,
    /// How it is known.
    pub enrolment: EnrolmentView,
    /// What it was last given.
    pub shown: Option<Shown>,
    /// Since when a change waits to be shown; absent where everything is.
    pub waiting: Option<Timestamp>,
    /// What is to be told first, a sentence each.
    pub sentences: Vec<String>,
    /// What it asked lately, oldest first.
    pub requests: Vec<PhoneRequest>,
}

/// How a phone is known, without its key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolmentView {
    /// When it proved for the first time to be that phone.
    pub proven: Option<Timestamp>,
    /// How.
    pub by: Option<Proof>,
    /// Until when it may come with nothing but its MAC address.
    pub window: Option<Timestamp>,
    /// Until when the key before is good as well.
    pub rotation: Option<Timestamp>,
}

impl EnrolmentView {
    /// What may be told of an enrolment.
    pub fn of(enrolment: &Enrolment, now: Timestamp) -> Self {
        Self {
            proven: enrolment.proven.map(|(at, _)| at),
            by: enrolment.proven.map(|(_, proof)| proof),
            window: enrolment.window.filter(|until| now < *until),
            rotation: enrolment.old_key.as_ref().map(|(_, until)| *until),
        }
    }
}

impl Provisioning {
    /// What is known of a phone; `None` where it is not in the inventory. `beside`: what is known of it elsewhere.
    ///
    /// # Errors
    /// The store failed.
    pub async fn why(
        &self,
        phone: Mac,
        beside: Beside<'_>,
        now: Timestamp,
    ) -> Result<Option<Why>, DatabaseError> {
        let mut requests = self.store().phone_requests(phone).await?;
        // What a phone made of a NOTIFY is known later than what it fetched meanwhile.
        requests.sort_by_key(|request| request.at);
        let memory = self.store().memory();
        let Some(known) = memory.phone(phone) else { return Ok(None) };
        let enrolment = memory.enrolment(phone).map(|enrolment| EnrolmentView::of(enrolment, now));
        let enrolment = enrolment.unwrap_or_default();
        let shown = memory.shown(phone).cloned();
        let wanted = memory.wanted_of(WantedKind::Resync, &phone.to_string());
        let vendor = self.vendor_of(known, None).map(|vendor| vendor.name().to_owned());
        let facts = Facts {
            vendor: vendor.as_deref(),
            named: known.vendor.as_deref(),
            enrolment: &enrolment,
            shown: shown.as_ref(),
            wanted: wanted.map(AsRef::as_ref),
            seated: memory.session(phone).map(|session| session.user.to_string()),
            last: requests.last(),
        };
        let sentences = facts.sentences();
        let waiting = wanted.map(|wanted| wanted.since);
        let way = self.way_view(&memory, known, beside, now);
        Ok(Some(Why { phone, way, vendor, enrolment, shown, waiting, sentences, requests }))
    }
}

/// What the sentences are made of.
struct Facts<'a> {
    vendor: Option<&'a str>,
    named: Option<&'a str>,
    enrolment: &'a EnrolmentView,
    shown: Option<&'a Shown>,
    wanted: Option<&'a Wanted>,
    seated: Option<String>,
    last: Option<&'a PhoneRequest>,
}

impl Facts<'_> {
    fn sentences(&self) -> Vec<String> {
        let mut told = Vec::new();
        match (self.vendor, self.named) {
            (None, Some(named)) => {
                told.push(format!("Nothing is known of the vendor `{named}`: it gets no files."))
            }
            (None, None) => {
                told.push("Nothing is known of its vendor: it gets no files.".to_owned())
            }
            _ => {}
        }
        told.push(match (&self.enrolment.proven, &self.enrolment.by, self.enrolment.window) {
            (Some(_), Some(by), _) => format!("It is enrolled, by its {}.", by.as_str()),
            (_, _, Some(_)) => "It is not enrolled; its window is open, so it may come with nothing but its MAC address, once.".to_owned(),
            _ => "It is not enrolled, and its window is closed; `hotdeskd phones enrol` opens it.".to_owned(),
        });
        let who = self.shown.map(|shown| match &shown.user {
            Some(user) => user.to_string(),
            None => "nobody".to_owned(),
        });
        told.push(match (self.wanted, who) {
            (None, None) => "It has not fetched its configuration yet.".to_owned(),
            (None, Some(who)) => format!("It shows what it should: {who}."),
            (Some(_), who) => {
                let should = self.seated.as_deref().unwrap_or("nobody");
                let shows =
                    who.map_or_else(String::new, |who| format!("; it was last given {who}"));
                format!("A change is not shown yet: it should show {should}{shows}.")
            }
        });
        told.extend(self.wanted.map(|wanted| tried(&wanted.attempts)));
        if let Some(Told::Pnp { url, taken }) = self.last.map(|last| &last.why) {
            told.push(match taken {
                true => format!("It was told by SIP PnP to go to {url}, and has not come since."),
                false => {
                    format!("It was told by SIP PnP to go to {url}, and did not say that it will.")
                }
            });
        }
        if let Some(last) = self.last
            && let Told::Refused { .. } | Told::Broken { .. } | Told::Challenged = &last.why
        {
            told.push(format!("Its last request: {}.", last.why));
        }
        told
    }
}

/// What was done to bring the phone to fetch.
fn tried(attempts: &Attempts) -> String {
    let told = match (attempts.tries, attempts.told) {
        (0, _) | (_, None) => {
            "It could not be told to fetch yet: it is not registered, or in a call".to_owned()
        }
        (1, Some(_)) => "It was told once to fetch".to_owned(),
        (tries, Some(_)) => format!("It was told {tries} times to fetch"),
    };
    let restarted = if attempts.restarted { ", and to restart" } else { "" };
    let given_up = match attempts.not_shown {
        Some(_) => "; it is told again each hour, and when it registers anew",
        None => "",
    };
    format!("{told}{restarted}{given_up}.")
}
