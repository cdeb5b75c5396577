//! Desk sessions: who sits where, and the rules by which that changes.
//!
//! A *floor* is what the rules see: the phones, sessions and users that a change can touch. Each rule
//! changes the floor and returns the changes in order; the caller makes them durable, all or none.
//!
//! **The owner.** A phone with an owner falls back to that user when nobody else sits there. The
//! fallback is a session like any other ([`SessionOrigin::Owner`]), so that whoever reads sessions
//! needs no second rule. The owner's logging in elsewhere with "here only" ends it, and it comes back
//! when that login ends. While a guest sits at the desk the owner is not there. An owner who logs out
//! at the own desk leaves it nobody's until the next login there, or the next return.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Extension, Mac};

/// A user at a phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeskSession {
    /// Where.
    pub phone: Mac,
    /// Who.
    pub user: Extension,
    /// Since when.
    pub since: Timestamp,
    /// How it came about.
    pub origin: SessionOrigin,
}

impl DeskSession {
    /// Whether it is of somebody who is not the phone's owner.
    pub fn is_guest(&self) -> bool {
        self.origin != SessionOrigin::Owner
    }
}

/// How a desk session came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionOrigin {
    /// Login here, out everywhere else.
    Only,
    /// Login here too.
    Also,
    /// The phone's owner, fallen back or logged in.
    Owner,
}

impl SessionOrigin {
    /// The name in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Only => "only",
            Self::Also => "also",
            Self::Owner => "owner",
        }
    }

    /// The origin of that name.
    pub fn of(name: &str) -> Option<Self> {
        [Self::Only, Self::Also, Self::Owner].into_iter().find(|origin| origin.as_str() == name)
    }
}

/// What a login does to the user's other phones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LoginMode {
    /// Logs out everywhere else.
    Only,
    /// Leaves the others as they are.
    Also,
}

/// Why a desk session ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndReason {
    /// Somebody else logged in here.
    TakenOver(Extension),
    /// The user logged in at another phone, here only.
    LoggedInElsewhere(Mac),
    /// Logged out at this phone.
    LoggedOut,
    /// Logged out of all phones.
    LoggedOutEverywhere,
    /// The user is no more.
    UserRemoved,
    /// The user may no longer log in at desk phones.
    MayNotHotDesk,
    /// The phone is no more.
    PhoneRemoved,
    /// The phone got another owner, or none.
    OwnerChanged,
    /// It was the time of the day at which people are logged out there.
    TimeOfDay,
    /// There was no call for as long as people are logged out there after.
    Idle,
}

/// A step of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// This session began.
    Began(DeskSession),
    /// This session ended.
    Ended(DeskSession, EndReason),
}

impl Change {
    /// The phone at which something changed.
    pub fn phone(&self) -> Mac {
        match self {
            Self::Began(session) | Self::Ended(session, _) => session.phone,
        }
    }
}

/// Why a login is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The phone is not in the inventory.
    #[error("this phone is not in the inventory")]
    UnknownPhone,
    /// Nobody may log in at this phone but its owner.
    #[error("nobody but its owner may log in at this phone")]
    PhoneMayNot,
    /// No such user.
    #[error("there is no such user")]
    UnknownUser,
    /// The user may not log in at desk phones.
    #[error("this user may not log in at desk phones")]
    UserMayNot,
}

/// A phone as the rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// Whom it falls back to.
    pub owner: Option<Extension>,
    /// Whether others than the owner may log in.
    pub hot_desk: bool,
}

/// What the rules see. It must hold, for the phones and users named in a call: these, their sessions,
/// the phones owned by these users and by the users whose sessions may end, and the users of all those.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Floor {
    /// The phones.
    pub seats: BTreeMap<Mac, Seat>,
    /// Who sits where.
    pub sessions: BTreeMap<Mac, DeskSession>,
    /// The users, and whether each may log in at desk phones.
    pub users: BTreeMap<Extension, bool>,
}

