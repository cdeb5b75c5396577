//! The dialplan that FreeSWITCH loads, rendered from the templates in `dialplan/`.
//!
//! Whole contexts of our own, `restricted`, `hotdesk` and `hotdesk_queues`, and a fragment for the operator's context where
//! calls from outside arrive. An emergency call and its call-back are FreeSWITCH's own affair from
//! beginning to end: no `socket` stands before them, and nothing in them can hang a call up because
//! a module of FreeSWITCH is not loaded.

use std::path::PathBuf;

use minijinja::{
    AutoEscape, Environment, ErrorKind, UndefinedBehavior, Value, context, syntax::SyntaxConfig,
};

use super::MARKER;
use super::settings::{
    DialledNumber, DialplanSettings, EmergencySettings, Flow, ServiceNumber, SocketHost,
};
use crate::model::{
    CallCenterRules, Domain, Extension, LAST_AGENT_CONTEXT, QUEUES_CONTEXT, TeamId, escape_xml,
};

mod queues;

#[cfg(test)]
mod tests;

/// A file of ours as it should stand on FreeSWITCH's disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedFile {
    /// Where, relative to the folder of the standing files.
    pub path: PathBuf,
    /// What, ours by its first line ([`MARKER`]).
    pub text: String,
}

/// What the dialplan is rendered from.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// The SIP domain of phones and users.
    pub domain: &'a Domain,
    /// The table `[dialplan]`.
    pub dialplan: &'a DialplanSettings,
    /// The table `[emergency]`.
    pub emergency: &'a EmergencySettings,
    /// Where FreeSWITCH finds the daemons, in the order in which it tries them
    /// ([`DialplanSettings::hosts_or`]).
    pub hosts: &'a [SocketHost],
    /// The service number, where there is one.
    pub service: Option<ServicePlan<'a>>,
    /// The queues, where there are some.
    pub queues: Option<&'a CallCenterRules>,
}

/// What the dialplan of the service number is rendered from.
#[derive(Debug, Clone, Copy)]
pub struct ServicePlan<'a> {
    /// Where customers' calls arrive; none: the operator's own dialplan sends them.
    pub numbers: &'a [ServiceNumber],
    /// The team whose queue takes them when nobody answers at the socket.
    pub default_queue: &'a TeamId,
    /// For how many seconds whoever served the caller is rung before the queue.
    pub agent_seconds: Option<u16>,
}

/// The context for phones that are nobody's.
pub const RESTRICTED: &str = "restricted";
/// The context for phones that are somebody's.
pub const HOTDESK: &str = "hotdesk";

