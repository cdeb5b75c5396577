//! `hotdeskd admin`: the operators of the page and the API.

use anyhow::anyhow;
use clap::Subcommand;
use secrecy::ExposeSecret as _;

use super::{Printed, input};
use crate::http::access::PasswordDigest;

/// The fewest letters of a password.
const FEWEST: usize = 8;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Asks for a password and prints its hash, for `password_hash` in `[[admin.user]]`.
    #[command(
        after_help = "Example:\n  hotdeskd admin password\n\nFrom a terminal the password is typed twice and not shown; else it is the first line of standard input."
    )]
    Password,
}

pub(super) fn run(command: &Command) -> Printed {
    match command {
        Command::Password => {
            let password = input::secret("Password")?;
            if password.expose_secret().chars().count() < FEWEST {
                return Err(
                    anyhow!("the password is too short; take {FEWEST} letters or more").into()
                );
            }
            let digest = PasswordDigest::of(&password);
            let digest =
                digest.map_err(|error| anyhow!("the password cannot be hashed: {error}"))?;
            Ok(format!("{}\n", digest.expose()))
        }
    }
}
