//! Phones that register: `sofia_reg.c`.

use std::time::Duration;

use md5::{Digest, Md5};
use secrecy::{ExposeSecret, SecretString};

use super::directory::{Entry, Kind};
use super::node::{MAX_ROWS, Node, microseconds};
use super::notify::{Notify, Origin};

/// Time that a phone asks to stay registered.
const EXPIRES: Duration = Duration::from_secs(3600);

/// A phone as it presents itself.
#[derive(Clone, Debug)]
pub struct Phone {
    /// The user of its address of record.
    pub user: String,
    /// The user that it authenticates as; another than `user` is an attack, or a very old phone.
    pub auth_user: String,
    /// Its SIP secret.
    pub secret: SecretString,
    /// `User-Agent`.
    pub agent: String,
    /// Where it is.
    pub ip: String,
    /// Its SIP port.
    pub port: u16,
}

impl Phone {
    /// A phone that registers as itself from loopback.
    pub fn new(user: impl Into<String>, secret: SecretString) -> Self {
        let user = user.into();
        let port =
            6000 + u16::try_from(user.bytes().map(u64::from).sum::<u64>() % 997).unwrap_or(0);
        Self {
            auth_user: user.clone(),
            user,
            secret,
            agent: "snomD735/10.1.159.12".into(),
            ip: "127.0.0.1".into(),
            port,
        }
    }
}

/// One row of `show registrations`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The user of the address of record.
    pub user: String,
    /// The Call-ID of its REGISTER, `token` in `show registrations`.
    pub call_id: String,
    /// `sofia/internal/sip:USER@IP:PORT`, what `sofia_contact` gives.
    pub contact: String,
    /// `User-Agent`.
    pub agent: String,
    /// Where the phone is.
    pub ip: String,
    /// Its SIP port.
    pub port: u16,
    /// Seconds since 1970.
    pub expires: u64,
    /// Whose mailbox its lamp shows (`mwi-account`), `user@domain`.
    pub mwi_account: Option<String>,
}

/// Why a REGISTER or INVITE was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// Nobody knows the user.
    #[error("403: no such user")]
    UnknownUser,
    /// `sip-forbid-register`.
    #[error("403: the user may not authenticate")]
    Forbidden,
    /// No password in the directory and `allow-empty-password=false`.
    #[error("403: the user has no password")]
    NoPassword,
    /// The digest is not the secret's.
    #[error("403: wrong secret")]
    WrongSecret,
    /// A phone registers as another one (`inbound-reg-force-matching-username`).
    #[error("403: authenticated as somebody else")]
    OtherUser,
    /// More registrations than the simulator keeps.
    #[error("the simulator is full")]
    Full,
}

impl Node {
    pub(super) async fn register(&self, phone: &Phone) -> Result<Registration, AuthError> {
        if self.settings.force_matching_username && phone.user != phone.auth_user {
            return Err(AuthError::OtherUser);
        }
        let known = self.lock().registrations.iter().find(|r| r.user == phone.user).cloned();
        let call_id = known.map_or_else(|| self.new_call_id(&phone.ip), |row| row.call_id);
        let entry = self.authenticate(Kind::Register, phone, &phone.user, &call_id).await?;
        let registration = Registration {
            user: phone.user.clone(),
            contact: format!("sofia/internal/sip:{}@{}:{}", phone.user, phone.ip, phone.port),
            call_id,
            agent: phone.agent.clone(),
            ip: phone.ip.clone(),
            port: phone.port,
            expires: microseconds() / 1_000_000 + EXPIRES.as_secs(),
            mwi_account: entry.param("mwi-account").map(str::to_owned),
        };
        {
            let mut state = self.lock();
            state.registrations.retain(|row| row.user != phone.user);
            if state.registrations.len() >= MAX_ROWS {
                return Err(AuthError::Full);
            }
            state.registrations.push(registration.clone());
        }
        self.tell(&registration, "sofia::register", "Registered(UDP)");
        self.show_lamp(&registration).await;
        Ok(registration)
    }

