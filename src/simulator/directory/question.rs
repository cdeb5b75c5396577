//! The questions, in the words of `xml_curl/requests.jsonl`.

use super::super::event::encode;
use super::super::node::Node;
use super::super::template::fill;

/// A question that was asked, for tests and the curious.
#[derive(Clone, Debug)]
pub struct Question {
    /// `sip_auth REGISTER`, `sip_auth INVITE`, `message-count`, `user_call`, `group_call`, …
    pub kind: &'static str,
    /// The user that was asked for; empty when a whole domain or group was. Of a configuration: the queue.
    pub user: String,
    /// The form's fields in order, without the digest of the phone's secret.
    pub form: Vec<(String, String)>,
    /// Who answered.
    pub answered: Answered,
}

/// How a question to `mod_xml_curl` ended. Everything but [`Answered::Found`] makes FreeSWITCH look
/// into its own files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// A document with what was asked for, or at least its domain.
    Found,
    /// The not-found document.
    NotFound,
    /// Another status than 200.
    Status(u16),
    /// No XML.
    Unreadable,
    /// Nobody there, or not within the time-out.
    Dead,
    /// No binding is set up.
    NotAsked,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Register,
    Invite,
    MessageCount,
    UserCall,
    GroupCall,
    GroupCallUser,
    VoicemailLogin,
    UserData,
    LocateUser,
    XmlLocate,
    Configuration,
    CallCenterQueue,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Register => "sip_auth REGISTER",
            Self::Invite => "sip_auth INVITE",
            Self::MessageCount => "message-count",
            Self::UserCall => "user_call",
            Self::GroupCall | Self::GroupCallUser => "group_call",
            Self::VoicemailLogin => "vm_fsdb_auth_login",
            Self::UserData => "user_data",
            Self::LocateUser => "user_exists",
            Self::XmlLocate => "xml_locate",
            Self::Configuration => "configuration",
            Self::CallCenterQueue => "load_queue",
        }
    }

    fn template(self) -> &'static str {
        match self {
            Self::Register => include_str!("../templates/questions/sip_auth_register.txt"),
            Self::Invite => include_str!("../templates/questions/sip_auth_invite.txt"),
            Self::MessageCount => include_str!("../templates/questions/message_count.txt"),
            Self::UserCall => include_str!("../templates/questions/user_call.txt"),
            Self::GroupCall => include_str!("../templates/questions/group_call.txt"),
            Self::GroupCallUser => include_str!("../templates/questions/group_call_user.txt"),
            Self::VoicemailLogin => include_str!("../templates/questions/vm_auth_login.txt"),
            Self::UserData => include_str!("../templates/questions/user_data.txt"),
            Self::LocateUser => include_str!("../templates/questions/locate_user.txt"),
            Self::XmlLocate => include_str!("../templates/questions/xml_locate.txt"),
            Self::Configuration => include_str!("../templates/questions/configuration.txt"),
            Self::CallCenterQueue => {
                include_str!("../templates/questions/callcenter_queue.txt")
            }
        }
    }
}

/// The fields of a question, filled.
pub(super) fn form(
    node: &Node,
    kind: Kind,
    user: &str,
    more: &[(&str, String)],
) -> Vec<(String, String)> {
    let stamp = node.stamp();
    fill(kind.template(), |place| {
        more.iter()
            .find(|(name, _)| *name == place)
            .map(|(_, value)| value.clone())
            .or_else(|| (place == "user").then(|| user.to_owned()))
            .or_else(|| node.place(place, &stamp))
    })
}

/// As FreeSWITCH writes a form: its own percent-encoding, nothing for an empty value.
pub(super) fn encode_form(form: &[(String, String)]) -> String {
    let fields: Vec<String> =
        form.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    fields.join("&")
}

/// A digest would help to guess a secret: it is not kept.
pub(super) fn without_digest(mut form: Vec<(String, String)>) -> Vec<(String, String)> {
    form.retain(|(name, _)| name != "sip_auth_response");
    form
}
