//! The story: each scene is played, and told only if it was seen from the other side.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::time::{Instant, sleep};

use super::office::{Office, label};
use super::{boxes, customers, helpdesk};
use crate::cli::rehearsal::{Dial, in_words};
use crate::simulator::{CallSetup, Heard, Outcome, Phone};
use crate::standing::walk::{End, Step, Story};

/// What the stock prompts are called.
const LOGGED_IN: &str = "ivr/ivr-you_are_now_logged_in.wav";
const LOGGED_OUT: &str = "ivr/ivr-you_are_now_logged_out.wav";
const REFUSED: &str = "ivr/ivr-pin_or_extension_is-invalid.wav";

/// How long what the daemon does by itself may take until it is seen.
const SOON: Duration = Duration::from_secs(5);

/// Tells the whole story.
///
/// # Errors
/// A scene went otherwise.
pub(super) async fn tell(office: &mut Office) -> anyhow::Result<()> {
    let [desk1, desk2, meeting] =
        office.phones.clone().try_into().map_err(|_| anyhow::anyhow!("three phones"))?;
    arrive(office).await.context("nobody's phones")?;
    nobody_calls(office, &desk1).await.context("a nobody's phone")?;
    ada_sits_down(office, &desk1).await.context("Ada logs in")?;
    ada_here_too(office, &desk1, &desk2).await.context("Ada logs in at a second phone")?;
    grace_mistypes(office, &meeting).await.context("wrong PINs")?;
    grace_is_unlocked(office, &meeting).await.context("unlocking")?;
    alan_takes_over(office, &desk1, &desk2).await.context("a take-over")?;
    ada_leaves(office, &desk2, &meeting).await.context("logging out from elsewhere")?;
    customers::tell(office, &desk2).await?;
    boxes::tell(office).await?;
    helpdesk::tell(office).await.context("the page")?;
    without_daemon(office, &desk1, &desk2).await.context("without the daemon")?;
    with_daemon_again(office, &desk1).await.context("the daemon again")
}

/// Waits until the phone has got a NOTIFY of this event with this text in it.
async fn is_told(office: &Office, phone: &Phone, event: &str, text: &str) -> anyhow::Result<()> {
    let until = Instant::now() + SOON;
    while Instant::now() < until {
        let notifies = office.rehearsal.switch().notifies();
        if notifies
            .iter()
            .any(|n| n.user == phone.user && n.event == event && n.body.contains(text))
        {
            return Ok(());
        }
        sleep(Duration::from_millis(50)).await;
    }
    bail!("{} got no NOTIFY {event}", label(&phone.user))
}

/// A heading, and lines below it.
pub(super) fn scene(title: &str) {
    println!("\n{title}");
}

pub(super) fn seen(line: &str) {
    println!("   {line}");
}

/// Who a phone is to FreeSWITCH now.
async fn who_is(office: &Office, phone: &Phone) -> anyhow::Result<CallSetup> {
    Ok(office.rehearsal.switch().authenticate_invite(phone, "0").await?)
}

fn variable<'a>(setup: &'a CallSetup, name: &str) -> Option<&'a str> {
    setup.variables.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

pub(super) async fn is_nobodys(office: &Office, phone: &Phone) -> anyhow::Result<()> {
    let setup = who_is(office, phone).await?;
    ensure!(
        setup.context == "restricted",
        "{} is in the context {}",
        label(&phone.user),
        setup.context
    );
    ensure!(variable(&setup, "hotdesk_user").is_none(), "somebody sits at {}", label(&phone.user));
    Ok(())
}

pub(super) async fn is_of(
    office: &Office,
    phone: &Phone,
    extension: &str,
    name: &str,
) -> anyhow::Result<()> {
    let setup = who_is(office, phone).await?;
    ensure!(
        setup.context == "hotdesk",
        "{} is in the context {}",
        label(&phone.user),
        setup.context
    );
    let (user, shown) =
        (variable(&setup, "hotdesk_user"), variable(&setup, "effective_caller_id_name"));
    ensure!(user == Some(extension) && shown == Some(name), "{} is {user:?}'s", label(&phone.user));
    Ok(())
}

/// The labels of the phones that a call to `extension` rings.
async fn rings(office: &Office, extension: &str) -> anyhow::Result<Vec<&'static str>> {
    let ringing = office.rehearsal.switch().who_rings(extension).await?;
    Ok(ringing.phones().into_iter().map(label).collect())
}

async fn arrive(office: &Office) -> anyhow::Result<()> {
    scene("The phones come up and register as themselves.");
    for phone in &office.phones {
        let registration = office.rehearsal.switch().register(phone).await?;
        is_nobodys(office, phone).await?;
        seen(&format!(
            "{} is registered as {} and is nobody's: it is restricted.",
            label(&phone.user),
            registration.user
        ));
    }
    let ringing = office.rehearsal.switch().who_rings("1001").await?;
    ensure!(ringing.failure() == Some("user_not_registered"), "a call to Ada goes {ringing:?}");
    seen("A call to Ada (1001) rings nowhere, and goes on to her voicemail.");
    Ok(())
}

