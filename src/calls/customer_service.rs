//! The service number: a customer calls, and goes to the queue of the team that looks after him or her.
//!
//! The one conversation without words: nothing is picked up and nothing is said. The caller is looked up while
//! FreeSWITCH ticks; then name, number and reason are set in one application, the next one takes the call to its queue,
//! and we are gone. FreeSWITCH takes one application in each tick of 20 ms, so two are sent in one write and no third.
//!
//! Whatever fails, the call goes on: with the connection closed FreeSWITCH comes to the action behind `socket`, which is
//! the default queue.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::Conversations;
use super::customer_lookup::CustomerLookup;
use crate::desk::{self, Desk};
use crate::event_socket::{ChannelText, ChannelWord, Execute, ExecuteError, Session, SettingText};
use crate::metrics::CallOutcome;
use crate::model::{
    CallerId, Decision, Destination, Flow, Happening, LAST_AGENT_CONTEXT, LookUp, LookUpFailure,
    NotAsked, QUEUES_CONTEXT, Reason, RouteSettings, Teams, TeamsNow, decide,
};

/// A look-up has a deadline of its own; this one is for a look-up that does not keep it.
const LOOK_UP: Duration = Duration::from_secs(3);
/// How long FreeSWITCH may take for what it does in two ticks.
const GO: Duration = Duration::from_secs(3);
/// How long the end of a call waits for the journal. What waits at the store is written all the same; but so many
/// conversations may run and no more, and a slow disk must not turn callers away.
const NOTE: Duration = Duration::from_secs(1);
/// The longest number that is kept, in characters.
const LONGEST_NUMBER: usize = 40;
/// The longest name that is shown, in characters.
const LONGEST_NAME: usize = 80;
/// How many of a shortened number's last digits are not kept.
const NOT_KEPT: usize = 3;
/// What stands for the number of a caller who has none to show.
const ANONYMOUS: &str = "anonymous";

/// How much of a caller's number the journal keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JournalNumbers {
    /// All of it.
    #[default]
    Whole,
    /// All but the last three digits.
    Shortened,
    /// Nothing.
    None,
}

/// What the service number needs to know.
#[derive(Debug, Clone)]
pub struct ServiceSettings {
    /// Where calls go.
    pub route: RouteSettings,
    /// The teams that are described.
    pub teams: Teams,
    /// For how many days it counts who served a caller; absent: nobody is rung before the queue.
    pub last_agent_days: Option<u16>,
    /// How much of a number the journal keeps.
    pub journal_numbers: JournalNumbers,
    /// The operator's context, for destinations that are numbers.
    pub context: SettingText,
}

impl ServiceSettings {
    /// From when on it counts who served a caller.
    pub fn oldest_service(&self, now: Timestamp) -> Option<Timestamp> {
        let days = i64::from(self.last_agent_days?);
        now.checked_sub(SignedDuration::from_hours(24 * days)).ok()
    }

    /// As much of a number as the journal keeps.
    fn kept(&self, number: &str) -> Option<String> {
        let kept: String = number.chars().take(LONGEST_NUMBER).collect();
        if kept.is_empty() {
            return None;
        }
        match self.journal_numbers {
            JournalNumbers::Whole => Some(kept),
            JournalNumbers::Shortened => {
                let known = kept.chars().count().saturating_sub(NOT_KEPT);
                Some(kept.chars().take(known).chain("***".chars()).collect())
            }
            JournalNumbers::None => None,
        }
    }
}

/// The service number's flow. Cheap to clone.
#[derive(Clone)]
pub struct CustomerService {
    lookup: Arc<dyn CustomerLookup>,
    settings: Arc<ServiceSettings>,
}

impl CustomerService {
    /// The flow over this look-up.
    pub fn new(lookup: Arc<dyn CustomerLookup>, settings: ServiceSettings) -> Self {
        Self { lookup, settings: Arc::new(settings) }
    }

    /// Who it is, in the end: an answer always comes.
    async fn look_up(&self, number: &str) -> LookUp {
        if number.is_empty() {
            return LookUp::NotAsked(NotAsked::Anonymous);
        }
        let answer = timeout(LOOK_UP, self.lookup.look_up(number)).await;
        answer.unwrap_or(LookUp::Failed(LookUpFailure::Deadline))
    }

