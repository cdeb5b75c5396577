use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

fn phone(mac: &str, occupant: &str) -> (String, String) {
    let context = if occupant.is_empty() { "restricted" } else { "hotdesk" };
    let session = match occupant {
        "" => String::new(),
        user => format!("<variable name=\"hotdesk_user\" value=\"{user}\"/>"),
    };
    let xml = format!(
        "<user id=\"{mac}\">\n  <params><param name=\"a1-hash\" value=\"0123\"/>\
         <param name=\"vm-enabled\" value=\"false\"/></params>\n  \
         <variables><variable name=\"user_context\" value=\"{context}\"/>{session}</variables>\n</user>"
    );
    (mac.to_owned(), xml)
}

fn person(extension: &str, name: &str) -> (String, String) {
    let name = crate::model::escape_xml(name);
    let xml = format!(
        "<user id=\"{extension}\"><params><param name=\"sip-forbid-register\" value=\"true\"/>\
         <param name=\"vm-password\" value=\"9753\"/></params><variables>\
         <variable name=\"effective_caller_id_name\" value=\"{name}\"/></variables></user>"
    );
    (extension.to_owned(), xml)
}

fn mac(number: usize) -> String {
    format!("0004132a{number:04x}")
}

fn put(folder: &Folder, entries: &[(String, String)]) -> Result<Report, DirectoryError> {
    let entries: Vec<_> = entries.iter().map(|(id, xml)| Entry { id, xml }).collect();
    write(folder, &entries, Shrink::Refused)
}

fn folder() -> (tempfile::TempDir, Folder) {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::new(place.path().join("directory"), None);
    (place, folder)
}

fn text(folder: &Folder, name: &str) -> String {
    fs::read_to_string(folder.path().join(name)).unwrap()
}

#[test]
fn what_is_written_is_found_again() {
    let (_place, folder) = folder();
    let entries = [phone(&mac(1), "1001"), phone(&mac(2), ""), person("1001", "Ada")];
    let report = put(&folder, &entries).unwrap();
    assert_eq!((report.phones, report.entries), (2, 3));
    assert_eq!(report.written, [("hotdeskd_0000.xml".to_owned(), Outcome::Written)]);
    assert_eq!(
        text(&folder, "hotdeskd_0000.xml"),
        format!(
            "{MARKER}\n<include>\n<group name=\"hotdeskd_0000\">\n<users>\n{}\n{}\n{}\n</users>\n</group>\n</include>\n",
            entries[0].1, entries[1].1, entries[2].1
        )
    );
    let directory = Directory::read(&folder).unwrap();
    let found = directory.find("0004132a0001@example.net").unwrap();
    assert_eq!(found.variables["hotdesk_user"], "1001");
    assert_eq!(found.params["a1-hash"], "0123");
    assert_eq!(directory.ids().count(), 3);
    assert!(directory.find("1002").is_none());
    assert!(!format!("{directory:?}").contains("9753"), "a secret in Debug");
    assert!(!put(&folder, &entries).unwrap().changed());
}

#[test]
fn only_freeswitch_and_we_may_read_it() {
    let (_place, folder) = folder();
    put(&folder, &[phone(&mac(1), "")]).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder.path()), 0o750);
    assert_eq!(mode(&folder.path().join("hotdeskd_0000.xml")), 0o640);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "no draft stays behind");
}

#[test]
fn nobody_moves_from_file_to_file() {
    let (_place, folder) = folder();
    let mut entries: Vec<_> = (1..=250).map(|number| phone(&mac(number), "")).collect();
    let report = put(&folder, &entries).unwrap();
    assert_eq!(report.written.len(), 3);
    for name in ["hotdeskd_0000.xml", "hotdeskd_0001.xml"] {
        assert_eq!(text(&folder, name).matches("<user ").count(), USERS_PER_FILE);
    }
    // One goes from the first file; a newcomer that sorts before everybody takes the room.
    entries.remove(10);
    entries.push(phone("000000000001", ""));
    let report = put(&folder, &entries).unwrap();
    let names: Vec<_> = report.written.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["hotdeskd_0000.xml", "hotdeskd_0000.xml"]);
    assert!(text(&folder, "hotdeskd_0000.xml").contains("000000000001"));
    assert_eq!(Directory::read(&folder).unwrap().ids().count(), 250);
}

#[test]
fn what_takes_away_is_written_before_what_gives() {
    let (_place, folder) = folder();
    let at = |first: &str, last: &str| -> Vec<_> {
        let occupant = |number| match number {
            1 => first.to_owned(),
            150 => last.to_owned(),
            _ => String::new(),
        };
        (1..=150).map(|number| phone(&mac(number), &occupant(number))).collect()
    };
    // She sits at the last phone, and goes to the first: the first file comes first by its name.
    put(&folder, &at("", "1001")).unwrap();
    let report = put(&folder, &at("1001", "")).unwrap();
    let names: Vec<_> = report.written.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["hotdeskd_0001.xml", "hotdeskd_0000.xml"]);
    // A phone is removed from the last file while somebody logs in at the first.
    let mut fewer = at("1002", "");
    fewer.pop();
    let report = put(&folder, &fewer).unwrap();
    let names: Vec<_> = report.written.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["hotdeskd_0001.xml", "hotdeskd_0000.xml"]);
    // A whole file goes before a login too.
    let report = put(&folder, &at("1003", "")[..100]).unwrap();
    assert_eq!(
        report.written,
        [
            ("hotdeskd_0001.xml".to_owned(), Outcome::Removed),
            ("hotdeskd_0000.xml".to_owned(), Outcome::Changed)
        ]
    );
}

