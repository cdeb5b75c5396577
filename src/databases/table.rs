//! What a query gives, as texts: the columns' names, then row by row as they are taken.
//!
//! A task reads, and goes no further ahead than a few rows; with [`Table`] it ends, and the connection with it.

use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use rsfbclient::{Column, FbError, Queryable as _, SqlType};
use sqlx::mysql::MySqlRow;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Executor as _, Row as _, SqlSafeStr as _,
    Statement as _, TypeInfo as _, ValueRef as _,
};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::{
    Fault, FirebirdCharset, Kind, LONGEST, Query, Relay, Server, byte_by_byte, bytes_of, firebird,
    mysql, postgres, sqlite, text,
};

/// How many rows are read ahead.
const AHEAD: usize = 256;
/// After how many of its steps SQLite looks whether it may go on; some tens of microseconds.
const STEPS: i32 = 5_000;

/// The rows of a query.
pub struct Table {
    /// The columns' names.
    columns: Vec<String>,
    rows: mpsc::Receiver<Read>,
    until: tokio::time::Instant,
    deadline: Duration,
    task: AbortHandle,
}

/// What the task reads.
enum Read {
    /// The columns' names.
    Columns(Vec<String>),
    /// A row; an empty text where there is nothing.
    Row(Vec<String>),
    /// It can go no further.
    Fault(Fault),
}

impl Table {
    /// Connects and asks; all of it, and taking the rows, within the deadline.
    ///
    /// # Errors
    /// The database cannot be reached, refuses us or the query, or takes too long.
    pub async fn read(server: Server, query: Query, deadline: Duration) -> Result<Self, Fault> {
        let (sender, rows) = mpsc::channel(AHEAD);
        let task = tokio::spawn(async move {
            let faults = sender.clone();
            let read = match server.url.kind {
                Kind::Postgres => read_postgres(&server, &query, deadline, sender).await,
                Kind::MySql => read_mysql(&server, &query, deadline, sender).await,
                Kind::Sqlite => read_sqlite(&server, &query, deadline, sender).await,
                Kind::Firebird => read_firebird(&server, query, sender).await,
            };
            if let Err(fault) = read {
                // Whoever asked may be gone.
                let _ = faults.send(Read::Fault(fault)).await;
            }
        });
        let until = tokio::time::Instant::now() + deadline;
        let task = task.abort_handle();
        let mut table = Self { columns: Vec::new(), rows, until, deadline, task };
        match table.take().await? {
            Some(Read::Columns(columns)) => table.columns = columns,
            Some(Read::Fault(fault)) => return Err(fault),
            // Firebird's client tells the names with the first row.
            _ => {}
        }
        Ok(table)
    }

    /// The columns' names; none where a Firebird query gave no row.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The next row, a text for each column; `None` at the end.
    ///
    /// # Errors
    /// The connection broke, the database refuses to go on, or it takes too long.
    pub async fn next(&mut self) -> Result<Option<Vec<String>>, Fault> {
        match self.take().await? {
            Some(Read::Row(row)) => Ok(Some(row)),
            Some(Read::Fault(fault)) => Err(fault),
            Some(Read::Columns(_)) | None => Ok(None),
        }
    }

