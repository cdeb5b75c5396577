//! For Kea: two members of `"Dhcp4"`, with a client class for each vendor.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use super::{Says, Told, head, reason};
use crate::provisioning::vendor::{Class, OptionValue, Ouis};

/// Options that Kea knows by their codes.
const KNOWN: [u8; 4] = [43, 66, 67, 114];

pub(super) fn print(vendors: &[Told<'_>], base: &str) -> String {
    let include = [
        "These are two members of \"Dhcp4\". Write them to /etc/kea/hotdeskd.json, and inside of \"Dhcp4\":",
        "    <?include \"/etc/kea/hotdeskd.json\"?>",
        "Where you have \"option-def\" or \"client-classes\" already, put the entries into yours.",
        "Kea sends an option to those that ask for it (option 55); phones ask for theirs.",
    ];
    let mut text = String::new();
    for line in head("Kea", &include, vendors, base) {
        let _ = writeln!(text, "// {line}");
    }
    let _ = writeln!(text, "\"option-def\": [{}\n],", listed(&definitions(vendors), 1));
    let classes: Vec<String> = vendors.iter().map(class).collect();
    let _ = writeln!(text, "\"client-classes\": [{}\n]", listed(&classes, 1));
    text
}

/// Entries, each on lines of its own.
fn listed(entries: &[String], depth: usize) -> String {
    let indent = "  ".repeat(depth);
    let entries = entries.iter().map(|entry| {
        let lines = entry.lines().map(|line| format!("\n{indent}{line}"));
        lines.collect::<String>()
    });
    entries.collect::<Vec<_>>().join(",")
}

/// Options that Kea does not know, and what stands inside of option 43.
fn definitions(vendors: &[Told<'_>]) -> Vec<String> {
    let define = |name: &str, code: u8, space: &str| {
        let (name, space) = (quoted(name), quoted(space));
        format!(
            "{{ \"name\": {name}, \"code\": {code}, \"type\": \"string\", \"space\": {space} }}"
        )
    };
    let options = || vendors.iter().flat_map(|vendor| &vendor.discovery.options);
    let unknown: BTreeSet<u8> =
        options().map(|option| option.code).filter(|code| !KNOWN.contains(code)).collect();
    let mut definitions: Vec<String> =
        unknown.into_iter().map(|code| define(&name(code), code, "dhcp4")).collect();
    for vendor in vendors {
        let options = &vendor.discovery.options;
        if options.iter().any(|option| option.value == OptionValue::ServerAndPath) {
            definitions.push(define("server", 66, &vendor.name));
            definitions.push(define("file", 67, &vendor.name));
        }
    }
    definitions
}

fn class(vendor: &Told<'_>) -> String {
    let name_of = quoted(&vendor.name);
    let mut text = format!("// {}\n{{ \"name\": {name_of},\n", vendor.title);
    let _ = write!(text, "  \"test\": {},", quoted(&conditions(vendor).join(" or ")));
    let (mut data, mut own) = (Vec::new(), None);
    for (option, says) in vendor.options() {
        let comment = format!("// {}", reason(option, &says));
        let code = option.code;
        let what = match code {
            code if KNOWN.contains(&code) => format!("\"code\": {code}"),
            code => format!("\"name\": {}", quoted(&name(code))),
        };
        match says {
            Says::Text(value) => {
                if code == 43 {
                    own = Some("\"type\": \"string\"".to_owned());
                }
                data.push(format!(
                    "{comment}\n{{ {what}, \"data\": {} }}",
                    quoted(&escaped(&value))
                ));
            }
            Says::Nested { server, path } => {
                own = Some(format!("\"type\": \"empty\", \"encapsulate\": {name_of}"));
                data.push(format!("{comment}\n{{ {what} }}"));
                for (inner, value) in [("server", server), ("file", path)] {
                    let value = quoted(&escaped(&value));
                    data.push(format!(
                        "{{ \"name\": \"{inner}\", \"space\": {name_of}, \"data\": {value} }}"
                    ));
                }
            }
            Says::TooLong { .. } => text.push_str(&format!("\n  {comment}")),
        }
    }
    // What is in option 43 is a matter of each class.
    if let Some(own) = own {
        let definition =
            format!("{{ \"name\": \"vendor-encapsulated-options\", \"code\": 43, {own} }}");
        let _ = write!(text, "\n  \"option-def\": [ {definition} ],");
    }
    let _ = write!(text, "\n  \"option-data\": [{}\n  ]\n}}", listed(&data, 2));
    text
}

/// How its phones are told.
fn conditions(vendor: &Told<'_>) -> Vec<String> {
    let mut conditions: Vec<String> = vendor
        .discovery
        .classes
        .iter()
        .map(|class| {
            let (length, text) = (class.text().len(), literal(class.text()));
            match class {
                Class::Begins(_) => format!("substring(option[60].hex,0,{length}) == {text}"),
                Class::Ends(_) => format!("substring(option[60].hex,-{length},all) == {text}"),
                Class::Is(_) => format!("option[60].hex == {text}"),
            }
        })
        .collect();
    let enterprise = vendor.discovery.enterprise;
    conditions.extend(
        enterprise.map(|number| format!("substring(option[60].hex,0,4) == 0x{number:08x}")),
    );
    let by_oui =
        |[a, b, c]: &[u8; 3]| format!("substring(pkt4.mac,0,3) == 0x{a:02x}{b:02x}{c:02x}");
    let ouis = vendor.ouis.iter().map(by_oui);
    match vendor.discovery.ouis {
        Ouis::Always => conditions.extend(ouis),
        Ouis::WithoutClass => {
            conditions.extend(ouis.map(|oui| format!("(not option[60].exists and {oui})")));
        }
        Ouis::Never => {}
    }
    if conditions.is_empty() {
        // Nothing tells its phones: no device is one.
        conditions.push("pkt4.htype == 255".to_owned());
    }
    conditions
}

fn name(code: u8) -> String {
    format!("hotdeskd-{code}")
}

/// A text in Kea's expressions, which know no escapes: in hexadecimal where one would be needed.
fn literal(text: &str) -> String {
    if text.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b'\'') {
        return format!("'{text}'");
    }
    let digits: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{digits}")
}

/// Kea reads data as a list behind commas.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace(',', "\\,")
}

/// A text in JSON.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
