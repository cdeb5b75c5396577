//! The simulated FreeSWITCH, as tests and the demo hold it.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

use super::api::BracketAnswer;
use super::call::{Call, CallSetup, HEARD};
use super::callcenter::Offer;
use super::channel::{CallThread, Channel};
use super::dial::{DialError, Ringing};
use super::directory::{Kind, Question};
use super::listener;
use super::node::{MAX_ROWS, Node};
use super::notify::Notify;
use super::registrar::{AuthError, Phone, Registration};
use super::settings::Settings;

/// [`FreeSwitch::stop`] waits no longer for its tasks.
const STOP: Duration = Duration::from_secs(15);

/// One simulated node. Clones are the same node.
#[derive(Clone)]
pub struct FreeSwitch {
    node: Arc<Node>,
}

impl FreeSwitch {
    /// Starts a node that is also the inbound event socket on `listener`.
    pub fn start(settings: Settings, listener: TcpListener) -> Self {
        let node = Arc::new(Node::new(settings));
        let accepting = Arc::clone(&node);
        node.tasks.spawn(async move {
            let stop = accepting.stop.clone();
            tokio::select! {
                () = accept(&accepting, listener) => {}
                () = stop.cancelled() => {}
            }
        });
        if node.settings.callcenter {
            let node = Arc::clone(&node);
            tokio::spawn(async move { node.load_callcenter().await });
        }
        Self { node }
    }

    pub(super) fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// Stops: listeners get "The system is being shut down", calls end.
    pub async fn stop(self) {
        self.node.stop.cancel();
        self.node.tasks.close();
        // Tasks that take longer are left behind; each has its own deadline.
        let _ = timeout(STOP, self.node.tasks.wait()).await;
    }

    /// REGISTER: asks the directory, checks the digest, keeps the row, shows the message lamp.
    pub async fn register(&self, phone: &Phone) -> Result<Registration, AuthError> {
        self.node.register(phone).await
    }

    /// Ends a registration, with `sofia::unregister`; false when there was none.
    pub fn unregister(&self, user: &str) -> bool {
        self.node.unregister(user, "sofia::unregister")
    }

    /// Lets a registration run out, with `sofia::expire`; false when there was none.
    pub fn expire(&self, user: &str) -> bool {
        self.node.unregister(user, "sofia::expire")
    }

    /// The registrations as they are.
    pub fn registrations(&self) -> Vec<Registration> {
        self.node.lock().registrations.clone()
    }

    /// INVITE: asks the directory and checks the digest. The call stands in the context that the
    /// directory says (`user_context`), else `default`, with the variables of the entry.
    pub async fn authenticate_invite(
        &self,
        phone: &Phone,
        number: &str,
    ) -> Result<CallSetup, AuthError> {
        let call_id = self.node.new_call_id(&phone.ip);
        let entry = self.node.authenticate(Kind::Invite, phone, number, &call_id).await?;
        let mut setup = CallSetup::new(&phone.auth_user, number);
        setup.from_user.clone_from(&phone.user);
        setup.caller_number.clone_from(&phone.user);
        setup.caller_name.clone_from(&phone.user);
        setup.agent.clone_from(&phone.agent);
        setup.ip.clone_from(&phone.ip);
        setup.port = phone.port;
        for (name, value) in &entry.variables {
            // FreeSWITCH refuses a value that looks like a variable.
            if value.contains("${") && value.contains('}') {
                self.node.lock().traps.push(format!("dropped {name}"));
            } else {
                setup.variables.push((name.clone(), value.clone()));
            }
        }
        if let Some(account) = entry.param("mwi-account") {
            setup.params.push(("mwi-account".into(), account.into()));
        }
        if let Some(context) = entry.variable("user_context") {
            context.clone_into(&mut setup.context);
        }
        Ok(setup)
    }

    /// What `bridge user/USER@DOMAIN` would ring.
    pub async fn who_rings(&self, user: &str) -> Result<Ringing, DialError> {
        self.node.dial_user(user, 0).await
    }

