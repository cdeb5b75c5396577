//! The daemon, put together: store, desk, listeners, conversations, switch.

mod background;
mod calls;
mod emergency;
mod journal;
mod listeners;
mod operators;
mod phones;
mod service;
mod system;
mod watch;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use emergency::emergency_test;
pub use listeners::tls_settings;
pub use operators::admin_tls_settings;

use background::Background;
use listeners::bind;

use crate::calls::{CustomerLookup, ProfileName};
use crate::config::{Config, FreeSwitch, NodeName, Service};
use crate::customers::Customers;
use crate::desk::{self, Desk};
use crate::event_socket::ChannelWord;
use crate::http::admin::{Outside, PhoneWatch, QueueKeeper};
use crate::http::auth::Credentials;
use crate::http::watch::Watched;
use crate::http::{self, Limits};
use crate::model::{
    Actor, CallCenterRules, DirectoryRules, LookUp, NodeQueues, Phone, UnusableHash, UserSource,
};
use crate::people::{self, ldap::LdapMirror};
use crate::provisioning::redirection::Redirections;
use crate::provisioning::{Provisioning, Site};
use crate::standing::dialplan::{Plan, RenderedFile};
use crate::standing::disk::Folder;
use crate::store::{Lock, Store};
use crate::switch::{
    self, AutoLogouts, CheckSync, Events, PhoneEvents, Queues, StandingFiles, Switch,
};
use crate::webhooks::Webhooks;
use crate::xml_curl::{Directory, RegisterQuestions};

/// How long conversations may go on after the daemon was told to stop.
const GRACE: Duration = Duration::from_secs(10);
/// How long a start waits for whoever has the data folder.
const LOCK_WAIT: Duration = Duration::from_secs(12);

/// The desk over the store of a configuration.
///
/// # Errors
/// The store cannot be opened.
pub async fn open_desk(config: &Config) -> anyhow::Result<Desk> {
    let store = Store::open(&config.data).await?;
    let window = config.provisioning.enrolment.window();
    let settings = desk::Settings { method: config.pin.method, guard: config.pin.guard, window };
    Ok(Desk::new(store, settings))
}

