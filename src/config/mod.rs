//! The configuration: one TOML file, `Settings` as read, [`Config`] checked.
//!
//! Relative paths in it are relative to the folder of the file. Everything has a default except
//! `domain` and the password of each `[freeswitch.<name>]`.

mod admin;
mod customers;
mod inventory;
mod journal;
mod ldap;
mod listener;
mod pnp;
mod redirection;
mod secret;
mod service;
mod settings;
mod show;
mod values;
mod webhook;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};

pub use admin::{AdminSettings, Operators};
pub use inventory::{Inventory, InventorySettings};
pub use journal::JournalSettings;
pub use ldap::Ldap;
pub use listener::{Listener, OpenListener, OptionalListener};
pub use pnp::PnpSettings;
pub use redirection::RedirectionService;
pub use secret::{Secret, SecretError, SecretSource};
pub use service::{LastAgentSettings, Service};
pub use show::example;
pub use values::{BasicUser, HostPort, InvalidHostPort, NodeName};
pub use webhook::Webhook;

use crate::calls::{PinSettings, ProfileName, Prompts};
use crate::customers::settings::CustomersSettings;
use crate::model::{
    Domain, Location, Locations, LogoutSettings, QueueSettings, TeamSettings, Teams, TomlFault,
    TomlText,
};
use crate::provisioning::redirection::settings::ServiceName;
use crate::provisioning::settings::ProvisioningSettings;
use crate::standing::settings::{DialplanSettings, EmergencySettings, StandingSettings};
use crate::telemetry::LogSettings;
use crate::xml_curl::DirectorySettings;
use service::ServiceSettings;
use settings::{NodeSettings, Settings};

/// The most bytes that a configuration has.
const MAX_BYTES: u64 = 1 << 20;

const HELP: &str = "`hotdeskd config example` shows every setting.";

/// The configuration in force: read, checked, with its secrets.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file that it was read from.
    pub file: PathBuf,
    /// The SIP domain of phones and users.
    pub domain: Domain,
    /// Other names of the same domain, the IP address of FreeSWITCH among them.
    pub aliases: Vec<Domain>,
    /// The folder of the store, the key, the lock and the admin socket.
    pub data: PathBuf,
    /// Where FreeSWITCH connects for conversations (`socket`).
    pub event_socket: Listener,
    /// Where FreeSWITCH asks (mod_xml_curl).
    pub switch: Listener,
    /// Where phones fetch their files; `None` inside: nowhere.
    pub phones: OpenListener,
    /// The same over TLS, where there is a certificate.
    pub phones_tls: OpenListener,
    /// Where operators and their programs come; `None` inside: nowhere.
    pub admin: OptionalListener,
    /// Who they are.
    pub operators: Operators,
    /// The FreeSWITCH nodes; at least one.
    pub freeswitch: BTreeMap<NodeName, FreeSwitch>,
    /// How FreeSWITCH authenticates when it asks.
    pub switch_credentials: SwitchCredentials,
    /// The PIN: method, tries, guard.
    pub pin: PinSettings,
    /// What callers hear.
    pub prompts: Prompts,
    /// Params and variables of the whole domain.
    pub directory: DirectorySettings,
    /// The users file.
    pub users_file: Option<PathBuf>,
    /// The LDAP server.
    pub ldap: Option<Ldap>,
    /// Contexts and dial codes.
    pub dialplan: DialplanSettings,
    /// Emergency numbers, their routes and call-back.
    pub emergency: EmergencySettings,
    /// FreeSWITCH's own disk.
    pub standing: Standing,
    /// What phones are told, and who of them may have it.
    pub provisioning: ProvisioningSettings,
    /// Phones that ask everybody in their network where their files are.
    pub pnp: PnpSettings,
    /// The vendors' redirection services.
    pub redirection: BTreeMap<ServiceName, RedirectionService>,
    /// Which networks belong to which places.
    pub locations: Locations,
    /// What holds for all queues.
    pub queues: QueueSettings,
    /// The teams, and the queues that serve them.
    pub teams: Teams,
    /// The service number, where there is one.
    pub service: Option<Service>,
    /// The table `[service]` as it was read, to be shown.
    service_settings: ServiceSettings,
    /// Where customers are looked up; its passwords are taken out.
    pub customers: CustomersSettings,
    /// The password of the customers' database.
    pub customers_password: Option<Secret>,
    /// Where the company keeps its list of phones.
    pub inventory: Inventory,
    /// For how long what happened is kept.
    pub journal: JournalSettings,
    /// When people are logged out by themselves.
    pub logout: LogoutSettings,
    /// Other systems that are told of what happens.
    pub webhooks: Vec<Webhook>,
    /// The log.
    pub log: LogSettings,
}

