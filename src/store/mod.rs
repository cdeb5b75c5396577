//! The store: the only SQL on our own tables.
//!
//! Reads are answered from [`Memory`], which holds everything and is changed by committed writes
//! alone. All writes go through [`Store::write`]; its doc says what it promises.

mod journal;
mod lock;
mod memory;
mod migrations;
mod phones;
mod staff;
mod tx;
mod vault;
mod webhooks;
mod writer;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::ConnectOptions as _;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool};
use tokio::sync::broadcast;

pub use journal::{JournalFilter, JournalPage};
pub use lock::Lock;
pub use memory::Memory;
pub use sqlx::Error as DatabaseError;
pub use staff::Staff;
pub use tx::{CustomerCall, ImportConflict, NewPhone, Retry, Tx};
pub use vault::VaultError;
pub use writer::WriteError;

use crate::metrics::Metrics;
use crate::model::{JournalEntry, Phone, SipIdentity};
use memory::Effect;
use tx::Hooks;
use vault::Vault;
use writer::Writer;

/// How many happenings a slow reader of [`Store::happenings`] may lag behind before it misses some.
const HAPPENINGS: usize = 4096;
/// How long SQLite waits for somebody else's lock before it says busy.
const BUSY: Duration = Duration::from_secs(2);

/// The opened store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    memory: RwLock<Memory>,
    happenings: broadcast::Sender<Arc<JournalEntry>>,
    writer: Writer,
    readers: AnyPool,
    vault: Arc<Vault>,
    metrics: Metrics,
    hooks: Arc<Hooks>,
}

