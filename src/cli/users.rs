//! `hotdeskd users`.

mod import;
mod sync;

use clap::{Args, Subcommand};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::json;

use super::Printed;
use super::door::Door;
use super::phones::hint;
use super::{input, output, values};
use crate::config::Config;
use crate::http::admin::{Ask, Method, SoftphoneChange, UserChange, UserView};
use crate::model::{
    AwayDestination, Extension, FunctionKey, GroupName, SettingName, SettingValue, TeamId,
    UserSource, Variables,
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists the users and where they are.
    #[command(after_help = "Example:\n  hotdeskd users list --json")]
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Shows a user.
    #[command(after_help = "Example:\n  hotdeskd users show 1001")]
    Show {
        /// The extension.
        extension: Extension,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Adds a user, for whom no users file is needed.
    #[command(
        after_help = "Examples:\n  hotdeskd users add 1001 --name 'Ada Lovelace' --group sales --variable toll_allow=domestic\n  hotdeskd users add 1001 --name 'Ada Lovelace' --softphone --replace"
    )]
    Add(Add),
    /// Takes over the users of FreeSWITCH's own static directory, with their PINs and SIP passwords. Who is here
    /// already stays as it is.
    #[command(
        after_help = "Examples:\n  hotdeskd users import --from-freeswitch /etc/freeswitch --dry-run\n  hotdeskd users import --from-freeswitch /etc/freeswitch"
    )]
    Import(import::Import),
    /// Sets a user's PIN, read from standard input.
    #[command(
        after_help = "Examples:\n  hotdeskd users pin 1001\n  hotdeskd users pin 1001 --random\n  hotdeskd users pin 1001 < pin"
    )]
    Pin {
        /// The extension.
        extension: Extension,
        /// Make one, and print it this once.
        #[arg(long)]
        random: bool,
    },
    /// Reads all people from the LDAP server now.
    #[command(
        after_help = "Example:\n  hotdeskd users sync\n\nWhat the server tells is taken over by itself; this reads everything anew."
    )]
    Sync(sync::Sync),
    /// Lifts the locks that wrong PINs brought upon a user.
    #[command(after_help = "Example:\n  hotdeskd users unlock 1001")]
    Unlock {
        /// The extension.
        extension: Extension,
    },
    /// Sets where calls go to while the user is nowhere; everything else of the user stays.
    #[command(after_help = "Example:\n  hotdeskd users away 1001 +436601234567")]
    Away {
        /// The extension.
        extension: Extension,
        /// `voicemail`, or a number.
        destination: AwayDestination,
    },
    /// Removes a user, who is logged out everywhere and owns no phone any more.
    #[command(after_help = "Example:\n  hotdeskd users remove 1001")]
    Remove {
        /// The extension.
        extension: Extension,
    },
}

#[derive(Debug, Args)]
pub(super) struct Add {
    /// The extension: 2 to 11 digits.
    extension: Extension,
    /// The name as people write it.
    #[arg(long)]
    name: String,
    /// The user may not log in at desk phones.
    #[arg(long)]
    no_hot_desk: bool,
    /// Where calls go to while the user is nowhere: `voicemail` or a number.
    #[arg(long, value_name = "DESTINATION", default_value = "voicemail")]
    away: AwayDestination,
    /// A call group; may be given several times.
    #[arg(long = "group", value_name = "NAME", value_parser = group)]
    groups: Vec<GroupName>,
    /// A team whose queue the user serves; may be given several times.
    #[arg(long = "team", value_name = "TEAM")]
    teams: Vec<TeamId>,
    /// A directory param; may be given several times.
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = pair)]
    params: Vec<(String, String)>,
    /// A directory variable; may be given several times.
    #[arg(long = "variable", value_name = "NAME=VALUE", value_parser = pair)]
    variables: Vec<(String, String)>,
    /// A function key that follows the user, `[blf:|speed:]NUMBER[:LABEL]`; may be given several times.
    #[arg(long = "key", value_name = "KEY", value_parser = values::key)]
    keys: Vec<FunctionKey>,
    /// A phone setting that follows the user; may be given several times.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = values::setting)]
    settings: Vec<(SettingName, SettingValue)>,
    /// Make a new SIP secret for a softphone, and print it this once.
    #[arg(long)]
    softphone: bool,
    /// Replace a user who is there already: what is not named is taken away, but PIN and secret stay.
    #[arg(long)]
    replace: bool,
}

fn group(text: &str) -> Result<GroupName, String> {
    GroupName::try_from(text.to_owned()).map_err(|error| error.to_string())
}

fn pair(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE"),
    }
}

