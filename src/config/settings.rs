//! The configuration file as it is read, each value checked by its type.

use std::collections::BTreeMap;
use std::path::PathBuf;

use secrecy::SecretString;
use serde::Deserialize;

use super::admin::AdminSettings;
use super::inventory::InventorySettings;
use super::journal::JournalSettings;
use super::listener::{Listener, OpenListener, OptionalListener};
use super::pnp::PnpSettings;
use super::service::ServiceSettings;
use super::values::{BasicUser, HostPort, NodeName};
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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    pub domain: Domain,
    #[serde(default)]
    pub aliases: Vec<Domain>,
    #[serde(default = "data")]
    pub data: PathBuf,
    #[serde(default)]
    pub listen: ListenSettings,
    #[serde(default)]
    pub freeswitch: BTreeMap<NodeName, NodeSettings>,
    #[serde(default)]
    pub switch: SwitchSettings,
    #[serde(default)]
    pub admin: AdminSettings,
    #[serde(default)]
    pub pin: PinSettings,
    #[serde(default)]
    pub prompts: Prompts,
    #[serde(default)]
    pub directory: DirectorySettings,
    #[serde(default)]
    pub people: PeopleSettings,
    #[serde(default)]
    pub dialplan: DialplanSettings,
    #[serde(default)]
    pub emergency: EmergencySettings,
    #[serde(default)]
    pub standing: StandingSettings,
    #[serde(default)]
    pub provisioning: ProvisioningSettings,
    #[serde(default)]
    pub pnp: PnpSettings,
    #[serde(default)]
    pub redirection: BTreeMap<ServiceName, RedirectionSettings>,
    #[serde(default)]
    pub location: Vec<Location>,
    #[serde(default)]
    pub queues: QueueSettings,
    #[serde(default)]
    pub team: Vec<TeamSettings>,
    #[serde(default)]
    pub customers: CustomersSettings,
    #[serde(default)]
    pub inventory: InventorySettings,
    #[serde(default)]
    pub service: ServiceSettings,
    #[serde(default)]
    pub journal: JournalSettings,
    #[serde(default)]
    pub logout: LogoutSettings,
    #[serde(default)]
    pub webhook: Vec<WebhookSettings>,
    #[serde(default)]
    pub log: LogSettings,
}

fn data() -> PathBuf {
    PathBuf::from("/var/lib/hotdeskd")
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ListenSettings {
    pub event_socket: Listener,
    pub switch: Listener,
    pub phones: OpenListener,
    pub phones_tls: OpenListener,
    pub admin: OptionalListener,
}

impl Default for ListenSettings {
    fn default() -> Self {
        Self {
            event_socket: Listener::loopback(8084),
            switch: Listener::loopback(8089),
            phones: OpenListener::everywhere(8085),
            phones_tls: OpenListener::everywhere(8445),
            admin: OptionalListener(Some(Listener::loopback(8090))),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NodeSettings {
    #[serde(default = "event_socket")]
    pub address: HostPort,
    pub password: Option<SecretString>,
    pub password_file: Option<PathBuf>,
    #[serde(default = "profiles")]
    pub profiles: Vec<ProfileName>,
    #[serde(default = "config_dir")]
    pub config_dir: PathBuf,
}

/// Where FreeSWITCH's stock `event_socket.conf.xml` listens.
fn event_socket() -> HostPort {
    HostPort::from(std::net::SocketAddr::from(([127, 0, 0, 1], 8021)))
}

fn profiles() -> Vec<ProfileName> {
    ProfileName::try_from("internal".to_owned()).into_iter().collect()
}

fn config_dir() -> PathBuf {
    PathBuf::from("/etc/freeswitch")
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SwitchSettings {
    pub user: BasicUser,
    pub password: Option<SecretString>,
    pub password_file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PeopleSettings {
    pub file: Option<PathBuf>,
    pub ldap: Option<LdapSettings>,
}