/// Why the store cannot be opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder is not there or cannot be used.
    #[error("the data folder {}: {source}; make it, owned by the user that hotdeskd runs as", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The folder belongs to another user.
    #[error("the data folder {} belongs to the user with the number {owner}; run this as that user, as in `sudo -u hotdeskd hotdeskd …`", path.display())]
    Owner {
        /// Which.
        path: PathBuf,
        /// The number of the user to whom it belongs.
        owner: u32,
    },
    /// The key is there, but the store that belongs to it is not.
    #[error("the store {} is missing, though its key is there; restore both from a backup, or take secret.key away to begin with an empty store", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// Another version of hotdeskd wrote it, with a schema that this one does not know.
    #[error(
        "the store was written by another version of hotdeskd (its schema change {version} is not ours); run that version, or restore a backup made before it"
    )]
    Newer {
        /// The schema change that is not known.
        version: i64,
    },
    /// An older version of hotdeskd wrote it, and this one may only look.
    #[error(
        "the store was written by an older version of hotdeskd; the next start of `hotdeskd serve` brings it up to date"
    )]
    Older,
    /// The schema cannot be brought up to date.
    #[error("the store's schema cannot be brought up to date: {0}")]
    Migrate(sqlx::migrate::MigrateError),
    /// The database says no.
    #[error("the store {}: {source}", path.display())]
    Database {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: sqlx::Error,
    },
    /// A row does not hold what it should.
    #[error("the store holds a row that cannot be read: {0}")]
    Row(String),
    /// The key file.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl Store {
    /// Opens the store in `folder` (`hotdeskd.db`, `secret.key`), and makes it where there is none. Take
    /// the [`Lock`] first.
    ///
    /// # Errors
    /// See [`OpenError`]. A store of a newer version, a missing key, or a locked file change nothing.
    pub async fn open(folder: &Path) -> Result<Self, OpenError> {
        Self::open_as(folder, true).await
    }

    /// Opens the store beside a daemon that works with it, to look at: makes nothing and changes no
    /// schema.
    ///
    /// # Errors
    /// As [`Store::open`]; there is none, or it has another version's schema.
    pub async fn look(folder: &Path) -> Result<Self, OpenError> {
        Self::open_as(folder, false).await
    }

    async fn open_as(folder: &Path, ours: bool) -> Result<Self, OpenError> {
        lock::owned(folder)?;
        let file = folder.join("hotdeskd.db");
        let failed = |source| OpenError::Database { path: file.clone(), source };
        sqlx::any::install_default_drivers();
        let (is_there, key) = (file.exists(), folder.join("secret.key"));
        if !is_there && (key.exists() || !ours) {
            return Err(OpenError::Missing { path: file });
        }
        if !is_there {
            // SQLite gives its log the same mode.
            let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file);
            made.map_err(|source| OpenError::Folder { path: folder.into(), source })?;
        }
        // After the file, so that whoever is killed in between leaves what the next start takes for new.
        let is_empty = file.metadata().is_ok_and(|file| file.len() == 0);
        let vault = Arc::new(Vault::open(&key, ours && is_empty)?);
        let options = options(&file).map_err(failed)?;
        let mut connection = options.connect().await.map_err(failed)?;
        prepare(&mut connection).await.map_err(failed)?;
        match ours {
            true => migrations::migrate(&mut connection).await?,
            false => migrations::verify(&mut connection).await?,
        }
        let memory = tx::load(&mut connection, &vault).await?;
        let readers = AnyPoolOptions::new()
            .max_connections(2)
            .acquire_timeout(Duration::from_secs(5))
            .after_connect(|connection, _| Box::pin(async move { prepare(connection).await }))
            .connect_lazy_with(options.clone());
        let (happenings, _) = broadcast::channel(HAPPENINGS);
        let writer = Writer::new();
        let (memory, metrics) = (RwLock::new(memory), Metrics::new());
        let hooks = Arc::new(Hooks { metrics: metrics.clone(), ..Hooks::default() });
        let inner = Arc::new(Inner { memory, happenings, writer, readers, vault, metrics, hooks });
        Writer::start(connection, options, inner.vault.clone(), inner.hooks.clone(), &inner);
        Ok(Self { inner })
    }

    /// The store as it is now. Keep the guard for the length of one answer, never across an `await`.
    pub fn memory(&self) -> RwLockReadGuard<'_, Memory> {
        // A panic while memory is being changed cannot leave half a step: each is a map operation.
        self.inner.memory.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where all who work with this store note what they count and time.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// How many writes wait.
    pub fn writes_waiting(&self) -> usize {
        self.inner.writer.waiting()
    }

    /// 16 bytes for a purpose: always the same with this key file, and known to nobody without it.
    pub fn derived(&self, purpose: &str) -> [u8; 16] {
        self.inner.vault.derive(purpose)
    }

    /// The secret with which a handset of this base registers. It stands nowhere: it is derived from the key file and
    /// the base's own secret, so that a new one of the base is a new one of each handset.
    pub fn handset_secret(&self, base: &Phone, number: u16) -> SecretString {
        let handset = SipIdentity::of_handset(base.mac, number);
        let base = base.secret.expose_secret();
        let bytes = self.derived(&format!("handset secret of {handset} with {base}"));
        bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
    }

    /// What happens from now on, as it becomes durable. A reader that lags by 4,096 misses some and
    /// is told so.
    pub fn happenings(&self) -> broadcast::Receiver<Arc<JournalEntry>> {
        self.inner.happenings.subscribe()
    }

    /// Does `job` in one transaction: all of it or nothing, also under kill -9. The answer comes only
    /// once it is durable; memory and [`Store::happenings`] show it by then.
    ///
    /// Jobs that wait together share one commit, each in a savepoint of its own, so one that fails
    /// takes nothing of the others with it. A job may run more than once (the store was busy, or two
    /// jobs made the same row), so it must do nothing but use its [`Tx`].
    ///
    /// # Errors
    /// [`WriteError::Job`] with the job's own error (nothing was written); [`WriteError::Store`] when
    /// the store failed, and [`WriteError::Busy`] when there are more jobs than it can take.
    pub async fn write<T, E, F>(&self, job: F) -> Result<T, WriteError<E>>
    where
        F: AsyncFn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<sqlx::Error> + Send + 'static,
    {
        self.inner.writer.write(job).await
    }
}

impl Inner {
    fn publish(&self, effects: Vec<Effect>, entries: Vec<JournalEntry>) {
        let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
        effects.into_iter().for_each(|effect| memory.apply(effect));
        drop(memory);
        for entry in entries {
            self.metrics.happened(&entry.what);
            // Nobody listening is no fault.
            let _ = self.happenings.send(Arc::new(entry));
        }
    }
}

fn options(file: &Path) -> Result<AnyConnectOptions, sqlx::Error> {
    let path = file.to_string_lossy();
    let path = percent_encoding::utf8_percent_encode(&path, PATH);
    let options: AnyConnectOptions = format!("sqlite://{path}?mode=rwc").parse()?;
    Ok(options.disable_statement_logging())
}

/// What would end the path in a URL.
const PATH: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS
    .add(b' ')
    .add(b'?')
    .add(b'#')
    .add(b'%')
    .add(b'"')
    .add(b'<')
    .add(b'>');

/// SQLite's settings for each connection: a log that readers do not wait for, and every commit on the
/// disk before it is told.
async fn prepare(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    for pragma in
        ["PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON"]
    {
        sqlx::query(pragma).execute(&mut *connection).await?;
    }
    let busy = format!("PRAGMA busy_timeout = {}", BUSY.as_millis());
    sqlx::query(sqlx::AssertSqlSafe(busy)).execute(connection).await?;
    Ok(())
}

#[cfg(test)]
mod tests;
