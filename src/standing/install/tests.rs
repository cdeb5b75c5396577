use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use super::*;
use crate::model::Domain;
use crate::standing::directory::{self, Entry, Shrink};
use crate::standing::settings::{DialplanSettings, EmergencySettings};
use crate::standing::walk::{Call, Memory, Policy, Walk};

fn file(path: &str, says: &str) -> RenderedFile {
    RenderedFile { path: path.into(), text: format!("{MARKER}\n<!-- {says} -->\n") }
}

fn outcomes(report: &InstallReport) -> Vec<(String, Outcome)> {
    let name = |path: &Path| {
        let parts: Vec<_> = path.iter().rev().take(2).map(|part| part.to_string_lossy()).collect();
        format!("{}/{}", parts[1], parts[0])
    };
    report.files.iter().map(|(path, outcome)| (name(path), *outcome)).collect()
}

#[test]
fn files_are_written_kept_changed_and_removed() {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::new(place.path().join("freeswitch"), None);
    let first = [file("dialplan/restricted.xml", "a"), file("public/00_callback.xml", "b")];
    let report = install(&folder, &first, None).unwrap();
    assert_eq!(
        outcomes(&report),
        [
            ("dialplan/restricted.xml".to_owned(), Outcome::Written),
            ("public/00_callback.xml".to_owned(), Outcome::Written),
        ]
    );
    assert!(report.changed());
    assert!(!install(&folder, &first, None).unwrap().changed());
    let theirs = folder.path().join("public/theirs.xml");
    fs::write(&theirs, "<extension/>").unwrap();
    let second = [file("dialplan/restricted.xml", "c")];
    let report = install(&folder, &second, None).unwrap();
    assert_eq!(
        outcomes(&report),
        [
            ("dialplan/restricted.xml".to_owned(), Outcome::Changed),
            ("public/00_callback.xml".to_owned(), Outcome::Removed),
        ]
    );
    assert!(theirs.exists());
}

#[test]
fn a_file_of_the_operators_is_left_alone_and_named() {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::new(place.path(), None);
    folder.inside("dialplan").make().unwrap();
    let theirs = place.path().join("dialplan/restricted.xml");
    fs::write(&theirs, "<include/>").unwrap();
    let report = install(&folder, &[file("dialplan/restricted.xml", "a")], None).unwrap();
    assert!(report.blocked() && !report.changed());
    assert!(report.to_string().contains("dialplan/restricted.xml: left alone"), "{report}");
    assert_eq!(fs::read_to_string(theirs).unwrap(), "<include/>");
}

#[test]
fn nothing_is_written_outside_our_folders() {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::new(place.path().join("in"), None);
    for path in [
        "../x.xml",
        "dialplan/../../x.xml",
        "/etc/x.xml",
        "x.xml",
        "directory/x.xml",
        "dialplan/x",
        "dialplan/.x.xml",
    ] {
        let fault = install(&folder, &[file(path, "a")], None).unwrap_err();
        assert!(matches!(fault, InstallError::Place { .. }), "{path}: {fault}");
    }
    let written: Vec<_> = fs::read_dir(place.path().join("in")).unwrap().collect();
    assert!(written.is_empty(), "{written:?}");
}

#[test]
fn the_password_is_in_its_own_file_and_nowhere_else() {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::new(place.path(), None);
    let password = SecretString::from("p$${x}\"<&");
    let credentials = Credentials { user: "freeswitch", password: &password };
    let report = install(&folder, &[], Some(credentials)).unwrap();
    let path = place.path().join("xml_curl/credentials.xml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("value=\"freeswitch:p&#36;&#36;{x}&quot;&lt;&amp;\""), "{text}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(!format!("{report:?}{report}{credentials:?}").contains("p$"));
    for (user, password) in [("", "x"), ("a:b", "x"), ("a", ""), ("a", "x\ny"), ("a\n", "x")] {
        let password = SecretString::from(password);
        let fault = install(&folder, &[], Some(Credentials { user, password: &password }));
        assert!(matches!(fault, Err(InstallError::Credentials)), "{user}");
    }
}

