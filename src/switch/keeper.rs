//! Brings what is actual to what is wanted: the IO around `plan`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::notify::{Messages, check_sync, message_summary, summary};
use super::peer::{Line, Peer};
use super::plan::{Errand, Facts, Lamp, Plan, Waiting, plan, within_rate};
use super::registrations::Registration;
use super::{AskError, Settings};
use crate::event_socket::{Api, Argument, ChannelWord, SendEvent};
use crate::model::{Mac, Wanted, WantedKind};
use crate::store::{DatabaseError, Store, Tx};

/// How many NOTIFYs go out in a second: a thousand phones that are logged out at once must not all fetch their
/// configuration at once.
const RATE: usize = 20;
/// How many phones are told at the same time.
const AT_ONCE: usize = 8;
/// How often everything is compared although nothing was heard.
const COMPARE: Duration = Duration::from_secs(30);
/// After each round; what happens meanwhile is one next round.
const BREATH: Duration = Duration::from_millis(50);

/// What waits, for whoever asks.
pub(super) type Pending = Arc<Mutex<Vec<(Wanted, Waiting)>>>;

/// The one task that sends.
pub(super) struct Keeper {
    pub store: Store,
    pub settings: Arc<Settings>,
    pub peers: Vec<Arc<Peer>>,
    pub changed: Arc<Notify>,
    pub pending: Pending,
    /// Rows that are done but not yet settled, because the store failed: they are not done twice.
    pub done: Vec<Wanted>,
    /// Whom the last round ended with: the next begins behind it, so that what fails holds up nobody.
    pub last: Option<Mac>,
}

