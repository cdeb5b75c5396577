//! Many phones at once: all of them or none, and nobody who logs in meanwhile waits for long.
//!
//! They are gathered in the store a few at a time, and become phones in one short step. Owners sit down at new phones
//! without anything being wanted of these: a phone that was never here has nothing to be told.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::enrolment::new_key;
use super::{Desk, Error, floor, new_secret};
use crate::model::{
    Actor, AgentStatus, Attempts, Change, DeskSession, Enrolment, Extension, Floor, Happening, Mac,
    Phone, Seat, Wanted, WantedKind,
};
use crate::store::{ImportConflict, NewPhone, Tx};

/// How many phones one transaction gathers.
const TOGETHER: usize = 200;
/// Up to how many desks with another owner only the floor around them is looked at.
const FEW: usize = 20;

/// Phones to be added and changed.
#[derive(Debug, Default)]
pub struct PhoneImport {
    /// New ones; their secrets are made here.
    pub new: Vec<Phone>,
    /// Each as it was when that was thought through, and as it is to be. Only what stands in an inventory is taken over:
    /// not secrets, settings, handsets.
    pub changed: Vec<(Arc<Phone>, Phone)>,
    /// Whether new phones may come with nothing but their MAC address, as long as the settings say.
    pub window: bool,
}

/// What an import changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhonesImported {
    /// New phones.
    pub added: usize,
    /// Phones that differ now.
    pub changed: usize,
    /// Owners who sat down.
    pub seated: usize,
}

impl Desk {
    /// Adds and changes phones, all or none. `told` hears how many of how many are gathered.
    ///
    /// # Errors
    /// Another import runs, something changed since this one was thought through, or the store failed; nothing changed.
    pub async fn import_phones(
        &self,
        import: PhoneImport,
        told: impl Fn(usize, usize),
        now: Timestamp,
        by: Actor,
    ) -> Result<PhonesImported, Error> {
        let _only = self.importing.try_lock().map_err(|_| Error::Importing)?;
        if import.new.is_empty() && import.changed.is_empty() {
            return Ok(PhonesImported::default());
        }
        let window = now.checked_add(self.settings.window).ok();
        let window = window.filter(|until| import.window && now < *until);
        let new = import.new.into_iter().map(|phone| {
            let phone = Phone { secret: new_secret(), ..phone };
            let (mac, key) = (phone.mac, new_key());
            let enrolment = Enrolment { phone: mac, key, old_key: None, window, proven: None };
            NewPhone { phone, enrolment }
        });
        let new: Arc<Vec<NewPhone>> = Arc::new(new.collect());
        let changed: Arc<Vec<(Arc<Phone>, Phone)>> = Arc::new(import.changed);
        let done = match self.gather(&new, &changed, told).await {
            Ok(()) => self.take(Arc::clone(&new), Arc::clone(&changed), now, by).await,
            Err(error) => Err(error),
        };
        if done.is_err() {
            // What is left there is forgotten before the next import at the latest.
            let _ = self.forget_imports().await;
        }
        done
    }

