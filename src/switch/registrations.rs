//! Which phones are registered, as FreeSWITCH tells it: by event, and by `sofia xmlstatus`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;

use jiff::Timestamp;

use crate::event_socket::{ChannelWord, Message, WireText};
use crate::model::{Mac, SipIdentity};

/// How many phones are kept of one node; a FreeSWITCH holds fewer.
const MOST_PHONES: usize = 50_000;
/// How many registrations are kept of one phone, or of one handset.
const MOST_OF_ONE: usize = 16;
/// How many are kept of one DECT base: of two hundred and fifty handsets, and some that are no more.
const MOST_OF_BASE: usize = 500;
/// How much is kept of a text that a phone chose, in bytes.
const LONGEST_TEXT: usize = 512;

/// One registration of a phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The phone: the MAC address as which it registered; of a handset, its DECT base.
    pub phone: Mac,
    /// The SIP profile that it registered with.
    pub profile: ChannelWord,
    /// The user name as it was sent.
    pub(super) user: ChannelWord,
    /// The domain that it registered for.
    pub(super) host: ChannelWord,
    /// The registration's Call-ID: what names it to FreeSWITCH.
    pub call_id: WireText,
    /// The Contact header, as the phone sent it.
    pub contact: String,
    /// The User-Agent header.
    pub agent: String,
    /// From where FreeSWITCH got it: the phone's address, or that of a NAT or a proxy before it.
    pub address: Option<IpAddr>,
    /// The mailbox whose lamp FreeSWITCH keeps on this registration (`1001@example.net`); unknown when only an event
    /// told of the registration.
    pub mailbox: Option<String>,
    /// How many seconds it still held when it was read: the more, the newer.
    pub(super) seconds: i64,
    /// When it was first seen, if it was not there before we looked.
    pub(super) appeared: Option<Timestamp>,
}

impl Registration {
    /// Reads what an event `sofia::register` tells; `None` when it is no phone's, or when FreeSWITCH could not be told
    /// of it again.
    pub(super) fn of_event(event: &Message) -> Option<Self> {
        let field = |name: &str| event.field(name).map(|value| value.text());
        let user = field("from-user")?;
        Some(Self {
            phone: phone_of(&user)?,
            profile: ChannelWord::parse(&field("profile-name")?).ok()?,
            user: ChannelWord::parse(&user).ok()?,
            host: ChannelWord::parse(&field("from-host")?).ok()?,
            call_id: call_id(&field("call-id")?)?,
            contact: bounded(&field("contact").unwrap_or_default()),
            agent: bounded(&field("user-agent").unwrap_or_default()),
            address: field("network-ip").and_then(|text| ip_address(&text)),
            mailbox: None,
            seconds: field("expires").and_then(|text| text.parse().ok()).unwrap_or_default(),
            appeared: None,
        })
    }

    /// Whether it is a handset's: the base is the same device for all of them.
    pub(super) fn is_handset(&self) -> bool {
        let identity = self.user.as_str().parse::<SipIdentity>();
        identity.is_ok_and(|identity| identity.handset.is_some())
    }

    /// The host of the Contact, where it is an address: what the phone believes of itself.
    pub fn contact_host(&self) -> Option<IpAddr> {
        let (_, host) = self.address()?.rsplit_once('@')?;
        let without_port = || host.rsplit_once(':').and_then(|(host, _)| ip_address(host));
        ip_address(host).or_else(without_port)
    }

    /// Whether somebody who looks at it from outside would see the same phone at the same place.
    fn looks_like(&self, other: &Self) -> bool {
        (&self.user, self.address, &self.agent) == (&other.user, other.address, &other.agent)
    }

    /// Whether the other one is this one, perhaps as it was later.
    fn is_same(&self, other: &Self) -> bool {
        self.call_id == other.call_id && self.profile == other.profile
    }

    /// `user@host:port` of the Contact, which is also in the name of a call to this phone.
    pub(super) fn address(&self) -> Option<&str> {
        address_in(&self.contact)
    }
}

/// `user@host:port` of a Contact header.
fn address_in(contact: &str) -> Option<&str> {
    let uri = contact.split_once('<').map_or(contact, |(_, uri)| uri);
    address_of(uri.split(['>', ';', '?']).next()?)
}

/// `user@host:port` of a SIP URI without its parameters.
pub(super) fn address_of(uri: &str) -> Option<&str> {
    let uri = uri.strip_prefix("sips:").or_else(|| uri.strip_prefix("sip:")).unwrap_or(uri);
    (!uri.is_empty() && uri.len() <= LONGEST_TEXT).then_some(uri)
}

