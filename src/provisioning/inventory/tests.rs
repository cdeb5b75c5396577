//! Files as people have them, against an inventory.

use std::path::Path;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::desk::{Desk, PhoneImport, PhonesImported, Settings};
use crate::model::{Actor, Emergency, Mac, Phone, Tag, UserRecord};
use crate::provisioning::settings::ProvisioningSettings;
use crate::provisioning::{Provisioning, Site};
use crate::store::Store;

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn mac(last: u16) -> Mac {
    format!("0004132a{last:04x}").parse().unwrap()
}

/// An office over an empty store.
async fn office(folder: &Path) -> Provisioning {
    let store = Store::open(folder).await.unwrap();
    let settings = Settings { window: jiff::SignedDuration::from_hours(24), ..Settings::default() };
    let site = Site {
        domain: "example.net".parse().unwrap(),
        url: "http://prov.example.net".to_owned(),
        settings: ProvisioningSettings::default(),
        codes: Default::default(),
        emergency: Vec::new(),
        free_numbers: Vec::new(),
    };
    Provisioning::new(Desk::new(store, settings), site, folder.to_owned())
}

async fn add_user(office: &Provisioning, extension: &str) {
    let record = UserRecord {
        extension: extension.parse().unwrap(),
        name: "Ada".into(),
        hot_desk: true,
        away: Default::default(),
        groups: Vec::new(),
        teams: Vec::new(),
        params: Default::default(),
        variables: Default::default(),
        keys: Vec::new(),
        settings: Default::default(),
    };
    office.desk().save_user(record, None, now(), Actor::Command).await.unwrap();
}

/// Reads a file to its end.
fn read(file: &[u8]) -> Result<(Vec<PhoneRow>, Vec<Wrong>), FileFault> {
    let mut file = File::open(file, false)?;
    let (mut rows, mut wrong) = (Vec::new(), Vec::new());
    while let Some(row) = file.next(&mut wrong)? {
        rows.push(row);
    }
    Ok((rows, wrong))
}

fn plan(office: &Provisioning, file: &str) -> Plan {
    let (rows, wrong) = read(file.as_bytes()).unwrap();
    assert_eq!(wrong, []);
    office.plan_import(rows, now())
}

async fn import(office: &Provisioning, file: &str) -> PhonesImported {
    let plan = plan(office, file);
    assert_eq!(plan.counts.wrong, 0, "{:?}", plan.findings);
    let changed = plan.changed.into_iter().map(|Changed { old, new }| (old, new)).collect();
    let import = PhoneImport { new: plan.new, changed, window: true };
    office.desk().import_phones(import, |_, _| {}, now(), Actor::Command).await.unwrap()
}

/// What is wrong, in the order of the lines: line, column, and how the reason begins.
fn wrong(plan: &Plan) -> Vec<(u64, String, String)> {
    let mut wrong: Vec<_> = plan
        .findings
        .iter()
        .filter_map(|finding| match finding {
            Finding::Wrong(wrong) => {
                let why = wrong.why.chars().take(24).collect();
                Some((wrong.line, wrong.column.clone(), why))
            }
            _ => None,
        })
        .collect();
    wrong.sort();
    wrong
}

fn warnings(plan: &Plan) -> Vec<&str> {
    let told = plan.findings.iter().filter_map(|finding| match finding {
        Finding::Warning { told, .. } => Some(told.as_str()),
        _ => None,
    });
    told.collect()
}

