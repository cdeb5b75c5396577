//! The one writer: jobs that wait together share a commit.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, ConnectOptions as _, Connection as _};
use tokio::sync::{mpsc, oneshot};

use super::memory::Effect;
use super::tx::Hooks;
use super::vault::Vault;
use super::{Inner, Tx, prepare};
use crate::model::JournalEntry;

/// How many jobs may wait; past that a caller is told at once that the store is busy.
const WAITING: usize = 8_192;
/// How many jobs share a commit at the most, so that the first of them does not wait for long.
const SHARED: usize = 256;
/// How often a job or a commit is tried again when somebody else was in the way.
const TRIES: u32 = 5;

/// Why a write did not happen.
#[derive(Debug, thiserror::Error)]
pub enum WriteError<E> {
    /// The job itself said no; nothing was written.
    #[error("{0}")]
    Job(E),
    /// The store failed (disk full, read-only, locked for long); nothing was written.
    #[error("the store failed: {0}")]
    Store(Arc<sqlx::Error>),
    /// More jobs wait than the store can take, or it is closing.
    #[error("the store is busy")]
    Busy,
}

/// The way to the writer's thread.
pub(super) struct Writer {
    jobs: OnceLock<mpsc::Sender<Box<dyn Job>>>,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self { jobs: OnceLock::new() }
    }

    /// Starts the thread that owns the writing connection. It ends when `inner` is gone.
    ///
    /// A thread of its own, so that jobs need not be `Send` while they run and a slow disk holds up
    /// nobody else.
    pub(super) fn start(
        connection: AnyConnection,
        options: AnyConnectOptions,
        vault: Arc<Vault>,
        hooks: Arc<Hooks>,
        inner: &Arc<Inner>,
    ) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let _ = inner.writer.jobs.set(sender);
        let inner = Arc::downgrade(inner);
        let line = Line { connection, options, broken: false };
        std::thread::spawn(move || {
            let _end = EndsTheProcess;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            match runtime {
                Ok(runtime) => {
                    let with = With { vault: &vault, hooks: &hooks };
                    runtime.block_on(run(line, with, receiver, &inner));
                }
                Err(error) => tracing::error!(%error, "the store's writer cannot start"),
            }
        });
    }

    /// How many jobs wait.
    pub(super) fn waiting(&self) -> usize {
        self.jobs.get().map_or(0, |jobs| WAITING.saturating_sub(jobs.capacity()))
    }

    pub(super) async fn write<T, E, F>(&self, work: F) -> Result<T, WriteError<E>>
    where
        F: AsyncFn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<sqlx::Error> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job = Box::new(Asked { work, outcome: None, answer: Some(answer) });
        let jobs = self.jobs.get().ok_or(WriteError::Busy)?;
        jobs.try_send(job).map_err(|_| WriteError::Busy)?;
        answered.await.unwrap_or(Err(WriteError::Busy))
    }
}

/// A store without its writer could take nothing more, and would say "busy" for ever: a panic there
/// (jobs are caught on their own) ends the process, which is started again.
struct EndsTheProcess;

impl Drop for EndsTheProcess {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}

/// A job in the queue, whatever its types.
trait Job: Send {
    /// Runs it once and keeps its outcome; says whether it is to be committed.
    fn run<'a>(&'a mut self, tx: &'a mut Tx<'_>) -> LocalBoxFuture<'a, Ran>;
    /// Tells whoever waits: committed, or the store failed.
    fn tell(self: Box<Self>, committed: Result<(), Arc<sqlx::Error>>);
}

enum Ran {
    Done,
    /// The job's own error: this savepoint is rolled back.
    Refused,
    /// It should be tried again.
    Again,
}

struct Asked<T, E, F> {
    work: F,
    outcome: Option<Result<T, E>>,
    answer: Option<oneshot::Sender<Result<T, WriteError<E>>>>,
}