impl Plan<'_> {
    /// Every dialplan file for these settings, in the order of their paths.
    ///
    /// # Errors
    /// A template of ours and the values do not go together: a mistake in hotdeskd.
    pub fn render(&self) -> Result<Vec<RenderedFile>, DialplanError> {
        let environment = environment()?;
        let values = self.values();
        let mut files = Vec::new();
        for (template, path) in [
            ("hotdesk.xml", "dialplan/hotdesk.xml"),
            ("restricted.xml", "dialplan/restricted.xml"),
            ("emergency_callback.xml", "public/00_hotdeskd_emergency_callback.xml"),
            ("last_agent.xml", "dialplan/last_agent.xml"),
            ("queues.xml", "dialplan/queues.xml"),
            ("queue_numbers.xml", "numbers/00_hotdeskd_queues.xml"),
            ("service.xml", "public/10_hotdeskd_service.xml"),
        ] {
            if !self.has(template) {
                continue;
            }
            files.push(RenderedFile {
                path: path.into(),
                text: environment.get_template(template)?.render(&values)?,
            });
        }
        Ok(files)
    }

    /// Whether these settings call for a file.
    fn has(&self, template: &str) -> bool {
        match template {
            "emergency_callback.xml" => {
                self.emergency.callback_minutes > 0 && !self.emergency.numbers.is_empty()
            }
            "service.xml" => self.service.is_some_and(|service| !service.numbers.is_empty()),
            "queues.xml" => self.queues.is_some(),
            "queue_numbers.xml" => self.queues.is_some_and(|rules| rules.has_numbers()),
            "last_agent.xml" => self.service.is_some_and(|service| service.agent_seconds.is_some()),
            _ => true,
        }
    }

    fn values(&self) -> Value {
        let Self { domain, dialplan, emergency, service, .. } = self;
        let routes: Vec<_> = emergency
            .routes
            .iter()
            .map(|route| {
                let (before, behind) = route.around_number();
                context! { before, behind }
            })
            .collect();
        context! {
            marker => Value::from_safe_string(MARKER.to_owned()),
            domain => domain.as_str(),
            context => dialplan.context.as_str(),
            codes => self.codes(),
            dialogue_seconds => dialplan.dialogue_seconds,
            extension_lengths => format!("{{{},{}}}", Extension::MIN_DIGITS, Extension::MAX_DIGITS),
            free_numbers => alternatives(&dialplan.free_numbers),
            has_emergency_numbers => !emergency.numbers.is_empty(),
            numbers => alternatives(&emergency.numbers),
            prefixes => optional(&emergency.trunk_prefixes),
            caller_id => emergency.caller_id.as_ref().map_or("", |number| number.as_str()),
            routes,
            failover_seconds => emergency.failover_seconds,
            callback_minutes => emergency.callback_minutes,
            callback_seconds => u32::from(emergency.callback_minutes) * 60,
            callback_digits => emergency.callback_digits,
            callback_context => emergency.callback_context.as_str(),
            queues => QUEUES_CONTEXT,
            last_agent => LAST_AGENT_CONTEXT,
            default_queue => service.map_or("", |service| service.default_queue.as_str()),
            agent_seconds => service.and_then(|service| service.agent_seconds),
            service_numbers => service.map(|service| {
                let digits = service.numbers.iter().map(ServiceNumber::digits);
                digits.collect::<Vec<_>>().join("|")
            }),
            service_hosts => self.hosts_with(Flow::CustomerService),
            ..queues::values(self.queues),
        }
    }

    /// What stands behind `socket`. Every host carries the path: FreeSWITCH reads it off the one that it reaches.
    fn hosts_with(&self, flow: Flow) -> String {
        let path = flow.socket_path();
        let hosts: Vec<_> = self.hosts.iter().map(|host| format!("{host}/{path}")).collect();
        hosts.join("|")
    }

    fn codes(&self) -> Vec<Value> {
        let code = |(flow, code): (Flow, &super::settings::DialCode)| {
            context! {
                name => flow.socket_path().trim_start_matches("hotdesk/").replace('-', "_"),
                pattern => regex::escape(code.as_str()),
                takes_extension => flow.takes_extension(),
                hosts => self.hosts_with(flow),
            }
        };
        self.dialplan.codes.enabled().map(code).collect()
    }
}

/// `999|112`; nothing but digits and `|`.
fn alternatives(numbers: &[DialledNumber]) -> String {
    let numbers: Vec<_> = numbers.iter().map(DialledNumber::as_str).collect();
    numbers.join("|")
}

/// `(?:0|9)??`, or nothing. Lazy, so that a number which itself begins like a prefix stays whole.
fn optional(prefixes: &[DialledNumber]) -> String {
    if prefixes.is_empty() { String::new() } else { format!("(?:{})??", alternatives(prefixes)) }
}

fn environment() -> Result<Environment<'static>, DialplanError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let mut syntax = SyntaxConfig::builder();
    syntax.keep_trailing_newline(true).trim_blocks(true).lstrip_blocks(true);
    environment.set_syntax(syntax.build()?);
    environment.set_auto_escape_callback(|_| AutoEscape::Custom("xml".into()));
    environment.set_formatter(|out, _state, value| {
        if value.is_safe() {
            return write!(out, "{value}").map_err(|_| ErrorKind::WriteFailure.into());
        }
        let text = value.to_string();
        out.write_str(&escape_xml(&text)).map_err(|_| ErrorKind::WriteFailure.into())
    });
    for (name, source) in [
        ("restricted.xml", include_str!("../../dialplan/restricted.xml")),
        ("hotdesk.xml", include_str!("../../dialplan/hotdesk.xml")),
        ("emergency.xml", include_str!("../../dialplan/emergency.xml")),
        ("codes.xml", include_str!("../../dialplan/codes.xml")),
        ("emergency_callback.xml", include_str!("../../dialplan/emergency_callback.xml")),
        ("last_agent.xml", include_str!("../../dialplan/last_agent.xml")),
        ("service.xml", include_str!("../../dialplan/service.xml")),
        ("queues.xml", include_str!("../../dialplan/queues.xml")),
        ("queue.xml", include_str!("../../dialplan/queue.xml")),
        ("overflow.xml", include_str!("../../dialplan/overflow.xml")),
        ("queue_numbers.xml", include_str!("../../dialplan/queue_numbers.xml")),
    ] {
        environment.add_template(name, source)?;
    }
    Ok(environment)
}

/// A template of ours and its values do not go together.
#[derive(Debug, thiserror::Error)]
#[error("hotdeskd's own dialplan template does not render; this is a mistake in hotdeskd: {0:#}")]
pub struct DialplanError(#[from] minijinja::Error);
