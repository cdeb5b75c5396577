//! The configuration as text: the commented example, and the one in force.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::service::ServiceSettings;
use super::{
    AdminSettings, BasicUser, Config, FreeSwitch, HostPort, InventorySettings, JournalSettings,
    Listener, NodeName, OpenListener, OptionalListener, PnpSettings, Secret, SecretSource, Webhook,
};
use crate::calls::{PinSettings, ProfileName, Prompts};
use crate::customers::settings::CustomersSettings;
use crate::model::{Domain, Location, LogoutSettings, QueueSettings, TeamSettings};
use crate::people::ldap::LdapSettings;
use crate::provisioning::redirection::settings::{RedirectionSettings, ServiceName};
use crate::provisioning::settings::ProvisioningSettings;
use crate::standing::settings::{DialplanSettings, EmergencySettings, StandingSettings};
use crate::telemetry::LogSettings;
use crate::webhooks::settings::WebhookSettings;
use crate::xml_curl::DirectorySettings;

/// A configuration with every setting, its default and what it means.
pub fn example() -> &'static str {
    include_str!("example.toml")
}

/// The configuration file that would give this configuration, every default written out.
#[derive(Serialize)]
struct Shown<'a> {
    domain: &'a Domain,
    aliases: &'a [Domain],
    data: &'a Path,
    listen: ShownListen<'a>,
    freeswitch: BTreeMap<&'a NodeName, ShownNode<'a>>,
    switch: ShownSwitch<'a>,
    admin: &'a AdminSettings,
    dialplan: &'a DialplanSettings,
    emergency: &'a EmergencySettings,
    pin: &'a PinSettings,
    prompts: &'a Prompts,
    directory: &'a DirectorySettings,
    people: ShownPeople<'a>,
    standing: StandingSettings,
    provisioning: &'a ProvisioningSettings,
    pnp: &'a PnpSettings,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    redirection: BTreeMap<&'a ServiceName, ShownRedirection<'a>>,
    queues: &'a QueueSettings,
    service: &'a ServiceSettings,
    customers: ShownCustomers<'a>,
    inventory: ShownInventory<'a>,
    journal: &'a JournalSettings,
    logout: &'a LogoutSettings,
    log: &'a LogSettings,
    #[serde(skip_serializing_if = "<[Location]>::is_empty")]
    location: &'a [Location],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    team: Vec<&'a TeamSettings>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    webhook: Vec<ShownWebhook<'a>>,
}

#[derive(Serialize)]
struct ShownWebhook<'a> {
    secret: Option<String>,
    secret_file: Option<String>,
    #[serde(flatten)]
    settings: &'a WebhookSettings,
}

#[derive(Serialize)]
struct ShownListen<'a> {
    event_socket: &'a Listener,
    switch: &'a Listener,
    phones: &'a OpenListener,
    phones_tls: &'a OpenListener,
    admin: &'a OptionalListener,
}

#[derive(Serialize)]
struct ShownNode<'a> {
    address: &'a HostPort,
    #[serde(flatten)]
    password: ShownSecret,
    profiles: &'a [ProfileName],
    config_dir: &'a Path,
}

#[derive(Serialize)]
struct ShownSwitch<'a> {
    user: &'a BasicUser,
    #[serde(flatten)]
    password: ShownSecret,
}

#[derive(Serialize)]
struct ShownCustomers<'a> {
    #[serde(flatten)]
    password: ShownSecret,
    #[serde(flatten)]
    settings: &'a CustomersSettings,
}

#[derive(Serialize)]
struct ShownInventory<'a> {
    #[serde(flatten)]
    password: ShownSecret,
    #[serde(flatten)]
    settings: &'a InventorySettings,
}

#[derive(Serialize)]
struct ShownPeople<'a> {
    file: Option<&'a Path>,
    ldap: Option<ShownLdap<'a>>,
}

#[derive(Serialize)]
struct ShownLdap<'a> {
    #[serde(flatten)]
    password: ShownSecret,
    #[serde(flatten)]
    settings: &'a LdapSettings,
}