/// FreeSWITCH's includes match nothing, without an error, in a folder that it may not enter.
#[test]
fn the_group_can_reach_the_files_also_when_it_is_set_later() {
    let place = tempfile::tempdir().unwrap();
    let data = place.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
    let path = data.join("between/freeswitch");
    let files = [file("dialplan/restricted.xml", "a")];
    let closed = Folder::new(&path, None);
    install(&closed, &files, None).unwrap();
    closed.let_pass(&data).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    // Root may take any group; others have only their own, which proves the modes alone.
    let own = fs::metadata("/proc/self").unwrap().gid();
    let group = if fs::metadata("/proc/self").unwrap().uid() == 0 { own + 1 } else { own };
    let open = Folder::new(&path, Some(group));
    install(&open, &files, None).unwrap();
    open.let_pass(&data).unwrap();
    let parts = ["", "between", "between/freeswitch", "between/freeswitch/dialplan"];
    for (part, wanted) in parts.iter().zip([0o710, 0o710, 0o750, 0o750]) {
        let found = data.join(part);
        assert_eq!(mode(&found), wanted, "{part}");
        assert_eq!(fs::metadata(&found).unwrap().gid(), group, "{part}");
    }
    assert_eq!(fs::metadata(path.join("dialplan/restricted.xml")).unwrap().gid(), group);
    let elsewhere = place.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let before = mode(&elsewhere);
    open.let_pass(&elsewhere).unwrap();
    assert_eq!(mode(&elsewhere), before);
}

struct Site {
    domain: Domain,
    dialplan: DialplanSettings,
    emergency: EmergencySettings,
    profiles: Vec<String>,
}

impl Site {
    fn new(emergency: &str) -> Self {
        Self {
            domain: "example.net".parse().unwrap(),
            dialplan: DialplanSettings::default(),
            emergency: toml::from_str(emergency).unwrap(),
            profiles: vec!["internal".to_owned()],
        }
    }

    fn advice<'a>(&'a self, folder: &'a Path) -> Advice<'a> {
        Advice {
            folder,
            config_dir: Path::new("/etc/freeswitch"),
            domain: &self.domain,
            profiles: &self.profiles,
            switch_url: "http://127.0.0.1:8089/freeswitch",
            remote: false,
            dialplan: &self.dialplan,
            emergency: &self.emergency,
            service: None,
            queues: None,
        }
    }
}

/// The lines of the advice that are XML, which an operator copies.
fn lines_to_copy(text: &str) -> String {
    let xml = text.lines().filter(|line| line.trim_start().starts_with('<'));
    xml.map(|line| format!("{line}\n")).collect()
}

