//! Every file of a phone as it goes out, compared with the one that was reviewed against the
//! facts. `BLESS=1` writes them.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::provisioning::context::Firmware;
use crate::provisioning::search::Book;

/// The phones whose files are kept: vendor, model, MAC address.
const PHONES: &[(&str, &str, &str)] = &[
    ("snom", "D785", "000413aabbcc"),
    ("snom", "320", "000413320001"),
    ("snom", "M900", "000413900001"),
    ("polycom", "VVX 500", "0004f2500001"),
    ("polycom", "SoundPoint 335", "0004f2335001"),
    ("polycom", "Edge E450", "482567450001"),
    ("yealink", "T54W", "805ec0540001"),
    ("yealink", "T21P_E2", "001565210001"),
    ("grandstream", "GXP2135", "000b82213501"),
    ("grandstream", "GXP1628", "c074ad162801"),
    ("fanvil", "X4U", "0c383e0040e1"),
    ("fanvil", "X4", "00a859000401"),
    ("cisco", "SPA504G", "8843e1504001"),
    ("cisco", "SPA942", "00e16d942001"),
    ("cisco", "8851", "00562b885101"),
];

fn folder(vendor: &str, model: &str, who: &str) -> PathBuf {
    let model = model.to_lowercase().replace(' ', "-");
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/provisioning")
        .join(vendor)
        .join(format!("{model}-{who}"))
}

/// File name in the folder of fixtures to text.
fn rendered(vendor: &Vendor, context: &Context) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for file in vendor.files() {
        let mut context = context.clone();
        if let Some(rules) = &file.search {
            // The second of three pages, or nothing found.
            let query = [("q", "ada & <ö"), ("page", "2")];
            let query = query.map(|(name, value)| (text(name), text(value)));
            let many = if context.user.is_some() { 70 } else { 0 };
            let contact = |at: usize| Contact {
                name: format!("Ada {at} & <Ö>"),
                first_name: format!("Ada {at} &"),
                last_name: text("<Ö>"),
                number: format!("7{at:02}"),
            };
            context.search_in(&Book::new((0..many).map(contact).collect()), rules, &query);
        }
        let context = &context;
        let extension = if file.kind.is_xml() { "xml" } else { "cfg" };
        let full = if file.personal.is_some() { Stage::Empty } else { Stage::Full };
        let name = format!("{}.{extension}", file.name);
        files.insert(name, vendor.render(file, full, context).unwrap());
        if file.has_bootstrap() {
            let text = vendor.render(file, Stage::Bootstrap, context).unwrap();
            files.insert(format!("{}.bootstrap.{extension}", file.name), text);
        }
    }
    files
}

#[test]
fn the_files_are_those_that_were_reviewed() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut differ = Vec::new();
    for &(name, model, mac) in PHONES {
        let vendor = vendors().get(name).unwrap();
        let mut nobodys = nobody(vendor, model, mac);
        let mut somebodys = somebody(vendor, model, mac, "Ada Lovelace");
        somebodys.firmware = Some(Firmware {
            url: text("http://prov.example.net:8085/p/k3yk3yk3yk3yk3yk3yk3yk/firmware.bin"),
            version: text("10.1.169.16"),
        });
        if !vendor.model(Some(model)).hot_desk {
            nobodys.handsets = ["-1", "-2"].map(|n| account(&format!("{mac}{n}"))).into();
            // Nobody sits at a base; a handset is somebody's.
            let hers = Account {
                label: text("1001"),
                display_name: text("Ada Lovelace"),
                mailbox: Some(text("*98")),
                ..account(&format!("{mac}-1"))
            };
            somebodys = nobodys.clone();
            somebodys.handsets[0] = hers;
        }
        for (who, context) in [("nobody", nobodys), ("somebody", somebodys)] {
            let folder = folder(name, model, who);
            let files = rendered(vendor, &context);
            if bless {
                let _ = std::fs::remove_dir_all(&folder);
                std::fs::create_dir_all(&folder).unwrap();
                for (file, text) in &files {
                    std::fs::write(folder.join(file), text).unwrap();
                }
            }
            for (file, text) in files {
                let path = folder.join(file);
                if std::fs::read_to_string(&path).ok().as_deref() != Some(&text) {
                    differ.push(path);
                }
            }
        }
    }
    assert!(differ.is_empty(), "{differ:#?}\nlook at them, then BLESS=1");
}

#[test]
fn xmllint_takes_every_file() {
    let mut files = Vec::new();
    for &(vendor, model, _) in PHONES {
        for who in ["nobody", "somebody"] {
            for entry in std::fs::read_dir(folder(vendor, model, who)).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|extension| extension == "xml") {
                    files.push(path);
                }
            }
        }
    }
    assert!(files.len() > 60, "{} files", files.len());
    let told = Command::new("xmllint").arg("--noout").args(&files).output();
    let told = told.expect("xmllint is in Debian's package libxml2-utils");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
}
