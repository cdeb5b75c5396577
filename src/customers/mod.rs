//! Who calls: a number is looked up in somebody else's database.
//!
//! Read-only, by the operator's own query, within one deadline for all spellings of the number. Whatever the
//! database does, a caller has an answer by then, and [`LookUp`] says which.

mod answer;
mod breaker;
mod cache;
mod columns;
mod database;
mod pool;
pub mod sample;
pub mod settings;

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::databases::{Fault, Query, QueryFault, Server};
use crate::model::{Caller, Extension, LookUp, LookUpFailure, NotAsked, NumberPlan, Spelling};
use crate::store::Store;
use answer::{MOST_ROWS, answer};
use breaker::Breaker;
use cache::Cache;
use columns::Row;
use database::{Link, Target};
use pool::{Held, Pool};
use settings::CustomersSettings;

/// How many callers may be looked up, or wait for it, at once.
const MOST_AT_ONCE: usize = 1_024;
/// How often an idle connection is tried, so that the first caller of the day finds one that works.
const TRIED_EVERY: Duration = Duration::from_secs(20);
/// How long a connection is kept that nobody needed: whatever is between us and the server may have forgotten it.
const IDLE: Duration = Duration::from_secs(60);
/// How long trying one, and `check`, may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// A number that nobody has: no country has this code.
const NOBODY: &str = "+99900000000";

/// The way to the customers. Cheap to clone.
#[derive(Clone, Default)]
pub struct Customers {
    /// Absent: there is no database.
    inner: Option<Arc<Inner>>,
}

struct Inner {
    pool: Arc<Pool>,
    plan: NumberPlan,
    spellings: Vec<Spelling>,
    deadline: Duration,
    cache: Cache,
    breaker: Breaker,
    callers: Semaphore,
    /// Knows our own numbers.
    store: Option<Store>,
}

/// A look-up: what was asked, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// The number that calls, as `+4315550100`; absent where it is none.
    pub number: Option<String>,
    /// Its spellings, in the order in which the database would be asked.
    pub spellings: Vec<String>,
    /// Those that it was asked for.
    pub tried: Vec<Tried>,
    /// What came of it.
    pub answer: LookUp,
    /// Whether the answer was remembered.
    pub cached: bool,
    /// How long it took, in microseconds.
    pub took_us: u64,
    /// What the database said, where it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One question to the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// The number as it was asked for.
    pub spelling: String,
    /// How many rows came; more than are looked at count as one more.
    pub rows: usize,
    /// How long it took, in microseconds.
    pub took_us: u64,
}

/// What an examination of the database found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// How long it took to connect and to have the query prepared.
    pub connected: Duration,
    /// How long the query took for a number that nobody has.
    pub asked: Duration,
    /// Whether it found somebody all the same, so that everybody would be found.
    pub finds_everybody: bool,
}

impl Customers {
    /// Whether there is a database.
    pub fn is_there(&self) -> bool {
        self.inner.is_some()
    }

    /// The customers of these settings; none where no database is set. Nothing is connected yet.
    ///
    /// # Errors
    /// The query cannot be used.
    pub fn new(
        settings: &CustomersSettings,
        password: Option<SecretString>,
        store: Option<Store>,
    ) -> Result<Self, QueryFault> {
        let Some(url) = settings.url.clone() else { return Ok(Self::default()) };
        let query = Query::parse(settings.query.as_deref().unwrap_or_default(), url.kind)?;
        let (tls, authority) = (settings.tls, settings.authority.clone());
        let server = Server { url, password, tls, authority, charset: settings.charset };
        let target = Target { server, query, deadline: settings.deadline() };
        // What is known of the world's numbers is read with the first one, which must not be a caller's.
        let _ = Caller::of(NOBODY, &settings.number_plan(), |_| false);
        let connections = usize::try_from(settings.connections.get()).unwrap_or(1);
        let inner = Inner {
            pool: Arc::new(Pool::new(target, connections)),
            plan: settings.number_plan(),
            spellings: settings.spellings.clone(),
            deadline: settings.deadline(),
            cache: Cache::new(&settings.cache),
            breaker: Breaker::new(&settings.breaker),
            callers: Semaphore::new(MOST_AT_ONCE),
            store,
        };
        Ok(Self { inner: Some(Arc::new(inner)) })
    }

    /// Whether there is a database.
    pub fn has_database(&self) -> bool {
        self.inner.is_some()
    }

    /// Who calls from `number`, as FreeSWITCH has it. Never later than the deadline.
    pub async fn look_up(&self, number: &str) -> Looked {
        let begun = Instant::now();
        let mut looked = Looked {
            number: None,
            spellings: Vec::new(),
            tried: Vec::new(),
            answer: LookUp::NotAsked(NotAsked::NoDatabase),
            cached: false,
            took_us: 0,
            error: None,
        };
        if let Some(inner) = &self.inner {
            looked.answer = inner.look_up(number, begun + inner.deadline, &mut looked).await;
        }
        looked.took_us = micros(begun);
        looked
    }

