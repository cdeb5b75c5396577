//! Conversations with callers: one `async fn` each, to be read like the dialogue that it is.
//!
//! A conversation holds no transaction and no lock while it waits for a caller. Whatever it changes,
//! it changes by one function of `desk`; so a caller who hangs up at any moment leaves nothing half-way.
//!
//! Every flow ends the call itself: what stands behind `socket` in the dialplan is only for the case
//! that we are not there.

mod customer_lookup;
mod customer_service;
mod dialogue;
mod identify;
mod login;
mod logout;
mod phone;
mod pin_check;
mod settings;

use std::sync::Arc;

pub use customer_lookup::CustomerLookup;
pub use customer_service::{CustomerService, JournalNumbers, ServiceSettings};
pub use dialogue::Over;
pub use pin_check::{CheckFailed, HashedPin, PinCheck, VoicemailPin};
pub use settings::{Language, LogoutPin, Millis, PinSettings, ProfileName, Prompt, Prompts, Tries};

use crate::desk::Desk;
use crate::event_socket::Session;
use crate::metrics::CallOutcome;
use crate::model::{Extension, Flow, LoginMode, Mac, SipIdentity};
use dialogue::Dialogue;

/// Holds the conversations. Cheap to clone.
#[derive(Clone)]
pub struct Conversations {
    desk: Desk,
    prompts: Arc<Prompts>,
    pin: Arc<PinSettings>,
    check: Arc<dyn PinCheck>,
    service: Option<CustomerService>,
}

/// The phone in somebody's hand.
struct Caller {
    /// Its identity, from the user name that it authenticated with. `None` for whoever is no phone. At a handset, the
    /// DECT base: nobody can log in there, and PINs that are tried at any of its handsets count together.
    phone: Option<Mac>,
    /// At a handset, its number.
    handset: Option<u16>,
}

impl Caller {
    /// Whoever authenticated as this user.
    fn authenticated(user: &str) -> Self {
        match user.parse::<SipIdentity>() {
            Ok(SipIdentity { phone, handset }) => Self { phone: Some(phone), handset },
            Err(_) => Self { phone: user.parse().ok(), handset: None },
        }
    }
}

/// How a conversation comes to its end.
enum Ending {
    /// It is done, and this says so.
    Said(Prompt),
    /// Nothing more to say but goodbye.
    GaveUp,
    /// It cannot be done now.
    Unavailable,
}

impl Ending {
    /// What it counts as.
    fn outcome(&self) -> CallOutcome {
        match self {
            Self::Said(_) => CallOutcome::Done,
            Self::GaveUp => CallOutcome::GaveUp,
            Self::Unavailable => CallOutcome::Unavailable,
        }
    }
}

impl Conversations {
    /// The conversations over `desk`.
    pub fn new(desk: Desk, prompts: Prompts, pin: PinSettings, check: Arc<dyn PinCheck>) -> Self {
        Self { desk, prompts: Arc::new(prompts), pin: Arc::new(pin), check, service: None }
    }

    /// And the service number.
    #[must_use]
    pub fn with_customers(self, service: CustomerService) -> Self {
        Self { service: Some(service), ..self }
    }

    /// Holds one conversation to its end.
    pub async fn hold(&self, mut session: Session) {
        let path = session.variable("socket_path").unwrap_or_default();
        let flow = Flow::of_socket_path(&path);
        // The only one that whoever calls from outside, and no phone of ours, may come to.
        if flow == Some(Flow::CustomerService) {
            return match &self.service {
                Some(service) => self.customer_service(session, service).await,
                // Not here: the dialplan goes on behind `socket`.
                None => {
                    self.count(flow, CallOutcome::Unavailable);
                    session.exit().await;
                }
            };
        }
        // Never `From`, which a phone may put as it likes.
        let user = session.variable("sip_auth_username");
        let caller = Caller::authenticated(user.as_deref().unwrap_or_default());
        let phone = caller.phone;
        // What was dialled behind the code (`*111001`), put there by the dialplan.
        let dialled = session.variable("hotdesk_extension").and_then(|digits| digits.parse().ok());
        session.forget_connect_reply();
        let call = session.unique_id().as_str().to_owned();
        tracing::info!(call, path, phone = phone.map(tracing::field::display), "call");
        let dialogue = Dialogue::new(session, self.prompts.clone());
        let Some(flow) = flow else {
            tracing::warn!(call, path, "no such flow; see `hotdeskd freeswitch print`");
            self.count(None, CallOutcome::Unavailable);
            return self.end(dialogue, Ending::Unavailable).await;
        };
        match self.converse(&dialogue, &caller, flow, dialled.as_ref()).await {
            Ok(ending) => {
                self.count(Some(flow), ending.outcome());
                self.end(dialogue, ending).await;
            }
            Err(over) => {
                self.count(Some(flow), CallOutcome::HungUp);
                tracing::info!(call, %over, "the call ended early");
                dialogue.leave().await;
            }
        }
    }

    /// Counts a conversation that ended.
    fn count(&self, flow: Option<Flow>, outcome: CallOutcome) {
        self.desk.store().metrics().call(flow, outcome);
    }

    async fn converse(
        &self,
        dialogue: &Dialogue,
        caller: &Caller,
        flow: Flow,
        dialled: Option<&Extension>,
    ) -> Result<Ending, Over> {
        dialogue.answer().await?;
        match flow {
            Flow::Login => self.login(dialogue, caller, dialled, LoginMode::Only).await,
            Flow::LoginAlso => self.login(dialogue, caller, dialled, LoginMode::Also).await,
            Flow::Logout => self.logout(dialogue, caller).await,
            Flow::LogoutEverywhere => self.logout_everywhere(dialogue, caller, dialled).await,
            Flow::Who => self.who(dialogue, caller).await,
            Flow::RestartPhone => self.restart_phone(caller).await,
            // Held elsewhere: it has no dialogue.
            Flow::CustomerService => Ok(Ending::Unavailable),
        }
    }

    async fn end(&self, dialogue: Dialogue, ending: Ending) {
        let prompts = dialogue.prompts();
        let (prompt, cause) = match ending {
            Ending::Said(prompt) => (prompt, "NORMAL_CLEARING"),
            Ending::GaveUp => (prompts.goodbye.clone(), "NORMAL_CLEARING"),
            Ending::Unavailable => (prompts.unavailable.clone(), "NORMAL_TEMPORARY_FAILURE"),
        };
        // A caller who does not wait for the last words has hung up, and that is the end too.
        let _ = dialogue.say(&prompt).await;
        dialogue.hang_up(cause).await;
    }
}
