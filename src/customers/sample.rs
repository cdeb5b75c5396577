//! A customer database of samples, for `demo`: the only one that is ever written here.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

/// A customer of the sample: number, team, name, priority.
pub type SampleCustomer<'a> = (&'a str, &'a str, &'a str, i64);

/// Makes a file of SQLite with the table `customers (phone, team, name, priority)`.
///
/// # Errors
/// The file cannot be made, or there is one.
pub async fn write(path: &Path, customers: &[SampleCustomer<'_>]) -> Result<(), sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = options.disable_statement_logging().connect().await?;
    let table = "CREATE TABLE customers (phone TEXT, team TEXT, name TEXT, priority INTEGER)";
    sqlx::query(table).execute(&mut connection).await?;
    for (phone, team, name, priority) in customers {
        sqlx::query("INSERT INTO customers VALUES ($1, $2, $3, $4)")
            .bind(*phone)
            .bind(*team)
            .bind(*name)
            .bind(priority)
            .execute(&mut connection)
            .await?;
    }
    connection.close().await
}
