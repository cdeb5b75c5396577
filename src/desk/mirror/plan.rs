//! Who gets which extension, decided before anything is written.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::MirrorChange;
use crate::model::{Extension, Person, PersonKey, UserSource};
use crate::store::Store;

/// Why a person does not get the extension that the directory server says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// A user who comes from elsewhere has it.
    #[error("extension {0} is a user's who comes from elsewhere (`hotdeskd users show {0}`)")]
    Elsewhere(Extension),
    /// It is a phone's desk extension.
    #[error("extension {0} is a phone's desk extension")]
    Desk(Extension),
    /// Another person has it.
    #[error("extension {0} is somebody else's already")]
    Duplicate(Extension),
}

/// A person who is not taken over as the directory server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Who.
    pub key: PersonKey,
    /// The entry's name there.
    pub dn: Box<str>,
    /// Why.
    pub why: Conflict,
}

impl Refused {
    pub(super) fn of(person: &Person, why: Conflict) -> Self {
        Self { key: person.key, dn: person.dn.clone(), why }
    }
}

/// What is to be written, in this order.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Who is no more.
    pub(super) removals: Vec<Extension>,
    /// Who changes the number, in an order in which each finds the new one free; those of one list only
    /// together.
    pub(super) moves: Vec<Vec<(Extension, Person)>>,
    /// Who is new or differs.
    pub(super) saves: Vec<Person>,
    /// Who stays as before, or stays away.
    pub(super) conflicts: Vec<Refused>,
}

/// Who has an extension as the store is now.
enum Holder {
    Nobody,
    Desk,
    Elsewhere,
    Mirrored(PersonKey),
}

impl Plan {
    pub(super) fn of(store: &Store, change: MirrorChange) -> Self {
        let MirrorChange { people, gone, lapsed, .. } = change;
        let mut plan = Self::default();
        let gone: HashSet<PersonKey> = gone.into_iter().collect();
        let lapsed: HashSet<PersonKey> = lapsed.into_iter().collect();
        let mut people: BTreeMap<PersonKey, Person> =
            people.into_iter().map(|person| (person.key, person)).collect();
        let mut displaced = BTreeSet::new();
        // Who does not get a new number keeps the old one, which somebody else may have counted on.
        loop {
            let refused = refuse(store, &people, &gone, &lapsed, &mut displaced);
            if refused.is_empty() {
                break;
            }
            for (key, conflict) in refused {
                if let Some(person) = people.remove(&key) {
                    plan.conflicts.push(Refused::of(&person, conflict));
                }
            }
        }
        let memory = store.memory();
        let extension = |key| memory.person(key).map(|user| user.extension.clone());
        plan.removals = gone.into_iter().chain(displaced).filter_map(extension).collect();
        plan.removals.sort();
        drop(memory);
        let mut movers = Vec::new();
        for (key, person) in people {
            // One look-up at a time: whoever asks for a user must not wait for a hundred thousand of them.
            let old = store.memory().person(key).map(|user| user.extension.clone());
            match old {
                Some(old) if old != person.record.extension => movers.push((old, person)),
                _ => plan.saves.push(person),
            }
        }
        plan.moves = in_order(movers);
        plan
    }
}

