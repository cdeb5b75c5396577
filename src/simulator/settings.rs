//! How a simulated FreeSWITCH is set up.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use crate::model::Domain;

/// How a simulated FreeSWITCH is set up. [`Settings::new`] gives what a small installation has.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The SIP domain: `challenge-realm` and `force-register-domain` of the profile.
    pub domain: Domain,
    /// `FreeSWITCH-Hostname` of every event.
    pub hostname: String,
    /// `FreeSWITCH-Switchname` of every event and `hostname` of every question to `mod_xml_curl`.
    pub switchname: String,
    /// Whom to ask for the directory; without it only the static directory answers.
    pub xml_curl: Option<XmlCurl>,
    /// FreeSWITCH's own files, read at start and at `reloadxml`.
    pub static_directory: Option<StaticDirectory>,
    /// FreeSWITCH's own `<configuration>`s, for modules whose questions nobody answers.
    pub static_configuration: Option<StaticDirectory>,
    /// What the dialplan does with a call that is transferred; without it such a call waits for its end.
    pub dialplan: Option<Dialplan>,
    /// How long a call rings at an agent's phone.
    pub longest_offer: Duration,
    /// Whether mod_callcenter is loaded at the start, as `modules.conf.xml` would.
    pub callcenter: bool,
    /// The password of the inbound event socket.
    pub event_socket_password: SecretString,
    /// FreeSWITCH's 20 ms ticks. Without them an application takes no time, nor does a prompt.
    pub ticks: bool,
    /// How long a prompt or tone lasts, when there are ticks.
    pub prompt_time: Duration,
    /// The most that a `sleep` of the daemon lasts.
    pub longest_sleep: Duration,
    /// A call ends by itself after this time (`ALLOTTED_TIMEOUT`).
    pub longest_call: Duration,
    /// The profile's `inbound-reg-force-matching-username`: without it a phone can register as another.
    pub force_matching_username: bool,
    /// Whether a phone has to know its secret; without, it is believed, for a rehearsal in which nobody
    /// tells the secret.
    pub check_digests: bool,
    /// Makes UUIDs, nonces and Call-IDs repeatable.
    pub seed: Option<u64>,
}

impl Settings {
    /// Stock settings: no `mod_xml_curl`, password `ClueCon`, ticks on, prompts of 60 ms.
    pub fn new(domain: Domain) -> Self {
        Self {
            domain,
            hostname: "vm".into(),
            switchname: "lab-fs1".into(),
            xml_curl: None,
            static_directory: None,
            static_configuration: None,
            dialplan: None,
            longest_offer: Duration::from_secs(10),
            callcenter: false,
            event_socket_password: "ClueCon".to_owned().into(),
            ticks: true,
            prompt_time: Duration::from_millis(60),
            longest_sleep: Duration::from_secs(10),
            longest_call: Duration::from_secs(120),
            force_matching_username: true,
            check_digests: true,
            seed: None,
        }
    }
}

/// The binding of `mod_xml_curl`.
#[derive(Clone, Debug)]
pub struct XmlCurl {
    /// `gateway-url`.
    pub url: String,
    /// `gateway-credentials`: user and password, sent as HTTP basic.
    pub credentials: Option<(String, SecretString)>,
    /// `timeout`: the whole of one request.
    pub timeout: Duration,
}

impl XmlCurl {
    /// Asks `url` without credentials and waits one second, as `install` prints it.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), credentials: None, timeout: Duration::from_secs(1) }
    }
}

/// Gives FreeSWITCH's own files as one XML text (`<document>`, a `<section name="directory">`, or one
/// or several `<domain>`s); `None` when they cannot be read.
#[derive(Clone)]
pub struct StaticDirectory(Arc<dyn Fn() -> Option<String> + Send + Sync>);

impl StaticDirectory {
    /// `read` is called at start and at every `reloadxml`.
    pub fn new(read: impl Fn() -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    pub(super) fn read(&self) -> Option<String> {
        (self.0)()
    }
}

impl fmt::Debug for StaticDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StaticDirectory")
    }
}

/// Dialplan actions, as application and argument.
pub type Actions = Vec<(String, String)>;

/// Tells what the dialplan does with a number in a context; `None` where it has no such context.
#[derive(Clone)]
pub struct Dialplan(Arc<dyn Fn(&str, &str) -> Option<Actions> + Send + Sync>);

impl Dialplan {
    /// `route` is called with context and number at every transfer.
    pub fn new(route: impl Fn(&str, &str) -> Option<Actions> + Send + Sync + 'static) -> Self {
        Self(Arc::new(route))
    }

    pub(super) fn route(&self, context: &str, number: &str) -> Option<Actions> {
        (self.0)(context, number)
    }
}

impl fmt::Debug for Dialplan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dialplan")
    }
}
