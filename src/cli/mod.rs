//! The command line.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong usage or configuration. A command that changes something goes
//! the same way as the admin page: over the module `door`.

mod admin;
mod call;
mod check;
mod config;
mod customers;
mod demo;
mod dhcp;
mod door;
mod emergency;
mod freeswitch;
mod input;
mod journal;
mod output;
mod pages;
mod phones;
mod provisioning;
mod queues;
mod redirection;
mod rehearsal;
mod serve;
mod sessions;
mod users;
mod values;
mod webhooks;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgAction, Parser, Subcommand};

use crate::config::Config;
use crate::model::Mac;
use crate::people;
use crate::telemetry::{self, LogFormat};

/// A companion daemon for FreeSWITCH: people sit down at any desk phone, log in, and the phone is
/// theirs.
#[derive(Debug, Parser)]
#[command(
    name = "hotdeskd",
    version,
    after_help = "Examples:\n  hotdeskd config example > /etc/hotdeskd/hotdeskd.toml\n  hotdeskd phones add 00:04:13:2a:00:01 --label 'Desk 1'\n\nExit codes: 0 done, 1 failed, 2 wrong usage or configuration."
)]
struct Cli {
    /// The configuration file.
    #[arg(
        short,
        long,
        global = true,
        env = "HOTDESKD_CONFIG",
        default_value = "/etc/hotdeskd/hotdeskd.toml",
        value_name = "FILE"
    )]
    config: PathBuf,
    /// Tell more on standard error; twice for still more.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tells the whole story on loopback: a real daemon, a simulated FreeSWITCH, sample people.
    #[command(after_help = "Example:\n  hotdeskd demo")]
    Demo {
        /// Leave everything running afterwards, until Ctrl-C.
        #[arg(long)]
        stay: bool,
    },
    /// Runs the daemon.
    #[command(after_help = "Example:\n  hotdeskd serve --config hotdeskd.toml")]
    Serve,
    /// Checks the configuration and every outside thing that a daemon would use.
    #[command(after_help = "Example:\n  hotdeskd check --config hotdeskd.toml")]
    Check(check::Check),
    /// Rehearses a call: plays FreeSWITCH and a phone against the running daemon. What happens counts.
    #[command(
        after_help = "Examples:\n  hotdeskd call '*11' --phone 0004132a0001 --keys -\n  hotdeskd call 0800123 --from +4315550100\n\nKeys are read from standard input (`1001#4711#`); each answer ends with # or a line."
    )]
    Call {
        /// What is dialled.
        number: String,
        /// At which phone.
        #[arg(long, value_name = "MAC", required_unless_present = "from", conflicts_with = "from")]
        phone: Option<Mac>,
        /// Or from outside, and from which number; `anonymous` for one that is withheld.
        #[arg(long, value_name = "NUMBER")]
        from: Option<String>,
        /// What a caller from outside calls himself or herself.
        #[arg(long, value_name = "NAME", requires = "from")]
        name: Option<String>,
        /// What is typed: `-` reads it from standard input. On the command line only the demo's.
        #[arg(long, default_value = "", value_name = "KEYS", hide_default_value = true)]
        keys: String,
    },
    /// What FreeSWITCH has on its own disk.
    #[command(subcommand, after_help = "Example:\n  hotdeskd freeswitch print")]
    Freeswitch(freeswitch::Command),
    /// Emergency calls.
    #[command(subcommand, after_help = "Example:\n  hotdeskd emergency test")]
    Emergency(emergency::Command),
    /// What a DHCP server is told, so that phones find us.
    #[command(subcommand, after_help = "Example:\n  hotdeskd dhcp print dnsmasq")]
    Dhcp(dhcp::Command),
    /// The phones of the inventory.
    #[command(subcommand, after_help = "Example:\n  hotdeskd phones list")]
    Phones(phones::Command),
    /// The users.
    #[command(subcommand, after_help = "Example:\n  hotdeskd users list")]
    Users(users::Command),
    /// The vendors' services that send factory-new phones to us.
    #[command(subcommand, after_help = "Example:\n  hotdeskd redirection plan")]
    Redirection(redirection::Command),
    /// Who sits where.
    #[command(subcommand, after_help = "Example:\n  hotdeskd sessions list")]
    Sessions(sessions::Command),
    /// The queues of the teams.
    #[command(subcommand, after_help = "Example:\n  hotdeskd queues list")]
    Queues(queues::Command),
    /// The customers.
    #[command(subcommand, after_help = "Example:\n  hotdeskd customers lookup +4315550100")]
    Customers(customers::Command),
    /// Other systems that are told of what happens.
    #[command(subcommand, after_help = "Example:\n  hotdeskd webhooks list")]
    Webhooks(webhooks::Command),
    /// What happened.
    #[command(subcommand, after_help = "Example:\n  hotdeskd journal list --limit 10")]
    Journal(journal::Command),
    /// The operators of the page and the API.
    #[command(subcommand, after_help = "Example:\n  hotdeskd admin password")]
    Admin(admin::Command),
    /// The configuration.
    #[command(subcommand, after_help = "Example:\n  hotdeskd config example > hotdeskd.toml")]
    Config(config::Command),
    /// Prints the completions for a shell.
    #[command(
        after_help = "Example:\n  hotdeskd completions bash > /etc/bash_completion.d/hotdeskd"
    )]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Prints the manual page, or writes one for each command.
    #[command(after_help = "Example:\n  hotdeskd man --dir /usr/local/share/man/man1")]
    Man {
        /// Write the pages of all commands into this folder.
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

/// Why a command did not do what it should.
#[derive(Debug)]
enum Failure {
    /// The configuration, or what was asked for, is wrong: exit code 2.
    Usage(anyhow::Error),
    /// It was tried and failed: exit code 1.
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        // The users file is as good as part of the configuration.
        if error.is::<people::Error>() { Self::Usage(error) } else { Self::Failed(error) }
    }
}