    /// The answer of FreeSWITCH to a request with credentials: the digest over what the directory says.
    pub(super) async fn authenticate(
        &self,
        kind: Kind,
        phone: &Phone,
        to_user: &str,
        call_id: &str,
    ) -> Result<Entry, AuthError> {
        let realm = self.settings.domain.as_str();
        let method = if kind == Kind::Register { "REGISTER" } else { "INVITE" };
        let (nonce, cnonce) = (self.uuid(), format!("{:08x}", self.random(u32::MAX)));
        let uri = "sip:127.0.0.1:5070";
        let response = |ha1: &str| {
            let ha2 = md5_hex(&format!("{method}:{uri}"));
            md5_hex(&format!("{ha1}:{nonce}:00000001:{cnonce}:auth:{ha2}"))
        };
        let sent = response(&ha1(&phone.auth_user, realm, phone.secret.expose_secret()));
        let more = [
            ("agent", phone.agent.clone()),
            ("auth_user", phone.auth_user.clone()),
            ("nonce", nonce.clone()),
            ("cnonce", cnonce.clone()),
            ("response", sent.clone()),
            ("uri", uri.to_owned()),
            ("to_user", to_user.to_owned()),
            ("from_user", phone.user.clone()),
            ("call_id", call_id.to_owned()),
            ("port", phone.port.to_string()),
            ("ip", phone.ip.clone()),
        ];
        let entry = self.user(kind, &phone.auth_user, &more).await.ok_or(AuthError::UnknownUser)?;
        if entry.param("sip-forbid-register").is_some_and(is_true) {
            return Err(AuthError::Forbidden);
        }
        let filled = |name| entry.param(name).filter(|value| !value.is_empty());
        let expected = match (filled("a1-hash"), filled("password")) {
            (Some(hash), _) => response(hash),
            (None, Some(password)) => response(&ha1(&phone.auth_user, realm, password)),
            // Without a password FreeSWITCH lets anybody in, unless it is told not to.
            (None, None) if entry.param("allow-empty-password").is_none_or(is_true) => sent.clone(),
            (None, None) => return Err(AuthError::NoPassword),
        };
        let believed = !self.settings.check_digests;
        if believed || expected == sent { Ok(entry) } else { Err(AuthError::WrongSecret) }
    }

    /// Ends a registration; false when there was none.
    pub(super) fn unregister(&self, user: &str, subclass: &str) -> bool {
        let row = {
            let mut state = self.lock();
            let at = state.registrations.iter().position(|row| row.user == user);
            at.map(|at| state.registrations.remove(at))
        };
        if let Some(row) = &row {
            self.tell(row, subclass, "Unregistered(UDP)");
        }
        row.is_some()
    }

    pub(super) fn new_call_id(&self, ip: &str) -> String {
        format!("{}-{}@{ip}", self.random(1_000_000), self.random(100_000))
    }

    /// The `CUSTOM sofia::…` event of a registration.
    fn tell(&self, row: &Registration, subclass: &str, status: &str) {
        let domain = self.settings.domain.to_string();
        let mut event =
            self.custom_event(subclass, ("sofia_reg.c", "sofia_reg_handle_register_token", 2000));
        let contact = format!("\"\" <sip:{}@{}:{}>", row.user, row.ip, row.port);
        let lines: [(&str, String); 16] = [
            ("profile-name", "internal".into()),
            ("from-user", row.user.clone()),
            ("from-host", domain.clone()),
            ("presence-hosts", domain.clone()),
            ("contact", contact),
            ("call-id", row.call_id.clone()),
            ("rpid", "unknown".into()),
            ("status", status.into()),
            ("expires", EXPIRES.as_secs().to_string()),
            ("to-user", row.user.clone()),
            ("to-host", domain.clone()),
            ("network-ip", row.ip.clone()),
            ("network-port", row.port.to_string()),
            ("username", row.user.clone()),
            ("realm", domain),
            ("user-agent", row.agent.clone()),
        ];
        for (name, value) in lines {
            event.push(name, value);
        }
        self.fire(event);
    }

    /// After each REGISTER sofia tells the phone how many messages wait, for the account of its entry.
    async fn show_lamp(&self, row: &Registration) {
        let account = row.mwi_account.clone();
        let user = match account.as_deref().and_then(|account| account.split_once('@')) {
            Some((user, _)) => user.to_owned(),
            None => row.user.clone(),
        };
        let Some(entry) = self.user(Kind::MessageCount, &user, &[]).await else {
            return;
        };
        if entry.param("vm-enabled").is_some_and(|value| !is_true(value)) {
            return;
        }
        let (new, saved) = self.lock().mailboxes.get(&user).copied().unwrap_or_default();
        let waiting = if new > 0 { "yes" } else { "no" };
        let body = format!(
            "Messages-Waiting: {waiting}\r\nMessage-Account: sip:{user}@{}\r\nVoice-Message: {new}/{saved} (0/0)\r\n",
            self.settings.domain
        );
        self.lock().deliver(Notify {
            user: row.user.clone(),
            call_id: row.call_id.clone(),
            event: "message-summary".into(),
            content_type: "application/simple-message-summary".into(),
            body,
            origin: Origin::Registration,
        });
    }
}

/// FreeSWITCH's `switch_true`.
pub(super) fn is_true(value: &str) -> bool {
    ["yes", "on", "true", "t", "enabled", "active", "allow"]
        .iter()
        .any(|word| value.eq_ignore_ascii_case(word))
        || value.parse::<i64>().is_ok_and(|number| number != 0)
}

fn ha1(user: &str, realm: &str, secret: &str) -> String {
    md5_hex(&format!("{user}:{realm}:{secret}"))
}

fn md5_hex(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
