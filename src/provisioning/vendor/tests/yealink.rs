//! Yealink: what its phones say they are and ask for, and its files read line by line.

use proptest::prelude::*;

use super::routes::meaning;
use super::*;

#[test]
fn every_known_user_agent_is_read_rightly() {
    for (agent, model, version, mac) in [
        ("Yealink SIP-T46G 28.72.0.1 00:15:65:4a:a9:37", "T46G", "28.72.0.1", "0015654aa937"),
        ("yealink SIP-T18 18.0.0.80 00:15:65:27:3e:05", "T18", "18.0.0.80", "001565273e05"),
        ("Yealink SIP-T19P_E2 53.80.0.3 00:15:65:4c:4c:26", "T19P E2", "53.80.0.3", "0015654c4c26"),
        ("Yealink SIP-T38G  38.70.0.125 00:15:65:2f:c3:5e", "T38G", "38.70.0.125", "0015652fc35e"),
        ("Yealink SIP VP-T49G 51.80.0.10 00:15:65:9b:5a:44", "T49G", "51.80.0.10", "0015659b5a44"),
        ("Yealink CP860 37.72.0.5 00:15:65:8a:37:86", "CP860", "37.72.0.5", "0015658a3786"),
        ("W52P 25.30.0.2 00:15:65:44:b3:7c", "W52P", "25.30.0.2", "00156544b37c"),
        ("VP530P 23.70.0.40 00:15:65:31:4b:c0", "VP530P", "23.70.0.40", "001565314bc0"),
        ("Yealink SIP-T56A 58.80.0.25 001565f429a4", "T56A", "58.80.0.25", "001565f429a4"),
        // No MAC address: what stands there is the hardware's version.
        ("Yealink-T46G 28.71.0.81 28.1.0.128.0.0.0", "T46G", "28.71.0.81", ""),
        // SIP, and PnP.
        ("Yealink SIP-T54W 96.86.0.100", "T54W", "96.86.0.100", ""),
        ("Yealink W52P 25.81.0.10", "W52P", "25.81.0.10", ""),
        // The MAC address of another vendor is not believed.
        ("Yealink SIP-T46G 28.72.0.1 00:04:13:4a:a9:37", "T46G", "28.72.0.1", ""),
    ] {
        let (vendor, found, found_version, found_mac) = agents::read(agent).expect(agent);
        assert_eq!(vendor, "yealink", "{agent}");
        assert_eq!((found.as_deref(), found_version.as_deref()), (Some(model), Some(version)));
        assert_eq!(found_mac.unwrap_or_default(), mac, "{agent}");
    }
    assert_eq!(agents::read("Yealinkish 1.2"), None);
}

#[test]
fn every_form_of_url_means_its_file() {
    let mac = "805ec0aabbcc";
    for (path, meant) in [
        ("805ec0aabbcc.boot", format!("boot {mac}")),
        ("805EC0AABBCC.cfg", format!("settings {mac}")),
        ("index.php?mac=80:5e:c0:aa:bb:cc&manuf=yealink", format!("settings {mac}")),
        ("book.xml", text("book")),
        ("805ec0aabbcc-book.xml", format!("book {mac}")),
        ("y000000000000.boot", text("absent")),
        ("y000000000028.cfg", text("absent")),
        ("y000000000108.cfg", text("nothing")),
        ("805ec0aabbcc-local.cfg", text("absent")),
        ("T46G-28.83.0.120.rom", text("firmware T46G-28.83.0.120.rom")),
        ("firmware/96.86.0.70.rom", text("firmware 96.86.0.70.rom")),
        ("firmware/../96.86.0.70.rom", text("nothing")),
        ("x/805ec0aabbcc.cfg", text("nothing")),
    ] {
        assert_eq!(meaning("yealink", path), meant, "{path}");
    }
    let file = vendors().get("yealink").unwrap().firmware_file("T46G-28.83.0.120.rom").unwrap();
    assert_eq!(
        (file.model.as_deref(), file.version.as_deref()),
        (Some("T46G"), Some("28.83.0.120"))
    );
}

#[test]
fn a_model_is_known_in_each_of_its_spellings() {
    let yealink = vendors().get("yealink").unwrap();
    for (model, keys) in
        [("T46G", 27), ("SIP-T46S", 27), ("t54w", 27), ("T19P E2", 0), ("T38G", 6), ("T42U", 15)]
    {
        assert_eq!(yealink.model(Some(model)).keys, keys, "{model}");
    }
    let of = vendors().of_mac("805ec0aabbcc".parse().unwrap()).unwrap();
    assert_eq!(of.name(), "yealink");
}

