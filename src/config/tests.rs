use std::os::unix::fs::PermissionsExt as _;

use super::*;

const FS1: &str = "[freeswitch.fs1]\npassword = \"s3cret\"\n";

fn parse(text: impl AsRef<[u8]>) -> Result<Config, TomlFault> {
    Config::parse(Path::new("/etc/hotdeskd/hotdeskd.toml"), text.as_ref(), None)
}

/// Each: what is in the file, line, column, key, what must stand in the problem, and in the advice.
type Case<'a> = (&'a [u8], usize, usize, &'a str, &'a str, &'a str);

#[test]
fn a_mistake_is_told_with_its_place_and_what_to_do() {
    let cases: &[Case<'_>] = &[
        // A typo in a key.
        (
            b"domain = \"a.example\"\n[listen]\nevent_sockets = \"127.0.0.1:1\"\n",
            3, 1, "listen.event_sockets", "unknown key `event_sockets`, expected `event_socket`, `switch`",
            "Did you mean `event_socket`?",
        ),
        (
            b"[freeswitch.fs1]\npassword = \"x\"\ndomain = \"a.example\"\n",
            3, 1, "freeswitch.fs1.domain", "unknown key `domain`", "move it to its table",
        ),
        (b"domain = \"a.example\"\nports = 3\n", 2, 1, "ports", "unknown key", "config example"),
        // A wrong type.
        (b"domain = 3\n", 1, 10, "domain", "found `3`, expected text in double quotes", "Correct it"),
        (
            b"domain = \"a.example\"\naliases = \"192.0.2.1\"\n",
            2, 11, "aliases", "found `\"192.0.2.1\"`, expected a list", "Correct it",
        ),
        (
            b"domain = \"a.example\"\nlisten = 8084\n",
            2, 10, "listen", "found `8084`, expected a table", "Correct it",
        ),
        (
            b"domain = \"a.example\"\n[listen]\nswitch = 8089\n",
            3, 10, "listen.switch", "found `8089`, expected an address such as", "Correct it",
        ),
        // A bad name, address, number.
        (
            b"domain = \"a b\"\n",
            1, 10, "domain", "found `\"a b\"`, expected a SIP domain", "Correct it",
        ),
        (
            b"domain = \"a.example\"\naliases = [\"192.0.2.1\", \"${x}\"]\n",
            2, 25, "aliases[2]", "found `\"${x}\"`, expected a SIP domain", "Correct it",
        ),
        (
            b"domain = \"a.example\"\n[listen]\nswitch = \"localhost:8089\"\n",
            3, 10, "listen.switch", "expected an IP address and a port", "Correct it",
        ),
        (
            b"domain = \"a.example\"\n[listen]\nswitch = \"0.0.0.0:8089\"\n",
            3, 10, "listen.switch", "who may connect", "Correct it",
        ),
        (
            b"domain = \"a.example\"\n[listen]\nswitch = { address = \"0.0.0.0:8089\", allow = [\"192.0.2.0/33\"] }\n",
            3, 47, "listen.switch.allow[1]", "expected a network or an IP address", "Correct it",
        ),
        (
            b"domain = \"a.example\"\n[listen]\nswitch = { address = \"127.0.0.1:8089\", alow = [] }\n",
            3, 40, "listen.switch.alow", "unknown key `alow`", "Did you mean `allow`?",
        ),
        (
            b"domain = \"a.example\"\n[freeswitch.fs1]\naddress = \"127.0.0.1\"\n",
            3, 11, "freeswitch.fs1.address", "expected a host and a port", "Correct it",
        ),
        (
            b"domain = \"a.example\"\n[freeswitch.\"FS 1\"]\npassword = \"x\"\n",
            2, 13, "freeswitch.FS 1", "expected a name for this FreeSWITCH", "Correct it",
        ),
        (
            b"domain = \"a.example\"\n[pin]\ntries = 10\n",
            3, 9, "pin.tries", "found `10`, expected a number of tries from 1 to 9", "Correct it",
        ),
        (
            b"domain = \"a.example\"\n[pin]\nlogout = \"sometimes\"\n",
            3, 10, "pin.logout", "expected one of `always`, `elsewhere`, `never`", "Correct it",
        ),
        (
            b"domain = \"a.example\"\n[pin.guard.pair]\nwrong = 3\n",
            2, 12, "pin.guard.pair.window_minutes", "found no `window_minutes`", "Add it",
        ),
        (
            b"domain = \"a.example\"\n[prompts]\npin = \"a b\"\n",
            3, 7, "prompts.pin", "found `\"a b\"`, expected a sound file", "Correct it",
        ),
        (
            b"domain = \"a.example\"\n[directory.params]\nvm-password = \"1\"\n",
            3, 15, "directory.params.vm-password", "hotdeskd sets it for each phone", "Correct it",
        ),
        // Places.
        (
            b"domain = \"a.example\"\n[[location]]\nname = \"Vienna\"\nnetworks = []\n",
            4, 12, "location[1].networks", "expected networks or IP addresses", "Correct it",
        ),
        (
            b"domain = \"a.example\"\n[freeswitch.f]\npassword = \"x\"\n[[location]]\nname = \"Vienna\"\nnetworks = [\"192.0.2.0/24\"]\n[[location]]\nname = \"Vienna\"\nnetworks = [\"192.0.2.1\"]\n",
            8, 8, "location[2].name", "found the location \"Vienna\" a second time", "the networks of both",
        ),
        // The customers' database.
        (
            b"domain = \"a.example\"\n[customers]\nurl = \"mysql://crm:4711@db/crm\"\n",
            3, 7, "customers.url", "found a URL with a password, which is not repeated here", "Correct it",
        ),
        (
            b"domain = \"a.example\"\n[freeswitch.f]\npassword = \"x\"\n[customers]\nurl = \"sqlite:///x\"\n",
            4, 2, "customers.query", "found no query", ":number",
        ),
        (
            b"domain = \"a.example\"\n[freeswitch.f]\npassword = \"x\"\n[customers]\nurl = \"sqlite:///x\"\nquery = \"SELECT 1\"\n",
            6, 9, "customers.query", "found no `:number`", "never pasted",
        ),
        (
            b"domain = \"a.example\"\n[freeswitch.f]\npassword = \"x\"\n[customers]\nurl = \"sqlite:///x\"\nquery = \"SELECT :number\"\nspellings = []\n",
            7, 13, "customers.spellings", "found an empty list", "e164",
        ),
        (
            b"domain = \"a.example\"\n[freeswitch.f]\npassword = \"x\"\n[customers]\nurl = \"firebird://c@h/x\"\nquery = \"SELECT :number\"\ntls = \"verify\"\n",
            7, 7, "customers.tls", "found TLS", "way of its own",
        ),
        // The company's list of phones.
        (
            b"domain = \"a.example\"\n[freeswitch.f]\npassword = \"x\"\n[inventory]\nurl = \"sqlite:///x\"\n",
            4, 2, "inventory.query", "found no query", "a column `mac`",
        ),
        (
            b"domain = \"a.example\"\n[freeswitch.f]\npassword = \"x\"\n[inventory]\nurl = \"sqlite:///x\"\nquery = \"DELETE FROM x\"\n",
            6, 9, "inventory.query", "found no SELECT", "Correct it",
        ),
        (
            b"domain = \"a.example\"\n[freeswitch.f]\npassword = \"x\"\n[inventory]\nurl = \"sqlite:///x\"\nquery = \"SELECT :number\"\n",
            6, 9, "inventory.query", "found `:number`", "nothing is put into it",
        ),
        (
            b"domain = \"a.example\"\n[customers]\ndeadline_ms = 10\n",
            3, 15, "customers.deadline_ms", "expected a whole number from 20 to 5000", "Correct it",
        ),
        (
            b"domain = \"a.example\"\n[customers]\ncountry = \"Austria\"\n",
            3, 11, "customers.country", "two capital letters", "Correct it",
        ),
        (
            b"domain = \"a.example\"\n[freeswitch.f]\npassword = \"x\"\n[pnp]\nenabled = true\nmulticast = false\n",
            5, 11, "pnp.enabled", "found neither", "where phones ask",
        ),
        (
            b"domain = \"a.example\"\n[freeswitch.f]\npassword = \"x\"\n[pnp]\nenabled = true\nlisten = { address = \"0.0.0.0:5060\", allow = [\"192.0.2.0/24\"] }\n",
            6, 1, "pnp.listen", "found port 5060 at every address", "FreeSWITCH has that port",
        ),
        (
            b"domain = \"a.example\"\n[pnp]\ninterfaces = [\"fd00::1\"]\n",
            3, 15, "pnp.interfaces[1]", "an interface by its name", "Correct it",
        ),
        (
            b"domain = \"a.example\"\n[pnp]\nper_second = 0\n",
            3, 14, "pnp.per_second", "a whole number from 1 to 10000", "Correct it",
        ),
        // Missing.
        (b"", 1, 1, "domain", "found no `domain`", "Add it"),
        (b"domain = \"a.example\"\n", 1, 1, "freeswitch", "found no FreeSWITCH", "Add the table"),
        (
            b"domain = \"a.example\"\n\n[freeswitch.fs1]\n",
            3, 13, "freeswitch.fs1.password", "found no password", "password_file",
        ),
        (
            b"domain = \"a.example\"\n[freeswitch.fs1]\npassword = \"\"\n",
            3, 12, "freeswitch.fs1.password", "an empty password", "password_file",
        ),
        (
            b"domain = \"a.example\"\ndata = \"\"\n[freeswitch.fs1]\npassword = \"x\"\n",
            2, 8, "data", "found an empty text", "Write the path",
        ),
        // Twice, not TOML, not UTF-8.
        (b"domain = \"a.example\"\ndomain = \"b.example\"\n", 2, 1, "", "duplicate key", "keep one"),
        (b"{ \"domain\": 1 }\n", 1, 1, "", "found", "`key = value`"),
        (b"domain = a.example\n", 1, 10, "", "found `a", "double quotes"),
        (b"domain = \"a.example\"\n# B\xfcro\n", 2, 4, "", "the byte 0xfc, expected UTF-8", "save it as UTF-8"),
    ];
    let mut wrong = String::new();
    for (text, line, column, key, problem, advice) in cases {
        let told = parse(text).unwrap_err();
        let text = String::from_utf8_lossy(text);
        let start = format!("/etc/hotdeskd/hotdeskd.toml:{line}:{column}: ");
        let right = told.key == *key
            && told.problem.contains(problem)
            && told.advice.contains(advice)
            && told.to_string().starts_with(&start);
        if !right {
            wrong +=
                &format!("{text}\n-> {told}\nnot {line}:{column} {key} {problem} {advice}\n\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_secret_is_never_repeated() {
    for text in [
        "domain = \"a.example\"\n[freeswitch.fs1]\npassword = 4711\n",
        "domain = \"a.example\"\n[freeswitch.fs1]\npassword = [\"4711\"]\n",
        "domain = \"a.example\"\n[freeswitch.fs1]\npassword = 4711abc\n",
        "domain = \"a.example\"\n[freeswitch.fs1]\npassword = \"4711\n",
        "domain = \"a.example\"\n[freeswitch.fs1]\npassword = \"\\4711\"\n",
        "domain = \"a.example\"\n[freeswitch.fs1]\npassword = 4711\npassword = 4711\n",
        "domain = \"a.example\"\n[freeswitch]\nfs1 = { password = '4711' password_file = 'b' }\n",
        "domain = \"a.example\"\n[switch]\npassword = \"4711 $x\"\n[freeswitch.fs1]\npassword = \"4711\"\n",
        "domain = \"a.example\"\n[freeswitch.fs1]\npassword = \"4711\\u0001\"\n",
        "domain = \"a.example\"\n[customers]\npassword = 4711\n",
        "domain = \"a.example\"\n[customers]\nurl = \"postgres://crm:4711@db/crm\"\n",
        "domain = \"a.example\"\n[inventory]\npassword = 4711\n",
        "domain = \"a.example\"\n[inventory]\nurl = \"postgres://crm:4711@db/crm\"\n",
        "domain = \"a.example\"\n[customers]\nurl = postgres://crm:4711@db/crm\n",
    ] {
        let told = parse(text).unwrap_err();
        assert!(!format!("{told} {told:?}").contains("4711"), "{text}\n{told}");
    }
    let config = parse(format!("domain = \"a.example\"\n{FS1}")).unwrap();
    assert!(!format!("{config:?}").contains("s3cret"));
}

#[test]
fn a_password_that_everybody_can_read_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hotdeskd.toml");
    let text = "domain = \"a.example\"\n[freeswitch.fs1]\npassword = \"ClueCon\"\n";
    std::fs::write(&file, text).unwrap();
    let warned = |mode| {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let warnings = Config::load(&file, None).unwrap().warnings();
        let of_passwords = warnings.into_iter().filter(|warning| warning.contains("password"));
        of_passwords.collect::<Vec<_>>()
    };
    assert!(warned(0o644)[0].contains("chmod o="));
    assert!(warned(0o640)[0].contains("stock password"));
}

#[test]
fn what_is_not_set_has_its_default() {
    let config = parse(format!("domain = \"Example.NET\"\n{FS1}")).unwrap();
    assert_eq!(config.domain.as_str(), "example.net");
    assert_eq!(config.data, Path::new("/var/lib/hotdeskd"));
    assert_eq!(config.admin_socket(), Path::new("/var/lib/hotdeskd/admin.sock"));
    assert_eq!(config.event_socket.address.to_string(), "127.0.0.1:8084");
    assert_eq!(config.switch.address.to_string(), "127.0.0.1:8089");
    let allow: Vec<String> = config.switch.allow.iter().map(ToString::to_string).collect();
    assert_eq!(allow, ["127.0.0.0/8", "::1/128"]);
    let node = config.freeswitch.values().next().unwrap();
    assert_eq!(node.address.to_string(), "127.0.0.1:8021");
    assert_eq!(node.profiles.first().unwrap().as_str(), "internal");
    assert_eq!(node.config_dir, Path::new("/etc/freeswitch"));
    assert_eq!(node.password.value.expose_secret(), "s3cret");
    assert_eq!(config.switch_credentials.user.as_str(), "freeswitch");
    assert_eq!(config.pin, PinSettings::default());
    assert_eq!(config.prompts, Prompts::default());
    assert_eq!(config.directory, DirectorySettings::default());
    assert_eq!(config.users_file, None);
}

#[test]
fn paths_are_relative_to_the_file_and_addresses_have_two_forms() {
    let text = format!(
        "domain = \"a.example\"\ndata = \"data\"\npeople.file = \"users.toml\"\n\
         listen.event_socket = {{ address = \"[::]:8084\", allow = [\"fd00::/8\", \"192.0.2.1\"] }}\n\
         listen.switch = \"[::1]:9\"\n{FS1}address = \"PBX.example:8021\"\n[freeswitch.fs2]\n\
         address = \"[fd00::1]:8021\"\npassword = \"x\"\n"
    );
    let config = parse(&text).unwrap();
    assert_eq!(config.data, Path::new("/etc/hotdeskd/data"));
    assert_eq!(config.users_file.as_deref(), Some(Path::new("/etc/hotdeskd/users.toml")));
    let allow: Vec<String> = config.event_socket.allow.iter().map(ToString::to_string).collect();
    assert_eq!(allow, ["fd00::/8", "192.0.2.1/32"]);
    let nodes: Vec<String> =
        config.freeswitch.values().map(|node| node.address.to_string()).collect();
    assert_eq!(nodes, ["pbx.example:8021", "[fd00::1]:8021"]);
}

#[test]
fn secrets_come_from_their_files_and_credentials() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hotdeskd.toml");
    let password = folder.path().join("password");
    let write = |text: &[u8], mode| {
        std::fs::write(&password, text).unwrap();
        std::fs::set_permissions(&password, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let text = b"domain = \"a.example\"\n[freeswitch.fs1]\npassword_file = \"password\"\n";
    let read = || Config::parse(&file, text, None);
    let problem = || read().unwrap_err().problem;
    assert!(problem().contains("No such file"), "{}", problem());
    write(b"s3cret\n", 0o640);
    let config = read().unwrap();
    let node = config.freeswitch.values().next().unwrap();
    assert_eq!(node.password.value.expose_secret(), "s3cret");
    assert_eq!(node.password.from, SecretSource::File(password.clone()));
    assert!(!config.warnings().iter().any(|warning| warning.contains("password")));
    write(b"s3cret\n", 0o644);
    assert!(problem().contains("can be read by everybody"), "{}", problem());
    for content in [&b""[..], b"\n", b"a\nb\n", b"\xff", &[b'a'; 5000]] {
        write(content, 0o600);
        assert!(problem().contains("the secret and nothing else"), "{}", problem());
    }

    let text = b"domain = \"a.example\"\n[freeswitch.fs1]\n";
    let credentials = folder.path().join("credentials");
    std::fs::create_dir(&credentials).unwrap();
    assert!(Config::parse(&file, text, Some(&credentials)).is_err());
    let credential = credentials.join("freeswitch.fs1.password");
    std::fs::write(&credential, "fr0m systemd").unwrap();
    std::fs::set_permissions(&credential, std::fs::Permissions::from_mode(0o400)).unwrap();
    let config = Config::parse(&file, text, Some(&credentials)).unwrap();
    let node = config.freeswitch.values().next().unwrap();
    assert_eq!(node.password.value.expose_secret(), "fr0m systemd");
}

#[test]
fn the_switch_password_is_made_once_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("domain = \"a.example\"\ndata = \".\"\n{FS1}");
    let config =
        Config::parse(&folder.path().join("hotdeskd.toml"), text.as_bytes(), None).unwrap();
    let made = config.switch_password().unwrap();
    assert_eq!(made.expose_secret().len(), 32);
    assert_eq!(config.switch_password().unwrap().expose_secret(), made.expose_secret());
    let path = folder.path().join("xml_curl.password");
    let mode = std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_file_that_is_none_of_ours_is_not_read_for_ever() {
    assert!(matches!(Config::load(Path::new("/dev/zero"), None), Err(Error::TooLong { .. })));
    let missing = Config::load(Path::new("/nowhere/hotdeskd.toml"), None).unwrap_err();
    assert!(missing.to_string().contains("`-c FILE`"), "{missing}");
}

/// The example with the `#` before each default taken away.
fn example_with_defaults() -> String {
    let is_default = |line: &str| {
        line.strip_prefix('#')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
    };
    let lines = example().lines().map(|line| if is_default(line) { &line[1..] } else { line });
    lines
        .collect::<Vec<_>>()
        .join("\n")
        .replace("password_file = \"fs1.password\"", "password = \"s3cret\"")
}

#[test]
fn the_example_shows_the_defaults() {
    let least = format!("domain = \"example.net\"\n{FS1}");
    let shown = parse(&least).unwrap().show();
    assert_eq!(parse(example_with_defaults()).unwrap().show(), shown);
    // And every setting that has a default stands in it as one.
    let example: toml::Table = example_with_defaults().parse().unwrap();
    let shown: toml::Table = shown.parse().unwrap();
    let mut absent = Vec::new();
    compare("", &shown, &example, &mut absent);
    // Those follow `data`.
    assert_eq!(absent, ["standing.folder", "switch.password_file"]);
}

fn compare(above: &str, shown: &toml::Table, example: &toml::Table, absent: &mut Vec<String>) {
    for (key, value) in shown {
        let path = format!("{above}{key}");
        match (value, example.get(key)) {
            (toml::Value::Table(shown), Some(toml::Value::Table(example))) => {
                compare(&format!("{path}."), shown, example, absent);
            }
            // A listener has a short form.
            (toml::Value::Table(shown), Some(toml::Value::String(address))) => {
                assert_eq!(shown.get("address").and_then(toml::Value::as_str), Some(&**address));
            }
            (_, Some(_)) => {}
            (_, None) => absent.push(path),
        }
    }
}

#[test]
fn every_key_of_every_table_stands_in_the_example() {
    let tables = [
        "",
        "listen",
        "freeswitch.fs1",
        "switch",
        "admin",
        "admin.tls",
        "admin.guard",
        "admin.ldap_roles",
        "[admin.user]",
        "[admin.token]",
        "dialplan",
        "dialplan.codes",
        "emergency",
        "pin",
        "pin.guard",
        "prompts",
        "directory",
        "people",
        "people.ldap",
        "people.ldap.attributes",
        "people.ldap.teams",
        "standing",
        "provisioning",
        "provisioning.enrolment",
        "provisioning.tls",
        "redirection.snom",
        "service",
        "service.otherwise",
        "log",
        "journal",
        "logout",
        "customers",
        "customers.cache",
        "customers.breaker",
        "inventory",
        "[team]",
    ];
    // A list of tables has no default, so it stands there as a comment.
    let example = example()
        .replace("\n# [[", "\n[[")
        .replace("\n# [people.", "\n[people.")
        .replace("\n# [admin.", "\n[admin.");
    let example = example.replace("\n# [redirection.", "\n[redirection.");
    for table in tables {
        // A key that cannot be there is answered with those that can.
        let text = match table {
            "" => "nonsense = 1\n".to_owned(),
            table => format!("domain = \"a.example\"\n[{table}]\nnonsense = 1\n"),
        };
        let told = parse(text).unwrap_err();
        let known: Vec<&str> = told.problem.split('`').skip(3).step_by(2).collect();
        assert!(!known.is_empty(), "{table}: {told}");
        let header = format!("\n[{table}]\n");
        let section = match table {
            "" => &example,
            _ => example.split(&header).nth(1).unwrap(),
        };
        let section = section.split("\n[").next().unwrap();
        for key in known {
            let own = [
                format!("\n[{key}"),
                format!("\n[{table}.{key}"),
                format!("\n[[{key}"),
                format!("\n[[{table}.{key}"),
            ];
            let table_of_its_own = own.iter().any(|header| example.contains(header));
            let stands = section.contains(&format!("{key} = "));
            let in_parts = section.contains(&format!("\n# {key}."));
            assert!(stands || table_of_its_own || in_parts, "{table}: {key}");
        }
    }
}

#[test]
fn what_is_shown_can_be_read_again_and_tells_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("p");
    std::fs::write(&password, "fr0mfile").unwrap();
    std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o600)).unwrap();
    let text = "domain = \"a.example\"\naliases = [\"192.0.2.1\"]\npeople.file = \"u.toml\"\n\
                directory.variables.x = \"$y\"\ndialplan.codes.who = false\npin.tries = 2\n\
                emergency.caller_id = \"+4312\"\nlog.format = \"json\"\n[switch]\npassword_file = \"p\"\n\
                [freeswitch.fs1]\npassword = \"s3cret\"\n";
    let file = folder.path().join("hotdeskd.toml");
    let shown = Config::parse(&file, text.as_bytes(), None).unwrap().show();
    assert!(!shown.contains("s3cret") && !shown.contains("fr0mfile"), "{shown}");
    let again = Config::parse(Path::new("/else/where.toml"), shown.as_bytes(), None).unwrap();
    assert_eq!(again.show(), shown);
    assert_eq!(again.pin.tries.get(), 2);
}

