//! `hotdeskd sessions`.

use clap::{Args, Subcommand};

use super::Printed;
use super::door::Door;
use super::output;
use crate::config::Config;
use crate::http::admin::{Ask, ChangeView, LoginRequest, Method, SessionView};
use crate::model::{Extension, LoginMode, Mac, SessionOrigin};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists who sits where.
    #[command(after_help = "Example:\n  hotdeskd sessions list --json")]
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Logs a user in at a phone, without a PIN.
    #[command(
        after_help = "Examples:\n  hotdeskd sessions login 1001 0004132a0001\n  hotdeskd sessions login 1001 0004132a0002 --also"
    )]
    Login {
        /// The user's extension.
        extension: Extension,
        /// The phone's MAC address.
        mac: Mac,
        /// Leave the user's other phones as they are.
        #[arg(long)]
        also: bool,
    },
    /// Logs out whoever sits at a phone, or a user everywhere.
    #[command(
        after_help = "Examples:\n  hotdeskd sessions logout 0004132a0001\n  hotdeskd sessions logout --user 1001"
    )]
    Logout(Logout),
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Logout {
    /// The phone's MAC address.
    mac: Option<Mac>,
    /// The extension of the user to log out everywhere.
    #[arg(long, value_name = "EXTENSION")]
    user: Option<Extension>,
}

pub(super) async fn run(command: &Command, config: &Config) -> Printed {
    let printed = match command {
        Command::List { json } => {
            let key = |session: &SessionView| session.phone.to_string();
            let sessions = Door::open(config).await?.list("/sessions", key).await?;
            if *json { output::json(&sessions)? } else { table(&sessions) }
        }
        Command::Login { extension, mac, also } => {
            let mode = if *also { LoginMode::Also } else { LoginMode::Only };
            let login = LoginRequest { phone: *mac, user: extension.clone(), mode };
            let login = serde_json::to_value(login).map_err(anyhow::Error::from)?;
            let ask = Ask::new(Method::POST, "/sessions").with(login);
            let changes: Vec<ChangeView> = Door::open(config).await?.ask(ask).await?;
            output::changes(&changes, "Nothing changed.")
        }
        Command::Logout(Logout { mac, user }) => {
            let path = match (mac, user) {
                (_, Some(user)) => format!("/users/{user}/sessions"),
                (Some(mac), None) => format!("/sessions/{mac}"),
                (None, None) => return Ok(String::new()),
            };
            let ask = Ask::new(Method::DELETE, &path);
            let changes: Vec<ChangeView> = Door::open(config).await?.ask(ask).await?;
            output::changes(&changes, "Nobody was logged in there.")
        }
    };
    Ok(printed)
}

fn table(sessions: &[SessionView]) -> String {
    let rows = sessions.iter().map(|session| {
        let how = match session.origin {
            SessionOrigin::Only => "login",
            SessionOrigin::Also => "login, here too",
            SessionOrigin::Owner => "owner",
        };
        [
            session.phone.to_string(),
            session.label.clone().unwrap_or_default(),
            session.user.to_string(),
            session.name.clone(),
            output::time(session.since),
            how.to_owned(),
        ]
    });
    output::table(
        ["PHONE", "LABEL", "USER", "NAME", "SINCE", "HOW"],
        rows,
        "Nobody is logged in anywhere.",
    )
}