#[tokio::test]
async fn the_columns_come_in_any_order_and_the_second_time_nothing_changes() {
    let folder = tempfile::tempdir().unwrap();
    let office = office(folder.path()).await;
    add_user(&office, "1001").await;
    let file = "Tags;Name;MAC address;Owner;Emergency Caller ID;Manufacturer;Model\r\n\
                pilot floor-3;Desk 1;00:04:13:2A:00:01;1001;+43 1 555;Snom Technology GmbH;D785\r\n\
                ;\"Desk; 2\";00-04-13-2a-00-02;;;;\r\n";
    let done = import(&office, file).await;
    assert_eq!(done, PhonesImported { added: 2, changed: 0, seated: 1 });
    {
        let memory = office.store().memory();
        let first = memory.phone(mac(1)).unwrap();
        assert_eq!((first.vendor.as_deref(), first.model.as_deref()), (Some("snom"), Some("D785")));
        assert_eq!(Tag::join(&first.tags), "floor-3 pilot");
        assert_eq!(first.emergency.caller_id.as_ref().unwrap().as_str(), "+431555");
        assert_eq!(memory.session(mac(1)).unwrap().user.as_str(), "1001");
        let second = memory.phone(mac(2)).unwrap();
        assert_eq!(
            (second.vendor.as_deref(), second.label.as_deref()),
            (Some("snom"), Some("Desk; 2"))
        );
        assert!(second.hot_desk && second.owner.is_none());
        assert!(memory.enrolment(mac(2)).unwrap().window.is_some());
        assert_eq!(memory.wanted().count(), 0);
    }
    let again = plan(&office, file);
    assert_eq!(again.counts, Counts { unchanged: 2, ..Counts::default() });
    // Memory is what the store has.
    drop(again);
    let before = phones(&office);
    drop(office);
    assert_eq!(phones(&self::office(folder.path()).await), before);
}

/// Everything of all phones, but for their secrets.
fn phones(office: &Provisioning) -> Vec<String> {
    let memory = office.store().memory();
    let mut phones: Vec<String> = memory.phones().map(|phone| format!("{phone:?}")).collect();
    phones.sort();
    phones
}

#[tokio::test]
async fn an_absent_column_leaves_and_an_empty_cell_takes_away() {
    let folder = tempfile::tempdir().unwrap();
    let office = office(folder.path()).await;
    let file = "mac,vendor,model,label,location,tags,hot_desk,desk_extension\n\
                0004132a0001,snom,D785,Desk 1,Room 1,pilot,no,2001\n";
    import(&office, file).await;
    let before = office.store().memory().phone(mac(1)).unwrap().clone();
    let key = office.store().memory().enrolment(mac(1)).unwrap().key.clone();
    assert_eq!(import(&office, "mac\n0004132a0001\n").await, PhonesImported::default());
    let done =
        import(&office, "mac,label,location,vendor,desk_extension\n0004132a0001,,Room 2,,\n");
    assert_eq!(done.await, PhonesImported { changed: 1, ..PhonesImported::default() });
    let memory = office.store().memory();
    let after = memory.phone(mac(1)).unwrap();
    assert_eq!(after.label, None);
    assert_eq!(after.emergency.location.as_deref(), Some("Room 2"));
    assert_eq!((after.vendor.as_deref(), after.model.as_deref()), (Some("snom"), Some("D785")));
    assert_eq!((after.hot_desk, Tag::join(&after.tags).as_str()), (false, "pilot"));
    assert_eq!(
        (&after.desk_extension, memory.desk_extension(&"2001".parse().unwrap())),
        (&None, None)
    );
    assert!(memory.is_retired("2001"));
    use secrecy::ExposeSecret as _;
    assert_eq!(after.secret.expose_secret(), before.secret.expose_secret());
    let kept = memory.enrolment(mac(1)).unwrap().key.clone();
    assert_eq!(kept.expose_secret(), key.expose_secret());
    // A phone that changes is asked to fetch its files.
    assert_eq!(memory.wanted().map(|wanted| wanted.kind.as_str()).collect::<Vec<_>>(), ["resync"]);
}

