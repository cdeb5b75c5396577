//! Prometheus's text format 0.0.4, which every scraper and `promtool` read.
//!
//! The crate writes OpenMetrics, where a counter's description has another name than its samples. Prometheus takes that
//! only with its own content type, and `promtool check metrics` not at all.

use prometheus_client::encoding::text::encode_registry;
use prometheus_client::registry::Registry;

/// What every name begins with.
pub(super) const PREFIX: &str = "hotdeskd";
/// What the text is.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The text of all registries.
pub(super) fn write(registries: &[&Registry]) -> String {
    let mut open = String::new();
    for registry in registries {
        // A string takes everything.
        let _ = encode_registry(&mut open, registry);
    }
    rewritten(&open)
}

/// OpenMetrics as Prometheus's own format.
fn rewritten(open: &str) -> String {
    let mut text = String::with_capacity(open.len() + 1_024);
    // The description comes before the type, and needs the name that the type gives.
    let mut help = None;
    for line in open.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ').map(|(_, help)| help.trim_end_matches('.'));
        } else if let Some((name, kind)) =
            line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '))
        {
            let suffix = if kind == "counter" { "_total" } else { "" };
            let help = help.take().unwrap_or_default();
            text.push_str(&format!(
                "# HELP {name}{suffix} {help}.\n# TYPE {name}{suffix} {kind}\n"
            ));
        } else if !line.starts_with('#') {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_described_by_the_name_of_its_samples() {
        let open = "# HELP hotdeskd_calls Calls.\n# TYPE hotdeskd_calls counter\nhotdeskd_calls_total{a=\"b\"} 1\n\
                    # HELP hotdeskd_sessions Sessions.\n# TYPE hotdeskd_sessions gauge\nhotdeskd_sessions 2\n# EOF\n";
        let text = "# HELP hotdeskd_calls_total Calls.\n# TYPE hotdeskd_calls_total counter\n\
                    hotdeskd_calls_total{a=\"b\"} 1\n# HELP hotdeskd_sessions Sessions.\n\
                    # TYPE hotdeskd_sessions gauge\nhotdeskd_sessions 2\n";
        assert_eq!(rewritten(open), text);
    }
}
