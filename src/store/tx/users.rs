//! Users.

use std::sync::Arc;

use futures_util::TryStreamExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::AnyConnection;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{Effect, Memory, Tx, Vault, decode, json, parsed, parsed_opt, to_json};
use crate::model::{Extension, Pin, User, UserSource, Variables};

const COLUMNS: &str = "extension, name, pin, pin_hash, sip_secret, hot_desk, away, call_groups, teams, params, variables, keys, settings, source, person";

fn place(column: &str, extension: &Extension) -> String {
    format!("users/{column}/{extension}")
}

fn read(row: &AnyRow, vault: &Vault) -> Result<User, sqlx::Error> {
    let extension: Extension = parsed(row, "extension")?;
    let secret = |column: &str| -> Result<Option<SecretString>, sqlx::Error> {
        let sealed: Option<Vec<u8>> = row.try_get(column)?;
        Ok(sealed.map(|sealed| vault.unseal(&place(column, &extension), &sealed)).transpose()?)
    };
    let source: String = row.try_get("source")?;
    let source = UserSource::ALL.into_iter().find(|s| s.as_str() == source);
    Ok(User {
        name: row.try_get("name")?,
        pin: secret("pin")?.map(Pin::stored),
        pin_hash: row.try_get::<Option<String>, _>("pin_hash")?.map(SecretString::from),
        sip_secret: secret("sip_secret")?,
        hot_desk: row.try_get::<i64, _>("hot_desk")? != 0,
        away: parsed(row, "away")?,
        groups: json(row, "call_groups")?,
        teams: json(row, "teams")?,
        params: json::<Variables>(row, "params")?.into(),
        variables: json::<Variables>(row, "variables")?.into(),
        keys: json(row, "keys")?,
        settings: json(row, "settings")?,
        person: parsed_opt(row, "person")?,
        source: source.ok_or_else(|| decode("source", std::io::Error::other("unknown source")))?,
        extension,
    })
}

/// All users into memory, one by one: the rows of a hundred thousand would take more room than they.
pub(super) async fn load(
    connection: &mut AnyConnection,
    vault: &Vault,
    memory: &mut Memory,
) -> Result<(), sqlx::Error> {
    let query = format!("SELECT {COLUMNS} FROM users");
    let mut rows = sqlx::query(sqlx::AssertSqlSafe(query)).fetch(connection);
    while let Some(row) = rows.try_next().await? {
        memory.apply(Effect::UserSaved(Arc::new(read(&row, vault)?)));
    }
    Ok(())
}

/// A statement that changes.
type Change<'q> = sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments>;

/// Binds all columns of a user, the extension last.
pub(super) fn bind<'q>(
    query: Change<'q>,
    user: &User,
    vault: &Vault,
) -> Result<Change<'q>, sqlx::Error> {
    let seal = |column: &str, secret: Option<&SecretString>| {
        secret.map(|secret| vault.seal(&place(column, &user.extension), secret))
    };
    Ok(query
        .bind(user.name.clone())
        .bind(seal("pin", user.pin.as_ref().map(Pin::secret)))
        .bind(user.pin_hash.as_ref().map(|hash| hash.expose_secret().to_owned()))
        .bind(seal("sip_secret", user.sip_secret.as_ref()))
        .bind(i64::from(user.hot_desk))
        .bind(user.away.to_string())
        .bind(to_json(&user.groups)?)
        .bind(to_json(&user.teams)?)
        .bind(to_json(&Variables::from(&user.params))?)
        .bind(to_json(&Variables::from(&user.variables))?)
        .bind(to_json(&user.keys)?)
        .bind(to_json(&user.settings)?)
        .bind(user.source.as_str())
        .bind(user.person.map(|person| person.to_string()))
        .bind(user.extension.to_string()))
}

impl Tx<'_> {
    /// The user with this extension.
    ///
    /// # Errors
    /// The store failed.
    pub async fn user(&mut self, extension: &Extension) -> Result<Option<User>, sqlx::Error> {
        let query = format!("SELECT {COLUMNS} FROM users WHERE extension = $1");
        let row = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(extension.as_str())
            .fetch_optional(&mut *self.connection)
            .await?;
        row.map(|row| read(&row, self.vault)).transpose()
    }

    /// The extensions of all users of a source.
    ///
    /// # Errors
    /// The store failed.
    pub async fn users_of(&mut self, source: UserSource) -> Result<Vec<Extension>, sqlx::Error> {
        let rows = sqlx::query("SELECT extension FROM users WHERE source = $1 ORDER BY extension")
            .bind(source.as_str())
            .fetch_all(&mut *self.connection)
            .await?;
        rows.iter().map(|row| parsed(row, "extension")).collect()
    }

    /// Adds or replaces a user.
    ///
    /// # Errors
    /// The store failed.
    pub async fn save_user(&mut self, user: User) -> Result<(), sqlx::Error> {
        let extension = &user.extension;
        let update = sqlx::query::<sqlx::Any>(
            "UPDATE users SET name = $1, pin = $2, pin_hash = $3, sip_secret = $4, hot_desk = $5, \
             away = $6, call_groups = $7, teams = $8, params = $9, variables = $10, keys = $11, \
             settings = $12, source = $13, person = $14 WHERE extension = $15",
        );
        let insert = sqlx::query::<sqlx::Any>(
            "INSERT INTO users (name, pin, pin_hash, sip_secret, hot_desk, away, call_groups, teams, params, \
             variables, keys, settings, source, person, extension) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        );
        if self.execute(bind(update, &user, self.vault)?).await? == 0 {
            self.execute(bind(insert, &user, self.vault)?).await?;
        }
        self.claim(extension.as_str()).await?;
        self.effects.push(Effect::UserSaved(Arc::new(user)));
        Ok(())
    }

    /// Removes a user, and remembers that the extension was ours. The user's sessions must have ended.
    ///
    /// # Errors
    /// The store failed, or the user sits somewhere.
    pub async fn remove_user(
        &mut self,
        extension: &Extension,
        now: jiff::Timestamp,
    ) -> Result<(), sqlx::Error> {
        for statement in [
            "DELETE FROM users WHERE extension = $1",
            "DELETE FROM pin_counters WHERE extension = $1",
            "DELETE FROM personal_files WHERE extension = $1",
        ] {
            self.execute(sqlx::query(statement).bind(extension.to_string())).await?;
        }
        self.retire(extension.as_str(), now.as_second()).await?;
        self.effects.push(Effect::UserRemoved(extension.clone()));
        Ok(())
    }
}
