//! The service number: who calls, is looked up, decided and sent on its way; against the simulated FreeSWITCH.
//!
//! [`Counter`] is the flow in this process, over a look-up of the test's own; `daemon` takes the real daemon.

mod daemon;
mod database;
mod decided;
mod hostile;
mod hurried;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use hotdeskd::calls::{
    Conversations, CustomerLookup, CustomerService, HashedPin, JournalNumbers, PinSettings,
    Prompts, ServiceSettings,
};
use hotdeskd::desk::{Desk, Settings};
use hotdeskd::event_socket::{ServerSettings, SettingText, serve};
use hotdeskd::model::{
    Actor, AwayDestination, Customer, Emergency, JournalEntry, LoginMode, LookUp, NotAsked, Phone,
    RouteSettings, TeamSettings, Teams, UserRecord, Zone,
};
use hotdeskd::simulator::{self, Call, CallSetup, FreeSwitch, Heard, Outcome};
use hotdeskd::store::{JournalFilter, Store};
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The service number.
const NUMBER: &str = "0800123";

/// What a number's look-up comes to, and how long it takes.
#[derive(Clone)]
struct Answer {
    look_up: LookUp,
    takes: Duration,
}

/// A look-up that knows its answers.
#[derive(Clone, Default)]
struct Known(BTreeMap<String, Answer>);

impl Known {
    fn with(mut self, number: &str, look_up: LookUp) -> Self {
        self.0.insert(number.to_owned(), Answer { look_up, takes: Duration::ZERO });
        self
    }

    fn slowly(mut self, number: &str, takes: Duration, look_up: LookUp) -> Self {
        self.0.insert(number.to_owned(), Answer { look_up, takes });
        self
    }
}

impl CustomerLookup for Known {
    fn look_up<'a>(&'a self, number: &'a str) -> BoxFuture<'a, LookUp> {
        let answer = self.0.get(number).cloned();
        let number = number.to_owned();
        async move {
            let Some(answer) = answer else {
                return match number.starts_with("anonymous") {
                    true => LookUp::NotAsked(NotAsked::Anonymous),
                    false => LookUp::NoMatch,
                };
            };
            tokio::time::sleep(answer.takes).await;
            assert!(number != "panic", "a look-up that panics");
            answer.look_up
        }
        .boxed()
    }
}

fn found(team: &str, name: &str) -> LookUp {
    let name = Some(name.to_owned());
    LookUp::Found(Customer { team: team.to_owned(), name, priority: None })
}

/// How a counter differs from the usual one.
struct Plan {
    known: Known,
    /// In place of what is known, a real database.
    database: Option<Arc<dyn CustomerLookup>>,
    /// The tables of `[service.otherwise]`.
    otherwise: &'static str,
    /// Who is logged in, of `1001` in sales, `1002` in support, `1003` in reception.
    at_desks: &'static [&'static str],
    last_agent_days: Option<u16>,
    journal_numbers: JournalNumbers,
    ticks: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            known: Known::default(),
            database: None,
            otherwise: "",
            at_desks: &["1001", "1002", "1003"],
            last_agent_days: None,
            journal_numbers: JournalNumbers::Whole,
            ticks: false,
        }
    }
}

/// The people of every counter and their teams.
const PEOPLE: [(&str, &str); 3] = [("1001", "sales"), ("1002", "support"), ("1003", "reception")];

/// `sales` is department 42 too; `night` is closed by day and by night; `board` has no queue; nobody is in `empty`.
fn teams() -> Teams {
    let team = |name: &str| TeamSettings::new(name.parse().unwrap());
    let mut sales = team("sales");
    sales.departments = vec!["42".to_owned(), "Sales & Marketing".to_owned()];
    let mut closed = team("closed");
    closed.hours = vec![never()];
    let mut holiday = team("holiday");
    let today = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    for day in [today, today.tomorrow().unwrap()] {
        holiday.holidays.push(day.to_string().parse().unwrap());
    }
    let mut board = team("board");
    board.has_queue = false;
    let mut lab = team("lab");
    lab.follows_login = false;
    let all =
        [sales, team("support"), team("reception"), closed, holiday, board, team("empty"), lab];
    all.into_iter().map(|team| (team.id.clone(), team)).collect()
}

/// Hours of a day that is not today, nor tomorrow.
fn never() -> hotdeskd::model::Hours {
    let day = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date().weekday();
    let day = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
        [(day.to_monday_zero_offset() as usize + 3) % 7];
    format!("{day} 10:00-12:00").parse().unwrap()
}

