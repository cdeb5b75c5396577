//! The applications that a daemon may execute, and those of a dialplan behind it.

use std::time::Duration;

use super::super::call::Heard;
use super::super::node::microseconds;
use super::super::packet::leading_number;
use super::super::template::fill;
use super::state::{Route, Running};
use super::thread::CallThread;

/// What an application does. A name that is none hangs the call up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Application {
    Answer,
    PreAnswer,
    Playback,
    Say,
    Sleep,
    Set,
    MultiSet,
    Unset,
    MultiUnset,
    Export,
    Hangup,
    Respond,
    Transfer,
    PlayAndGetDigits,
    Read,
    Database,
    Park,
    CallCenter,
    /// Takes the call until somebody hangs up.
    Elsewhere,
    /// Does nothing that a caller or a daemon would notice.
    Nothing,
}

impl Application {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "answer" => Self::Answer,
            "pre_answer" => Self::PreAnswer,
            "playback" | "phrase" => Self::Playback,
            "say" => Self::Say,
            "sleep" => Self::Sleep,
            "set" => Self::Set,
            "multiset" => Self::MultiSet,
            "unset" => Self::Unset,
            "multiunset" => Self::MultiUnset,
            "export" => Self::Export,
            "hangup" => Self::Hangup,
            "respond" => Self::Respond,
            "transfer" => Self::Transfer,
            "play_and_get_digits" => Self::PlayAndGetDigits,
            "read" => Self::Read,
            "db" | "hash" => Self::Database,
            "park" | "echo" => Self::Park,
            "callcenter" => Self::CallCenter,
            "bridge" | "voicemail" | "fifo" | "conference" => Self::Elsewhere,
            "info" | "log" | "event" | "set_user" | "set_profile_var" | "ring_ready"
            | "sched_hangup" | "flush_dtmf" | "presence" | "send_info" => Self::Nothing,
            _ => return None,
        })
    }

    /// FreeSWITCH opens the media path before these.
    pub(super) fn needs_media(self) -> bool {
        matches!(self, Self::Playback | Self::Say | Self::PlayAndGetDigits | Self::Read)
    }
}

impl CallThread {
    pub(super) async fn perform(&mut self, work: Application, name: &str, argument: &str) {
        match work {
            Application::Answer => self.answer(),
            Application::PreAnswer => self.pre_answer(),
            Application::Playback => self.playback(name, argument).await,
            Application::Say => self.say(argument).await,
            Application::Sleep => {
                let span = Duration::from_millis(leading_number(argument) as u64);
                self.pause(span.min(self.node.settings.longest_sleep)).await;
            }
            Application::Set => self.assign(argument),
            Application::Export => {
                self.assign(argument.strip_prefix("nolocal:").unwrap_or(argument))
            }
            Application::MultiSet => {
                split_marked(argument).iter().for_each(|pair| self.assign(pair))
            }
            Application::Unset => self.channel.set(argument.trim(), None),
            Application::MultiUnset => {
                split_marked(argument).iter().for_each(|name| self.channel.set(name.trim(), None));
            }
            Application::Hangup => {
                let cause = if argument.is_empty() { "NORMAL_CLEARING" } else { argument };
                self.channel.hang_up(&self.node, cause, "send_bye");
            }
            Application::Respond => {
                self.channel.hang_up(&self.node, response_cause(argument), "send_refuse");
            }
            Application::Transfer => self.transfer_to(argument),
            Application::PlayAndGetDigits => self.play_and_get_digits(argument).await,
            Application::Read => self.read(argument).await,
            Application::Database => {
                self.node.database(argument);
            }
            Application::Park => {
                self.pause(self.node.settings.longest_call).await;
            }
            Application::CallCenter if self.node.lock().callcenter.loaded => {
                self.tell(Heard::Application {
                    name: name.to_owned(),
                    argument: argument.to_owned(),
                });
                self.callcenter(argument).await;
            }
            Application::CallCenter | Application::Elsewhere => {
                self.tell(Heard::Application {
                    name: name.to_owned(),
                    argument: argument.to_owned(),
                });
                self.pause(self.node.settings.longest_call).await;
            }
            Application::Nothing => {}
        }
    }

    /// Early media: codec, media variables, `CHANNEL_PROGRESS_MEDIA`.
    pub(super) fn pre_answer(&self) {
        let channel = &self.channel;
        let first = {
            let state = channel.lock();
            state.progress_media == 0 && state.cause.is_none()
        };
        if !first {
            return;
        }
        let lines =
            fill(include_str!("../templates/media.txt"), |place| channel.place(&self.node, place));
        for (name, value) in lines {
            channel.set(&name, Some(&value));
        }
        channel.update(|state| {
            state.progress_media = microseconds();
            state.answer_state = "early";
        });
        let source = ("switch_channel.c", "switch_channel_perform_mark_pre_answered", 3562);
        self.fire("CHANNEL_PROGRESS_MEDIA", source, true, vec![]);
        channel.update(|state| state.call_state = "EARLY");
    }

