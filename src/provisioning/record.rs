//! What phones asked and were given, written down off the requests' path, in batches.
//!
//! The queue is bounded: when the store is slower than the phones, some of it is lost and counted. A phone
//! whose confirmation was lost is asked to fetch once more, which does no harm.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use ipnet::IpNet;
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::desk::Desk;
use crate::model::{Actor, Happening, Mac, PhoneContact, PhoneRequest, Proof, Shown, Wanted};
use crate::store::{DatabaseError, Memory, Tx};

/// How many notes wait at the most.
const QUEUE: usize = 16_384;
/// How many are written at once: some 20 ms of the store's writer, which others wait for.
const BATCH: usize = 1_024;
/// How long notes are gathered: phones that boot come with their next file meanwhile, and what is
/// written at once costs less.
const GATHER: Duration = Duration::from_millis(500);
/// How often the journal is told of refusals.
const REFUSALS: Duration = Duration::from_secs(60);
/// Of how many networks refusals are counted at a time; further ones are counted together.
const NETWORKS: usize = 1_000;

/// Something to write down.
#[derive(Debug)]
pub(super) enum Note {
    /// A phone of the inventory asked.
    Asked(PhoneRequest),
    /// A phone was given the file that shows who sits there.
    Given {
        phone: Mac,
        shown: Shown,
        /// Whether it was given the file that configures it, and not one that its person's phone sent back.
        is_configured: bool,
        /// What was wanted of it when the file was made.
        wanted: Option<Arc<Wanted>>,
    },
    /// A phone proved to be that phone.
    Proven {
        phone: Mac,
        proof: Proof,
        /// The key that it came with.
        key: Option<SecretString>,
        at: Timestamp,
    },
    /// Somebody was refused.
    Refused {
        request: PhoneRequest,
        /// Whether it was about a phone of the inventory. Of others nothing is written down.
        is_ours: bool,
        /// Whether the log is told.
        is_logged: bool,
    },
}

/// Refusals since the journal was last told.
#[derive(Debug, Default)]
struct Refused {
    networks: HashMap<IpNet, u64>,
    /// From further networks.
    others: u64,
}

/// The queue's near end. Cheap to clone.
#[derive(Clone)]
pub(super) struct Recorder {
    notes: mpsc::Sender<Note>,
    lost: Arc<AtomicU64>,
    refused: Arc<Mutex<Refused>>,
}

impl Recorder {
    /// A queue, and its far end for [`keep`].
    pub(super) fn new() -> (Self, mpsc::Receiver<Note>) {
        let (notes, far) = mpsc::channel(QUEUE);
        (Self { notes, lost: Arc::default(), refused: Arc::default() }, far)
    }

    /// Takes a note, or counts that it was lost. Of refusals, which anybody can cause who knows a MAC
    /// address, so many are taken that there is room for what phones of ours did.
    pub(super) fn note(&self, note: Note) {
        let is_refusal = matches!(note, Note::Refused { .. });
        let is_full = is_refusal && self.notes.capacity() < QUEUE / 2;
        if is_full || self.notes.try_send(note).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many notes were lost since the start.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Counts a refusal.
    pub(super) fn refused(&self, from: IpAddr) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let network = network(from);
        if refused.networks.len() >= NETWORKS && !refused.networks.contains_key(&network) {
            refused.others += 1;
        } else {
            *refused.networks.entry(network).or_default() += 1;
        }
    }

    fn take_refused(&self) -> HashMap<String, u64> {
        let taken =
            std::mem::take(&mut *self.refused.lock().unwrap_or_else(PoisonError::into_inner));
        let others = (taken.others > 0).then(|| ("other networks".to_owned(), taken.others));
        let networks = taken.networks.into_iter();
        networks.map(|(network, count)| (network.to_string(), count)).chain(others).collect()
    }
}

/// The network that an address is counted with: /24, or /48 for IPv6.
fn network(address: IpAddr) -> IpNet {
    let address = address.to_canonical();
    let bits = if address.is_ipv4() { 24 } else { 48 };
    // Never the fallback: both lengths are allowed.
    IpNet::new(address, bits).map_or(IpNet::from(address), |net| net.trunc())
}