/// The flow with a FreeSWITCH in front of it.
struct Counter {
    switch: FreeSwitch,
    desk: Desk,
    address: SocketAddr,
    shutdown: CancellationToken,
    _folder: tempfile::TempDir,
}

impl Counter {
    async fn open(plan: Plan) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let desk = Desk::new(store, Settings::default());
        people(&desk, plan.at_desks).await;
        let route = RouteSettings {
            default_queue: "reception".parse().unwrap(),
            otherwise: toml::from_str(plan.otherwise).unwrap(),
            time_zone: Zone::utc(),
        };
        let settings = ServiceSettings {
            route,
            teams: teams(),
            last_agent_days: plan.last_agent_days,
            journal_numbers: plan.journal_numbers,
            context: SettingText::parse("default").unwrap(),
        };
        let lookup = plan.database.unwrap_or_else(|| Arc::new(plan.known));
        let check = Arc::new(HashedPin { desk: desk.clone() });
        let (prompts, pin) = (Prompts::default(), PinSettings::default());
        let conversations = Conversations::new(desk.clone(), prompts, pin, check)
            .with_customers(CustomerService::new(lookup, settings));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        tokio::spawn(serve(listener, ServerSettings::default(), stop, move |session| {
            let conversations = conversations.clone();
            async move { conversations.hold(session).await }
        }));
        let inbound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let mut settings = simulator::Settings::new("office.test".parse().unwrap());
        settings.ticks = plan.ticks;
        let switch = FreeSwitch::start(settings, inbound);
        Self { switch, desk, address, shutdown, _folder: folder }
    }

    /// A customer calls.
    fn call(&self, from: &str, name: &str) -> Call {
        self.call_as(CallSetup::from_outside(NUMBER, from, name))
    }

    fn call_as(&self, setup: CallSetup) -> Call {
        let target = format!("{}/customer-service async full", self.address);
        // What stands behind `socket` in the dialplan.
        self.switch.socket_call(&target, setup.then("transfer", "reception XML hotdesk_queues"))
    }

    async fn journal(&self) -> Vec<JournalEntry> {
        let filter = JournalFilter { limit: 1_000, ..JournalFilter::default() };
        self.desk.store().journal(&filter).await.unwrap()
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// [`PEOPLE`], and those of them who are at a desk.
async fn people(desk: &Desk, at_desks: &[&str]) {
    let now = Timestamp::now();
    for (at, (extension, team)) in PEOPLE.into_iter().enumerate() {
        let record = UserRecord {
            extension: extension.parse().unwrap(),
            name: format!("Person {extension}"),
            hot_desk: true,
            away: AwayDestination::default(),
            groups: Vec::new(),
            teams: vec![team.parse().unwrap()],
            params: BTreeMap::default(),
            variables: BTreeMap::default(),
            keys: Vec::new(),
            settings: Default::default(),
        };
        desk.save_user(record, None, now, Actor::Command).await.unwrap();
        let mac = format!("0004132a000{at}").parse().unwrap();
        let phone = Phone {
            mac,
            secret: "secret".into(),
            vendor: None,
            model: None,
            label: None,
            desk_extension: None,
            owner: None,
            hot_desk: true,
            emergency: Emergency::default(),
            settings: Default::default(),
            handsets: Vec::new(),
            tags: Default::default(),
            logout: None,
            added: now,
        };
        desk.save_phone(phone, now, Actor::Command).await.unwrap();
        if at_desks.contains(&extension) {
            let user = extension.parse().unwrap();
            desk.log_in(mac, user, LoginMode::Only, None, now, Actor::Command).await.unwrap();
        }
    }
}

/// Where a call went: `sales@hotdesk_queues`, or the cause with which it ended.
async fn went(call: &mut Call) -> String {
    match call.outcome().await {
        Some(Outcome::Transferred { extension, context, .. }) => format!("{extension}@{context}"),
        Some(Outcome::HungUp { cause }) => cause,
        Some(Outcome::SocketClosed) => {
            let mut behind = "nowhere".to_owned();
            while let Some(heard) = call.heard().await {
                if let Heard::Transferred { extension, context } = heard {
                    behind = format!("{extension}@{context}");
                    break;
                }
            }
            format!("left to {behind}")
        }
        other => format!("{other:?}"),
    }
}

/// All different.
fn set<T: Ord>(all: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    all.into_iter().collect()
}
