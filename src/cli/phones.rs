//! `hotdeskd phones`.

mod export;
mod import;
mod told;
pub(super) mod way;

use clap::{Args, Subcommand};
use secrecy::ExposeSecret as _;

use super::Printed;
use super::door::Door;
use super::provisioning::{self, Enrol, Render};
use super::{input, output, values};
use crate::config::Config;
use crate::http::admin::{Ask, Method, PhoneChange, PhoneView};
use crate::model::{
    AutoLogout, CallerNumber, Emergency, Extension, Handset, Mac, SettingName, SettingValue, Tag,
};
use crate::provisioning::WayView;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists the phones and who sits there; or how far some are on their way.
    #[command(
        after_help = "Examples:\n  hotdeskd phones list --json\n  hotdeskd phones list --tag floor-3\n  hotdeskd phones list --stuck\n  hotdeskd phones list --stage imported\n  hotdeskd phones list --moved"
    )]
    List {
        /// Only those with this tag; given several times: with all of them.
        #[arg(long = "tag", value_name = "TAG")]
        tags: Vec<Tag>,
        #[command(flatten)]
        way: way::Filter,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Shows a phone, or the logs that it sent.
    #[command(
        after_help = "Examples:\n  hotdeskd phones show 0004132a0001\n  hotdeskd phones show 0004f2aa0003 --logs"
    )]
    Show {
        /// Its MAC address, in any spelling.
        mac: Mac,
        /// The logs that it sent, oldest first.
        #[arg(long)]
        logs: bool,
        /// As JSON.
        #[arg(long, conflicts_with = "logs")]
        json: bool,
    },
    /// Counts the phones at each stage of their way.
    #[command(after_help = "Example:\n  hotdeskd phones stages")]
    Stages {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Checks a phone: asks FreeSWITCH, the store, and the phone's own web pages; exit code 1 when something differs.
    #[command(after_help = "Example:\n  hotdeskd phones check 0004132a0001")]
    Check {
        /// Its MAC address, in any spelling.
        mac: Mac,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Adds a phone to the inventory.
    ///
    /// Its SIP secret is made, unless --read-secret is given.
    #[command(
        after_help = "Examples:\n  hotdeskd phones add 00:04:13:2a:00:01 --vendor snom --model D785 --label 'Desk 1'\n  hotdeskd phones add 0004132a0002 --owner 1001 --emergency-caller-id +4312345\n  hotdeskd phones add 000413900001 --vendor snom --model M900 --handset 1001 --handset 1002:Lobby --handset -\n  hotdeskd phones add 0004132a0002 --replace --read-secret < secret"
    )]
    Add(Add),
    /// Adds and changes many phones, from a file or a query: all of them, or none if a line is wrong.
    ///
    /// The file is CSV with the columns' names in its first line, in any order: mac, vendor, model, label, location,
    /// emergency_caller_id, owner, desk_extension, hot_desk, tags, logout; or it is a list of nothing but MAC addresses. What
    /// stands between cells is found out (comma, semicolon, tab), and so is the encoding.
    ///
    /// A column that is not there leaves what a phone has; an empty cell takes it away (hot_desk: yes; vendor: what the MAC
    /// address says). Phones that are not listed stay. Secrets, keys, settings and handsets are never touched.
    #[command(
        after_help = "Examples:\n  hotdeskd phones import phones.csv --dry-run\n  hotdeskd phones import phones.csv\n  hotdeskd phones import - < phones.csv\n  hotdeskd phones import --sql --dry-run"
    )]
    Import(import::Import),
    /// Writes the phones as `phones import` reads them: CSV in UTF-8.
    ///
    /// Cells that a spreadsheet would read as a formula begin with an apostrophe. Secrets, keys, settings and handsets
    /// do not stand there.
    #[command(
        after_help = "Examples:\n  hotdeskd phones export phones.csv\n  hotdeskd phones export --tag floor-3"
    )]
    Export(export::Export),
    /// Tells what a phone asked, what it was told and why, and whether the last change is shown yet.
    #[command(after_help = "Example:\n  hotdeskd phones why 0004132a0001")]
    Why {
        /// Its MAC address, in any spelling.
        mac: Mac,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Prints a phone's file as it would be sent now.
    #[command(
        after_help = "Examples:\n  hotdeskd phones render 0004132a0001\n  hotdeskd phones render 0004f2aa0003 master\n  hotdeskd phones render 0004132a0001 --explain"
    )]
    Render(Render),
    /// Asks a phone to fetch its configuration, once it has no call.
    #[command(after_help = "Example:\n  hotdeskd phones resync 0004132a0001")]
    Resync {
        /// Its MAC address, in any spelling.
        mac: Mac,
        /// Restart it for that.
        #[arg(long)]
        restart: bool,
    },
    /// Lets a phone prove that it is that phone: opens a window for its bare MAC address.
    #[command(
        after_help = "Examples:\n  hotdeskd phones enrol 0004132a0001\n  hotdeskd phones enrol 0004132a0001 --minutes 10\n  hotdeskd phones enrol 0004132a0001 --show-url\n  hotdeskd phones enrol 0004132a0001 --rotate\n  hotdeskd phones enrol 0004132a0001 --revoke"
    )]
    Enrol(Enrol),
    /// Removes a phone from the inventory; whoever sits there is logged out.
    #[command(after_help = "Example:\n  hotdeskd phones remove 0004132a0001")]
    Remove {
        /// Its MAC address, in any spelling.
        mac: Mac,
    },
}

