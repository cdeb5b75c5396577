//! The operators in the configuration: people, programs, and how they come.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::{Checker, Config, Ldap, secret};
use crate::http::access::{
    AccessSettings, ConfiguredUser, PasswordDigest, SessionLimits, SignInLimits, Token, TokenDigest,
};
use crate::model::{Bounded, OperatorName, Role, TomlFault};
use crate::people::ldap::{LdapOperators, LdapRoles};

/// The table `[admin]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdminSettings {
    /// By which address browsers know us, where a proxy stands between.
    pub url: Option<AdminUrl>,
    /// For how many minutes a session lasts without a request.
    pub session_idle_minutes: Bounded<1, 1_440, 60>,
    /// For how many hours a session lasts in all.
    pub session_hours: Bounded<1, 168, 12>,
    /// The proxies that are believed from where their clients come.
    #[serde(
        deserialize_with = "super::listener::networks",
        serialize_with = "super::listener::as_texts"
    )]
    pub proxies: Vec<IpNet>,
    /// From where `/metrics` and all of `/readyz` may be read without a token.
    #[serde(
        deserialize_with = "super::listener::networks",
        serialize_with = "super::listener::as_texts"
    )]
    pub metrics_allow: Vec<IpNet>,
    /// Our certificate for this listener.
    pub tls: AdminTls,
    /// When wrong tries lock.
    pub guard: SignInLimits,
    /// The groups of the LDAP server whose members sign in.
    #[serde(skip_serializing_if = "LdapRoles::is_empty")]
    pub ldap_roles: LdapRoles,
    /// People.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub user: Vec<UserSettings>,
    /// Programs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub token: Vec<TokenSettings>,
}

/// The table `[admin.tls]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdminTls {
    /// Our certificate and those between it and a root, PEM.
    pub certificate: Option<PathBuf>,
    /// Its private key, PEM.
    pub key: Option<PathBuf>,
}

/// A table `[[admin.user]]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserSettings {
    /// The name.
    pub name: OperatorName,
    /// What this person may do.
    pub role: Role,
    /// The password's hash.
    #[serde(serialize_with = "hidden")]
    pub password_hash: SecretString,
}

/// A table `[[admin.token]]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSettings {
    /// As the journal names the program.
    pub name: OperatorName,
    /// What it may do.
    pub role: Role,
    /// The file that holds the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// Or its SHA-256.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_sha256: Option<String>,
}

fn hidden<S: serde::Serializer>(_: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("(hidden)")
}

/// The operators, checked.
#[derive(Debug, Clone)]
pub struct Operators {
    /// As it was read, to be shown.
    pub settings: AdminSettings,
    users: Vec<ConfiguredUser>,
    tokens: Vec<Token>,
    ldap: Option<LdapOperators>,
}

/// The address of our page as browsers know it: `https://desk.example.net`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AdminUrl(String);

impl AdminUrl {
    /// The origin, as browsers write it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AdminUrl {
    type Err = InvalidAdminUrl;

    fn from_str(text: &str) -> Result<Self, InvalidAdminUrl> {
        let text = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let is_host = |host: &str| {
            let is_one =
                |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']');
            !host.is_empty() && host.bytes().all(is_one)
        };
        if host.is_some_and(is_host) { Ok(Self(text)) } else { Err(InvalidAdminUrl) }
    }
}

impl TryFrom<String> for AdminUrl {
    type Error = InvalidAdminUrl;

    fn try_from(text: String) -> Result<Self, InvalidAdminUrl> {
        text.parse()
    }
}

impl From<AdminUrl> for String {
    fn from(url: AdminUrl) -> Self {
        url.0
    }
}

impl fmt::Display for AdminUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no address of a page without a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the page's address without a path, as in \"https://desk.example.net\"")]
pub struct InvalidAdminUrl;

impl Operators {
    /// Who may come, and how.
    pub fn access(&self) -> AccessSettings {
        let settings = &self.settings;
        let minutes = |minutes: u32| Duration::from_secs(60 * u64::from(minutes));
        let url = settings.url.as_ref().map(|url| url.as_str().to_owned());
        let behind_tls = url.as_ref().is_some_and(|url| url.starts_with("https://"));
        AccessSettings {
            users: self.users.clone(),
            tokens: self.tokens.clone(),
            ldap: self.ldap.clone(),
            sessions: SessionLimits {
                idle: minutes(settings.session_idle_minutes.get()),
                longest: minutes(60 * settings.session_hours.get()),
            },
            guard: settings.guard,
            secure: behind_tls || settings.tls.certificate.is_some(),
            url,
        }
    }
}

