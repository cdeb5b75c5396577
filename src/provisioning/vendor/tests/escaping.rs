//! Whatever people are called, it stays a value in every kind of file.

use proptest::prelude::*;
use quick_xml::events::Event;
use quick_xml::{Reader, XmlVersion};

use super::*;

/// Names that have broken other people's files.
const NASTY: [&str; 12] = [
    "]]>",
    "<![CDATA[x]]>",
    "${system(id)} $1 $$",
    "\"'`",
    "a\nb\r\nc\td",
    "\u{1f980} Zoë 李",
    "</name><number>999</number>",
    "\" reg.1.auth.password=\"x",
    "&amp;lt; &#10;",
    "{{ account.password }} {% raw %}",
    "\u{0}\u{1}\u{8}\u{b}\u{c}\u{1f}\u{fffe}\u{ffff}x",
    "-->",
];

/// Every attribute's value and every element's text.
fn values(xml: &str) -> Vec<String> {
    let mut reader = Reader::from_str(xml);
    let mut values = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut attributes = |start: &quick_xml::events::BytesStart<'_>| {
        for attribute in start.attributes() {
            let value = attribute.unwrap().normalized_value(XmlVersion::Implicit1_0).unwrap();
            values.push(value.into_owned());
        }
    };
    let mut texts = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                attributes(&start);
                open.push(String::new());
            }
            Event::Empty(start) => attributes(&start),
            Event::Text(text) => open.last_mut().into_iter().for_each(|into| into.push_str(&text)),
            Event::GeneralRef(name) => {
                let c = match &*name {
                    "lt" => '<',
                    "gt" => '>',
                    "amp" => '&',
                    "quot" => '"',
                    _ => name.resolve_char_ref().unwrap().unwrap(),
                };
                open.last_mut().unwrap().push(c);
            }
            Event::End(_) => texts.extend(open.pop()),
            Event::Eof => break,
            _ => {}
        }
    }
    values.extend(texts);
    values
}

/// What XML 1.0 can say of a text.
fn in_xml(text: &str) -> String {
    let allowed = |c: &char| {
        matches!(c, '\t' | '\n' | '\r') || (*c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}'))
    };
    text.chars().filter(allowed).collect()
}

fn comes_back_from(vendor: &str, model: &str, file: &str, name: &str) {
    let vendor = vendors().get(vendor).unwrap();
    let context = somebody(vendor, model, "0004132a0001", name);
    let file = vendor.file(file).unwrap();
    let rendered = vendor.render(file, Stage::Full, &context).unwrap();
    assert_eq!(xml::fault(&rendered), None, "{name:?}");
    let values = values(&rendered);
    let person = context.user.unwrap();
    let parts = match file.name.as_str() {
        "directory" => vec![person.first_name, person.last_name],
        _ => vec![person.name],
    };
    for part in parts {
        let part = in_xml(&part);
        assert!(values.contains(&part), "{part:?} in {rendered}");
    }
}

#[test]
fn a_hostile_name_comes_back_as_it_was() {
    for name in NASTY {
        comes_back_from("snom", "D785", "settings", name);
        comes_back_from("snom", "D785", "book", name);
        comes_back_from("polycom", "VVX 500", "settings", name);
        comes_back_from("polycom", "VVX 500", "directory", &format!("{name} {name}"));
        comes_back_from("cisco", "8851", "profile", name);
        comes_back_from("yealink", "T54W", "book", name);
        comes_back_from("grandstream", "GXP2135", "settings", name);
        comes_back_from("grandstream", "GXP1628", "settings", name);
        comes_back_from("fanvil", "X4U", "settings", name);
        comes_back_from("fanvil", "X4", "settings", name);
    }
}

/// A vendor with a file of each kind.
fn kinds() -> &'static Vendor {
    static VENDOR: std::sync::LazyLock<Vendor> = std::sync::LazyLock::new(|| {
        let manifest = "title = \"Kinds\"\nresync.reload = \"check-sync\"\n\
            [[files]]\nname = \"xml\"\nkind = \"xml\"\ntemplate = \"xml\"\n\
            [[files]]\nname = \"flat\"\nkind = \"flat\"\ntemplate = \"flat\"\n\
            [[files]]\nname = \"config\"\nkind = \"config\"\ntemplate = \"config\"\n\
            [[files]]\nname = \"text\"\nkind = \"text\"\ntemplate = \"text\"\n";
        let value = "{{ user.name if user else \"\" }}";
        let folder: Folder = [
            ("vendor.toml", text(manifest)),
            ("xml", format!("<?xml version=\"1.0\"?>\n<a b=\"{value}\">{value}</a>")),
            ("flat", format!("<flat-profile><Name ua=\"na\">{value}</Name></flat-profile>")),
            ("config", format!("first = 1\nname = {value}\nlast = 1\n")),
            ("text", format!("Hello {value}!")),
        ]
        .into_iter()
        .map(|(name, text)| (name.to_owned(), folder::Source { path: name.into(), text }))
        .collect();
        Vendor::new("kinds", &folder, false).unwrap()
    });
    &VENDOR
}

fn in_each_kind(name: &str) {
    let vendor = kinds();
    let context = somebody(vendor, "x", "0004132a0001", name);
    let render =
        |file: &str| vendor.render(vendor.file(file).unwrap(), Stage::Full, &context).unwrap();
    let of_xml = in_xml(name);
    assert_eq!(values(&render("xml")), [of_xml.as_str(), of_xml.as_str()]);
    assert_eq!(values(&render("flat")), ["na", of_xml.as_str(), ""]);
    let config = render("config");
    let lines: Vec<&str> = config.lines().collect();
    let ends_line = |c: char| {
        matches!(c, '\0' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
    };
    let in_line = name.replace(ends_line, " ");
    assert_eq!(lines, ["first = 1", format!("name = {in_line}").as_str(), "last = 1"]);
    assert_eq!(render("text"), format!("Hello {}!", name.replace('\0', "")));
}

#[test]
fn a_hostile_name_stays_a_value_in_each_kind_of_file() {
    NASTY.into_iter().for_each(in_each_kind);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_name_comes_back_from_the_files_of_a_phone(name in any::<String>()) {
        comes_back_from("snom", "D785", "settings", &name);
        comes_back_from("polycom", "VVX 500", "settings", &name);
        comes_back_from("polycom", "VVX 500", "directory", &name);
        comes_back_from("cisco", "8851", "profile", &name);
    }
}

proptest! {
    #[test]
    fn any_name_stays_a_value_in_each_kind_of_file(name in any::<String>()) {
        in_each_kind(&name);
    }
}
