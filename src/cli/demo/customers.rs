//! The story's part about customers: the service number, and the queue that follows the person.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::time::{Instant, sleep};

use super::office::{Office, label};
use super::story::{converse, scene, seen};
use crate::cli::rehearsal::Dial;
use crate::customers::sample::SampleCustomer;
use crate::model::QUEUES_CONTEXT;
use crate::simulator::{Call, Heard, Offer, Outcome, Phone};

/// The service number.
pub(super) const NUMBER: &str = "0800123";
/// The sample's customers.
pub(super) const CUSTOMERS: [SampleCustomer<'static>; 2] =
    [("+4315550100", "42", "Acme Ltd", 10), ("+4315550101", "support", "Bolt & Sons", 0)];
/// Where Acme calls from, and what it says of itself.
const ACME: (&str, &str) = ("+4315550100", "ACME SWITCHBOARD");
/// Whose each team is: extension, teams.
pub(super) const TEAMS: [(&str, &str); 3] =
    [("1001", "sales"), ("1002", "reception"), ("1003", "support")];

/// How long what the daemon and FreeSWITCH do by themselves may take.
const SOON: Duration = Duration::from_secs(10);

/// Tells it. Grace of the reception is in the meeting room, and Ada of sales is nowhere.
///
/// # Errors
/// A scene went otherwise.
pub(super) async fn tell(office: &Office, desk2: &Phone) -> anyhow::Result<()> {
    nobody_of_sales(office).await.context("a customer of nobody who is there")?;
    ada_is_there(office, desk2).await.context("a customer of Ada's")?;
    ada_goes(office, desk2).await.context("the queue follows the person")
}

/// Acme calls the service number; gives the call and the queue that it comes to.
async fn acme_calls(office: &Office) -> anyhow::Result<(Call, String)> {
    let (from, name) = ACME;
    let Dial::Conversation(mut call) = office.rehearsal.dial_outside(NUMBER, from, name)? else {
        bail!("{NUMBER} led to no daemon")
    };
    match call.outcome().await {
        Some(Outcome::Transferred { extension, context, .. }) if context == QUEUES_CONTEXT => {
            Ok((call, extension))
        }
        other => bail!("the call went elsewhere: {other:?}"),
    }
}

/// The first offer to an agent that there is.
async fn offer(office: &Office) -> anyhow::Result<Offer> {
    let until = Instant::now() + SOON;
    while Instant::now() < until {
        if let Some(offer) = office.rehearsal.switch().offers().into_iter().next() {
            return Ok(offer);
        }
        sleep(Duration::from_millis(20)).await;
    }
    bail!("nobody was offered the call")
}

/// Waits until an agent has this status at FreeSWITCH.
async fn is(office: &Office, agent: &str, wanted: &str) -> anyhow::Result<()> {
    let ask = format!("callcenter_config agent get status {agent}@hotdesk.test");
    let until = Instant::now() + SOON;
    loop {
        let status = office.rehearsal.switch().api(&ask).await;
        if status == wanted {
            return Ok(());
        }
        ensure!(Instant::now() < until, "agent {agent} is {status}, not {wanted}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until the journal says so, and gives the line's sentence.
async fn journal_says(office: &Office, text: &str) -> anyhow::Result<String> {
    let until = Instant::now() + SOON;
    loop {
        let journal = office.run(&["journal", "list", "--limit", "10"]).await?;
        let line = journal.lines().rev().find(|line| line.contains(text));
        if let Some((_, sentence)) = line.and_then(|line| line.rsplit_once("  ")) {
            return Ok(sentence.trim().to_owned());
        }
        ensure!(Instant::now() < until, "the journal does not say {text:?}:\n{journal}");
        sleep(Duration::from_millis(50)).await;
    }
}

async fn nobody_of_sales(office: &Office) -> anyhow::Result<()> {
    scene(
        "Acme Ltd calls the service number. Their database says: department 42, which is sales, and that is Ada.",
    );
    is(office, "1001", "Logged Out").await?;
    let (mut call, queue) = acme_calls(office).await?;
    ensure!(queue == "reception", "it went to {queue}");
    let offered = offer(office).await?;
    let phones: Vec<_> = offered.phones.iter().map(|phone| label(phone)).collect();
    ensure!(phones == ["Meeting room"], "it rings {phones:?}");
    seen(
        "Ada is nowhere, so it goes to the reception's queue and rings at the Meeting room, where Grace sits.",
    );
    call.hang_up();
    while let Some(heard) = call.heard().await {
        if matches!(heard, Heard::HungUp { .. }) {
            break;
        }
    }
    let told = journal_says(office, "nobody of team sales is logged in").await?;
    seen(&format!("The journal: {told}"));
    let told = journal_says(office, "the caller hung up").await?;
    seen(&format!("They do not wait. The journal: {told}"));
    Ok(())
}

async fn ada_is_there(office: &Office, desk2: &Phone) -> anyhow::Result<()> {
    scene("Ada comes back and logs in at Desk 2. Acme calls again.");
    converse(office, desk2, "*11", &["1001#", "4711#"]).await?;
    is(office, "1001", "Available").await?;
    seen("FreeSWITCH's agent 1001 is Available: the queue follows the person.");
    let begun = Instant::now();
    let (mut call, queue) = acme_calls(office).await?;
    let took = begun.elapsed().as_millis();
    ensure!(queue == "sales", "it went to {queue}");
    seen(&format!(
        "{took} ms after FreeSWITCH had the call it was on its way to the queue of sales."
    ));
    let offered = offer(office).await?;
    let phones: Vec<_> = offered.phones.iter().map(|phone| label(phone)).collect();
    ensure!(phones == ["Desk 2"], "it rings {phones:?}");
    let shown = call.variable("effective_caller_id_name").unwrap_or_default();
    ensure!(shown == "Acme Ltd", "the agent is shown {shown}");
    seen("It rings at Desk 2 and shows Acme Ltd, not the ACME SWITCHBOARD of the caller ID.");
    ensure!(office.rehearsal.switch().pick_up(&offered.agent), "she could not pick up");
    let told = journal_says(office, "took a customer's call").await?;
    seen(&format!("The journal: {told}"));
    call.hang_up();
    while let Some(heard) = call.heard().await {
        if matches!(heard, Heard::HungUp { .. }) {
            break;
        }
    }
    Ok(())
}

async fn ada_goes(office: &Office, desk2: &Phone) -> anyhow::Result<()> {
    scene("Ada logs out at Desk 2, with *13.");
    converse(office, desk2, "*13", &["4711#"]).await?;
    is(office, "1001", "Logged Out").await?;
    seen("Agent 1001 is Logged Out. Nobody had to remember a second code for the queue.");
    Ok(())
}