    async fn forget_imports(&self) -> Result<(), Error> {
        let forgotten =
            self.store.write(async |tx: &mut Tx<'_>| Ok::<_, Error>(tx.forget_imports().await?));
        Ok(forgotten.await?)
    }

    /// Puts the phones where they are not phones yet.
    async fn gather(
        &self,
        new: &Arc<Vec<NewPhone>>,
        changed: &Arc<Vec<(Arc<Phone>, Phone)>>,
        told: impl Fn(usize, usize),
    ) -> Result<(), Error> {
        let all = new.len() + changed.len();
        self.forget_imports().await?;
        for from in (0..new.len()).step_by(TOGETHER) {
            let some = Arc::clone(new);
            let gathered = self.store.write(async move |tx: &mut Tx<'_>| {
                let to = some.len().min(from + TOGETHER);
                tx.gather_new(some.get(from..to).unwrap_or_default()).await?;
                Ok::<_, Error>(to)
            });
            told(gathered.await?, all);
        }
        for from in (0..changed.len()).step_by(TOGETHER) {
            let some = Arc::clone(changed);
            let gathered = self.store.write(async move |tx: &mut Tx<'_>| {
                let to = some.len().min(from + TOGETHER);
                let some = some.get(from..to).unwrap_or_default();
                let some: Vec<Phone> = some.iter().map(|(_, phone)| phone.clone()).collect();
                tx.gather_changed(&some).await?;
                Ok::<_, Error>(to)
            });
            told(new.len() + gathered.await?, all);
        }
        Ok(())
    }

    /// Makes phones of what was gathered.
    async fn take(
        &self,
        new: Arc<Vec<NewPhone>>,
        changed: Arc<Vec<(Arc<Phone>, Phone)>>,
        now: Timestamp,
        by: Actor,
    ) -> Result<PhonesImported, Error> {
        let taken = self.store.write(async move |tx: &mut Tx<'_>| {
            if let Some(conflict) = tx.import_conflict().await? {
                return Err(overtaken(&conflict));
            }
            let before = tx.phones_to_change().await?;
            let after = merged(&before, &changed)?;
            let (added, altered) = (new.len(), after.len());
            let seats = other_seats(&new, &before, &after);
            let mut floor = match seats.len() {
                0 => Floor::default(),
                1..=FEW => {
                    let owners: Vec<Extension> =
                        seats.iter().filter_map(|(_, seat)| seat.owner.clone()).collect();
                    floor::load(tx, seats.iter().map(|(mac, _)| *mac), owners).await?
                }
                _ => tx.floor().await?,
            };
            let resync: Vec<Mac> = after.iter().map(|phone| phone.mac).collect();
            tx.take_imports(new.to_vec(), after, &before, now).await?;
            let were: BTreeSet<Extension> = seated(&floor);
            let changes = floor.place_all(seats, now);
            let fresh: HashSet<Mac> = new.iter().map(|new| new.phone.mac).collect();
            let began = seat(tx, &changes, &fresh, now, &by).await?;
            let mut wanted = statuses(tx, &changes, &were, &floor, now).await?;
            wanted.extend(phones_wanted(&resync, &changes, &fresh, &floor, now));
            tx.want_all(wanted).await?;
            let what = Happening::PhonesImported { added, changed: altered, seated: began };
            tx.journal(now, by.clone(), what).await?;
            Ok(PhonesImported { added, changed: altered, seated: began })
        });
        Ok(taken.await?)
    }
}

fn overtaken(conflict: &ImportConflict) -> Error {
    Error::Overtaken(match conflict {
        ImportConflict::Phone(mac) => format!("phone {mac} was added"),
        ImportConflict::Owner(owner) => format!("user {owner} was removed"),
        ImportConflict::DeskExtension(extension) => format!("extension {extension} was taken"),
    })
}

/// The phones as they are to be, with what an import does not set as it is now.
fn merged(before: &[Phone], changed: &[(Arc<Phone>, Phone)]) -> Result<Vec<Phone>, Error> {
    let now: HashMap<Mac, &Phone> = before.iter().map(|phone| (phone.mac, phone)).collect();
    let changed = changed.iter().map(|(old, new)| {
        let is = now.get(&old.mac).copied().filter(|is| is_same(is, old));
        let is = is.ok_or_else(|| Error::Overtaken(format!("phone {} was changed", old.mac)))?;
        let (secret, settings, handsets) =
            (is.secret.clone(), is.settings.clone(), is.handsets.clone());
        Ok(Phone { secret, settings, handsets, ..new.clone() })
    });
    changed.collect()
}