#[derive(Serialize)]
struct ShownRedirection<'a> {
    #[serde(flatten)]
    password: ShownSecret,
    #[serde(flatten)]
    settings: &'a RedirectionSettings,
}

/// Where a secret stands, without it.
#[derive(Default, Serialize)]
struct ShownSecret {
    password: Option<String>,
    password_file: Option<String>,
}

impl ShownSecret {
    fn of(secret: &Secret) -> Self {
        match &secret.from {
            SecretSource::Inline => {
                Self { password: Some("(hidden)".to_owned()), ..Self::default() }
            }
            SecretSource::File(path) => Self::in_file(path),
            SecretSource::Credential(name) => {
                Self { password: Some(format!("(systemd credential {name})")), ..Self::default() }
            }
        }
    }

    fn in_file(path: &Path) -> Self {
        Self { password_file: Some(path.display().to_string()), ..Self::default() }
    }
}

impl Config {
    /// The configuration in force as TOML, every default written out, secrets hidden.
    pub fn show(&self) -> String {
        let made = self.data.join("xml_curl.password");
        let credentials = &self.switch_credentials;
        let shown = Shown {
            domain: &self.domain,
            aliases: &self.aliases,
            data: &self.data,
            listen: ShownListen {
                event_socket: &self.event_socket,
                switch: &self.switch,
                phones: &self.phones,
                phones_tls: &self.phones_tls,
                admin: &self.admin,
            },
            freeswitch: self.freeswitch.iter().map(|(name, node)| (name, shown(node))).collect(),
            switch: ShownSwitch {
                user: &credentials.user,
                password: match &credentials.password {
                    Some(secret) => ShownSecret::of(secret),
                    None => ShownSecret::in_file(&made),
                },
            },
            admin: &self.operators.settings,
            dialplan: &self.dialplan,
            emergency: &self.emergency,
            pin: &self.pin,
            prompts: &self.prompts,
            directory: &self.directory,
            people: ShownPeople {
                file: self.users_file.as_deref(),
                ldap: self.ldap.as_ref().map(|ldap| ShownLdap {
                    password: ldap.password.as_ref().map(ShownSecret::of).unwrap_or_default(),
                    settings: &ldap.settings,
                }),
            },
            standing: StandingSettings {
                folder: Some(self.standing.folder.clone()),
                group: self.standing.group.as_ref().map(|group| group.name.clone()),
                gather_minutes: self.standing.gather_minutes,
            },
            provisioning: &self.provisioning,
            pnp: &self.pnp,
            redirection: self
                .redirection
                .iter()
                .map(|(name, service)| {
                    let password = ShownSecret::of(&service.password);
                    (name, ShownRedirection { password, settings: &service.settings })
                })
                .collect(),
            queues: &self.queues,
            service: &self.service_settings,
            customers: ShownCustomers {
                password: self.customers_password.as_ref().map(ShownSecret::of).unwrap_or_default(),
                settings: &self.customers,
            },
            inventory: ShownInventory {
                password: self.inventory.password.as_ref().map(ShownSecret::of).unwrap_or_default(),
                settings: &self.inventory.settings,
            },
            journal: &self.journal,
            logout: &self.logout,
            log: &self.log,
            location: self.locations.all(),
            team: self.teams.values().collect(),
            webhook: self.webhooks.iter().map(shown_webhook).collect(),
        };
        // Fails only for paths that are not UTF-8, and those cannot come out of a TOML file.
        toml::to_string_pretty(&shown)
            .unwrap_or_else(|error| format!("# cannot be written as TOML: {error}\n"))
    }
}

/// A target, its key hidden.
fn shown_webhook(webhook: &Webhook) -> ShownWebhook<'_> {
    let ShownSecret { password, password_file } = ShownSecret::of(&webhook.secret);
    let settings = &webhook.target.settings;
    ShownWebhook { secret: password, secret_file: password_file, settings }
}

fn shown(node: &FreeSwitch) -> ShownNode<'_> {
    ShownNode {
        address: &node.address,
        password: ShownSecret::of(&node.password),
        profiles: &node.profiles,
        config_dir: &node.config_dir,
    }
}
