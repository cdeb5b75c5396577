use std::sync::Arc;

use jiff::Timestamp;

use super::*;
use crate::model::{
    AwayDestination, CallerNumber, DirectoryEntry, DirectoryRules, Emergency, Handset, Mac,
    UnusableHash, User, UserSource,
};
use crate::standing::dialplan::Plan;
use crate::standing::directory::{self, Entry, Shrink};
use crate::standing::install::install;
use crate::standing::settings::DialplanSettings;

const SETTINGS: &str = "numbers = [\"999\", \"112\"]\ncaller_id = \"+43123456\"\n\
    routes = [\"sofia/gateway/trunk/$number\"]\n";

/// An office: a phone that is nobody's, one with a number of its own where Ada sits, and a base with two handsets.
struct Office {
    place: tempfile::TempDir,
    phones: Vec<Arc<Phone>>,
    settings: EmergencySettings,
    secret: &'static str,
}

fn phone(mac: &str, number: Option<&str>, handsets: Vec<Handset>) -> Arc<Phone> {
    Arc::new(Phone {
        mac: mac.parse().unwrap(),
        secret: "secret".into(),
        vendor: None,
        model: None,
        label: Some(format!("Desk {}", &mac[11..])),
        desk_extension: None,
        owner: None,
        hot_desk: true,
        emergency: Emergency {
            caller_id: number.map(|number| number.parse::<CallerNumber>().unwrap()),
            location: Some("Vienna, room 1".into()),
        },
        settings: Default::default(),
        handsets,
        tags: Default::default(),
        logout: None,
        added: Timestamp::UNIX_EPOCH,
    })
}

fn ada() -> User {
    User {
        extension: "1001".parse().unwrap(),
        name: "Ada".into(),
        pin: None,
        pin_hash: None,
        sip_secret: None,
        hot_desk: true,
        away: AwayDestination::Voicemail,
        groups: Vec::new(),
        teams: Vec::new(),
        params: Default::default(),
        variables: Default::default(),
        keys: Vec::new(),
        settings: Default::default(),
        source: UserSource::Local,
        person: None,
    }
}

fn settings(text: &str) -> EmergencySettings {
    toml::from_str(text).unwrap()
}

impl Office {
    /// With everything installed as it should be.
    fn new() -> Self {
        let phones = vec![
            phone("0004132a0001", None, Vec::new()),
            phone("0004132a0002", Some("+4312345"), Vec::new()),
            phone("000413900003", None, vec![Handset::default(), Handset::default()]),
        ];
        let place = tempfile::tempdir().unwrap();
        let office = Self { place, phones, settings: settings(SETTINGS), secret: "secret" };
        office.install();
        office
    }

    fn folder(&self) -> Folder {
        Folder::new(self.place.path().join("standing"), None)
    }

    fn files(&self) -> Vec<RenderedFile> {
        let domain = "example.net".parse().unwrap();
        let dialplan: DialplanSettings = toml::from_str("").unwrap();
        let plan = Plan {
            domain: &domain,
            dialplan: &dialplan,
            emergency: &self.settings,
            hosts: &["127.0.0.1:8084".parse().unwrap()],
            service: None,
            queues: None,
        };
        plan.render().unwrap()
    }

    fn entries(&self) -> Vec<(String, String)> {
        let rules = DirectoryRules {
            domain: "example.net".parse().unwrap(),
            context: "default".into(),
            unusable: UnusableHash::new([7; 16]),
        };
        let mut entries = Vec::new();
        for phone in &self.phones {
            let phone = Phone { secret: self.secret.into(), ..(**phone).clone() };
            let user = (phone.mac.to_string() == "0004132a0002").then(ada);
            let entry = DirectoryEntry::phone(&rules, &phone, user.as_ref());
            entries.push((entry.id().to_owned(), entry.xml()));
            for (number, _) in phone.numbered_handsets() {
                let secret = self.secret.into();
                let entry = DirectoryEntry::handset(&rules, &phone, number, &secret, None);
                entries.push((entry.id().to_owned(), entry.xml()));
            }
        }
        entries
    }