#[tokio::test]
async fn what_is_wrong_is_told_by_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let office = office(folder.path()).await;
    add_user(&office, "1001").await;
    import(&office, "mac,desk_extension\n0004132a0009,2009\n").await;
    let long = "x".repeat(201);
    let file = format!(
        "mac,owner,vendor,model,label,desk_extension\n\
         0004132a0001,1001,snom,D785,a,2001\n\
         00:04:13:2a:00:01,,,,,\n\
         0004132a0002,1099,,,,\n\
         0004132a0003,,a vendor!,,,\n\
         0004132a0004,,,,{long},\n\
         0004132a0005,1001,snom,M900,,\n\
         0004132a0006,,,,,1001\n\
         0004132a0007,,,,,2009\n\
         0004132a0008,,,,,2001\n\
         000b82000001,,yealink,,,\n\
         000b82000002,,acme,,,\n"
    );
    let plan = plan(&office, &file);
    let is = |line, column: &str, why: &str| (line, column.to_owned(), why.to_owned());
    assert_eq!(
        wrong(&plan),
        [
            is(3, "mac", "the phone stands in line"),
            is(4, "owner", "there is no user with th"),
            is(5, "vendor", "expected the name of a v"),
            is(6, "label", "expected a text of at mo"),
            is(7, "owner", "nobody sits at a DECT ba"),
            is(8, "desk_extension", "a user has this extensio"),
            is(9, "desk_extension", "phone 0004132a0009 has t"),
            is(10, "desk_extension", "line 2 has this extensio"),
        ]
    );
    assert_eq!(plan.counts.wrong, 8);
    let told = warnings(&plan);
    assert_eq!(told[0], "the vendor is yealink, but the MAC address is one of grandstream");
    assert!(told[1].starts_with("there are no templates for the vendor `acme`"), "{told:?}");
    assert_eq!((told.len(), plan.counts.warnings), (3, 2));
}

#[tokio::test]
async fn desk_extensions_can_be_exchanged_and_owners_can_move() {
    let folder = tempfile::tempdir().unwrap();
    let office = office(folder.path()).await;
    add_user(&office, "1001").await;
    add_user(&office, "1002").await;
    let columns = "mac,desk_extension,owner\n";
    import(&office, &format!("{columns}0004132a0001,2001,1001\n0004132a0002,2002,1002\n")).await;
    let done = format!("{columns}0004132a0001,2002,1002\n0004132a0002,2001,1001\n");
    let done = import(&office, &done).await;
    assert_eq!(done, PhonesImported { added: 0, changed: 2, seated: 2 });
    {
        let memory = office.store().memory();
        for (extension, phone) in [("2001", 2), ("2002", 1)] {
            assert_eq!(memory.desk_extension(&extension.parse().unwrap()), Some(mac(phone)));
            assert!(!memory.is_retired(extension));
        }
        assert_eq!(memory.session(mac(1)).unwrap().user.as_str(), "1002");
        assert_eq!(memory.session(mac(2)).unwrap().user.as_str(), "1001");
        // Resync and lamp of each.
        assert_eq!(memory.wanted().count(), 4);
    }
    let before = phones(&office);
    drop(office);
    let office = self::office(folder.path()).await;
    assert_eq!(phones(&office), before);
    assert!(!office.store().memory().is_retired("2001"));
}

#[tokio::test]
async fn what_changed_since_it_was_thought_through_stops_an_import_and_nothing_stays_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let office = office(folder.path()).await;
    add_user(&office, "1001").await;
    import(&office, "mac,label\n0004132a0001,a\n").await;
    let rows = "mac,owner,label\n0004132a0001,,b\n0004132a0002,1001,c\n";
    let late = |plan: Plan| async {
        let changed = plan.changed.into_iter().map(|Changed { old, new }| (old, new)).collect();
        let import = PhoneImport { new: plan.new, changed, window: true };
        let done = office.desk().import_phones(import, |_, _| {}, now(), Actor::Command).await;
        done.unwrap_err().to_string()
    };
    let before = plan(&office, rows);
    office.desk().remove_user("1001".parse().unwrap(), now(), Actor::Command).await.unwrap();
    assert!(late(before).await.starts_with("user 1001 was removed since"));
    add_user(&office, "1001").await;
    let before = plan(&office, rows);
    import(&office, "mac,label\n0004132a0001,x\n").await;
    assert!(late(before).await.starts_with("phone 0004132a0001 was changed since"));
    let before = plan(&office, rows);
    import(&office, "mac\n0004132a0002\n").await;
    assert!(late(before).await.starts_with("phone 0004132a0002 was added since"));
    let memory = office.store().memory();
    assert_eq!(memory.phone(mac(1)).unwrap().label.as_deref(), Some("x"));
    assert_eq!(memory.phone(mac(2)).unwrap().owner, None);
}

