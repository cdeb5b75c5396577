//! How a call leg is described: in events, in the answer to `connect`, in tables.

use super::super::event::{Event, get};
use super::super::node::{Node, local_time, microseconds};
use super::super::template::fill;
use super::Channel;

/// Variables of callers who authenticated.
const OF_USERS: [&str; 9] = [
    "sip_authorized",
    "sip_number_alias",
    "sip_auth_username",
    "sip_auth_realm",
    "number_alias",
    "requested_user_name",
    "requested_domain_name",
    "user_name",
    "domain_name",
];

impl Channel {
    /// The answer to `connect`: the caller's profile twice, everything encoded, no length.
    pub(in super::super) fn connect_reply(
        &self,
        node: &Node,
        is_async: bool,
        full: bool,
    ) -> String {
        let source = ("mod_event_socket.c", "parse_command", 2029);
        let mut event = node.event("CHANNEL_DATA", source);
        event.extend(self.profile(node, "Channel-"));
        self.describe(node, &mut event, true);
        event.push("Content-Type", "command/reply");
        event.push("Reply-Text", "+OK\n");
        event.push("Socket-Mode", if is_async { "async" } else { "static" });
        event.push("Control", if full { "full" } else { "single-channel" });
        event.plain()
    }

    /// State, codec, profile and perhaps variables, as `switch_channel_event_set_data` adds them.
    pub(in super::super) fn describe(&self, node: &Node, event: &mut Event, with_variables: bool) {
        event.extend(fill(include_str!("../templates/channel.txt"), |place| {
            self.place(node, place)
        }));
        let (cause, has_codec) = {
            let state = self.lock();
            (state.cause.clone(), state.progress_media > 0)
        };
        if let Some(cause) = cause {
            event.push("Hangup-Cause", cause);
        }
        if has_codec {
            event.extend(fill(include_str!("../templates/codec.txt"), |_| None));
        }
        event.extend(self.profile(node, "Caller-"));
        if with_variables {
            let variables = self.lock().variables.clone();
            event.extend(
                variables.into_iter().map(|(name, value)| (format!("variable_{name}"), value)),
            );
        }
    }

    fn profile(&self, node: &Node, prefix: &str) -> Vec<(String, String)> {
        fill(include_str!("../templates/caller.txt"), |place| self.place(node, place))
            .into_iter()
            // A call that was never transferred has neither.
            .filter(|(name, value)| {
                !(value.is_empty() && ["Transfer-Source", "RDNIS"].contains(&name.as_str()))
            })
            .map(|(name, value)| (format!("{prefix}{name}"), value))
            .collect()
    }

    /// What a channel has from the first moment: the INVITE's headers, and what the directory said.
    pub(super) fn first_variables(&self, node: &Node) -> Vec<(String, String)> {
        let stamp = node.stamp();
        let setup = &self.setup;
        let lines = fill(include_str!("../templates/variables.txt"), |place| {
            self.place(node, place).or_else(|| node.place(place, &stamp))
        });
        let own_presence = !setup.variables.iter().any(|(name, _)| name == "presence_id");
        let mut variables = Vec::new();
        for (name, value) in lines {
            match name.as_str() {
                name if setup.phone.is_empty() && OF_USERS.contains(&name) => {}
                "{params}" => variables.extend(setup.params.iter().cloned()),
                "{directory}" => variables.extend(setup.variables.iter().cloned()),
                "{presence_id}" if own_presence => {
                    variables.push(("presence_id".to_owned(), self.presence(node)));
                }
                "{presence_id}" => {}
                _ => variables.push((name, value)),
            }
        }
        variables
    }

    fn presence(&self, node: &Node) -> String {
        let given = get(&self.setup.variables, "presence_id").map(str::to_owned);
        given.unwrap_or_else(|| format!("{}@{}", self.setup.phone, node.settings.domain))
    }

