//! The sockets: one pair for each interface, and one for whoever asks directly.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use ipnet::IpNet;
use jiff::Timestamp;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::interfaces::{self, Present};
use super::inventory::Inventory;
use super::message::MOST_BYTES;
use super::responder::{Heard, Responder};
use super::{Direct, Settings};
use crate::provisioning::Provisioning;
use crate::provisioning::record::Note;

/// How often interfaces are looked for that came or went.
const LOOK: Duration = Duration::from_secs(30);
/// How often the log is told what was heard and not answered.
const TELL: Duration = Duration::from_secs(60);
/// How many datagrams are looked at in a slice of time; the kernel throws away what is more.
const SLICE: Duration = Duration::from_millis(20);
/// See [`SLICE`]: 50,000 a second.
const MOST_IN_SLICE: u32 = 1_000;
/// How long a datagram may take to leave. One that does not is sent again by its timer.
const LEAVE: Duration = Duration::from_millis(100);
/// How long a socket that fails is left alone.
const REST: Duration = Duration::from_secs(1);

/// Answers phones that ask, until `shutdown`. `direct` is bound already: that it cannot be is told at the start.
pub async fn serve(
    provisioning: Provisioning,
    settings: Settings,
    direct: Option<Direct>,
    shutdown: CancellationToken,
) {
    let Settings { multicast, interfaces, networks, per_second } = settings;
    let inventory = Inventory { provisioning: provisioning.clone(), networks };
    let responder = move || Responder::new(inventory.clone(), per_second);
    let direct = async {
        let Some(Direct { socket, allow }) = direct else { return };
        let name = "directly".to_owned();
        let sockets = Sockets { group: None, own: socket, name, allow };
        sockets.serve(responder(), provisioning.clone(), shutdown.clone()).await;
    };
    let group = async {
        if multicast {
            let joined = Joined { provisioning: provisioning.clone(), responder: &responder };
            joined.keep(&interfaces, &shutdown).await;
        }
    };
    tokio::join!(direct, group);
    // Who has neither is no part that ended by itself.
    shutdown.cancelled().await;
}

/// The interfaces at which the group is joined.
struct Joined<'a, F> {
    provisioning: Provisioning,
    responder: &'a F,
}

impl<F: Fn() -> Responder<Inventory>> Joined<'_, F> {
    /// Joins at each interface that is there, and leaves those that are gone.
    async fn keep(&self, wanted: &[interfaces::Interface], shutdown: &CancellationToken) {
        let mut running: BTreeMap<Present, CancellationToken> = BTreeMap::new();
        let mut refused: BTreeSet<Present> = BTreeSet::new();
        let mut tasks = JoinSet::new();
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while shutdown.run_until_cancelled(look.tick()).await.is_some() {
            while tasks.try_join_next().is_some() {}
            let present = match interfaces::present(wanted) {
                Ok(present) => present,
                Err(error) => {
                    tracing::warn!(%error, "the interfaces for SIP PnP cannot be listed");
                    continue;
                }
            };
            running.retain(|interface, stop| {
                let is_there = present.contains(interface);
                if !is_there {
                    tracing::info!(interface = interface.name, address = %interface.address, "SIP PnP: the interface is gone");
                    stop.cancel();
                }
                is_there
            });
            refused.retain(|interface| present.contains(interface));
            for interface in present {
                if running.contains_key(&interface) {
                    continue;
                }
                match interfaces::join(&interface) {
                    Ok((group, own)) => {
                        tracing::info!(interface = interface.name, address = %interface.address, "SIP PnP: phones are heard");
                        refused.remove(&interface);
                        let stop = shutdown.child_token();
                        let name = format!("at {}", interface.name);
                        let sockets = Sockets { group: Some(group), own, name, allow: Vec::new() };
                        let provisioning = self.provisioning.clone();
                        tasks.spawn(sockets.serve((self.responder)(), provisioning, stop.clone()));
                        running.insert(interface, stop);
                    }
                    // Told once, not every half minute.
                    Err(error) if refused.insert(interface.clone()) => {
                        tracing::warn!(interface = interface.name, address = %interface.address, %error, "SIP PnP: phones are not heard there; it is tried again");
                    }
                    Err(_) => {}
                }
            }
        }
        while tasks.join_next().await.is_some() {}
    }
}

/// One place where phones ask.
struct Sockets {
    /// Where they ask everybody.
    group: Option<UdpSocket>,
    /// From where they are answered; and where they ask us, if there is no group.
    own: UdpSocket,
    /// What the log calls it.
    name: String,
    /// From where anybody is listened to; everywhere where it is empty.
    allow: Vec<IpNet>,
}

/// What woke the loop.
enum Woken {
    /// A datagram, of so many bytes.
    Datagram(usize, SocketAddr),
    /// A timer.
    Timer,
    /// It is time to tell the log.
    Tell,
    /// A socket failed.
    Failed(io::Error),
}

