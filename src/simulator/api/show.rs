//! `show …`: tables as text with commas, or as JSON.

use super::super::node::Node;

const REGISTRATION_COLUMNS: [&str; 10] = [
    "reg_user",
    "realm",
    "token",
    "url",
    "expires",
    "network_ip",
    "network_port",
    "network_proto",
    "hostname",
    "metadata",
];

const CHANNEL_COLUMNS: [&str; 17] = [
    "uuid",
    "direction",
    "created",
    "created_epoch",
    "name",
    "state",
    "cid_name",
    "cid_num",
    "ip_addr",
    "dest",
    "application",
    "application_data",
    "dialplan",
    "context",
    "hostname",
    "presence_id",
    "callstate",
];

impl Node {
    pub(super) fn show(&self, argument: &str) -> String {
        let words: Vec<&str> = argument.split(' ').filter(|word| !word.is_empty()).collect();
        let json = matches!(words.as_slice(), [.., "as", "json"]);
        match words.as_slice() {
            ["registrations", ..] => table(&REGISTRATION_COLUMNS, &self.registration_rows(), json),
            ["channels" | "calls", "count", ..] => {
                format!("\n{} total.\n", self.channel_rows("").len())
            }
            ["channels", "like", like, ..] => {
                table(&CHANNEL_COLUMNS, &self.channel_rows(like.trim_matches('\'')), json)
            }
            ["channels", ..] => table(&CHANNEL_COLUMNS, &self.channel_rows(""), json),
            // No call of the simulator has two legs.
            ["calls", ..] => table(&CHANNEL_COLUMNS, &[], json),
            _ => "-USAGE: codec|endpoint|application|api|dialplan|file|timer|calls [count]|channels [count|like <match string>]|registrations [as xml|as delim|as json]\n".to_owned(),
        }
    }

    fn registration_rows(&self) -> Vec<Vec<String>> {
        let state = self.lock();
        let row = |row: &super::super::registrar::Registration| {
            vec![
                row.user.clone(),
                self.settings.domain.to_string(),
                row.call_id.clone(),
                row.contact.clone(),
                row.expires.to_string(),
                row.ip.clone(),
                row.port.to_string(),
                "udp".into(),
                self.settings.switchname.clone(),
                String::new(),
            ]
        };
        state.registrations.iter().map(row).collect()
    }

    /// Channels whose UUID, name, caller ID or presence holds `like`.
    fn channel_rows(&self, like: &str) -> Vec<Vec<String>> {
        let channels = self.lock().channels.clone();
        channels
            .iter()
            .map(|channel| channel.row(self))
            .filter(|row| {
                [0, 4, 6, 7].iter().any(|at| row.get(*at).is_some_and(|cell| cell.contains(like)))
            })
            .collect()
    }
}

fn table(columns: &[&str], rows: &[Vec<String>], json: bool) -> String {
    if !json {
        if rows.is_empty() {
            return "\n0 total.\n".to_owned();
        }
        let lines: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
        return format!("{}\n{}\n\n{} total.\n", columns.join(","), lines.join("\n"), rows.len());
    }
    if rows.is_empty() {
        return "{\"row_count\": 0}\n".to_owned();
    }
    let objects: Vec<String> = rows
        .iter()
        .map(|row| {
            let cells: Vec<String> = columns
                .iter()
                .zip(row)
                .map(|(name, cell)| {
                    format!("{:?}:{}", name, serde_json::Value::from(cell.as_str()))
                })
                .collect();
            format!("{{{}}}", cells.join(","))
        })
        .collect();
    format!("{{\"row_count\":{},\"rows\":[{}]}}", rows.len(), objects.join(","))
}
