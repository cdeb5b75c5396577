//! A phone's file as it would be sent now, where its settings come from, and how it differs from what the phone was given.

use axum::extract::{Query, State};
use axum::response::Response;
use minijinja::{Value, context};
use serde::Deserialize;

use crate::http::access::Signed;
use crate::http::admin::{Ask, PhoneView};
use crate::http::page::views::value;
use crate::http::page::{Page, encoded};
use crate::http::problem::{Named, Problem};
use crate::model::Mac;
use crate::provisioning::Rendered;

/// How many equal lines are shown around a difference.
const AROUND: usize = 3;
/// The most lines that are compared: ten times the longest file that we ship.
const MOST: usize = 2_000;

/// What the address says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::http::page) struct Asked {
    file: Option<String>,
}

pub(in crate::http::page) async fn show(
    State(page): State<Page>,
    signed: Signed,
    Named(mac): Named<Mac>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let phone: PhoneView = page.ask(&signed, Ask::get(&format!("/phones/{mac}"))).await?;
    let file = asked.file.map(|file| format!("&file={}", encoded(&file))).unwrap_or_default();
    let rendered = async |as_given: bool| {
        let path = format!("/phones/{mac}/file?as_given={as_given}{file}");
        page.ask::<Rendered>(&signed, Ask::get(&path)).await
    };
    let now = match rendered(false).await {
        Ok(now) => now,
        Err(problem) => {
            let refused = problem.detail().to_owned();
            let values = context! { here => "phones", phone => value(phone), refused };
            return page.html("file.html", &signed, values);
        }
    };
    let given = rendered(true).await?;
    let settings: Vec<Value> = now
        .settings
        .iter()
        .map(|setting| {
            let over =
                setting.over.iter().map(|layer| layer.as_str()).collect::<Vec<_>>().join(", ");
            context! {
                name => setting.name.to_string(),
                value => setting.value.to_string(),
                layer => setting.layer.as_str(),
                over,
            }
        })
        .collect();
    let difference = difference(&given.text, &now.text);
    let (phone, now) = (value(phone), value(now));
    let values = context! { here => "phones", phone, now, settings, difference };
    page.html("file.html", &signed, values)
}

/// The lines that differ, with some around them: `less`, `more`, `same`, `skip`. Empty where nothing does.
fn difference(old: &str, new: &str) -> Vec<Value> {
    let old: Vec<&str> = old.lines().take(MOST).collect();
    let new: Vec<&str> = new.lines().take(MOST).collect();
    if old == new {
        return Vec::new();
    }
    let lines = compared(&old, &new);
    let near = |at: usize| {
        let from = at.saturating_sub(AROUND);
        lines.iter().skip(from).take(at - from + AROUND + 1).any(|(kind, _)| *kind != "same")
    };
    let mut shown: Vec<(&str, &str)> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if near(at) {
            shown.push(*line);
        } else if shown.last().is_none_or(|(kind, _)| *kind != "skip") {
            shown.push(("skip", "…"));
        }
    }
    shown.into_iter().map(|(kind, text)| context! { kind, text }).collect()
}

/// Each line of either, in order, by the longest common subsequence.
fn compared<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<(&'static str, &'a str)> {
    let begin = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (old.get(begin..).unwrap_or(&[]), new.get(begin..).unwrap_or(&[]));
    let end = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, tail) = old_rest.split_at(old_rest.len() - end);
    let (b, _) = new_rest.split_at(new_rest.len() - end);
    // How long the common subsequence of what is behind two lines is.
    let width = b.len() + 1;
    let mut common = vec![0_u16; (a.len() + 1) * width];
    let length =
        |common: &[u16], i: usize, j: usize| common.get(i * width + j).copied().unwrap_or(0);
    for (i, x) in a.iter().enumerate().rev() {
        for (j, y) in b.iter().enumerate().rev() {
            let best = match x == y {
                true => length(&common, i + 1, j + 1) + 1,
                false => length(&common, i + 1, j).max(length(&common, i, j + 1)),
            };
            if let Some(cell) = common.get_mut(i * width + j) {
                *cell = best;
            }
        }
    }
    let mut lines: Vec<(&'static str, &'a str)> =
        old.iter().take(begin).map(|line| ("same", *line)).collect();
    let (mut i, mut j) = (0, 0);
    loop {
        match (a.get(i), b.get(j)) {
            (Some(x), Some(y)) if x == y => {
                lines.push(("same", x));
                (i, j) = (i + 1, j + 1);
            }
            (Some(x), Some(_)) if length(&common, i + 1, j) >= length(&common, i, j + 1) => {
                lines.push(("less", x));
                i += 1;
            }
            (_, Some(y)) => {
                lines.push(("more", y));
                j += 1;
            }
            (Some(x), None) => {
                lines.push(("less", x));
                i += 1;
            }
            (None, None) => break,
        }
    }
    lines.extend(tail.iter().map(|line| ("same", *line)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_came_and_went_are_told_in_their_order() {
        let old = ["a", "b", "c", "d"];
        let new = ["a", "c", "x", "d"];
        let told = [("same", "a"), ("less", "b"), ("same", "c"), ("more", "x"), ("same", "d")];
        assert_eq!(compared(&old, &new), told);
        assert_eq!(compared(&[], &["x"]), [("more", "x")]);
        assert_eq!(compared(&["x"], &[]), [("less", "x")]);
        assert!(difference("a\nb", "a\nb").is_empty());
        let long: Vec<String> = (0..50).map(|at| at.to_string()).collect();
        let other = long.join("\n").replace("\n25\n", "\nother\n");
        // Three lines on each side, the two that differ, and two places that are left out.
        assert_eq!(difference(&long.join("\n"), &other).len(), 10);
    }
}