    /// What `bridge ${group_call(GROUP@DOMAIN)}` would ring.
    pub async fn group_rings(&self, group: &str) -> Result<Ringing, DialError> {
        let legs = self.node.dial_group(group).await?;
        Ok(self.node.dial(&legs, 0).await)
    }

    /// Runs the dialplan action `socket TARGET`, for example
    /// `127.0.0.1:8084/hotdesk/login async full`, for a call.
    pub fn socket_call(&self, target: &str, setup: CallSetup) -> Call {
        let channel = Arc::new(Channel::new(&self.node, setup));
        let (heard_by, heard) = mpsc::channel(HEARD);
        let (tells, outcome) = watch::channel(None);
        let full = {
            let mut state = self.node.lock();
            let full = state.channels.len() >= MAX_ROWS;
            if !full {
                state.channels.push(Arc::clone(&channel));
            }
            full
        };
        if full {
            channel.hang_up(&self.node, "SWITCH_CONGESTION", "send_refuse");
        }
        let thread = CallThread::new(Arc::clone(&self.node), Arc::clone(&channel), heard_by, tells);
        self.node.tasks.spawn(thread.run(target.to_owned()));
        Call { node: Arc::clone(&self.node), channel, heard, outcome }
    }

    /// Runs an API command, as at the console.
    pub async fn api(&self, line: &str) -> String {
        let (command, argument) = line.split_once(' ').unwrap_or((line, ""));
        self.node.run_api(command, argument, "").await
    }

    /// NOTIFYs that reached registrations, oldest first.
    pub fn notifies(&self) -> Vec<Notify> {
        self.node.lock().notifies.all()
    }

    /// API commands that came over sockets, with their arguments, oldest first.
    pub fn api_log(&self) -> Vec<String> {
        self.node.lock().api_log.all()
    }

    /// Questions to `mod_xml_curl`, oldest first.
    pub fn questions(&self) -> Vec<Question> {
        self.node.lock().questions.all()
    }

    /// `${system(…)}` and the like in what FreeSWITCH was given: they would have run.
    pub fn would_have_run(&self) -> Vec<String> {
        self.node.lock().ran.all()
    }

    /// `$${…}` that the preprocessor replaced in answers, and `dropped NAME` for variables whose value
    /// looked like a variable.
    pub fn traps(&self) -> Vec<String> {
        self.node.lock().traps.all()
    }

    /// UUIDs of the channels there are.
    pub fn channels(&self) -> Vec<String> {
        self.node.lock().channels.iter().map(|channel| channel.uuid.clone()).collect()
    }

    /// Sets a voicemail PIN as its user would by phone; an empty one takes it away.
    pub fn set_pin(&self, user: &str, pin: &str) {
        if pin.is_empty() {
            self.node.lock().pins.remove(user);
        } else {
            self.node.set_pin(user, pin);
        }
    }

    /// How many new and saved messages wait in a mailbox.
    pub fn set_mailbox(&self, user: &str, new: u32, saved: u32) {
        self.node.lock().mailboxes.insert(user.to_owned(), (new, saved));
    }

    /// What `reloadxml` answers from now on.
    pub fn set_reload_answer(&self, answer: BracketAnswer) {
        self.node.lock().reload = answer;
    }

    /// Calls that ring at an agent's phones now.
    pub fn offers(&self) -> Vec<Offer> {
        self.node.lock().callcenter.offers.clone()
    }

    /// The agent to whom a call is being offered picks up; false when none is.
    pub fn pick_up(&self, agent: &str) -> bool {
        let mut state = self.node.lock();
        let tables = &mut state.callcenter;
        let rings = tables.offers.iter().any(|offer| offer.agent == agent);
        if rings {
            tables.picked_up.push(agent.to_owned());
        }
        rings
    }

    /// From now on the inbound event socket says "Access Denied, go away." to everybody, or no longer.
    pub fn refuse_inbound(&self, refuse: bool) {
        self.node.lock().refuses_inbound = refuse;
    }
}

async fn accept(node: &Arc<Node>, listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => listener::spawn_inbound(node, stream),
            // Too many open files, or a peer that has gone again: the next may work.
            Err(_) => sleep(Duration::from_millis(20)).await,
        }
    }
}
