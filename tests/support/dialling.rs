//! A person at a phone of the office: dials, hears, types.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hotdeskd::config::{Config, Service};
use hotdeskd::simulator::{Call, CallSetup, Dialplan, Heard, Phone};
use hotdeskd::standing::dialplan::Plan;
use hotdeskd::standing::walk::{self, Daemon, Dialled, End, Memory, Policy, Step, Story, Walk};

use super::Office;

/// What the stock prompts are called.
pub const LOGGED_IN: &str = "ivr/ivr-you_are_now_logged_in.wav";
pub const LOGGED_OUT: &str = "ivr/ivr-you_are_now_logged_out.wav";
pub const REFUSED: &str = "ivr/ivr-pin_or_extension_is-invalid.wav";
pub const GOODBYE: &str = "voicemail/vm-goodbye.wav";
/// The tone for "not now", as the simulator tells it.
pub const UNAVAILABLE: &str = "%(500,500,480,620);loops=3";

/// The dialplan of a configuration, an operator's context that calls every extension, and one for calls from outside.
pub(super) fn dialplan(config: &Config) -> Walk {
    let hosts = config.dialplan.hosts_or(config.event_socket.address);
    let queues = hotdeskd::app::queue_rules(config);
    let (domain, dialplan, emergency) = (&config.domain, &config.dialplan, &config.emergency);
    let service = config.service.as_ref().map(Service::plan);
    let queues = Some(&queues);
    let plan = Plan { domain, dialplan, emergency, hosts: &hosts, service, queues };
    let files = plan.render().unwrap();
    let (fragments, contexts): (Vec<_>, Vec<_>) =
        files.iter().partition(|file| file.path.starts_with("public"));
    let contexts = contexts.into_iter().filter(|file| !file.path.starts_with("numbers"));
    let operators = format!(
        "<include>\n<context name=\"{}\"><extension name=\"users\"><condition \
         field=\"destination_number\" expression=\"^(\\d+)$\"><action application=\"bridge\" \
         data=\"user/$1@{domain}\"/></condition></extension></context>\n</include>\n",
        dialplan.context.as_str()
    );
    let contexts = contexts.map(|file| file.text.as_str());
    let fragments = fragments.into_iter().map(|file| file.text.as_str());
    let public =
        ["<context name=\"public\">\n"].into_iter().chain(fragments).chain(["</context>\n"]);
    Walk::from_texts(contexts.chain([operators.as_str()]).chain(public)).unwrap()
}

/// What our own contexts do with a call that is sent there, for the simulator to do.
pub(super) fn sent_on(config: &Config) -> Dialplan {
    let walk = dialplan(config);
    Dialplan::new(move |context, number| {
        let call = walk::Call::new(context, number);
        let story = walk.walk(&call, &Policy::daemon_dead(), &mut Memory::default()).unwrap();
        let ours = context.starts_with("hotdesk_") && !matches!(story.end, End::NoContext { .. });
        ours.then(|| story.applications())
    })
}

/// The prompts, tones and hang-up among what was heard, in short.
pub fn spoken(heard: &[Heard]) -> Vec<&str> {
    let said = heard.iter().filter_map(|heard| match heard {
        Heard::Prompt(text) | Heard::Tone(text) | Heard::Said { text, .. } => Some(text.as_str()),
        Heard::HungUp { cause } => Some(cause.as_str()),
        _ => None,
    });
    said.collect()
}

pub fn heard_times(heard: &[Heard], prompt: &str) -> usize {
    spoken(heard).iter().filter(|said| **said == prompt).count()
}

impl Office {
    /// What becomes of a number that a phone dials.
    pub fn walk(&self, setup: &CallSetup, daemon: Daemon) -> Story {
        let mut call = walk::Call::new(&setup.context, &setup.number);
        for (name, value) in &setup.variables {
            call = call.with(name, value);
        }
        call = call.with("sip_auth_username", &setup.phone);
        let policy = Policy {
            daemon,
            dial: &|_| Dialled::Answered,
            user: &|_| Some(BTreeMap::new()),
            now: 1_800_000_000,
            times_hold: true,
        };
        self.walk.walk(&call, &policy, &mut Memory::default()).unwrap()
    }

    /// A phone dials a number that leads to a conversation: FreeSWITCH asks who it is, its dialplan
    /// comes to `socket`.
    pub async fn dial(&self, phone: &Phone, number: &str) -> Call {
        let setup = self.switch.authenticate_invite(phone, number).await.unwrap();
        self.dial_as(setup)
    }