    /// Where the call goes, with the teams as they are now.
    fn decide(&self, desk: &Desk, caller: &CallerId, look_up: &LookUp, now: Timestamp) -> Decision {
        let settings = &self.settings;
        let (of_people, staffed) = (desk.teams_of_people(), desk.staffed_teams());
        let described = desk.described_teams(&settings.teams);
        let teams = TeamsNow { described: &described, of_people: &of_people, staffed: &staffed };
        let last = settings
            .oldest_service(now)
            .filter(|_| !caller.number.is_empty())
            .and_then(|oldest| desk.last_agent(&caller.number, oldest));
        decide(caller, look_up, teams, last.as_ref(), &settings.route, now)
    }

    /// What the journal says of the call.
    fn happening(&self, call: &str, decided: &Decision) -> Happening {
        Happening::CustomerCalled {
            call: call.to_owned(),
            number: self.settings.kept(&decided.caller_number),
            name: Some(decided.caller_name.chars().take(LONGEST_NAME).collect())
                .filter(|name: &String| !name.is_empty()),
            to: decided.to.clone(),
            agent_first: decided.agent_first.clone(),
            reason: decided.reason.clone(),
            further: decided.further.clone(),
        }
    }
}

impl Conversations {
    /// Sends a customer to the right queue.
    pub(super) async fn customer_service(&self, mut session: Session, service: &CustomerService) {
        let caller = caller_of(&session);
        let call = session.unique_id().as_str().to_owned();
        session.forget_connect_reply();
        let look_up = tokio::select! {
            look_up = service.look_up(&caller.number) => Some(look_up),
            () = session.hung_up() => None,
        };
        let now = Timestamp::now();
        let Some(look_up) = look_up else {
            let number = service.settings.kept(&caller.number);
            let what = Happening::CustomerHungUp { call: call.clone(), number };
            self.count(Some(Flow::CustomerService), CallOutcome::HungUp);
            session.exit().await;
            return self.note(desk::CustomerCall { id: call, number: None, what }, now).await;
        };
        let decided = service.decide(&self.desk, &caller, &look_up, now);
        tracing::info!(call, to = %decided.to, reason = decided.reason.word(), "a customer calls");
        let remembers = service.settings.last_agent_days.is_some();
        let note = self.note(
            desk::CustomerCall {
                id: call.clone(),
                number: Some(caller.number).filter(|number| remembers && !number.is_empty()),
                what: service.happening(&call, &decided),
            },
            now,
        );
        // Noted first: what the queue tells of the call comes to the store behind it.
        let ((), gone) = tokio::join!(note, go(session, &decided, &service.settings.context));
        self.count(
            Some(Flow::CustomerService),
            match &gone {
                Ok(()) => CallOutcome::Done,
                Err(ExecuteError::HungUp { .. }) => CallOutcome::HungUp,
                Err(_) => CallOutcome::Unavailable,
            },
        );
        match gone {
            Ok(()) | Err(ExecuteError::HungUp { .. }) => {}
            Err(error) => {
                tracing::error!(call, %error, "a customer's call is left to the dialplan");
            }
        }
    }

    /// Writes it into the journal, if that can be written; the call goes on without.
    async fn note(&self, call: desk::CustomerCall, now: Timestamp) {
        let id = call.id.clone();
        match timeout(NOTE, self.desk.customer_called(call, now)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(call = id, %error, "a customer's call is not in the journal");
            }
            Err(_) => {
                tracing::warn!(
                    call = id,
                    "the store is slow; a customer's call is not in the journal yet"
                );
            }
        }
    }
}

/// Who calls. A number that the caller withheld from us is none, although FreeSWITCH has it.
fn caller_of(session: &Session) -> CallerId {
    let told = |name: &str| {
        let hidden = session.header(&format!("Caller-Privacy-Hide-{name}"));
        let is_hidden = hidden.is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let text = session.header(&format!("Caller-Caller-ID-{name}")).filter(|_| !is_hidden);
        text.unwrap_or_default().chars().take(256).collect()
    };
    CallerId { number: told("Number"), name: told("Name") }
}

