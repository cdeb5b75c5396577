//! Plots: SVG made here, with a table beside it that says the same. Only numbers and words of our own stand in them.

use std::fmt::Write as _;

use jiff::tz::TimeZone;
use minijinja::{Value, context};

use crate::http::admin::{Statistics, WAIT_LIMITS};
use crate::model::Stage;

/// How wide a plot of the week is, in units of the drawing.
const WIDE: u32 = 720;
/// How high each of its panels is.
const HIGH: u32 = 130;
/// The space for numbers at its left.
const LEFT: u32 = 44;
/// The space for days below a panel.
const BELOW: u32 = 28;
/// The space above, so that no bar touches the edge.
const ABOVE: u32 = 8;
/// How high a row of a plot of bars is.
const ROW: u32 = 24;

/// A round number that is no less: 1, 2, 5, 10, 20, 50, …
fn round_up(most: u32) -> u32 {
    let mut scale = 1;
    loop {
        for step in [1, 2, 5] {
            if scale * step >= most {
                return scale * step;
            }
        }
        if scale > 100_000_000 {
            return most;
        }
        scale *= 10;
    }
}

/// A plot for a template: the drawing, what it shows in a sentence, and the same as a table.
fn plot(svg: String, sentence: String, head: &[&'static str], rows: Vec<Vec<String>>) -> Value {
    context! { svg => Value::from_safe_string(svg), sentence, head => head.to_vec(), rows }
}

/// The beginning of a drawing. Who cannot see it is told the sentence; the table says it all.
fn begin(wide: u32, high: u32, sentence: &str) -> String {
    format!("<svg viewBox=\"0 0 {wide} {high}\" role=\"img\" aria-label=\"{sentence}\">")
}

/// Logins by the hour as bars, and occupied desks as a line, over the week.
pub(super) fn week(statistics: &Statistics) -> Value {
    let hours = &statistics.hours;
    let logins: u32 = hours.iter().map(|hour| hour.logins).sum();
    let most_desks = hours.iter().map(|hour| hour.occupied).max().unwrap_or_default();
    let now = hours.last().map_or(0, |hour| hour.occupied);
    let sentence = format!(
        "{logins} logins in seven days; at most {most_desks} desks occupied at a time, {now} now"
    );
    let desks = hours.iter().map(|hour| hour.occupied);
    let bars = hours.iter().map(|hour| hour.logins);
    let mut svg = String::new();
    let zone = TimeZone::system();
    let days: Vec<(usize, String)> = hours
        .iter()
        .enumerate()
        .filter_map(|(at, hour)| {
            let local = hour.at.to_zoned(zone.clone());
            (local.hour() == 0).then(|| (at, local.strftime("%a").to_string()))
        })
        .collect();
    svg += &begin(WIDE, 2 * (HIGH + BELOW), &sentence);
    svg += &panel(0, "occupied desks", most_desks, &days, &area(desks, most_desks));
    let most_logins = hours.iter().map(|hour| hour.logins).max().unwrap_or_default();
    svg += &panel(HIGH + BELOW, "logins an hour", most_logins, &days, &columns(bars, most_logins));
    svg += "</svg>";
    let mut rows: Vec<Vec<String>> = Vec::new();
    for hour in hours {
        let local = hour.at.to_zoned(zone.clone());
        let day = local.strftime("%a %-d %b").to_string();
        match rows.last_mut() {
            Some(row) if row.first() == Some(&day) => {}
            _ => rows.push(vec![day, "0".to_owned(), "0".to_owned()]),
        }
        if let Some([_, logins, most]) = rows.last_mut().map(Vec::as_mut_slice) {
            let add = |text: &str| text.parse::<u32>().unwrap_or_default();
            *logins = (add(logins) + hour.logins).to_string();
            *most = add(most).max(hour.occupied).to_string();
        }
    }
    plot(svg, sentence, &["Day", "Logins", "Desks occupied at most"], rows)
}

/// The frame of a plot over the week at this height, with what is drawn in it.
fn panel(top: u32, title: &str, most: u32, days: &[(usize, String)], inner: &str) -> String {
    let (scale, right, bottom) = (round_up(most.max(1)), WIDE, HIGH);
    let mut svg = format!("<g transform=\"translate(0 {top})\">");
    for part in [0, 1, 2] {
        let y = bottom - (bottom - ABOVE) * part / 2;
        let value = scale * part / 2;
        if part == 1 && scale < 2 {
            continue;
        }
        let class = if part == 0 { "axis" } else { "grid" };
        let _ = write!(
            svg,
            "<line class=\"{class}\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y}\" y2=\"{y}\"/>\
             <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{value}</text>",
            LEFT - 6,
            y + 4
        );
    }
    for (at, day) in days {
        let x = x_of(*at);
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{ABOVE}\" y2=\"{bottom}\"/>"
        );
        // A day's name needs room.
        if x < f64::from(WIDE - 30) {
            let _ = write!(svg, "<text x=\"{:.1}\" y=\"{}\">{day}</text>", x + 3.0, bottom + 17);
        }
    }
    let _ = write!(
        svg,
        "{inner}<text class=\"name\" x=\"{}\" y=\"{}\">{title}</text></g>",
        LEFT + 5,
        ABOVE + 11
    );
    svg
}

/// Where an hour of the week begins.
fn x_of(hour: usize) -> f64 {
    let step = f64::from(WIDE - LEFT) / 168.0;
    f64::from(LEFT) + step * f64::from(u32::try_from(hour).unwrap_or(168))
}

