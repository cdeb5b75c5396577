//! What to do about what is wanted: decided here, without IO and clock.

pub(super) mod confirmation;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::events::CheckedEvents;
use crate::event_socket::SettingText;
use crate::model::{Attempts, Extension, Mac, NotShown, Wanted, WantedKind};
use confirmation::Step;

/// How many rows are given up in one round: each is a line of the journal, and a login must not wait behind thousands.
const MOST_GIVEN_UP: usize = 64;

/// What is known of a phone, over all nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// Whether it is in the inventory.
    pub known: bool,
    /// Whether it is registered anywhere.
    pub registered: bool,
    /// When a registration of it appeared that was not there before.
    pub anew: Option<Timestamp>,
    /// Since when every node that is connected is; absent while none is.
    pub watched: Option<Timestamp>,
    /// Since when it has a channel anywhere.
    pub call: Option<Timestamp>,
    /// Who sits there.
    pub user: Option<Extension>,
}

/// Where the plan looks things up. A row that is not due costs no look.
pub(super) trait Look {
    /// What is known of a phone.
    fn facts(&self, phone: Mac) -> Facts;
    /// What a phone understands.
    fn events(&self, phone: Mac) -> CheckedEvents;
}

/// Why a row is not done yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// The phone is not registered.
    Unregistered,
    /// The phone is in a call.
    InCall {
        /// Since when at least.
        since: Timestamp,
    },
    /// It is being done.
    UnderWay,
    /// The phone was told, and has not fetched its configuration yet.
    Unconfirmed {
        /// How often it was told.
        tries: u32,
        /// When the next step is due.
        next: Timestamp,
    },
    /// The phone does not show what it should.
    NotShown {
        /// Why.
        reason: NotShown,
    },
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unregistered => f.write_str("it is not registered"),
            Self::InCall { since } => write!(f, "it is in a call since {since:.0}"),
            Self::UnderWay => f.write_str("it is being told"),
            Self::Unconfirmed { tries, next } => {
                let times = if *tries == 1 { "once" } else { &format!("{tries} times") };
                write!(
                    f,
                    "it was told {times} and has not fetched yet; the next step is at {next:.0}"
                )
            }
            Self::NotShown { reason } => reason.fmt(f),
        }
    }
}

/// Why a row is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dropped {
    /// It was wanted soon or not at all.
    Expired,
    /// The phone is no longer in the inventory.
    NoPhone,
}

/// What one phone is to be told now, in this order: the lamp, then the check-sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Errand {
    pub phone: Mac,
    /// The message lamp: of this user's mailbox, or dark.
    pub lamp: Option<Lamp>,
    /// Fetch the configuration, or restart for it: the event that means it.
    pub sync: Option<SettingText>,
    /// The rows that are done by it.
    pub rows: Vec<Arc<Wanted>>,
    /// The row that waits for the phone's fetch after the check-sync, and how far it is then.
    pub tried: Option<(Arc<Wanted>, Attempts)>,
}

/// Whose messages the lamp shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lamp {
    Of(Extension),
    Dark,
}

impl Errand {
    /// How many NOTIFYs it takes for each registration.
    pub(super) fn notifies(&self) -> usize {
        usize::from(self.lamp.is_some()) + usize::from(self.sync.is_some())
    }
}

/// A row that stays, of a phone that counts as not shown from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GivenUp {
    pub row: Arc<Wanted>,
    pub attempts: Attempts,
    pub reason: NotShown,
}

/// All that is to be done, one errand a phone, and what waits.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub errands: Vec<Errand>,
    pub dropped: Vec<(Arc<Wanted>, Dropped)>,
    pub given_up: Vec<GivenUp>,
    pub waiting: Vec<(Arc<Wanted>, Waiting)>,
    /// When something is due next that is not due yet.
    pub next: Option<Timestamp>,
}

/// The rows of one phone.
#[derive(Default)]
struct Rows {
    lamp: Option<Arc<Wanted>>,
    resync: Option<Arc<Wanted>>,
    restart: Option<Arc<Wanted>>,
}