/// A FreeSWITCH node.
#[derive(Debug, Clone)]
pub struct FreeSwitch {
    /// Its event socket (`mod_event_socket`'s own listener).
    pub address: HostPort,
    /// The password of its event socket.
    pub password: Secret,
    /// The SIP profiles at which phones register.
    pub profiles: Vec<ProfileName>,
    /// Its configuration folder.
    pub config_dir: PathBuf,
}

/// The standing files: what FreeSWITCH has on its own disk.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Where.
    pub folder: PathBuf,
    /// The group that may read them.
    pub group: Option<Group>,
    /// For how many minutes changes of desk sessions are gathered before FreeSWITCH reads them.
    pub gather_minutes: u16,
}

/// A group of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: u32,
}

/// HTTP basic authentication for mod_xml_curl.
#[derive(Debug, Clone)]
pub struct SwitchCredentials {
    /// The user name.
    pub user: BasicUser,
    /// The password; none: one that is made in the data folder, see [`Config::switch_password`].
    pub password: Option<Secret>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("the configuration {}: {source}; say where it is with `-c FILE`, or write it to a file with `hotdeskd config example`", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no configuration of ours.
    #[error("the configuration {} is longer than {MAX_BYTES} bytes; name the right file", path.display())]
    TooLong {
        /// Which.
        path: PathBuf,
    },
    /// A mistake in it.
    #[error(transparent)]
    Fault(#[from] TomlFault),
}

impl Config {
    /// Reads and checks the file. `credentials` is systemd's folder (`$CREDENTIALS_DIRECTORY`).
    ///
    /// # Errors
    /// The file cannot be read, or there is a mistake in it.
    pub fn load(file: &Path, credentials: Option<&Path>) -> Result<Self, Error> {
        let failed = |source| Error::File { path: file.into(), source };
        let mut bytes = Vec::new();
        let read = std::fs::File::open(file)
            .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
            .map_err(failed)?;
        if read as u64 > MAX_BYTES {
            return Err(Error::TooLong { path: file.into() });
        }
        Ok(Self::parse(file, &bytes, credentials)?)
    }

    /// Checks the bytes of `file`, which need not be there; files that it names are read.
    ///
    /// # Errors
    /// There is a mistake in it.
    pub fn parse(file: &Path, bytes: &[u8], credentials: Option<&Path>) -> Result<Self, TomlFault> {
        let text = TomlText::read(file, bytes, HELP)?;
        let settings: Settings = text.parse()?;
        Checker { text, folder: file.parent().unwrap_or(Path::new("")), credentials }
            .check(file, settings)
    }

    /// The unix socket of the admin API.
    pub fn admin_socket(&self) -> PathBuf {
        self.data.join("admin.sock")
    }

    /// Where phones reach the phones' listener.
    pub fn phones_url(&self) -> String {
        let set = self.provisioning.url.as_ref().map(ToString::to_string);
        set.unwrap_or_else(|| format!("http://{}:8085", self.domain))
    }

    /// The password with which FreeSWITCH asks: the configured one, else the one in
    /// `<data>/xml_curl.password`, which is made (mode 0600) where there is none.
    ///
    /// # Errors
    /// The file cannot be read or made, or others can read it.
    pub fn switch_password(&self) -> Result<SecretString, SecretError> {
        match &self.switch_credentials.password {
            Some(secret) => Ok(secret.value.clone()),
            None => secret::read_or_make(&self.data.join("xml_curl.password")),
        }
    }

    /// What the operator should know about this configuration, in sentences; empty when all is well.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.emergency.warnings();
        warnings.extend(self.admin_warnings());
        warnings.extend(self.ldap.iter().flat_map(Ldap::warnings));
        let passwords = self.freeswitch.values().map(|node| &node.password);
        let passwords = passwords.chain(self.ldap.iter().filter_map(|ldap| ldap.password.as_ref()));
        let passwords = passwords.chain(self.redirection.values().map(|service| &service.password));
        let inline = passwords
            .chain(&self.switch_credentials.password)
            .chain(&self.customers_password)
            .chain(&self.inventory.password)
            .chain(self.webhooks.iter().map(|webhook| &webhook.secret))
            .any(|secret| secret.from == SecretSource::Inline);
        let mode = std::fs::metadata(&self.file).map(|metadata| metadata.permissions().mode());
        if inline && mode.is_ok_and(|mode| mode & 0o007 != 0) {
            let file = self.file.display();
            warnings.push(format!(
                "{file} holds a password and everybody can read it; run `chmod o= {file}`, or use password_file"
            ));
        }
        for (name, node) in &self.freeswitch {
            if node.password.value.expose_secret() == "ClueCon" {
                warnings.push(format!(
                    "freeswitch.{name} has FreeSWITCH's stock password; change it in event_socket.conf.xml and here"
                ));
            }
        }
        warnings
    }
}

/// What a check needs to know besides the settings.
struct Checker<'a> {
    text: TomlText<'a>,
    folder: &'a Path,
    credentials: Option<&'a Path>,
}

