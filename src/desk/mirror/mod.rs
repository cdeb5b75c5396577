//! The mirror of a directory server: the store is made as it is there, by differences.
//!
//! A person is known by a key that stays. So a changed extension is a move: desk sessions, PIN, secrets,
//! personal files, desks and handsets go with the person. Who disappears is logged out everywhere at once.
//! Many people are written in bounded steps, so that a login in between does not wait for all of them.

mod plan;

use std::collections::HashSet;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

pub use plan::{Conflict, Refused};

use super::inventory::{drop_user, keep_user};
use super::{Desk, Error, floor};
use crate::model::{
    Actor, Attempts, Extension, Happening, MirrorState, Person, PersonKey, Pin, Supplied,
    TeamSettings, User, UserRecord, UserSource, Wanted, WantedKind,
};
use crate::store::Tx;
use plan::Plan;

/// How many people one transaction is about: memory is changed for all of them at once, and answers wait for that.
const TOGETHER: usize = 200;
/// How many removals or moves one transaction is about: each is many statements.
const FEW: usize = 20;
/// From how many new or changed people on the journal has one line for all of them.
const MANY: usize = 50;

/// What is different at the directory server.
#[derive(Debug, Default)]
pub struct MirrorChange {
    /// Who is new or may differ, as they are now.
    pub people: Vec<Person>,
    /// Who is no more.
    pub gone: Vec<PersonKey>,
    /// Whose entries make no sense any more: they stay as they are, until somebody else has their extension.
    pub lapsed: Vec<PersonKey>,
    /// How many people were added before, by [`Desk::mirror_new`].
    pub already: usize,
}

/// What bringing the mirror up to date changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mirrored {
    /// New users.
    pub added: usize,
    /// Users that differ now.
    pub changed: usize,
    /// Users that are no more.
    pub removed: usize,
    /// People who were not taken over, or not with what changed.
    pub conflicts: Vec<Refused>,
}

impl Desk {
    /// Whether this person is in the mirror exactly so.
    pub fn is_mirrored(&self, person: &Person) -> bool {
        // Compared once memory is free again: this is asked for everybody, one after the other.
        let user = self.store.memory().person(person.key).cloned();
        user.is_some_and(|user| is_same(&user, person))
    }