#[test]
fn the_service_number_needs_a_queue_that_is_there() {
    let text = |service: &str| format!("domain = \"a.example\"\n{service}\n{FS1}");
    for (service, key, problem) in [
        ("service.numbers = [\"0800123\"]", "service.numbers", "no `default_queue`"),
        ("service.otherwise.closed = \"hangup\"", "service.otherwise", "no `default_queue`"),
        ("service.numbers = [\"0800 123\"]", "service.numbers[1]", "2 to 20 digits"),
        ("service.default_queue = \"a b\"", "service.default_queue", "expected a team"),
        (
            "service = { default_queue = \"a\", otherwise = { closed = \"sales\" } }",
            "service.otherwise.closed",
            "queue:<team>",
        ),
        (
            "service = { default_queue = \"a\", last_agent = { within_days = 0, seconds = 9 } }",
            "service.last_agent.within_days",
            "1 to 366 days",
        ),
        (
            "service = { default_queue = \"a\" }\nteam = [{ id = \"a\", has_queue = false }]",
            "service.default_queue",
            "team a, which has no queue",
        ),
        (
            "service = { default_queue = \"b\", otherwise = { closed = \"queue:a\" } }\n\
             team = [{ id = \"a\", has_queue = false }]",
            "service.otherwise.closed",
            "team a, which has no queue",
        ),
        ("team = [{ id = \"a\", hours = [\"mon 8-17\"] }]", "team[1].hours[1]", "days and hours"),
        ("team = [{ id = \"a\", holidays = [\"13-01\"] }]", "team[1].holidays[1]", "a day of"),
        ("team = [{ id = \"a\", time_zone = \"Vienna\" }]", "team[1].time_zone", "a time zone"),
    ] {
        let told = parse(text(service)).unwrap_err();
        assert_eq!(told.key, key, "{told}");
        assert!(told.problem.contains(problem), "{told}");
    }
    assert!(parse(text("")).unwrap().service.is_none());
    let config = parse(text("service = { default_queue = \"a\", time_zone = \"UTC\" }")).unwrap();
    assert_eq!(config.service.unwrap().route.default_queue.as_str(), "a");
}
