//! The way of a phone: from the inventory to a desk phone that shows who sits there, each step with its time.
//!
//! A step has a time while it holds: a phone that is switched off is not registered, one whose key was taken away is not
//! enrolled. Steps may be left out (a phone that DHCP sent here needs no redirection service), so where a phone is on
//! its way is the last step that holds.

mod obstacle;
#[cfg(test)]
mod tests;
mod traces;

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use obstacle::Obstacle;
pub use traces::{NodeRegistrations, PhoneContact, PhoneRegistration, RegisteredAs};

use super::{Enrolment, NotShown, Shown, Told, Wanted};

/// Within so long a phone that cannot register tries again, whatever its vendor.
const RETRIES: SignedDuration = SignedDuration::from_mins(10);

/// A step of the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// It is in the inventory.
    Imported,
    /// Its vendor's redirection service sends it here.
    Redirected,
    /// It came to the phones' listener.
    FirstContact,
    /// It proved to be that phone.
    Enrolled,
    /// It has its configuration.
    Configured,
    /// It is registered at FreeSWITCH.
    Registered,
    /// It shows who sits there.
    Shown,
}

impl Stage {
    /// All of them, in their order.
    pub const ALL: [Self; 7] = [
        Self::Imported,
        Self::Redirected,
        Self::FirstContact,
        Self::Enrolled,
        Self::Configured,
        Self::Registered,
        Self::Shown,
    ];

    /// The name on the command line and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::Redirected => "redirected",
            Self::FirstContact => "first-contact",
            Self::Enrolled => "enrolled",
            Self::Configured => "configured",
            Self::Registered => "registered",
            Self::Shown => "shown",
        }
    }

    /// The step in words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::Redirected => "registered with the service",
            Self::FirstContact => "first contact",
            Self::Enrolled => "enrolled",
            Self::Configured => "configured",
            Self::Registered => "registered at FreeSWITCH",
            Self::Shown => "shown as wanted",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected one of imported, redirected, first-contact, enrolled, configured, registered, shown"
)]
pub struct UnknownStage;

impl FromStr for Stage {
    type Err = UnknownStage;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == text).ok_or(UnknownStage)
    }
}

/// What a phone's vendor's redirection service knows of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Redirected {
    /// None is used for it: the step is left out.
    #[default]
    NotUsed,
    /// One is, and was not told of it.
    NotYet,
    /// It was told at this time.
    Since(Timestamp),
}

/// What is known of FreeSWITCH's questions about a phone that wants to register.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Asked {
    /// Nothing: no daemon runs, or it did not run long enough.
    #[default]
    Unknown,
    /// FreeSWITCH asked nothing about it since this time.
    Not {
        /// Since when the daemon has been there to be asked.
        since: Timestamp,
    },
    /// It asked at this time.
    At(Timestamp),
}

/// How long a phone may stay at a step before it counts as stuck.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WayLimits {
    /// Days in the inventory without ever having come.
    pub contact_days: u16,
    /// Minutes from the first contact, or the first refusal, to the proof.
    pub enrol_minutes: u16,
    /// Minutes from the proof to the configuration.
    pub configure_minutes: u16,
    /// Minutes from the configuration to the registration.
    pub register_minutes: u16,
    /// Hours without a registration for a phone that had one.
    pub away_hours: u16,
    /// Minutes that a change may take until it is shown.
    pub show_minutes: u16,
}

impl Default for WayLimits {
    fn default() -> Self {
        Self {
            contact_days: 3,
            enrol_minutes: 10,
            configure_minutes: 10,
            register_minutes: 15,
            away_hours: 24,
            show_minutes: 15,
        }
    }
}

/// What is known of a phone.
#[derive(Debug, Clone, Copy)]
pub struct WayFacts<'a> {
    /// When it came into the inventory.
    pub added: Timestamp,
    /// The vendor's redirection service.
    pub redirection: Redirected,
    /// Why that does not take it.
    pub refusal: Option<&'a str>,
    /// What it did at the phones' listener.
    pub contact: Option<&'a PhoneContact>,
    /// How it is known there.
    pub enrolment: Option<&'a Enrolment>,
    /// What it was last given of what depends on people.
    pub shown: Option<&'a Shown>,
    /// The change that it should show and does not yet.
    pub wanted: Option<&'a Wanted>,
    /// Where it is registered.
    pub registration: Option<&'a PhoneRegistration>,
    /// What FreeSWITCH asked about it.
    pub asked: Asked,
}

/// A step, and since when it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which.
    pub stage: Stage,
    /// Since when; absent while it does not hold.
    pub at: Option<Timestamp>,
}

/// Why a phone does not go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stuck {
    /// Since when it is where it is.
    pub since: Timestamp,
    /// Why.
    #[serde(flatten)]
    pub why: Obstacle,
}

/// The way of a phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// The steps in their order.
    pub steps: Vec<Step>,
    /// How far it is: the last step that holds.
    pub stage: Stage,
    /// Why it does not go on, where it should have by now.
    pub stuck: Option<Stuck>,
}

impl Way {
    /// The way of a phone as it is now.
    pub fn of(facts: &WayFacts<'_>, limits: &WayLimits, now: Timestamp) -> Self {
        let steps: Vec<Step> = Stage::ALL
            .into_iter()
            .filter(|stage| *stage != Stage::Redirected || facts.redirection != Redirected::NotUsed)
            .map(|stage| Step { stage, at: facts.holds_since(stage).map(to_the_second) })
            .collect();
        let last = steps.iter().rev().find(|step| step.at.is_some());
        // The first always holds.
        let stage = last.map_or(Stage::Imported, |step| step.stage);
        let stuck = facts.obstacle(stage, now).and_then(|(since, why, limit)| {
            let limit = limits.of(limit, &why);
            (now.duration_since(since) >= limit).then_some(Stuck { since, why })
        });
        Self { steps, stage, stuck }
    }

