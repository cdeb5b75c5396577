//! A rehearsal: a simulated FreeSWITCH in front of a real daemon, for `demo` and `call`.
//!
//! The directory is asked over HTTP and the conversations are held over the event socket, as
//! FreeSWITCH would. What its dialplan would do is walked through the standing files.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, bail};
use jiff::Timestamp;

use crate::config::Config;
use crate::model::Mac;
use crate::simulator::{Call, CallSetup, Dialplan, FreeSwitch, Heard, Phone};
use crate::standing::walk::{self, Daemon, Dialled, End, Memory, Policy, Step, Story, Walk};

/// A simulated FreeSWITCH with the dialplan of a configuration.
pub(super) struct Rehearsal {
    switch: FreeSwitch,
    walk: Walk,
    /// The context where calls from outside arrive.
    outside: String,
    /// What mod_db keeps from one call to the next.
    memory: Mutex<Memory>,
}

/// What becomes of a dialled number.
pub(super) enum Dial {
    /// The daemon leads the conversation.
    Conversation(Call),
    /// FreeSWITCH's dialplan does the rest by itself.
    Dialplan(Story),
}

impl Rehearsal {
    /// With the contexts that `freeswitch install` writes, and an operator's context in which every
    /// extension is called as `user/<extension>`.
    pub(super) fn new(switch: FreeSwitch, config: &Config) -> anyhow::Result<Self> {
        let files = crate::app::rendered(config)?;
        let (fragments, contexts): (Vec<_>, Vec<_>) =
            files.iter().partition(|file| file.path.starts_with("public"));
        let operators = operators_context(config);
        let outside = format!("<context name=\"{}\">\n", config.emergency.callback_context);
        let contexts = contexts.into_iter().map(|file| file.text.as_str());
        let fragments = fragments.into_iter().map(|file| file.text.as_str());
        let texts = contexts.chain([operators.as_str(), outside.as_str()]);
        let walk = Walk::from_texts(texts.chain(fragments).chain(["</context>\n"]))
            .context("our own dialplan cannot be walked")?;
        let outside = config.emergency.callback_context.as_str().to_owned();
        Ok(Self { switch, walk, outside, memory: Mutex::new(Memory::default()) })
    }

    /// The simulated FreeSWITCH.
    pub(super) fn switch(&self) -> &FreeSwitch {
        &self.switch
    }

    /// `phone` dials `number`: FreeSWITCH asks who that is, and its dialplan decides.
    pub(super) async fn dial(&self, phone: &Phone, number: &str) -> anyhow::Result<Dial> {
        let setup = self.switch.authenticate_invite(phone, number).await?;
        let story = self.walk(&setup, Daemon::Alive)?;
        if !story.steps.iter().any(|step| matches!(step, Step::Socket { answered: true, .. })) {
            return Ok(Dial::Dialplan(self.with_answers(&setup, story).await?));
        }
        self.dial_as(setup, story)
    }

    /// A call of which the walk is known.
    fn dial_as(&self, setup: CallSetup, story: Story) -> anyhow::Result<Dial> {
        let socket = story.steps.iter().find_map(|step| match step {
            Step::Socket { hosts, answered: true } => Some(format!("{hosts} async full")),
            _ => None,
        });
        let Some(target) = socket else {
            return Ok(Dial::Dialplan(story));
        };
        let after = self.walk(&setup, Daemon::Dead)?;
        let setup = with_fallback(with_variables(setup, &story), &after);
        Ok(Dial::Conversation(self.switch.socket_call(&target, setup)))
    }

    /// Somebody calls `number` from outside; FreeSWITCH's dialplan decides.
    pub(super) fn dial_outside(
        &self,
        number: &str,
        from: &str,
        name: &str,
    ) -> anyhow::Result<Dial> {
        let setup = CallSetup {
            context: self.outside.clone(),
            is_withheld: from.is_empty(),
            ..CallSetup::from_outside(number, from, name)
        };
        let story = self.walk(&setup, Daemon::Alive)?;
        self.dial_as(setup, story)
    }

    /// What FreeSWITCH's dialplan does with a call that was sent on to `number` in `context`.
    pub(super) fn sent_on(&self, number: &str, context: &str) -> anyhow::Result<Story> {
        let setup = CallSetup { context: context.to_owned(), ..CallSetup::new("", number) };
        self.walk(&setup, Daemon::Alive)
    }

    /// As [`Self::dial`] with the daemon dead, walked through the files in `folder` on the disk.
    pub(super) async fn dial_by_files(
        &self,
        folder: &Path,
        phone: &Phone,
        number: &str,
    ) -> anyhow::Result<Story> {
        let setup = self.switch.authenticate_invite(phone, number).await?;
        let walk = Walk::load(folder).context("the standing files cannot be walked")?;
        self.walk_in(&walk, &setup, Daemon::Dead, &BTreeMap::new())
    }

    /// A conversation, for numbers that must lead to one.
    pub(super) async fn converse(&self, phone: &Phone, number: &str) -> anyhow::Result<Call> {
        match self.dial(phone, number).await? {
            Dial::Conversation(call) => Ok(call),
            Dial::Dialplan(story) => bail!("{number} led to no conversation: {}", story.end),
        }
    }