#[test]
fn a_bare_list_of_mac_addresses_needs_no_names() {
    let (rows, wrong) = read(b"00:04:13:2A:00:01\r\n\r\n0004132a0002\r\nx\r\n").unwrap();
    assert_eq!(
        rows.iter().map(|row| (row.line, row.mac)).collect::<Vec<_>>(),
        [(1, mac(1)), (3, mac(2))]
    );
    assert_eq!((wrong.len(), wrong[0].line), (1, 4));
    let fault = read(b"0004132a0001,snom\n").unwrap_err();
    assert!(matches!(fault, FileFault::NoNames { line: 1 }), "{fault}");
    assert!(matches!(read(b"\n\n").unwrap_err(), FileFault::Empty));
}

#[test]
fn a_line_with_other_cells_than_the_first_is_wrong_and_an_empty_one_is_none() {
    let (rows, wrong) =
        read(b"mac,label,\n0004132a0001,a,,\n0004132a0002,b\n,,\n0004132a0003,a,b,c\n").unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(wrong.iter().map(|wrong| wrong.line).collect::<Vec<_>>(), [3, 5]);
}

#[test]
fn more_phones_than_one_import_takes_are_refused_at_once() {
    let mut file = "mac\n".to_owned();
    (0..=MOST_PHONES).for_each(|n| file += &format!("000413{n:06x}\n"));
    assert!(matches!(read(file.as_bytes()).unwrap_err(), FileFault::TooMany));
    let last = file.trim_end().rfind('\n').unwrap();
    assert_eq!(read(&file.as_bytes()[..last]).unwrap().0.len(), MOST_PHONES);
}

/// Any phone that the API would take.
fn phone(number: u16) -> impl Strategy<Value = Phone> {
    let text = || {
        let text = prop_oneof![
            "[=+@'\"-]{0,3}[ -~]{1,12}",
            "\\PC{1,12}",
            "[a-z;,\t\n\r\"' \u{a0}]{1,12}",
        ];
        proptest::option::of(text.prop_filter("not blank", |text: &String| !text.trim().is_empty()))
    };
    let vendor = proptest::option::of(prop_oneof!["snom", "yealink", "acme-2", "snom-x"]);
    let number_ = proptest::option::of("\\+?[0-9]{2,12}");
    let tags = proptest::collection::btree_set("[a-zA-Zäß0-9][a-z0-9./:_-]{0,8}", 0..4);
    let logout = proptest::option::of(prop_oneof!["20:00", "4h", "07:30 90m", "never"]);
    let other = (any::<bool>(), proptest::bool::ANY, logout);
    (vendor, text(), text(), text(), number_, tags, other).prop_map(
        move |(vendor, model, label, location, caller_id, tags, other)| Phone {
            mac: mac(number),
            secret: "secret-1".into(),
            vendor,
            model,
            label,
            desk_extension: other
                .1
                .then(|| format!("{}", 20_000 + u32::from(number)))
                .map(|e| e.parse().unwrap()),
            owner: None,
            hot_desk: other.0,
            emergency: Emergency {
                caller_id: caller_id.map(|number| number.parse().unwrap()),
                location,
            },
            settings: Default::default(),
            handsets: Vec::new(),
            tags: tags.iter().map(|tag| tag.parse().unwrap()).collect(),
            logout: other.2.map(|rule| rule.parse().unwrap()),
            added: now(),
        },
    )
}

