//! What came of it, in words.

use crate::cli::output;
use crate::http::admin::RedirectionView;
use crate::provisioning::redirection::{Outcome, Step, Task};

/// What each kind of phone is called in the sum.
const KINDS: [(Step, &str); 8] = [
    (Step::Register, "to register"),
    (Step::Change, "to change"),
    (Step::Remove, "to remove"),
    (Step::Fine, "fine"),
    (Step::Elsewhere, "owned by somebody else"),
    (Step::Foreign, "registered there, but not by us"),
    (Step::OtherVendor, "registered there, but not of this service's vendor"),
    (Step::Unknown, "not known"),
];

/// What was found and done at one service.
pub(super) fn outcome(outcome: &Outcome, task: Task) -> String {
    let mut told = format!("Redirection service {}\n", output::plain(&outcome.service));
    if task == Task::Plan || outcome.error.is_some() && outcome.done.is_empty() {
        told += &planned(outcome, |step| step != Step::Fine);
        return told + &sum(outcome);
    }
    // What was not to be done is told as well, because it needs somebody.
    told += &planned(outcome, |step| !step.is_to_do() && step != Step::Fine);
    let failed = outcome.done.iter().filter_map(|done| {
        let error = done.error.clone()?;
        Some([done.phone.to_string(), done.step.to_string(), error])
    });
    let failed: Vec<_> = failed.collect();
    if !failed.is_empty() {
        told += &output::table(["PHONE", "WHAT", "WHY NOT"], failed, "");
    }
    let Outcome { registered, changed, removed, failed, left, .. } = outcome;
    let fine = outcome.planned.iter().filter(|one| one.step == Step::Fine).count();
    told += &format!(
        "{registered} registered, {changed} changed, {removed} removed, {fine} fine before, {failed} failed, {left} not begun.\n"
    );
    told
}

fn planned(outcome: &Outcome, is_told: impl Fn(Step) -> bool) -> String {
    let rows = outcome.planned.iter().filter(|one| is_told(one.step));
    let rows: Vec<_> = rows
        .map(|one| {
            let detail = one.detail.clone().unwrap_or_default();
            [one.phone.to_string(), one.step.to_string(), detail]
        })
        .collect();
    if rows.is_empty() { String::new() } else { output::table(["PHONE", "WHAT", ""], rows, "") }
}

/// How many phones there are of each kind.
fn sum(outcome: &Outcome) -> String {
    let kinds = KINDS.iter().filter_map(|(step, name)| {
        let count = outcome.planned.iter().filter(|one| one.step == *step).count();
        (count > 0).then(|| format!("{count} {name}"))
    });
    let mut kinds: Vec<String> = kinds.collect();
    if outcome.others > 0 {
        kinds.push(format!("{} of the inventory are not for this service", outcome.others));
    }
    match kinds.is_empty() {
        true => "There are no phones for this service.\n".to_owned(),
        false => format!("{}.\n", kinds.join(", ")),
    }
}

/// What the services were told.
pub(super) fn list(rows: &[RedirectionView]) -> String {
    let rows = rows.iter().map(|row| {
        [
            row.phone.to_string(),
            row.label.clone().unwrap_or_default(),
            row.service.clone(),
            row.state.to_string(),
            output::time(row.at),
            row.registered.map(output::time).unwrap_or_default(),
            row.reason.clone().unwrap_or_default(),
        ]
    });
    output::table(
        ["PHONE", "LABEL", "SERVICE", "STATE", "SINCE", "REGISTERED", "WHY"],
        rows,
        "No redirection service was told of a phone yet; `hotdeskd redirection plan` tells what is to be done.",
    )
}