impl Checker<'_> {
    fn check(&self, file: &Path, settings: Settings) -> Result<Config, TomlFault> {
        let mut freeswitch = BTreeMap::new();
        for (name, node) in settings.freeswitch {
            let node = self.node(&name, node)?;
            freeswitch.insert(name, node);
        }
        if freeswitch.is_empty() {
            return Err(self.text.fault(
                "freeswitch",
                "found no FreeSWITCH, expected a table such as [freeswitch.fs1]".to_owned(),
                format!(
                    "Add the table, with the password of FreeSWITCH's event socket in `password_file`. {HELP}"
                ),
            ));
        }
        let switch = settings.switch;
        let (password, password_file) = (switch.password, switch.password_file);
        let password = self.secret("switch", "xml_curl.password", password, password_file)?;
        if let Some(secret) = &password
            && !secret.value.expose_secret().bytes().all(values::is_plain)
        {
            return Err(self.text.fault(
                "switch.password",
                "found a password with spaces, `$`, quotes, `<`, `>`, `&`, `\\` or letters beyond ASCII, expected one without them".to_owned(),
                "It stands in FreeSWITCH's own configuration, where they mean something else. Choose another.".to_owned(),
            ));
        }
        let teams = self.teams(settings.team)?;
        let data = self.path("data", settings.data)?;
        let (customers, customers_password) = self.customers(settings.customers)?;
        let ldap = self.ldap(settings.people.ldap, &settings.pin)?;
        Ok(Config {
            file: file.into(),
            domain: settings.domain,
            aliases: settings.aliases,
            data: data.clone(),
            event_socket: settings.listen.event_socket,
            switch: settings.listen.switch,
            phones: settings.listen.phones,
            phones_tls: settings.listen.phones_tls,
            admin: settings.listen.admin,
            operators: self.operators(settings.admin, ldap.as_ref())?,
            freeswitch,
            switch_credentials: SwitchCredentials { user: switch.user, password },
            pin: settings.pin,
            prompts: settings.prompts,
            directory: settings.directory,
            users_file: match settings.people.file {
                Some(path) => Some(self.path("people.file", path)?),
                None => None,
            },
            ldap,
            dialplan: settings.dialplan,
            emergency: settings.emergency,
            standing: self.standing(&data, settings.standing)?,
            provisioning: self.provisioning(settings.provisioning)?,
            pnp: self.pnp(settings.pnp)?,
            redirection: self.redirection(settings.redirection)?,
            locations: self.locations(settings.location)?,
            queues: settings.queues,
            service: self.service(&settings.service, &teams)?,
            service_settings: settings.service,
            teams,
            customers,
            customers_password,
            inventory: self.inventory(settings.inventory)?,
            journal: settings.journal,
            logout: settings.logout,
            webhooks: self.webhooks(settings.webhook)?,
            log: settings.log,
        })
    }

    fn node(&self, name: &NodeName, node: NodeSettings) -> Result<FreeSwitch, TomlFault> {
        let key = format!("freeswitch.{name}");
        let credential = format!("{key}.password");
        let password = self.secret(&key, &credential, node.password, node.password_file)?;
        let password = password.ok_or_else(|| {
            self.text.fault(
                &credential,
                "found no password, expected `password_file` or `password`".to_owned(),
                format!(
                    "Write the password of this FreeSWITCH's event_socket.conf.xml to a file that only \
                     hotdeskd can read and name it with `password_file`, or give it as the systemd \
                     credential {credential}. {HELP}"
                ),
            )
        })?;
        // The event socket's `auth` is one line.
        if password.value.expose_secret().contains(char::is_control) {
            return Err(self.text.fault(
                &credential,
                "found a password with control characters, expected one line".to_owned(),
                "Correct it.".to_owned(),
            ));
        }
        let profiles = format!("{key}.profiles");
        if node.profiles.is_empty() {
            return Err(self.text.fault(
                &profiles,
                "found an empty list, expected at least one SIP profile".to_owned(),
                "Name the profiles at which phones register, as in [\"internal\"].".to_owned(),
            ));
        }
        Ok(FreeSwitch {
            address: node.address,
            password,
            profiles: node.profiles,
            config_dir: self.path(&format!("{key}.config_dir"), node.config_dir)?,
        })
    }

    fn standing(&self, data: &Path, standing: StandingSettings) -> Result<Standing, TomlFault> {
        let group = match standing.group {
            None => None,
            Some(name) => {
                let id = values::group_id(&name).ok_or_else(|| {
                    self.text.fault(
                        "standing.group",
                        format!("found {name:?}, expected the name of a group of this machine"),
                        "Write the group that FreeSWITCH runs as, usually `freeswitch`.".to_owned(),
                    )
                })?;
                Some(Group { name, id })
            }
        };
        Ok(Standing {
            folder: match standing.folder {
                Some(folder) => self.path("standing.folder", folder)?,
                None => data.join("freeswitch"),
            },
            group,
            gather_minutes: standing.gather_minutes,
        })
    }

    fn provisioning(
        &self,
        mut settings: ProvisioningSettings,
    ) -> Result<ProvisioningSettings, TomlFault> {
        let tls = &mut settings.tls;
        for (key, path) in [
            ("provisioning.templates", &mut settings.templates),
            ("provisioning.firmware", &mut settings.firmware),
            ("provisioning.contacts", &mut settings.contacts),
            ("provisioning.tls.certificate", &mut tls.certificate),
            ("provisioning.tls.key", &mut tls.key),
        ] {
            *path = path.take().map(|path| self.path(key, path)).transpose()?;
        }
        for path in &mut tls.client_authorities {
            let key = "provisioning.tls.client_authorities";
            *path = self.path(key, std::mem::take(path))?;
        }
        if tls.certificate.is_some() != tls.key.is_some() {
            return Err(self.text.fault(
                "provisioning.tls",
                "found one of `certificate` and `key`, expected both or none".to_owned(),
                "Name both files.".to_owned(),
            ));
        }
        Ok(settings)
    }

    fn locations(&self, settings: Vec<Location>) -> Result<Locations, TomlFault> {
        for (index, location) in settings.iter().enumerate() {
            let key = format!("location[{}].name", index + 1);
            let name = location.name.as_str();
            if name.is_empty() || name.trim() != name {
                return Err(self.text.fault(
                    &key,
                    format!("found {name:?}, expected a name without spaces around it"),
                    "Write how the emergency locations of its phones begin.".to_owned(),
                ));
            }
            if settings.iter().take(index).any(|other| other.name == name) {
                return Err(self.text.fault(
                    &key,
                    format!("found the location {name:?} a second time, expected it once"),
                    "Make one table of the two, with the networks of both.".to_owned(),
                ));
            }
        }
        Ok(Locations::new(settings))
    }

    fn teams(&self, settings: Vec<TeamSettings>) -> Result<Teams, TomlFault> {
        let mut teams = Teams::new();
        for (index, team) in settings.into_iter().enumerate() {
            let key = format!("team[{}].id", index + 1);
            if let Some(first) = teams.insert(team.id.clone(), team) {
                return Err(self.text.fault(
                    &key,
                    format!("found the team {} a second time, expected it once", first.id),
                    "Make one table of the two, or give one another name.".to_owned(),
                ));
            }
        }
        Ok(teams)
    }

    /// The secret of table `key`: inline, from a file, or a credential, in this order; or none.
    fn secret(
        &self,
        key: &str,
        credential: &str,
        inline: Option<SecretString>,
        file: Option<PathBuf>,
    ) -> Result<Option<Secret>, TomlFault> {
        self.secret_called("password", key, credential, inline, file)
    }

    /// The same of a secret that is called otherwise than `password`.
    fn secret_called(
        &self,
        name: &str,
        key: &str,
        credential: &str,
        inline: Option<SecretString>,
        file: Option<PathBuf>,
    ) -> Result<Option<Secret>, TomlFault> {
        let (key_inline, key_file) = (format!("{key}.{name}"), format!("{key}.{name}_file"));
        let refused = |key: &str, error: SecretError| {
            self.text.fault(
                key,
                format!("found no secret that can be used, expected one: {error}"),
                "Correct it, and start again.".to_owned(),
            )
        };
        match (inline, file) {
            (Some(_), Some(_)) => Err(self.text.fault(
                &key_file,
                format!("found both `{name}` and `{name}_file`, expected one of them"),
                format!("Take `{name}` out."),
            )),
            (Some(value), None) if value.expose_secret().is_empty() => Err(self.text.fault(
                &key_inline,
                format!("found an empty {name}, expected one"),
                format!("Write the {name} between the quotes, or use `{name}_file`."),
            )),
            (Some(value), None) => Ok(Some(Secret { value, from: SecretSource::Inline })),
            (None, Some(path)) => {
                let path = self.path(&key_file, path)?;
                let value = secret::read(&path).map_err(|error| refused(&key_file, error))?;
                Ok(Some(Secret { value, from: SecretSource::File(path) }))
            }
            (None, None) => {
                let path = self.credentials.map(|folder| folder.join(credential));
                let Some(path) = path.filter(|path| path.exists()) else {
                    return Ok(None);
                };
                let value = secret::read(&path).map_err(|error| refused(&key_inline, error))?;
                let from = SecretSource::Credential(credential.to_owned());
                Ok(Some(Secret { value, from }))
            }
        }
    }

    fn path(&self, key: &str, path: PathBuf) -> Result<PathBuf, TomlFault> {
        if path.as_os_str().is_empty() {
            return Err(self.text.fault(
                key,
                "found an empty text, expected a path".to_owned(),
                "Write the path, or take the line out for the default.".to_owned(),
            ));
        }
        // Absolute, because FreeSWITCH is told some of them and runs elsewhere.
        let path = self.folder.join(path);
        Ok(std::path::absolute(&path).unwrap_or(path))
    }
}

#[cfg(test)]
mod tests;