impl Config {
    /// What the operator should know about the listener for operators.
    pub(super) fn admin_warnings(&self) -> Option<String> {
        let listener = self.admin.0.as_ref()?;
        let settings = &self.operators.settings;
        let is_open = !listener.address.ip().is_loopback()
            && settings.tls.certificate.is_none()
            && settings.url.as_ref().is_none_or(|url| !url.as_str().starts_with("https://"));
        is_open.then(|| {
            "listen.admin is reached from other machines unencrypted, passwords included; give it a certificate in \
             [admin.tls], or put a TLS proxy in front and say so in `admin.url`"
                .to_owned()
        })
    }
}

impl Checker<'_> {
    /// The operators, with their secrets.
    pub(super) fn operators(
        &self,
        mut settings: AdminSettings,
        ldap: Option<&Ldap>,
    ) -> Result<Operators, TomlFault> {
        let tls = &mut settings.tls;
        for (key, path) in
            [("admin.tls.certificate", &mut tls.certificate), ("admin.tls.key", &mut tls.key)]
        {
            *path = path.take().map(|path| self.path(key, path)).transpose()?;
        }
        if tls.certificate.is_some() != tls.key.is_some() {
            let problem = "found one of `certificate` and `key`, expected both or none".to_owned();
            return Err(self.text.fault("admin.tls", problem, "Name both files.".to_owned()));
        }
        let mut names = std::collections::HashSet::new();
        let mut users = Vec::new();
        for (index, user) in settings.user.iter().enumerate() {
            let key = format!("admin.user[{}]", index + 1);
            self.is_new(&mut names, &key, &user.name)?;
            let password =
                PasswordDigest::try_from(user.password_hash.clone()).map_err(|error| {
                    let key = format!("{key}.password_hash");
                    let problem =
                        format!("found something else, which is not repeated here, {error}");
                    self.text.fault(
                        &key,
                        problem,
                        "Put its output there, in single quotes.".to_owned(),
                    )
                })?;
            users.push(ConfiguredUser { name: user.name.clone(), role: user.role, password });
        }
        let mut tokens = Vec::new();
        for (index, token) in settings.token.iter_mut().enumerate() {
            let key = format!("admin.token[{}]", index + 1);
            self.is_new(&mut names, &key, &token.name)?;
            let digest = self.token(&key, token)?;
            tokens.push(Token { name: token.name.clone(), role: token.role, digest });
        }
        if !settings.ldap_roles.is_empty() && ldap.is_none() {
            let problem = "found groups without a table [people.ldap], expected both".to_owned();
            let advice = "Name the LDAP server, or take the groups out.".to_owned();
            return Err(self.text.fault("admin.ldap_roles", problem, advice));
        }
        let roles = settings.ldap_roles.clone();
        let ldap = ldap.filter(|_| !roles.is_empty());
        let ldap = ldap.map(|ldap| LdapOperators::new(ldap.access(), roles));
        Ok(Operators { settings, users, tokens, ldap })
    }

    /// A name says who did something, so it is one person's or one program's.
    fn is_new(
        &self,
        names: &mut std::collections::HashSet<String>,
        key: &str,
        name: &OperatorName,
    ) -> Result<(), TomlFault> {
        if names.insert(name.folded()) {
            return Ok(());
        }
        let problem = format!("found the name {name} a second time, expected it once");
        let advice = "Give each person and each program a name of its own.".to_owned();
        Err(self.text.fault(&format!("{key}.name"), problem, advice))
    }

    /// What a token is known by: from its file, from the configuration, or a credential, in this order.
    fn token(&self, key: &str, token: &mut TokenSettings) -> Result<TokenDigest, TomlFault> {
        let refused = |key: &str, problem: String| {
            let advice = "A token is made with `openssl rand -hex 32`.".to_owned();
            Err(self.text.fault(key, problem, advice))
        };
        if token.token_file.is_some() && token.token_sha256.is_some() {
            let problem = "found both `token_file` and `token_sha256`, expected one of them";
            return refused(&format!("{key}.token_file"), problem.to_owned());
        }
        if let Some(text) = &token.token_sha256 {
            let key = format!("{key}.token_sha256");
            return text
                .parse()
                .or_else(|error| refused(&key, format!("found something else, {error}")));
        }
        let file_key = format!("{key}.token_file");
        token.token_file =
            token.token_file.take().map(|path| self.path(&file_key, path)).transpose()?;
        let credential =
            self.credentials.map(|folder| folder.join(format!("admin.token.{}", token.name)));
        let Some(path) = token.token_file.clone().or(credential.filter(|path| path.exists()))
        else {
            let problem = "found no token, expected `token_file` or `token_sha256`".to_owned();
            return refused(&file_key, problem);
        };
        match secret::read(&path) {
            Err(error) => refused(&file_key, format!("found no token that can be used: {error}")),
            Ok(token) if token.expose_secret().len() < TokenDigest::FEWEST => {
                let least = TokenDigest::FEWEST;
                refused(
                    &file_key,
                    format!("found a short token, expected at least {least} letters"),
                )
            }
            Ok(token) => Ok(TokenDigest::of(&token)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn parse(table: &str) -> Result<Config, TomlFault> {
        let text = format!(
            "domain = \"a.example\"\nswitch.password = \"x\"\n[freeswitch.fs1]\npassword = \"x\"\n{table}"
        );
        Config::parse(Path::new("/etc/hotdeskd/hotdeskd.toml"), text.as_bytes(), None)
    }

    #[test]
    fn people_and_programs_have_names_of_their_own_and_no_secret_is_shown() {
        let hash = PasswordDigest::of(&"s3cret".into()).unwrap();
        let hash = hash.expose();
        let digest = TokenDigest::of(&"x".into()).hex();
        let user =
            format!("[[admin.user]]\nname = \"ada\"\nrole = \"admin\"\npassword_hash = '{hash}'\n");
        let token = format!(
            "[[admin.token]]\nname = \"crm\"\nrole = \"viewer\"\ntoken_sha256 = \"{digest}\"\n"
        );
        let fine = parse(&format!("{user}{token}")).unwrap();
        assert!(!format!("{fine:?}{}", fine.show()).contains("argon2"));
        let shown = fine
            .show()
            .replace("password_hash = \"(hidden)\"", &format!("password_hash = '{hash}'"));
        let shown = shown.replace("(hidden)", "s3cret");
        let again = Config::parse(Path::new("/etc/hotdeskd/hotdeskd.toml"), shown.as_bytes(), None);
        assert_eq!(again.unwrap().show(), fine.show());
        let settings = fine.operators.access();
        assert_eq!((settings.users.len(), settings.tokens.len(), settings.secure), (1, 1, false));
        let twice = user.replace("ada", "ADA");
        let named =
            |what: &str| format!("[[admin.token]]\nname = \"crm\"\nrole = \"viewer\"\n{what}\n");
        for (table, key, problem) in [
            (format!("{user}{twice}"), "admin.user[2].name", "a second time"),
            (
                format!("{user}{}", token.replace("crm", "ada")),
                "admin.token[1].name",
                "a second time",
            ),
            (user.replace(hash, "4711"), "admin.user[1].password_hash", "an argon2id hash"),
            (user.replace("\"ada\"", "\"a b\""), "admin.user[1].name", "a name of 1 to 64"),
            (user.replace("\"admin\"", "\"root\""), "admin.user[1].role", "`viewer`"),
            (named(""), "admin.token[1].token_file", "no token"),
            (named("token_sha256 = \"4711\""), "admin.token[1].token_sha256", "64 hex digits"),
            (named("token_file = \"/nowhere\""), "admin.token[1].token_file", "/nowhere"),
            ("[admin.tls]\nkey = \"k.pem\"".to_owned(), "admin.tls", "both or none"),
            ("[admin]\nurl = \"desk\"".to_owned(), "admin.url", "without a path"),
            ("[admin]\nurl = \"https://a/b\"".to_owned(), "admin.url", "without a path"),
            ("[admin]\nsession_hours = 0".to_owned(), "admin.session_hours", "from 1 to 168"),
            (
                "[admin.guard]\npair = { wrong = 0, window_minutes = 1, lock_minutes = 1 }"
                    .to_owned(),
                "admin.guard.pair.wrong",
                "at least 1",
            ),
            ("[listen]\nadmin = true".to_owned(), "listen.admin", "or false for none"),
            ("[listen]\nadmin = \"0.0.0.0:8090\"".to_owned(), "listen.admin", "who may connect"),
        ] {
            let told = parse(&table).unwrap_err();
            assert_eq!(told.key, key, "{told}");
            assert!(told.problem.contains(problem), "{told}");
            assert!(!told.to_string().contains("4711"), "{told}");
        }
    }

    #[test]
    fn passwords_that_travel_in_the_clear_are_warned_of() {
        let open = "[listen]\nadmin = { address = \"0.0.0.0:8090\", allow = [\"192.0.2.0/24\"] }\n";
        let warned = |table: &str| {
            let warnings = parse(table).unwrap().warnings();
            warnings.iter().any(|warning| warning.contains("listen.admin"))
        };
        assert!(warned(open));
        assert!(warned(&format!("{open}[admin]\nurl = \"http://desk.example.net\"\n")));
        assert!(!warned(&format!("{open}[admin]\nurl = \"https://desk.example.net/\"\n")));
        assert!(!warned(&format!("{open}[admin.tls]\ncertificate = \"a.pem\"\nkey = \"b.pem\"\n")));
        assert!(!warned(""));
        assert!(!warned("[listen]\nadmin = false\n"));
    }
}