#[derive(Debug, Args)]
pub(super) struct Add {
    /// Its MAC address, in any spelling.
    mac: Mac,
    /// The vendor in lower case.
    #[arg(long)]
    vendor: Option<String>,
    /// The vendor's name of the model.
    #[arg(long)]
    model: Option<String>,
    /// What people call the place.
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// The user whom the phone falls back to when nobody else sits there.
    #[arg(long, value_name = "EXTENSION")]
    owner: Option<Extension>,
    /// An extension that rings the device itself, whoever sits there.
    #[arg(long, value_name = "EXTENSION")]
    desk_extension: Option<Extension>,
    /// Nobody may log in here but the owner.
    #[arg(long)]
    no_hot_desk: bool,
    /// The caller ID that this desk shows to emergency services.
    #[arg(long, value_name = "NUMBER")]
    emergency_caller_id: Option<CallerNumber>,
    /// Where the desk is, in words, for emergency services.
    #[arg(long, value_name = "TEXT")]
    emergency_location: Option<String>,
    /// A setting of this phone; may be given several times.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = values::setting)]
    settings: Vec<(SettingName, SettingValue)>,
    /// A handset of a DECT base: whose it is, what it is called, or both; `-` for one that is nobody's. Given once for
    /// each handset, in the order of their numbers.
    #[arg(long = "handset", value_name = "[EXTENSION][:LABEL]", value_parser = values::handset, allow_hyphen_values = true)]
    handsets: Vec<Handset>,
    /// A word for a group of phones, as in `floor-3`; may be given several times.
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<Tag>,
    /// When people are logged out here by themselves: at a time of the day (`20:00`), after hours without a call (`4h`),
    /// both (`20:00 4h`), or `never`; as `[logout]` says where this is not given.
    #[arg(long, value_name = "RULE")]
    logout: Option<AutoLogout>,
    /// Open no window: the phone proves itself by certificate, or its URL is entered by hand.
    #[arg(long)]
    no_window: bool,
    /// Replace a phone that is there already: what is not named is taken away, but its secret stays.
    #[arg(long)]
    replace: bool,
    /// Read the SIP secret from standard input, for a phone that has one already.
    #[arg(long)]
    read_secret: bool,
}

pub(super) async fn run(command: &Command, config: &Config) -> Printed {
    let printed = match command {
        Command::List { tags, way, json } if way.is_set() => {
            way::list(way, tags, *json, config).await?
        }
        Command::List { tags, json, .. } => {
            let phones = listed(tags, config).await?;
            if *json { output::json(&phones)? } else { table(&phones) }
        }
        Command::Show { mac, logs: true, .. } => provisioning::logs(*mac, config).await?,
        Command::Why { mac, json } => provisioning::why(*mac, *json, config).await?,
        Command::Render(render) => provisioning::render(render, config).await?,
        Command::Resync { mac, restart } => provisioning::resync(*mac, *restart, config).await?,
        Command::Enrol(enrol) => provisioning::enrol(enrol, config).await?,
        Command::Show { mac, json, .. } => {
            let path = format!("/phones/{mac}");
            let door = Door::open(config).await?;
            let phone: PhoneView = door.ask(Ask::get(&path)).await?;
            let way: WayView = door.ask(Ask::get(&format!("{path}/way"))).await?;
            match json {
                true => output::json(&way::OnItsWay { phone, way })?,
                false => card(&phone) + "\n" + &way::card(&way),
            }
        }
        Command::Stages { json } => way::stages(*json, config).await?,
        Command::Check { mac, json } => return way::check(*mac, *json, config).await,
        Command::Add(add) => save(add, config).await?,
        Command::Import(import) => import::run(import, config).await?,
        Command::Export(export) => export::run(export, config).await?,
        Command::Remove { mac } => {
            let path = format!("/phones/{mac}");
            let ask = Ask::new(Method::DELETE, &path);
            let () = Door::open(config).await?.ask(ask).await?;
            format!("Phone {mac} is removed.\n")
        }
    };
    Ok(printed)
}

/// The phones that have all these tags.
async fn listed(tags: &[Tag], config: &Config) -> anyhow::Result<Vec<PhoneView>> {
    let key = |phone: &PhoneView| phone.mac.to_string();
    let mut phones = Door::open(config).await?.list("/phones", key).await?;
    phones.retain(|phone| tags.iter().all(|tag| phone.tags.contains(tag)));
    Ok(phones)
}