impl Keeper {
    /// Works until it is dropped.
    pub(super) async fn keep(mut self) {
        let mut happenings = self.store.happenings();
        let mut compare = interval(COMPARE);
        compare.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let look = tokio::select! {
                () = self.changed.notified() => false,
                happened = happenings.recv() => match happened {
                    Ok(_) | Err(RecvError::Lagged(_)) => false,
                    Err(RecvError::Closed) => return,
                },
                _ = compare.tick() => true,
            };
            if look {
                self.look_again().await;
            }
            while self.round().await > 0 {
                sleep(Duration::from_secs(1)).await;
            }
            sleep(BREATH).await;
        }
    }

    /// Looks at the channels anew if somebody waits for the end of a call: the event may have been lost.
    async fn look_again(&self) {
        let waits = {
            let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            pending.iter().any(|(_, why)| *why == Waiting::InCall)
        };
        if waits {
            self.look_at_channels().await;
        }
    }

    /// Asks every connected node for its channels; whether all answered.
    async fn look_at_channels(&self) -> bool {
        let looks = self.lines().map(|(peer, line)| async move {
            let seen = peer.look_at_channels(&line.client).await;
            told(peer, &line, seen).is_some()
        });
        join_all(looks).await.into_iter().all(|seen| seen)
    }

    /// The nodes that are connected.
    fn lines(&self) -> impl Iterator<Item = (&Arc<Peer>, Line)> {
        self.peers.iter().filter_map(|peer| {
            let line = peer.view().line.clone()?;
            Some((peer, line))
        })
    }

    /// What is known of a phone.
    fn facts(&self, phone: Mac) -> Facts {
        let mut facts = Facts::default();
        for peer in &self.peers {
            let view = peer.view();
            if view.line.is_some() {
                let registrations = view.registrations.of(phone);
                facts.registered |= !registrations.is_empty();
                facts.busy |= view.channels.has(phone, registrations);
            }
        }
        let memory = self.store.memory();
        facts.known = memory.phone(phone).is_some();
        facts.user = memory.session(phone).map(|session| session.user.clone());
        facts
    }

    /// Decides, and does as much of it as a second allows. Answers how many NOTIFYs went out.
    async fn round(&mut self) -> usize {
        let rows: Vec<Wanted> = self.store.memory().wanted().cloned().collect();
        self.done.retain(|done| rows.contains(done));
        if !self.done.is_empty() {
            self.settle(Vec::new()).await;
        }
        let open = rows.into_iter().filter(|row| !self.done.contains(row)).collect();
        let Plan { errands, dropped, waiting } =
            plan(open, |phone| self.facts(phone), Timestamp::now());
        *self.pending.lock().unwrap_or_else(PoisonError::into_inner) = waiting;
        let mut done: Vec<Wanted> = Vec::new();
        for (row, why) in dropped {
            tracing::info!(phone = %row.target, wanted = row.kind.as_str(), ?why, "given up");
            done.push(row);
        }
        let mut sent = 0;
        // The table that this reads lags behind the events, the events may be behind us: both must say that nobody calls.
        if !errands.is_empty() && self.look_at_channels().await {
            let errands = within_rate(errands, self.last, RATE, |phone| self.registrations(phone));
            self.last = errands.last().map(|errand| errand.phone);
            let runs = errands.into_iter().map(|errand| self.run(errand));
            let mut runs = stream::iter(runs).buffer_unordered(AT_ONCE);
            while let Some(end) = runs.next().await {
                sent += end.sent;
                done.extend(end.done);
            }
        }
        if !done.is_empty() {
            self.settle(done).await;
        }
        sent
    }

    /// At how many registrations a phone would be told.
    fn registrations(&self, phone: Mac) -> usize {
        self.peers.iter().map(|peer| peer.view().registrations.of(phone).len()).sum()
    }

    /// Tells one phone, at each of its registrations.
    async fn run(&self, errand: Errand) -> End {
        let mut end = End::default();
        let (mut lamp, mut sync) = (errand.lamp.is_none(), errand.reboot.is_none());
        for (peer, line) in self.lines() {
            let known = peer.view().registrations.of(errand.phone).to_vec();
            if known.is_empty() {
                continue;
            }
            let Some(at) = told(peer, &line, peer.look_at_phone(&line.client, &known).await) else {
                continue;
            };
            let Some(to) = at.first() else { continue };
            if let Some(wanted) = &errand.lamp {
                let messages = self.messages(&line, wanted).await;
                // A mailbox that FreeSWITCH cannot count will not be countable in a moment; the next REGISTER sets the
                // lamp in any case.
                lamp |= matches!(messages, Err(AskError::Unreadable(_)));
                if let Some(messages) = told(peer, &line, messages) {
                    let body = summary(wanted, messages, to, &self.settings.domain);
                    let sent = self.tell(peer, &line, &at, |to| message_summary(to, body.clone()));
                    lamp |= end.count(sent.await);
                }
            }
            if let Some(reboot) = errand.reboot {
                let sent = self.tell(peer, &line, &at, |to| check_sync(to, reboot)).await;
                sync |= end.count(sent);
            }
        }
        let Errand { rows, .. } = errand;
        end.done.extend(rows.into_iter().filter(|row| match row.kind {
            WantedKind::Lamp => lamp,
            WantedKind::Resync | WantedKind::Restart => sync,
        }));
        end
    }

    /// One NOTIFY to each of these registrations, newest first; how many were taken, or that one was not.
    async fn tell(
        &self,
        peer: &Peer,
        line: &Line,
        at: &[Registration],
        notify: impl Fn(&Registration) -> Option<SendEvent>,
    ) -> Result<usize, usize> {
        let mut sent = 0;
        for to in at {
            // Invariant 8; a call may have begun since the plan was made.
            if self.facts(to.phone).busy {
                return Err(sent);
            }
            let Some(event) = notify(to) else { continue };
            let answer = line.client.send_event(event).await.map_err(AskError::from);
            if told(peer, line, answer).is_none() {
                return Err(sent);
            }
            tracing::debug!(phone = %to.phone, profile = %to.profile, node = %peer.node.name, "NOTIFY");
            sent += 1;
        }
        Ok(sent)
    }

    /// How many messages the lamp is to show.
    async fn messages(&self, line: &Line, lamp: &Lamp) -> Result<Messages, AskError> {
        let Lamp::Of(user) = lamp else {
            return Ok(Messages::default());
        };
        let word =
            |text: &str| ChannelWord::parse(text).map_err(|_| AskError::Unreadable("vm_boxcount"));
        let argument = Argument::word(&self.settings.voicemail_profile)
            .then_literal("/")
            .then_word(&word(user.as_str())?)
            .then_literal("@")
            .then_word(&word(self.settings.domain.as_str())?)
            .then_literal("|all");
        let answer = line.client.api(Api::new("vm_boxcount").argument(argument)).await?;
        Messages::read(&answer.text()).ok_or(AskError::Unreadable("vm_boxcount"))
    }

    /// Writes down that these are done. What cannot be written is remembered.
    async fn settle(&mut self, rows: Vec<Wanted>) {
        self.done.extend(rows);
        let rows = self.done.clone();
        let written = self.store.write(async move |tx: &mut Tx<'_>| {
            for row in &rows {
                tx.settle(row).await?;
            }
            Ok::<(), DatabaseError>(())
        });
        match written.await {
            Ok(()) => {
                let done = std::mem::take(&mut self.done);
                let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
                pending.retain(|(row, _)| !done.contains(row));
            }
            Err(error) => tracing::warn!(%error, "cannot write down what is done"),
        }
    }
}

/// What came of an errand.
#[derive(Default)]
struct End {
    sent: usize,
    done: Vec<Wanted>,
}

impl End {
    /// Counts what went out; whether it is done: something went out, and nothing was left.
    fn count(&mut self, sent: Result<usize, usize>) -> bool {
        let (Ok(count) | Err(count)) = sent;
        self.sent += count;
        sent.is_ok_and(|count| count > 0)
    }
}

/// What FreeSWITCH answered, if it did; else it is written down, and a connection that hangs is given up.
fn told<T>(peer: &Peer, line: &Line, answer: Result<T, AskError>) -> Option<T> {
    match answer {
        Ok(answer) => Some(answer),
        Err(error) => {
            if error.is_hang() {
                line.give_up();
            }
            peer.trouble(error.to_string());
            None
        }
    }
}