impl Floor {
    /// `user` logs in at `phone`. Who sat there is displaced. Logging in again where one sits already
    /// is allowed, and with [`LoginMode::Only`] ends the user's other sessions.
    ///
    /// # Errors
    /// The phone or the user is unknown or may not hot-desk; nothing changed.
    pub fn log_in(
        &mut self,
        phone: Mac,
        user: &Extension,
        mode: LoginMode,
        now: Timestamp,
    ) -> Result<Vec<Change>, Refusal> {
        let seat = self.seats.get(&phone).ok_or(Refusal::UnknownPhone)?;
        let may = *self.users.get(user).ok_or(Refusal::UnknownUser)?;
        let owns = seat.owner.as_ref() == Some(user);
        if !owns && !seat.hot_desk {
            return Err(Refusal::PhoneMayNot);
        }
        if !owns && !may {
            return Err(Refusal::UserMayNot);
        }
        let mut step = Step::new(self, now);
        if mode == LoginMode::Only {
            for other in step.phones_of(user).filter(|mac| *mac != phone).collect::<Vec<_>>() {
                step.end(other, EndReason::LoggedInElsewhere(phone));
            }
        }
        let already_here = step.floor.sessions.get(&phone).is_some_and(|s| s.user == *user);
        let origin = match mode {
            _ if owns => SessionOrigin::Owner,
            LoginMode::Only => SessionOrigin::Only,
            LoginMode::Also => SessionOrigin::Also,
        };
        if already_here {
            step.floor.sessions.entry(phone).and_modify(|session| {
                // "Here only" stays "here only" until it ends: `*12` on one's own phone adds nothing.
                if mode == LoginMode::Only {
                    session.origin = origin;
                }
            });
            let session = step.floor.sessions.get(&phone).cloned();
            step.changes.extend(session.map(Change::Began));
        } else {
            step.end(phone, EndReason::TakenOver(user.clone()));
            step.begin(phone, user, origin);
        }
        Ok(step.settle(Some(user)))
    }

    /// Whoever sits at `phone` logs out there. Nobody there: nothing changes.
    pub fn log_out(&mut self, phone: Mac, now: Timestamp) -> Vec<Change> {
        let leaving = self.sessions.get(&phone).map(|session| session.user.clone());
        let mut step = Step::new(self, now);
        step.end(phone, EndReason::LoggedOut);
        // Leaving the own desk is leaving it; leaving another one is going home.
        step.left.extend(leaving.map(|user| (phone, user)));
        step.settle(None)
    }

    /// Whoever sits at `phone` is logged out because nobody seems to be there. An owner at the own desk stays: that is
    /// what the desk falls back to.
    pub fn log_out_unattended(
        &mut self,
        phone: Mac,
        reason: EndReason,
        now: Timestamp,
    ) -> Vec<Change> {
        if !self.sessions.get(&phone).is_some_and(DeskSession::is_guest) {
            return Vec::new();
        }
        let mut step = Step::new(self, now);
        step.end(phone, reason);
        step.settle(None)
    }

    /// `user` logs out of all phones, the own desk included.
    pub fn log_out_everywhere(&mut self, user: &Extension, now: Timestamp) -> Vec<Change> {
        self.end_all(user, EndReason::LoggedOutEverywhere, now)
    }

    /// `user` may no longer log in at desk phones: only the own desk stays.
    pub fn forbid(&mut self, user: &Extension, now: Timestamp) -> Vec<Change> {
        self.users.entry(user.clone()).and_modify(|may| *may = false);
        let mut step = Step::new(self, now);
        let guest = |s: &&DeskSession| s.user == *user && s.origin != SessionOrigin::Owner;
        let phones: Vec<Mac> =
            step.floor.sessions.values().filter(guest).map(|s| s.phone).collect();
        for phone in phones {
            step.end(phone, EndReason::MayNotHotDesk);
        }
        step.settle(None)
    }

    /// `user` is removed; desks that were the user's own have no owner now.
    pub fn remove_user(&mut self, user: &Extension, now: Timestamp) -> Vec<Change> {
        self.users.remove(user);
        for seat in self.seats.values_mut().filter(|seat| seat.owner.as_ref() == Some(user)) {
            seat.owner = None;
        }
        self.end_all(user, EndReason::UserRemoved, now)
    }

    /// `phone` is removed.
    pub fn remove_phone(&mut self, phone: Mac, now: Timestamp) -> Vec<Change> {
        self.seats.remove(&phone);
        let mut step = Step::new(self, now);
        step.end(phone, EndReason::PhoneRemoved);
        step.settle(None)
    }

