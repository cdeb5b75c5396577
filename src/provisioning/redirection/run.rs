//! Rounds on request, one at a time; and by themselves, where a service is to be kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::caller::Caller;
use super::client::{Client, Trouble};
use super::plan::{Known, Step, plan};
use super::round::Round;
use super::settings::{RedirectionSettings, Urls};
use super::{NotBegun, Order, Outcome, Progress, RunStatus, Service, Task};
use crate::desk::Desk;
use crate::model::{Actor, Happening, Mac, Phone, RedirectionState};
use crate::provisioning::{Provisioning, compose};
use crate::store::{DatabaseError, Memory, Tx};

/// How long after its start the daemon looks at the services for the first time.
const FIRST: Duration = Duration::from_secs(5);
/// So few phones may always be removed, even if they are most of those that are registered.
const FEW: usize = 5;
/// Types of phones as Snom's service calls them: a list is of one type. Those of the inventory come to them. The names of
/// D8xx, C and M500 follow those of the others, and are not confirmed; a type that the service does not know costs a call.
const TYPES: [&str; 48] = [
    "snom300", "snom320", "snom360", "snom370", "snom710", "snom715", "snom720", "snom725",
    "snom760", "snom820", "snom821", "snom870", "snomMP", "snomPA1", "snomD120", "snomD140",
    "snomD150", "snomD305", "snomD315", "snomD335", "snomD345", "snomD375", "snomD385", "snomD710",
    "snomD712", "snomD713", "snomD715", "snomD717", "snomD725", "snomD735", "snomD745", "snomD765",
    "snomD785", "snomD810", "snomD812", "snomD815", "snomD820", "snomD862", "snomD865", "snomD892",
    "snomD895", "snomC520", "snomC620", "snomM300", "snomM400", "snomM700", "snomM900", "snomM500",
];

/// The redirection services of a configuration. Cheap to clone.
#[derive(Clone)]
pub struct Redirections(Arc<Inner>);

struct Inner {
    provisioning: Provisioning,
    services: Vec<Service>,
    status: Mutex<RunStatus>,
    last: Mutex<Vec<Outcome>>,
    /// Ends what is being done.
    stop: Mutex<CancellationToken>,
}

impl Redirections {
    /// The services, for the phones that are told what they should know by `provisioning`.
    pub fn new(provisioning: Provisioning, services: Vec<Service>) -> Self {
        Self(Arc::new(Inner {
            provisioning,
            services,
            status: Mutex::default(),
            last: Mutex::default(),
            stop: Mutex::default(),
        }))
    }