async fn save(add: &Add, config: &Config) -> anyhow::Result<String> {
    let secret = add.read_secret.then(|| input::secret("secret")).transpose()?;
    let change = PhoneChange {
        vendor: add.vendor.clone(),
        model: add.model.clone(),
        label: add.label.clone(),
        desk_extension: add.desk_extension.clone(),
        owner: add.owner.clone(),
        hot_desk: !add.no_hot_desk,
        emergency: Emergency {
            caller_id: add.emergency_caller_id.clone(),
            location: add.emergency_location.clone(),
        },
        settings: add.settings.iter().cloned().collect(),
        handsets: add.handsets.clone(),
        tags: add.tags.iter().cloned().collect(),
        logout: add.logout,
        secret: None,
    };
    let mut body = serde_json::to_value(change)?;
    if let (Some(secret), Some(body)) = (secret, body.as_object_mut()) {
        body.insert("secret".to_owned(), secret.expose_secret().into());
    }
    let path = format!("/phones/{}", add.mac);
    let ask = Ask { only_new: !add.replace, ..Ask::new(Method::PUT, &path).with(body) };
    let phone: PhoneView = Door::open(config).await?.ask(ask).await.map_err(hint)?;
    if add.no_window {
        provisioning::close_window(add.mac, config).await?;
    }
    let done = if add.replace { "saved" } else { "added" };
    Ok(format!("Phone {} is {done}.\n", phone.mac))
}

/// What to do about something that is there already.
pub(super) fn hint(error: anyhow::Error) -> anyhow::Error {
    let told = error.to_string();
    if told.ends_with("already") {
        anyhow::anyhow!("{told}; give --replace to replace its settings")
    } else {
        error
    }
}

fn table(phones: &[PhoneView]) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let rows = phones.iter().map(|phone| {
        let (who, since) = match &phone.session {
            Some(seated) => {
                (format!("{} {}", seated.user, seated.name), output::time(seated.since))
            }
            None => Default::default(),
        };
        let model = format!("{} {}", text(&phone.vendor), text(&phone.model));
        let owner = phone.owner.as_ref().map(ToString::to_string).unwrap_or_default();
        [
            phone.mac.to_string(),
            text(&phone.label),
            model.trim().to_owned(),
            owner,
            who,
            since,
            phone.pending.join(", "),
        ]
    });
    output::table(
        ["PHONE", "LABEL", "MODEL", "OWNER", "WHO IS THERE", "SINCE", "PENDING"],
        rows,
        "There are no phones yet; `hotdeskd phones add MAC` adds one.",
    )
}

fn card(phone: &PhoneView) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let extension = |extension: &Option<Extension>| {
        extension.as_ref().map(ToString::to_string).unwrap_or_default()
    };
    let who = phone.session.as_ref().map(|seated| {
        format!("{} {} since {}", seated.user, seated.name, output::time(seated.since))
    });
    let caller_id = phone.emergency.caller_id.as_ref().map(ToString::to_string);
    let hot_desk = match (phone.hot_desk, phone.handsets.is_empty()) {
        (true, _) => "yes",
        (false, true) => "only its owner",
        (false, false) => "no, it is a DECT base",
    };
    let mut lines = vec![
        ("phone", phone.mac.to_string()),
        ("label", text(&phone.label)),
        ("vendor", text(&phone.vendor)),
        ("model", text(&phone.model)),
        ("who is there", who.unwrap_or_else(|| "nobody".to_owned())),
        ("owner", extension(&phone.owner)),
        ("desk extension", extension(&phone.desk_extension)),
        ("hot desk", hot_desk.to_owned()),
        ("emergency caller ID", caller_id.unwrap_or_else(|| "the site's".to_owned())),
        ("emergency location", text(&phone.emergency.location)),
        ("tags", Tag::join(&phone.tags)),
        ("logged out", phone.logout.map_or("as the site says".to_owned(), |rule| rule.to_string())),
        ("pending", phone.pending.join(", ")),
        ("added", output::time(phone.added)),
    ];
    lines.extend(phone.handsets.iter().map(|handset| {
        let whose = match &handset.user {
            Some(user) => format!("{user} {}", handset.name.as_deref().unwrap_or_default()),
            None => "nobody".to_owned(),
        };
        let label = handset.label.as_ref().map(|label| format!(" ({label})"));
        let whose = format!("{}: {}{}", handset.identity, whose.trim(), label.unwrap_or_default());
        ("handset", whose)
    }));
    lines.extend(phone.redirections.iter().map(|row| {
        let reason = row.reason.as_ref().map(|reason| format!(": {reason}"));
        let reason = reason.unwrap_or_default();
        let told = format!("{}: {} since {}{reason}", row.service, row.state, output::time(row.at));
        ("redirection", told)
    }));
    output::card(lines)
}