    /// What `freeswitch install` does.
    fn install(&self) {
        install(&self.folder(), &self.files(), None).unwrap();
        let entries = self.entries();
        let entries: Vec<Entry<'_>> = entries.iter().map(|(id, xml)| Entry { id, xml }).collect();
        let folder = self.folder().inside("directory");
        directory::write(&folder, &entries, Shrink::Allowed).unwrap();
    }

    /// FreeSWITCH's own configuration, with this in its dialplan.
    fn freeswitch(&self, dialplan: &str) -> PathBuf {
        let path = self.place.path().join("freeswitch.xml");
        let ours = self.place.path().join("standing/dialplan");
        let dialplan = dialplan.replace(
            "OURS",
            &format!("\n<X-PRE-PROCESS cmd=\"include\" data=\"{}/*.xml\"/>\n", ours.display()),
        );
        let text = format!(
            "<document type=\"freeswitch/xml\"><section name=\"dialplan\">{dialplan}</section></document>\n"
        );
        std::fs::write(&path, text).unwrap();
        path
    }

    fn test(&self, configurations: &[PathBuf]) -> EmergencyTest {
        let (files, entries, folder) = (self.files(), self.entries(), self.folder());
        let site = Site {
            settings: &self.settings,
            files: &files,
            folder: &folder,
            configurations,
            entries: &entries,
            now: 1_000_000,
        };
        test(&site, &self.phones)
    }
}

/// Identity and what is wrong, of each that would not get through.
fn failing(found: &EmergencyTest) -> Vec<(&str, Vec<&str>)> {
    found
        .failing
        .iter()
        .map(|one| (one.identity.as_str(), one.why.iter().map(|why| why.what.as_str()).collect()))
        .collect()
}

fn problems(found: &EmergencyTest) -> Vec<&str> {
    found.problems.iter().map(|problem| problem.what.as_str()).collect()
}

const ALL: [&str; 4] = ["0004132a0001", "0004132a0002", "000413900003-1", "000413900003-2"];

#[test]
fn every_phone_and_handset_gets_through_where_all_is_installed() {
    let office = Office::new();
    let found = office.test(&[]);
    assert!(found.is_good(), "{found:?}");
    assert_eq!(
        (found.phones, found.numbers.as_slice()),
        (4, &["999", "112", "0999", "0112"].map(String::from)[..])
    );
    assert!(found.notes[0].contains("FreeSWITCH's own configuration is not here"), "{found:?}");
    let included = office.freeswitch("OURS<context name=\"default\"></context>");
    let found = office.test(std::slice::from_ref(&included));
    assert!(found.is_good() && found.notes.is_empty(), "{found:?}");
    assert_eq!(found.walked, [included.display().to_string()]);
}

#[test]
fn a_phone_that_freeswitchs_own_disk_does_not_know_is_named() {
    let mut office = Office::new();
    office.phones.push(phone("0004132a0009", None, Vec::new()));
    let found = office.test(&[]);
    let [(identity, why)] = &failing(&found)[..] else { panic!("{found:?}") };
    assert_eq!(*identity, "0004132a0009");
    assert!(why[0].contains("not in the directory on FreeSWITCH's own disk"), "{why:?}");
    assert_eq!(found.failing[0].location.as_deref(), Some("Vienna, room 1"));
    assert_eq!(found.failing[0].phone, "0004132a0009".parse::<Mac>().unwrap());
    office.install();
    assert!(office.test(&[]).is_good());
}

#[test]
fn a_new_secret_that_freeswitchs_own_disk_does_not_know_is_named() {
    let office = Office { secret: "another", ..Office::new() };
    let found = office.test(&[]);
    let told = failing(&found);
    assert_eq!(told.iter().map(|(identity, _)| *identity).collect::<Vec<_>>(), ALL);
    assert!(told.iter().all(|(_, why)| why[0].contains("older than its secret")), "{told:?}");
}