    pub(in super::super) fn answer(&self) {
        self.pre_answer();
        let channel = &self.channel;
        let first = channel.update(|state| {
            let first = state.answered == 0 && state.cause.is_none();
            if first {
                state.answered = microseconds();
                state.answer_state = "answered";
            }
            first
        });
        if !first {
            return;
        }
        let media_port = channel.place(&self.node, "media_port").unwrap_or_default();
        let sdp = format!(
            "v=0\r\no=FreeSWITCH 1795265510 1795265511 IN IP4 127.0.0.1\r\ns=FreeSWITCH\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {media_port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
        );
        channel.set("rtp_local_sdp_str", Some(&sdp));
        let source = ("switch_channel.c", "switch_channel_perform_mark_answered", 3776);
        self.fire("CHANNEL_ANSWER", source, true, vec![]);
        channel.update(|state| state.call_state = "ACTIVE");
        channel.set("endpoint_disposition", Some("ANSWER"));
        channel.acknowledged(&self.node);
        self.tell(Heard::Answered);
    }

    /// `playback FILE`: keys are eaten, `playback_terminators` (default `*`) ends it.
    async fn playback(&mut self, name: &str, argument: &str) {
        let file = match name {
            "phrase" => format!("phrase:{argument}"),
            _ => argument.to_owned(),
        };
        let terminators =
            self.channel.variable("playback_terminators").unwrap_or_else(|| "*".to_owned());
        self.play(&file, &mut |key| terminators.contains(key)).await;
        self.channel.set("current_application_response", Some("FILE PLAYED"));
    }

    /// `say LANGUAGE TYPE METHOD TEXT`.
    async fn say(&mut self, argument: &str) {
        let mut words = argument.splitn(4, ' ');
        let (_, kind, method) = (words.next(), words.next(), words.next());
        self.tell(Heard::Said {
            kind: kind.unwrap_or_default().to_owned(),
            method: method.unwrap_or_default().to_owned(),
            text: words.next().unwrap_or_default().to_owned(),
        });
        self.listen(&mut |_| false).await;
    }

    /// `NAME=VALUE`. What looks like a variable after the expansion is refused by FreeSWITCH.
    fn assign(&self, pair: &str) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if value.contains("${") && value.contains('}') {
            self.node.lock().traps.push(format!("dropped {name}"));
            return;
        }
        let value = Some(value).filter(|value| *value != "_undef_");
        self.channel.set(name.trim(), value);
    }

    /// `EXTENSION [DIALPLAN] [CONTEXT]`.
    pub(super) fn transfer_to(&mut self, argument: &str) {
        let mut words = argument.split(' ').filter(|word| !word.is_empty());
        let Some(extension) = words.next() else {
            return;
        };
        let dialplan = words.next().unwrap_or("XML").to_owned();
        let before = self.channel.lock().route.clone();
        let context = words.next().unwrap_or(&before.context).to_owned();
        let left = leading_number(&self.channel.variable("max_forwards").unwrap_or_default());
        self.channel.set("max_forwards", Some(&left.saturating_sub(1).to_string()));
        let history = format!(
            "{}:{}:bl_xfer:{extension}/{context}/{dialplan}",
            microseconds() / 1_000_000,
            self.node.uuid()
        );
        self.channel.set("transfer_history", Some(&history));
        self.channel.set("transfer_source", Some(&history));
        let extension = extension.to_owned();
        self.channel.update(|state| {
            state.route = Route {
                number: extension.clone(),
                context: context.clone(),
                profile: before.profile + 1,
                created: microseconds(),
                from: Some((before.number, history)),
            };
            if state.cause.is_none() {
                state.state = Running::Routing;
            }
        });
        self.transfer = Some((extension, dialplan, context));
    }
}

/// Words, or with `^^X` in front what stands between X.
fn split_marked(text: &str) -> Vec<&str> {
    match text.strip_prefix("^^").and_then(|rest| Some((rest.chars().next()?, rest))) {
        Some((delimiter, rest)) => rest.trim_start_matches(delimiter).split(delimiter).collect(),
        None => text.split(' ').filter(|word| !word.is_empty()).collect(),
    }
}

/// The cause that a SIP response becomes.
fn response_cause(argument: &str) -> &'static str {
    match leading_number(argument) {
        404 => "UNALLOCATED_NUMBER",
        480 => "NO_USER_RESPONSE",
        486 => "USER_BUSY",
        503 => "NORMAL_TEMPORARY_FAILURE",
        _ => "CALL_REJECTED",
    }
}