/// Writes down what comes, until `shutdown`, and then what is there.
pub(super) async fn keep(
    recorder: Recorder,
    mut far: mpsc::Receiver<Note>,
    desk: Desk,
    shutdown: CancellationToken,
) {
    let mut refusals = tokio::time::interval(REFUSALS);
    refusals.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut notes, mut told) = (Vec::with_capacity(BATCH), 0);
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            _ = refusals.tick() => {
                journal_refusals(&recorder, &desk).await;
                let lost = recorder.lost();
                if lost > told {
                    let lost = lost - told;
                    tracing::warn!(lost, "the store is slower than the phones: not all that they asked is written down");
                    told += lost;
                }
            }
            _ = far.recv_many(&mut notes, 1) => {
                tokio::select! {
                    () = tokio::time::sleep(GATHER) => {}
                    () = shutdown.cancelled() => {}
                }
                while fill(&mut notes, &mut far) {
                    write(&desk, std::mem::take(&mut notes)).await;
                }
                write(&desk, std::mem::take(&mut notes)).await;
            }
        }
    }
    far.close();
    while far.recv_many(&mut notes, BATCH).await > 0 {
        write(&desk, std::mem::take(&mut notes)).await;
    }
    journal_refusals(&recorder, &desk).await;
}

/// Takes what waits; whether that is a whole batch.
fn fill(notes: &mut Vec<Note>, far: &mut mpsc::Receiver<Note>) -> bool {
    while notes.len() < BATCH
        && let Ok(note) = far.try_recv()
    {
        notes.push(note);
    }
    notes.len() == BATCH
}

async fn write(desk: &Desk, notes: Vec<Note>) {
    if notes.is_empty() {
        return;
    }
    let (mut asked, mut confirmed, mut proven) = (Vec::new(), Vec::new(), Vec::new());
    let mut configured = Vec::new();
    // Of a phone that was given several files the last note says it all.
    let mut shows = BTreeMap::new();
    for note in notes {
        match note {
            Note::Asked(request) => asked.push(request),
            Note::Given { phone, shown, is_configured, wanted } => {
                configured.extend(is_configured.then_some((phone, shown.at)));
                confirmed.extend(wanted.map(|wanted| (phone, shown.clone(), wanted)));
                shows.insert(phone, shown);
            }
            Note::Refused { request, is_ours, is_logged } => {
                let PhoneRequest { from, status, .. } = &request;
                if is_logged {
                    // What fail2ban reads. Here and not at the request, so that no answer is the later
                    // for it.
                    tracing::info!(address = %from, status, "a phone's request was refused");
                }
                if is_ours {
                    asked.push(request);
                }
            }
            Note::Proven { phone, proof, key, at } => proven.push((phone, proof, key, at)),
        }
    }
    // Side by side, so that they share commits.
    join_all(proven.into_iter().map(async |(phone, proof, key, at)| {
        if let Err(error) = desk.prove(phone, proof, key, at).await {
            tracing::warn!(%phone, %error, "cannot write down that the phone is enrolled");
        }
    }))
    .await;
    let contacts = contacts(&desk.store().memory(), &asked, &configured);
    let written = desk.store().write(async move |tx: &mut Tx<'_>| {
        let mut took = Vec::new();
        for (phone, contact) in &contacts {
            tx.save_contact(*phone, contact.clone()).await?;
        }
        for (phone, shown) in &shows {
            tx.save_shown(*phone, shown.clone()).await?;
        }
        for (phone, shown, wanted) in &confirmed {
            if tx.settle(wanted).await? {
                let what = Happening::Shown { phone: *phone, user: shown.user.clone() };
                tx.journal(shown.at, Actor::Daemon, what).await?;
                took.push(shown.at.duration_since(wanted.since));
            }
        }
        tx.record_requests(&asked).await?;
        Ok::<_, DatabaseError>(took)
    });
    match written.await {
        Ok(took) => took.into_iter().for_each(|took| {
            // A clock that was set back is no time.
            desk.store().metrics().shown(took.try_into().unwrap_or_default());
        }),
        Err(error) => tracing::warn!(%error, "cannot write down what phones asked"),
    }
}