#[test]
fn what_is_printed_can_be_copied_and_works() {
    let place = tempfile::tempdir().unwrap();
    let standing = place.path().join("standing");
    let folder = Folder::new(&standing, None);
    let site = Site::new("routes = [\"sofia/gateway/trunk/$number\"]\ncaller_id = \"+43123456\"");
    let hosts = site.dialplan.hosts_or("127.0.0.1:8084".parse().unwrap());
    let plan = crate::standing::dialplan::Plan {
        domain: &site.domain,
        dialplan: &site.dialplan,
        emergency: &site.emergency,
        hosts: &hosts,
        service: None,
        queues: None,
    };
    let password = SecretString::from("secret");
    let credentials = Credentials { user: "freeswitch", password: &password };
    install(&folder, &plan.render().unwrap(), Some(credentials)).unwrap();
    let advice = site.advice(&standing);

    // FreeSWITCH's configuration as it is after the advice.
    let dialplan = lines_to_copy(&advice.print(Part::Dialplan));
    let public = lines_to_copy(&advice.print(Part::Public));
    let public = public.lines().find(|line| line.contains("X-PRE-PROCESS")).unwrap();
    let conf = place.path().join("freeswitch.xml");
    fs::create_dir(place.path().join("dialplan")).unwrap();
    fs::write(place.path().join("dialplan/00_hotdeskd.xml"), dialplan).unwrap();
    fs::write(
        place.path().join("dialplan/public.xml"),
        format!("<include>\n<context name=\"public\">\n{public}\n</context>\n</include>\n"),
    )
    .unwrap();
    fs::write(
        &conf,
        "<document>\n<section name=\"dialplan\">\n\
         <X-PRE-PROCESS cmd=\"include\" data=\"dialplan/*.xml\"/>\n</section>\n</document>\n",
    )
    .unwrap();
    let walk = Walk::load(&conf).unwrap();
    assert_eq!(walk.contexts(), ["hotdesk", "restricted", "public"]);
    let mut memory = Memory::default();
    let call = Call::new("restricted", "999").with("sip_auth_username", "0004132a0001");
    let story = walk.walk(&call, &Policy::daemon_dead(), &mut memory).unwrap();
    assert_eq!(story.dialled(), ["sofia/gateway/trunk/999"]);
    let back = Call::new("public", "+43123456");
    let story = walk.walk(&back, &Policy::daemon_dead(), &mut memory).unwrap();
    assert_eq!(story.dialled(), ["user/0004132a0001@example.net"]);

    // The directory and the binding are XML once included, and hold what they should.
    let entries = [Entry {
        id: "0004132a0001",
        xml: "<user id=\"0004132a0001\"><params><param name=\"a1-hash\" value=\"x\"/>\
              <param name=\"vm-enabled\" value=\"false\"/></params></user>",
    }];
    directory::write(&folder.inside("directory"), &entries, Shrink::Refused).unwrap();
    let included = |text: &str| {
        let mut preprocessed = crate::standing::tree::Preprocessed::default();
        preprocessed.add_text(text, None).unwrap();
        crate::standing::tree::parse(&preprocessed.text).unwrap()
    };
    let printed = advice.print(Part::Directory);
    let (_, domain) = printed.split_once("<include>").unwrap();
    let (domain, _) = domain.split_once("</include>").unwrap();
    let domain = included(domain.trim_start_matches('\n'));
    let domain = domain.find("domain", "name", "example.net").unwrap();
    let groups = domain.children("groups").next().unwrap();
    assert_eq!(groups.children("group").count(), 1);
    let binding =
        included(&lines_to_copy(&advice.print(Part::XmlCurl)).replace("<load ", "<load/><x "));
    let binding = binding.children("binding").next().unwrap();
    let param = |name: &str| {
        let param = binding.find("param", "name", name).unwrap();
        param.attribute("value").unwrap().to_owned()
    };
    assert_eq!(param("gateway-credentials"), "freeswitch:secret");
    assert_eq!(param("timeout"), "1");
    assert!(!advice.print_all().contains("secret\""), "{}", advice.print_all());
}

#[test]
fn a_remote_freeswitch_waits_two_seconds() {
    let site = Site::new("");
    let advice = Advice { remote: true, ..site.advice(Path::new("/var/lib/hotdeskd/freeswitch")) };
    let text = advice.print(Part::XmlCurl);
    assert!(text.contains("<param name=\"timeout\" value=\"2\"/>"), "{text}");
    assert!(text.contains("bindings=\"directory|configuration\""), "{text}");
}

#[test]
fn the_operator_is_warned_about_emergency_calls() {
    let site = Site::new("callback_minutes = 0");
    let advice = site.advice(Path::new("/x"));
    let text = advice.print(Part::Dialplan);
    assert!(text.contains("Warning: emergency.routes is empty"), "{text}");
    assert!(advice.print(Part::Public).contains("nothing to do"));
    for part in Part::ALL {
        assert_eq!(part.as_str().parse(), Ok(part));
        assert!(advice.print_all().contains(&advice.print(part)));
    }
    assert!("all".parse::<Part>().is_err());
}

#[test]
fn profile_settings_are_judged_as_freeswitch_reads_them() {
    let settings = required_profile_settings(&"example.net".parse().unwrap());
    let setting = |name: &str| settings.iter().find(|setting| setting.name == name).unwrap();
    for (name, found, holds) in [
        ("auth-calls", Some("true"), true),
        ("auth-calls", Some("yes"), true),
        ("auth-calls", Some("$${internal_auth_calls}"), false),
        ("auth-calls", None, false),
        ("accept-blind-auth", Some("0"), true),
        ("accept-blind-auth", Some("true"), false),
        ("accept-blind-auth", None, true),
        ("challenge-realm", Some("Example.NET"), true),
        ("challenge-realm", Some("auto_from"), false),
        ("inbound-reg-force-matching-username", None, false),
        ("apply-inbound-acl", None, true),
        ("apply-inbound-acl", Some(""), true),
        ("apply-inbound-acl", Some("domains"), false),
    ] {
        assert_eq!(setting(name).holds(found), holds, "{name} {found:?}");
    }
}