    /// `phone` is new, or its owner is now `seat.owner`. The old owner's fallback ends; a guest stays.
    pub fn place(&mut self, phone: Mac, seat: Seat, now: Timestamp) -> Vec<Change> {
        self.place_all([(phone, seat)], now)
    }

    /// The same of many phones.
    pub fn place_all(
        &mut self,
        seats: impl IntoIterator<Item = (Mac, Seat)>,
        now: Timestamp,
    ) -> Vec<Change> {
        let mut step = Step::new(self, now);
        for (phone, seat) in seats {
            let owner = seat.owner.clone();
            let old = step.floor.seats.insert(phone, seat);
            if old.is_some_and(|old| old.owner == owner) {
                continue;
            }
            step.freed.insert(phone);
            match step.floor.sessions.get_mut(&phone) {
                Some(session) if Some(&session.user) == owner.as_ref() => {
                    // The guest who sits here is at home now.
                    session.origin = SessionOrigin::Owner;
                    step.returning.insert(session.user.clone());
                    step.changes.push(Change::Began(session.clone()));
                }
                Some(session) if session.origin == SessionOrigin::Owner => {
                    step.end(phone, EndReason::OwnerChanged);
                }
                _ => {}
            }
        }
        step.settle(None)
    }

    fn end_all(&mut self, user: &Extension, reason: EndReason, now: Timestamp) -> Vec<Change> {
        let mut step = Step::new(self, now);
        for phone in step.phones_of(user).collect::<Vec<_>>() {
            step.end(phone, reason.clone());
        }
        step.settle(Some(user))
    }
}

/// A change in the making.
struct Step<'a> {
    floor: &'a mut Floor,
    now: Timestamp,
    changes: Vec<Change>,
    /// Phones that somebody left: their owners may come back.
    freed: BTreeSet<Mac>,
    /// Users who were somewhere else "here only", and no longer are: they may go home.
    returning: BTreeSet<Extension>,
    /// Who left which phone on purpose, and so does not fall back to it now.
    left: BTreeSet<(Mac, Extension)>,
}

impl<'a> Step<'a> {
    fn new(floor: &'a mut Floor, now: Timestamp) -> Self {
        Self {
            floor,
            now,
            changes: Vec::new(),
            freed: BTreeSet::new(),
            returning: BTreeSet::new(),
            left: BTreeSet::new(),
        }
    }

    fn phones_of<'b>(&'b self, user: &'b Extension) -> impl Iterator<Item = Mac> + 'b {
        self.floor
            .sessions
            .values()
            .filter(move |session| session.user == *user)
            .map(|session| session.phone)
    }

    fn begin(&mut self, phone: Mac, user: &Extension, origin: SessionOrigin) {
        let session = DeskSession { phone, user: user.clone(), since: self.now, origin };
        self.floor.sessions.insert(phone, session.clone());
        self.changes.push(Change::Began(session));
    }

    fn end(&mut self, phone: Mac, reason: EndReason) {
        if let Some(session) = self.floor.sessions.remove(&phone) {
            self.freed.insert(phone);
            if session.origin == SessionOrigin::Only {
                self.returning.insert(session.user.clone());
            }
            self.changes.push(Change::Ended(session, reason));
        }
    }

    /// Lets owners return to the desks that are theirs and free; `not_now` is who acts, and is where
    /// that user said.
    fn settle(mut self, not_now: Option<&Extension>) -> Vec<Change> {
        let only = |session: &&DeskSession| session.origin == SessionOrigin::Only;
        let only_elsewhere: BTreeSet<&Extension> =
            self.floor.sessions.values().filter(only).map(|session| &session.user).collect();
        let home: Vec<(Mac, Extension)> = self
            .floor
            .seats
            .iter()
            .filter_map(|(phone, seat)| Some((*phone, seat.owner.clone()?)))
            .filter(|(phone, owner)| {
                (self.freed.contains(phone) || self.returning.contains(owner))
                    && !self.floor.sessions.contains_key(phone)
                    && !self.left.contains(&(*phone, owner.clone()))
                    && not_now != Some(owner)
                    && self.floor.users.contains_key(owner)
                    && !only_elsewhere.contains(owner)
            })
            .collect();
        for (phone, owner) in home {
            self.begin(phone, &owner, SessionOrigin::Owner);
        }
        self.changes
    }
}

#[cfg(test)]
mod tests;