impl Sockets {
    async fn serve(
        self,
        mut responder: Responder<Inventory>,
        provisioning: Provisioning,
        shutdown: CancellationToken,
    ) {
        let mut tell = interval(TELL);
        tell.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // One byte more than is read, so that what is too long is seen to be.
        let (mut to_group, mut to_own) = ([0; MOST_BYTES + 1], [0; MOST_BYTES + 1]);
        let mut slice = (Instant::now(), 0);
        loop {
            let timer = responder.next();
            let woken = tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                () = until(timer) => Woken::Timer,
                _ = tell.tick() => Woken::Tell,
                // Answers to ours first; there are few, and each ends a transaction.
                read = self.own.recv_from(&mut to_own) => Woken::of(read),
                read = receive(self.group.as_ref(), &mut to_group) => {
                    let woken = Woken::of(read);
                    if let Woken::Datagram(bytes, _) = woken {
                        let read = to_group.get(..bytes).unwrap_or_default();
                        to_own.get_mut(..bytes).unwrap_or_default().copy_from_slice(read);
                    }
                    woken
                }
            };
            match woken {
                Woken::Timer => {
                    while let Some(heard) = responder.due(Instant::now()) {
                        self.act(heard, &provisioning).await;
                    }
                }
                Woken::Tell => self.tell(&mut responder, &provisioning),
                Woken::Failed(error) => {
                    tracing::debug!(%error, "SIP PnP {}: the socket fails", self.name);
                    let _ = shutdown.run_until_cancelled(sleep(REST)).await;
                }
                Woken::Datagram(bytes, from) => {
                    if self.hears(from) {
                        let read = to_own.get(..bytes).unwrap_or_default();
                        let now = (Instant::now(), Timestamp::now());
                        let heard = responder.hear(read, from, |peer| self.here(peer), now);
                        self.act(heard, &provisioning).await;
                    }
                    pause(&mut slice).await;
                }
            }
        }
    }

    /// Whether anybody is listened to from there.
    fn hears(&self, from: SocketAddr) -> bool {
        let from = from.ip().to_canonical();
        self.allow.is_empty() || self.allow.iter().any(|net| net.contains(&from))
    }

    /// At which of our addresses a peer reaches us.
    fn here(&self, peer: SocketAddr) -> SocketAddr {
        let own = self.own.local_addr().unwrap_or(peer);
        if !own.ip().is_unspecified() {
            return own;
        }
        let any: IpAddr = own.ip();
        let routed = std::net::UdpSocket::bind((any, 0)).and_then(|socket| {
            socket.connect(peer)?;
            socket.local_addr()
        });
        routed.map_or(own, |routed| SocketAddr::new(routed.ip().to_canonical(), own.port()))
    }

    async fn act(&self, heard: Heard, provisioning: &Provisioning) {
        for (bytes, to) in heard.send {
            match timeout(LEAVE, self.own.send_to(&bytes, to)).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => tracing::debug!(%to, %error, "SIP PnP: cannot be sent"),
                Err(_) => tracing::debug!(%to, "SIP PnP: cannot be sent in time"),
            }
        }
        if let Some(request) = heard.note {
            provisioning.recorder().note(Note::Asked(request));
        }
    }

    fn tell(&self, responder: &mut Responder<Inventory>, provisioning: &Provisioning) {
        let counts = responder.counts();
        let metrics = provisioning.desk().store().metrics();
        metrics.pnp_answered(counts.answered);
        counts.silent.iter().for_each(|(why, count)| metrics.pnp_silent(why.label(), *count));
        if counts.silent.is_empty() {
            return;
        }
        let silent = counts.silent.iter().map(|(why, count)| format!("{count} {why}"));
        let silent = silent.collect::<Vec<_>>().join("; ");
        tracing::info!(answered = counts.answered, "SIP PnP {}: not answered: {silent}", self.name);
    }
}

impl Woken {
    fn of(read: io::Result<(usize, SocketAddr)>) -> Self {
        match read {
            Ok((bytes, from)) => Self::Datagram(bytes, from),
            Err(error) => Self::Failed(error),
        }
    }
}

/// Waits for the group, or for ever where there is none.
async fn receive(group: Option<&UdpSocket>, bytes: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
    match group {
        Some(group) => group.recv_from(bytes).await,
        None => std::future::pending().await,
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

/// Waits for the next slice of time where this one has had its datagrams: a flood keeps one core busy at
/// the most, and not for long enough that phones' requests for files wait.
async fn pause((begun, count): &mut (Instant, u32)) {
    *count += 1;
    if *count < MOST_IN_SLICE {
        return;
    }
    let over = begun.elapsed();
    if over < SLICE {
        sleep(SLICE - over).await;
    }
    (*begun, *count) = (Instant::now(), 0);
}