/// What is to be kept of these phones' ways, of those where it is something new. Nobody else writes it.
fn contacts(
    memory: &Memory,
    asked: &[PhoneRequest],
    configured: &[(Mac, Timestamp)],
) -> BTreeMap<Mac, PhoneContact> {
    let mut contacts = BTreeMap::new();
    let known = |phone, at| memory.contact(phone).cloned().unwrap_or(PhoneContact::new(at));
    for request in asked {
        let (phone, at) = (request.phone, request.at);
        contacts.entry(phone).or_insert_with(|| known(phone, at)).note(request);
    }
    for &(phone, at) in configured {
        let proven = memory.enrolment(phone).and_then(|enrolment| enrolment.proven);
        let contact = contacts.entry(phone).or_insert_with(|| known(phone, at));
        contact.note_configured(at, proven.map(|(at, _)| at));
    }
    contacts.retain(|phone, contact| memory.contact(*phone) != Some(contact));
    contacts
}

async fn journal_refusals(recorder: &Recorder, desk: &Desk) {
    let refused = recorder.take_refused();
    if refused.is_empty() {
        return;
    }
    let now = Timestamp::now();
    let written = desk.store().write(async move |tx: &mut Tx<'_>| {
        for (network, count) in &refused {
            let what = Happening::PhonesRefused { network: network.clone(), count: *count };
            tx.journal(now, Actor::Daemon, what).await?;
        }
        Ok::<(), DatabaseError>(())
    });
    if let Err(error) = written.await {
        tracing::warn!(%error, "cannot write down refusals");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Told;

    #[test]
    fn refusals_are_counted_by_network_and_of_so_many_networks_only() {
        let (recorder, _far) = Recorder::new();
        for _ in 0..3 {
            recorder.refused("192.0.2.7".parse().unwrap());
        }
        recorder.refused("2001:db8:1:2::3".parse().unwrap());
        for n in 0..NETWORKS as u32 {
            recorder.refused(IpAddr::from((0x0a00_0000 + (n << 8)).to_be_bytes()));
        }
        let refused = recorder.take_refused();
        assert_eq!((refused["192.0.2.0/24"], refused["2001:db8:1::/48"]), (3, 1));
        assert_eq!((refused.len(), refused["other networks"]), (NETWORKS + 1, 2));
    }

    #[test]
    fn what_the_queue_cannot_hold_is_lost_and_counted() {
        let (recorder, far) = Recorder::new();
        let note = || Note::Proven {
            phone: "0004132a0001".parse().unwrap(),
            proof: Proof::Key,
            key: None,
            at: Timestamp::UNIX_EPOCH,
        };
        for _ in 0..QUEUE + 5 {
            recorder.note(note());
        }
        assert_eq!((recorder.lost(), far.len()), (5, QUEUE));
    }

    #[test]
    fn refusals_leave_room_for_what_phones_of_ours_did() {
        let (recorder, far) = Recorder::new();
        for _ in 0..QUEUE {
            let request = PhoneRequest {
                at: Timestamp::UNIX_EPOCH,
                phone: Mac::PLACEHOLDER,
                from: IpAddr::from([192, 0, 2, 7]),
                method: String::new(),
                path: String::new(),
                agent: String::new(),
                status: 401,
                bytes: 0,
                why: Told::Challenged,
            };
            recorder.note(Note::Refused { request, is_ours: false, is_logged: true });
        }
        assert!(far.len() <= QUEUE / 2 + 1, "{}", far.len());
        let lost = recorder.lost();
        recorder.note(Note::Proven {
            phone: "0004132a0001".parse().unwrap(),
            proof: Proof::Key,
            key: None,
            at: Timestamp::UNIX_EPOCH,
        });
        assert_eq!(recorder.lost(), lost);
    }
}
