//! Every form of URL in the facts, and those that mean nothing.

use super::*;

/// What a path means, in short: `settings 000413aabbcc D785`, `upload app.log …`, `firmware a,b`.
pub(super) fn meaning(vendor: &str, path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let query: Vec<(String, String)> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (text(name), text(value)))
        .collect();
    let shown = |value: Option<String>| value.map(|value| format!(" {value}")).unwrap_or_default();
    match vendors().get(vendor).unwrap().route(path, &query) {
        Some(Route::File { file, mac, model }) => {
            format!("{}{}{}", file.name, shown(mac.map(|mac| mac.to_string())), shown(model))
        }
        Some(Route::Upload { upload, mac }) => {
            format!("upload {}{}", upload.name, shown(mac.map(|mac| mac.to_string())))
        }
        Some(Route::Firmware { names }) => format!("firmware {}", names.join(",")),
        Some(Route::Absent) => text("absent"),
        None => text("nothing"),
    }
}

#[test]
fn every_form_that_a_snom_asks_by_means_its_file() {
    for (path, meant) in [
        ("index.php?mac=000413AABBCC&manuf=snom", "settings 000413aabbcc"),
        ("INDEX.PHP?MAC=00:04:13:aa:bb:cc&manuf=SNOM", "settings 000413aabbcc"),
        ("index.php?manuf=snom", "settings"),
        ("index.php?mac=000000000000&manuf=snom", "settings"),
        ("index.php?mac=../../etc&manuf=snom", "settings"),
        ("?mac=000413aabbcc", "settings 000413aabbcc"),
        ("000413AABBCC.xml", "settings 000413aabbcc"),
        ("000413aabbcc.htm", "settings 000413aabbcc"),
        ("000413AABBCC", "settings 000413aabbcc"),
        ("/000413AABBCC.xml", "settings 000413aabbcc"),
        ("00-04-13-AA-BB-CC.XML", "settings 000413aabbcc"),
        ("snom/000413AABBCC.xml?src=pnp", "settings 000413aabbcc"),
        ("snomD345-000413A11FA7.htm", "settings 000413a11fa7 D345"),
        ("snom320-000413A11FA7.htm", "settings 000413a11fa7 320"),
        ("snomM900-000413b60680.htm", "settings 000413b60680 M900"),
        ("index-000413AABBCC.php", "settings 000413aabbcc"),
        ("settings-000413AABBCC.xml", "settings 000413aabbcc"),
        ("snomD345.htm", "type D345"),
        ("snom320.htm", "type 320"),
        ("firmware.xml", "firmware"),
        ("000413AABBCC-firmware.xml", "firmware 000413aabbcc"),
        ("firmware-000413AABBCC.xml", "firmware 000413aabbcc"),
        ("000413aabbcc-book.xml", "book 000413aabbcc"),
        ("snomD785-10.1.169.16-SIP-r.bin", "firmware snomD785-10.1.169.16-SIP-r.bin"),
        ("firmware/snom320-8.7.5.35-SIP-f.bin", "firmware snom320-8.7.5.35-SIP-f.bin"),
        ("", "settings"),
        ("000413AABBC.xml", "nothing"),
        ("000413AABBCCD.xml", "nothing"),
        ("000000000000.xml", "nothing"),
        ("ffffffffffff.xml", "nothing"),
        ("../000413AABBCC.xml", "nothing"),
        ("snom/../000413AABBCC.xml", "nothing"),
        ("x/000413AABBCC.xml", "nothing"),
        ("000413AABBCC.xml\n", "nothing"),
        ("000413AABBCC.xml/", "nothing"),
        ("vendor.toml", "nothing"),
        ("settings.xml", "nothing"),
    ] {
        assert_eq!(meaning("snom", path), meant, "{path}");
    }
}

