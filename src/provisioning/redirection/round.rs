//! One round at one service: what it holds, what is to be done, and doing it.
//!
//! What a service is told is written down before it is told, and again after: whoever is interrupted in between finds the
//! row, and asks the service before it is told anything again.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use jiff::Timestamp;
use secrecy::SecretString;

use super::caller::Caller;
use super::client::{Holding, Trouble};
use super::plan::{Held, Known, Planned, Step, digest};
use super::rows::{self, Row};
use super::xml_rpc::Refusal;
use super::{Doing, Done, Outcome, Progress};
use crate::desk::Desk;
use crate::model::{Mac, Redirection, RedirectionState};
use crate::store::{DatabaseError, Tx};

/// How many rows are written at once that need no call.
const ROWS: usize = 256;

/// One round.
pub(super) struct Round<'a> {
    /// The service's name.
    pub(super) service: &'a str,
    pub(super) caller: Caller,
    pub(super) desk: &'a Desk,
    /// Only these phones; none: all.
    pub(super) only: BTreeSet<Mac>,
    /// Which types of phones to have listed.
    pub(super) types: Vec<String>,
    /// Where to tell how far it is.
    pub(super) progress: &'a (dyn Fn(Progress) + Send + Sync),
}

impl Round<'_> {
    /// Asks the service what it holds of the phones that are wanted there, or were.
    pub(super) async fn look(&self, known: &Known) -> Result<Held, Trouble> {
        let mut held = Held::default();
        if self.only.is_empty() && self.caller.client.lists() {
            held.listed = self.list().await?;
        }
        let phones: BTreeSet<Mac> =
            known.wanted.keys().chain(known.told.keys()).chain(&self.only).copied().collect();
        let (count, done) = (phones.len(), AtomicUsize::new(0));
        let (listed, done) = (&held.listed, &done);
        let asked = phones.into_iter().map(|phone| -> BoxFuture<'_, _> {
            let asking = self.whose(phone, listed.contains(&phone));
            let counted = asking.inspect(move |_| self.tell(Doing::Asking, done, count));
            counted.map(move |said| Some((phone, said?))).boxed()
        });
        let asked: Vec<_> = stream::iter(asked).buffer_unordered(self.parallel()).collect().await;
        held.asked = asked.into_iter().flatten().collect();
        // Of a service that is given up in the middle nothing is believed: what is missing would look like nobody's.
        self.caller.over().map_or(Ok(held), Err)
    }

    /// Whose a phone is, or why that cannot be said; `None` where nothing more is to be begun.
    async fn whose(&self, phone: Mac, is_listed: bool) -> Option<Result<Holding, String>> {
        if self.caller.is_over() {
            return None;
        }
        let client = &self.caller.client;
        let said = match is_listed {
            true => self.caller.ask(|| client.held(phone)).await,
            false => self.caller.ask(|| client.check(phone)).await,
        };
        Some(match said {
            Ok(Ok(holding)) => Ok(holding),
            Ok(Err(refusal)) => Err(refusal.to_string()),
            Err(trouble) => Err(trouble.to_string()),
        })
    }

    /// The phones that the service lists as ours.
    async fn list(&self) -> Result<BTreeSet<Mac>, Trouble> {
        let (count, done) = (self.types.len(), &AtomicUsize::new(0));
        let lists = self.types.clone().into_iter().map(|kind| -> BoxFuture<'_, _> {
            let listing = self.of_type(kind);
            listing.inspect(move |_| self.tell(Doing::Listing, done, count)).boxed()
        });
        let mut lists = stream::iter(lists).buffer_unordered(self.parallel());
        let mut listed = BTreeSet::new();
        while let Some(list) = lists.next().await {
            listed.extend(list?);
        }
        Ok(listed)
    }

    /// The phones of one type that the service lists as ours.
    async fn of_type(&self, kind: String) -> Result<Vec<Mac>, Trouble> {
        if self.caller.is_over() {
            return Ok(Vec::new());
        }
        match self.caller.ask(|| self.caller.client.list(&kind)).await {
            Ok(listed) => Ok(listed.unwrap_or_default()),
            // A type that it does not know, or it does not list: each phone is asked for then.
            Err(trouble) if trouble.is_an_answer() => Ok(Vec::new()),
            Err(trouble) => Err(trouble),
        }
    }

    /// Does what is to be done of a plan, and notes what the service was found to hold.
    pub(super) async fn apply(
        &self,
        known: &Known,
        held: &Held,
        planned: &[Planned],
        outcome: &mut Outcome,
    ) -> Result<(), DatabaseError> {
        let now = Timestamp::now();
        self.write(rows::found(self.service, known, held, planned, now)).await?;
        let to_do = planned.iter().filter(|one| one.step.is_to_do());
        let to_do: Vec<(Mac, Step)> = to_do.map(|one| (one.phone, one.step)).collect();
        let (count, done) = (to_do.len(), &AtomicUsize::new(0));
        let steps = to_do.into_iter().map(|(phone, step)| -> BoxFuture<'_, _> {
            let doing = self.step(phone, step, known, held);
            let doing = doing.inspect(move |_| self.tell(Doing::Telling, done, count));
            doing.map(move |went| (phone, step, went)).boxed()
        });
        let mut steps = stream::iter(steps).buffer_unordered(self.parallel());
        let mut failed = None;
        while let Some((phone, step, went)) = steps.next().await {
            match went {
                None => outcome.left += 1,
                Some(Ok(went)) => outcome.note(phone, step, went),
                // What is not written down must not be said: no further steps are begun.
                Some(Err(error)) => {
                    self.caller.stop();
                    failed = Some(error);
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// One step; `None` where nothing more is to be begun.
    async fn step(
        &self,
        phone: Mac,
        step: Step,
        known: &Known,
        held: &Held,
    ) -> Option<Result<Option<String>, DatabaseError>> {
        if self.caller.is_over() {
            return None;
        }
        let told = known.told.get(&phone);
        match (step, known.wanted.get(&phone)) {
            (Step::Remove, _) => Some(self.remove(phone, told).await),
            (_, Some(url)) => {
                let old = rows::ours(told, held.asked.get(&phone));
                Some(self.register(phone, url, told, old).await)
            }
            (_, None) => None,
        }
    }

    /// Sends a phone to its URL. `Some`: why it did not work.
    async fn register(
        &self,
        phone: Mac,
        url: &SecretString,
        before: Option<&Redirection>,
        old: Option<String>,
    ) -> Result<Option<String>, DatabaseError> {
        let now = Timestamp::now();
        let row = rows::registering(self.service, phone, &digest(url), before, old, now);
        self.write(vec![Row::Save(row.clone())]).await?;
        let client = &self.caller.client;
        let is_there = || self.is_sent_to(phone, &row.digest, before.is_some());
        let row = match self.caller.tell(|| client.register(phone, url), is_there).await {
            Ok(Ok(())) => rows::registered(row, Timestamp::now()),
            Ok(Err(refusal)) => {
                let row = rows::refused(row, before, &refusal, Timestamp::now());
                self.write(vec![Row::Save(row)]).await?;
                return Ok(Some(refusal.to_string()));
            }
            // The row stays: it may have been done nevertheless.
            Err(trouble) => return Ok(Some(trouble.to_string())),
        };
        self.write(vec![Row::Save(row)]).await?;
        Ok(None)
    }

    /// Whether the service sends a phone to the URL of this digest.
    async fn is_sent_to(
        &self,
        phone: Mac,
        wanted: &str,
        was_there: bool,
    ) -> Result<Result<bool, Refusal>, Trouble> {
        Ok(self.caller.client.check(phone).await?.and_then(|holding| match holding {
            Holding::Ours(Some(url)) => Ok(digest(&url) == wanted),
            // It does not tell where it sends it: certain only where it had none before.
            Holding::Ours(None) => Ok(!was_there),
            Holding::Nobodys => Ok(false),
            Holding::Elsewhere => Err(Refusal::Elsewhere),
        }))
    }

    /// Whether the service has nothing of a phone.
    async fn is_gone(&self, phone: Mac) -> Result<Result<bool, Refusal>, Trouble> {
        Ok(self.caller.client.check(phone).await?.map(|holding| match holding {
            Holding::Ours(_) => false,
            Holding::Nobodys | Holding::Elsewhere => true,
        }))
    }

    /// Has the service forget a phone. `Some`: why it did not work.
    async fn remove(
        &self,
        phone: Mac,
        before: Option<&Redirection>,
    ) -> Result<Option<String>, DatabaseError> {
        if let Some(before) = before {
            let at = Timestamp::now();
            let row = Redirection { state: RedirectionState::Removing, at, ..before.clone() };
            self.write(vec![Row::Save(row)]).await?;
        }
        let client = &self.caller.client;
        let forget = vec![Row::Forget(phone, self.service.to_owned())];
        let told = self.caller.tell(|| client.deregister(phone), || self.is_gone(phone)).await;
        Ok(match told {
            Ok(Ok(()) | Err(Refusal::NoSuchPhone)) => {
                self.write(forget).await?;
                None
            }
            Ok(Err(refusal)) => {
                if refusal == Refusal::Elsewhere {
                    self.write(forget).await?;
                }
                Some(refusal.to_string())
            }
            Err(trouble) => Some(trouble.to_string()),
        })
    }

    /// Has the service forget phones, whoever told it of them, where they are ours.
    pub(super) async fn remove_named(
        &self,
        known: &Known,
        outcome: &mut Outcome,
    ) -> Result<(), DatabaseError> {
        for &phone in &self.only {
            if self.caller.is_over() {
                outcome.left += 1;
                continue;
            }
            let said = self.caller.ask(|| self.caller.client.check(phone)).await;
            let went = match said {
                Ok(Ok(Holding::Ours(_))) => self.remove(phone, known.told.get(&phone)).await?,
                Ok(Ok(Holding::Nobodys)) => {
                    self.write(vec![Row::Forget(phone, self.service.to_owned())]).await?;
                    Some(Refusal::NoSuchPhone.to_string())
                }
                Ok(Ok(Holding::Elsewhere)) => Some(Refusal::Elsewhere.to_string()),
                Ok(Err(refusal)) => Some(refusal.to_string()),
                Err(trouble) => Some(trouble.to_string()),
            };
            outcome.note(phone, Step::Remove, went);
        }
        Ok(())
    }

    async fn write(&self, rows: Vec<Row>) -> Result<(), DatabaseError> {
        for rows in rows.chunks(ROWS) {
            let rows = rows.to_vec();
            let written = self.desk.store().write(async move |tx: &mut Tx<'_>| {
                for row in &rows {
                    match row {
                        Row::Save(row) => tx.save_redirection(row.clone()).await?,
                        Row::Forget(phone, service) => {
                            tx.forget_redirection(*phone, service).await?;
                        }
                    }
                }
                Ok::<(), DatabaseError>(())
            });
            written.await.map_err(super::written)?;
        }
        Ok(())
    }

    fn tell(&self, doing: Doing, done: &AtomicUsize, of: usize) {
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        (self.progress)(Progress { service: self.service.to_owned(), doing, done, of });
    }

    fn parallel(&self) -> usize {
        usize::try_from(self.caller.client.settings().parallel.get()).unwrap_or(1)
    }
}

impl Outcome {
    fn note(&mut self, phone: Mac, step: Step, error: Option<String>) {
        let count = match (step, &error) {
            (_, Some(_)) => &mut self.failed,
            (Step::Change, None) => &mut self.changed,
            (Step::Remove, None) => &mut self.removed,
            (_, None) => &mut self.registered,
        };
        *count += 1;
        self.done.push(Done { phone, step, error });
    }
}
