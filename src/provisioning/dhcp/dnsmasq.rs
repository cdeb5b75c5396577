//! For dnsmasq: a tag for each vendor.

use super::{Says, Told, head, oui, reason};
use crate::provisioning::vendor::{Class, Ouis};

pub(super) fn print(vendors: &[Told<'_>], base: &str) -> String {
    let include = [
        "Write it to /etc/dnsmasq.d/hotdeskd.conf.",
        "dnsmasq sends an option to those that ask for it (option 55); phones ask for theirs.",
        "It looks for a vendor class anywhere in what a device says.",
    ];
    let mut text = String::new();
    for line in head("dnsmasq", &include, vendors, base) {
        push(&mut text, &format!("# {line}"));
    }
    vendors.iter().for_each(|vendor| tag(&mut text, vendor));
    text
}

fn tag(text: &mut String, vendor: &Told<'_>) {
    let name = &vendor.name;
    push(text, &format!("\n# {}", vendor.title));
    for class in &vendor.discovery.classes {
        push(text, &format!("dhcp-vendorclass=set:{name},{}", quoted(class.text())));
        if let Class::Ends(end) = class {
            push(text, &format!("# (whatever has {end} in it)"));
        }
    }
    if vendor.discovery.enterprise.is_some() {
        push(
            text,
            "# Its vendor class is no text, which dnsmasq cannot look for: its MAC address tells it.",
        );
    }
    let ouis = match vendor.discovery.ouis {
        Ouis::Always | Ouis::WithoutClass => vendor.ouis,
        Ouis::Never => &[],
    };
    for bytes in ouis {
        push(text, &format!("dhcp-mac=set:{name},{}:*:*:*", oui(bytes)));
    }
    for (option, says) in vendor.options() {
        push(text, &format!("# {}", reason(option, &says)));
        match says {
            Says::Text(value) => {
                let (code, value) = (option.code, quoted(&value));
                push(text, &format!("dhcp-option=tag:{name},{code},{value}"));
            }
            Says::Nested { server, path } => {
                for class in &vendor.discovery.classes {
                    let class = quoted(class.text());
                    push(text, &format!("dhcp-option=vendor:{class},66,{}", quoted(&server)));
                    push(text, &format!("dhcp-option=vendor:{class},67,{}", quoted(&path)));
                }
            }
            Says::TooLong { .. } => {}
        }
    }
}

/// A text as dnsmasq reads it: in quotes commas and `#` mean themselves.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(c);
            }
            '\t' => quoted.push_str("\\t"),
            // A line ends the setting, and there is no way to write it.
            c if c.is_control() => quoted.push(' '),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

fn push(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}