#[test]
fn every_form_that_a_polycom_asks_by_means_its_file() {
    let mac = "0004f2aabbcc";
    for (path, meant) in [
        ("index.php?mac=0004F2AABBCC&manuf=polycom", format!("master {mac}")),
        ("0004f2aabbcc.cfg", format!("master {mac}")),
        ("0004F2AABBCC.CFG", format!("master {mac}")),
        ("000000000000.cfg", text("common-master")),
        ("0004f2aabbcc-settings.cfg", format!("settings {mac}")),
        ("0004f2aabbcc-phone.cfg", format!("phone {mac}")),
        ("0004f2aabbcc-web.cfg", format!("web {mac}")),
        ("0004f2aabbcc-calls.xml", format!("calls {mac}")),
        ("0004f2aabbcc-directory.xml", format!("directory {mac}")),
        ("000000000000-directory.xml", text("common-directory")),
        ("0004f2aabbcc-license.cfg", text("absent")),
        ("000000000000-license.cfg", text("absent")),
        ("0004f2aabbcc-app.log", format!("upload app.log {mac}")),
        ("0004f2aabbcc-boot.log", format!("upload boot.log {mac}")),
        (
            "3111-44500-001.3111-44500-001.sip.ld",
            text("firmware 3111-44500-001.sip.ld,3111-44500-001.3111-44500-001.sip.ld,sip.ld"),
        ),
        ("3111-44500-001.sip.ld", text("firmware 3111-44500-001.sip.ld,sip.ld")),
        ("sip.ld", text("firmware sip.ld")),
        ("sip_213.ld", text("firmware sip_213.ld")),
        ("sip.ver", text("firmware sip.ver")),
        (
            "VVXLocalization/German_Germany/VVX-dictionary.xml",
            text("firmware VVXLocalization-German_Germany-VVX-dictionary.xml"),
        ),
        ("VVXLocalization/../VVX-dictionary.xml", text("nothing")),
        ("0004f2aabbcc-user.cfg", text("nothing")),
        ("000000000000-settings.cfg", text("nothing")),
        ("000000000000-app.log", text("nothing")),
        ("logs/../0004f2aabbcc-app.log", text("nothing")),
        ("..sip.ld", text("nothing")),
        ("/../sip.ld", text("nothing")),
    ] {
        assert_eq!(meaning("polycom", path), meant, "{path}");
    }
}

#[test]
fn every_form_that_a_cisco_asks_by_means_its_file() {
    for (path, meant) in [
        ("index.php?mac=8843E1AABBCC&manuf=cisco", "profile 8843e1aabbcc"),
        ("8843e1aabbcc.xml", "profile 8843e1aabbcc"),
        ("8843E1AABBCC.xml", "profile 8843e1aabbcc"),
        ("88:43:E1:AA:BB:CC.xml", "profile 8843e1aabbcc"),
        ("spa8843e1aabbcc.cfg", "profile 8843e1aabbcc"),
        ("Cisco/CP-7841-3PCC/00562b043615.cfg", "profile 00562b043615"),
        ("spa504G.cfg", "profile 504G"),
        ("spa525G2.cfg", "profile 525G2"),
        ("spa942.cfg", "profile 942"),
        ("8851-3PCC.xml", "profile 8851"),
        ("8851.xml", "profile 8851"),
        ("CP-8851-3PCC.xml", "profile 8851"),
        ("8843e1aabbcc-directory.xml", "directory 8843e1aabbcc"),
        ("directory.xml", "directory"),
        ("SPA504G-7.5.5.bin", "firmware SPA504G-7.5.5.bin"),
        ("firmware/spa50x-30x-7-5-5.bin", "firmware spa50x-30x-7-5-5.bin"),
        ("sip88xx.12-0-1MPP-123.loads", "firmware sip88xx.12-0-1MPP-123.loads"),
        ("spa50x_30x_de_v755.xml", "firmware spa50x_30x_de_v755.xml"),
        ("../spa504G.cfg", "nothing"),
        ("spa/../504G.cfg", "nothing"),
        ("spa.cfg", "nothing"),
        ("88511.xml", "nothing"),
        ("000000000000.xml", "nothing"),
        ("SEP8843E1AABBCC.cnf.xml", "nothing"),
    ] {
        assert_eq!(meaning("cisco", path), meant, "{path}");
    }
    let cisco = vendors().get("cisco").unwrap();
    let file = cisco.firmware_file("SPA504G-7.5.5.bin").unwrap();
    assert_eq!((file.model.as_deref(), file.version.as_deref()), (Some("SPA504G"), Some("7.5.5")));
    for (model, keys) in [
        ("SPA504G", 4),
        ("SPA-942", 4),
        ("SPA525G2", 5),
        ("8851", 10),
        ("CP-8851-3PCC", 10),
        ("CP 7832", 1),
        ("8851X", 0),
    ] {
        assert_eq!(cisco.model(Some(model)).keys, keys, "{model}");
    }
}