impl Rows {
    fn keep(&mut self, row: Arc<Wanted>) {
        let place = match row.kind {
            WantedKind::Lamp => &mut self.lamp,
            WantedKind::Resync => &mut self.resync,
            WantedKind::Restart => &mut self.restart,
            // No row of a phone.
            WantedKind::Agent => return,
        };
        *place = Some(row);
    }

    fn is_empty(&self) -> bool {
        self.lamp.is_none() && self.resync.is_none() && self.restart.is_none()
    }

    /// Whether there is nothing but a row that waits for a fetch and is not given up.
    fn is_lone_series(&self) -> bool {
        let resync = self.resync.as_deref().map(|row| row.attempts);
        self.lamp.is_none()
            && self.restart.is_none()
            && resync.is_some_and(|one| one.told.is_some() && one.not_shown.is_none())
    }

    fn into_iter(self) -> impl Iterator<Item = Arc<Wanted>> {
        [self.lamp, self.resync, self.restart].into_iter().flatten()
    }
}

/// Whose turn it is: one round takes `most` errands, beginning behind the phone that was `last`, so that one whom nothing
/// reaches does not stand in front of the others for ever.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    pub last: Option<Mac>,
    pub most: usize,
}

/// Decides. Rows whose target is no phone are somebody else's and left alone. The errands come in the order of their
/// turns.
pub(super) fn plan(
    rows: impl IntoIterator<Item = Arc<Wanted>>,
    look: &impl Look,
    turn: Turn,
    now: Timestamp,
) -> Plan {
    let mut phones: BTreeMap<Mac, Rows> = BTreeMap::new();
    let mut plan = Plan::default();
    for row in rows {
        let Ok(phone) = row.target.parse() else { continue };
        match row.expires {
            Some(at) if at <= now => plan.dropped.push((row, Dropped::Expired)),
            expires => {
                plan.not_after(expires);
                phones.entry(phone).or_default().keep(row);
            }
        }
    }
    let mut behind = turn.last.map(|last| phones.split_off(&last)).unwrap_or_default();
    let own = turn.last.and_then(|last| behind.remove_entry(&last));
    for (phone, rows) in behind.into_iter().chain(phones).chain(own) {
        plan.decide(phone, rows, look, turn.most, now);
    }
    plan
}

impl Plan {
    /// What to do about one phone.
    fn decide(
        &mut self,
        phone: Mac,
        mut rows: Rows,
        look: &impl Look,
        most: usize,
        now: Timestamp,
    ) {
        // Nothing that the phone does hastens a row in its series, so most cost no look.
        if rows.is_lone_series() {
            self.set_aside(&mut rows, None, now);
        }
        // Nor do those whose turn does not come in this round.
        if self.errands.len() >= most {
            self.waiting.extend(rows.into_iter().map(|row| {
                let not_shown = row.attempts.not_shown.is_some();
                let waiting = not_shown.then(|| confirmation::waiting(&row.attempts, now));
                (row, waiting.unwrap_or(Waiting::UnderWay))
            }));
            return;
        }
        if rows.is_empty() {
            return;
        }
        let facts = look.facts(phone);
        if !facts.known {
            self.dropped.extend(rows.into_iter().map(|row| (row, Dropped::NoPhone)));
        } else if facts.registered {
            // A restart makes the phone fetch its configuration too, so it does not wait for the other row's turn.
            if rows.restart.is_none() {
                self.set_aside(&mut rows, facts.anew, now);
            }
            match facts.call {
                Some(since) => {
                    let waiting = Waiting::InCall { since };
                    self.waiting.extend(rows.into_iter().map(|row| (row, waiting)));
                }
                None if rows.is_empty() => {}
                None => self.go(phone, rows, facts.user, look, now),
            }
        } else {
            let resync = rows.resync.take();
            self.waiting.extend(rows.into_iter().map(|row| (row, Waiting::Unregistered)));
            if let Some(row) = resync {
                self.stay_away(phone, row, facts.watched, look, now);
            }
        }
    }