    async fn take(&mut self) -> Result<Option<Read>, Fault> {
        let seconds = self.deadline.as_secs();
        let late = |_| Fault::Lost(format!("not done within {seconds} s"));
        tokio::time::timeout_at(self.until, self.rows.recv()).await.map_err(late)
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Rows = mpsc::Sender<Read>;

/// Whoever takes the rows is gone: nothing that anybody would hear of.
fn gone<T>(_: T) -> Fault {
    Fault::Lost("nobody waits for the rows".to_owned())
}

async fn read_postgres(
    server: &Server,
    query: &Query,
    deadline: Duration,
    rows: Rows,
) -> Result<(), Fault> {
    let fault = |error: sqlx::Error| server.fault(&error);
    let mut connection = postgres(server).connect().await.map_err(fault)?;
    let time = deadline.as_millis();
    let session = format!(
        "SET default_transaction_read_only = on; SET statement_timeout = {time}; SET lock_timeout = {time}"
    );
    connection.execute(sqlx::raw_sql(AssertSqlSafe(session))).await.map_err(fault)?;
    let sql = AssertSqlSafe(query.sql.clone()).into_sql_str();
    let statement = (&mut connection).prepare(sql).await.map_err(fault)?;
    let columns = statement.columns();
    rows.send(named(columns.iter().map(|column| column.name()))).await.map_err(gone)?;
    let taken = columns.iter().enumerate().map(|(at, column)| {
        match column.type_info().name().eq_ignore_ascii_case("bytea") {
            true => format!("substring(q.c{at} FROM 1 FOR {LONGEST})"),
            false => format!("left(CAST(q.c{at} AS text), {LONGEST})"),
        }
    });
    let taken = taken.collect::<Vec<_>>().join(", ");
    let names: Vec<String> = (0..columns.len()).map(|at| format!("c{at}")).collect();
    // On a line of its own, as the query may end in a comment.
    let sql = format!("SELECT {taken} FROM (\n{}\n) AS q({})", query.sql, names.join(", "));
    let mut found = sqlx::query(AssertSqlSafe(sql)).fetch(&mut connection);
    while let Some(row) = found.try_next().await.map_err(fault)? {
        let row: Result<Vec<String>, sqlx::Error> =
            (0..row.len()).map(|at| postgres_text(&row, at)).collect();
        rows.send(Read::Row(row.map_err(fault)?)).await.map_err(gone)?;
    }
    Ok(())
}

fn postgres_text(row: &PgRow, at: usize) -> Result<String, sqlx::Error> {
    let value = row.try_get_raw(at)?;
    match value.is_null() {
        true => Ok(String::new()),
        false => Ok(text(value.as_bytes().map_err(sqlx::Error::Decode)?).unwrap_or_default()),
    }
}

async fn read_mysql(
    server: &Server,
    query: &Query,
    deadline: Duration,
    rows: Rows,
) -> Result<(), Fault> {
    let fault = |error: sqlx::Error| server.fault(&error);
    let mut connection = mysql(server).connect().await.map_err(fault)?;
    let version: String =
        sqlx::query_scalar("SELECT VERSION()").fetch_one(&mut connection).await.map_err(fault)?;
    let time = match version.contains("MariaDB") {
        true => format!("max_statement_time = {}", deadline.as_secs_f64()),
        false => format!("max_execution_time = {}", deadline.as_millis()),
    };
    for session in ["SET SESSION TRANSACTION READ ONLY", &format!("SET SESSION {time}")] {
        connection.execute(sqlx::raw_sql(AssertSqlSafe(session))).await.map_err(fault)?;
    }
    let sql = AssertSqlSafe(query.sql.clone()).into_sql_str();
    let statement = (&mut connection).prepare(sql).await.map_err(fault)?;
    let columns = statement.columns();
    rows.send(named(columns.iter().map(|column| column.name()))).await.map_err(gone)?;
    let taken = columns.iter().map(|column| {
        let name = column.name().replace('`', "``");
        format!("LEFT(q.`{name}`, {LONGEST})")
    });
    let taken = taken.collect::<Vec<_>>().join(", ");
    let sql = format!("SELECT {taken} FROM (\n{}\n) AS q", query.sql);
    let mut found = sqlx::query(AssertSqlSafe(sql)).fetch(&mut connection);
    while let Some(row) = found.try_next().await.map_err(fault)? {
        let of = |row: &MySqlRow, at: usize| row.try_get_unchecked::<Option<Vec<u8>>, _>(at);
        let row: Result<Vec<String>, sqlx::Error> =
            (0..row.len()).map(|at| Ok(bytes_text(of(&row, at)?))).collect();
        rows.send(Read::Row(row.map_err(fault)?)).await.map_err(gone)?;
    }
    Ok(())
}

async fn read_sqlite(
    server: &Server,
    query: &Query,
    deadline: Duration,
    rows: Rows,
) -> Result<(), Fault> {
    let path = &server.url.database;
    std::fs::metadata(path)
        .map_err(|error| Fault::Lost(server.told(&format!("{path}: {error}"))))?;
    let fault = |error: sqlx::Error| server.fault(&error);
    let mut connection = sqlite(server, deadline).connect().await.map_err(fault)?;
    let until = Instant::now() + deadline;
    let mut handle = connection.lock_handle().await.map_err(fault)?;
    handle.set_progress_handler(STEPS, move || Instant::now() < until);
    drop(handle);
    let sql = AssertSqlSafe(query.sql.clone()).into_sql_str();
    let statement = (&mut connection).prepare(sql).await.map_err(fault)?;
    rows.send(named(statement.columns().iter().map(|column| column.name()))).await.map_err(gone)?;
    let mut found = sqlx::query(AssertSqlSafe(query.sql.as_str())).fetch(&mut connection);
    while let Some(row) = found.try_next().await.map_err(fault)? {
        let of = |row: &SqliteRow, at: usize| row.try_get_unchecked::<Option<Vec<u8>>, _>(at);
        let row: Result<Vec<String>, sqlx::Error> =
            (0..row.len()).map(|at| Ok(bytes_text(of(&row, at)?))).collect();
        rows.send(Read::Row(row.map_err(fault)?)).await.map_err(gone)?;
    }
    Ok(())
}

/// Firebird's client blocks, so it has a thread; the relay is cut when nobody waits any more.
async fn read_firebird(server: &Server, query: Query, rows: Rows) -> Result<(), Fault> {
    let relay = Relay::to(&server.url.host, server.url.port).await;
    let relay = relay.map_err(|error| Fault::Lost(server.told(&error.to_string())))?;
    let builder = firebird(server, &relay);
    let sql = match server.charset {
        FirebirdCharset::Utf8 => byte_by_byte(&query.sql),
        _ => query.sql,
    };
    let (done, is_done) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().name("firebird".to_owned());
    let started = thread.spawn(move || {
        let read = || {
            let mut connection = builder.connect()?;
            let mut told = false;
            for row in connection.query_iter::<_, rsfbclient::Row>(&sql, ())? {
                let row = row?;
                if !told {
                    told = true;
                    let names = named(row.cols.iter().map(|column| &*column.name));
                    if rows.blocking_send(names).is_err() {
                        break;
                    }
                }
                let row = row.cols.into_iter().map(firebird_text).collect();
                if rows.blocking_send(Read::Row(row)).is_err() {
                    break;
                }
            }
            Ok::<(), FbError>(())
        };
        let _ = done.send(read());
    });
    started.map_err(|error| Fault::Lost(error.to_string()))?;
    let read = is_done.await.map_err(|_| Fault::Lost("the client gave up".to_owned()))?;
    read.map_err(|error| server.firebird_fault(&error))
}

fn firebird_text(column: Column) -> String {
    match column.value {
        SqlType::Text(found) => text(&bytes_of(&found)).unwrap_or_default(),
        SqlType::Binary(found) => text(&found).unwrap_or_default(),
        SqlType::Integer(found) => found.to_string(),
        SqlType::Floating(found) => found.to_string(),
        SqlType::Boolean(found) => found.to_string(),
        _ => String::new(),
    }
}

fn bytes_text(bytes: Option<Vec<u8>>) -> String {
    bytes.and_then(|bytes| text(&bytes)).unwrap_or_default()
}

fn named<'n>(names: impl Iterator<Item = &'n str>) -> Read {
    Read::Columns(names.map(str::to_owned).collect())
}
