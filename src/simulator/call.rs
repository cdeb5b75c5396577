//! A person at a phone.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::channel::Channel;
use super::node::Node;

/// How long [`Call::heard`] and [`Call::outcome`] wait.
const PATIENCE: Duration = Duration::from_secs(30);
/// Things heard that wait for [`Call::heard`]; more are dropped.
pub(super) const HEARD: usize = 1024;

/// A call as FreeSWITCH has it before the first dialplan action: authenticated, routed.
#[derive(Clone, Debug)]
pub struct CallSetup {
    /// The user that authenticated (`sip_auth_username`); empty for a call from outside.
    pub phone: String,
    /// The number dialled.
    pub number: String,
    /// The dialplan context.
    pub context: String,
    /// The user of the From header: what the phone claims.
    pub from_user: String,
    /// The caller's name.
    pub caller_name: String,
    /// The caller's number.
    pub caller_number: String,
    /// Variables from the directory, such as `user_context` and `hotdesk_user`.
    pub variables: Vec<(String, String)>,
    /// Parameters that become variables too (`mwi-account`).
    pub params: Vec<(String, String)>,
    /// Dialplan actions after `socket`, as application and argument.
    pub then: Vec<(String, String)>,
    /// `User-Agent`.
    pub agent: String,
    /// Where the phone is.
    pub ip: String,
    /// Its SIP port.
    pub port: u16,
    /// Whether the caller withholds the number, which FreeSWITCH then has all the same.
    pub is_withheld: bool,
}

impl CallSetup {
    /// A call of `phone` to `number` in the context `default`, without anything from the directory.
    pub fn new(phone: impl Into<String>, number: impl Into<String>) -> Self {
        let phone = phone.into();
        Self {
            from_user: phone.clone(),
            caller_name: phone.clone(),
            caller_number: phone.clone(),
            phone,
            number: number.into(),
            context: "default".into(),
            variables: Vec::new(),
            params: Vec::new(),
            then: Vec::new(),
            agent: "snom710/8.9.3.80".into(),
            ip: "127.0.0.1".into(),
            port: 6254,
            is_withheld: false,
        }
    }

    /// A call from outside to `number`, from `caller` with the display name `name`, in the context `public`:
    /// nobody authenticated.
    pub fn from_outside(
        number: impl Into<String>,
        caller: impl Into<String>,
        name: impl Into<String>,
    ) -> Self {
        let (caller, name) = (caller.into(), name.into());
        Self {
            from_user: caller.clone(),
            caller_number: caller,
            caller_name: name,
            context: "public".into(),
            agent: "trunk".into(),
            ..Self::new("", number)
        }
    }

    /// Adds a dialplan action to those after `socket`.
    pub fn then(mut self, application: &str, argument: &str) -> Self {
        self.then.push((application.into(), argument.into()));
        self
    }
}

/// What a caller notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The call was answered.
    Answered,
    /// A recording, by the name that was given.
    Prompt(String),
    /// A tone, by its `tone_stream` text.
    Tone(String),
    /// Silence that was played.
    Silence,
    /// Something spoken by `say`.
    Said {
        /// `number`, `name_spelled`, …
        kind: String,
        /// `iterated`, `pronounced`, …
        method: String,
        /// What is said, for example digits.
        text: String,
    },
    /// The line waits for keys.
    Keys {
        /// At least so many.
        min: usize,
        /// At most so many.
        max: usize,
        /// Keys that end the input.
        terminators: String,
    },
    /// Another application of the dialplan took the call (`bridge`, `voicemail`, …).
    Application {
        /// Its name.
        name: String,
        /// Its argument, expanded.
        argument: String,
    },
    /// An agent of a queue picked up.
    Bridged {
        /// The agent.
        agent: String,
    },
    /// The call was transferred.
    Transferred {
        /// The number.
        extension: String,
        /// The context.
        context: String,
    },
    /// The call is over.
    HungUp {
        /// FreeSWITCH's cause.
        cause: String,
    },
}

/// How the `socket` action ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The call was hung up while the socket had it.
    HungUp {
        /// FreeSWITCH's cause.
        cause: String,
    },
    /// `transfer`: the call is elsewhere, and no longer depends on the socket.
    Transferred {
        /// The number.
        extension: String,
        /// `XML`.
        dialplan: String,
        /// The context.
        context: String,
    },
    /// The daemon closed the socket, or died: the dialplan goes on with the next action.
    SocketClosed,
    /// Nobody listens there: the dialplan goes on with the next action.
    NotReached,
}

/// One call, seen by the person who made it. Dropping it hangs up.
pub struct Call {
    pub(super) node: Arc<Node>,
    pub(super) channel: Arc<Channel>,
    pub(super) heard: mpsc::Receiver<Heard>,
    pub(super) outcome: watch::Receiver<Option<Outcome>>,
}

impl Call {
    /// The next thing that the caller notices; `None` when the call is over, or after 30 seconds
    /// without anything.
    pub async fn heard(&mut self) -> Option<Heard> {
        timeout(PATIENCE, self.heard.recv()).await.ok().flatten()
    }

    /// Listens until the line waits for keys, or the call is over; gives all that was heard.
    pub async fn until_keys(&mut self) -> Vec<Heard> {
        let mut all = Vec::new();
        while let Some(heard) = self.heard().await {
            let last = matches!(heard, Heard::Keys { .. } | Heard::HungUp { .. });
            all.push(heard);
            if last {
                break;
            }
        }
        all
    }

    /// Listens to the end of the call; gives all that was heard.
    pub async fn until_end(&mut self) -> Vec<Heard> {
        let mut all = Vec::new();
        while let Some(heard) = self.heard().await {
            let last = matches!(heard, Heard::HungUp { .. });
            all.push(heard);
            if last {
                break;
            }
        }
        all
    }

    /// Types keys one by one: digits, `#`, `*`. Others are no keys and do nothing.
    pub async fn press(&self, keys: &str) {
        for key in keys.chars() {
            self.channel.press(key.encode_utf8(&mut [0; 4]), "RTP");
            tokio::task::yield_now().await;
        }
    }

    /// Says nothing until the wait for keys that is going on, or else the next, gives up; takes no time.
    pub fn wait_out(&self) {
        self.channel.update(|state| state.waited_out = true);
    }

    /// Puts the receiver down.
    pub fn hang_up(&self) {
        let answered = self.channel.lock().call_state == "ACTIVE";
        match answered {
            true => self.channel.hang_up(&self.node, "NORMAL_CLEARING", "recv_bye"),
            false => self.channel.hang_up(&self.node, "ORIGINATOR_CANCEL", "recv_cancel"),
        }
    }

    /// How the `socket` action ended; `None` when that takes more than 30 seconds.
    pub async fn outcome(&mut self) -> Option<Outcome> {
        let ended = self.outcome.wait_for(Option::is_some);
        timeout(PATIENCE, ended).await.ok()?.ok()?.clone()
    }

    /// The UUID of the channel.
    pub fn uuid(&self) -> &str {
        &self.channel.uuid
    }

    /// A channel variable as it is now.
    pub fn variable(&self, name: &str) -> Option<String> {
        self.channel.variable(name)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.hang_up();
    }
}