/// What a file says, as a phone reads it: a version line, then a name and a value in each line.
fn read(file: &str) -> BTreeMap<String, Vec<String>> {
    let mut lines = file.split('\n');
    assert_eq!(lines.next(), Some("#!version:1.0.0.1"));
    let mut read: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with("include:config \"")) {
        let (name, value) = line.split_once(" = ").unwrap_or_else(|| panic!("{line:?}"));
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_');
        assert!(name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(allowed));
        assert!(!value.trim().is_empty(), "{line}: an empty value may leave the old one");
        read.entry(text(name)).or_default().push(text(value));
    }
    read
}

#[test]
fn every_line_of_every_file_is_a_parameter_that_stands_once() {
    let yealink = vendors().get("yealink").unwrap();
    for model in ["T54W", "T21P_E2", "T38G", "T19P", "CP860", "unheard of"] {
        let somebody = somebody(yealink, model, "805ec0aabbcc", "Ada Lovelace");
        for context in [nobody(yealink, model, "805ec0aabbcc"), somebody] {
            for (name, stage) in [
                ("boot", Stage::Full),
                ("settings", Stage::Full),
                ("settings", Stage::Bootstrap),
                ("boot", Stage::Bootstrap),
            ] {
                let file = yealink.file(name).unwrap();
                let read = read(&yealink.render(file, stage, &context).unwrap());
                for (name, values) in read {
                    let most = 1 + usize::from(name.ends_with("security.user_password"));
                    assert_eq!(values.len(), most, "{model} {name}");
                }
            }
        }
    }
}

#[test]
fn what_an_operator_sets_stands_in_place_of_ours_and_no_secret_leaves_its_line() {
    let yealink = vendors().get("yealink").unwrap();
    let settings = yealink.file("settings").unwrap();
    let mut context = somebody(yealink, "T54W", "805ec0aabbcc", "Ada Lovelace");
    context.raw.insert(text("lang.gui"), SettingValue::Text(text("Klingon")));
    context.raw.insert(text("a b\nevil = 1"), SettingValue::Text(text("x")));
    context.raw.insert(text("phone_setting.x"), SettingValue::Text(text("1\nevil = 2")));
    // All that is visible in ASCII.
    context.account.password = (0x21..0x7fu8).map(char::from).collect();
    let file = read(&yealink.render(settings, Stage::Full, &context).unwrap());
    assert_eq!(file["lang.gui"], ["Klingon"]);
    assert_eq!(file["phone_setting.x"], ["1 evil = 2"]);
    assert_eq!(file["account.1.password"], [context.account.password]);
    assert!(!file.contains_key("evil"));
}

#[test]
fn keys_are_emptied_on_the_phone_and_on_its_expansion_modules() {
    let yealink = vendors().get("yealink").unwrap();
    let render = |model: &str, expansion: i64| {
        let mut context = nobody(yealink, model, "805ec0aabbcc");
        context.settings.insert(text("expansion_keys"), SettingValue::Number(expansion));
        read(&yealink.render(yealink.file("settings").unwrap(), Stage::Full, &context).unwrap())
    };
    let file = render("T54W", 80);
    assert_eq!(file["linekey.27.type"], ["0"]);
    assert!(!file.contains_key("linekey.28.type"));
    for key in ["1.key.1", "1.key.40", "2.key.1", "2.key.40"] {
        assert_eq!(file[&format!("expansion_module.{key}.type")], ["0"], "{key}");
    }
    assert!(!file.contains_key("expansion_module.3.key.1.type"));
    // Too few keys: the rest are soft keys, and what stood there before is taken away.
    let file = render("T21P_E2", 0);
    assert_eq!(file["programablekey.2.value"], ["*19"]);
    assert_eq!(file["programablekey.3.type"], ["0"]);
    assert!(!file.contains_key("linekey.3.type"));
    assert_eq!(render("T38G", 0)["linekey.1.line"], ["0"], "these count from 0");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_name_stays_in_its_line(name in "\\PC{1,40}|.{1,40}") {
        let yealink = vendors().get("yealink").unwrap();
        let file = yealink.file("settings").unwrap();
        let context = somebody(yealink, "T54W", "805ec0aabbcc", &format!("x{name}"));
        let plain = somebody(yealink, "T54W", "805ec0aabbcc", "x");
        let names = |context| -> Vec<String> {
            read(&yealink.render(file, Stage::Full, context).unwrap()).into_keys().collect()
        };
        prop_assert_eq!(names(&context), names(&plain));
    }
}