/// Whether nothing of a phone is different that an import sets, or that stands in its way.
fn is_same(a: &Phone, b: &Phone) -> bool {
    (&a.vendor, &a.model, &a.label, &a.tags) == (&b.vendor, &b.model, &b.label, &b.tags)
        && (&a.owner, &a.desk_extension) == (&b.owner, &b.desk_extension)
        && (a.hot_desk, &a.emergency, a.logout) == (b.hot_desk, &b.emergency, b.logout)
        && a.handsets.is_empty() == b.handsets.is_empty()
}

/// Where somebody may come to sit, or has to leave.
fn other_seats(new: &[NewPhone], before: &[Phone], after: &[Phone]) -> Vec<(Mac, Seat)> {
    let owners: HashMap<Mac, &Option<Extension>> =
        before.iter().map(|phone| (phone.mac, &phone.owner)).collect();
    let of =
        |phone: &Phone| (phone.mac, Seat { owner: phone.owner.clone(), hot_desk: phone.hot_desk });
    let new = new.iter().map(|new| &new.phone).filter(|phone| phone.owner.is_some());
    let other = after.iter().filter(|phone| owners.get(&phone.mac).copied() != Some(&phone.owner));
    new.chain(other).map(of).collect()
}

/// Who sits somewhere.
fn seated(floor: &Floor) -> BTreeSet<Extension> {
    floor.sessions.values().map(|session| session.user.clone()).collect()
}

/// Makes the sessions durable, and tells the journal of those that ended. Answers how many began.
async fn seat(
    tx: &mut Tx<'_>,
    changes: &[Change],
    fresh: &HashSet<Mac>,
    now: Timestamp,
    by: &Actor,
) -> Result<usize, Error> {
    let mut began = Vec::new();
    for change in changes {
        match change {
            Change::Began(session) if fresh.contains(&session.phone) => began.push(session.clone()),
            Change::Began(session) => tx.begin_session(session.clone()).await?,
            Change::Ended(session, reason) => {
                tx.end_session(session.phone).await?;
                let DeskSession { phone, user, .. } = session.clone();
                let what = Happening::Logout { phone, user, reason: reason.clone() };
                tx.journal(now, by.clone(), what).await?;
            }
        }
    }
    tx.begin_sessions(began).await?;
    Ok(changes.iter().filter(|change| matches!(change, Change::Began(_))).count())
}

/// What the queues should know: who came, and who went.
async fn statuses(
    tx: &mut Tx<'_>,
    changes: &[Change],
    were: &BTreeSet<Extension>,
    floor: &Floor,
    now: Timestamp,
) -> Result<Vec<Wanted>, Error> {
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let are = seated(floor);
    let in_teams = tx.users_in_teams().await?;
    let other = in_teams.iter().filter(|user| were.contains(*user) != are.contains(*user));
    let wanted = other.map(|user| {
        let status = match are.contains(user) {
            true => AgentStatus::Available,
            false => AgentStatus::LoggedOut,
        };
        wanted(WantedKind::Agent, user.to_string(), status.to_string(), now)
    });
    Ok(wanted.collect())
}

/// What phones should come to that were here before: those that changed, and those where somebody came or left.
fn phones_wanted(
    changed: &[Mac],
    changes: &[Change],
    fresh: &HashSet<Mac>,
    floor: &Floor,
    now: Timestamp,
) -> Vec<Wanted> {
    let moved: BTreeSet<Mac> =
        changes.iter().map(Change::phone).filter(|mac| !fresh.contains(mac)).collect();
    let resync: BTreeSet<Mac> = changed.iter().chain(&moved).copied().collect();
    let of = |kind: WantedKind, phone: Mac| {
        wanted(kind, phone.to_string(), floor::shown(floor.sessions.get(&phone)), now)
    };
    let resync = resync.iter().map(|phone| of(WantedKind::Resync, *phone));
    resync.chain(moved.iter().map(|phone| of(WantedKind::Lamp, *phone))).collect()
}

fn wanted(kind: WantedKind, target: String, value: String, now: Timestamp) -> Wanted {
    Wanted { kind, target, value, since: now, expires: None, attempts: Attempts::default() }
}
