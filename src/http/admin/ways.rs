//! How far phones are on their way, and what one phone is found to be.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::response::Response;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Limit, Outside, paging};
use crate::desk;
use crate::http::problem::{Named, Params, Problem};
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
    /// At most so many.
    #[serde(default)]
    pub limit: Limit,
    /// Those behind this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Mac>,
}

impl WayQuery {
    /// Whether a phone with this way is meant.
    fn takes(&self, way: &WayView) -> bool {
        self.stage.is_none_or(|stage| way.stage == stage)
            && (!self.stuck || way.stuck.is_some())
            && (!self.moved || way.moved().is_some())
    }
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

/// What comes of the ways of all phones, in the order of their MAC addresses, as far as `each` wants more. The store is
/// let go again and again: FreeSWITCH is answered from it meanwhile.
async fn ways<T: Default + Send + 'static>(
    provisioning: Provisioning,
    outside: Outside,
    after: Option<Mac>,
    mut each: impl FnMut(&mut T, WayView) -> ControlFlow<()> + Send + 'static,
) -> T {
    // Ten thousand take a tenth of a second, and nobody else is to wait for that.
    let looked = tokio::task::spawn_blocking(move || {
        let mut result = T::default();
        let _ = look(&provisioning, &outside, after, |way| each(&mut result, way));
        result
    });
    looked.await.unwrap_or_default()
}

/// The same, on a thread of its own.
fn look(
    provisioning: &Provisioning,
    outside: &Outside,
    after: Option<Mac>,
    mut each: impl FnMut(WayView) -> ControlFlow<()>,
) -> ControlFlow<()> {
    /// How many phones are looked at while the store's memory is held.
    const CHUNK: usize = 512;
    let now = Timestamp::now();
    let store = provisioning.desk().store();
    let mut all: Vec<Mac> = store.memory().phones().map(|phone| phone.mac).collect();
    all.retain(|mac| after.is_none_or(|after| *mac > after));
    all.sort_unstable();
    for macs in all.chunks(CHUNK) {
        let memory = store.memory();
        for phone in macs.iter().filter_map(|mac| memory.phone(*mac)) {
            each(provisioning.way_view(&memory, phone, outside.beside(phone.mac), now))?;
        }
    }
    ControlFlow::Continue(())
}

pub(super) async fn list(
    State(provisioning): State<Provisioning>,
    State(outside): State<Outside>,
    OriginalUri(uri): OriginalUri,
    Params(asked): Params<WayQuery>,
) -> Response {
    let limit = usize::try_from(asked.limit.get()).unwrap_or(usize::MAX);
    let take = move |found: &mut Vec<WayView>, way: WayView| {
        if asked.takes(&way) {
            found.push(way);
        }
        // One more than asked for tells that there are more.
        if found.len() > limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let mut found = ways(provisioning, outside, asked.after, take).await;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|way| way.mac.to_string());
    paging::answer(&found, &uri, next.as_deref())
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
    let count = |view: &mut StagesView, way: WayView| {
        *view.stages.entry(way.stage).or_default() += 1;
        view.stuck += usize::from(way.stuck.is_some());
        view.moved += usize::from(way.moved().is_some());
        ControlFlow::Continue(())
    };
    let mut view: StagesView = ways(provisioning.clone(), outside.clone(), None, count).await;
    for stage in Stage::ALL {
        view.stages.entry(stage).or_default();
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