    /// The services' names, in the order of the configuration.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.0.services.iter().map(|service| service.name.as_str())
    }

    /// Whether phones of this vendor go to any of them.
    pub fn takes(&self, vendor: &str) -> bool {
        self.0.services.iter().any(|service| service.access.settings.takes(vendor))
    }

    /// How it stands.
    pub fn status(&self) -> RunStatus {
        self.note().clone()
    }

    /// What came of the last order, service by service.
    pub fn last(&self) -> Vec<Outcome> {
        self.0.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Has what is being done end; what is under way is ended properly.
    pub fn stop(&self) {
        self.0.stop.lock().unwrap_or_else(PoisonError::into_inner).cancel();
    }

    /// Does something in the background; [`RunStatus::ended`] grows when it has ended.
    ///
    /// # Errors
    /// Nothing was begun.
    pub fn start(&self, order: Order, by: Actor) -> Result<(), NotBegun> {
        let stop = self.begin(&order)?;
        let this = self.clone();
        tokio::spawn(async move {
            let outcomes = this.worked(order, by, stop).await;
            this.end(outcomes);
        });
        Ok(())
    }

    /// Registers by itself what is to be registered, at the services that are to be kept, until `shutdown`.
    pub async fn keep(&self, shutdown: CancellationToken) {
        let kept = self.0.services.iter().filter_map(|service| {
            let every = service.access.settings.reconcile()?;
            Some(self.keep_one(service, every, &shutdown))
        });
        let stopped = async {
            // Where no service is to be kept there is nothing to do until then.
            shutdown.cancelled().await;
            self.stop();
        };
        tokio::join!(join_all(kept), stopped);
        // Calls that are under way have a deadline, and the daemon's end has one.
        while self.status().running.is_some() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Asks each service whether it answers and takes our credentials.
    pub async fn probe(&self) -> Vec<(String, Result<(), Trouble>)> {
        let probes = self.0.services.iter().map(async |service| {
            let went = match Client::new(service.access.clone()) {
                Ok(client) => client.probe().await,
                Err(trouble) => Err(trouble),
            };
            (service.name.to_string(), went)
        });
        join_all(probes).await
    }

    async fn keep_one(&self, service: &Service, every: Duration, shutdown: &CancellationToken) {
        let (mut pause, mut told) = (FIRST, None);
        while shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
            let order = Order {
                task: Task::Reconcile,
                service: Some(service.name.to_string()),
                ..Order::default()
            };
            let Ok(stop) = self.begin(&order) else {
                pause = FIRST;
                continue;
            };
            pause = every;
            let outcomes = self.worked(order, Actor::Daemon, stop).await;
            for outcome in &outcomes {
                let failed = outcome.done.iter().find_map(|done| done.error.clone());
                let error = outcome.error.clone().or(failed);
                // The same again is nothing new.
                if error.is_some() && error != told {
                    let (service, failed) = (&outcome.service, outcome.failed);
                    let error = error.as_deref().unwrap_or_default();
                    tracing::warn!(service, failed, error, "redirection: tried again later");
                }
                told = error;
            }
            // Whoever ordered something before may still want to read what came of that.
            self.note().running = None;
        }
    }

    /// Takes the place of whoever works; there is one.
    fn begin(&self, order: &Order) -> Result<CancellationToken, NotBegun> {
        if self.0.services.is_empty() {
            return Err(NotBegun::NoService);
        }
        if self.ordered(order).next().is_none() {
            return Err(NotBegun::NoSuchService);
        }
        if order.task == Task::Remove && order.phones.is_empty() {
            return Err(NotBegun::NoPhones);
        }
        if order.task == Task::Remove && self.ordered(order).count() > 1 {
            return Err(NotBegun::WhichService);
        }
        let mut status = self.note();
        if status.running.is_some() {
            return Err(NotBegun::Busy);
        }
        status.running = Some(Progress::default());
        let stop = CancellationToken::new();
        *self.0.stop.lock().unwrap_or_else(PoisonError::into_inner) = stop.clone();
        Ok(stop)
    }

    fn end(&self, outcomes: Vec<Outcome>) {
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = outcomes;
        let mut status = self.note();
        status.running = None;
        status.ended += 1;
    }

    fn ordered<'a>(&'a self, order: &'a Order) -> impl Iterator<Item = &'a Service> {
        self.0.services.iter().filter(|service| {
            order.service.as_deref().is_none_or(|name| name == service.name.as_str())
        })
    }

    /// What comes of an order; also where a mistake of ours panics, somebody waits for the end.
    async fn worked(&self, order: Order, by: Actor, stop: CancellationToken) -> Vec<Outcome> {
        let this = self.clone();
        let work = tokio::spawn(async move { this.work(&order, &by, stop).await });
        work.await.unwrap_or_else(|error| {
            vec![Outcome { error: Some(error.to_string()), ..Outcome::default() }]
        })
    }

    async fn work(&self, order: &Order, by: &Actor, stop: CancellationToken) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        // Whoever is from before there were keys gets one now.
        if let Err(error) = self.desk().enrol_all().await {
            let error = Some(error.to_string());
            return vec![Outcome { error, ..Outcome::default() }];
        }
        for service in self.ordered(order) {
            let mut outcome = Outcome { service: service.name.to_string(), ..Outcome::default() };
            let went = self.at(service, order, stop.clone(), &mut outcome).await;
            if let Err(error) = went {
                outcome.error = Some(error.to_string());
            }
            let worked = outcome.error.is_none() && outcome.failed == 0;
            self.desk().store().metrics().redirection_run(&outcome.service, worked);
            // What fails again and again by itself is told once, in the log.
            let is_told = order.task != Task::Reconcile || outcome.registered + outcome.changed > 0;
            if is_told && let Err(error) = self.journal(&outcome, by).await {
                outcome.error = Some(error.to_string());
            }
            outcomes.push(outcome);
            if stop.is_cancelled() {
                break;
            }
        }
        outcomes
    }

    async fn at(
        &self,
        service: &Service,
        order: &Order,
        stop: CancellationToken,
        outcome: &mut Outcome,
    ) -> Result<(), Failed> {
        let progress = |progress: Progress| self.note().running = Some(progress);
        let name = service.name.as_str();
        let settings = &service.access.settings;
        let only: BTreeSet<Mac> = order.phones.iter().copied().collect();
        let known = self.known(name, settings, &only);
        outcome.others = known.others.len();
        let round = Round {
            service: name,
            caller: Caller::new(Client::new(service.access.clone())?, stop.clone()),
            desk: self.desk(),
            types: self.types(settings, &known),
            only,
            progress: &progress,
        };
        if order.task == Task::Remove {
            round.remove_named(&known, outcome).await?;
        } else {
            let held = round.look(&known).await?;
            outcome.planned = plan(&known, &held);
            let mut to_do = outcome.planned.clone();
            let is_sure = order.yes || !order.phones.is_empty() || !is_doubtful(&known, outcome);
            if order.task == Task::Reconcile || !is_sure {
                to_do.retain(|one| one.step != Step::Remove);
            }
            if order.task != Task::Plan && !stop.is_cancelled() {
                round.apply(&known, &held, &to_do, outcome).await?;
            }
            if order.task == Task::Apply && !is_sure && !round.caller.is_over() {
                let phones = outcome.planned.iter().filter(|one| one.step == Step::Remove).count();
                return Err(Failed::Doubtful { phones, of: registered(&known) });
            }
        }
        match round.caller.over() {
            Some(trouble) => Err(trouble.into()),
            None if stop.is_cancelled() => Err(Failed::Stopped),
            None => Ok(()),
        }
    }

    /// What the store knows now.
    fn known(&self, name: &str, settings: &RedirectionSettings, only: &BTreeSet<Mac>) -> Known {
        let store = self.desk().store();
        let is_meant = |mac: &Mac| only.is_empty() || only.contains(mac);
        let mut known = Known::default();
        let phones: Vec<_> = store.memory().phones().cloned().collect();
        for phone in phones.iter().filter(|phone| is_meant(&phone.mac)) {
            // One at a time: FreeSWITCH's questions do not wait for ten thousand URLs.
            let memory = store.memory();
            let vendor = self.0.provisioning.vendor_of(phone, None);
            let is_its = vendor.is_some_and(|vendor| settings.takes(vendor.name()));
            match self.url(&memory, settings, phone).filter(|_| is_its) {
                Some(url) => drop(known.wanted.insert(phone.mac, url)),
                None => drop(known.others.insert(phone.mac)),
            }
        }
        let memory = store.memory();
        let told = memory.redirections().filter(|row| row.service == name && is_meant(&row.phone));
        known.told = told.map(|row| (row.phone, row.clone())).collect::<BTreeMap<_, _>>();
        known
    }

    /// The URL to which a phone is to be sent.
    fn url(
        &self,
        memory: &Memory,
        settings: &RedirectionSettings,
        phone: &Phone,
    ) -> Option<SecretString> {
        let urls = compose::urls(self.0.provisioning.site(), memory.enrolment(phone.mac)?);
        let folder = match settings.urls {
            Urls::Own => urls.keyed,
            Urls::Shared => urls.open,
        };
        Some(format!("{folder}/{}", settings.interface.file(phone.mac)).into())
    }

    /// The types of phones that are listed.
    fn types(&self, settings: &RedirectionSettings, known: &Known) -> Vec<String> {
        let models = known.wanted.keys().filter_map(|mac| {
            let memory = self.desk().store().memory();
            let phone = memory.phone(*mac)?;
            let shown = memory.shown(phone.mac).and_then(|shown| shown.model.clone());
            phone.model.clone().or(shown)
        });
        let named = models.map(|model| match model.starts_with("snom") {
            true => model,
            false => format!("snom{model}"),
        });
        let known = TYPES.iter().map(|name| (*name).to_owned());
        let all: BTreeSet<String> = known.chain(named).chain(settings.types.clone()).collect();
        all.into_iter().collect()
    }

    /// One line of the journal, where something was done.
    async fn journal(&self, outcome: &Outcome, by: &Actor) -> Result<(), DatabaseError> {
        let Outcome { registered, changed, removed, failed, .. } = *outcome;
        if registered + changed + removed + failed == 0 {
            return Ok(());
        }
        let service = outcome.service.clone();
        let what = Happening::Redirected { service, registered, changed, removed, failed };
        let by = by.clone();
        let written = self.desk().store().write(async move |tx: &mut Tx<'_>| {
            tx.journal(Timestamp::now(), by.clone(), what.clone()).await
        });
        written.await.map_err(super::written)
    }

    fn desk(&self) -> &Desk {
        self.0.provisioning.desk()
    }

    fn note(&self) -> MutexGuard<'_, RunStatus> {
        self.0.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a round ended early.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Trouble(#[from] Trouble),
    #[error("the store failed: {0}")]
    Store(#[from] DatabaseError),
    #[error("stopped; the same command goes on from here")]
    Stopped,
    #[error(
        "{phones} of {of} registered phones are no longer in the inventory, and were not removed; if that is right, give --yes"
    )]
    Doubtful { phones: usize, of: usize },
}

/// Whether so many phones would be removed that it is more likely a mistake.
fn is_doubtful(known: &Known, outcome: &Outcome) -> bool {
    let removed = outcome.planned.iter().filter(|one| one.step == Step::Remove).count();
    removed > FEW && removed * 2 > registered(known)
}

/// How many phones the service has from us.
fn registered(known: &Known) -> usize {
    let ours = |state| !matches!(state, RedirectionState::Found | RedirectionState::Refused);
    known.told.values().filter(|row| ours(row.state)).count()
}
