//! How far phones are on their way: `phones list --stage | --stuck | --moved`, `phones stages`, `phones check`.

use std::collections::HashSet;

use clap::Args;
use serde::Serialize;

use crate::cli::door::Door;
use crate::cli::{Failure, Printed, output};
use crate::config::Config;
use crate::http::admin::{Ask, PhoneView, StagesView};
use crate::model::{Mac, Stage, Tag};
use crate::provisioning::{CheckLine, Difference, PhoneCheck, Verdict, WayView};

/// Which phones are listed, and with what.
#[derive(Debug, Args)]
pub(in crate::cli) struct Filter {
    /// Only those that are so far: imported, redirected, first-contact, enrolled, configured, registered, shown.
    #[arg(long, value_name = "STAGE")]
    stage: Option<Stage>,
    /// Only those that do not go on, with why and what to do.
    #[arg(long)]
    stuck: bool,
    /// Only those that register from elsewhere than their location's networks.
    #[arg(long)]
    moved: bool,
}

impl Filter {
    /// Whether the way is asked for at all.
    pub(super) fn is_set(&self) -> bool {
        self.stage.is_some() || self.stuck || self.moved
    }

    fn query(&self) -> String {
        let stage = self.stage.map(|stage| format!("&stage={stage}")).unwrap_or_default();
        format!("/phones/ways?stuck={}&moved={}{stage}", self.stuck, self.moved)
    }
}

/// A phone with its way, as JSON.
#[derive(Debug, Serialize)]
pub(super) struct OnItsWay {
    /// The phone.
    #[serde(flatten)]
    pub(super) phone: PhoneView,
    /// Its way.
    pub(super) way: WayView,
}

pub(super) async fn list(
    filter: &Filter,
    tags: &[Tag],
    json: bool,
    config: &Config,
) -> anyhow::Result<String> {
    let key = |way: &WayView| way.mac.to_string();
    let mut ways = Door::open(config).await?.list(&filter.query(), key).await?;
    if !tags.is_empty() {
        let tagged = super::listed(tags, config).await?;
        let tagged: HashSet<Mac> = tagged.iter().map(|phone| phone.mac).collect();
        ways.retain(|way| tagged.contains(&way.mac));
    }
    if json {
        return output::json(&ways);
    }
    Ok(match (filter.moved, filter.stuck) {
        (true, _) => moved(&ways),
        (_, true) => stuck(&ways),
        _ => staged(&ways),
    })
}

fn label(way: &WayView) -> String {
    way.label.clone().unwrap_or_default()
}

fn staged(ways: &[WayView]) -> String {
    let rows = ways.iter().map(|way| {
        let since = way.steps.iter().find(|step| step.stage == way.stage).and_then(|step| step.at);
        let stuck = way.stuck.as_ref().map(|stuck| stuck.why.clone());
        [
            way.mac.to_string(),
            label(way),
            way.stage.to_string(),
            since.map(output::time).unwrap_or_default(),
            stuck.unwrap_or_default(),
        ]
    });
    output::table(["PHONE", "LABEL", "STAGE", "SINCE", "STUCK"], rows, "No phone is at this stage.")
}

/// Where, since when and why; what to do in a line below.
fn stuck(ways: &[WayView]) -> String {
    let mut told = String::new();
    for way in ways {
        let Some(stuck) = &way.stuck else { continue };
        let label = way.label.as_ref().map(|label| format!(" ({label})")).unwrap_or_default();
        let (stage, since) = (way.stage, output::time(stuck.since));
        let line = format!("{}{label}  {stage} since {since}: {}", way.mac, stuck.why);
        told += &format!("{}\n    -> {}\n", output::plain(&line), output::plain(&stuck.to_do));
    }
    if told.is_empty() { "No phone is stuck.\n".to_owned() } else { told }
}

fn moved(ways: &[WayView]) -> String {
    let rows = ways.iter().filter_map(|way| {
        let registration = way.registration.as_ref()?;
        let (since, from) = registration.moved.as_ref()?;
        let address = registration.address.map(|address| address.to_string());
        Some([
            way.mac.to_string(),
            label(way),
            way.location.clone().unwrap_or_default(),
            from.clone(),
            address.unwrap_or_default(),
            output::time(*since),
        ])
    });
    output::table(
        ["PHONE", "LABEL", "EMERGENCY LOCATION", "BELONGS TO", "REGISTERS FROM", "SINCE"],
        rows,
        "Every phone registers from where it belongs, as far as `[[location]]` says.",
    )
}