#[test]
fn files_that_are_older_than_the_configuration_are_named_and_whom_that_costs() {
    let mut office = Office::new();
    office.settings = settings(&SETTINGS.replace("\"112\"]", "\"112\", \"144\"]"));
    let found = office.test(&[]);
    assert_eq!(problems(&found).len(), 2, "{found:?}");
    assert!(problems(&found).iter().all(|what| what.ends_with("is older than the configuration")));
    let told = failing(&found);
    assert_eq!(told.iter().map(|(identity, _)| *identity).collect::<Vec<_>>(), ALL);
    assert!(told[0].1[0].starts_with("144, 0144: it reaches no route"), "{told:?}");
    office.install();
    assert!(office.test(&[]).is_good());
}

#[test]
fn a_context_that_is_missing_costs_those_who_are_in_it() {
    let office = Office::new();
    std::fs::remove_file(office.place.path().join("standing/dialplan/restricted.xml")).unwrap();
    let found = office.test(&[]);
    assert!(problems(&found)[0].ends_with("restricted.xml is not there"), "{found:?}");
    let told = failing(&found);
    let who: Vec<&str> = told.iter().map(|(identity, _)| *identity).collect();
    assert_eq!(who, [ALL[0], ALL[2], ALL[3]]);
    assert!(told[0].1[0].contains("no context") || told[0].1[0].contains("restricted"), "{told:?}");
}

#[test]
fn a_dialplan_that_does_not_include_ours_or_hides_it_is_found() {
    let office = Office::new();
    let without = office.freeswitch("<context name=\"default\"></context>");
    assert_eq!(office.test(&[without]).failing.len(), 4);
    let hidden = office.freeswitch("<context name=\"restricted\"></context>OURS");
    let found = office.test(&[hidden]);
    let who: Vec<&str> = failing(&found).iter().map(|(identity, _)| *identity).collect();
    assert_eq!(who, [ALL[0], ALL[2], ALL[3]]);
    let broken = office.freeswitch("<context");
    let found = office.test(&[broken]);
    assert_eq!(problems(&found).len(), 1, "{found:?}");
    assert!(found.failing.is_empty(), "our own files are walked then: {found:?}");
}

#[test]
fn the_number_that_a_call_shows_must_be_the_desks_or_the_sites() {
    let mut office = Office::new();
    office.phones[1] = phone("0004132a0002", Some("+4399999"), Vec::new());
    let found = office.test(&[]);
    assert_eq!(failing(&found), [(ALL[1], vec!["it shows +4312345 instead of +4399999"])]);
    let mut office = Office::new();
    office.settings = settings(&SETTINGS.replace("caller_id = \"+43123456\"\n", ""));
    office.install();
    let found = office.test(&[]);
    let told = failing(&found);
    let who: Vec<&str> = told.iter().map(|(identity, _)| *identity).collect();
    assert_eq!(who, [ALL[0], ALL[2], ALL[3]]);
    assert!(told[0].1[0].starts_with("it shows no number"), "{told:?}");
}

#[test]
fn without_routes_the_operators_own_dialplan_must_take_the_number() {
    let mut office = Office::new();
    office.settings =
        settings("numbers = [\"999\"]\ncaller_id = \"+43123456\"\ntrunk_prefixes = []");
    office.install();
    let takes = "<context name=\"default\"><extension name=\"e\"><condition field=\"destination_number\" \
                 expression=\"^999$\"><action application=\"bridge\" data=\"sofia/gateway/t/999\"/></condition></extension></context>";
    let path = office.freeswitch(&format!("OURS{takes}"));
    assert!(office.test(&[path]).is_good());
    let path = office.freeswitch("OURS<context name=\"default\"></context>");
    let found = office.test(&[path]);
    assert_eq!(found.failing.len(), 4);
    assert!(found.failing[0].why[0].advice.starts_with("set `emergency.routes`"), "{found:?}");
    office.settings = settings("numbers = []");
    assert_eq!(problems(&office.test(&[])), ["no emergency number is set"]);
}
