//! Calls of customers: those of which more may be told, and who served whom the last time.

use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::Row as _;

use super::{Effect, Tx, parsed, time};
use crate::model::Extension;

/// A call of a customer of which FreeSWITCH may still tell more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerCall {
    /// Who calls, without the number: see [`crate::desk::Desk::customer_called`].
    pub caller: Option<String>,
    /// When it came.
    pub at: Timestamp,
}

pub(super) async fn all(connection: &mut AnyConnection) -> Result<Vec<Effect>, sqlx::Error> {
    let rows =
        sqlx::query("SELECT caller, agent, at FROM last_agents").fetch_all(connection).await?;
    let read = |row| {
        let caller: String = sqlx::any::AnyRow::try_get(row, "caller")?;
        Ok(Effect::Served(caller, parsed(row, "agent")?, time(row, "at")?))
    };
    rows.iter().map(read).collect()
}

impl Tx<'_> {
    /// Notes a call, and forgets those from before `oldest`.
    ///
    /// # Errors
    /// The store failed.
    pub async fn begin_customer_call(
        &mut self,
        call: &str,
        caller: Option<&str>,
        at: Timestamp,
        oldest: Timestamp,
    ) -> Result<(), sqlx::Error> {
        let delete = sqlx::query("DELETE FROM customer_calls WHERE at < $1 OR call = $2");
        self.execute(delete.bind(oldest.as_second()).bind(call.to_owned())).await?;
        let insert =
            sqlx::query("INSERT INTO customer_calls (call, caller, at) VALUES ($1, $2, $3)")
                .bind(call.to_owned())
                .bind(caller.map(str::to_owned))
                .bind(at.as_second());
        self.execute(insert).await?;
        Ok(())
    }

    /// A call that was noted.
    ///
    /// # Errors
    /// The store failed.
    pub async fn customer_call(&mut self, call: &str) -> Result<Option<CustomerCall>, sqlx::Error> {
        let row = sqlx::query("SELECT caller, at FROM customer_calls WHERE call = $1")
            .bind(call.to_owned())
            .fetch_optional(&mut *self.connection)
            .await?;
        let read = |row| {
            Ok(CustomerCall {
                caller: sqlx::any::AnyRow::try_get(&row, "caller")?,
                at: time(&row, "at")?,
            })
        };
        row.map(read).transpose()
    }

    /// Nothing more is expected of this call.
    ///
    /// # Errors
    /// The store failed.
    pub async fn end_customer_call(&mut self, call: &str) -> Result<(), sqlx::Error> {
        let delete = sqlx::query("DELETE FROM customer_calls WHERE call = $1");
        self.execute(delete.bind(call.to_owned())).await?;
        Ok(())
    }

    /// This agent served this caller, and whoever was served before `oldest` is forgotten.
    ///
    /// # Errors
    /// The store failed.
    pub async fn served(
        &mut self,
        caller: &str,
        agent: &Extension,
        at: Timestamp,
        oldest: Timestamp,
    ) -> Result<(), sqlx::Error> {
        let delete = sqlx::query("DELETE FROM last_agents WHERE at < $1 OR caller = $2");
        self.execute(delete.bind(oldest.as_second()).bind(caller.to_owned())).await?;
        let insert = sqlx::query("INSERT INTO last_agents (caller, agent, at) VALUES ($1, $2, $3)")
            .bind(caller.to_owned())
            .bind(agent.to_string())
            .bind(at.as_second());
        self.execute(insert).await?;
        self.effects.push(Effect::ServedBefore(oldest));
        self.effects.push(Effect::Served(caller.to_owned(), agent.clone(), at));
        Ok(())
    }
}
