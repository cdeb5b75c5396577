//! `check`: the database of customers.

use std::time::Duration;

use super::Line;
use crate::app;
use crate::config::Config;
use crate::databases::Fault;

const SUBJECT: &str = "customers";

/// Connects, has the query prepared, and asks for a number that nobody has.
pub(super) async fn lines(config: &Config, lines: &mut Vec<Line>) -> anyhow::Result<()> {
    let Some(url) = &config.customers.url else { return Ok(()) };
    let deadline = config.customers.deadline();
    lines.push(match app::customers(config, None)?.examine().await {
        Ok(None) => return Ok(()),
        Ok(Some(found)) if found.finds_everybody => {
            let told = "the query finds somebody for a number that nobody has";
            Line::wrong(SUBJECT, told, "compare a column with `:number` in it")
        }
        Ok(Some(found)) => {
            let (asked, connected) = (milliseconds(found.asked), milliseconds(found.connected));
            let told = format!("{url}: the query took {asked}, connecting {connected}");
            let questions = u32::try_from(config.customers.spellings.len()).unwrap_or(u32::MAX);
            match found.asked.saturating_mul(questions) > deadline {
                false => Line::good(SUBJECT, told),
                true => Line::look(
                    SUBJECT,
                    format!("{told}, which is too long for all spellings within the deadline"),
                    "give the column an index, or make `customers.deadline_ms` longer",
                ),
            }
        }
        Err(fault) => {
            let advice = match &fault {
                Fault::Lost(_) => "see that it runs and can be reached from here",
                Fault::Refused(_) => "correct `customers.query`, or the user and the password",
                Fault::Columns(_) => "correct `customers.query`",
            };
            Line::wrong(SUBJECT, format!("{url}: {fault}"), advice)
        }
    });
    if config.customers.country.is_none() {
        lines.push(Line::look(
            SUBJECT,
            "without a home country only numbers with + or 00 are looked up",
            "set `customers.country`",
        ));
    }
    Ok(())
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}
