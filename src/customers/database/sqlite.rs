//! A file of SQLite.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use futures_util::TryStreamExt as _;
use sqlx::sqlite::SqliteRow;
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Executor as _, Row as _, SqlSafeStr as _,
    SqliteConnection, Statement as _,
};

use super::Target;
use crate::customers::answer::MOST_ROWS;
use crate::customers::columns::{Columns, Row};
use crate::databases::{Fault, sqlite, text};

/// After how many of its steps SQLite looks whether it may go on; some tens of microseconds.
const STEPS: i32 = 5_000;

/// A connection to a file.
pub(in crate::customers) struct Sqlite {
    connection: SqliteConnection,
    columns: Columns,
    /// Which file it is: one that is put in its place is another.
    file: FileId,
    clock: Clock,
}

/// Device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileId(u64, u64);

impl FileId {
    fn of(path: &str) -> std::io::Result<Self> {
        std::fs::metadata(Path::new(path)).map(|file| Self(file.dev(), file.ino()))
    }
}

/// Until when the connection's thread may work, also when nobody waits for it any more.
#[derive(Clone)]
struct Clock {
    since: Instant,
    /// Milliseconds after `since`; 0: as long as it likes.
    until: Arc<AtomicU64>,
}

impl Clock {
    fn now(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn is_over(&self) -> bool {
        self.now() > self.until.load(Ordering::Relaxed)
    }
}

impl Sqlite {
    pub(super) async fn connect(target: &Target) -> Result<Self, Fault> {
        let path = &target.server.url.database;
        let no_file =
            |error: std::io::Error| Fault::Lost(target.server.told(&format!("{path}: {error}")));
        let file = FileId::of(path).map_err(no_file)?;
        let options = sqlite(&target.server, target.deadline);
        let fault = |error: sqlx::Error| target.server.fault(&error);
        let mut connection = options.connect().await.map_err(fault)?;
        let clock = Clock { since: Instant::now(), until: Arc::new(AtomicU64::new(u64::MAX)) };
        let watch = clock.clone();
        let mut handle = connection.lock_handle().await.map_err(fault)?;
        handle.set_progress_handler(STEPS, move || !watch.is_over());
        drop(handle);
        let sql = AssertSqlSafe(target.query.sql.clone()).into_sql_str();
        let statement = connection.prepare(sql).await.map_err(fault)?;
        let columns = Columns::of(statement.columns().iter().map(|column| column.name()))?;
        Ok(Self { connection, columns, file, clock })
    }

    pub(super) async fn ask(&mut self, target: &Target, number: &str) -> Result<Vec<Row>, Fault> {
        if FileId::of(&target.server.url.database).ok() != Some(self.file) {
            return Err(Fault::Lost("the file was replaced".to_owned()));
        }
        let lasts = u64::try_from(target.statement_time().as_millis()).unwrap_or(u64::MAX);
        self.clock.until.store(self.clock.now().saturating_add(lasts), Ordering::Relaxed);
        let sql = AssertSqlSafe(target.query.sql.as_str());
        let mut found = sqlx::query(sql).bind(number).fetch(&mut self.connection);
        let mut rows = Vec::new();
        while let Some(row) = found.try_next().await.map_err(|error| target.server.fault(&error))? {
            rows.push(read(&row, self.columns).map_err(|error| target.server.fault(&error))?);
            if rows.len() > MOST_ROWS {
                break;
            }
        }
        Ok(rows)
    }
}

/// SQLite itself makes text of numbers.
fn read(row: &SqliteRow, columns: Columns) -> Result<Row, sqlx::Error> {
    let mut read = [None, None, None];
    for (read, place) in read.iter_mut().zip(columns.places()) {
        let Some(place) = place else { continue };
        let bytes: Option<Vec<u8>> = row.try_get_unchecked(place)?;
        *read = bytes.and_then(|bytes| text(&bytes));
    }
    Ok(Row::of(read))
}
