//! `hotdeskd config`.

use clap::Subcommand;

use super::{Failure, Printed};
use crate::config::{Config, example};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Prints a commented configuration with every setting and its default.
    #[command(after_help = "Example:\n  hotdeskd config example > /etc/hotdeskd/hotdeskd.toml")]
    Example,
    /// Prints the configuration in force, every default written out, secrets hidden.
    #[command(after_help = "Example:\n  hotdeskd config show -c hotdeskd.toml")]
    Show,
}

pub(super) fn run(command: &Command, load: impl FnOnce() -> Result<Config, Failure>) -> Printed {
    match command {
        Command::Example => Ok(example().to_owned()),
        Command::Show => Ok(load()?.show()),
    }
}