#[test]
fn a_mac_address_is_found_in_every_vendors_form() {
    for (path, mac) in [
        ("000413AABBCC.xml", Some("000413aabbcc")),
        ("snomD345-000413A11FA7.htm", Some("000413a11fa7")),
        ("anything-000413A11FA7.php", Some("000413a11fa7")),
        ("0004f2e765da-phone.cfg", Some("0004f2e765da")),
        ("logs/0004f2e765da-app.log", Some("0004f2e765da")),
        ("cfg000b82123456", Some("000b82123456")),
        ("cfg000b82123456.xml", Some("000b82123456")),
        ("spa00562b043615.xml", Some("00562b043615")),
        ("SEP00562B043615.cnf.xml", Some("00562b043615")),
        ("Cisco/CP-7841-3PCC/00562b043615.cfg", Some("00562b043615")),
        ("00:15:65:4a:a9:37.boot", Some("0015654aa937")),
        ("0015.654a.a937.cfg", Some("0015654aa937")),
        ("Fanvil/0c383e2cd782.cfg", Some("0c383e2cd782")),
        ("7C2F8030D21E.xml", Some("7c2f8030d21e")),
        ("y000000000028.cfg", None),
        ("y000000000000.boot", None),
        ("000000000000.cfg", None),
        ("000000000000-directory.xml", None),
        ("3111-44500-001.3111-44500-001.sip.ld", None),
        ("snomD785-10.1.169.16-SIP-r.bin", None),
        ("F0V00X200000.cfg", None),
        ("0004f2e765da1.cfg", None),
        ("a0004f2e765da.cfg", None),
        ("sip.ld", None),
        ("", None),
    ] {
        assert_eq!(mac_in(path, &[]).map(|mac| mac.to_string()).as_deref(), mac, "{path}");
    }
    let query = |name: &str, value: &str| vec![(text(name), text(value))];
    let found = |query: &[_]| mac_in("index.php", query).map(|mac| mac.to_string());
    assert_eq!(found(&query("mac", "00-04-13-AA-BB-CC")).as_deref(), Some("000413aabbcc"));
    assert_eq!(found(&query("MAC", "{mac}")), None);
    assert_eq!(found(&query("id", "000413aabbcc")), None);
    let both = mac_in("0004f2e765da.cfg", &query("mac", "000413aabbcc")).unwrap();
    assert_eq!(both.to_string(), "0004f2e765da", "the path counts");
}

#[test]
fn what_firmware_is_for_is_read_from_its_name() {
    let snom = vendors().get("snom").unwrap();
    let file = snom.firmware_file("snomD785-10.1.169.16-SIP-r.bin").unwrap();
    assert_eq!(file.model.as_deref(), Some("D785"));
    assert_eq!(file.version.as_deref(), Some("10.1.169.16"));
    assert_eq!(snom.firmware_file("readme.txt"), None);
    let polycom = vendors().get("polycom").unwrap();
    let nameless = FirmwareFile { model: None, version: None };
    assert_eq!(polycom.firmware_file("3111-44500-001.sip.ld"), Some(nameless));
}

#[test]
fn a_vendor_is_known_by_the_first_half_of_the_mac_address() {
    let of = |mac: &str| vendors().of_mac(mac.parse().unwrap()).map(|vendor| text(vendor.name()));
    for (mac, vendor) in [
        ("000413aabbcc", Some("snom")),
        ("00087b000001", Some("snom")),
        ("0004f2aabbcc", Some("polycom")),
        ("64167faabbcc", Some("polycom")),
        ("02deadbeef00", None),
    ] {
        assert_eq!(of(mac).as_deref(), vendor, "{mac}");
    }
    assert_eq!(vendors().get("Snom").unwrap().title(), "Snom");
    assert!(vendors().get("nobody").is_none());
}

#[test]
fn a_model_is_known_in_each_of_its_spellings() {
    for (vendor, model, title, keys) in [
        ("snom", "D785", "D375, D785", 24),
        ("snom", "snomd785", "D375, D785", 24),
        ("snom", "320", "320, 360", 12),
        ("snom", "M900", "M300, M400, M700, M900", 0),
        ("snom", "P850", "Gigaset P8xx", 8),
        ("snom", "3200", "", 0),
        ("polycom", "VVX 500", "VVX 4xx, 5xx", 12),
        ("polycom", "vvx500", "VVX 4xx, 5xx", 12),
        ("polycom", "VVX 1500", "VVX 1500", 6),
        ("polycom", "SPIP 335", "SoundPoint 3xx", 2),
        ("polycom", "SoundPoint IP 335", "SoundPoint 3xx", 2),
        ("polycom", "Edge E450", "Edge E", 8),
        ("polycom", "Trio", "", 0),
    ] {
        let found = vendors().get(vendor).unwrap().model(Some(model));
        assert_eq!((found.title.as_str(), found.keys), (title, keys), "{model}");
    }
    let snom = vendors().get("snom").unwrap();
    assert!(!snom.model(Some("M700")).hot_desk);
    assert!(snom.model(None).hot_desk);
    assert_eq!(snom.resync(Some("D785")).reload, "check-sync;reboot=false");
    assert_eq!(snom.resync(Some("M900")).reload, "check-sync;reboot=true");
    let [(Layer::Vendor, vendor), (Layer::Model, model)] = snom.layers(Some("370")) else {
        panic!("the vendor's layer comes before the model's")
    };
    let most = |layer: &PhoneSettings| layer.get(&"contacts_max".parse().unwrap()).cloned();
    assert_eq!(most(vendor), Some(SettingValue::Number(1000)));
    assert_eq!(most(model), Some(SettingValue::Number(250)));
}