    /// Keeps a connection ready until `shutdown`.
    pub async fn keep(&self, shutdown: CancellationToken) {
        let Some(inner) = &self.inner else { return shutdown.cancelled().await };
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return inner.pool.forget(),
                () = inner.try_idle() => {}
            }
            tokio::select! {
                () = shutdown.cancelled() => return inner.pool.forget(),
                () = sleep(TRIED_EVERY) => {}
            }
        }
    }

    /// Connects anew and asks for a number that nobody has; `None` where there is no database.
    ///
    /// # Errors
    /// The database cannot be reached, refuses us or the query, or gives other columns.
    pub async fn examine(&self) -> Result<Option<Examined>, Fault> {
        let Some(inner) = &self.inner else { return Ok(None) };
        let until = Instant::now() + PATIENCE;
        let late = |_| Fault::Lost(format!("no answer within {} s", PATIENCE.as_secs()));
        let target = &inner.pool.target;
        let begun = Instant::now();
        let mut link = timeout_at(until, Link::connect(target)).await.map_err(late)??;
        let connected = begun.elapsed();
        let begun = Instant::now();
        let rows = timeout_at(until, link.ask(target, NOBODY)).await.map_err(late)??;
        let finds_everybody = !rows.is_empty();
        Ok(Some(Examined { connected, asked: begun.elapsed(), finds_everybody }))
    }
}

impl Inner {
    async fn look_up(&self, text: &str, until: Instant, looked: &mut Looked) -> LookUp {
        let number = match Caller::of(text, &self.plan, |digits| self.is_ours(digits)) {
            Caller::Number(number) => number,
            Caller::Anonymous => return LookUp::NotAsked(NotAsked::Anonymous),
            Caller::Internal => return LookUp::NotAsked(NotAsked::Internal),
            Caller::NotANumber => return LookUp::NotAsked(NotAsked::NotANumber),
        };
        looked.number = Some(number.e164());
        looked.spellings = number.spelled(&self.spellings, &self.plan);
        let key = looked.spellings.join("\n");
        if let Some(answer) = self.cache.get(&key) {
            looked.cached = true;
            return answer;
        }
        let Some(leave) = self.breaker.leave() else {
            return LookUp::Failed(LookUpFailure::Resting);
        };
        let Ok(_caller) = self.callers.try_acquire() else {
            return LookUp::Failed(LookUpFailure::Busy);
        };
        // Who finds all connections in use until the deadline has learned nothing about the database.
        let permit = match timeout_at(until, self.pool.permit()).await {
            Ok(Ok(permit)) => permit,
            _ => return LookUp::Failed(LookUpFailure::Busy),
        };
        let asked = async {
            let held = self.pool.take(permit).await?;
            self.ask(held, &looked.spellings, &mut looked.tried).await
        };
        match timeout_at(until, asked).await {
            Ok(Ok(rows)) => {
                leave.went_well();
                let answer = answer(&rows);
                self.cache.put(key, &answer);
                answer
            }
            Ok(Err(fault)) => {
                let told = fault.to_string();
                leave.failed(&told);
                looked.error = Some(told);
                LookUp::Failed(LookUpFailure::Error)
            }
            Err(_) => {
                leave.failed("no answer within the deadline");
                LookUp::Failed(LookUpFailure::Deadline)
            }
        }
    }

    /// Asks for one spelling after the other until there are rows. A connection that was used before may have died:
    /// then everything once more on a new one.
    async fn ask(
        &self,
        mut held: Held,
        spellings: &[String],
        tried: &mut Vec<Tried>,
    ) -> Result<Vec<Row>, Fault> {
        loop {
            match self.ask_on(&mut held.link, spellings, tried).await {
                Ok(rows) => {
                    self.pool.give_back(held);
                    return Ok(rows);
                }
                Err(fault) if held.is_used => {
                    tracing::debug!(%fault, "a connection to the customer database is made anew");
                    tried.clear();
                    self.pool.forget();
                    let Held { link, permit, .. } = held;
                    drop(link);
                    held = self.pool.connect(permit).await?;
                }
                Err(fault) => return Err(fault),
            }
        }
    }

    async fn ask_on(
        &self,
        link: &mut Link,
        spellings: &[String],
        tried: &mut Vec<Tried>,
    ) -> Result<Vec<Row>, Fault> {
        for spelling in spellings {
            let begun = Instant::now();
            let rows = link.ask(&self.pool.target, spelling).await?;
            let count = rows.len().min(MOST_ROWS + 1);
            let spelling = spelling.clone();
            tried.push(Tried { spelling, rows: count, took_us: micros(begun) });
            if !rows.is_empty() {
                return Ok(rows);
            }
        }
        Ok(Vec::new())
    }

    /// Sees that a connection is there and works; one that does not is made anew.
    async fn try_idle(&self) {
        self.pool.forget_idle_for(IDLE);
        let until = Instant::now() + PATIENCE;
        let Ok(Ok(permit)) = timeout_at(until, self.pool.permit()).await else { return };
        let tried = async {
            let held = self.pool.take(permit).await?;
            self.ask(held, &[NOBODY.to_owned()], &mut Vec::new()).await
        };
        match timeout_at(until, tried).await {
            Ok(Ok(_)) => {
                tracing::debug!(idle = self.pool.idle_count(), "the customer database answers")
            }
            Ok(Err(fault)) => tracing::warn!(%fault, "the customer database"),
            Err(_) => {
                self.pool.forget();
                tracing::warn!("the customer database does not answer");
            }
        }
    }

    /// Whether the digits are a number of our own.
    fn is_ours(&self, digits: &str) -> bool {
        let (Some(store), Ok(extension)) = (&self.store, digits.parse::<Extension>()) else {
            return false;
        };
        let memory = store.memory();
        memory.user(&extension).is_some() || memory.desk_extension(&extension).is_some()
    }
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}
