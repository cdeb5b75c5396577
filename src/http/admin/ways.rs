//! How far phones are on their way, and what one phone is found to be.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Query, State};
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Outside;
use crate::desk;
use crate::http::problem::{Named, Problem};
use crate::model::{Asked, Mac, NodeRegistrations, Stage};
use crate::provisioning::{Beside, PhoneCheck, Provisioning, WayView};

/// Who knows what FreeSWITCH knows of phones.
pub trait PhoneWatch: Send + Sync {
    /// What FreeSWITCH asked about a phone that wants to register.
    fn asked(&self, phone: Mac) -> Asked;

    /// Asks each FreeSWITCH where a phone is registered now.
    fn registrations(&self, phone: Mac) -> BoxFuture<'_, Vec<NodeRegistrations>>;
}

/// Which phones are meant.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WayQuery {
    /// Those that are so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// Those that do not go on.
    #[serde(default)]
    pub stuck: bool,
    /// Those that register from elsewhere than their location's networks.
    #[serde(default)]
    pub moved: bool,
}

/// How many phones are how far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagesView {
    /// By stage; also those at which none is.
    pub stages: BTreeMap<Stage, usize>,
    /// How many do not go on.
    pub stuck: usize,
    /// How many register from elsewhere than their location's networks.
    pub moved: usize,
}

impl Outside {
    /// What is known of a phone besides the store.
    pub(super) fn beside(&self, phone: Mac) -> Beside<'_> {
        let asked = self.phones.as_ref().map_or(Asked::Unknown, |phones| phones.asked(phone));
        Beside { asked, services: self.redirections.as_ref() }
    }
}

/// The ways of all phones, in the order of their MAC addresses. The store is let go again and again: FreeSWITCH is
/// answered from it meanwhile.
async fn ways(provisioning: Provisioning, outside: Outside) -> Vec<WayView> {
    // Ten thousand take a tenth of a second, and nobody else is to wait for that.
    let looked = tokio::task::spawn_blocking(move || look(&provisioning, &outside));
    looked.await.unwrap_or_default()
}

/// The same, on a thread of its own.
fn look(provisioning: &Provisioning, outside: &Outside) -> Vec<WayView> {
    /// How many phones are looked at while the store's memory is held.
    const CHUNK: usize = 512;
    let now = Timestamp::now();
    let store = provisioning.desk().store();
    let mut all: Vec<Mac> = store.memory().phones().map(|phone| phone.mac).collect();
    all.sort_unstable();
    let mut ways = Vec::with_capacity(all.len());
    for macs in all.chunks(CHUNK) {
        let memory = store.memory();
        let phones = macs.iter().filter_map(|mac| memory.phone(*mac));
        ways.extend(
            phones
                .map(|phone| provisioning.way_view(&memory, phone, outside.beside(phone.mac), now)),
        );
    }
    ways
}

pub(super) async fn list(
    State(provisioning): State<Provisioning>,
    State(outside): State<Outside>,
    Query(query): Query<WayQuery>,
) -> Json<Vec<WayView>> {
    let mut ways = ways(provisioning, outside).await;
    ways.retain(|way| {
        query.stage.is_none_or(|stage| way.stage == stage)
            && (!query.stuck || way.stuck.is_some())
            && (!query.moved || way.moved().is_some())
    });
    Json(ways)
}

pub(super) async fn stages(
    State(provisioning): State<Provisioning>,
    State(outside): State<Outside>,
) -> Json<StagesView> {
    Json(stages_of(&provisioning, &outside).await)
}

/// How many phones are how far.
pub(in crate::http) async fn stages_of(
    provisioning: &Provisioning,
    outside: &Outside,
) -> StagesView {
    let mut view = StagesView::default();
    view.stages.extend(Stage::ALL.map(|stage| (stage, 0)));
    for way in ways(provisioning.clone(), outside.clone()).await {
        *view.stages.entry(way.stage).or_default() += 1;
        view.stuck += usize::from(way.stuck.is_some());
        view.moved += usize::from(way.moved().is_some());
    }
    view
}

pub(super) async fn show(
    State(provisioning): State<Provisioning>,
    State(outside): State<Outside>,
    Named(mac): Named<Mac>,
) -> Result<Json<WayView>, Problem> {
    let memory = provisioning.desk().store().memory();
    let phone = memory.phone(mac).ok_or(desk::Error::UnknownPhone(mac))?;
    let beside = outside.beside(mac);
    Ok(Json(provisioning.way_view(&memory, phone, beside, Timestamp::now())))
}

pub(super) async fn check(
    State(provisioning): State<Provisioning>,
    State(outside): State<Outside>,
    Named(mac): Named<Mac>,
) -> Result<Json<PhoneCheck>, Problem> {
    let nodes = match &outside.phones {
        Some(phones) => phones.registrations(mac).await,
        None => Vec::new(),
    };
    let checked = provisioning.check(mac, nodes, outside.beside(mac), Timestamp::now()).await;
    let checked = checked.map_err(|error| Problem::from(desk::Error::from(error)))?;
    Ok(Json(checked.ok_or(desk::Error::UnknownPhone(mac))?))
}
