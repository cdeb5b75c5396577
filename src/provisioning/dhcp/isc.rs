//! For ISC dhcpd: a class for each vendor.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{Says, Told, head, oui, reason};
use crate::provisioning::vendor::{Class, Ouis};

/// The names that dhcpd has for options.
const NAMES: [(u8, &str); 4] = [
    (43, "vendor-encapsulated-options"),
    (66, "tftp-server-name"),
    (67, "bootfile-name"),
    (114, "default-url"),
];

pub(super) fn print(vendors: &[Told<'_>], base: &str) -> String {
    let include = [
        "Write it to /etc/dhcp/hotdeskd.conf, and into dhcpd.conf, outside of every subnet:",
        "    include \"/etc/dhcp/hotdeskd.conf\";",
        "dhcpd sends an option to those that ask for it (option 55); phones ask for theirs.",
    ];
    let mut text = String::new();
    for line in head("ISC dhcpd", &include, vendors, base) {
        push(&mut text, &format!("# {line}"));
    }
    let unnamed: BTreeSet<u8> = vendors
        .iter()
        .flat_map(|vendor| vendor.discovery.options.iter().map(|option| option.code))
        .filter(|code| !NAMES.iter().any(|(named, _)| named == code))
        .collect();
    if !unnamed.is_empty() {
        push(&mut text, "\n# dhcpd has no names for these.");
    }
    for code in unnamed {
        push(&mut text, &format!("option {} code {code} = text;", name(code)));
    }
    vendors.iter().for_each(|vendor| class(&mut text, vendor));
    text
}

fn class(text: &mut String, vendor: &Told<'_>) {
    let (name_of, title) = (&vendor.name, &vendor.title);
    push(text, &format!("\n# {title}"));
    let options: Vec<_> = vendor.options().collect();
    if options.iter().any(|(_, says)| matches!(says, Says::Nested { .. })) {
        push(text, &format!("option space {name_of};"));
        push(text, &format!("option {name_of}.server code 66 = text;"));
        push(text, &format!("option {name_of}.file code 67 = text;"));
    }
    push(text, &format!("class {} {{", quoted(name_of)));
    push(text, &format!("  match if {};", conditions(vendor).join("\n    or ")));
    for (option, says) in options {
        push(text, &format!("  # {}", reason(option, &says)));
        match says {
            // What is in quotes is bytes there.
            Says::Text(value) => {
                push(text, &format!("  option {} {};", name(option.code), quoted(&value)));
            }
            Says::Nested { server, path } => {
                push(text, &format!("  vendor-option-space {name_of};"));
                push(text, &format!("  option {name_of}.server {};", quoted(&server)));
                push(text, &format!("  option {name_of}.file {};", quoted(&path)));
            }
            Says::TooLong { .. } => {}
        }
    }
    push(text, "}");
}

/// How its phones are told.
fn conditions(vendor: &Told<'_>) -> Vec<String> {
    let identifier = "option vendor-class-identifier";
    let mut conditions: Vec<String> = vendor
        .discovery
        .classes
        .iter()
        .map(|class| {
            let (length, text) = (class.text().len(), quoted(class.text()));
            match class {
                Class::Begins(_) => format!("substring({identifier}, 0, {length}) = {text}"),
                Class::Ends(_) => format!("suffix({identifier}, {length}) = {text}"),
                Class::Is(_) => format!("{identifier} = {text}"),
            }
        })
        .collect();
    conditions.extend(vendor.discovery.enterprise.map(|number| {
        let bytes = number.to_be_bytes().map(|byte| format!("{byte:02x}")).join(":");
        format!("substring({identifier}, 0, 4) = {bytes}")
    }));
    // The first byte of `hardware` is its type.
    let by_oui = |bytes: &[u8; 3]| format!("substring(hardware, 1, 3) = {}", oui(bytes));
    let ouis = vendor.ouis.iter().map(by_oui);
    match vendor.discovery.ouis {
        Ouis::Always => conditions.extend(ouis),
        Ouis::WithoutClass => conditions
            .extend(ouis.map(|oui| format!("({oui} and not exists vendor-class-identifier)"))),
        Ouis::Never => {}
    }
    if conditions.is_empty() {
        // Nothing tells its phones: no device is one.
        conditions.push("known and not known".to_owned());
    }
    conditions
}

fn name(code: u8) -> String {
    let known = NAMES.iter().find(|(named, _)| *named == code);
    known.map_or_else(|| format!("hotdeskd-{code}"), |(_, name)| (*name).to_owned())
}

/// A text as dhcpd reads it; what is no letter there stands as an octal number.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => {
                quoted.push('\\');
                quoted.push(char::from(byte));
            }
            0x20..=0x7e => quoted.push(char::from(byte)),
            _ => {
                let _ = write!(quoted, "\\{byte:03o}");
            }
        }
    }
    quoted + "\""
}

fn push(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}
