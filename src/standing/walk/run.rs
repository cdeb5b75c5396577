//! Executing: what the collected applications do, one after the other, until the call has an end.

use super::channel::{Channel, Expander, truth};
use super::{Call, Daemon, Dialled, End, Memory, Policy, Step, Story, Walk, WalkError};

/// More transfers than FreeSWITCH itself allows a call (`max_forwards` is 70).
const MOST_HOPS: usize = 70;
/// More than any real call does.
const MOST_STEPS: usize = 20_000;

/// One walk.
pub(super) struct Run<'a> {
    walk: &'a Walk,
    pub(super) policy: &'a Policy<'a>,
    memory: &'a mut Memory,
    pub(super) channel: Channel,
    pub(super) steps: Vec<Step>,
    counted: usize,
    transferred: Option<(String, String)>,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        walk: &'a Walk,
        call: &Call,
        policy: &'a Policy<'a>,
        memory: &'a mut Memory,
    ) -> Self {
        Self {
            walk,
            policy,
            memory,
            channel: Channel::new(&call.variables),
            steps: Vec::new(),
            counted: 0,
            transferred: None,
        }
    }

    pub(super) fn walk(mut self, call: &Call) -> Result<Story, WalkError> {
        let (mut context, mut number) = (call.context.clone(), call.number.clone());
        for _ in 0..MOST_HOPS {
            if let Some(end) = self.through(&context, &number)? {
                return Ok(Story { steps: self.steps, end });
            }
            match self.transferred.take() {
                Some((to, next)) => (number, context) = (to, next),
                None => {
                    // The dialplan has nothing more to do: FreeSWITCH clears the call.
                    let end = End::HungUp { cause: "NORMAL_CLEARING".to_owned() };
                    return Ok(Story { steps: self.steps, end });
                }
            }
        }
        Err(WalkError::Endless(MOST_HOPS))
    }

    /// One context: hunts it and executes what was found.
    fn through(&mut self, context: &str, number: &str) -> Result<Option<End>, WalkError> {
        self.channel.set_profile("destination_number", number);
        self.channel.set_profile("context", context);
        self.steps.push(Step::Enters { context: context.to_owned(), number: number.to_owned() });
        let Some(found) = self.walk.context(context) else {
            return Ok(Some(End::NoContext { context: context.to_owned() }));
        };
        let Some(planned) = self.hunt(context, found)? else {
            return Ok(Some(End::NoRoute { context: context.to_owned() }));
        };
        for action in planned {
            self.count()?;
            let end = self.execute(&action.application, &action.data)?;
            if end.is_some() || self.transferred.is_some() {
                return Ok(end);
            }
        }
        Ok(None)
    }

    pub(super) fn count(&mut self) -> Result<(), WalkError> {
        self.counted += 1;
        if self.counted > MOST_STEPS {
            return Err(WalkError::Endless(MOST_STEPS));
        }
        Ok(())
    }

    pub(super) fn expand(&mut self, text: &str) -> String {
        let mut expander = Expander {
            channel: &self.channel,
            globals: &self.walk.globals,
            policy: self.policy,
            memory: self.memory,
            unknown: Vec::new(),
        };
        let expanded = expander.expand(text);
        let unknown = expander.unknown;
        let unanswered = |function| Step::Unanswered { function };
        self.steps.extend(unknown.into_iter().map(unanswered));
        expanded
    }

    /// Executes one application; gives the end if the call ends with it.
    pub(super) fn execute(
        &mut self,
        application: &str,
        data: &str,
    ) -> Result<Option<End>, WalkError> {
        let data = self.expand(data);
        let step = match application {
            "set" | "export" | "bridge_export" => return Ok(self.assign(application, &data)),
            "multiset" => return Ok(self.assign_many(&data)),
            "unset" => {
                self.channel.set(&data, "");
                Step::Sets { name: data, value: String::new() }
            }
            "set_profile_var" => {
                let (name, value) = data.split_once('=').unwrap_or((&data, ""));
                self.channel.set_profile(name, value);
                Step::Sets { name: name.to_owned(), value: value.to_owned() }
            }
            "set_user" => self.become_user(data),
            "transfer" => return Ok(self.transfer(&data)),
            "bridge" => return self.bridge(&data),
            "socket" => return Ok(self.socket(&data)),
            "hangup" => {
                let cause = if data.is_empty() { "NORMAL_CLEARING".to_owned() } else { data };
                return Ok(Some(End::HungUp { cause }));
            }
            "respond" | "deflect" | "redirect" => {
                return Ok(Some(End::HungUp { cause: format!("{application} {data}") }));
            }
            "park" => return Ok(Some(End::Parked)),
            "answer" => Step::Answers,
            "playback" | "gentones" | "endless_playback" => Step::Plays { what: data },
            "event" => Step::Fires { event: data },
            "db" | "hash" => {
                self.memory.answer(application, &data);
                Step::PassesOver { application: application.to_owned(), data }
            }
            _ => Step::PassesOver { application: application.to_owned(), data },
        };
        self.steps.push(step);
        Ok(None)
    }

    fn assign(&mut self, application: &str, data: &str) -> Option<End> {
        // `set` takes a comma where there is no `=`, and expands the value once more.
        let pair = data.split_once('=').or_else(|| data.split_once(','));
        let (name, value) = pair.unwrap_or((data, ""));
        let value = self.expand(value);
        let name = name.strip_prefix("nolocal:").unwrap_or(name);
        if application == "set" {
            self.channel.set(name, &value);
        } else {
            self.channel.export(name, &value);
        }
        self.steps.push(Step::Sets { name: name.to_owned(), value });
        None
    }

    fn assign_many(&mut self, data: &str) -> Option<End> {
        let delimited = data.strip_prefix("^^").and_then(|behind| {
            let delimiter = behind.chars().next()?;
            Some((delimiter, behind.strip_prefix(delimiter)?))
        });
        let (delimiter, pairs) = delimited.unwrap_or((' ', data));
        for pair in pairs.split(delimiter).filter(|pair| !pair.is_empty()) {
            self.assign("set", pair);
        }
        None
    }

    fn become_user(&mut self, user: String) -> Step {
        let variables = (self.policy.user)(&user);
        let known = variables.is_some();
        for (name, value) in variables.unwrap_or_default() {
            self.channel.set(&name, &value);
        }
        Step::BecomesUser { user, known }
    }

    fn transfer(&mut self, data: &str) -> Option<End> {
        let words: Vec<&str> = data.split_whitespace().collect();
        let own = words.iter().all(|word| *word != "-bleg");
        let mut words = words.into_iter().filter(|word| *word != "-both");
        let Some(number) = words.next().filter(|_| own) else {
            let application = "transfer".to_owned();
            self.steps.push(Step::PassesOver { application, data: data.to_owned() });
            return None;
        };
        let dialplan = words.next().unwrap_or("XML");
        let context = words.next().unwrap_or(self.channel.profile("context"));
        if !dialplan.eq_ignore_ascii_case("XML") {
            return Some(End::NoContext { context: format!("of the dialplan {dialplan}") });
        }
        self.transferred = Some((number.to_owned(), context.to_owned()));
        None
    }

    fn socket(&mut self, data: &str) -> Option<End> {
        let hosts = data.split_whitespace().next().unwrap_or_default();
        let answered = self.policy.daemon == Daemon::Alive;
        self.steps.push(Step::Socket { hosts: hosts.to_owned(), answered });
        let first = hosts.split('|').next().unwrap_or_default();
        let path = first.split_once('/').map_or("", |(_, path)| path);
        self.channel.set("socket_path", path);
        answered.then(|| End::InConversation { path: path.to_owned() })
    }

    /// Tries a dial-string's alternatives (`|`) in turn, those of one alternative (`,`) together.
    fn bridge(&mut self, data: &str) -> Result<Option<End>, WalkError> {
        let (options, targets) = leading_options(data);
        let mut last = "NORMAL_TEMPORARY_FAILURE".to_owned();
        for target in targets.split('|').flat_map(|together| together.split([','])) {
            self.count()?;
            let target = local_options_cut(target.trim());
            let dialled = (self.policy.dial)(target);
            let failed = match &dialled {
                Dialled::Answered => None,
                Dialled::Failed(cause) => Some(cause.clone()),
            };
            self.steps.push(Step::Dials {
                target: target.to_owned(),
                options: options.to_owned(),
                failed: failed.clone(),
            });
            match failed {
                // What follows when they hang up depends on who does first: not walked.
                None => {
                    return Ok(Some(End::Connected { target: target.to_owned() }));
                }
                Some(cause) => last = cause,
            }
        }
        Ok((!self.continues(&last)).then_some(End::HungUp { cause: last }))
    }

    /// Whether the dialplan goes on after a failed bridge (`switch_channel_handle_cause`).
    fn continues(&self, cause: &str) -> bool {
        let listed = |list: &str| list.split(',').any(|item| item.eq_ignore_ascii_case(cause));
        let fatal = self.channel.get("failure_causes");
        let harmless = self.channel.get("continue_on_fail");
        match (fatal, harmless) {
            (None, None) => ["NO_ANSWER", "NO_USER_RESPONSE", "ORIGINATOR_CANCEL"].contains(&cause),
            (Some(fatal), _) if !listed(fatal) => true,
            (_, Some(harmless)) => truth(harmless) || listed(harmless),
            (Some(_), None) => false,
        }
    }
}

/// The `{…}` and `<…>` before a dial-string, and what stands behind them.
fn leading_options(data: &str) -> (&str, &str) {
    let mut rest = data.trim_start();
    while let Some(closing) = rest.chars().next().and_then(closing_of) {
        match rest.split_once(closing) {
            Some((_, behind)) => rest = behind.trim_start(),
            None => break,
        }
    }
    let options = data.len().saturating_sub(rest.len());
    data.split_at_checked(options).unwrap_or(("", data))
}

fn closing_of(opening: char) -> Option<char> {
    match opening {
        '{' => Some('}'),
        '<' => Some('>'),
        _ => None,
    }
}

fn local_options_cut(target: &str) -> &str {
    match target.strip_prefix('[').and_then(|behind| behind.split_once(']')) {
        Some((_, behind)) => behind,
        None => target,
    }
}
