//! What to do about what is wanted: decided here, without IO and clock.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::{Extension, Mac, Wanted, WantedKind};

/// What is known of a phone, over all nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// Whether it is in the inventory.
    pub known: bool,
    /// Whether it is registered anywhere.
    pub registered: bool,
    /// Whether it has a channel anywhere.
    pub busy: bool,
    /// Who sits there.
    pub user: Option<Extension>,
}

/// Why a row is not done yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// The phone is not registered.
    Unregistered,
    /// The phone is in a call.
    InCall,
    /// It is being done.
    UnderWay,
}

/// Why a row is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dropped {
    /// It was wanted soon or not at all.
    Expired,
    /// The phone is no longer in the inventory.
    NoPhone,
}

/// What one phone is to be told now, in this order: the lamp, then the check-sync. With the rows that are done by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Errand {
    pub phone: Mac,
    /// The message lamp: of this user's mailbox, or dark.
    pub lamp: Option<Lamp>,
    /// Fetch the configuration; `Some(true)` restarts the phone for it.
    pub reboot: Option<bool>,
    pub rows: Vec<Wanted>,
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
        usize::from(self.lamp.is_some()) + usize::from(self.reboot.is_some())
    }
}

/// All that is to be done, one errand a phone, and what waits.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub errands: Vec<Errand>,
    pub dropped: Vec<(Wanted, Dropped)>,
    pub waiting: Vec<(Wanted, Waiting)>,
}

/// Decides. Rows whose target is no phone are somebody else's and left alone.
pub(super) fn plan(rows: Vec<Wanted>, facts: impl Fn(Mac) -> Facts, now: Timestamp) -> Plan {
    let mut phones: BTreeMap<Mac, Vec<Wanted>> = BTreeMap::new();
    for row in rows {
        if let Ok(phone) = row.target.parse() {
            phones.entry(phone).or_default().push(row);
        }
    }
    let mut plan = Plan::default();
    for (phone, rows) in phones {
        let facts = facts(phone);
        let (expired, rows): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| row.expires.is_some_and(|at| at <= now));
        plan.dropped.extend(expired.into_iter().map(|row| (row, Dropped::Expired)));
        if rows.is_empty() {
            continue;
        }
        if !facts.known {
            plan.dropped.extend(rows.into_iter().map(|row| (row, Dropped::NoPhone)));
        } else if !facts.registered {
            plan.waiting.extend(rows.into_iter().map(|row| (row, Waiting::Unregistered)));
        } else if facts.busy {
            plan.waiting.extend(rows.into_iter().map(|row| (row, Waiting::InCall)));
        } else {
            plan.waiting.extend(rows.iter().map(|row| (row.clone(), Waiting::UnderWay)));
            plan.errands.push(errand(phone, rows, facts.user));
        }
    }
    plan
}

/// One phone's rows as one errand. A restart makes the phone fetch its configuration too, so it stands for a resync.
fn errand(phone: Mac, rows: Vec<Wanted>, user: Option<Extension>) -> Errand {
    let wanted = |kind| rows.iter().any(|row| row.kind == kind);
    let lamp = wanted(WantedKind::Lamp).then(|| user.map_or(Lamp::Dark, Lamp::Of));
    let restart = wanted(WantedKind::Restart);
    let reboot = (restart || wanted(WantedKind::Resync)).then_some(restart);
    Errand { phone, lamp, reboot, rows }
}

/// As many errands as take at most `most` NOTIFYs, but at least one; beginning behind the phone that was last, so that
/// one whom nothing reaches does not stand in front of the others for ever. The errands come in the order of their phones.
pub(super) fn within_rate(
    mut errands: Vec<Errand>,
    last: Option<Mac>,
    most: usize,
    registrations: impl Fn(Mac) -> usize,
) -> Vec<Errand> {
    let begin = errands.partition_point(|errand| Some(errand.phone) <= last);
    errands.rotate_left(begin);
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