    /// Brings the mirror up to date. `told` hears how many of how many changes are written.
    ///
    /// # Errors
    /// The store failed. What was written before stays; the next time does the rest.
    pub async fn mirror(
        &self,
        change: MirrorChange,
        told: impl Fn(usize, usize),
        now: Timestamp,
        by: Actor,
    ) -> Result<Mirrored, Error> {
        let already = change.already;
        let Plan { removals, moves, saves, conflicts } = Plan::of(&self.store, change);
        let all = removals.len() + moves.iter().map(Vec::len).sum::<usize>() + saves.len();
        let mut done = Mirrored { conflicts, added: already, ..Mirrored::default() };
        let mut written = 0;
        for some in removals.chunks(FEW) {
            let (some, by) = (some.to_vec(), by.clone());
            let removed = self.store.write(async move |tx: &mut Tx<'_>| {
                for extension in &some {
                    drop_user(tx, extension, now, &by).await?;
                }
                Ok::<_, Error>(some.len())
            });
            done.removed += removed.await?;
            written = done.removed;
            told(written, all);
        }
        for ring in moves {
            written += ring.len();
            done.changed += self.move_people(ring, now, by.clone()).await?;
            told(written, all);
        }
        let is_many = saves.len() + already >= MANY;
        let mut saves = saves.into_iter().peekable();
        while saves.peek().is_some() {
            let some: Vec<Person> = saves.by_ref().take(TOGETHER).collect();
            written += some.len();
            let (added, changed, conflicts) =
                self.keep_people(some, is_many, now, by.clone()).await?;
            done.added += added;
            done.changed += changed;
            done.conflicts.extend(conflicts);
            told(written, all);
        }
        if is_many && done.added + done.changed > 0 {
            let (added, changed, removed) = (done.added, done.changed, done.removed);
            let what = Happening::PeopleMirrored { added, changed, removed };
            self.tell(what, now, by).await?;
        }
        Ok(done)
    }

    /// Adds people before all of them are known, so that many of them need no room beside the mirror. Tells the journal
    /// nothing: [`Desk::mirror`] does, at the end. Answers how many were added, and who was not.
    ///
    /// # Errors
    /// The store failed; none was added.
    pub async fn mirror_new(
        &self,
        people: Vec<Person>,
        now: Timestamp,
        by: Actor,
    ) -> Result<(usize, Vec<Refused>), Error> {
        let (added, _, refused) = self.keep_people(people, true, now, by).await?;
        Ok((added, refused))
    }

    /// How many people [`Desk::mirror_new`] takes at a time.
    pub const MIRROR_NEW: usize = TOGETHER;

    /// Keeps how far the mirror has come, and tells the journal where the server was not believed.
    ///
    /// # Errors
    /// The store failed.
    pub async fn mirror_state(
        &self,
        state: MirrorState,
        now: Timestamp,
        by: Actor,
    ) -> Result<(), Error> {
        let before = self.store.memory().mirror().and_then(|before| before.disbelieved);
        let kept = self.store.write(async move |tx: &mut Tx<'_>| {
            // Once, however often the server says it.
            if let (Some(found), None) = (state.disbelieved, before) {
                let (had, found) = (found.had, found.found);
                tx.journal(now, by.clone(), Happening::PeopleDisbelieved { had, found }).await?;
            }
            tx.save_mirror(state.clone()).await?;
            Ok::<_, Error>(())
        });
        Ok(kept.await?)
    }

    /// Keeps the teams as the directory server describes them, in place of those before.
    ///
    /// # Errors
    /// The store failed.
    pub async fn mirror_teams(
        &self,
        teams: Vec<TeamSettings>,
        now: Timestamp,
        by: Actor,
    ) -> Result<(), Error> {
        let kept = self.store.write(async move |tx: &mut Tx<'_>| {
            tx.journal(now, by.clone(), Happening::TeamsMirrored { count: teams.len() }).await?;
            tx.save_mirrored_teams(teams.clone()).await?;
            Ok::<_, Error>(())
        });
        Ok(kept.await?)
    }

    async fn tell(&self, what: Happening, now: Timestamp, by: Actor) -> Result<(), Error> {
        let told = self.store.write(async move |tx: &mut Tx<'_>| {
            tx.journal(now, by.clone(), what.clone()).await?;
            Ok::<_, Error>(())
        });
        Ok(told.await?)
    }

    /// New numbers for people, all or none of a ring. Answers how many there are.
    async fn move_people(
        &self,
        ring: Vec<(Extension, Person)>,
        now: Timestamp,
        by: Actor,
    ) -> Result<usize, Error> {
        let moved = self.store.write(async move |tx: &mut Tx<'_>| {
            let mut at: Vec<Extension> = ring.iter().map(|(from, _)| from.clone()).collect();
            let is_ring = ring.iter().any(|(_, person)| at.contains(&person.record.extension));
            if let (true, Some(first)) = (is_ring, at.first_mut()) {
                // Somebody has to step aside for the others.
                let aside = free_extension(tx).await?;
                if let Some(user) = tx.user(first).await? {
                    tx.move_user(first, User { extension: aside.clone(), ..user }, now).await?;
                    *first = aside;
                }
            }
            // The last one first: who stands before it waits for its number.
            for ((from, person), at) in ring.iter().zip(&at).rev() {
                let Some(old) = tx.user(at).await? else { continue };
                let user = merged(person.clone(), Some(&old));
                let to = user.extension.clone();
                tx.move_user(at, user, now).await?;
                tx.journal(
                    now,
                    by.clone(),
                    Happening::UserMoved { from: from.clone(), user: to.clone() },
                )
                .await?;
                show(tx, &to, now).await?;
                // What else changed, such as who may no longer log in.
                let floor = floor::load(tx, [], [to.clone()]).await?;
                if !person.record.hot_desk {
                    let changes = { floor }.forbid(&to, now);
                    floor::keep(tx, &changes, None, now, &by).await?;
                }
            }
            Ok::<_, Error>(ring.len())
        });
        Ok(moved.await?)
    }

    /// Adds or changes people; answers how many were new and how many changed.
    async fn keep_people(
        &self,
        people: Vec<Person>,
        is_many: bool,
        now: Timestamp,
        by: Actor,
    ) -> Result<(usize, usize, Vec<Refused>), Error> {
        let kept = self.store.write(async move |tx: &mut Tx<'_>| {
            let extensions: Vec<Extension> =
                people.iter().map(|person| person.record.extension.clone()).collect();
            let in_use = tx.extensions_in_use(&extensions).await?;
            let mut claimed: HashSet<&Extension> = HashSet::new();
            let (mut fresh, mut changed, mut conflicts) = (Vec::new(), 0, Vec::new());
            for person in &people {
                person.record.check()?;
                let extension = &person.record.extension;
                if !claimed.insert(extension) {
                    conflicts.push(Refused::of(person, Conflict::Duplicate(extension.clone())));
                } else if !in_use.contains(extension) {
                    fresh.push(merged(person.clone(), None));
                } else {
                    // Looked at again, because somebody may have been faster since the plan was made.
                    let why = match tx.user(extension).await? {
                        Some(old) if old.person == Some(person.key) => {
                            changed += 1;
                            let user = merged(person.clone(), Some(&old));
                            keep_user(tx, user, Some(&old), !is_many, now, &by).await?;
                            continue;
                        }
                        Some(old) if old.person.is_some() => Conflict::Duplicate,
                        Some(_) => Conflict::Elsewhere,
                        None => Conflict::Desk,
                    };
                    conflicts.push(Refused::of(person, why(extension.clone())));
                }
            }
            let added = fresh.len();
            if !is_many {
                for user in &fresh {
                    let user = user.extension.clone();
                    tx.journal(now, by.clone(), Happening::UserSaved { user }).await?;
                }
            }
            tx.add_users(fresh).await?;
            Ok::<_, Error>((added, changed, conflicts))
        });
        Ok(kept.await?)
    }
}