    /// Values for the templates of this channel's events.
    pub(super) fn place(&self, node: &Node, name: &str) -> Option<String> {
        let state = self.lock();
        let setup = &self.setup;
        Some(match name {
            "uuid" => self.uuid.clone(),
            "phone" if setup.phone.is_empty() => setup.from_user.clone(),
            "phone" => setup.phone.clone(),
            "withheld" => setup.is_withheld.to_string(),
            "number" => state.route.number.clone(),
            "context" => state.route.context.clone(),
            "profile" => state.route.profile.to_string(),
            "transfer_source" => state.route.from.as_ref().map(|(_, source)| source.clone())?,
            "rdnis" => state.route.from.as_ref().map(|(number, _)| number.clone())?,
            "caller_name" => setup.caller_name.clone(),
            "caller_number" => setup.caller_number.clone(),
            "from_user" => setup.from_user.clone(),
            "ip" => setup.ip.clone(),
            "port" => setup.port.to_string(),
            "agent" => setup.agent.clone(),
            "domain" => node.settings.domain.to_string(),
            "call_id" => self.places.call_id.clone(),
            "session" | "invite_sequence" => self.places.session.to_string(),
            "to_tag" => self.places.to_tag.clone(),
            "media_port" => self.places.media_port.to_string(),
            "ssrc" => self.places.ssrc.to_string(),
            "presence" => {
                drop(state);
                self.presence(node)
            }
            "running" => state.running.name().to_owned(),
            "state_number" => (state.state as u8).to_string(),
            "call_state" => state.call_state.to_owned(),
            "answer_state" => state.answer_state.to_owned(),
            _ => return state.time(name),
        })
    }

    /// After the 200 for the INVITE has been acknowledged.
    pub(super) fn acknowledged(&self, node: &Node) {
        let tag = &self.places.to_tag;
        let (number, domain) = (&self.setup.number, &node.settings.domain);
        self.update(|state| {
            state.set("sip_to_tag", Some(tag));
            state.set("sip_cseq", Some("2"));
            state.set("sip_full_to", Some(&format!("<sip:{number}@{domain}>;tag={tag}")));
        });
    }

    /// What `CHANNEL_HANGUP_COMPLETE` reports beside the variables that were there.
    pub(super) fn report(&self) {
        self.update(|state| {
            state.hungup = microseconds();
            let application =
                get(&state.variables, "current_application").unwrap_or_default().to_owned();
            let argument = get(&state.variables, "current_application_data").map(str::to_owned);
            let lines = fill(include_str!("../templates/report.txt"), |place| match place {
                "cause" => state.cause.clone(),
                "q850" => Some(q850(state.cause.as_deref().unwrap_or_default()).to_string()),
                "dialed" if state.dialed.is_empty() => Some("none".to_owned()),
                "dialed" => Some(state.dialed.clone()),
                "last_app" => Some(application.clone()),
                "caller_name" => Some(self.setup.caller_name.clone()),
                "caller_number" => Some(self.setup.caller_number.clone()),
                "disposition" => Some(state.disposition.to_owned()),
                place => state.time(place),
            });
            for (name, value) in lines {
                state.set(&name, Some(&value));
                if name == "last_app"
                    && let Some(argument) = &argument
                {
                    state.set("last_arg", Some(argument));
                }
            }
        });
    }

    /// The row of `show channels`.
    pub(in super::super) fn row(&self, node: &Node) -> Vec<String> {
        let (created, running, call_state, route) = {
            let state = self.lock();
            (state.created, state.running, state.call_state, state.route.clone())
        };
        let setup = &self.setup;
        vec![
            self.uuid.clone(),
            "inbound".into(),
            local_time(created),
            (created / 1_000_000).to_string(),
            format!("sofia/internal/{}@{}", setup.phone, node.settings.domain),
            running.name().into(),
            setup.caller_name.clone(),
            setup.caller_number.clone(),
            setup.ip.clone(),
            route.number,
            self.variable("current_application").unwrap_or_default(),
            self.variable("current_application_data").unwrap_or_default(),
            "XML".into(),
            route.context,
            node.settings.switchname.clone(),
            self.presence(node),
            call_state.into(),
        ]
    }
}

/// The Q.850 number of a cause.
fn q850(cause: &str) -> u16 {
    match cause {
        "UNALLOCATED_NUMBER" => 1,
        "NORMAL_CLEARING" => 16,
        "USER_BUSY" => 17,
        "NO_USER_RESPONSE" => 18,
        "NO_ANSWER" => 19,
        "CALL_REJECTED" => 21,
        "DESTINATION_OUT_OF_ORDER" => 27,
        "NORMAL_TEMPORARY_FAILURE" => 41,
        "ORIGINATOR_CANCEL" => 487,
        "ALLOTTED_TIMEOUT" => 602,
        _ => 31,
    }
}
