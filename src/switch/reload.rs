//! `reloadxml`.

use std::time::{Duration, Instant};

use crate::event_socket::{Api, Client, CommandError};

/// How long a reload may take; 15,000 users in one list took 6 s (tried).
const DEADLINE: Duration = Duration::from_secs(60);

/// FreeSWITCH has read its XML files again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reloaded {
    /// How long it took. No directory question was answered meanwhile.
    pub took: Duration,
}

/// Why FreeSWITCH goes on with the XML files as they were.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReloadError {
    /// There is no connection to it.
    #[error("there is no connection to FreeSWITCH")]
    NotConnected,
    /// It found a fault in them.
    #[error("FreeSWITCH cannot read its XML files: {reason}")]
    Failed {
        /// In its own words.
        reason: String,
    },
    /// It was not told, or did not answer.
    #[error(transparent)]
    Command(#[from] CommandError),
}

/// Has FreeSWITCH read its XML files again, in a thread of its own: other commands of this connection go on, but what
/// needs the XML waits.
pub(super) async fn reload_xml(client: &Client) -> Result<Reloaded, ReloadError> {
    let begun = Instant::now();
    let answer = client.bgapi(Api::new("reloadxml"), DEADLINE).await?;
    read(&answer.text())?;
    Ok(Reloaded { took: begun.elapsed() })
}

/// `+OK [Success]` when it worked, `+OK [Cannot Open log directory or XML Root!]` when it did not (tried): only the
/// brackets tell.
fn read(answer: &str) -> Result<(), ReloadError> {
    let bracket = answer.split_once('[').and_then(|(_, rest)| rest.rsplit_once(']'));
    match bracket {
        Some(("Success", _)) if answer.starts_with("+OK") => Ok(()),
        Some((reason, _)) => Err(ReloadError::Failed { reason: short(reason) }),
        None => Err(ReloadError::Failed { reason: short(answer.trim()) }),
    }
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_brackets_tell_whether_it_worked() {
        assert_eq!(read("+OK [Success]\n"), Ok(()));
        for (answer, reason) in [
            (
                "+OK [Cannot Open log directory or XML Root!]\n",
                "Cannot Open log directory or XML Root!",
            ),
            (
                "-ERR [[error near line 5]: unexpected closing tag]\n",
                "[error near line 5]: unexpected closing tag",
            ),
            ("-ERR reloadxml Command not found!\n", "-ERR reloadxml Command not found!"),
            ("-ERR [Success]", "Success"),
            ("", ""),
        ] {
            assert_eq!(
                read(answer),
                Err(ReloadError::Failed { reason: reason.into() }),
                "{answer}"
            );
        }
    }
}