/// An extension that nobody has, for a moment.
async fn free_extension(tx: &mut Tx<'_>) -> Result<Extension, Error> {
    for number in 0..1_000_u32 {
        let Ok(extension) = format!("{number:011}").parse::<Extension>() else { continue };
        if tx.extensions_in_use(std::slice::from_ref(&extension)).await?.is_empty() {
            return Ok(extension);
        }
    }
    Err(Error::Busy)
}

/// The phones and handsets of somebody with another number show it, and the lamp its mailbox.
async fn show(tx: &mut Tx<'_>, user: &Extension, now: Timestamp) -> Result<(), Error> {
    for session in tx.sessions_of(user).await? {
        floor::want_resync(tx, session.phone, now).await?;
        tx.want(Wanted {
            kind: WantedKind::Lamp,
            target: session.phone.to_string(),
            value: floor::shown(Some(&session)),
            since: now,
            expires: None,
            attempts: Attempts::default(),
        })
        .await?;
    }
    for base in tx.bases_of(user).await? {
        floor::want_resync(tx, base.mac, now).await?;
    }
    Ok(())
}

/// The user that a person is, with what only we know of the one before.
fn merged(person: Person, old: Option<&User>) -> User {
    let mut user = person.record.with_secrets_of(old, UserSource::Ldap);
    user.person = Some(person.key);
    if let Supplied::Is(pin) = person.pin {
        user.pin = pin;
    }
    if let Supplied::Is(secret) = person.sip_secret {
        user.sip_secret = secret;
    }
    user
}

fn is_same(user: &User, person: &Person) -> bool {
    let UserRecord {
        extension,
        name,
        hot_desk,
        away,
        groups,
        teams,
        params,
        variables,
        keys,
        settings,
    } = &person.record;
    user.source == UserSource::Ldap
        && user.extension == *extension
        && user.name == *name
        && user.hot_desk == *hot_desk
        && user.away == *away
        && user.groups == *groups
        && user.teams == *teams
        && user.params.are(params)
        && user.variables.are(variables)
        && user.keys == *keys
        && user.settings == *settings
        && is_same_secret(&person.pin, user.pin.as_ref(), Pin::secret)
        && is_same_secret(&person.sip_secret, user.sip_secret.as_ref(), |secret| secret)
}

fn is_same_secret<T>(
    supplied: &Supplied<T>,
    kept: Option<&T>,
    secret: fn(&T) -> &SecretString,
) -> bool {
    let digits = |kept: Option<&T>| kept.map(|kept| secret(kept).expose_secret().to_owned());
    match supplied {
        Supplied::NotAsked => true,
        Supplied::Is(supplied) => digits(supplied.as_ref()) == digits(kept),
    }
}

#[cfg(test)]
mod tests;
