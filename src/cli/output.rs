//! How answers look: tables and sentences for people, JSON for programs.

use comfy_table::{ContentArrangement, Table, presets};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::http::admin::{ChangeView, WhatChanged};

/// A table, or `empty` where there are no rows.
pub(super) fn table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    empty: &str,
) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    for row in rows {
        table.add_row(row.map(|cell| plain(&cell)));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    if table.is_empty() {
        return format!("{empty}\n");
    }
    let lines = table.lines().map(|line| format!("{}\n", line.trim_end()));
    lines.collect()
}

/// Names and values below one another; those without a value are left out.
pub(super) fn card<'a>(entries: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let entries: Vec<(&str, String)> =
        entries.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let widest = entries.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let lines = entries.iter().map(|(name, value)| format!("{name:widest$}  {}\n", plain(value)));
    lines.collect()
}

/// JSON that people can read too.
pub(super) fn json(value: &impl Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// A text that does nothing to a terminal: names come from anywhere. Control characters do, and those that
/// turn the direction of what stands behind them.
pub(super) fn plain(text: &str) -> String {
    let turns = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if c.is_control() || turns(c) { '\u{fffd}' } else { c }).collect()
}

/// Several lines that do nothing to a terminal.
pub(super) fn lines(text: &str) -> String {
    text.lines().map(|line| plain(&line.replace('\t', "    ")) + "\n").collect()
}

/// A time in the machine's own zone.
pub(super) fn time(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// What a login or logout changed, a sentence each.
pub(super) fn changes(changes: &[ChangeView], nothing: &str) -> String {
    if changes.is_empty() {
        return format!("{nothing}\n");
    }
    let lines = changes.iter().map(|change| {
        let ChangeView { what, phone, user, reason } = change;
        match (what, reason) {
            (WhatChanged::Began, _) => format!("{user} is logged in at {phone}.\n"),
            (WhatChanged::Ended, None) => format!("{user} is logged out at {phone}.\n"),
            (WhatChanged::Ended, Some(reason)) => {
                format!("{user} is logged out at {phone}: {reason}.\n")
            }
        }
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_plain_text_and_names_do_nothing_to_a_terminal() {
        let rows =
            [["1001".to_owned(), "Ada \u{1b}[2J".to_owned()], ["10".to_owned(), String::new()]];
        assert_eq!(
            table(["USER", "NAME"], rows, "none"),
            "USER  NAME\n1001  Ada \u{fffd}[2J\n10\n"
        );
        assert_eq!(table(["USER"], [], "There is nobody."), "There is nobody.\n");
        let card =
            card([("a", "1".to_owned()), ("long", "2\n3".to_owned()), ("no", String::new())]);
        assert_eq!(card, "a     1\nlong  2\u{fffd}3\n");
    }
}
