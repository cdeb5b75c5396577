//! What a phone or a user is to FreeSWITCH: the `<user>` element of its directory.
//!
//! The same element is answered over mod_xml_curl and written into the standing files, so that
//! FreeSWITCH is told the same with and without us. Facts: `facts/freeswitch.md`, "mod_xml_curl" and
//! "Phones register as themselves".

use std::fmt::Write as _;

use md5::{Digest, Md5};
use secrecy::{ExposeSecret, SecretString};

use super::{Domain, Extension, Mac, Phone, Rings, SipIdentity, User, dial_string, spoken_name};

/// What holds for all entries.
#[derive(Debug, Clone)]
pub struct DirectoryRules {
    /// The SIP domain: the realm of every a1-hash, and the host of every address.
    pub domain: Domain,
    /// The operator's own dialplan context, in which people dial.
    pub context: String,
    /// A hash that no secret has, for whoever may not register.
    pub unusable: UnusableHash,
}

/// How many random bytes an [`UnusableHash`] is made of.
pub const UNUSABLE_HASH_BYTES: usize = 16;

/// A random value in place of an a1-hash: an entry that must not authenticate carries it, so that it
/// has a secret even where FreeSWITCH ignores `sip-forbid-register`.
#[derive(Clone)]
pub struct UnusableHash(SecretString);

impl UnusableHash {
    /// From random bytes.
    pub fn new(random: [u8; UNUSABLE_HASH_BYTES]) -> Self {
        Self(hex(&random).into())
    }
}

impl std::fmt::Debug for UnusableHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UnusableHash")
    }
}

/// A `<user>` element: id, params and variables in order. Holds secrets, so it has no `Debug`.
pub struct DirectoryEntry {
    id: String,
    params: Vec<(String, String)>,
    variables: Vec<(String, String)>,
}

/// Params that only we set, because a wrong one would let somebody in.
const RESERVED_PARAMS: [&str; 11] = [
    "password",
    "a1-hash",
    "reverse-auth-user",
    "reverse-auth-pass",
    "allow-empty-password",
    "sip-forbid-register",
    "vm-password",
    "vm-a1-hash",
    "vm-enabled",
    "dial-string",
    "mwi-account",
];

/// Variables that only we set, because identity or the emergency call rests on them.
const RESERVED_VARIABLES: [&str; 3] = ["user_context", "hotdesk_user", "presence_id"];

/// Whether a param of this name may not come from a user's own settings.
pub fn is_reserved_param(name: &str) -> bool {
    RESERVED_PARAMS.iter().any(|reserved| reserved.eq_ignore_ascii_case(name))
}

/// Whether a variable of this name may not come from a user's own settings. What begins with `emergency_`
/// belongs to the desk, with `hotdesk_` to our dialplan, with `sip_auth_` to FreeSWITCH.
pub fn is_reserved_variable(name: &str) -> bool {
    let name = &name.to_ascii_lowercase();
    let ours = ["emergency_", "hotdesk_", "sip_auth_"].iter().any(|start| name.starts_with(start));
    ours || RESERVED_VARIABLES.iter().any(|reserved| reserved.eq_ignore_ascii_case(name))
}

