//! MySQL and MariaDB.

use sqlx::mysql::MySqlRow;
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Executor as _, MySqlConnection, Row as _,
    SqlSafeStr as _, Statement as _,
};

use super::Target;
use crate::customers::answer::MOST_ROWS;
use crate::customers::columns::{Columns, Row};
use crate::databases::{Fault, LONGEST, mysql, text};

/// A connection to a server.
pub(in crate::customers) struct MySql {
    connection: MySqlConnection,
    /// The query, with its columns as text: team, name, priority, as far as it has them.
    sql: String,
    columns: Columns,
}

impl MySql {
    pub(super) async fn connect(target: &Target) -> Result<Self, Fault> {
        let fault = |error: sqlx::Error| target.server.fault(&error);
        let mut connection = mysql(&target.server).connect().await.map_err(fault)?;
        let version: String = sqlx::query_scalar("SELECT VERSION()")
            .fetch_one(&mut connection)
            .await
            .map_err(fault)?;
        let time = target.statement_time();
        let time = match version.contains("MariaDB") {
            true => format!("max_statement_time = {}", time.as_secs_f64()),
            false => format!("max_execution_time = {}", time.as_millis()),
        };
        for session in ["SET SESSION TRANSACTION READ ONLY", &format!("SET SESSION {time}")] {
            let session = sqlx::raw_sql(AssertSqlSafe(session));
            connection.execute(session).await.map_err(fault)?;
        }
        let sql = AssertSqlSafe(target.query.sql.clone()).into_sql_str();
        let statement = (&mut connection).prepare(sql).await.map_err(fault)?;
        let columns = Columns::of(statement.columns().iter().map(|column| column.name()))?;
        let names: Vec<&str> = statement.columns().iter().map(|column| column.name()).collect();
        let sql = as_text(&target.query.sql, columns, &names);
        Ok(Self { connection, sql, columns })
    }

    pub(super) async fn ask(&mut self, target: &Target, number: &str) -> Result<Vec<Row>, Fault> {
        let mut query = sqlx::query(AssertSqlSafe(self.sql.as_str()));
        for _ in 0..target.query.binds {
            query = query.bind(number);
        }
        let fault = |error: sqlx::Error| target.server.fault(&error);
        let rows = query.fetch_all(&mut self.connection).await.map_err(fault)?;
        rows.iter().map(|row| read(row, self.columns)).collect::<Result<_, _>>().map_err(fault)
    }
}

/// The server makes text of whatever type a column has, and cuts what is too long; bytes stay bytes.
fn as_text(query: &str, columns: Columns, names: &[&str]) -> String {
    let taken = columns.places().into_iter().flatten().filter_map(|place| {
        let name = names.get(place)?.replace('`', "``");
        Some(format!("LEFT(q.`{name}`, {LONGEST})"))
    });
    let taken = taken.collect::<Vec<_>>().join(", ");
    // On a line of its own, as the query may end in a comment.
    format!("SELECT {taken} FROM (\n{query}\n) AS q LIMIT {}", MOST_ROWS + 1)
}

fn read(row: &MySqlRow, columns: Columns) -> Result<Row, sqlx::Error> {
    let mut read = [None, None, None];
    let mut at = 0;
    for (read, place) in read.iter_mut().zip(columns.places()) {
        if place.is_none() {
            continue;
        }
        let bytes: Option<Vec<u8>> = row.try_get_unchecked(at)?;
        *read = bytes.and_then(|bytes| text(&bytes));
        at += 1;
    }
    Ok(Row::of(read))
}