/// How high a value stands.
fn y_of(value: u32, most: u32) -> f64 {
    let scale = f64::from(round_up(most.max(1)));
    f64::from(HIGH) - f64::from(HIGH - ABOVE) * f64::from(value) / scale
}

/// A line of steps with what is below it.
fn area(values: impl Iterator<Item = u32>, most: u32) -> String {
    let mut line = String::new();
    for (at, value) in values.enumerate() {
        let (from, to, y) = (x_of(at), x_of(at + 1), y_of(value, most));
        let _ = write!(line, "{}{from:.1} {y:.1}H{to:.1}", if at == 0 { "M" } else { "L" });
    }
    if line.is_empty() {
        return line;
    }
    format!("<path class=\"area\" d=\"{line}V{HIGH}H{LEFT}Z\"/><path class=\"line\" d=\"{line}\"/>")
}

/// A bar for each hour with a value.
fn columns(values: impl Iterator<Item = u32>, most: u32) -> String {
    let mut svg = "<g class=\"bars\">".to_owned();
    for (at, value) in values.enumerate().filter(|(_, value)| *value > 0) {
        let (x, y) = (x_of(at), y_of(value, most));
        let (width, height) = (x_of(at + 1) - x - 0.8, f64::from(HIGH) - y);
        let _ = write!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
        );
    }
    svg + "</g>"
}

/// Rows of bars, each with its name and number.
fn rows(sentence: &str, bars: &[(String, u32)]) -> String {
    let high = u32::try_from(bars.len()).unwrap_or_default() * ROW;
    let most = bars.iter().map(|(_, count)| *count).max().unwrap_or_default().max(1);
    let (name, wide) = (200, 432);
    let mut svg = begin(wide, high, sentence).replacen("<svg", "<svg class=\"rows\"", 1);
    for (at, (title, count)) in bars.iter().enumerate() {
        let y = u32::try_from(at).unwrap_or_default() * ROW;
        let track = wide - name - 48;
        let width = f64::from(track) * f64::from(*count) / f64::from(most);
        let _ = write!(
            svg,
            "<g class=\"stage\"><text x=\"0\" y=\"{text}\">{title}</text>\
             <rect class=\"track\" x=\"{name}\" y=\"{bar}\" width=\"{track}\" height=\"10\" rx=\"2\"/>\
             <rect x=\"{name}\" y=\"{bar}\" width=\"{width:.1}\" height=\"10\" rx=\"2\"/>\
             <text x=\"{wide}\" y=\"{text}\" text-anchor=\"end\">{count}</text></g>",
            text = y + 16,
            bar = y + 7
        );
    }
    svg + "</svg>"
}

/// How many phones are how far.
pub(super) fn stages(counts: impl Iterator<Item = (Stage, usize)>) -> Value {
    let bars: Vec<(String, u32)> = counts
        .map(|(stage, count)| (stage.title().to_owned(), u32::try_from(count).unwrap_or(u32::MAX)))
        .collect();
    let all: u32 = bars.iter().map(|(_, count)| count).sum();
    let sentence = format!("How far {all} phones are on their way");
    let svg = rows(&sentence, &bars);
    let table = bars.into_iter().map(|(title, count)| vec![title, count.to_string()]);
    plot(svg, sentence, &["Step", "Phones"], table.collect())
}

/// How long customers waited, over the week.
pub(super) fn waits(statistics: &Statistics) -> Value {
    let title = |at: usize| match WAIT_LIMITS.get(at) {
        Some(limit) if *limit < 120 => format!("up to {limit} s"),
        Some(limit) => format!("up to {} min", limit / 60),
        None => "longer".to_owned(),
    };
    let served: u32 = statistics.served.iter().sum();
    let left: u32 = statistics.left.iter().sum();
    let sentence = format!("{served} customers were served in seven days, {left} left before that");
    let bars: Vec<(String, u32)> =
        statistics.served.iter().enumerate().map(|(at, count)| (title(at), *count)).collect();
    let svg = rows(&sentence, &bars);
    let table = statistics.served.iter().zip(statistics.left).enumerate();
    let table = table
        .map(|(at, (served, left))| vec![title(at), served.to_string(), left.to_string()])
        .collect();
    plot(svg, sentence, &["Waited", "Served", "Left unserved"], table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::admin::Hour;
    use jiff::Timestamp;

    #[test]
    fn scales_end_at_round_numbers() {
        for (most, round) in [(1, 1), (2, 2), (3, 5), (7, 10), (11, 20), (51, 100), (4_000, 5_000)]
        {
            assert_eq!(round_up(most), round);
        }
    }

    #[test]
    fn a_plot_says_the_same_as_its_table() {
        let hour = |at: i64, logins, occupied| Hour {
            at: Timestamp::from_second(1_800_000_000 / 3_600 * 3_600 + at * 3_600).unwrap(),
            logins,
            occupied,
        };
        let hours: Vec<Hour> = (0..168).map(|at| hour(at, u32::from(at % 24 == 9), 5)).collect();
        let statistics = Statistics { hours, ..Statistics::default() };
        let drawn = week(&statistics);
        let svg = drawn.get_attr("svg").unwrap().to_string();
        assert_eq!(svg.matches("<rect").count(), 7, "{svg}");
        assert!(svg.contains("7 logins in seven days; at most 5 desks"), "{svg}");
        assert!(!svg.contains("style=") && !svg.contains("NaN"));
        let days = drawn.get_attr("rows").unwrap().len().unwrap();
        assert!((7..=8).contains(&days), "{days}");
    }
}
