//! What was made at FreeSWITCH: queues and agents.

use sqlx::AnyConnection;
use sqlx::Row as _;

use super::{Effect, Tx, decode};
use crate::model::{Made, MadeKind};

pub(super) async fn all(connection: &mut AnyConnection) -> Result<Vec<Effect>, sqlx::Error> {
    let rows = sqlx::query("SELECT node, kind, name, definition FROM callcenter")
        .fetch_all(connection)
        .await?;
    let read = |row: &sqlx::any::AnyRow| {
        let kind: String = row.try_get("kind")?;
        Ok(Effect::Made(Made {
            node: row.try_get("node")?,
            kind: MadeKind::of(&kind)
                .ok_or_else(|| decode("kind", std::io::Error::other("unknown kind")))?,
            name: row.try_get("name")?,
            definition: row.try_get("definition")?,
        }))
    };
    rows.iter().map(read).collect()
}

impl Tx<'_> {
    /// This is ours at a node from now on, with this definition instead of an earlier one.
    ///
    /// # Errors
    /// The store failed.
    pub async fn made(&mut self, made: Made) -> Result<(), sqlx::Error> {
        let query = |statement| {
            sqlx::query::<sqlx::Any>(statement)
                .bind(made.definition.clone())
                .bind(made.node.clone())
                .bind(made.kind.as_str())
                .bind(made.name.clone())
        };
        let update = query(
            "UPDATE callcenter SET definition = $1 WHERE node = $2 AND kind = $3 AND name = $4",
        );
        let insert =
            query("INSERT INTO callcenter (definition, node, kind, name) VALUES ($1, $2, $3, $4)");
        if self.execute(update).await? == 0 {
            self.execute(insert).await?;
        }
        self.effects.push(Effect::Made(made));
        Ok(())
    }

    /// This is no longer there.
    ///
    /// # Errors
    /// The store failed.
    pub async fn unmade(
        &mut self,
        node: &str,
        kind: MadeKind,
        name: &str,
    ) -> Result<(), sqlx::Error> {
        let delete =
            sqlx::query("DELETE FROM callcenter WHERE node = $1 AND kind = $2 AND name = $3")
                .bind(node.to_owned())
                .bind(kind.as_str())
                .bind(name.to_owned());
        self.execute(delete).await?;
        self.effects.push(Effect::Unmade(node.to_owned(), kind, name.to_owned()));
        Ok(())
    }
}
