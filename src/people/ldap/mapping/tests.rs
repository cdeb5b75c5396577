use secrecy::ExposeSecret as _;

use super::*;
use crate::model::TeamSettings;

const UUID: &str = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";

fn entry(attributes: &[(&str, &[&str])]) -> Entry {
    let own = |(name, values): &(&str, &[&str])| {
        let values = values.iter().map(|value| value.as_bytes().to_vec()).collect();
        ((*name).to_owned(), values)
    };
    Entry { dn: "cn=x".to_owned(), attributes: attributes.iter().map(own).collect() }
}

/// An entry with a key, and these besides.
fn with(attributes: &[(&str, &[&str])]) -> Entry {
    let mut entry = entry(attributes);
    entry.attributes.push(("entryUUID".to_owned(), vec![UUID.as_bytes().to_vec()]));
    entry
}

fn mapping(more: &str) -> Mapping {
    let text = format!("servers = [\"ldap://x\"]\nbase = \"dc=x\"\n{more}");
    let ldap: LdapSettings = toml::from_str(&text).unwrap();
    let mut sales = TeamSettings::new("sales".parse().unwrap());
    sales.departments = vec!["42".to_owned(), "Sales & Marketing".to_owned()];
    Mapping::new(&ldap, &[(sales.id.clone(), sales)].into())
}

/// The extension that becomes of values, or why there is none.
fn extension(more: &str, values: &[&str]) -> String {
    let mapped = mapping(more).read(&with(&[("telephoneNumber", values), ("cn", &["A"])]));
    match mapped {
        Ok(mapped) => mapped.person.record.extension.to_string(),
        Err(nobody) => nobody.skipped.why,
    }
}

#[test]
fn a_number_is_taken_as_people_write_it() {
    for text in ["1001", " 10 01 ", "10-01", "(10) 01", "10.01", "tel:1001", "10/01", "\u{a0}1001"]
    {
        assert_eq!(extension("", &[text]), "1001", "{text:?}");
    }
    let internal = r"extension_pattern = '^(?:\+4315550)?(\d{3})$'";
    for text in ["+43 1 5550 123", "+43 (0)1 5550-123", "123", "tel:+43-1-5550-123"] {
        assert_eq!(extension(internal, &[text]), "123", "{text:?}");
    }
    assert_eq!(extension(r"extension_pattern = 'ext(\d+)$'", &["+43 1 5550 ext. 77"]), "77");
    assert_eq!(extension(r"extension_pattern = '\d{4}$'", &["+4315551234"]), "1234");
    // The first that is one of ours.
    assert_eq!(extension(internal, &["+44 20 123", "+43 1 5550 124", "125"]), "124");
}

#[test]
fn what_is_no_number_is_told() {
    for (text, told) in [
        ("+4315550123", "`+4315550123` is no extension"),
        ("reception", "`reception` is no extension"),
        ("1", "`1` is no extension"),
        ("１００１", "is no extension"),
        ("1001)(uid=*", "`1001)(uid=*` is no extension"),
        ("${system(id)}", "`${system(id)}` is no extension"),
        (&"9".repeat(10_000), "9…` is no extension"),
    ] {
        let why = extension("", &[text]);
        assert!(why.contains(told), "{text}: {why}");
        assert!(why.len() < 200, "{why}");
    }
    assert_eq!(extension("", &[]), "there is no telephoneNumber");
    let why = extension("extension_pattern = '^9(.*)'", &["1001"]);
    assert!(why.contains("`extension_pattern`"), "{why}");
    let nobody = mapping("").read(&entry(&[("telephoneNumber", &["1001"])])).unwrap_err();
    assert!(nobody.key.is_none() && nobody.skipped.why.contains("entryUUID"), "{nobody:?}");
}