/// Runs the daemon until `shutdown`.
///
/// # Errors
/// Another daemon runs on the same data, or something that it needs cannot be had: the store, an
/// address to listen at.
pub async fn serve(config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    let _lock = lock(&config.data).await?;
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    let desk = open_desk(&config).await?;
    let webhooks = webhooks(&config, desk.store());
    if let Err(error) = take_over_users_file(&config, &desk).await {
        // Phones and emergency numbers do not wait for a typing mistake.
        tracing::error!("{error:#}: the users stay as they were");
    }
    let directory = directory(&config, &desk);
    let asked = directory.asked();
    let credentials = Credentials {
        user: config.switch_credentials.user.as_str().to_owned(),
        password: config.switch_password()?,
    };
    let switch_listener = bind("switch", config.switch.address).await?;
    let calls_listener = bind("event_socket", config.event_socket.address).await?;
    let admin = config.admin_socket();
    let admin_listener = http::admin::bind(&admin)
        .with_context(|| format!("cannot listen at {}", admin.display()))?;
    let mut parts = JoinSet::new();
    // FreeSWITCH asks at once and gives up after a second: who says nothing for that long is not it, and
    // must not keep it out.
    let head = Duration::from_secs(1);
    let allow = config.switch.allow.clone();
    let limits = Limits { allow, connections: 4_096, head, ..Limits::default() };
    let router = http::switch::router(directory, credentials.clone());
    parts.spawn(http::serve(switch_listener, router, limits, shutdown.clone()));
    let provisioning = provisioning(&config, desk.clone());
    let switch = Switch::new(
        desk.store().clone(),
        switch_settings(&config, Arc::new(ByVendor(provisioning.clone())))?,
    );
    let queues = Queues::new(switch.clone(), queue_rules(&config));
    let customers = customers(&config, Some(desk.store().clone()))?;
    let database = CustomerDatabase(customers.clone());
    let background = Background::start().context("the runtime for background work")?;
    let ldap = ldap_mirror(&config, &desk, background.handle());
    if let Some(mirror) = ldap.clone() {
        let stop = shutdown.clone();
        parts.spawn(async move { mirror.run(stop).await });
    }
    let kept: Arc<dyn QueueKeeper> = Arc::new(Kept(queues.clone()));
    let redirections = redirections(&config, &provisioning);
    parts.spawn(watch_ways(&provisioning, asked.clone(), redirections.clone(), shutdown.clone()));
    if let Some(services) = redirections.clone() {
        let stop = shutdown.clone();
        parts.spawn(async move { services.keep(stop).await });
    }
    let running = watch::Running::new(switch.clone(), shutdown.clone());
    running.listens("switch", config.switch.address);
    running.listens("event_socket", config.event_socket.address);
    let watched: Arc<dyn PhoneWatch> = Arc::new(phones::Watched { switch: switch.clone(), asked });
    let outside = Outside {
        customers: customers.clone(),
        ldap,
        queues: Some(kept),
        redirections,
        phones: Some(watched),
        webhooks: Some(webhooks.clone()),
        emergency: Some(emergency::Tester::new(
            config.clone(),
            desk.store().clone(),
            background.handle(),
        )),
        system: None,
    };
    let stop = shutdown.clone();
    parts.spawn(async move { webhooks.run(stop).await });
    let seen = Watched::new(provisioning.clone(), outside.clone(), running.clone());
    let report = system::Report::new(&config, running.clone(), seen);
    let outside = Outside { system: Some(Arc::new(report)), ..outside };
    let seen = Watched::new(provisioning.clone(), outside.clone(), running.clone());
    let access =
        operators::operators(&config, seen.clone(), &running, &mut parts, &shutdown).await?;
    let admin = http::admin::socket(provisioning.clone(), outside, &access);
    let admin = admin.merge(http::watch::router(seen));
    parts.spawn(http::serve(admin_listener, admin, Limits::default(), shutdown.clone()));
    let room = provisioning.clone();
    let stop = shutdown.clone();
    parts.spawn(async move { room.run(stop).await });
    let stop = shutdown.clone();
    parts.spawn(async move { customers.keep(stop).await });
    listeners::phones(&config, &provisioning, &running, &mut parts, &shutdown).await?;
    running.is_up();
    let service = service::customer_service(&config, Arc::new(database))?;
    parts.spawn(calls::hold(calls_listener, &config, desk.clone(), service, shutdown.clone()));
    let told = switch.queue_calls();
    let days = service::last_agent_days(&config);
    parts.spawn(service::queue_calls(told, desk.clone(), days, shutdown.clone()));
    let files = standing_files(&config, desk.store());
    let (stop, locations, presence) = (shutdown.clone(), config.locations.clone(), switch.clone());
    parts.spawn(async move { presence.keep_presence(locations, stop).await });
    let (stop, attended, at_desk) = (shutdown.clone(), switch.clone(), desk.clone());
    let logouts = AutoLogouts::new(config.logout.clone());
    parts.spawn(async move { attended.keep_logouts(at_desk, logouts, stop).await });
    let (stop, days) = (shutdown.clone(), config.journal.keep_days.get());
    parts.spawn(journal::forget(desk.store().clone(), days, stop));
    let (stop, listening, at_desk) = (shutdown.clone(), switch.clone(), desk.clone());
    parts.spawn(async move { listening.keep_emergencies(at_desk, stop).await });
    let (watching, keeping) = (switch.clone(), switch);
    let (stop_watching, stop_keeping) = (shutdown.clone(), shutdown.clone());
    parts.spawn(async move { watching.run(stop_watching).await });
    parts.spawn(async move { keeping.keep_files(files, stop_keeping).await });
    let stop = shutdown.clone();
    parts.spawn(async move { queues.keep(stop).await });
    http::watchdog::start(config.switch.address, &credentials, shutdown.clone());
    tracing::info!(
        switch = %config.switch.address,
        event_socket = %config.event_socket.address,
        admin = %config.admin_socket().display(),
        "ready"
    );
    let early = tokio::select! {
        // First, because the parts end with it.
        biased;
        () = shutdown.cancelled() => false,
        Some(ended) = parts.join_next() => {
            // A daemon with a part missing is worse than one that is started again.
            tracing::error!(?ended, "a part of the daemon ended by itself");
            shutdown.cancel();
            true
        }
    };
    tracing::info!("stopping; running conversations have {} seconds", GRACE.as_secs());
    let all = async { while parts.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(GRACE, all).await;
    let _ = std::fs::remove_file(config.admin_socket());
    if early {
        bail!("a part of the daemon ended by itself");
    }
    Ok(())
}

/// The lock of the data folder. A command that works without a daemon has it for a moment, and a
/// daemon that is told to stop until its conversations are over: neither may make a start fail.
async fn lock(data: &Path) -> anyhow::Result<Lock> {
    if let Some(lock) = Lock::take(data)? {
        return Ok(lock);
    }
    tracing::info!("waiting for another hotdeskd that works with {}", data.display());
    let until = Instant::now() + LOCK_WAIT;
    loop {
        if let Some(lock) = Lock::take(data)? {
            return Ok(lock);
        }
        if Instant::now() >= until {
            bail!("another hotdeskd works with {} already", data.display());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The mirror of the LDAP server, where the configuration names one. It runs on `runtime`.
pub fn ldap_mirror(config: &Config, desk: &Desk, runtime: Handle) -> Option<LdapMirror> {
    let ldap = config.ldap.as_ref()?;
    Some(LdapMirror::new(desk.clone(), ldap.access(), &config.teams, runtime))
}

/// Other systems that are told of what happens, for a configuration: from now on the store keeps what they are to be told.
pub fn webhooks(config: &Config, store: &Store) -> Webhooks {
    let targets = config.webhooks.iter().map(|webhook| webhook.target.clone());
    Webhooks::new(store.clone(), targets.collect())
}

/// Tells of phones that do not go on.
fn watch_ways(
    provisioning: &Provisioning,
    asked: RegisterQuestions,
    services: Option<Redirections>,
    shutdown: CancellationToken,
) -> impl Future<Output = ()> + Send + 'static {
    let provisioning = provisioning.clone();
    async move { provisioning.watch_ways(move |phone| asked.of(phone), services, shutdown).await }
}

/// The redirection services of a configuration, where it names any.
pub fn redirections(config: &Config, provisioning: &Provisioning) -> Option<Redirections> {
    let services = config.redirection.iter().map(|(name, service)| service.service(name));
    let services: Vec<_> = services.collect();
    (!services.is_empty()).then(|| Redirections::new(provisioning.clone(), services))
}

/// What FreeSWITCH knows of phones, where no daemon runs.
///
/// # Errors
/// A name cannot be sent to FreeSWITCH.
pub fn unwatched_phones(config: &Config) -> anyhow::Result<Arc<dyn PhoneWatch>> {
    Ok(Arc::new(phones::Unwatched(switch_settings(config, Arc::new(CheckSync))?)))
}

/// The queues, for the admin API.
struct Kept(Queues);

impl QueueKeeper for Kept {
    fn list(&self) -> BoxFuture<'_, Vec<NodeQueues>> {
        Box::pin(self.0.list())
    }

    fn sync(&self) -> BoxFuture<'_, Vec<NodeQueues>> {
        Box::pin(self.0.sync())
    }
}

/// What each phone understands, by its vendor's manifest.
struct ByVendor(Provisioning);

impl PhoneEvents for ByVendor {
    fn of(&self, phone: &Phone) -> Events {
        match self.0.resync_events(phone) {
            Some(events) => Events {
                reload: events.reload,
                reboot: events.reboot,
                confirms: events.confirms,
                may_restart: events.may_restart,
            },
            None => Events::default(),
        }
    }
}

/// The customers of a configuration. `store` knows which numbers are our own.
///
/// # Errors
/// The query cannot be used, which the configuration has seen to.
pub fn customers(config: &Config, store: Option<Store>) -> anyhow::Result<Customers> {
    let password = config.customers_password.as_ref().map(|secret| secret.value.clone());
    Customers::new(&config.customers, password, store).context("customers.query")
}

/// The customers as conversations ask for them.
pub struct CustomerDatabase(pub Customers);

impl CustomerLookup for CustomerDatabase {
    fn look_up<'a>(&'a self, number: &'a str) -> BoxFuture<'a, LookUp> {
        async { self.0.look_up(number).await.answer }.boxed()
    }
}

/// The FreeSWITCH nodes of a configuration.
///
/// # Errors
/// A name cannot be sent to FreeSWITCH.
pub fn switch_settings(
    config: &Config,
    phones: Arc<dyn PhoneEvents>,
) -> anyhow::Result<switch::Settings> {
    let word = |name: &ProfileName| {
        ChannelWord::parse(name.as_str()).with_context(|| format!("the profile {}", name.as_str()))
    };
    let node = |(name, node): (&NodeName, &FreeSwitch)| {
        Ok(switch::Node {
            name: name.as_str().to_owned(),
            address: node.address.to_string(),
            password: node.password.value.clone(),
            profiles: node.profiles.iter().map(word).collect::<anyhow::Result<_>>()?,
        })
    };
    Ok(switch::Settings {
        nodes: config.freeswitch.iter().map(node).collect::<anyhow::Result<_>>()?,
        domain: config.domain.clone(),
        voicemail_profile: word(&config.pin.voicemail_profile)?,
        phones,
    })
}

/// What phones are told, for a configuration.
pub fn provisioning(config: &Config, desk: Desk) -> Provisioning {
    let codes = config.dialplan.codes.enabled().map(|(flow, code)| (flow.name(), code));
    let site = Site {
        domain: config.domain.clone(),
        url: config.phones_url(),
        settings: config.provisioning.clone(),
        codes: codes.map(|(name, code)| (name.to_owned(), code.as_str().to_owned())).collect(),
        emergency: config
            .emergency
            .dialled_and_bare()
            .into_iter()
            .map(|(dialled, _)| dialled)
            .collect(),
        free_numbers: config.dialplan.free_numbers.iter().map(|n| n.as_str().to_owned()).collect(),
    };
    Provisioning::new(desk, site, config.data.clone())
}

/// The directory on FreeSWITCH's own disk, for a configuration.
fn standing_files(config: &Config, store: &Store) -> StandingFiles {
    let group = config.standing.group.as_ref().map(|group| group.id);
    StandingFiles {
        folder: Folder::new(&config.standing.folder, group),
        rules: rules(config, store),
        queues: queue_rules(config),
        gather: Duration::from_secs(60 * u64::from(config.standing.gather_minutes)),
        retry: Duration::from_secs(30),
    }
}

/// What FreeSWITCH is told, for a configuration.
fn directory(config: &Config, desk: &Desk) -> Directory {
    let store = desk.store().clone();
    Directory::new(store, rules(config, desk.store()), config.aliases.clone(), &config.directory)
        .with_queues(queue_rules(config))
}

/// What the queues of the teams are made from.
pub fn queue_rules(config: &Config) -> CallCenterRules {
    CallCenterRules {
        domain: config.domain.clone(),
        settings: config.queues.clone(),
        teams: config.teams.clone(),
    }
}

/// The dialplan files for a configuration.
///
/// # Errors
/// A template of ours is wrong.
pub fn rendered(config: &Config) -> anyhow::Result<Vec<RenderedFile>> {
    let hosts = config.dialplan.hosts_or(config.event_socket.address);
    let queues = queue_rules(config);
    let plan = Plan {
        domain: &config.domain,
        dialplan: &config.dialplan,
        emergency: &config.emergency,
        hosts: &hosts,
        service: config.service.as_ref().map(Service::plan),
        queues: Some(&queues),
    };
    Ok(plan.render()?)
}

/// What all directory entries rest on.
pub fn rules(config: &Config, store: &Store) -> DirectoryRules {
    DirectoryRules {
        domain: config.domain.clone(),
        context: config.dialplan.context.as_str().to_owned(),
        // The same after every start, or every start would change the standing files.
        unusable: UnusableHash::new(store.derived("unusable a1-hash")),
    }
}

/// Makes the users of the users file, where there is one, exactly those that it lists.
///
/// # Errors
/// The file has a mistake, or an extension is taken; nothing changed then.
pub async fn take_over_users_file(config: &Config, desk: &Desk) -> anyhow::Result<()> {
    // Without a file those that it listed stay: a line taken out of the configuration logs nobody out.
    let Some(path) = &config.users_file else { return Ok(()) };
    let records = people::read(path)?;
    let taken =
        desk.take_over_users(UserSource::File, records, Timestamp::now(), Actor::Daemon).await?;
    if taken != desk::Summary::default() {
        tracing::info!(taken.added, taken.changed, taken.removed, "users file");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seen: `sessions list` in the moment of a start made the start fail.
    #[tokio::test]
    async fn a_start_waits_for_a_command_that_has_the_data_folder() {
        let above = tempfile::tempdir().unwrap();
        let data = above.path().join("data");
        let command = Lock::take(&data).unwrap().unwrap();
        let mut start = Box::pin(lock(&data));
        // It does not give up, and does not take what another has.
        let early = tokio::time::timeout(Duration::from_millis(250), &mut start).await;
        assert!(early.is_err(), "{early:?}");
        drop(command);
        assert!(start.await.is_ok());
    }
}