async fn nobody_calls(office: &Office, desk1: &Phone) -> anyhow::Result<()> {
    scene("Somebody passing by picks up Desk 1.");
    match office.rehearsal.dial(desk1, "1002").await? {
        Dial::Dialplan(Story { end: End::HungUp { cause }, .. }) => {
            seen(&format!("1002 (Grace): refused, {cause}. A nobody's phone calls nobody."));
        }
        Dial::Dialplan(story) => bail!("1002 went to: {}", story.end),
        Dial::Conversation(_) => bail!("1002 led to a conversation"),
    }
    match office.rehearsal.dial(desk1, "0").await? {
        Dial::Dialplan(story) if matches!(story.end, End::Connected { .. }) => {
            seen("0 (reception): put through. Reception is in `dialplan.free_numbers`.");
        }
        Dial::Dialplan(story) => bail!("0 went to: {}", story.end),
        Dial::Conversation(_) => bail!("0 led to a conversation"),
    }
    Ok(())
}

/// Dials, types one line of keys at each question, and gives all that was heard.
pub(super) async fn converse(
    office: &Office,
    phone: &Phone,
    number: &str,
    keys: &[&str],
) -> anyhow::Result<Vec<Heard>> {
    let mut call = office.rehearsal.converse(phone, number).await?;
    let mut all = Vec::new();
    for typed in keys {
        let heard = call.until_keys().await;
        let asked = matches!(heard.last(), Some(Heard::Keys { .. }));
        all.extend(heard);
        ensure!(asked, "no question came; heard: {}", words(&all));
        call.press(typed).await;
    }
    all.extend(call.until_end().await);
    Ok(all)
}

pub(super) fn words(heard: &[Heard]) -> String {
    let said = heard
        .iter()
        .filter(|heard| matches!(heard, Heard::Prompt(_) | Heard::Tone(_) | Heard::HungUp { .. }));
    said.map(in_words).collect::<Vec<_>>().join(", ")
}

fn heard_prompt(heard: &[Heard], prompt: &str) -> usize {
    heard.iter().filter(|heard| matches!(heard, Heard::Prompt(file) if file == prompt)).count()
}

async fn ada_sits_down(office: &Office, desk1: &Phone) -> anyhow::Result<()> {
    scene("Ada sits down at Desk 1, dials *11 and gives her extension and PIN.");
    let heard = converse(office, desk1, "*11", &["1001#", "4711#"]).await?;
    ensure!(heard_prompt(&heard, LOGGED_IN) == 1, "heard: {}", words(&heard));
    seen(&format!("She hears: {}.", words(&heard)));
    is_of(office, desk1, "1001", "Ada Lovelace").await?;
    seen(
        "FreeSWITCH is told, with the very next question, that the phone is Ada Lovelace's (1001).",
    );
    ensure!(rings(office, "1001").await? == ["Desk 1"], "a call to Ada rings elsewhere");
    seen("A call to 1001 would ring Desk 1, and show the caller Ada Lovelace.");
    is_told(office, desk1, "check-sync;reboot=false", "").await?;
    seen("When the call is over, Desk 1 is asked to fetch its configuration, without a reboot;");
    is_told(office, desk1, "message-summary", "Voice-Message: 2/0").await?;
    seen("and its message lamp is lit for Ada's two new messages.");
    Ok(())
}

async fn ada_here_too(office: &Office, desk1: &Phone, desk2: &Phone) -> anyhow::Result<()> {
    scene(
        "She needs the phone in the lab as well: at Desk 2 she dials *121001, and types only her PIN.",
    );
    let heard = converse(office, desk2, "*121001", &["4711#"]).await?;
    ensure!(heard_prompt(&heard, LOGGED_IN) == 1, "heard: {}", words(&heard));
    is_of(office, desk1, "1001", "Ada Lovelace").await?;
    is_of(office, desk2, "1001", "Ada Lovelace").await?;
    ensure!(rings(office, "1001").await? == ["Desk 1", "Desk 2"], "a call to Ada rings elsewhere");
    seen("Both phones are hers; a call to 1001 would ring Desk 1 and Desk 2 together.");
    Ok(())
}

async fn grace_mistypes(office: &Office, meeting: &Phone) -> anyhow::Result<()> {
    scene("In the meeting room somebody tries to be Grace (1002), and guesses her PIN.");
    let heard = converse(office, meeting, "*111002", &["0001#", "0002#", "0003#"]).await?;
    ensure!(heard_prompt(&heard, REFUSED) == 3, "heard: {}", words(&heard));
    is_nobodys(office, meeting).await?;
    seen(
        "Three wrong PINs: the same refusal each time, and the call ends. The phone stays nobody's.",
    );
    let heard = converse(office, meeting, "*111002", &["0004#", "0005#", "8240#"]).await?;
    ensure!(heard_prompt(&heard, REFUSED) == 3, "heard: {}", words(&heard));
    is_nobodys(office, meeting).await?;
    seen("After the fifth, Grace is locked at this phone: now even her right PIN sounds wrong.");
    Ok(())
}