/// An IP address as FreeSWITCH and SIP URIs have it: IPv6 perhaps in brackets.
fn ip_address(text: &str) -> Option<IpAddr> {
    let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// The phone that a user name means: exactly 12 hex digits, or a handset's base.
pub(super) fn phone_of(user: &str) -> Option<Mac> {
    user.parse().ok().map(|SipIdentity { phone, .. }| phone)
}

/// A Call-ID that can be said to FreeSWITCH: not empty, or the NOTIFY would go to somebody else.
fn call_id(text: &str) -> Option<WireText> {
    let text = Some(text).filter(|text| !text.is_empty() && text.len() <= LONGEST_TEXT)?;
    WireText::parse(text).ok()
}

/// As much of a text as is kept.
fn bounded(text: &str) -> String {
    let mut end = text.len().min(LONGEST_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}

/// Which registration is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gone {
    pub phone: Mac,
    pub profile: String,
    /// Of the registration that expired; of a REGISTER that ends one the registration's, unless the phone forgot it.
    pub call_id: String,
    /// The Contact that a phone said is over.
    pub contact: Option<String>,
}

impl Gone {
    /// Reads `sofia::unregister` and `sofia::expire`, which name the user differently.
    pub(super) fn of_event(event: &Message) -> Option<Self> {
        let field = |name: &str| event.field(name).map(|value| value.text());
        let said = field("from-user");
        // What expired may have been replaced by another one with the same Contact.
        let contact = said.as_ref().and_then(|_| field("contact"));
        let user = said.or_else(|| field("user"))?;
        Some(Self {
            phone: phone_of(&user)?,
            profile: field("profile-name")?.into_owned(),
            call_id: field("call-id")?.into_owned(),
            contact: contact.map(|contact| bounded(&contact)),
        })
    }

    /// Whether this registration is meant.
    fn is(&self, registration: &Registration) -> bool {
        let address = self.contact.as_deref().and_then(address_in);
        registration.profile.as_str() == self.profile
            && (registration.call_id.as_str() == self.call_id
                || (address.is_some() && registration.address() == address))
    }
}

/// FreeSWITCH's answer was no list of registrations.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("FreeSWITCH does not know the SIP profile")]
pub(super) struct NoProfile;

/// Reads the answer to `sofia xmlstatus profile P reg`, or `... user U@H`: the phones' registrations in it.
///
/// It is read line by line, not as XML: FreeSWITCH puts Call-IDs and users into it as they come (`mod_sofia.c:2883`), and
/// a Call-ID may hold `<` and `>` (RFC 3261), so that one phone could end the list for everybody or write another one
/// into it. A line end it cannot hold. The document says ISO-8859-1 and is whatever the phones sent, mostly UTF-8.
pub(super) fn read(answer: &[u8], profile: &ChannelWord) -> Result<Vec<Registration>, NoProfile> {
    let mut lines = answer.split(|&byte| byte == b'\n').map(decode);
    if !lines.any(|line| line == "<profile>") {
        return Err(NoProfile);
    }
    let mut all = Vec::new();
    let mut fields: HashMap<&'static str, String> = HashMap::new();
    for line in lines {
        match &*line {
            "    <registration>" => fields.clear(),
            "    </registration>" => all.extend(of_fields(&fields, profile)),
            line => {
                let found = FIELDS.iter().find_map(|name| Some((*name, value(line, name)?)));
                fields.extend(found.map(|(name, value)| (name, value.to_owned())));
            }
        }
    }
    Ok(all)
}

/// What is read of each registration.
const FIELDS: [&str; 7] =
    ["call-id", "user", "contact", "agent", "status", "network-ip", "mwi-account"];

/// The value of a line `        <name>value</name>`.
fn value<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.strip_prefix("        <")?
        .strip_prefix(name)?
        .strip_prefix('>')?
        .strip_suffix('>')?
        .strip_suffix(name)?
        .strip_suffix("</")
}