/// Sends the call on its way, in two applications and one write.
async fn go(
    session: Session,
    decided: &Decision,
    context: &SettingText,
) -> Result<(), ExecuteError> {
    let refused =
        |error: crate::event_socket::TextError| ExecuteError::Refused { reply: error.to_string() };
    let leave = match &decided.to {
        Destination::Queue(team) => {
            let (extension, context) = match &decided.agent_first {
                Some(agent) => (format!("{agent}-{team}"), LAST_AGENT_CONTEXT),
                None => (team.to_string(), QUEUES_CONTEXT),
            };
            let extension = ChannelWord::parse(&extension).map_err(refused)?;
            Execute::transfer(&extension, &SettingText::parse(context).map_err(refused)?)
        }
        Destination::Number(number) => {
            Execute::transfer(&ChannelWord::parse(number).map_err(refused)?, context)
        }
        Destination::HangUp if decided.further.contains(&Reason::LastResort) => {
            Execute::hangup("NORMAL_TEMPORARY_FAILURE")
        }
        Destination::HangUp => Execute::hangup("USER_BUSY"),
    };
    let set = Execute::multiset(&variables(decided)).map_err(refused)?;
    let set = session.start(set.within(GO));
    let left = session.start(leave.within(GO));
    let (_, left) = tokio::join!(set, left);
    session.exit().await;
    left.map(|_| ())
}

/// What the call takes along. `socket_resume` is for the time until then: were it left, FreeSWITCH would cut what runs
/// when our connection closes, and that is the queue by then (`mod_event_socket.c:2816`). Both of the caller's are always set: mod_callcenter would show the agent else what the
/// caller says, as it stands.
fn variables(decided: &Decision) -> Vec<(&'static str, ChannelText)> {
    let number = number_shown(&decided.caller_number);
    let name = Some(name_shown(&decided.caller_name)).filter(|name| !name.as_str().is_empty());
    let mut all = vec![
        ("effective_caller_id_name", name.unwrap_or_else(|| number.clone())),
        ("effective_caller_id_number", number),
        ("hotdesk_reason", ChannelText::reduce(decided.reason.word())),
        ("socket_resume", ChannelText::reduce("false")),
    ];
    if let Some(priority) = decided.priority {
        all.push(("cc_base_score", ChannelText::reduce(&priority.to_string())));
    }
    all
}

/// A number that phones can show and dial; of anything else only that it is none.
fn number_shown(number: &str) -> ChannelText {
    let is_number = |number: &str| {
        let digits = number.strip_prefix('+').unwrap_or(number);
        !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'*' | b'#'))
    };
    let kept = Some(number).filter(|number| number.len() <= LONGEST_NUMBER && is_number(number));
    let text = kept.and_then(|number| ChannelText::parse(number).ok());
    text.unwrap_or_else(|| ChannelText::reduce(ANONYMOUS))
}

/// A name as phones can show it: as it is where it is harmless, and what is harmless of it else.
fn name_shown(name: &str) -> ChannelText {
    let mut name: String = name.chars().take(LONGEST_NAME).collect();
    // To FreeSWITCH two apostrophes are a pair of quotes.
    if name.matches('\'').count() > 1 {
        name = name.replace('\'', "\u{2019}");
    }
    let harmless = |c: char| c.is_alphanumeric() || " .,-'\u{2019}&/+()".contains(c);
    let whole = ChannelText::parse(&name).ok().filter(|_| name.chars().all(harmless));
    whole.unwrap_or_else(|| ChannelText::reduce(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_what_is_harmless() {
        for (name, shown) in [
            ("Acme Ltd / O'Brien & Søn", "Acme Ltd / O'Brien & Søn"),
            ("O'Neil d'Arc (Wien)", "O\u{2019}Neil d\u{2019}Arc (Wien)"),
            ("${system(id)}", "systemid"),
            ("$${domain}", "domain"),
            ("^^|a=b", "ab"),
            ("A\r\nB", "A B"),
            ("\"Eve\" <sip:x>", "Eve sipx"),
            ("reload mod_event_socket", "reload modeventsocket"),
            ("李小龍", "李小龍"),
            ("\u{1}\u{2}", ""),
        ] {
            assert_eq!(name_shown(name).as_str(), shown, "{name:?}");
        }
        assert_eq!(name_shown(&"x".repeat(10_000)).as_str().len(), 80);
    }

    #[test]
    fn what_is_no_number_is_shown_as_anonymous() {
        for (number, shown) in [
            ("+4315550100", "+4315550100"),
            ("*981001", "*981001"),
            ("", "anonymous"),
            ("+", "anonymous"),
            ("anonymous", "anonymous"),
            ("${system(id)}", "anonymous"),
            ("1; DROP TABLE customers", "anonymous"),
            ("1+2", "anonymous"),
        ] {
            assert_eq!(number_shown(number).as_str(), shown, "{number:?}");
        }
        assert_eq!(number_shown(&"1".repeat(41)).as_str(), "anonymous");
    }
}