async fn grace_is_unlocked(office: &Office, meeting: &Phone) -> anyhow::Result<()> {
    scene("The helpdesk runs `hotdeskd users unlock 1002`.");
    office.run(&["users", "unlock", "1002"]).await?;
    let heard = converse(office, meeting, "*11", &["1002#", "8240#"]).await?;
    ensure!(heard_prompt(&heard, LOGGED_IN) == 1, "heard: {}", words(&heard));
    is_of(office, meeting, "1002", "Grace Hopper").await?;
    seen("Grace logs in. The meeting room's phone is hers.");
    Ok(())
}

async fn alan_takes_over(office: &Office, desk1: &Phone, desk2: &Phone) -> anyhow::Result<()> {
    scene("Alan (1003) finds Desk 1 free of people but not logged out, and dials *11.");
    let heard = converse(office, desk1, "*11", &["1003#", "9173#"]).await?;
    ensure!(heard_prompt(&heard, LOGGED_IN) == 1, "heard: {}", words(&heard));
    is_of(office, desk1, "1003", "Alan Turing").await?;
    is_of(office, desk2, "1001", "Ada Lovelace").await?;
    ensure!(rings(office, "1001").await? == ["Desk 2"], "a call to Ada rings elsewhere");
    ensure!(rings(office, "1003").await? == ["Desk 1"], "a call to Alan rings elsewhere");
    seen("Desk 1 is Alan's now. Ada is still at Desk 2, and her calls ring only there.");
    Ok(())
}

async fn ada_leaves(office: &Office, desk2: &Phone, meeting: &Phone) -> anyhow::Result<()> {
    scene(
        "Ada is on her way out. From the meeting room's phone she dials *14: log me out everywhere.",
    );
    let heard = converse(office, meeting, "*14", &["1001#", "4711#"]).await?;
    ensure!(heard_prompt(&heard, LOGGED_OUT) == 1, "heard: {}", words(&heard));
    is_nobodys(office, desk2).await?;
    is_of(office, meeting, "1002", "Grace Hopper").await?;
    let ringing = office.rehearsal.switch().who_rings("1001").await?;
    ensure!(ringing.failure() == Some("user_not_registered"), "a call to Ada goes {ringing:?}");
    seen(
        "Desk 2 is nobody's again, the meeting room's phone is still Grace's, and Ada's calls go to voicemail.",
    );
    Ok(())
}

async fn without_daemon(office: &mut Office, desk1: &Phone, desk2: &Phone) -> anyhow::Result<()> {
    scene("Now the daemon is killed (kill -9). FreeSWITCH has its standing files.");
    office.run(&["freeswitch", "install"]).await?;
    office.rehearsal.switch().api("reloadxml").await;
    office.kill_daemon().await?;
    office.rehearsal.switch().register(desk2).await?;
    is_nobodys(office, desk2).await?;
    is_of(office, desk1, "1003", "Alan Turing").await?;
    seen("Desk 2 registers again; Desk 1 is still Alan's: both from FreeSWITCH's own disk.");
    for number in ["999", "0112"] {
        let files = office.standing().join("dialplan");
        let story = office.rehearsal.dial_by_files(&files, desk2, number).await?;
        ensure!(!story.asks_daemon_first(), "{number} asks the daemon");
        let End::Connected { target } = &story.end else { bail!("{number} ends: {}", story.end) };
        let shown = shown_number(&story).context("no caller ID is shown")?;
        ensure!(shown == "+43123456702", "{number} shows {shown}");
        seen(&format!(
            "{number} from Desk 2, nobody's phone (simulated: walked through the standing files): reaches {target}, showing {shown}, Desk 2's own number."
        ));
    }
    let Dial::Conversation(mut call) = office.rehearsal.dial(desk2, "*11").await? else {
        bail!("*11 went elsewhere")
    };
    let heard = call.until_end().await;
    ensure!(call.outcome().await == Some(Outcome::NotReached), "somebody answered *11");
    seen(&format!("*11 meanwhile: {}. Not available, and it says so.", words(&heard)));
    Ok(())
}

/// The number that an emergency call shows, set before it dials.
fn shown_number(story: &Story) -> Option<&str> {
    let before = story.steps.iter().take_while(|step| !matches!(step, Step::Dials { .. }));
    let sets = before.filter_map(|step| match step {
        Step::Sets { name, value } if name == "effective_caller_id_number" => Some(value.as_str()),
        _ => None,
    });
    sets.last()
}

async fn with_daemon_again(office: &mut Office, desk1: &Phone) -> anyhow::Result<()> {
    scene("The daemon is started again.");
    office.start_daemon().await?;
    is_of(office, desk1, "1003", "Alan Turing").await?;
    let heard = converse(office, desk1, "*13", &["9173#"]).await?;
    ensure!(heard_prompt(&heard, LOGGED_OUT) == 1, "heard: {}", words(&heard));
    let until = Instant::now() + SOON;
    while is_nobodys(office, desk1).await.is_err() && Instant::now() < until {
        sleep(Duration::from_millis(50)).await;
    }
    is_nobodys(office, desk1).await?;
    seen("Nothing was forgotten: Desk 1 was Alan's. He dials *13, and it is nobody's.");
    Ok(())
}