impl<T, E, F> Job for Asked<T, E, F>
where
    F: AsyncFn(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<sqlx::Error> + Send,
{
    fn run<'a>(&'a mut self, tx: &'a mut Tx<'_>) -> LocalBoxFuture<'a, Ran> {
        Box::pin(async move {
            let tried = AssertUnwindSafe((self.work)(tx)).catch_unwind().await;
            let (outcome, ran) = match tried {
                Ok(Ok(value)) => (Some(Ok(value)), Ran::Done),
                Ok(Err(_)) if tx.met_conflict() => (None, Ran::Again),
                Ok(Err(error)) => (Some(Err(error)), Ran::Refused),
                Err(panic) => {
                    tracing::error!(
                        panic = text_of(&*panic),
                        "a write of ours panicked; it is undone"
                    );
                    (None, Ran::Refused)
                }
            };
            self.outcome = outcome;
            ran
        })
    }

    fn tell(mut self: Box<Self>, committed: Result<(), Arc<sqlx::Error>>) {
        let told = match (self.outcome.take(), committed) {
            // What the job refused was refused whatever became of the others.
            (Some(Err(error)), _) => Err(WriteError::Job(error)),
            (_, Err(error)) => Err(WriteError::Store(error)),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(WriteError::Busy),
        };
        if let Some(answer) = self.answer.take() {
            // Who asked may be gone; what was done stays done.
            let _ = answer.send(told);
        }
    }
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or(panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("?")
}

/// What a job works with besides the connection.
#[derive(Clone, Copy)]
struct With<'a> {
    vault: &'a Vault,
    hooks: &'a Hooks,
}

/// The connection that writes, and how to get another one.
struct Line {
    connection: AnyConnection,
    options: AnyConnectOptions,
    broken: bool,
}

impl Line {
    /// The connection, made anew after a failure: when the disk is full SQLite ends the transaction by
    /// itself, which sqlx does not learn, so that it could never begin another one.
    async fn sound(&mut self) -> Result<&mut AnyConnection, sqlx::Error> {
        if self.broken {
            let mut connection = self.options.connect().await?;
            prepare(&mut connection).await?;
            self.connection = connection;
            self.broken = false;
        }
        Ok(&mut self.connection)
    }

    /// One commit for all of `batch`.
    async fn write(
        &mut self,
        with: With<'_>,
        batch: &mut [Box<dyn Job>],
    ) -> Result<Written, sqlx::Error> {
        let written = write_all(self.sound().await?, with, batch).await;
        self.broken = written.is_err();
        written
    }
}

async fn run(
    mut line: Line,
    with: With<'_>,
    mut jobs: mpsc::Receiver<Box<dyn Job>>,
    inner: &Weak<Inner>,
) {
    let mut batch = Vec::new();
    while jobs.recv_many(&mut batch, SHARED).await > 0 {
        let begun = Instant::now();
        let written = line.write(with, &mut batch).await;
        let inner = inner.upgrade();
        if let Some(inner) = &inner {
            inner.metrics.commit(written.is_ok(), begun.elapsed());
        }
        let committed = match written {
            Ok((effects, entries)) => {
                if let Some(inner) = inner {
                    inner.publish(effects, entries);
                }
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "the store failed; nothing of this write was kept");
                Err(Arc::new(error))
            }
        };
        for job in batch.drain(..) {
            job.tell(committed.clone());
        }
    }
    let _ = line.connection.close().await;
}

type Written = (Vec<Effect>, Vec<JournalEntry>);

/// One commit for all of `batch`, tried again while somebody else holds the lock.
async fn write_all(
    connection: &mut AnyConnection,
    with: With<'_>,
    batch: &mut [Box<dyn Job>],
) -> Result<Written, sqlx::Error> {
    let mut tried = 0;
    loop {
        match write_once(connection, with, batch).await {
            Err(error) if is_busy(&error) && tried < TRIES => {
                tried += 1;
                tokio::time::sleep(Duration::from_millis(20 << tried)).await;
            }
            result => return result,
        }
    }
}

async fn write_once(
    connection: &mut AnyConnection,
    with: With<'_>,
    batch: &mut [Box<dyn Job>],
) -> Result<Written, sqlx::Error> {
    // IMMEDIATE, because a transaction that begins with a read and then writes fails at once (517).
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let mut written = Written::default();
    for job in batch.iter_mut() {
        for _ in 0..TRIES {
            let mut savepoint = transaction.begin().await?;
            let mut tx = Tx::new(&mut savepoint, with.vault, with.hooks);
            let ran = job.run(&mut tx).await;
            let (made, happened) = tx.finish();
            match ran {
                Ran::Done => {
                    savepoint.commit().await?;
                    written.0.extend(made);
                    written.1.extend(happened);
                    break;
                }
                Ran::Refused => {
                    savepoint.rollback().await?;
                    break;
                }
                Ran::Again => savepoint.rollback().await?,
            }
        }
    }
    transaction.commit().await?;
    Ok(written)
}

fn is_busy(error: &sqlx::Error) -> bool {
    // SQLITE_BUSY 5, SQLITE_LOCKED 6 and their extended codes (low byte).
    let code = error.as_database_error().and_then(|error| error.code());
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| matches!(code & 0xff, 5 | 6))
}