/// Those who cannot have what they claim. `displaced` gets those whose entries make no sense any more and whose
/// extension somebody else has by right.
fn refuse(
    store: &Store,
    people: &BTreeMap<PersonKey, Person>,
    gone: &HashSet<PersonKey>,
    lapsed: &HashSet<PersonKey>,
    displaced: &mut BTreeSet<PersonKey>,
) -> Vec<(PersonKey, Conflict)> {
    let mut claims: HashMap<&Extension, Vec<PersonKey>> = HashMap::with_capacity(people.len());
    for person in people.values() {
        claims.entry(&person.record.extension).or_default().push(person.key);
    }
    let mut refused = Vec::new();
    for (extension, claimants) in claims {
        let (winner, why): (Option<PersonKey>, fn(Extension) -> Conflict) =
            match holder(store, extension) {
                Holder::Desk => (None, Conflict::Desk),
                Holder::Elsewhere => (None, Conflict::Elsewhere),
                Holder::Mirrored(key) if claimants.contains(&key) => {
                    (Some(key), Conflict::Duplicate)
                }
                Holder::Mirrored(key) if lapsed.contains(&key) => {
                    displaced.insert(key);
                    (claimants.first().copied(), Conflict::Duplicate)
                }
                Holder::Mirrored(key) if !gone.contains(&key) && !people.contains_key(&key) => {
                    (None, Conflict::Duplicate)
                }
                // In the order of the keys, so that it is the same one each time.
                Holder::Mirrored(_) | Holder::Nobody => {
                    (claimants.first().copied(), Conflict::Duplicate)
                }
            };
        let losers = claimants.into_iter().filter(|key| Some(*key) != winner);
        refused.extend(losers.map(|key| (key, why(extension.clone()))));
    }
    refused.sort_by_key(|(key, _)| *key);
    refused
}

fn holder(store: &Store, extension: &Extension) -> Holder {
    let memory = store.memory();
    if memory.desk_extension(extension).is_some() {
        return Holder::Desk;
    }
    match memory.user(extension) {
        None => Holder::Nobody,
        Some(user) => match (user.source, user.person) {
            (UserSource::Ldap, Some(key)) => Holder::Mirrored(key),
            _ => Holder::Elsewhere,
        },
    }
}

/// Moves in an order in which each finds its new extension free; a ring stays together.
fn in_order(movers: Vec<(Extension, Person)>) -> Vec<Vec<(Extension, Person)>> {
    let mut waiting: BTreeMap<Extension, Person> = movers.into_iter().collect();
    let mut moves = Vec::new();
    while let Some(first) = waiting.keys().next().cloned() {
        // From one to whoever has what they want, until one finds it free or the way comes back.
        let mut way = Vec::new();
        let mut at = first;
        while let Some((from, person)) = waiting.remove_entry(&at) {
            at = person.record.extension.clone();
            way.push((from, person));
        }
        if let Some(ring) = way.iter().position(|(from, _)| *from == at) {
            moves.push(way.split_off(ring));
        }
        moves.extend(way.into_iter().rev().map(|one| vec![one]));
    }
    moves
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Supplied, UserRecord};

    fn person(key: u8, extension: &str) -> Person {
        let record = UserRecord {
            extension: extension.parse().unwrap(),
            name: "A".into(),
            hot_desk: true,
            away: Default::default(),
            groups: Vec::new(),
            teams: Vec::new(),
            params: Default::default(),
            variables: Default::default(),
            keys: Vec::new(),
            settings: Default::default(),
        };
        let key = PersonKey::of(&[key; 16]).unwrap();
        Person {
            key,
            dn: "".into(),
            record,
            pin: Supplied::NotAsked,
            sip_secret: Supplied::NotAsked,
        }
    }

    #[test]
    fn each_mover_finds_the_new_number_free_and_a_ring_goes_together() {
        let mover = |from: &str, to: &str| (from.parse().unwrap(), person(1, to));
        let told = |movers: Vec<(Extension, Person)>| -> Vec<String> {
            let one = |(from, person): &(Extension, Person)| {
                format!("{from}>{}", person.record.extension)
            };
            let group = |group: &Vec<_>| group.iter().map(one).collect::<Vec<_>>().join(" ");
            in_order(movers).iter().map(group).collect()
        };
        assert_eq!(
            told(vec![mover("1001", "1002"), mover("1002", "1003")]),
            ["1002>1003", "1001>1002"]
        );
        assert_eq!(
            told(vec![mover("1002", "1003"), mover("1001", "1002"), mover("1007", "1008")]),
            ["1002>1003", "1001>1002", "1007>1008"]
        );
        assert_eq!(
            told(vec![mover("1001", "1002"), mover("1002", "1001"), mover("1003", "1004")]),
            ["1001>1002 1002>1001", "1003>1004"]
        );
    }
}
