//! The floor that the session rules see, read inside the transaction that changes it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::Error;
use crate::model::{
    Actor, AgentStatus, Attempts, Change, DeskSession, Extension, Floor, Happening, LoginMode, Mac,
    Seat, Wanted, WantedKind,
};
use crate::store::Tx;

/// How far the rules reach: from who acts, to whom that displaces, to whose desk that frees.
const REACH: usize = 4;

/// The floor around some phones and users.
pub(super) async fn load(
    tx: &mut Tx<'_>,
    phones: impl IntoIterator<Item = Mac>,
    users: impl IntoIterator<Item = Extension>,
) -> Result<Floor, Error> {
    let mut floor = Floor::default();
    let mut phones: BTreeSet<Mac> = phones.into_iter().collect();
    let mut users: BTreeSet<Extension> = users.into_iter().collect();
    for _ in 0..REACH {
        let (mut next_phones, mut next_users) = (BTreeSet::new(), BTreeSet::new());
        for mac in phones {
            if floor.seats.contains_key(&mac) {
                continue;
            }
            let Some(phone) = tx.phone(mac).await? else {
                continue;
            };
            next_users.extend(phone.owner.clone());
            floor.seats.insert(mac, Seat { owner: phone.owner, hot_desk: phone.hot_desk });
            if let Some(session) = tx.session(mac).await? {
                next_users.insert(session.user.clone());
                floor.sessions.insert(mac, session);
            }
        }
        for extension in users {
            if floor.users.contains_key(&extension) {
                continue;
            }
            let Some(user) = tx.user(&extension).await? else {
                continue;
            };
            next_phones
                .extend(tx.sessions_of(&extension).await?.iter().map(|session| session.phone));
            next_phones.extend(tx.phones_owned_by(&extension).await?);
            floor.users.insert(extension, user.hot_desk);
        }
        (phones, users) = (next_phones, next_users);
    }
    Ok(floor)
}

/// Makes changes durable: the sessions, what is wanted of the phones now, and the journal. `login` is
/// the login that led to them, if one did; other sessions that begin are owners who return.
pub(super) async fn keep(
    tx: &mut Tx<'_>,
    changes: &[Change],
    login: Option<(Mac, &Extension, LoginMode)>,
    now: Timestamp,
    by: &Actor,
) -> Result<(), Error> {
    let mut users: BTreeMap<&Extension, bool> = BTreeMap::new();
    for user in changes.iter().map(user_of) {
        if !users.contains_key(user) {
            users.insert(user, !tx.sessions_of(user).await?.is_empty());
        }
    }
    for change in changes {
        let what = match change {
            Change::Began(session) => {
                tx.begin_session(session.clone()).await?;
                began(session, login)
            }
            Change::Ended(session, reason) => {
                tx.end_session(session.phone).await?;
                Happening::Logout {
                    phone: session.phone,
                    user: session.user.clone(),
                    reason: reason.clone(),
                }
            }
        };
        tx.journal(now, by.clone(), what).await?;
    }
    for (user, was_somewhere) in users {
        let is_somewhere = !tx.sessions_of(user).await?.is_empty();
        if was_somewhere != is_somewhere {
            want_status(tx, user, is_somewhere, now).await?;
        }
    }
    let touched: BTreeSet<Mac> = changes.iter().map(Change::phone).collect();
    for phone in touched {
        if tx.phone(phone).await?.is_none() {
            continue;
        }
        let session = tx.session(phone).await?;
        for kind in [WantedKind::Resync, WantedKind::Lamp] {
            let value = shown(session.as_ref());
            tx.want(Wanted {
                kind,
                target: phone.to_string(),
                value,
                since: now,
                expires: None,
                attempts: Attempts::default(),
            })
            .await?;
        }
    }
    Ok(())
}

/// Whose session began or ended.
fn user_of(change: &Change) -> &Extension {
    match change {
        Change::Began(session) | Change::Ended(session, _) => &session.user,
    }
}

/// The queues should know that somebody came, or went: moving from desk to desk is neither.
async fn want_status(
    tx: &mut Tx<'_>,
    user: &Extension,
    is_somewhere: bool,
    now: Timestamp,
) -> Result<(), Error> {
    // Whether one of the teams has a queue that follows logins is known where the queues are kept.
    if tx.user(user).await?.is_none_or(|user| user.teams.is_empty()) {
        return Ok(());
    }
    let status = if is_somewhere { AgentStatus::Available } else { AgentStatus::LoggedOut };
    let wanted = Wanted {
        kind: WantedKind::Agent,
        target: user.to_string(),
        value: status.to_string(),
        since: now,
        expires: None,
        attempts: Attempts::default(),
    };
    Ok(tx.want(wanted).await?)
}

/// The phone should fetch its configuration again: something of it changed, though not who sits there.
pub(super) async fn want_resync(tx: &mut Tx<'_>, phone: Mac, now: Timestamp) -> Result<(), Error> {
    let value = shown(tx.session(phone).await?.as_ref());
    let (kind, target) = (WantedKind::Resync, phone.to_string());
    Ok(tx
        .want(Wanted {
            kind,
            target,
            value,
            since: now,
            expires: None,
            attempts: Attempts::default(),
        })
        .await?)
}

/// What a phone should show: who sits there and since when.
pub(super) fn shown(session: Option<&DeskSession>) -> String {
    session.map_or_else(|| "nobody".into(), |s| format!("{} since {}", s.user, s.since.as_second()))
}

/// What the journal says of a session that began.
fn began(session: &DeskSession, login: Option<(Mac, &Extension, LoginMode)>) -> Happening {
    let (phone, user) = (session.phone, session.user.clone());
    match login {
        Some((at, who, mode)) if at == phone && *who == user => {
            Happening::Login { phone, user, mode }
        }
        _ => Happening::OwnerReturned { phone, user },
    }
}
