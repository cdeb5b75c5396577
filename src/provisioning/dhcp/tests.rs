//! What is printed, compared with what was reviewed against the facts; `BLESS=1` writes it. That the real
//! servers take it, and what phones are told by them, is in `tests/it/dhcp`.

use std::path::Path;

use super::*;
use crate::provisioning::vendor::Vendors;

const SERVERS: [(Server, &str); 3] =
    [(Server::Isc, "isc.conf"), (Server::Kea, "kea.json"), (Server::Dnsmasq, "dnsmasq.conf")];

fn all(server: Server, vendors: &Vendors, base: &str) -> String {
    print(server, vendors.all().map(AsRef::as_ref), base)
}

#[test]
fn what_is_printed_is_what_was_reviewed() {
    let vendors = Vendors::load(None);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/dhcp");
    let mut differ = Vec::new();
    for (server, file) in SERVERS {
        let text = all(server, &vendors, "http://prov.example.net:8085");
        let path = folder.join(file);
        if std::env::var_os("BLESS").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        if std::fs::read_to_string(&path).ok().as_deref() != Some(&text) {
            differ.push(path);
        }
    }
    assert!(differ.is_empty(), "{differ:#?}\nlook at them, then BLESS=1");
}

#[test]
fn no_url_has_a_key_and_each_is_the_one_that_sip_pnp_says() {
    let vendors = Vendors::load(None);
    for vendor in vendors.all() {
        let url = vendor.discovery().unwrap().url("https://prov.example.net/a");
        assert!(url.starts_with("https://prov.example.net/a/provision"), "{url}");
        let (server, path) = split(&url);
        assert_eq!(
            (server, format!("{server}/{path}").as_str()),
            ("https://prov.example.net", &*url)
        );
    }
    for (server, _) in SERVERS {
        let text = all(server, &vendors, "https://prov.example.net/a");
        assert!(text.contains("\"a/provision/index.php?mac={mac}&manuf=snom\""), "{text}");
        assert!(!text.contains("/p/"), "{text}");
    }
}

#[test]
fn a_url_that_a_phone_does_not_take_is_left_out_and_told() {
    let vendors = Vendors::load(None);
    let base = format!("http://{}.example.net:8085", "provisioning".repeat(5));
    for (server, _) in SERVERS {
        let text = print(server, vendors.get("gigaset").map(AsRef::as_ref), &base);
        assert!(text.contains("Option 114 is left out"), "{text}");
        assert_eq!(text.matches("MACD.xml").count(), 1, "option 66 is still there: {text}");
    }
}

#[test]
fn nothing_of_a_manifest_can_end_what_it_stands_in() {
    let folder = tempfile::tempdir().unwrap();
    let vendor = folder.path().join("x_y");
    std::fs::create_dir(&vendor).unwrap();
    let manifest = "title = \"A\\n}; option x 1;\"\n[resync]\nreload = \"check-sync\"\n[discovery]\n\
        path = \"/p%20{mac}\"\nclasses = [\"a\\\"b'c\\\\,*\", \"*#d e\"]\n\
        [[discovery.options]]\ncode = 67\nvalue = \"path\"\nreason = \"a */ b\"\n";
    std::fs::write(vendor.join("vendor.toml"), manifest).unwrap();
    let vendors = Vendors::load(Some(folder.path()));
    assert_eq!(vendors.faults(), []);
    let mine = || vendors.get("x_y").map(AsRef::as_ref);
    let isc = print(Server::Isc, mine(), "http://a");
    assert!(isc.contains("class \"hotdeskd-x-y\" {\n"), "{isc}");
    assert!(
        isc.contains("substring(option vendor-class-identifier, 0, 7) = \"a\\\"b'c\\\\,\"\n"),
        "{isc}"
    );
    assert!(isc.contains("\n# A }; option x 1;\n"), "{isc}");
    let kea = print(Server::Kea, mine(), "http://a");
    assert!(kea.contains("substring(option[60].hex,0,7) == 0x61226227635c2c or "), "{kea}");
    let dnsmasq = print(Server::Dnsmasq, mine(), "http://a");
    assert!(dnsmasq.contains("dhcp-vendorclass=set:hotdeskd-x-y,\"a\\\"b'c\\\\,\"\n"), "{dnsmasq}");
    for (path, told) in
        [("/a b", "expected a path"), ("a", "expected a path"), ("/a\\\"", "expected a path")]
    {
        let manifest = manifest.replace("/p%20{mac}", path);
        std::fs::write(vendor.join("vendor.toml"), manifest).unwrap();
        let faults = Vendors::load(Some(folder.path()));
        let fault = faults.faults().first().unwrap().to_string();
        assert!(fault.contains(told) && fault.contains("discovery.path"), "{fault}");
    }
}