fn phones_of_any_kind() -> impl Strategy<Value = Vec<Phone>> {
    (1u16..6).prop_flat_map(|count| (1..=count).map(phone).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn an_import_of_an_export_changes_nothing(phones in phones_of_any_kind(), excel: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let office = office(folder.path()).await;
            for phone in &phones {
                office.desk().save_phone(phone.clone(), now(), Actor::Command).await.unwrap();
            }
            let mut file = Vec::new();
            write(phones.iter().map(Listed::from), &mut file).unwrap();
            if excel {
                let text = String::from_utf8(file).unwrap();
                let marked = "\u{feff}".encode_utf16().chain(text.encode_utf16());
                file = marked.flat_map(u16::to_le_bytes).collect();
            }
            let (rows, wrong) = read(&file).unwrap();
            assert_eq!(wrong, []);
            let plan = office.plan_import(rows, now());
            let counts = Counts { warnings: plan.counts.warnings, unchanged: phones.len(), ..Counts::default() };
            assert_eq!(plan.counts, counts, "{:?}", plan.findings);
        });
    }

    #[test]
    fn what_was_imported_once_is_unchanged_the_second_time(
        columns in proptest::sample::subsequence(&Column::ALL[1..], 0..=10).prop_shuffle(),
        cells in proptest::collection::vec(proptest::collection::vec(any::<proptest::sample::Index>(), 10), 1..5),
    ) {
        let pool = |column: Column| match column {
            Column::Mac => &[][..],
            Column::Vendor => &["", "snom", "Yealink", "acme"][..],
            Column::Model => &["", "D785", "M900", " T46U "],
            Column::Label | Column::Location => &["", "'=1", "Desk\t1", "  ", "\"a;b\""],
            Column::EmergencyCallerId => &["", "+43 1-2", "112"],
            Column::Owner => &["", ""],
            Column::DeskExtension => &[""],
            Column::HotDesk => &["", "yes", "NEIN"],
            Column::Tags => &["", "b a", "A,b;;c"],
            Column::Logout => &["", "Never", "8:00:00 90m"],
        };
        let mut file = "mac".to_owned();
        columns.iter().for_each(|column| file += &format!(",{}", column.as_str()));
        for (number, cells) in cells.iter().enumerate() {
            // Of vendors that we know and of one that nobody knows.
            let oui = ["0004132a", "805ec000", "aabbcc00"][number % 3];
            file += &format!("\n{oui}{number:04x}");
            for (column, cell) in columns.iter().zip(cells) {
                let cell = cell.get(pool(*column)).replace('"', "\"\"");
                file += &format!(",\"{cell}\"");
            }
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let office = office(folder.path()).await;
            let done = import(&office, &file).await;
            assert_eq!(done.added, cells.len());
            let counts = plan(&office, &file).counts;
            assert_eq!((counts.new, counts.changed, counts.unchanged), (0, 0, cells.len()), "{file}");
        });
    }

    #[test]
    fn no_cell_of_an_export_is_a_formula(phones in phones_of_any_kind()) {
        let mut file = Vec::new();
        write(phones.iter().map(Listed::from), &mut file).unwrap();
        let mut reader = csv::Reader::from_reader(&file[..]);
        for record in reader.records() {
            for cell in record.unwrap().iter() {
                prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bytes_are_read_to_an_end(
        mark in proptest::sample::select(vec!["", "\u{feff}", "mac,label\n", "mac;tags\r", "\u{0}"]),
        utf16: bool,
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let mark = if utf16 { &b"\xff\xfe"[..] } else { mark.as_bytes() };
        let file: Vec<u8> = mark.iter().chain(&bytes).copied().collect();
        let _ = read(&file);
    }

    #[test]
    fn any_text_with_marks_is_read_to_an_end(text in "(mac[,;\t]label\n)?([\"',;\t\n\r=]|0004132a000[0-9]|[a-zäß]){0,60}") {
        if let Ok((rows, wrong)) = read(text.as_bytes()) {
            let lines = text.replace("\r\n", "\n").replace('\r', "\n").lines().count() as u64;
            let last = rows.iter().map(|row| row.line).chain(wrong.iter().map(|wrong| wrong.line)).max();
            prop_assert!(last.unwrap_or_default() <= lines);
        }
    }
}