    /// As [`Self::dial`], for a call that FreeSWITCH has authenticated already.
    pub fn dial_as(&self, mut setup: CallSetup) -> Call {
        let story = self.walk(&setup, Daemon::Alive);
        let mut target = None;
        for step in &story.steps {
            match step {
                Step::Sets { name, value } => setup.variables.push((name.clone(), value.clone())),
                Step::Socket { hosts, .. } => target = Some(format!("{hosts} async full")),
                _ => {}
            }
        }
        let behind = self.walk(&setup, Daemon::Dead);
        for step in behind.steps.iter().skip_while(|step| !matches!(step, Step::Socket { .. })) {
            match step {
                Step::Plays { what } => setup = setup.then("playback", what),
                Step::Enters { context, number } => {
                    setup = setup.then("transfer", &format!("{number} XML {context}"));
                }
                _ => {}
            }
        }
        if let End::HungUp { cause } = &behind.end {
            setup = setup.then("hangup", cause);
        }
        self.switch.socket_call(&target.expect("a conversation"), setup)
    }

    /// A customer calls a number of ours.
    pub fn dial_outside(&self, number: &str, from: &str, name: &str) -> Call {
        self.dial_as(CallSetup::from_outside(number, from, name))
    }

    /// Dials, types one of `keys` at each question, then listens: to the end of the call, or to the
    /// next question and hangs up. Gives all that was heard.
    pub async fn converse(&self, phone: &Phone, number: &str, keys: &[&str]) -> Vec<Heard> {
        Self::answer(self.dial(phone, number).await, keys).await.0
    }

    /// The same in a call that there is already; with how long the last answer of the daemon took from
    /// the last key on.
    pub async fn answer(mut call: Call, keys: &[&str]) -> (Vec<Heard>, Duration) {
        let (mut all, mut typed) = (Vec::new(), Instant::now());
        for answer in keys {
            let heard = call.until_keys().await;
            let asked = matches!(heard.last(), Some(Heard::Keys { .. }));
            all.extend(heard);
            assert!(asked, "no question came; heard {all:?}");
            let (digits, last) = answer.split_at(answer.len() - 1);
            call.press(digits).await;
            typed = Instant::now();
            call.press(last).await;
        }
        let mut took = None;
        loop {
            let heard = call.heard().await.expect("something within 30 s");
            took.get_or_insert_with(|| typed.elapsed());
            let over = matches!(heard, Heard::HungUp { .. });
            let asks = matches!(heard, Heard::Keys { .. });
            all.push(heard);
            if over || asks {
                return (all, took.unwrap_or_default());
            }
        }
    }

    /// Logs somebody in, which has to go well.
    pub async fn log_in(&self, phone: &Phone, number: &str, pin: &str) {
        let heard = self.converse(phone, number, &[&format!("{pin}#")]).await;
        assert_eq!(heard_times(&heard, LOGGED_IN), 1, "{heard:?}");
    }

    /// Types a wrong PIN, waits until it counted (in the journal), and hangs up.
    pub async fn guess(&self, phone: &Phone, extension: &str, pin: &str) {
        let of = format!("journal?phone={}&limit=1000", phone.user);
        let refused = async || {
            let journal = self.get(&of).await;
            let rows = journal.as_array().unwrap().iter();
            rows.filter(|row| row["what"] == "pin-refused").count()
        };
        let before = refused().await;
        let mut call = self.dial(phone, &format!("*11{extension}")).await;
        call.until_keys().await;
        call.press(&format!("{pin}#")).await;
        super::until("the guess counts", async || refused().await > before).await;
        call.hang_up();
    }

    /// Who a phone is to FreeSWITCH now: the extension of whoever sits there.
    pub async fn whose(&self, phone: &Phone) -> Option<String> {
        let setup = self.switch.authenticate_invite(phone, "0").await.unwrap();
        let user = setup.variables.iter().find(|(name, _)| name == "hotdesk_user");
        assert_eq!(setup.context, if user.is_some() { "hotdesk" } else { "restricted" });
        user.map(|(_, value)| value.clone())
    }

    /// The phones that a call to an extension rings.
    pub async fn rings(&self, extension: &str) -> Vec<String> {
        let ringing = self.switch.who_rings(extension).await.unwrap();
        ringing.phones().into_iter().map(str::to_owned).collect()
    }
}
