//! One step as a command for FreeSWITCH.

use crate::event_socket::{Api, Argument, ChannelWord, TextError};
use crate::model::{AgentStatus, QueueStep};

/// What may be set of an agent, or of a tier.
const KEYS: [&str; 9] = [
    "contact",
    "type",
    "max_no_answer",
    "wrap_up_time",
    "reject_delay_time",
    "busy_delay_time",
    "no_answer_delay_time",
    "level",
    "position",
];

/// The command. Nothing that a name could hold gets into it but one plain word.
pub(super) fn command(step: &QueueStep) -> Result<Api, TextError> {
    let word = |text: &str| ChannelWord::parse(text);
    let config = |argument: Argument| Api::new("callcenter_config").argument(argument);
    Ok(match step {
        QueueStep::LoadModule => Api::new("load").argument("mod_callcenter"),
        QueueStep::LoadQueue { queue } => {
            config(Argument::literal("queue load ").then_word(&word(queue)?))
        }
        QueueStep::ReloadQueue { queue } => {
            config(Argument::literal("queue reload ").then_word(&word(queue)?))
        }
        QueueStep::UnloadQueue { queue } => {
            config(Argument::literal("queue unload ").then_word(&word(queue)?))
        }
        QueueStep::AddAgent { agent } => {
            let argument = Argument::literal("agent add ").then_word(&word(agent)?);
            config(argument.then_literal(" callback"))
        }
        QueueStep::RemoveAgent { agent } => {
            config(Argument::literal("agent del ").then_word(&word(agent)?))
        }
        QueueStep::SetAgent { agent, key, value } => config(
            Argument::literal("agent set ")
                .then_literal(literal(key)?)
                .then_literal(" ")
                .then_word(&word(agent)?)
                .then_literal(" ")
                .then_word(&word(value)?),
        ),
        QueueStep::SetStatus { agent, status } => config(
            Argument::literal("agent set status ")
                .then_word(&word(agent)?)
                .then_literal(quoted(*status)),
        ),
        QueueStep::AddTier { queue, agent, level, position } => config(
            tier("tier add ", &word(queue)?, &word(agent)?)
                .then_literal(" ")
                .then_number(u64::from(*level))
                .then_literal(" ")
                .then_number(u64::from(*position)),
        ),
        QueueStep::SetTier { queue, agent, key, value } => config(
            Argument::literal("tier set ")
                .then_literal(literal(key)?)
                .then_literal(" ")
                .then_word(&word(queue)?)
                .then_literal(" ")
                .then_word(&word(agent)?)
                .then_literal(" ")
                .then_number(u64::from(*value)),
        ),
        QueueStep::RemoveTier { queue, agent } => {
            config(tier("tier del ", &word(queue)?, &word(agent)?))
        }
    })
}

fn tier(verb: &'static str, queue: &ChannelWord, agent: &ChannelWord) -> Argument {
    Argument::literal(verb).then_word(queue).then_literal(" ").then_word(agent)
}

fn literal(key: &str) -> Result<&'static str, TextError> {
    KEYS.into_iter().find(|known| *known == key).ok_or(TextError::Empty)
}

fn quoted(status: AgentStatus) -> &'static str {
    match status {
        AgentStatus::LoggedOut => " 'Logged Out'",
        AgentStatus::Available => " Available",
        AgentStatus::AvailableOnDemand => " 'Available (On Demand)'",
        AgentStatus::OnBreak => " 'On Break'",
    }
}
