//! The way of a phone, from what the store knows of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Provisioning;
use crate::model::{
    Asked, Mac, Obstacle, Phone, PhoneRegistration, Redirected, Stage, Step, WantedKind, Way,
    WayFacts,
};
use crate::store::Memory;

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

impl WayView {
    /// Since when it registers from elsewhere than its location's networks.
    pub fn moved(&self) -> Option<Timestamp> {
        let moved = self.registration.as_ref()?.moved.as_ref();
        moved.map(|(at, _)| *at)
    }
}

impl Provisioning {
    /// The way of a phone of the inventory. `asked`: what FreeSWITCH asked about it.
    pub fn way(&self, memory: &Memory, phone: &Phone, asked: Asked, now: Timestamp) -> Way {
        let mac = phone.mac;
        let redirections = memory.redirections_of(mac).iter().filter_map(|told| told.registered);
        let facts = WayFacts {
            added: phone.added,
            redirection: redirections.min().map_or(Redirected::NotUsed, Redirected::Since),
            contact: memory.contact(mac),
            enrolment: memory.enrolment(mac).map(AsRef::as_ref),
            shown: memory.shown(mac),
            wanted: memory.wanted_of(WantedKind::Resync, &mac.to_string()).map(AsRef::as_ref),
            registration: memory.registration(mac),
            asked,
        };
        Way::of(&facts, &self.site().settings.way, now)
    }

    /// The same, as an operator sees it.
    pub fn way_view(
        &self,
        memory: &Memory,
        phone: &Phone,
        asked: Asked,
        now: Timestamp,
    ) -> WayView {
        let Way { steps, stage, stuck } = self.way(memory, phone, asked, now);
        let stuck = stuck.map(|stuck| StuckView {
            since: stuck.since,
            why: stuck.why.to_string(),
            to_do: stuck.why.advice(phone.mac),
            obstacle: stuck.why,
        });
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
