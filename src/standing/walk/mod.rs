//! Walks the dialplan: answers "what would FreeSWITCH do with this number".
//!
//! By the rules of `mod_dialplan_xml.c`: first the whole context is *hunted* - extensions in order,
//! conditions in order, `inline` actions at once, the others collected -, then what was collected is
//! executed in order, and a `transfer` hunts again. What lies outside FreeSWITCH (whether the daemon
//! answers, whether a bridge is answered, who a user is) the [`Policy`] says.
//!
//! Every walk ends: hops, steps, recursion and the size of every text are bounded.

mod channel;
mod functions;
mod hunt;
mod pattern;
mod run;
mod story;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use super::tree::{self, Element, Preprocessed, TreeError};

pub use story::{End, Step, Story};

/// A dialplan that was read, ready to be walked.
#[derive(Debug)]
pub struct Walk {
    contexts: Vec<Element>,
    globals: BTreeMap<String, String>,
}

/// A call as it enters the dialplan.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// The context where it starts.
    pub context: String,
    /// The number dialled.
    pub number: String,
    /// Channel variables, among them those of the caller's directory entry; the names of profile
    /// fields (`caller_id_number`, …) set the profile.
    pub variables: BTreeMap<String, String>,
}

impl Call {
    /// A call to `number` from `context`.
    pub fn new(context: &str, number: &str) -> Self {
        Self { context: context.to_owned(), number: number.to_owned(), ..Self::default() }
    }

    /// The same call with one more variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }
}

/// What lies outside the dialplan.
pub struct Policy<'a> {
    /// Whether somebody answers at the end of `socket`.
    pub daemon: Daemon,
    /// What becomes of one dial-string, options before it cut off (`sofia/gateway/trunk/999`).
    pub dial: &'a dyn Fn(&str) -> Dialled,
    /// The variables in the directory entry of a user (`1001@example.net`), if there is one.
    pub user: &'a dyn Fn(&str) -> Option<BTreeMap<String, String>>,
    /// The time, in seconds since 1970.
    pub now: u64,
    /// Whether conditions on date and time hold (`wday`, `hour`, …); they are not computed.
    pub times_hold: bool,
}

impl std::fmt::Debug for Policy<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policy")
            .field("daemon", &self.daemon)
            .field("now", &self.now)
            .field("times_hold", &self.times_hold)
            .finish_non_exhaustive()
    }
}

impl Policy<'_> {
    /// The daemon dead, every bridge answered, nobody in the directory, time conditions not met.
    pub fn daemon_dead() -> Self {
        Self {
            daemon: Daemon::Dead,
            dial: &|_| Dialled::Answered,
            user: &|_| None,
            now: 0,
            times_hold: false,
        }
    }
}

/// Whether somebody answers at the end of `socket`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Daemon {
    /// The connection is refused; FreeSWITCH goes on to the next action.
    Dead,
    /// The conversation takes over; the walk ends there.
    Alive,
}

/// What becomes of a dial-string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dialled {
    /// Somebody answers.
    Answered,
    /// Nobody does, for this hangup cause (`NORMAL_TEMPORARY_FAILURE`).
    Failed(String),
}

/// What `mod_db` and `mod_hash` keep from one call to the next.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    kept: BTreeMap<(String, String, String), String>,
}

impl Memory {
    const MOST: usize = 10_000;
}

impl Walk {
    /// Reads FreeSWITCH's whole configuration (`freeswitch.xml`), a file of contexts, or every
    /// `*.xml` of a folder in the order of their names; includes and all.
    ///
    /// # Errors
    /// A file cannot be read, is not XML, or too much comes together.
    pub fn load(path: &Path) -> Result<Self, WalkError> {
        let mut text = Preprocessed::default();
        if path.is_dir() {
            text.add_text("<X-PRE-PROCESS cmd=\"include\" data=\"*.xml\"/>", Some(path))?;
        } else {
            text.add_file(path)?;
        }
        Self::from_preprocessed(text)
    }

    /// Takes texts as if FreeSWITCH included them one after the other into its dialplan.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn from_texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, WalkError> {
        let mut together = Preprocessed::default();
        for text in texts {
            together.add_text(text, None)?;
        }
        Self::from_preprocessed(together)
    }

    fn from_preprocessed(text: Preprocessed) -> Result<Self, WalkError> {
        let top = tree::parse(&text.text)?;
        let whole = top.children("document").next();
        let contexts = match whole {
            Some(document) => document
                .find("section", "name", "dialplan")
                .map(|section| section.children("context").cloned().collect())
                .unwrap_or_default(),
            None => top.children("context").cloned().collect(),
        };
        Ok(Self { contexts, globals: text.globals })
    }

    /// The names of the contexts, each once: of two with one name FreeSWITCH takes the first.
    pub fn contexts(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for name in self.contexts.iter().filter_map(|context| context.attribute("name")) {
            if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                names.push(name);
            }
        }
        names
    }

    /// Walks a call to its end.
    ///
    /// # Errors
    /// A pattern on the way cannot be compiled here, or the call goes on without end.
    pub fn walk(
        &self,
        call: &Call,
        policy: &Policy<'_>,
        memory: &mut Memory,
    ) -> Result<Story, WalkError> {
        run::Run::new(self, call, policy, memory).walk(call)
    }

    /// The context of this name, else `global`, as `mod_dialplan_xml` looks for them.
    fn context(&self, name: &str) -> Option<&Element> {
        let named = |wanted: &str| {
            self.contexts.iter().find(|context| {
                context.attribute("name").is_some_and(|found| found.eq_ignore_ascii_case(wanted))
            })
        };
        named(name).or_else(|| named("global"))
    }
}

/// The dialplan could not be walked.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// It could not be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A pattern that cannot be judged here: FreeSWITCH's engine (PCRE) may know it.
    #[error(
        "in extension {extension} of context {context}: cannot judge the pattern {pattern}: {fault}"
    )]
    Pattern {
        /// The context.
        context: String,
        /// The extension.
        extension: String,
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        fault: String,
    },
    /// The call was still going from context to context, or from action to action.
    #[error("the call goes on without end: more than {0} transfers or steps")]
    Endless(usize),
}
