//! Invariant 1, as a question to any dialplan: does each emergency number reach its route from each
//! of our contexts with the daemon dead, and without asking it first?

use std::fmt;

use super::dialplan::{HOTDESK, RESTRICTED};
use super::settings::EmergencySettings;
use super::walk::{Call, End, Memory, Policy, Story, Walk, WalkError};

/// What became of one emergency number dialled from one context.
#[derive(Debug)]
pub struct Verdict {
    /// The context.
    pub context: String,
    /// The number as dialled (`0999`).
    pub number: String,
    /// The dial-string that was reached, or what is wrong.
    pub outcome: Result<String, Fault>,
    /// The walk, where there was one.
    pub story: Option<Story>,
}

/// Why an emergency number cannot be relied on.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The daemon is asked before the route is tried.
    #[error("the daemon is asked before any route is tried")]
    AsksDaemon,
    /// The call went somewhere else than to the first route.
    #[error("it reaches {reached} instead of the route {wanted}")]
    OtherRoute {
        /// The dial-string that was reached.
        reached: String,
        /// The first route, with the number put in.
        wanted: String,
    },
    /// No dial-string was reached.
    #[error("it reaches no route: {0}")]
    NoRoute(End),
    /// The dialplan could not be walked.
    #[error(transparent)]
    Walk(#[from] WalkError),
}

/// Dials every emergency number, bare and behind every trunk prefix, from both of our contexts, with
/// the variables of `phone` (those of its directory entry).
///
/// Where routes are set the first one must be reached; where none is, whatever the operator's
/// dialplan dials will do. [`Policy::daemon`] should be dead; the policy's `dial` decides what
/// answers.
pub fn dial_every_number(
    walk: &Walk,
    settings: &EmergencySettings,
    phone: &Call,
    policy: &Policy<'_>,
) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for context in [RESTRICTED, HOTDESK] {
        for (number, bare) in settings.dialled_and_bare() {
            let call = Call {
                context: context.to_owned(),
                number: number.clone(),
                variables: phone.variables.clone(),
            };
            let walked = walk.walk(&call, policy, &mut Memory::default());
            let (outcome, story) = match walked {
                Ok(story) => (judge(&story, settings, &bare), Some(story)),
                Err(fault) => (Err(fault.into()), None),
            };
            verdicts.push(Verdict { context: context.to_owned(), number, outcome, story });
        }
    }
    verdicts
}

/// Whether a walk is an emergency call that gets through without the daemon.
pub(super) fn judge(
    story: &Story,
    settings: &EmergencySettings,
    bare: &str,
) -> Result<String, Fault> {
    if story.asks_daemon_first() {
        return Err(Fault::AsksDaemon);
    }
    let dialled = story.dialled();
    let Some(reached) = dialled.first().map(|target| (*target).to_owned()) else {
        return Err(Fault::NoRoute(story.end.clone()));
    };
    if let Some(route) = settings.routes.first() {
        let wanted = route.with_number(bare);
        if wanted != reached {
            return Err(Fault::OtherRoute { reached, wanted });
        }
    }
    match &story.end {
        End::Connected { .. } => Ok(reached),
        end => Err(Fault::NoRoute(end.clone())),
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { context, number, .. } = self;
        match &self.outcome {
            Ok(reached) => write!(f, "{number} from {context}: reaches {reached}"),
            Err(fault) => write!(f, "{number} from {context}: {fault}"),
        }
    }
}
