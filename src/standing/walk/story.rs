//! What happened on a walk, to be read by people and by tests.

use std::fmt;

/// A walk from the first context to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// What happened, in order.
    pub steps: Vec<Step>,
    /// How it ended.
    pub end: End,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The context is hunted for the number.
    Enters {
        /// The context.
        context: String,
        /// The number.
        number: String,
    },
    /// An extension matched.
    Matches {
        /// Its name.
        extension: String,
    },
    /// A variable, exported variable or profile field is set.
    Sets {
        /// Its name.
        name: String,
        /// Its value, expanded; empty: it is unset.
        value: String,
    },
    /// The caller becomes a user of the directory, with that user's variables.
    BecomesUser {
        /// `user@domain`.
        user: String,
        /// Whether the directory knows the user.
        known: bool,
    },
    /// The event socket is called.
    Socket {
        /// `host:port/path`, several with `|`.
        hosts: String,
        /// Whether somebody answered there.
        answered: bool,
    },
    /// Somebody is called.
    Dials {
        /// One dial-string, without the options before it.
        target: String,
        /// The options before it (`{…}`).
        options: String,
        /// The hangup cause if it failed.
        failed: Option<String>,
    },
    /// A file or tone is played.
    Plays {
        /// Which.
        what: String,
    },
    /// The call is answered.
    Answers,
    /// An event is fired.
    Fires {
        /// Its headers as given.
        event: String,
    },
    /// An application whose doing the walk passes over.
    PassesOver {
        /// Its name.
        application: String,
        /// Its argument, expanded.
        data: String,
    },
    /// Only a running FreeSWITCH knows this function's answer; here it was empty.
    Unanswered {
        /// The function with its argument.
        function: String,
    },
    /// A condition on date or time was taken as the policy says.
    TimeCondition {
        /// Whether it was taken to hold.
        holds: bool,
    },
}

/// How a walk ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The caller talks to somebody.
    Connected {
        /// The dial-string.
        target: String,
    },
    /// The daemon leads the conversation.
    InConversation {
        /// What stands behind the port (`hotdesk/login`).
        path: String,
    },
    /// The call is parked.
    Parked,
    /// The call is hung up.
    HungUp {
        /// The hangup cause.
        cause: String,
    },
    /// Nothing in the context took the call.
    NoRoute {
        /// The context.
        context: String,
    },
    /// There is no such context, and no `global`.
    NoContext {
        /// The context.
        context: String,
    },
}

impl Story {
    /// The dial-strings in the order in which they were tried.
    pub fn dialled(&self) -> Vec<&str> {
        let dials = self.steps.iter().filter_map(|step| match step {
            Step::Dials { target, .. } => Some(target.as_str()),
            _ => None,
        });
        dials.collect()
    }

    /// What was executed on the way, as applications with their arguments, for a simulator to execute on a call.
    pub fn applications(&self) -> Vec<(String, String)> {
        let pair = |name: &str, argument: &str| Some((name.to_owned(), argument.to_owned()));
        let steps = self.steps.iter().filter_map(|step| match step {
            Step::Sets { name, value } if value.is_empty() => pair("unset", name),
            Step::Sets { name, value } => pair("set", &format!("{name}={value}")),
            Step::Dials { target, options, .. } => pair("bridge", &format!("{options}{target}")),
            Step::Plays { what } => pair("playback", what),
            Step::Answers => pair("answer", ""),
            Step::PassesOver { application, data } => pair(application, data),
            _ => None,
        });
        let end = match &self.end {
            End::HungUp { cause } => pair("hangup", cause),
            _ => None,
        };
        steps.chain(end).collect()
    }

    /// Whether the event socket was called before the first dial-string, or at all if there is
    /// none.
    pub fn asks_daemon_first(&self) -> bool {
        let socket_or_dial =
            self.steps.iter().find(|step| matches!(step, Step::Socket { .. } | Step::Dials { .. }));
        matches!(socket_or_dial, Some(Step::Socket { .. }))
    }

    /// The last value that a variable or profile field was set to on the way.
    pub fn value(&self, wanted: &str) -> Option<&str> {
        self.steps.iter().rev().find_map(|step| match step {
            Step::Sets { name, value } if name == wanted => Some(value.as_str()),
            _ => None,
        })
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            writeln!(f, "{step}")?;
        }
        write!(f, "{}", self.end)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enters { context, number } => write!(f, "{number} in context {context}"),
            Self::Matches { extension } => write!(f, "  matches {extension}"),
            Self::Sets { name, value } if value.is_empty() => write!(f, "  unsets {name}"),
            Self::Sets { name, value } => write!(f, "  sets {name} to {value}"),
            Self::BecomesUser { user, known: true } => write!(f, "  becomes {user}"),
            Self::BecomesUser { user, known: false } => {
                write!(f, "  would become {user}, whom the directory does not know")
            }
            Self::Socket { hosts, answered: true } => write!(f, "  calls the daemon at {hosts}"),
            Self::Socket { hosts, answered: false } => {
                write!(f, "  calls the daemon at {hosts}: nobody there")
            }
            Self::Dials { target, failed: None, .. } => write!(f, "  dials {target}: answered"),
            Self::Dials { target, failed: Some(cause), .. } => {
                write!(f, "  dials {target}: {cause}")
            }
            Self::Plays { what } => write!(f, "  plays {what}"),
            Self::Answers => write!(f, "  answers"),
            Self::Fires { event } => write!(f, "  fires the event {event}"),
            Self::PassesOver { application, data } => {
                write!(f, "  executes {application} {data}")?;
                write!(f, " (not walked)")
            }
            Self::Unanswered { function } => {
                write!(f, "  asks {function}, which only a running FreeSWITCH knows")
            }
            Self::TimeCondition { holds: true } => write!(f, "  a time condition, taken to hold"),
            Self::TimeCondition { holds: false } => {
                write!(f, "  a time condition, taken not to hold")
            }
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected { target } => write!(f, "connected to {target}"),
            Self::InConversation { path } => write!(f, "in conversation: {path}"),
            Self::Parked => write!(f, "parked"),
            Self::HungUp { cause } => write!(f, "hung up: {cause}"),
            Self::NoRoute { context } => write!(f, "no route: nothing in {context} takes it"),
            Self::NoContext { context } => write!(f, "no route: there is no context {context}"),
        }
    }
}
