//! What is written down of a phone at a service. No IO, no clock.

use jiff::Timestamp;

use super::client::Holding;
use super::plan::{Held, Known, Planned, Step, digest};
use super::xml_rpc::Refusal;
use crate::model::{Mac, Redirection, RedirectionState};

/// A row to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Row {
    /// It is so from now on.
    Save(Redirection),
    /// The service has nothing of this phone.
    Forget(Mac, String),
}

/// Before the service is told. `old`: what it has, where that is ours.
pub(super) fn registering(
    service: &str,
    phone: Mac,
    digest: &str,
    before: Option<&Redirection>,
    old: Option<String>,
    at: Timestamp,
) -> Redirection {
    Redirection {
        phone,
        service: service.to_owned(),
        state: RedirectionState::Registering,
        digest: digest.to_owned(),
        old_digest: old,
        reason: None,
        at,
        registered: before.and_then(|before| before.registered),
    }
}

/// The digest of what the service has, where it has that from us.
pub(super) fn ours(
    told: Option<&Redirection>,
    holding: Option<&Result<Holding, String>>,
) -> Option<String> {
    match (told, holding) {
        (Some(told), Some(Ok(Holding::Ours(Some(url))))) => {
            Some(digest(url)).filter(|digest| told.told(digest))
        }
        _ => None,
    }
}

/// The service took it.
pub(super) fn registered(row: Redirection, at: Timestamp) -> Redirection {
    Redirection {
        state: RedirectionState::Registered,
        old_digest: None,
        reason: None,
        at,
        registered: row.registered.or(Some(at)),
        ..row
    }
}

/// The service did not take it. What it had before it has still, unless it is somebody else's by now.
pub(super) fn refused(
    row: Redirection,
    before: Option<&Redirection>,
    refusal: &Refusal,
    at: Timestamp,
) -> Redirection {
    let reason = Some(refusal.to_string());
    let before = before.filter(|before| before.state == RedirectionState::Registered);
    match before {
        Some(before) if *refusal != Refusal::Elsewhere => Redirection { reason, ..before.clone() },
        _ => Redirection {
            state: RedirectionState::Refused,
            old_digest: None,
            registered: None,
            reason,
            at,
            ..row
        },
    }
}

/// What was found at the service, where it is not as it was known.
pub(super) fn found(
    service: &str,
    known: &Known,
    held: &Held,
    planned: &[Planned],
    at: Timestamp,
) -> Vec<Row> {
    let of_plan = planned.iter().filter_map(|one| {
        let told = known.told.get(&one.phone);
        let wanted = || known.wanted.get(&one.phone).map(digest);
        let fresh =
            || registering(service, one.phone, &wanted().unwrap_or_default(), None, None, at);
        match one.step {
            Step::Fine => fine(told, fresh, &wanted()?, at).map(Row::Save),
            Step::Elsewhere => {
                let row = refused(fresh(), None, &Refusal::Elsewhere, at);
                let same =
                    |told: &Redirection| (told.state, &told.reason) == (row.state, &row.reason);
                (!told.is_some_and(same)).then_some(Row::Save(row))
            }
            // Of a phone that we never had to do with nothing is kept.
            Step::Foreign if told.is_some_and(|told| !told.told(&told.digest)) => {
                Some(Row::Forget(one.phone, service.to_owned()))
            }
            _ => None,
        }
    });
    let gone = known.told.keys().filter(|phone| {
        let is_there =
            !matches!(held.asked.get(phone), Some(Ok(Holding::Nobodys | Holding::Elsewhere)));
        !is_there && !known.wanted.contains_key(phone)
    });
    let gone = gone.map(|phone| Row::Forget(*phone, service.to_owned()));
    of_plan.chain(gone).collect()
}

/// The service sends a phone to its URL.
fn fine(
    told: Option<&Redirection>,
    fresh: impl Fn() -> Redirection,
    digest: &str,
    at: Timestamp,
) -> Option<Redirection> {
    match told {
        Some(told) if told.told(digest) => {
            let is_so = told.state == RedirectionState::Registered
                && told.digest == digest
                && told.reason.is_none();
            let digest = digest.to_owned();
            (!is_so).then(|| registered(Redirection { digest, ..told.clone() }, at))
        }
        Some(told) if told.state == RedirectionState::Found && told.digest == digest => None,
        // Somebody else told it.
        _ => Some(Redirection {
            state: RedirectionState::Found,
            registered: told.and_then(|told| told.registered).or(Some(at)),
            ..fresh()
        }),
    }
}

#[cfg(test)]
mod tests;