    /// Since when a step holds.
    pub fn at(&self, stage: Stage) -> Option<Timestamp> {
        self.steps.iter().find(|step| step.stage == stage)?.at
    }
}

/// As the store has it, so that a restart changes no time.
fn to_the_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// Which of the limits holds.
#[derive(Debug, Clone, Copy)]
enum Limit {
    Contact,
    Enrol,
    Configure,
    Register,
    Away,
    Show,
}

impl WayLimits {
    /// How long that may take; what was found out to be so needs no time.
    fn of(&self, limit: Limit, why: &Obstacle) -> SignedDuration {
        let minutes = |minutes: u16| SignedDuration::from_mins(i64::from(minutes));
        let hours = |hours: i64| SignedDuration::from_hours(hours);
        match (limit, why) {
            (_, Obstacle::Refused { told: Told::Broken { .. } })
            | (_, Obstacle::NotShown { not_shown: Some(_) }) => SignedDuration::ZERO,
            (Limit::Contact, _) => hours(24 * i64::from(self.contact_days)),
            (Limit::Enrol, _) => minutes(self.enrol_minutes),
            (Limit::Configure, _) => minutes(self.configure_minutes),
            (Limit::Register, _) => minutes(self.register_minutes),
            (Limit::Away, _) => hours(self.away_hours.into()),
            (Limit::Show, _) => minutes(self.show_minutes),
        }
    }
}

impl WayFacts<'_> {
    /// Since when a step holds.
    fn holds_since(&self, stage: Stage) -> Option<Timestamp> {
        match stage {
            Stage::Imported => Some(self.added),
            Stage::Redirected => match self.redirection {
                Redirected::Since(at) => Some(at),
                Redirected::NotUsed | Redirected::NotYet => None,
            },
            Stage::FirstContact => self.contact.map(|contact| contact.first),
            Stage::Enrolled => self.proven(),
            Stage::Configured => {
                let proven = self.proven()?;
                let at = self.contact?.configured?;
                // What it was given before its key was taken away counts no more. The store knows seconds.
                (at.as_second() >= proven.as_second()).then_some(at)
            }
            Stage::Registered => self.registration?.registered(),
            Stage::Shown => {
                self.registration?.registered()?;
                self.shown.filter(|_| self.wanted.is_none()).map(|shown| shown.at)
            }
        }
    }

    /// When it proved to be that phone.
    fn proven(&self) -> Option<Timestamp> {
        self.enrolment?.proven.map(|(at, _)| at)
    }

    /// What stands between a phone at this stage and the next, since when, and by which limit.
    fn obstacle(&self, stage: Stage, now: Timestamp) -> Option<(Timestamp, Obstacle, Limit)> {
        if stage == Stage::Shown {
            return None;
        }
        let refusal = self.contact.and_then(|contact| contact.refusal.as_ref());
        if let Some((since, told)) = refusal {
            return Some((*since, Obstacle::Refused { told: told.clone() }, Limit::Enrol));
        }
        match stage {
            Stage::Shown => None,
            Stage::Registered => Some(self.not_shown()),
            Stage::Configured => Some(self.not_registered(now)),
            Stage::Enrolled => Some((self.proven()?, Obstacle::NotFetched, Limit::Configure)),
            Stage::FirstContact => Some((self.contact?.first, Obstacle::NotProven, Limit::Enrol)),
            Stage::Redirected | Stage::Imported => Some(self.never_seen(now)),
        }
    }

    fn never_seen(&self, now: Timestamp) -> (Timestamp, Obstacle, Limit) {
        let since = match self.redirection {
            Redirected::Since(at) => at.max(self.added),
            Redirected::NotYet => {
                let refusal = self.refusal.map(str::to_owned);
                return (self.added, Obstacle::NotRedirected { refusal }, Limit::Contact);
            }
            Redirected::NotUsed => self.added,
        };
        let redirected = self.redirection != Redirected::NotUsed;
        let window_open = self.enrolment.is_some_and(|enrolment| enrolment.is_open(now));
        (since, Obstacle::NeverSeen { redirected, window_open }, Limit::Contact)
    }

    fn not_registered(&self, now: Timestamp) -> (Timestamp, Obstacle, Limit) {
        if let Some(ended) = self.registration.and_then(|registration| registration.ended) {
            return (ended, Obstacle::Away, Limit::Away);
        }
        let since = self.contact.and_then(|contact| contact.configured).unwrap_or(self.added);
        let long_enough =
            |watched: Timestamp| watched <= since || now.duration_since(watched) >= RETRIES;
        let why = match self.asked {
            Asked::At(at) if at >= since => Obstacle::NotLetIn,
            Asked::Not { since: watched } if long_enough(watched) => Obstacle::NotAsked,
            Asked::At(_) | Asked::Not { .. } | Asked::Unknown => Obstacle::NotRegistered,
        };
        (since, why, Limit::Register)
    }

    fn not_shown(&self) -> (Timestamp, Obstacle, Limit) {
        let registered = self.registration.map_or(self.added, |registration| registration.since);
        if self.shown.is_none() {
            return (registered, Obstacle::ConfiguredElsewhere, Limit::Configure);
        }
        let since = self.wanted.map_or(registered, |wanted| wanted.since);
        let not_shown = self.wanted.and_then(|wanted| {
            let attempts = &wanted.attempts;
            attempts.not_shown?;
            Some(match attempts.tries {
                0 => NotShown::Unregistered,
                tries => NotShown::Silent { tries, restarted: attempts.restarted },
            })
        });
        (since, Obstacle::NotShown { not_shown }, Limit::Show)
    }
}
