//! What FreeSWITCH asks: the form that mod_xml_curl posts, as a typed question.

use std::collections::HashMap;

use percent_encoding::percent_decode;

use crate::metrics::Question as Kind;

/// A question. Fields are as FreeSWITCH sent them, percent-decoded; `+` never means a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Who is this user? Asked for every REGISTER, INVITE, call to a user, mailbox and `user_data`.
    User {
        /// The domain.
        domain: String,
        /// The user name.
        id: String,
        /// The call group in which the user was named, in a group call.
        group: Option<String>,
        /// Whether it wants to register.
        registers: bool,
    },
    /// Who is in this call group?
    Group {
        /// The domain.
        domain: String,
        /// The group.
        name: String,
    },
    /// Which gateways, or which network lists, does the directory hold? Asked for no domain or for one.
    Domain {
        /// The domain, where one is named.
        domain: Option<String>,
    },
    /// How is a module configured?
    Configuration {
        /// The file (`callcenter.conf`).
        file: String,
        /// The one queue that mod_callcenter asks about.
        queue: Option<String>,
    },
    /// Something that is not ours to answer: dialplan, phrases.
    Other,
}

/// Fields of more than this many are not FreeSWITCH's; the rest is passed over.
const MAX_FIELDS: usize = 1_024;

impl Question {
    /// What it counts as.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::User { registers: true, .. } => Kind::Registration,
            Self::User { registers: false, .. } => Kind::User,
            Self::Group { .. } => Kind::Group,
            Self::Domain { .. } => Kind::Domain,
            Self::Configuration { .. } => Kind::Configuration,
            Self::Other => Kind::Other,
        }
    }

    /// The question in a posted body. Anything that is no question of the directory is [`Other`].
    ///
    /// [`Other`]: Question::Other
    pub fn parse(body: &[u8]) -> Self {
        let fields = Fields::parse(body);
        match fields.get("section") {
            Some("directory") => {}
            Some("configuration") => return Self::configuration(&fields),
            _ => return Self::Other,
        }
        let by_name =
            fields.get("tag_name") == Some("domain") && fields.get("key_name") == Some("name");
        let named = by_name.then(|| fields.get("key_value")).flatten();
        let domain = named.or(fields.get("domain")).map(str::to_owned);
        if matches!(fields.get("purpose"), Some("gateways" | "network-list")) {
            return Self::Domain { domain };
        }
        let Some(domain) = domain else { return Self::Other };
        let group = || fields.get("group").or(fields.get("group_name")).map(str::to_owned);
        match (fields.get("user"), group()) {
            (Some(id), group) => {
                let registers = fields.get("action") == Some("sip_auth")
                    && fields.get("sip_auth_method") == Some("REGISTER");
                Self::User { domain, id: id.to_owned(), group, registers }
            }
            (None, Some(name)) => Self::Group { domain, name },
            (None, None) => Self::Domain { domain: Some(domain) },
        }
    }
}

impl Question {
    fn configuration(fields: &Fields) -> Self {
        let by_name = fields.get("tag_name") == Some("configuration")
            && fields.get("key_name") == Some("name");
        match fields.get("key_value").filter(|_| by_name) {
            Some(file) => Self::Configuration {
                file: file.to_owned(),
                queue: fields.get("CC-Queue").map(str::to_owned),
            },
            None => Self::Other,
        }
    }
}

/// The fields of a form; of a name that stands twice the first counts, as mod_xml_curl puts its own
/// fields before the event's.
struct Fields(HashMap<String, String>);

impl Fields {
    fn parse(body: &[u8]) -> Self {
        let decode = |text: &[u8]| percent_decode(text).decode_utf8_lossy().into_owned();
        let mut fields = HashMap::new();
        for field in body.split(|b| *b == b'&').take(MAX_FIELDS) {
            let mut halves = field.splitn(2, |b| *b == b'=');
            let name = halves.next().unwrap_or_default();
            let value = halves.next().unwrap_or_default();
            fields.entry(decode(name)).or_insert_with(|| decode(value));
        }
        Self(fields)
    }

    /// The value, unless it is absent or empty.
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plus_is_a_plus_and_percent_is_decoded() {
        let body = b"section=directory&tag_name=domain&key_name=name&key_value=hotdesk.test&user=a+b%20c%2B%zz&user=twice";
        assert_eq!(
            Question::parse(body),
            Question::User {
                domain: "hotdesk.test".into(),
                id: "a+b c+%zz".into(),
                group: None,
                registers: false
            }
        );
    }

    #[test]
    fn nonsense_is_not_ours() {
        for body in
            [&b""[..], b"&&&===", b"section=dialplan", b"\xff\xfe=\x00", b"section=directory"]
        {
            assert_eq!(Question::parse(body), Question::Other, "{body:?}");
        }
    }
}