pub(super) async fn run(command: &Command, config: &Config) -> Printed {
    let printed = match command {
        Command::List { json } => {
            let key = |user: &UserView| user.extension.to_string();
            let users = Door::open(config).await?.list("/users", key).await?;
            if *json { output::json(&users)? } else { table(&users) }
        }
        Command::Show { extension, json } => {
            let path = format!("/users/{extension}");
            let user: UserView = Door::open(config).await?.ask(Ask::get(&path)).await?;
            if *json { output::json(&user)? } else { card(&user) }
        }
        Command::Add(add) => save(add, config).await?,
        Command::Import(import) => import::run(import, config).await?,
        Command::Sync(sync) => sync::run(sync, config).await?,
        Command::Pin { extension, random } => pin(extension, *random, config).await?,
        Command::Unlock { extension } => {
            let path = format!("/users/{extension}/unlock");
            let () = Door::open(config).await?.ask(Ask::new(Method::POST, &path)).await?;
            format!("User {extension} is unlocked.\n")
        }
        Command::Away { extension, destination } => {
            let path = format!("/users/{extension}/away");
            let away = json!({ "away": destination });
            let ask = Ask::new(Method::PUT, &path).with(away);
            let _: UserView = Door::open(config).await?.ask(ask).await?;
            format!("While user {extension} is nowhere, calls go to {destination}.\n")
        }
        Command::Remove { extension } => {
            let path = format!("/users/{extension}");
            let () = Door::open(config).await?.ask(Ask::new(Method::DELETE, &path)).await?;
            format!("User {extension} is removed.\n")
        }
    };
    Ok(printed)
}

async fn save(add: &Add, config: &Config) -> anyhow::Result<String> {
    let change = UserChange {
        name: add.name.clone(),
        hot_desk: !add.no_hot_desk,
        away: add.away.clone(),
        groups: add.groups.clone(),
        teams: add.teams.clone(),
        params: add.params.iter().cloned().collect::<Variables>(),
        variables: add.variables.iter().cloned().collect::<Variables>(),
        keys: add.keys.clone(),
        settings: add.settings.iter().cloned().collect(),
        softphone: add.softphone.then_some(SoftphoneChange::New),
    };
    let path = format!("/users/{}", add.extension);
    let ask = Ask::new(Method::PUT, &path).with(serde_json::to_value(change)?);
    let ask = Ask { only_new: !add.replace, ..ask };
    let user: UserView = Door::open(config).await?.ask(ask).await.map_err(hint)?;
    let done = if add.replace { "saved" } else { "added" };
    let mut printed = format!("User {} is {done}.\n", user.extension);
    if let Some(secret) = &user.softphone_secret {
        printed += &format!("The softphone's SIP secret, shown this once: {secret}\n");
    }
    if !user.has_pin {
        printed +=
            &format!("There is no PIN yet; `hotdeskd users pin {}` sets one.\n", user.extension);
    }
    Ok(printed)
}

async fn pin(extension: &Extension, random: bool, config: &Config) -> anyhow::Result<String> {
    #[derive(Deserialize)]
    struct Made {
        pin: String,
    }
    let path = format!("/users/{extension}/pin");
    let ask = Ask::new(Method::PUT, &path);
    if random {
        let ask = ask.with(json!({ "random": true }));
        let Made { pin } = Door::open(config).await?.ask(ask).await?;
        return Ok(format!("The PIN of user {extension}, shown this once: {pin}\n"));
    }
    let pin = input::secret("PIN")?;
    let ask = ask.with(json!({ "pin": pin.expose_secret() }));
    let () = Door::open(config).await?.ask(ask).await?;
    Ok(format!("The PIN of user {extension} is set.\n"))
}

fn source(source: UserSource) -> &'static str {
    match source {
        UserSource::Local => "here",
        UserSource::File => "users file",
        UserSource::Ldap => "LDAP",
    }
}

fn yes(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

fn phones(user: &UserView) -> String {
    let phones: Vec<String> = user.phones.iter().map(ToString::to_string).collect();
    phones.join(", ")
}

fn table(users: &[UserView]) -> String {
    let rows = users.iter().map(|user| {
        [
            user.extension.to_string(),
            user.name.clone(),
            phones(user),
            user.away.to_string(),
            yes(user.hot_desk),
            yes(user.has_pin),
            source(user.source).to_owned(),
        ]
    });
    output::table(
        ["USER", "NAME", "AT", "AWAY", "HOT DESK", "PIN", "FROM"],
        rows,
        "There are no users yet; `hotdeskd users add EXTENSION --name NAME` adds one, or name a users file in the configuration.",
    )
}

fn card(user: &UserView) -> String {
    let groups: Vec<&str> = user.groups.iter().map(GroupName::as_str).collect();
    let teams: Vec<&str> = user.teams.iter().map(TeamId::as_str).collect();
    let pairs = |pairs: &Variables| {
        let pairs: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join(", ")
    };
    let at = if user.phones.is_empty() { "nowhere".to_owned() } else { phones(user) };
    output::card([
        ("user", user.extension.to_string()),
        ("name", user.name.clone()),
        ("at", at),
        ("away", user.away.to_string()),
        ("hot desk", yes(user.hot_desk)),
        ("PIN", if user.has_pin { "set" } else { "not set" }.to_owned()),
        ("softphone", yes(user.softphone)),
        ("groups", groups.join(", ")),
        ("teams", teams.join(", ")),
        ("params", pairs(&user.params)),
        ("variables", pairs(&user.variables)),
        ("from", source(user.source).to_owned()),
    ])
}