#[test]
fn far_fewer_phones_are_taken_for_a_mistake() {
    let (_place, folder) = folder();
    let all: Vec<_> = (1..=10).map(|number| phone(&mac(number), "")).collect();
    put(&folder, &all).unwrap();
    let before = text(&folder, "hotdeskd_0000.xml");
    for few in [&all[..4], &[]] {
        let fault = put(&folder, few).unwrap_err();
        assert!(matches!(fault, DirectoryError::TooFew { had: 10, .. }), "{fault}");
        assert_eq!(text(&folder, "hotdeskd_0000.xml"), before);
    }
    put(&folder, &all[..5]).unwrap();
    let report = write(&folder, &[], Shrink::Allowed).unwrap();
    assert_eq!(report.written, [("hotdeskd_0000.xml".to_owned(), Outcome::Removed)]);
}

#[test]
fn somebody_elses_file_is_never_touched() {
    let (place, folder) = folder();
    folder.make().unwrap();
    let theirs = folder.path().join("hotdeskd_0000.xml");
    fs::write(&theirs, "<include/>").unwrap();
    assert!(matches!(
        put(&folder, &[phone(&mac(1), "")]),
        Err(DirectoryError::Disk(DiskError::NotOurs { .. }))
    ));
    assert_eq!(fs::read_to_string(&theirs).unwrap(), "<include/>");
    // A link is somebody else's too, also to a file of ours.
    fs::remove_file(&theirs).unwrap();
    let target = place.path().join("target.xml");
    fs::write(&target, format!("{MARKER}\n")).unwrap();
    std::os::unix::fs::symlink(&target, &theirs).unwrap();
    assert!(put(&folder, &[phone(&mac(1), "")]).is_err());
    assert_eq!(fs::read_to_string(&target).unwrap(), format!("{MARKER}\n"));
}

#[test]
fn a_damaged_file_of_ours_is_written_anew() {
    let (_place, folder) = folder();
    let all: Vec<_> = (1..=150).map(|number| phone(&mac(number), "")).collect();
    put(&folder, &all).unwrap();
    let damaged = folder.path().join("hotdeskd_0000.xml");
    fs::write(&damaged, format!("{MARKER}\n<group><user id=")).unwrap();
    fs::write(folder.path().join(".hotdeskd_0000.xml.draft"), "left by a crash").unwrap();
    put(&folder, &all).unwrap();
    assert_eq!(Directory::read(&folder).unwrap().ids().count(), 150);
}

#[test]
fn an_entry_that_could_do_harm_is_never_written() {
    let (_place, folder) = folder();
    let id = "1001".to_owned();
    let with = |params: &str| format!("<user id=\"1001\"><params>{params}</params></user>");
    let secret = "<param name=\"password\" value=\"x\"/>";
    let closed = "<param name=\"vm-enabled\" value=\"false\"/>";
    for xml in [
        with(closed),
        with(secret),
        with(&format!("<param name=\"password\" value=\"\"/>{closed}")),
        with(&format!("{secret}<param name=\"vm-password\" value=\"\"/>")),
    ] {
        let fault = put(&folder, &[(id.clone(), xml.clone())]).unwrap_err();
        assert!(matches!(fault, DirectoryError::Unguarded { .. }), "{xml}: {fault}");
    }
    let fine = with(&format!("{secret}{closed}"));
    for xml in [
        "<user id=\"1002\"/>".to_owned(),
        fine.clone() + &fine,
        format!("<group>{fine}</group>"),
        "<user id=\"1001\">".to_owned(),
        String::new(),
    ] {
        let fault = put(&folder, &[(id.clone(), xml.clone())]).unwrap_err();
        assert!(matches!(fault, DirectoryError::NotAUser { .. }), "{xml}: {fault}");
    }
    for hostile in [
        "<?xml version=\"1.0\"?>",
        "<X-PRE-PROCESS cmd=\"exec\" data=\"id\"/>",
        "<!--#exec id -->",
        "$${domain}",
    ] {
        let fault = put(&folder, &[(id.clone(), format!("{fine}{hostile}"))]).unwrap_err();
        assert!(matches!(fault, DirectoryError::Preprocessed { .. }), "{hostile}: {fault}");
    }
    let twice = [(id.clone(), fine.clone()), (id, fine)];
    assert!(matches!(put(&folder, &twice), Err(DirectoryError::Twice { .. })));
    assert!(!folder.path().exists(), "nothing was written");
}

#[test]
fn any_name_survives_the_disk() {
    let (_place, folder) = folder();
    for name in ["${system(id)}", "$${domain}", "^^|a=b", "]]>", "\"'<&>", "Zoë 😀", "a\u{1}b"] {
        put(&folder, &[person("1001", name)]).unwrap();
        let directory = Directory::read(&folder).unwrap();
        let read = &directory.find("1001").unwrap().variables["effective_caller_id_name"];
        assert_eq!(*read, name.replace('\u{1}', "\u{fffd}"));
    }
}