pub(super) async fn stages(json: bool, config: &Config) -> anyhow::Result<String> {
    let view: StagesView = Door::open(config).await?.ask(Ask::get("/phones/stages")).await?;
    if json {
        return output::json(&view);
    }
    let rows =
        view.stages.iter().map(|(stage, count)| [stage.title().to_owned(), count.to_string()]);
    let table = output::table(["STAGE", "PHONES"], rows, "");
    let all: usize = view.stages.values().sum();
    let (stuck, moved) = (view.stuck, view.moved);
    Ok(format!(
        "{table}\n{all} phones; {stuck} stuck (`hotdeskd phones list --stuck`), {moved} moved (`hotdeskd phones list --moved`).\n"
    ))
}

/// The steps of a phone with their times, below its card.
pub(super) fn card(way: &WayView) -> String {
    let mut rows: Vec<(&str, String)> = way
        .steps
        .iter()
        .map(|step| (step.stage.title(), step.at.map_or("-".to_owned(), output::time)))
        .collect();
    if let Some(registration) = &way.registration {
        let address = registration.address.map_or("?".to_owned(), |address| address.to_string());
        let agent = &registration.agent;
        let node = &registration.node;
        rows.push(("registers from", format!("{address} at {node}, as {agent}")));
        rows.push(("first registered", output::time(registration.first)));
        rows.push(("registered until", registration.ended.map(output::time).unwrap_or_default()));
        let moved = registration.moved.as_ref();
        let moved = moved.map(|(at, from)| format!("away from {from} since {}", output::time(*at)));
        rows.push(("MOVED", moved.unwrap_or_default()));
    }
    if let Some(stuck) = &way.stuck {
        rows.push(("STUCK", format!("since {}: {}", output::time(stuck.since), stuck.why)));
        rows.push(("to do", stuck.to_do.clone()));
    }
    output::card(rows)
}

/// The steps that hold, in a line.
pub(in crate::cli) fn in_a_line(way: &WayView) -> String {
    let steps = way
        .steps
        .iter()
        .filter_map(|step| Some(format!("{} {}", step.stage.title(), output::time(step.at?))));
    steps.collect::<Vec<_>>().join(", ")
}

/// Why a phone does not go on and what to do, in a sentence or two; empty where it does.
pub(in crate::cli) fn to_do(way: &WayView) -> String {
    let stuck = way.stuck.as_ref();
    stuck.map(|stuck| format!("{}. {}", stuck.why, stuck.to_do)).unwrap_or_default()
}

/// Checks a phone; exit code 1 when something differs.
pub(super) async fn check(mac: Mac, json: bool, config: &Config) -> Printed {
    let path = format!("/phones/{mac}/check");
    let check: PhoneCheck = Door::open(config).await?.ask(Ask::get(&path)).await?;
    let told = if json { output::json(&check)? } else { in_words(&check) };
    let things = match check.differing {
        0 => return Ok(told),
        1 => "1 thing differs".to_owned(),
        many => format!("{many} things differ"),
    };
    // The answer belongs on standard output even when it is a bad one.
    print!("{told}");
    Err(Failure::Failed(anyhow::anyhow!("{things} from what is wanted of {mac}")))
}

fn in_words(check: &PhoneCheck) -> String {
    let widest = check.lines.iter().map(|line| line.subject.chars().count()).max().unwrap_or(0);
    let mut told = String::new();
    for CheckLine { subject, verdict, found, advice } in &check.lines {
        let verdict = match verdict {
            Verdict::Ok => "ok",
            Verdict::Look => "look",
            Verdict::Differs => "DIFFERS",
        };
        let (subject, found) = (output::plain(subject), output::plain(found));
        told += &format!("{verdict:7}  {subject:widest$}  {found}\n");
        if let Some(advice) = advice {
            told += &format!("{:7}  {:widest$}  -> {}\n", "", "", output::plain(advice));
        }
    }
    if !check.settings.is_empty() {
        let hidden = |value: &Option<String>| value.clone().unwrap_or("(not shown)".to_owned());
        let rows = check.settings.iter().map(|Difference { name, wanted, found }| {
            [name.clone(), hidden(wanted), hidden(found)]
        });
        told += &format!("\n{}", output::table(["SETTING", "WANTED", "FOUND"], rows, ""));
    }
    if !check.log.is_empty() {
        told += "\nThe last lines of its log:\n";
        told.extend(check.log.iter().map(|line| format!("  {}\n", output::plain(line))));
    }
    told
}