/// md5 of `user:domain:password` in hex: what SIP digest authentication needs of a secret (RFC 2617).
pub fn a1_hash(user: &str, domain: &Domain, secret: &SecretString) -> String {
    hex(&Md5::digest(format!("{user}:{domain}:{}", secret.expose_secret())))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl DirectoryEntry {
    /// A phone. With `seated`, who sits there, it is that person's; else restricted. A DECT base does not register, its
    /// handsets do: so nobody can as the base.
    pub fn phone(rules: &DirectoryRules, phone: &Phone, seated: Option<&User>) -> Self {
        let own = SipIdentity::of(phone.mac);
        match phone.handsets.is_empty() {
            true => Self::device(rules, own, phone, (&phone.secret, phone.title()), seated),
            false => Self::number(rules, own.to_string(), phone),
        }
    }

    /// A handset of the DECT base `phone`, that registers with `secret`. It is always that of `user`, whom the
    /// inventory names; without anybody it is restricted.
    pub fn handset(
        rules: &DirectoryRules,
        phone: &Phone,
        number: u16,
        secret: &SecretString,
        user: Option<&User>,
    ) -> Self {
        let identity = SipIdentity::of_handset(phone.mac, number);
        Self::device(rules, identity, phone, (secret, phone.handset_title(number)), user)
    }

    /// A device that registers as `identity`; its place is that of `phone`.
    fn device(
        rules: &DirectoryRules,
        identity: SipIdentity,
        phone: &Phone,
        (secret, title): (&SecretString, String),
        user: Option<&User>,
    ) -> Self {
        let id = identity.to_string();
        let mut entry = Self::new(rules, id.clone(), Some(secret));
        entry.param("vm-enabled", "false");
        entry.param("dial-string", &ringing(&[identity], &id, rules));
        match user {
            None => {
                entry.variable("user_context", "restricted");
                entry.variable("effective_caller_id_number", &id);
                entry.variable("effective_caller_id_name", &spoken_name(&title));
            }
            Some(user) => {
                let person = format!("{}@{}", user.extension, rules.domain);
                entry.param("mwi-account", &person);
                entry.variable("user_context", "hotdesk");
                entry.variable("hotdesk_user", user.extension.as_str());
                entry.variable("presence_id", &person);
                entry.variable("effective_caller_id_number", user.extension.as_str());
                entry.variable("effective_caller_id_name", &spoken_name(&user.name));
            }
        }
        let emergency = &phone.emergency;
        if let Some(number) = &emergency.caller_id {
            entry.variable("emergency_caller_id_number", number.as_str());
        }
        if let Some(location) = &emergency.location {
            entry.variable("emergency_location", &spoken_name(location));
        }
        entry
    }

    /// A desk extension: a number that rings `phone` itself, a DECT base at all its handsets. Nobody can register as
    /// it.
    pub fn desk_extension(rules: &DirectoryRules, extension: &Extension, phone: &Phone) -> Self {
        Self::number(rules, extension.to_string(), phone)
    }

    /// What can be called and cannot register.
    fn number(rules: &DirectoryRules, id: String, phone: &Phone) -> Self {
        let mut entry = Self::new(rules, id.clone(), None);
        entry.param("vm-enabled", "false");
        entry.param("dial-string", &ringing(&phone.identities(), &id, rules));
        entry.variable("user_context", "restricted");
        entry
    }

    /// A user, who is at `phones` and whose `handsets` are. With `pin`, the mailbox may be given that initial PIN.
    pub fn user(
        rules: &DirectoryRules,
        user: &User,
        phones: &[Mac],
        handsets: &[SipIdentity],
    ) -> Self {
        let extension = &user.extension;
        let mut entry = Self::new(rules, extension.to_string(), user.sip_secret.as_ref());
        match &user.pin {
            Some(pin) => entry.param("vm-password", pin.secret().expose_secret()),
            None => entry.param("vm-enabled", "false"),
        }
        let softphone = user.sip_secret.is_some();
        entry.param(
            "dial-string",
            &dial_string(
                extension,
                &user.name,
                &rules.domain,
                Rings { phones, handsets, softphone },
                &user.away,
                &rules.context,
            ),
        );
        for (name, value) in user.params.iter().filter(|(name, _)| !is_reserved_param(name)) {
            entry.param(name, value);
        }
        entry.variable("user_context", &rules.context);
        entry.variable("presence_id", &format!("{extension}@{}", rules.domain));
        entry.variable("effective_caller_id_number", extension.as_str());
        entry.variable("effective_caller_id_name", &spoken_name(&user.name));
        for (name, value) in user.variables.iter().filter(|(name, _)| !is_reserved_variable(name)) {
            entry.variable(name, value);
        }
        entry
    }

    /// An entry that has a secret whatever happens; without one of its own it may not register.
    fn new(rules: &DirectoryRules, id: String, secret: Option<&SecretString>) -> Self {
        let mut entry = Self { id, params: Vec::new(), variables: Vec::new() };
        match secret {
            Some(secret) => {
                let hash = a1_hash(&entry.id, &rules.domain, secret);
                entry.param("a1-hash", &hash);
            }
            None => {
                entry.param("a1-hash", rules.unusable.0.expose_secret());
                entry.param("sip-forbid-register", "true");
            }
        }
        entry.param("allow-empty-password", "false");
        entry
    }

    /// The user name that it stands for.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The value of a variable, where there is one.
    pub fn variable_value(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The `<user>` element.
    pub fn xml(&self) -> String {
        let mut xml = String::with_capacity(1024);
        let _ = write!(xml, "<user id=\"{}\"><params>", escape_xml(&self.id));
        for (name, value) in &self.params {
            let _ = write!(
                xml,
                "<param name=\"{}\" value=\"{}\"/>",
                escape_xml(name),
                escape_xml(value)
            );
        }
        xml.push_str("</params><variables>");
        for (name, value) in &self.variables {
            let _ = write!(
                xml,
                "<variable name=\"{}\" value=\"{}\"/>",
                escape_xml(name),
                escape_xml(value)
            );
        }
        xml.push_str("</variables></user>");
        xml
    }

    fn param(&mut self, name: &str, value: &str) {
        self.params.push((name.into(), value.into()));
    }

    /// A later value of the same name replaces an earlier one: FreeSWITCH would keep both.
    fn variable(&mut self, name: &str, value: &str) {
        match self.variables.iter_mut().find(|(key, _)| key == name) {
            Some((_, old)) => *old = value.into(),
            None => self.variables.push((name.into(), value.into())),
        }
    }
}

/// The dial-string of devices themselves, whoever sits there.
fn ringing(identities: &[SipIdentity], presence: &str, rules: &DirectoryRules) -> String {
    let domain = &rules.domain;
    let contact = |identity: &SipIdentity| format!("${{sofia_contact(*/{identity}@{domain})}}");
    let contacts: Vec<String> = identities.iter().map(contact).collect();
    format!(
        "{{^^:sip_invite_domain={domain}:presence_id={presence}@{domain}}}{}",
        contacts.join(",")
    )
}

/// Text for an XML attribute or element that FreeSWITCH reads: `&`, `<`, `>`, quotes, line breaks and
/// `$` as character references (FreeSWITCH's preprocessor expands `$${…}` in answers), and characters
/// that XML 1.0 does not allow as U+FFFD. The `-` behind an `x` too: the preprocessor drops a line that
/// holds `x-pre-process` anywhere, and with it the phone or person, who could not even call 999.
pub fn escape_xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '-' if escaped.ends_with(['x', 'X']) => escaped.push_str("&#45;"),
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '$' => escaped.push_str("&#36;"),
            '\n' | '\r' | '\t' => {
                let _ = write!(escaped, "&#{};", u32::from(c));
            }
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