/// What a command prints on standard output.
type Printed = Result<String, Failure>;

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    // Nothing was installed before; reqwest makes no client without one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => {
            // Help and version are "errors" too, with exit code 0. Nobody reading is no fault.
            let _ = told.print();
            return ExitCode::from(u8::try_from(told.exit_code()).unwrap_or(2));
        }
    };
    let (error, code) = match log(&cli).and_then(|()| execute(&cli)) {
        Ok(printed) => return print(&printed),
        Err(Failure::Usage(error)) => (error, 2),
        Err(Failure::Failed(error)) => (error, 1),
    };
    let _ = writeln!(std::io::stderr(), "hotdeskd: {}", in_a_sentence(&error));
    ExitCode::from(code)
}

/// A command tells nothing but its answer, unless it is asked to.
fn log(cli: &Cli) -> Result<(), Failure> {
    let (verbose, wanted) = (cli.verbose, std::env::var("RUST_LOG").ok());
    // The daemon starts its own, as its configuration says.
    let is_quiet = verbose == 0 && wanted.is_none();
    if is_quiet || matches!(cli.command, Command::Serve) {
        return Ok(());
    }
    telemetry::start(LogFormat::Text, verbose.saturating_sub(1), wanted.as_deref())
        .map_err(|error| Failure::Usage(error.into()))
}

fn execute(cli: &Cli) -> Printed {
    match &cli.command {
        Command::Demo { stay } => wait(demo::run(*stay)),
        Command::Serve => serve::run(load(cli)?, cli.verbose),
        Command::Check(check) => wait(async { check::run(check, &load(cli)?).await }),
        Command::Call { number, phone, from, name, keys } => wait(async {
            let config = load(cli)?;
            match (phone, from) {
                (Some(phone), _) => call::run(&config, number, *phone, keys).await,
                (None, from) => {
                    let from = from.as_deref().unwrap_or_default();
                    call::outside::run(&config, number, from, name.as_deref()).await
                }
            }
        }),
        Command::Freeswitch(freeswitch::Command::Print { part }) if !cli.config.exists() => {
            Ok(freeswitch::print_defaults(*part)?)
        }
        Command::Freeswitch(command) => wait(async { freeswitch::run(command, &load(cli)?).await }),
        Command::Dhcp(command) if !cli.config.exists() => Ok(dhcp::print_defaults(command)?),
        Command::Dhcp(command) => wait(async { dhcp::run(command, &load(cli)?).await }),
        Command::Emergency(command) => wait(async { emergency::run(command, &load(cli)?).await }),
        Command::Phones(command) => wait(async { phones::run(command, &load(cli)?).await }),
        Command::Users(command) => wait(async { users::run(command, &load(cli)?).await }),
        Command::Redirection(command) => {
            wait(async { redirection::run(command, &load(cli)?).await })
        }
        Command::Sessions(command) => wait(async { sessions::run(command, &load(cli)?).await }),
        Command::Queues(command) => wait(async { queues::run(command, &load(cli)?).await }),
        Command::Customers(command) => wait(async { customers::run(command, &load(cli)?).await }),
        Command::Webhooks(command) => wait(async { webhooks::run(command, &load(cli)?).await }),
        Command::Journal(command) => wait(async { journal::run(command, &load(cli)?).await }),
        Command::Admin(command) => admin::run(command),
        Command::Config(command) => config::run(command, || load(cli)),
        Command::Completions { shell } => Ok(pages::completions(*shell)),
        Command::Man { dir } => Ok(pages::man(dir.as_deref())?),
    }
}

/// An error with its causes, each said once: some tell their cause themselves.
fn in_a_sentence(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| {
        match (told.is_empty(), told.contains(&cause)) {
            (true, _) => cause,
            (false, true) => told,
            (false, false) => format!("{told}: {cause}"),
        }
    })
}

/// The configuration in force.
fn load(cli: &Cli) -> Result<Config, Failure> {
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    Config::load(&cli.config, credentials.as_deref()).map_err(|error| Failure::Usage(error.into()))
}

fn wait(work: impl Future<Output = Printed>) -> Printed {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(anyhow::Error::from)?.block_on(work)
}

fn print(text: &str) -> ExitCode {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        // Who reads may have seen enough, as in `hotdeskd phones list | head`.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            let _ = writeln!(std::io::stderr(), "hotdeskd: standard output: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn every_command_has_a_help_with_an_example_that_parses() {
        let mut commands = vec![(String::new(), Cli::command())];
        let mut examples = 0;
        while let Some((path, command)) = commands.pop() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Example"), "{path} {}", command.get_name());
            assert!(command.get_about().is_some(), "{path} {}", command.get_name());
            for line in help.lines().filter_map(|line| line.strip_prefix("  ")) {
                let line = line.split(" | ").last().unwrap().split(" > ").next().unwrap();
                let line = line.split(" < ").next().unwrap().replace("'", "");
                // A quoted text is several words here, which only the label notices.
                let words = line.replace("Desk 1", "Desk1").replace("Ada Lovelace", "Ada");
                let parsed = Cli::try_parse_from(words.split(' '));
                assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
                examples += 1;
            }
            for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
                commands.push((format!("{path} {}", command.get_name()), sub.clone()));
            }
        }
        assert!(examples > 20, "{examples}");
        Cli::command().debug_assert();
    }
}