    /// The same walk again, in which calls to people who are nowhere fail. Phones count as registered, and
    /// trunks as answering: a rehearsal knows no better.
    async fn with_answers(&self, setup: &CallSetup, story: Story) -> anyhow::Result<Story> {
        let mut failed = BTreeMap::new();
        for target in story.dialled() {
            let Some(user) = target.strip_prefix("user/") else { continue };
            let rings = self.switch.api(&format!("user_data {user} param dial-string")).await;
            if let Some(cause) = rings.strip_prefix("error/") {
                failed.insert(target.to_owned(), cause.to_uppercase());
            } else if rings.starts_with("-ERR") {
                failed.insert(target.to_owned(), "SUBSCRIBER_ABSENT".to_owned());
            }
        }
        if failed.is_empty() {
            Ok(story)
        } else {
            self.walk_in(&self.walk, setup, Daemon::Alive, &failed)
        }
    }

    fn walk(&self, setup: &CallSetup, daemon: Daemon) -> anyhow::Result<Story> {
        self.walk_in(&self.walk, setup, daemon, &BTreeMap::new())
    }

    /// Walks; a dial-string that is in `failed` fails for that cause, every other is answered.
    fn walk_in(
        &self,
        walk: &Walk,
        setup: &CallSetup,
        daemon: Daemon,
        failed: &BTreeMap<String, String>,
    ) -> anyhow::Result<Story> {
        let mut call = walk::Call::new(&setup.context, &setup.number);
        for (name, value) in &setup.variables {
            call = call.with(name, value);
        }
        call = call.with("sip_auth_username", &setup.phone);
        let policy = Policy {
            daemon,
            dial: &|target| match failed.get(target) {
                Some(cause) => Dialled::Failed(cause.clone()),
                None => Dialled::Answered,
            },
            user: &|_| Some(BTreeMap::new()),
            now: u64::try_from(Timestamp::now().as_second()).unwrap_or_default(),
            times_hold: true,
        };
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(walk.walk(&call, &policy, &mut memory)?)
    }
}

/// What our own contexts do with a call that is sent there, for a simulated FreeSWITCH to do.
pub(super) fn dialplan(config: &Config) -> anyhow::Result<Dialplan> {
    let files = crate::app::rendered(config)?;
    let contexts = files.iter().filter(|file| file.path.starts_with("dialplan"));
    let walk = Walk::from_texts(contexts.map(|file| file.text.as_str()))
        .context("our own dialplan cannot be walked")?;
    Ok(Dialplan::new(move |context, number| {
        let call = walk::Call::new(context, number);
        let story = walk.walk(&call, &Policy::daemon_dead(), &mut Memory::default()).ok()?;
        let ours = !matches!(story.end, End::NoContext { .. });
        ours.then(|| story.applications())
    }))
}

/// What stands in for the operator's own dialplan.
fn operators_context(config: &Config) -> String {
    let context = config.dialplan.context.as_str();
    let domain = &config.domain;
    // FreeSWITCH takes `<include>` only on a line of its own.
    format!(
        "<include>\n<context name=\"{context}\"><extension name=\"users\">\
         <condition field=\"destination_number\" expression=\"^(\\d+)$\">\
         <action application=\"bridge\" data=\"user/$1@{domain}\"/></condition></extension></context>\n</include>\n"
    )
}

/// The variables that the dialplan had set when it came to `socket`.
fn with_variables(mut setup: CallSetup, story: &Story) -> CallSetup {
    let set: BTreeMap<&str, &str> = story
        .steps
        .iter()
        .take_while(|step| !matches!(step, Step::Socket { .. }))
        .filter_map(|step| match step {
            Step::Sets { name, value } => Some((name.as_str(), value.as_str())),
            _ => None,
        })
        .collect();
    setup.variables.extend(set.into_iter().map(|(name, value)| (name.into(), value.into())));
    setup
}

/// The actions behind `socket`, for when nobody answers there.
fn with_fallback(mut setup: CallSetup, dead: &Story) -> CallSetup {
    let behind = dead.steps.iter().skip_while(|step| !matches!(step, Step::Socket { .. }));
    for step in behind {
        match step {
            Step::Plays { what } => setup = setup.then("playback", what),
            Step::Enters { context, number } => {
                return setup.then("transfer", &format!("{number} XML {context}"));
            }
            _ => {}
        }
    }
    match &dead.end {
        End::HungUp { cause } => setup.then("hangup", cause),
        _ => setup,
    }
}

/// The simulated phone of a MAC address.
pub(super) fn phone(mac: Mac, secret: &str) -> Phone {
    Phone::new(mac.to_string(), secret.to_owned().into())
}

/// What a caller heard, in words.
pub(super) fn in_words(heard: &Heard) -> String {
    match heard {
        Heard::Answered => "(picks up)".into(),
        Heard::Prompt(file) => spoken(file),
        Heard::Tone(tone) => format!("(a tone: {tone})"),
        Heard::Silence => "(silence)".into(),
        Heard::Said { text, .. } => format!("\u{201c}{text}\u{201d}"),
        Heard::Keys { min, max, .. } => format!("(waits for {min} to {max} keys, then #)"),
        Heard::Application { name, argument } => format!("({name} {argument})"),
        Heard::Bridged { agent } => format!("(agent {agent} picks up)"),
        Heard::Transferred { extension, context } => {
            format!("(transferred to {extension} in {context})")
        }
        Heard::HungUp { cause } => format!("(the call ends: {cause})"),
    }
}

/// What a stock prompt says, from its file name (`ivr/ivr-you_are_now_logged_in.wav`).
fn spoken(file: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or(file);
    let name = name.strip_suffix(".wav").unwrap_or(name);
    let name = name.strip_prefix("ivr-").or(name.strip_prefix("vm-")).unwrap_or(name);
    format!("\u{201c}{}\u{201d}", name.replace(['_', '-'], " "))
}
