//! Calls of customers: which teams are there for them, who served whom, and the journal's lines.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::{Desk, Error};
use crate::model::{
    Actor, Happening, LastAgent, QueueCall, QueueLeft, QueueOutcome, TeamId, Teams,
};
use crate::store::Tx;

/// For how long FreeSWITCH may tell more of a call: nobody waits in a queue for longer.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

/// The teams that people are in, as of a revision of the people.
pub(super) type TeamsOfPeople = Arc<Mutex<(u64, Arc<BTreeSet<TeamId>>)>>;

/// A customer's call that has just been sent on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerCall {
    /// Its Unique-ID.
    pub id: String,
    /// The whole number, where who serves it is to be remembered; it is not kept.
    pub number: Option<String>,
    /// What the journal says of it.
    pub what: Happening,
}

impl Desk {
    /// The teams that anybody is in. Looked for again only when a user has changed.
    pub fn teams_of_people(&self) -> Arc<BTreeSet<TeamId>> {
        let known = || self.teams_of_people.lock().unwrap_or_else(PoisonError::into_inner);
        let (revision, staff) = {
            let memory = self.store().memory();
            let revision = memory.people_revision();
            let known = known();
            if known.0 == revision {
                return Arc::clone(&known.1);
            }
            (revision, memory.staff())
        };
        let all = Arc::new(staff.members().flat_map(|user| user.teams.iter().cloned()).collect());
        *known() = (revision, Arc::clone(&all));
        all
    }

    /// The teams that are described: by the configuration, and where it says nothing by the directory server.
    pub fn described_teams<'t>(&self, configured: &'t Teams) -> Cow<'t, Teams> {
        let mirrored = Arc::clone(self.store().memory().teams());
        if mirrored.is_empty() {
            return Cow::Borrowed(configured);
        }
        let mut all = configured.clone();
        for (id, team) in mirrored.iter() {
            all.entry(id.clone()).or_insert_with(|| team.clone());
        }
        Cow::Owned(all)
    }

    /// The teams of which somebody is logged in at a desk.
    pub fn staffed_teams(&self) -> BTreeSet<TeamId> {
        let memory = self.store().memory();
        let users = memory.sessions().filter_map(|session| memory.user(&session.user));
        users.flat_map(|user| user.teams.iter().cloned()).collect()
    }

    /// Who served the caller with this number the last time, if that was since `oldest`, and which teams he or she
    /// serves now.
    pub fn last_agent(&self, number: &str, oldest: Timestamp) -> Option<LastAgent> {
        let caller = self.caller(number);
        let memory = self.store().memory();
        let (agent, at) = memory.last_agent(&caller)?;
        if at < oldest {
            return None;
        }
        let user = memory.user(agent).filter(|_| !memory.seats(agent).is_empty());
        Some(LastAgent {
            agent: agent.clone(),
            serves: user.map(|user| user.teams.clone()).unwrap_or_default(),
        })
    }

    /// What stands for a number in the store: the same for the same number, and to be had back by nobody.
    fn caller(&self, number: &str) -> String {
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        let derived = self.store().derived(&format!("caller {digits}"));
        derived.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Writes a customer's call into the journal, and that more may be told of it.
    ///
    /// # Errors
    /// The store failed; nothing is written.
    pub async fn customer_called(&self, call: CustomerCall, now: Timestamp) -> Result<(), Error> {
        let caller = call.number.as_deref().map(|number| self.caller(number));
        let written = self.store().write(async move |tx: &mut Tx<'_>| {
            let oldest = now.checked_sub(REMEMBERED).unwrap_or(now);
            tx.begin_customer_call(&call.id, caller.as_deref(), now, oldest).await?;
            tx.journal(now, Actor::Outside, call.what.clone()).await?;
            Ok::<_, Error>(())
        });
        Ok(written.await?)
    }

    /// Writes what a queue made of a customer's call into the journal, and who served the caller; `oldest` is from when
    /// on that is remembered. Calls that no customer made, or that came while we were down, are passed over: false.
    ///
    /// # Errors
    /// The store failed; nothing is written.
    pub async fn queue_told(
        &self,
        told: QueueCall,
        oldest: Timestamp,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let written = self.store().write(async move |tx: &mut Tx<'_>| {
            let QueueCall { call, team, waited, outcome } = told.clone();
            let Some(known) = tx.customer_call(&call).await? else { return Ok(false) };
            let since = now.duration_since(known.at).as_secs();
            let waited = waited.unwrap_or_else(|| u32::try_from(since).unwrap_or_default());
            let over = match &outcome {
                QueueOutcome::Answered(_) | QueueOutcome::Left(QueueLeft::HungUp) => true,
                // The queue's overflow may take it to another one.
                QueueOutcome::Left(_) => false,
            };
            if over {
                tx.end_customer_call(&call).await?;
            }
            if let (Some(caller), QueueOutcome::Answered(Some(agent))) = (&known.caller, &outcome) {
                tx.served(caller, agent, now, oldest).await?;
            }
            let what = match outcome {
                QueueOutcome::Answered(agent) => {
                    Happening::CustomerServed { call, team, waited, agent }
                }
                QueueOutcome::Left(reason) => {
                    Happening::CustomerLeft { call, team, waited, reason }
                }
            };
            tx.journal(now, Actor::Daemon, what).await?;
            Ok::<_, Error>(true)
        });
        Ok(written.await?)
    }
}
