//! What is counted and timed, and how it is told to Prometheus.
//!
//! | file | what |
//! | --- | --- |
//! | `labels` | the values that labels can have: a bounded set each |
//! | `levels` | what is read when somebody asks: how many there are of what |
//! | `text` | Prometheus's text format |
//!
//! What happens is noted where it happens, in a [`Metrics`] that travels with the store. Nothing here waits, and nothing
//! can fail.

mod labels;
mod levels;
mod text;

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

pub use labels::{CallOutcome, Delivery, PhoneAnswer, Question, Silence};
pub use levels::{Levels, Mirror, Node, Queue, Webhook};
pub use text::CONTENT_TYPE;

use crate::model::{Flow, Happening};

/// The labels of a family: so many names with their values.
type Labels<const N: usize> = [(&'static str, String); N];
/// Counters that differ by so many labels.
type Counters<const N: usize> = Family<Labels<N>, Counter>;

/// What was counted and timed since the start. Cheap to clone; all clones count together.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

/// What all clones share.
struct Inner {
    /// All of the below, with names and descriptions.
    registry: Registry,
    calls: Counters<2>,
    in_force: Histogram,
    shown: Histogram,
    /// In the order of [`Question::ALL`].
    directory: [Histogram; Question::ALL.len()],
    /// In the order of [`PhoneAnswer::ALL`].
    phones: [Histogram; PhoneAnswer::ALL.len()],
    commits: Histogram,
    store_failures: Counter,
    logins: Counter,
    logouts: Counter,
    emergencies: Counters<1>,
    pin_refusals: Counter,
    pin_locks: Counters<1>,
    redirection_runs: Counters<2>,
    pnp_answers: Counter,
    pnp_silences: Counters<1>,
    deliveries: Counters<2>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Nothing happened yet.
    pub fn new() -> Self {
        let mut all = Names(Registry::with_prefix(text::PREFIX));
        let inner = Inner {
            calls: all.counters("calls", "Conversations that ended, by flow and outcome"),
            in_force: all.histogram(
                "login_in_force_seconds",
                "From the last digit of the PIN until the login is in force",
                &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0],
            ),
            shown: all.histogram(
                "login_shown_seconds",
                "From a change of who sits at a phone until the phone has fetched the file that shows it",
                &[0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3_600.0],
            ),
            directory: all.histograms(
                ("directory_answer_seconds", "Answers to FreeSWITCH, by what it asked"),
                ("question", Question::ALL.map(Question::as_str)),
                &[0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.01, 0.1, 1.0],
            ),
            phones: all.histograms(
                ("provisioning_answer_seconds", "Answers to phones, by what they were given"),
                ("answer", PhoneAnswer::ALL.map(PhoneAnswer::as_str)),
                &[0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25, 1.0, 10.0],
            ),
            commits: all.histogram(
                "store_commit_seconds",
                "Commits of the store; writes that wait together share one",
                &[0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0],
            ),
            store_failures: all.counter("store_failures", "Commits that failed"),
            logins: all.counter("logins", "Desk sessions that began, also of owners who returned"),
            logouts: all.counter("logouts", "Desk sessions that ended"),
            emergencies: all.counters("emergency_calls", "Emergency calls, by what became of them"),
            pin_refusals: all.counter("pin_refusals", "PINs that were refused at phones of ours"),
            pin_locks: all.counters("pin_locks", "Locks after wrong PINs, by what was locked"),
            redirection_runs: all.counters(
                "redirection_runs",
                "Rounds with a vendor's redirection service, by how they ended",
            ),
            pnp_answers: all.counter("pnp_answers", "Phones that asked by SIP PnP and were sent their URL"),
            pnp_silences: all.counters("pnp_silences", "Datagrams at SIP PnP that got no answer, by why"),
            deliveries: all.counters("webhook_deliveries", "Deliveries to webhooks that were tried, by how they went"),
            registry: all.0,
        };
        Self(Arc::new(inner.with_zeros()))
    }

    /// A conversation ended. `None`: of no flow that we know.
    pub fn call(&self, flow: Option<Flow>, outcome: CallOutcome) {
        let flow = flow.map_or("unknown", Flow::name);
        one(&self.0.calls, &[("flow", flow), ("outcome", outcome.as_str())]);
    }

    /// A login is in force, so long after the last digit of the PIN.
    pub fn in_force(&self, after: Duration) {
        self.0.in_force.observe(after.as_secs_f64());
    }

    /// A phone has fetched the file that shows who sits there, so long after that changed.
    pub fn shown(&self, after: Duration) {
        self.0.shown.observe(after.as_secs_f64());
    }

    /// FreeSWITCH was answered, and it took so long.
    pub fn directory(&self, question: Question, took: Duration) {
        if let Some(times) = self.0.directory.get(question as usize) {
            times.observe(took.as_secs_f64());
        }
    }

    /// A phone was answered, and it took so long.
    pub fn phone(&self, answer: PhoneAnswer, took: Duration) {
        if let Some(times) = self.0.phones.get(answer as usize) {
            times.observe(took.as_secs_f64());
        }
    }

    /// The store committed, or could not, and it took so long.
    pub fn commit(&self, worked: bool, took: Duration) {
        if worked {
            self.0.commits.observe(took.as_secs_f64());
        } else {
            self.0.store_failures.inc();
        }
    }

    /// Something happened and is durable.
    pub fn happened(&self, what: &Happening) {
        match what {
            Happening::Login { .. } | Happening::OwnerReturned { .. } => {
                self.0.logins.inc();
            }
            Happening::Logout { .. } => {
                self.0.logouts.inc();
            }
            Happening::EmergencyCall { .. } => one(&self.0.emergencies, &[("outcome", "made")]),
            Happening::EmergencyUnreachable { .. } => {
                one(&self.0.emergencies, &[("outcome", "unreachable")]);
            }
            Happening::PinRefused { .. } => {
                self.0.pin_refusals.inc();
            }
            Happening::PinLocked { phone, user, .. } => {
                let of = match (phone, user) {
                    (Some(_), Some(_)) => "pair",
                    (Some(_), None) => "phone",
                    (None, _) => "extension",
                };
                one(&self.0.pin_locks, &[("of", of)]);
            }
            _ => {}
        }
    }

    /// A round with a redirection service ended.
    pub fn redirection_run(&self, service: &str, worked: bool) {
        let outcome = if worked { "done" } else { "failed" };
        one(&self.0.redirection_runs, &[("service", service), ("outcome", outcome)]);
    }

    /// So many phones asked by SIP PnP and were sent their URL.
    pub fn pnp_answered(&self, count: u64) {
        self.0.pnp_answers.inc_by(count);
    }

    /// So many datagrams at SIP PnP got no answer.
    pub fn pnp_silent(&self, why: Silence, count: u64) {
        let labels = owned(&[("reason", why.as_str())]);
        self.0.pnp_silences.get_or_create_owned(&labels).inc_by(count);
    }

    /// A delivery to a webhook was tried.
    pub fn delivery(&self, target: &str, outcome: Delivery) {
        self.deliveries(target, outcome, 1);
    }

    /// The same of so many events.
    pub fn deliveries(&self, target: &str, outcome: Delivery, count: u64) {
        let labels = owned(&[("target", target), ("outcome", outcome.as_str())]);
        self.0.deliveries.get_or_create_owned(&labels).inc_by(count);
    }

    /// All of it and these levels, as Prometheus reads it.
    pub fn text(&self, levels: &Levels) -> String {
        text::write(&[&self.0.registry, &levels.registry()])
    }
}

impl Inner {
    /// The series that are there before anything happened: whoever watches a rate needs the first value too.
    fn with_zeros(self) -> Self {
        for flow in Flow::ALL {
            for outcome in CallOutcome::ALL {
                zero(&self.calls, &[("flow", flow.name()), ("outcome", outcome.as_str())]);
            }
        }
        for of in ["pair", "phone", "extension"] {
            zero(&self.pin_locks, &[("of", of)]);
        }
        for outcome in ["made", "unreachable"] {
            zero(&self.emergencies, &[("outcome", outcome)]);
        }
        for why in Silence::ALL {
            zero(&self.pnp_silences, &[("reason", why.as_str())]);
        }
        self
    }
}

/// Counts one.
fn one<const N: usize>(counters: &Counters<N>, labels: &[(&'static str, &str); N]) {
    counters.get_or_create_owned(&owned(labels)).inc();
}

/// Makes the series, with nothing in it.
fn zero<const N: usize>(counters: &Counters<N>, labels: &[(&'static str, &str); N]) {
    drop(counters.get_or_create_owned(&owned(labels)));
}

/// The labels as a family keeps them.
fn owned<const N: usize>(labels: &[(&'static str, &str); N]) -> Labels<N> {
    labels.map(|(name, value)| (name, value.to_owned()))
}

/// A registry in the making. Its names have neither the prefix nor the `_total` of counters, which are added.
struct Names(Registry);

impl Names {
    /// A counter.
    fn counter(&mut self, name: &str, help: &str) -> Counter {
        let counter = Counter::default();
        self.0.register(name, help, counter.clone());
        counter
    }

    /// Counters that differ by labels.
    fn counters<const N: usize>(&mut self, name: &str, help: &str) -> Counters<N> {
        let counters = Counters::default();
        self.0.register(name, help, counters.clone());
        counters
    }

    /// How long something took, in seconds.
    fn histogram(&mut self, name: &str, help: &str, bounds: &[f64]) -> Histogram {
        let histogram = Histogram::new(bounds.iter().copied());
        self.0.register(name, help, histogram.clone());
        histogram
    }

    /// One for each value of a label, to be found without a look-up.
    fn histograms<const N: usize>(
        &mut self,
        (name, help): (&str, &str),
        (label, values): (&'static str, [&'static str; N]),
        bounds: &'static [f64],
    ) -> [Histogram; N] {
        let make = move || Histogram::new(bounds.iter().copied());
        let family = Family::<[(&str, &str); 1], Histogram, _>::new_with_constructor(make);
        let each = values.map(|value| family.get_or_create_owned(&[(label, value)]));
        self.0.register(name, help, family);
        each
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LoginMode;

    #[test]
    fn what_happened_is_in_the_text() {
        let metrics = Metrics::new();
        metrics.call(Some(Flow::Login), CallOutcome::Done);
        metrics.call(None, CallOutcome::Unavailable);
        metrics.directory(Question::User, Duration::from_micros(30));
        metrics.phone(PhoneAnswer::File, Duration::from_millis(3));
        metrics.commit(true, Duration::from_millis(2));
        metrics.commit(false, Duration::from_secs(2));
        metrics.pnp_silent(Silence::Stranger, 3);
        let phone = "0004132a0001".parse().unwrap();
        let login =
            Happening::Login { phone, user: "1001".parse().unwrap(), mode: LoginMode::Only };
        metrics.clone().happened(&login);
        let text = metrics.text(&Levels::default());
        for line in [
            "hotdeskd_calls_total{flow=\"login\",outcome=\"done\"} 1",
            "hotdeskd_calls_total{flow=\"logout\",outcome=\"done\"} 0",
            "hotdeskd_calls_total{flow=\"unknown\",outcome=\"unavailable\"} 1",
            "hotdeskd_directory_answer_seconds_bucket{le=\"0.000025\",question=\"user\"} 0",
            "hotdeskd_directory_answer_seconds_bucket{le=\"0.00005\",question=\"user\"} 1",
            "hotdeskd_directory_answer_seconds_count{question=\"group\"} 0",
            "hotdeskd_provisioning_answer_seconds_count{answer=\"file\"} 1",
            "hotdeskd_store_commit_seconds_count 1",
            "hotdeskd_store_failures_total 1",
            "hotdeskd_pnp_silences_total{reason=\"stranger\"} 3",
            "hotdeskd_pin_locks_total{of=\"pair\"} 0",
            "hotdeskd_logins_total 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