    /// A row that waits for a fetch and is not due goes to those that wait.
    fn set_aside(&mut self, rows: &mut Rows, anew: Option<Timestamp>, now: Timestamp) {
        let due = |row: &Wanted| confirmation::due(&row.attempts, anew).filter(|at| *at > now);
        let Some(next) = rows.resync.as_deref().and_then(due) else { return };
        if let Some(row) = rows.resync.take() {
            self.not_after(Some(next));
            let waiting = confirmation::waiting(&row.attempts, next);
            self.waiting.push((row, waiting));
        }
    }

    /// What a phone is told that is there and has no call.
    fn go(
        &mut self,
        phone: Mac,
        rows: Rows,
        user: Option<Extension>,
        look: &impl Look,
        now: Timestamp,
    ) {
        let lamp = rows.lamp.is_some().then(|| user.map_or(Lamp::Dark, Lamp::Of));
        let mut errand = Errand { phone, lamp, sync: None, rows: Vec::new(), tried: None };
        errand.rows.extend(rows.lamp);
        if rows.resync.is_some() || rows.restart.is_some() {
            let CheckedEvents { reload, reboot, confirms, may_restart } = look.events(phone);
            let mut restarts = rows.restart.is_some();
            let mut syncs = restarts;
            match rows.resync {
                None => {}
                Some(row) if confirms => {
                    let can_restart = may_restart && reboot.is_some();
                    let step = if restarts {
                        Step::Reload
                    } else {
                        confirmation::step(&row.attempts, can_restart)
                    };
                    if let Step::GiveUp(reason) = step {
                        self.give_up(row, reason, now);
                    } else {
                        let restart = step == Step::Restart;
                        let attempts = confirmation::told(&row.attempts, restart, now);
                        (restarts, syncs) = (restarts || restart, true);
                        errand.tried = Some((row, attempts));
                    }
                }
                Some(row) => {
                    errand.rows.push(row);
                    syncs = true;
                }
            }
            errand.rows.extend(rows.restart);
            errand.sync = if restarts { reboot.or(reload) } else { reload }.filter(|_| syncs);
        }
        let tried = errand.tried.iter().map(|(row, _)| row);
        let told = errand.rows.iter().chain(tried).cloned();
        self.waiting.extend(told.map(|row| (row, Waiting::UnderWay)));
        if errand.notifies() > 0 {
            self.errands.push(errand);
        }
    }

    /// The row of a phone that is not registered.
    fn stay_away(
        &mut self,
        phone: Mac,
        row: Arc<Wanted>,
        watched: Option<Timestamp>,
        look: &impl Look,
        now: Timestamp,
    ) {
        let reason = NotShown::Unregistered;
        if row.attempts.not_shown.is_some() {
            self.waiting.push((row, Waiting::NotShown { reason }));
            return;
        }
        let until = watched.map(|at| confirmation::away_until(row.since, &row.attempts, at));
        self.not_after(until.filter(|at| *at > now));
        if until.is_some_and(|at| at <= now) && look.events(phone).confirms {
            self.give_up(row, reason, now);
        } else {
            self.waiting.push((row, Waiting::Unregistered));
        }
    }

    /// The row counts as not shown, now or in one of the next rounds.
    fn give_up(&mut self, row: Arc<Wanted>, reason: NotShown, now: Timestamp) {
        self.waiting.push((Arc::clone(&row), Waiting::NotShown { reason }));
        if self.given_up.len() < MOST_GIVEN_UP {
            let attempts = confirmation::given_up(&row.attempts, now);
            self.given_up.push(GivenUp { row, attempts, reason });
        } else {
            self.not_after(Some(now));
        }
    }

    /// Something is due then.
    fn not_after(&mut self, at: Option<Timestamp>) {
        self.next = self.next.into_iter().chain(at).min();
    }
}

/// As many of the first errands as take at most `most` NOTIFYs, but at least one.
pub(super) fn within_rate(
    mut errands: Vec<Errand>,
    most: usize,
    registrations: impl Fn(Mac) -> usize,
) -> Vec<Errand> {
    let mut notifies = 0;
    let fits = errands.iter().enumerate().take_while(|(at, errand)| {
        notifies += errand.notifies() * registrations(errand.phone);
        *at == 0 || notifies <= most
    });
    let fits = fits.count();
    errands.truncate(fits);
    errands
}

#[cfg(test)]
mod tests;