/// One registration from its lines; `None` as in [`Registration::of_event`].
fn of_fields(fields: &HashMap<&str, String>, profile: &ChannelWord) -> Option<Registration> {
    let field = |name: &str| fields.get(name).map(String::as_str);
    let (user, host) = field("user")?.split_once('@')?;
    Some(Registration {
        phone: phone_of(user)?,
        profile: profile.clone(),
        user: ChannelWord::parse(user).ok()?,
        host: ChannelWord::parse(host).ok()?,
        call_id: call_id(field("call-id")?)?,
        contact: bounded(&unescaped(field("contact").unwrap_or_default())),
        agent: bounded(&unescaped(field("agent").unwrap_or_default())),
        address: field("network-ip").and_then(ip_address),
        mailbox: field("mwi-account").map(bounded),
        seconds: field("status").and_then(seconds_left).unwrap_or_default(),
        appeared: None,
    })
}

/// 659 of `Registered(UDP)(unknown) exp(2026-11-21 20:27:47) expsecs(659)`.
fn seconds_left(status: &str) -> Option<i64> {
    let (_, rest) = status.rsplit_once("expsecs(")?;
    rest.strip_suffix(')')?.parse().ok()
}

/// The entities of `switch_amp_encode` undone; as it is where it does not read.
fn unescaped(text: &str) -> Cow<'_, str> {
    quick_xml::escape::unescape(text).unwrap_or(Cow::Borrowed(text))
}

/// UTF-8, or else Latin-1 as the document says of itself.
fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
    }
}

/// The registrations of one node.
#[derive(Debug, Default)]
pub(super) struct Registrations {
    phones: HashMap<Mac, Vec<Registration>>,
    /// Whether all were read once, so that one that is not among them is new.
    complete: bool,
}

impl Registrations {
    /// Those of a phone, newest first.
    pub(super) fn of(&self, phone: Mac) -> &[Registration] {
        self.phones.get(&phone).map_or(&[], Vec::as_slice)
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.phones.values().map(Vec::len).sum()
    }

    /// A phone registered, or registered again. Whether that is news to who looks at it from outside.
    pub(super) fn add(&mut self, registration: Registration, now: Timestamp) -> bool {
        let is_news = !self.of(registration.phone).iter().any(|old| old.looks_like(&registration));
        let appeared = self.appeared(&registration, self.of(registration.phone), now);
        self.insert(Registration { appeared, ..registration });
        is_news
    }

    /// When this one appeared, with these known before.
    fn appeared(
        &self,
        one: &Registration,
        known: &[Registration],
        now: Timestamp,
    ) -> Option<Timestamp> {
        let before = known.iter().find(|old| old.is_same(one));
        before.map_or(Some(now).filter(|_| self.complete), |old| old.appeared)
    }

    /// In front of those that the phone has, in place of itself.
    fn insert(&mut self, registration: Registration) {
        if self.phones.len() >= MOST_PHONES && !self.phones.contains_key(&registration.phone) {
            tracing::warn!(most = MOST_PHONES, "more phones are registered than can be watched");
            return;
        }
        let all = self.phones.entry(registration.phone).or_default();
        all.retain(|old| !old.is_same(&registration));
        let mut of_one = 1;
        all.retain(|old| {
            of_one += usize::from(old.user == registration.user);
            old.user != registration.user || of_one <= MOST_OF_ONE
        });
        all.insert(0, registration);
        all.truncate(MOST_OF_BASE);
    }

    /// A registration is over.
    pub(super) fn remove(&mut self, gone: &Gone) {
        let Some(all) = self.phones.get_mut(&gone.phone) else {
            return;
        };
        all.retain(|one| !gone.is(one));
        if all.is_empty() {
            self.phones.remove(&gone.phone);
        }
    }

    /// These are all, says FreeSWITCH.
    pub(super) fn replace(&mut self, all: Vec<Registration>, now: Timestamp) {
        let known = std::mem::take(&mut self.phones);
        self.extend(all, |phone| known.get(&phone).map_or(&[], Vec::as_slice), now);
        self.complete = true;
    }

    /// These are all of one phone, says FreeSWITCH.
    pub(super) fn replace_of(&mut self, phone: Mac, all: Vec<Registration>, now: Timestamp) {
        let known = self.phones.remove(&phone).unwrap_or_default();
        self.extend(all, |of| if of == phone { &known } else { &[] }, now);
    }

    /// Adds them so that the newest stands first.
    fn extend<'a>(
        &mut self,
        mut all: Vec<Registration>,
        known: impl Fn(Mac) -> &'a [Registration],
        now: Timestamp,
    ) {
        all.sort_by_key(|one| one.seconds);
        for one in all {
            let appeared = self.appeared(&one, known(one.phone), now);
            self.insert(Registration { appeared, ..one });
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
