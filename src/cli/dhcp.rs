//! `hotdeskd dhcp print`: what a DHCP server is told, so that phones find us.

use std::collections::BTreeSet;
use std::path::Path;

use clap::{Subcommand, ValueEnum};
use serde::Deserialize;

use super::Printed;
use super::door::Door;
use crate::config::Config;
use crate::model::Mac;
use crate::provisioning::dhcp::{self, Server};
use crate::provisioning::vendor::Vendors;

/// `dhcp …`
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Prints the settings of a DHCP server for the vendors of the phones in the inventory, all while it is empty.
    #[command(
        after_help = "Examples:\n  hotdeskd dhcp print dnsmasq\n  hotdeskd dhcp print isc --all > /etc/dhcp/hotdeskd.conf"
    )]
    Print {
        /// Which server.
        server: Name,
        /// For all vendors, whatever is in the inventory.
        #[arg(long)]
        all: bool,
    },
}

/// A DHCP server, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Name {
    /// ISC dhcpd.
    Isc,
    /// Kea.
    Kea,
    /// dnsmasq.
    Dnsmasq,
}

impl From<Name> for Server {
    fn from(name: Name) -> Self {
        match name {
            Name::Isc => Self::Isc,
            Name::Kea => Self::Kea,
            Name::Dnsmasq => Self::Dnsmasq,
        }
    }
}

/// What is needed of a phone.
#[derive(Deserialize)]
struct Listed {
    /// Its MAC address.
    mac: Mac,
    /// Its vendor, where the inventory has one.
    vendor: Option<String>,
}

pub(super) async fn run(command: &Command, config: &Config) -> Printed {
    let Command::Print { server, all } = command;
    let phones: Vec<Listed> = match all {
        true => Vec::new(),
        false => {
            Door::open(config)
                .await?
                .list("/phones", |phone: &Listed| phone.mac.to_string())
                .await?
        }
    };
    Ok(print(*server, &phones, config))
}

/// The same without a configuration: for the defaults, and says so.
pub(super) fn print_defaults(command: &Command) -> anyhow::Result<String> {
    let Command::Print { server, .. } = command;
    let text = b"domain = \"example.net\"\n[freeswitch.fs1]\npassword = \"unknown\"\n";
    let config = Config::parse(Path::new("/etc/hotdeskd/hotdeskd.toml"), text, None)?;
    let comment = if *server == Name::Kea { "//" } else { "#" };
    let told = print(*server, &[], &config);
    Ok(format!(
        "{comment} There is no configuration yet; this is for the defaults and the domain example.net.\n{told}"
    ))
}

fn print(server: Name, phones: &[Listed], config: &Config) -> String {
    let vendors = Vendors::load(config.provisioning.templates.as_deref());
    let vendor_of = |phone: &Listed| match &phone.vendor {
        Some(name) => vendors.get(name),
        None => vendors.of_mac(phone.mac),
    };
    let present: BTreeSet<&str> =
        phones.iter().filter_map(vendor_of).map(|vendor| vendor.name()).collect();
    let is_meant = |name: &str| phones.is_empty() || present.contains(name);
    let meant = vendors.all().filter(|vendor| is_meant(vendor.name())).map(AsRef::as_ref);
    dhcp::print(server.into(), meant, &config.phones_url())
}
