//! `call NUMBER --from NUMBER`: somebody calls from outside, as on the service number.

use std::time::Duration;

use anyhow::anyhow;
use tokio::time::sleep;

use super::Printed;
use crate::cli::door::Door;
use crate::cli::journal;
use crate::cli::rehearsal::{Dial, Rehearsal, in_words};
use crate::config::Config;
use crate::http::admin::Ask;
use crate::model::{Happening, JournalEntry};
use crate::simulator::{Call, Heard, Outcome};

/// How often, and how many times, the journal is asked for what the daemon decided.
const ASK: (Duration, usize) = (Duration::from_millis(50), 40);

/// Calls `number` from outside and prints where the call goes and why.
///
/// The daemon is the real one: the call is in the journal.
///
/// # Errors
/// The call goes nowhere.
pub(in crate::cli) async fn run(
    config: &Config,
    number: &str,
    from: &str,
    name: Option<&str>,
) -> Printed {
    let from = if from == "anonymous" { "" } else { from };
    let rehearsal = Rehearsal::new(super::switch(config).await?, config)?;
    let context = config.emergency.callback_context.as_str();
    let who = if from.is_empty() { "Somebody who withholds the number" } else { from };
    println!("{who} calls {number} from outside (context {context}).");
    let dialled = rehearsal.dial_outside(number, from, name.unwrap_or_default())?;
    let mut call = match dialled {
        Dial::Dialplan(story) => {
            println!("{story}");
            return Ok(String::new());
        }
        Dial::Conversation(call) => call,
    };
    let told = match call.outcome().await {
        Some(Outcome::Transferred { extension, context, .. }) => {
            tell_decision(config, &call).await;
            Some((extension, context))
        }
        Some(Outcome::HungUp { cause }) => {
            tell_decision(config, &call).await;
            println!("  (the call ends: {cause})");
            None
        }
        Some(Outcome::NotReached | Outcome::SocketClosed) => {
            println!("  No daemon took the call; the dialplan goes on by itself.");
            fallback(&mut call).await
        }
        None => return Err(anyhow!("the call came to no end").into()),
    };
    if let Some((extension, context)) = told {
        println!("{}", rehearsal.sent_on(&extension, &context)?);
    }
    call.hang_up();
    rehearsal.switch().clone().stop().await;
    Ok(String::new())
}

/// What the daemon decided, from its journal; and what the call took along.
async fn tell_decision(config: &Config, call: &Call) {
    match decision(config, call.uuid()).await {
        Some(what) => println!("  {}.", journal::sentence(&what)),
        // The journal could not be written, or asked; the call itself has the reason in one word.
        None => println!("  reason: {}", call.variable("hotdesk_reason").unwrap_or_default()),
    }
    let variable = |name: &str| call.variable(name);
    if let (Some(name), Some(number)) =
        (variable("effective_caller_id_name"), variable("effective_caller_id_number"))
    {
        println!("  The agent is shown {name} <{number}>.");
    }
    if let Some(score) = variable("cc_base_score") {
        println!("  It enters the queue with a score of {score}.");
    }
}

async fn decision(config: &Config, call: &str) -> Option<Happening> {
    let door = Door::open(config).await.ok()?;
    let (pause, times) = ASK;
    for _ in 0..times {
        let entries: Vec<JournalEntry> = door.ask(Ask::get("/journal?limit=50")).await.ok()?;
        let ours = |what: &Happening| matches!(what, Happening::CustomerCalled { call: id, .. } if id == call);
        if let Some(entry) = entries.into_iter().rev().find(|entry| ours(&entry.what)) {
            return Some(entry.what);
        }
        sleep(pause).await;
    }
    None
}

/// Where the dialplan sends the call that nobody took.
async fn fallback(call: &mut Call) -> Option<(String, String)> {
    while let Some(heard) = call.heard().await {
        match heard {
            Heard::Transferred { extension, context } => return Some((extension, context)),
            Heard::HungUp { .. } => {
                println!("  {}", in_words(&heard));
                return None;
            }
            heard => println!("  {}", in_words(&heard)),
        }
    }
    None
}
