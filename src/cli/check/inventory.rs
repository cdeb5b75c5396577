//! `check`: the query that lists the phones.

use super::Line;
use crate::config::Config;
use crate::databases::{Fault, Table};
use crate::provisioning::inventory;

/// What a line is about.
const SUBJECT: &str = "inventory";

/// Asks, and looks whether the columns are those of an inventory.
pub(super) async fn lines(config: &Config, lines: &mut Vec<Line>) {
    let Some((server, query)) = config.inventory.query() else { return };
    let url = server.url.clone();
    let table = match Table::read(server, query, config.inventory.settings.deadline()).await {
        Ok(table) => table,
        Err(fault) => {
            let advice = match fault {
                Fault::Lost(_) => "see that it runs and can be reached from here",
                _ => "correct `inventory.query`, or the user and the password",
            };
            lines.push(Line::wrong(SUBJECT, format!("{url}: {fault}"), advice));
            return;
        }
    };
    let names: Vec<&str> = table.columns().iter().map(String::as_str).collect();
    lines.push(match inventory::Table::of(&names, true) {
        // Firebird names the columns with the first row.
        _ if names.is_empty() => {
            let advice = "`hotdeskd phones import --sql --dry-run` tells more once there are some";
            Line::look(SUBJECT, format!("{url}: the query gives no rows"), advice)
        }
        Ok(found) if found.ignored().is_empty() => {
            Line::good(SUBJECT, format!("{url}: the query gives {}", names.join(", ")))
        }
        Ok(found) => {
            let told = format!(
                "{url}: the query gives columns that are not known: {}",
                found.ignored().join(", ")
            );
            Line::look(
                SUBJECT,
                told,
                "leave them out, or give --ignore-unknown-columns when you import",
            )
        }
        Err(fault) => Line::wrong(SUBJECT, format!("{url}: {fault}"), "correct `inventory.query`"),
    });
}
