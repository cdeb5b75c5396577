//! PostgreSQL.

use sqlx::postgres::{PgRow, PgTypeInfo};
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Executor as _, PgConnection, Row as _,
    SqlSafeStr as _, Statement as _, TypeInfo as _, ValueRef as _,
};

use super::Target;
use crate::customers::answer::MOST_ROWS;
use crate::customers::columns::{Columns, Row};
use crate::databases::{Fault, LONGEST, postgres, text};

/// A connection to a server.
pub(in crate::customers) struct Postgres {
    connection: PgConnection,
    /// The query, with its columns as text: team, name, priority, as far as it has them.
    sql: String,
    columns: Columns,
}

impl Postgres {
    pub(super) async fn connect(target: &Target) -> Result<Self, Fault> {
        let fault = |error: sqlx::Error| target.server.fault(&error);
        let mut connection = postgres(&target.server).connect().await.map_err(fault)?;
        let time = target.statement_time().as_millis();
        // Not as options of the connection, which poolers refuse.
        let session = format!(
            "SET default_transaction_read_only = on; SET statement_timeout = {time}; SET lock_timeout = {time}"
        );
        connection.execute(sqlx::raw_sql(AssertSqlSafe(session))).await.map_err(fault)?;
        let sql = AssertSqlSafe(target.query.sql.clone()).into_sql_str();
        let number = [PgTypeInfo::with_name("text")];
        let statement = (&mut connection).prepare_with(sql, &number).await.map_err(fault)?;
        let columns = statement.columns();
        let types: Vec<&str> = columns.iter().map(|column| column.type_info().name()).collect();
        let columns = Columns::of(columns.iter().map(|column| column.name()))?;
        let sql = as_text(&target.query.sql, columns, &types);
        Ok(Self { connection, sql, columns })
    }

    pub(super) async fn ask(&mut self, target: &Target, number: &str) -> Result<Vec<Row>, Fault> {
        let query = sqlx::query(AssertSqlSafe(self.sql.as_str())).bind(number);
        let fault = |error: sqlx::Error| target.server.fault(&error);
        let rows = query.fetch_all(&mut self.connection).await.map_err(fault)?;
        rows.iter().map(|row| read(row, self.columns)).collect::<Result<_, _>>().map_err(fault)
    }
}

/// The server makes text of whatever type a column has, and cuts what is too long; bytes stay bytes, of which it
/// would make digits.
fn as_text(query: &str, columns: Columns, types: &[&str]) -> String {
    let names: Vec<String> = (0..types.len()).map(|at| format!("c{at}")).collect();
    let taken = columns.places().into_iter().flatten().map(|place| {
        match types.get(place).is_some_and(|name| name.eq_ignore_ascii_case("bytea")) {
            true => format!("substring(q.c{place} FROM 1 FOR {LONGEST})"),
            false => format!("left(CAST(q.c{place} AS text), {LONGEST})"),
        }
    });
    let taken = taken.collect::<Vec<_>>().join(", ");
    // On a line of its own, as the query may end in a comment.
    format!("SELECT {taken} FROM (\n{query}\n) AS q({}) LIMIT {}", names.join(", "), MOST_ROWS + 1)
}

fn read(row: &PgRow, columns: Columns) -> Result<Row, sqlx::Error> {
    let mut read = [None, None, None];
    let mut at = 0;
    for (read, place) in read.iter_mut().zip(columns.places()) {
        if place.is_none() {
            continue;
        }
        let value = row.try_get_raw(at)?;
        if !value.is_null() {
            *read = text(value.as_bytes().map_err(sqlx::Error::Decode)?);
        }
        at += 1;
    }
    Ok(Row::of(read))
}
