use super::*;

fn refusal<T: serde::de::DeserializeOwned + std::fmt::Debug>(text: &str) -> String {
    toml::from_str::<T>(text).unwrap_err().to_string()
}

#[test]
fn nothing_set_is_the_documented_default() {
    let dialplan: DialplanSettings = toml::from_str("").unwrap();
    assert_eq!(dialplan, DialplanSettings::default());
    assert_eq!(dialplan.context.as_str(), "default");
    let codes: Vec<_> = dialplan
        .codes
        .enabled()
        .map(|(flow, code)| (flow.socket_path(), code.as_str().to_owned()))
        .collect();
    let expected = [
        ("hotdesk/login", "*11"),
        ("hotdesk/login-also", "*12"),
        ("hotdesk/logout", "*13"),
        ("hotdesk/logout-everywhere", "*14"),
        ("hotdesk/who", "*15"),
        ("hotdesk/restart-phone", "*19"),
    ];
    assert_eq!(codes, expected.map(|(path, code)| (path, code.to_owned())));
    let emergency: EmergencySettings = toml::from_str("").unwrap();
    assert_eq!(emergency, EmergencySettings::default());
    let ways = [("999", "999"), ("112", "112"), ("0999", "999"), ("0112", "112")];
    let ways = ways.map(|(dialled, bare)| (dialled.to_owned(), bare.to_owned()));
    assert_eq!(emergency.dialled_and_bare(), ways);
    assert_eq!(emergency.warnings().len(), 2);
}

#[test]
fn what_is_written_is_read_back() {
    let dialplan: DialplanSettings = toml::from_str(
        "context = \"inside\"\nfree_numbers = [\"0\"]\nhosts = [\"192.0.2.1:8084\", \"[fd00::1]:8084\"]\n\
         codes.who = false\ncodes.login = \"*9\"\n",
    )
    .unwrap();
    assert_eq!(dialplan.codes.who, CodeSetting::Off);
    let written = toml::to_string(&dialplan).unwrap();
    assert_eq!(toml::from_str::<DialplanSettings>(&written).unwrap(), dialplan);
    let emergency: EmergencySettings = toml::from_str(
        "numbers = [\"144\"]\nroutes = [\"sofia/gateway/trunk/$number\"]\ncaller_id = \"+4312345\"\n",
    )
    .unwrap();
    let written = toml::to_string(&emergency).unwrap();
    assert_eq!(toml::from_str::<EmergencySettings>(&written).unwrap(), emergency);
    assert_eq!(emergency.warnings(), Vec::<String>::new());
}

#[test]
fn a_refusal_says_where_what_was_expected_and_what_to_do() {
    let told = refusal::<DialplanSettings>("context = \"default\"\ncodes.login = \"11\"\n");
    assert!(told.contains("line 2, column 15"), "{told}");
    assert!(told.contains("`*` and 1 to 6 digits"), "{told}");
    let told = refusal::<EmergencySettings>("routes = [\"sofia/gateway/trunk/999\"]");
    assert!(told.contains("`$number` exactly once"), "{told}");
    let told = refusal::<EmergencySettings>("callback_minutes = 20000");
    assert!(told.contains("expected 0 to 10080 minutes, found 20000"), "{told}");
    let told = refusal::<DialplanSettings>("codes.log_in = \"*11\"");
    assert!(told.contains("unknown field `log_in`"), "{told}");
    let told = refusal::<DialplanSettings>("codes.login = 11");
    assert!(told.contains("or false to switch it off"), "{told}");
}

#[test]
fn codes_that_callers_could_not_tell_apart_are_refused() {
    for codes in ["login = \"*12\"", "login = \"*1\"", "logout_everywhere = \"*1\""] {
        let told = refusal::<Codes>(codes);
        assert!(told.contains("cannot both be dialled"), "{codes}: {told}");
    }
    // A code that takes nothing behind it may be the beginning of another.
    toml::from_str::<Codes>("logout = \"*1\"").unwrap();
    toml::from_str::<Codes>("login_also = false\nlogin = \"*12\"").unwrap();
}

#[test]
fn hostile_values_never_become_settings() {
    for text in [
        "",
        "${system(id)}",
        "9 9",
        "999\n",
        "9'9",
        "9|9",
        "(9)+",
        "9\u{0}",
        "９９９",
        "$${x}",
        "]]>",
        "\"",
        "1234567890123456",
    ] {
        assert!(text.parse::<DialledNumber>().is_err(), "{text:?}");
        assert!(format!("*{text}").parse::<DialCode>().is_err(), "{text:?}");
    }
    for text in
        ["", "restricted", "Hotdesk", "a b", "${x}", "a/b", "ä", "a\n", "'", &"x".repeat(65)]
    {
        assert!(text.parse::<ContextName>().is_err(), "{text:?}");
    }
    for text in [
        "sofia/gateway/trunk/999",
        "$number",
        "sofia/gateway/${system(id)}/$number",
        "sofia/gateway/$${x}/$number",
        "sofia/gateway/a/$number,sofia/gateway/b/$number",
        "sofia/gateway/a/$number|user/1",
        "{a=b}sofia/gateway/a/$number",
        "[a=b]sofia/gateway/a/$number",
        "sofia/gateway/a b/$number",
        "sofia/gateway/'a'/$number",
        "sofia/gateway/a\n/$number",
        "sofia/gateway/a/$numbers",
        "sofia/gateway/a/$number$number",
        "sofia/gateway/ü/$number",
        "/$number",
        &format!("sofia/gateway/{}/$number", "x".repeat(200)),
    ] {
        assert!(text.parse::<Route>().is_err(), "{text:?}");
    }
    for text in ["", "a", "a:0", "a:99999", "a b:1", "a/b:1", "a|b:1", "${x}:1", ":1", "[x]:1"] {
        assert!(text.parse::<SocketHost>().is_err(), "{text:?}");
    }
}

#[test]
fn a_route_knows_what_stands_around_the_number() {
    let route: Route = "sofia/external/$number@192.0.2.1:5060;transport=tcp".parse().unwrap();
    assert_eq!(route.around_number(), ("sofia/external/", "@192.0.2.1:5060;transport=tcp"));
}

#[test]
fn freeswitch_is_told_where_to_connect_not_where_we_listen() {
    for (listener, host) in [
        ("0.0.0.0:8084", "127.0.0.1:8084"),
        ("[::]:8084", "::1:8084"),
        ("192.0.2.1:8084", "192.0.2.1:8084"),
        ("[fd00::1]:8084", "fd00::1:8084"),
    ] {
        let hosts = DialplanSettings::default().hosts_or(listener.parse().unwrap());
        assert_eq!(hosts, [host.parse::<SocketHost>().unwrap()], "{listener}");
        assert_eq!(hosts.first().unwrap().as_str(), host);
    }
}