#[test]
fn all_that_is_mapped_is_taken_over() {
    let mapping = mapping(
        "attributes = { groups = \"ou\", hot_desk = \"mayDesk\", away = \"mobile\", pin = \"pin\", sip_secret = \"sip\" }\n\
         variables = { toll_allow = \"toll\" }\nparams = { vm-mailto = \"mail\" }",
    );
    let entry = with(&[
        ("TELEPHONENUMBER", &["1001"]),
        ("cn;lang-en", &["Ada $${domain}"]),
        ("departmentNumber", &["42", "support", "sales & marketing "]),
        ("ou", &["all"]),
        ("mayDesk", &["false"]),
        ("mobile", &["+43 664 123"]),
        ("pin", &["4711"]),
        ("sip", &["s3cret-of-ada"]),
        ("toll", &["${system(id)}"]),
        ("mail", &["ada@example.net"]),
    ]);
    let Mapped { person, remarks } = mapping.read(&entry).unwrap();
    assert_eq!(remarks, []);
    let record = person.record;
    assert_eq!((person.key.to_string().as_str(), record.name.as_str()), (UUID, "Ada $${domain}"));
    let teams: Vec<&str> = record.teams.iter().map(TeamId::as_str).collect();
    assert_eq!(teams, ["sales", "support"]);
    assert_eq!(record.groups[0].as_str(), "all");
    assert!(!record.hot_desk);
    assert_eq!(record.away.to_string(), "+43664123");
    assert_eq!(record.variables["toll_allow"], "${system(id)}");
    assert_eq!(record.params["vm-mailto"], "ada@example.net");
    let Supplied::Is(Some(pin)) = person.pin else { panic!() };
    assert_eq!(pin.secret().expose_secret(), "4711");
    let asked = mapping.attributes();
    for name in
        ["entryUUID", "telephoneNumber", "displayName", "cn", "pin", "toll", "modifyTimestamp"]
    {
        assert!(asked.iter().any(|asked| asked == name), "{name}: {asked:?}");
    }
}

#[test]
fn what_makes_no_sense_is_left_out_and_told() {
    let mapping = mapping(
        "attributes = { away = \"mobile\", pin = \"pin\", hot_desk = \"mayDesk\" }\nvariables = { a = \"a\" }",
    );
    let entry = with(&[
        ("telephoneNumber", &["1001"]),
        ("displayName", &["  "]),
        ("cn", &[&"ä".repeat(150)]),
        ("departmentNumber", &["no team at all"]),
        ("pin", &["4321"]),
        ("a", &["x\r\ny"]),
    ]);
    let Mapped { person, remarks } = mapping.read(&entry).unwrap();
    assert_eq!(person.record.name, "ä".repeat(100));
    assert!(person.record.teams.is_empty() && person.record.variables.is_empty());
    assert!(matches!(person.pin, Supplied::Is(None)));
    let told: String = remarks.iter().map(|remark| format!("{}\n", remark.why)).collect();
    assert_eq!(remarks.len(), 3, "{told}");
    assert!(
        told.contains("[[team]]") && told.contains("too easy") && told.contains("`a`"),
        "{told}"
    );
    assert!(!told.contains("4321"), "{told}");
    // A name is not asked for where there is none.
    let nameless = with(&[("telephoneNumber", &["1001"]), ("mobile", &["home"])]);
    let Mapped { person, remarks } = mapping.read(&nameless).unwrap();
    assert_eq!(person.record.name, "1001");
    assert!(remarks[0].why.contains("mobile `home`"), "{remarks:?}");
    let unclear = with(&[("telephoneNumber", &["1001"]), ("mayDesk", &["maybe"])]);
    assert!(!mapping.read(&unclear).unwrap().person.record.hot_desk);
}

#[test]
fn ten_thousand_values_and_bytes_that_are_no_text_are_survived() {
    let mapping = mapping("");
    let many: Vec<String> = (0..10_000).map(|n| format!("team-{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut entry = with(&[("telephoneNumber", &["1001"]), ("departmentNumber", &many)]);
    entry.attributes.push(("displayName".to_owned(), vec![vec![0xff, 0xfe, 0]]));
    entry.attributes.push(("cn".to_owned(), vec![b"A".to_vec()]));
    let Mapped { person, remarks } = mapping.read(&entry).unwrap();
    assert_eq!((person.record.teams.len(), person.record.name.as_str()), (100, "A"));
    assert!(remarks[0].why.contains("more than 100 values"), "{remarks:?}");
    // A range of values, as Active Directory gives them.
    let entry = with(&[("telephoneNumber", &["1001"]), ("departmentNumber;range=0-1499", &["42"])]);
    assert_eq!(mapping.read(&entry).unwrap().person.record.teams[0].as_str(), "sales");
}

#[test]
fn active_directory_has_names_of_its_own() {
    let mapping = mapping("schema = \"active-directory\"");
    let mut entry =
        entry(&[("telephoneNumber", &["1001"]), ("department", &["42"]), ("uSNChanged", &["77"])]);
    let guid = vec![
        0x10, 0xb8, 0xa7, 0x6b, 0xad, 0x9d, 0xd1, 0x11, 0x80, 0xb4, 0, 0xc0, 0x4f, 0xd4, 0x30, 0xc8,
    ];
    entry.attributes.push(("objectGUID".to_owned(), vec![guid.clone()]));
    assert_eq!(mapping.changed(&entry), Some("77"));
    let Mapped { person, .. } = mapping.read(&entry).unwrap();
    assert_eq!(person.key.bytes().as_slice(), guid);
    assert_eq!(person.record.teams[0].as_str(), "sales");
}
