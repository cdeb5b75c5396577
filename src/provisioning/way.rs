//! The way of a phone, from what the store knows of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Provisioning;
use super::redirection::Redirections;
use crate::model::{
    Asked, Mac, Obstacle, Phone, PhoneRegistration, Redirected, RedirectionState, Stage, Step,
    Stuck, WantedKind, Way, WayFacts,
};
use crate::store::Memory;

/// What is known of phones besides the store.
#[derive(Clone, Copy, Default)]
pub struct Beside<'a> {
    /// What FreeSWITCH asked about the phone.
    pub asked: Asked,
    /// The vendors' redirection services.
    pub services: Option<&'a Redirections>,
}

/// The way of a phone as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WayView {
    /// The phone.
    pub mac: Mac,
    /// What people call the place.
    pub label: Option<String>,
    /// The vendor, where the inventory has it.
    pub vendor: Option<String>,
    /// The model, where known.
    pub model: Option<String>,
    /// Its emergency location.
    pub location: Option<String>,
    /// How far it is.
    pub stage: Stage,
    /// The steps in their order.
    pub steps: Vec<Step>,
    /// Why it does not go on, where it should have by now.
    pub stuck: Option<StuckView>,
    /// Where it is registered, or was the last time.
    pub registration: Option<PhoneRegistration>,
}

/// Why a phone does not go on, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StuckView {
    /// Since when it is where it is.
    pub since: Timestamp,
    /// Why, for programs.
    #[serde(flatten)]
    pub obstacle: Obstacle,
    /// Why, in words.
    pub why: String,
    /// What to do.
    pub to_do: String,
}

impl StuckView {
    /// What an operator is told of it.
    fn of(phone: Mac, stuck: Stuck) -> Self {
        let Stuck { since, why } = stuck;
        Self { since, why: why.to_string(), to_do: why.advice(phone), obstacle: why }
    }
}

impl WayView {
    /// Since when it registers from elsewhere than its location's networks.
    pub fn moved(&self) -> Option<Timestamp> {
        let moved = self.registration.as_ref()?.moved.as_ref();
        moved.map(|(at, _)| *at)
    }
}

impl Provisioning {
    /// The way of a phone of the inventory.
    pub fn way(&self, memory: &Memory, phone: &Phone, beside: Beside<'_>, now: Timestamp) -> Way {
        let mac = phone.mac;
        let (redirection, refusal) = self.redirection(memory, phone, beside.services);
        let facts = WayFacts {
            added: phone.added,
            redirection,
            refusal,
            contact: memory.contact(mac),
            enrolment: memory.enrolment(mac).map(AsRef::as_ref),
            shown: memory.shown(mac),
            wanted: memory.wanted_of(WantedKind::Resync, &mac.to_string()).map(AsRef::as_ref),
            registration: memory.registration(mac),
            asked: beside.asked,
        };
        Way::of(&facts, &self.site().settings.way, now)
    }

    /// What the vendor's redirection service knows of a phone, and why it does not take it.
    fn redirection<'m>(
        &self,
        memory: &'m Memory,
        phone: &Phone,
        services: Option<&Redirections>,
    ) -> (Redirected, Option<&'m str>) {
        let rows = memory.redirections_of(phone.mac);
        let here = rows.iter().filter(|row| row.state != RedirectionState::Removing);
        if let Some(at) = here.filter_map(|row| row.registered).min() {
            return (Redirected::Since(at), None);
        }
        let vendor = self.vendor_of(phone, None);
        let is_taken = |services: &Redirections| {
            vendor.as_ref().is_some_and(|vendor| services.takes(vendor.name()))
        };
        if !services.is_some_and(is_taken) {
            return (Redirected::NotUsed, None);
        }
        (Redirected::NotYet, rows.iter().find_map(|row| row.reason.as_deref()))
    }

    /// The same, as an operator sees it.
    pub fn way_view(
        &self,
        memory: &Memory,
        phone: &Phone,
        beside: Beside<'_>,
        now: Timestamp,
    ) -> WayView {
        let Way { steps, stage, stuck } = self.way(memory, phone, beside, now);
        let stuck = stuck.map(|stuck| StuckView::of(phone.mac, stuck));
        WayView {
            mac: phone.mac,
            label: phone.label.clone(),
            vendor: phone.vendor.clone(),
            model: phone.model.clone(),
            location: phone.emergency.location.clone(),
            stage,
            steps,
            stuck,
            registration: memory.registration(phone.mac).cloned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{NotShown, PhoneRefusal, Told};

    /// Seen: a field of an obstacle was called as one of what is told of it, and no list could be read.
    #[test]
    fn no_field_of_an_obstacle_is_called_as_one_of_what_is_told_of_it() {
        let phone: Mac = "0004132a0001".parse().unwrap();
        let silent = NotShown::Silent { tries: 5, restarted: true };
        for why in [
            Obstacle::NeverSeen { redirected: true, window_open: false },
            Obstacle::Refused { told: Told::Challenged },
            Obstacle::Refused { told: Told::Refused { reason: PhoneRefusal::NoVendor } },
            Obstacle::NotProven,
            Obstacle::NotShown { not_shown: None },
            Obstacle::NotShown { not_shown: Some(silent) },
        ] {
            let view = StuckView::of(phone, Stuck { since: Timestamp::UNIX_EPOCH, why });
            let text = serde_json::to_string(&view).unwrap();
            assert_eq!(serde_json::from_str::<StuckView>(&text).unwrap(), view, "{text}");
        }
    }
}
