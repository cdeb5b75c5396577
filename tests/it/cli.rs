//! The real program, in a folder of its own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use hotdeskd::desk::{Desk, Settings};
use hotdeskd::http::{self, admin};
use hotdeskd::store::{Lock, Store};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// A folder with a configuration and a data folder.
struct Place {
    folder: tempfile::TempDir,
}

/// What a command did.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config =
            "domain = \"example.net\"\ndata = \"data\"\n[freeswitch.fs1]\npassword = \"s3cret\"\n";
        std::fs::write(folder.path().join("hotdeskd.toml"), config).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hotdeskd"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOTDESKD_CONFIG", self.path("hotdeskd.toml"))
            .env("TZ", "UTC");
        command
    }

    /// Runs with `input` on standard input; times become `TIME`.
    fn run_with(&self, arguments: &[&str], input: &str) -> Ran {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that reads nothing may be gone.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let times = regex::Regex::new(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d").unwrap();
        let text = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).unwrap();
            times.replace_all(&text, "TIME").into_owned()
        };
        Ran {
            code: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    fn run(&self, line: &str) -> Ran {
        self.run_with(&line.split(' ').collect::<Vec<_>>(), "")
    }

    /// Runs a command that succeeds, and answers what it prints.
    fn ok(&self, line: &str) -> String {
        let ran = self.run(line);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{line}\n{}", ran.out);
        ran.out
    }

    /// Each command, and what it prints.
    fn story(&self, story: &[(&str, &str)]) {
        for (line, printed) in story {
            assert_eq!(self.ok(line), *printed, "{line}");
        }
    }
}

/// A morning in the office; the same with a daemon and without.
const MORNING: &[(&str, &str)] = &[
    ("phones list", "There are no phones yet; `hotdeskd phones add MAC` adds one.\n"),
    ("sessions list", "Nobody is logged in anywhere.\n"),
    ("journal list", "Nothing happened yet.\n"),
    (
        "phones add 00:04:13:2A:00:01 --vendor snom --model D785 --label Desk1",
        "Phone 0004132a0001 is added.\n",
    ),
    (
        "phones add 0004132a0002 --no-hot-desk --emergency-caller-id +4312345 --emergency-location Room312",
        "Phone 0004132a0002 is added.\n",
    ),
    (
        "users add 1001 --name Ada --group sales --variable toll_allow=domestic --away +436641234567",
        "User 1001 is added.\nThere is no PIN yet; `hotdeskd users pin 1001` sets one.\n",
    ),
    (
        "users add 1002 --name Grace --no-hot-desk",
        "User 1002 is added.\nThere is no PIN yet; `hotdeskd users pin 1002` sets one.\n",
    ),
    ("sessions login 1001 0004132a0001", "1001 is logged in at 0004132a0001.\n"),
    ("users away 1001 +436601234567", "While user 1001 is nowhere, calls go to +436601234567.\n"),
    (
        "phones add 0004132a0002 --owner 1002 --desk-extension 2002 --replace",
        "Phone 0004132a0002 is saved.\n",
    ),
    (
        "phones list",
        "PHONE         LABEL  MODEL      OWNER  WHO IS THERE  SINCE                PENDING\n\
         0004132a0001  Desk1  snom D785         1001 Ada      TIME  resync, lamp\n\
         0004132a0002                    1002   1002 Grace    TIME  resync, lamp\n",
    ),
    (
        "users list",
        "USER  NAME   AT            AWAY           HOT DESK  PIN  FROM\n\
         1001  Ada    0004132a0001  +436601234567  yes       no   here\n\
         1002  Grace  0004132a0002  voicemail      no        no   here\n",
    ),
    (
        "sessions list",
        "PHONE         LABEL  USER  NAME   SINCE                HOW\n\
         0004132a0001  Desk1  1001  Ada    TIME  login\n\
         0004132a0002         1002  Grace  TIME  owner\n",
    ),
    (
        "users show 1001",
        "user       1001\nname       Ada\nat         0004132a0001\naway       +436601234567\n\
         hot desk   yes\nPIN        not set\nsoftphone  no\ngroups     sales\n\
         variables  toll_allow=domestic\nfrom       here\n",
    ),
    (
        "phones show 00-04-13-2a-00-02",
        "phone                0004132a0002\nwho is there         1002 Grace since TIME\n\
         owner                1002\ndesk extension       2002\nhot desk             yes\n\
         emergency caller ID  the site's\nlogged out           as the site says\npending              resync, lamp\nadded                TIME\n\n\
         imported                  TIME\nfirst contact             -\nenrolled                  -\n\
         configured                -\nregistered at FreeSWITCH  -\nshown as wanted           -\n",
    ),
    ("sessions logout --user 1001", "1001 is logged out at 0004132a0001: logged out everywhere.\n"),
    ("sessions logout 0004132a0001", "Nobody was logged in there.\n"),
    ("users unlock 1001", "User 1001 is unlocked.\n"),
    ("users remove 1002", "User 1002 is removed.\n"),
    ("phones remove 0004132a0001", "Phone 0004132a0001 is removed.\n"),
    (
        "journal list --limit 5",
        "TIME                 BY       WHAT\n\
         TIME  command  1001 is logged out at 0004132a0001: logged out everywhere\n\
         TIME  command  1001 was unlocked\n\
         TIME  command  1002 is logged out at 0004132a0002: the user was removed\n\
         TIME  command  user 1002 was removed\n\
         TIME  command  phone 0004132a0001 was removed\n",
    ),
];

#[test]
fn a_morning_without_a_daemon() {
    let place = Place::new();
    place.story(MORNING);
    let names = ["hotdeskd.db", "lock", "secret.key"];
    for name in names {
        assert!(place.path("data").join(name).exists(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_morning_with_a_daemon_goes_over_its_socket() {
    let place = Place::new();
    let data = place.path("data");
    let lock = Lock::take(&data).unwrap().unwrap();
    let desk = Desk::new(Store::open(&data).await.unwrap(), Settings::default());
    let listener = admin::bind(&data.join("admin.sock")).unwrap();
    let stop = CancellationToken::new();
    let provisioning = crate::support::provisioning(desk.clone(), &data);
    let router = admin::router(provisioning, admin::Outside::default());
    let serving =
        tokio::spawn(http::serve(listener, router, http::Limits::default(), stop.clone()));
    tokio::task::spawn_blocking(move || place.story(MORNING)).await.unwrap();
    // The daemon's own memory saw it: nobody went past it to the store.
    assert_eq!(desk.store().memory().phones().count(), 1);
    assert_eq!(desk.store().memory().users().count(), 1);
    stop.cancel();
    serving.await.unwrap();
    drop(lock);
}

#[test]
fn who_has_the_store_without_answering_is_said() {
    let place = Place::new();
    let _lock = Lock::take(&place.path("data")).unwrap().unwrap();
    let ran = place.run("phones list");
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.contains("another hotdeskd has the store"), "{}", ran.err);
}

#[test]
fn lists_are_json_on_request() {
    let place = Place::new();
    place.ok("phones add 0004132a0001");
    place.ok("users add 1001 --name Ada");
    place.ok("sessions login 1001 0004132a0001 --also");
    let json = |line| serde_json::from_str::<Value>(&place.ok(line)).unwrap();
    assert_eq!(json("phones list --json")[0]["session"]["user"], "1001");
    assert_eq!(json("phones show 0004132a0001 --json")["mac"], "0004132a0001");
    assert_eq!(json("users list --json")[0]["phones"][0], "0004132a0001");
    assert_eq!(json("users show 1001 --json")["has_pin"], false);
    assert_eq!(json("sessions list --json")[0]["origin"], "also");
    let journal = json("journal list --json --user 1001 --limit 1 --phone 0004132a0001");
    assert_eq!((&journal[0]["what"], journal.as_array().unwrap().len()), (&"login".into(), 1));
}

#[test]
fn a_pin_comes_from_standard_input_and_is_not_told() {
    let place = Place::new();
    place.ok("users add 1001 --name Ada");
    let set = place.run_with(&["users", "pin", "1001"], "4711\n");
    assert_eq!((set.code, set.out.as_str()), (0, "The PIN of user 1001 is set.\n"));
    let made = place.ok("users pin 1001 --random");
    let pin = made.trim().rsplit(' ').next().unwrap();
    assert!(pin.len() == 6 && pin.bytes().all(|b| b.is_ascii_digit()), "{made}");
    for (input, said) in [
        ("", "found nothing"),
        ("\n", "found nothing"),
        ("1234\n", "too easy"),
        ("12345678901234\n", "4 to 12 digits"),
        ("47 11\n", "4 to 12 digits"),
    ] {
        let ran = place.run_with(&["users", "pin", "1001"], input);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{input}");
        assert!(ran.err.contains(said), "{input}: {}", ran.err);
    }
    // On the command line everybody would see it.
    assert_eq!(place.run("users pin 1001 4711").code, 2);
    let all = place.ok("users show 1001 --json") + &place.ok("journal list --json");
    assert!(!all.contains("4711") && !all.contains(pin), "{all}");
}

#[test]
fn the_users_of_a_static_directory_are_taken_over_with_their_secrets() {
    let place = Place::new();
    place.ok("users add 1002 --name Alan");
    let folder = place.path("conf/directory/default");
    std::fs::create_dir_all(&folder).unwrap();
    let user = |id: &str, pin: &str, password: &str| {
        format!(
            "<user id=\"{id}\"><params><param name=\"password\" value=\"{password}\"/>\
             <param name=\"vm-password\" value=\"{pin}\"/></params><variables>\
             <variable name=\"effective_caller_id_name\" value=\"N&#x1b;[2J{id}\"/></variables></user>\n"
        )
    };
    let users = [
        user("1001", "4711", "a-good-password"),
        user("1002", "4711", "a-good-password"),
        user("1003", "1003", "1234"),
        user("lobby", "4711", "a-good-password"),
    ];
    std::fs::write(folder.join("all.xml"), format!("<include>\n{}</include>", users.concat()))
        .unwrap();
    let directory = "<include>\n<domain name=\"old.test\">\n<groups><group name=\"default\"><users>\n\
                     <X-PRE-PROCESS cmd=\"include\" data=\"default/*.xml\"/>\n</users></group></groups>\n</domain>\n</include>";
    std::fs::write(place.path("conf/directory/default.xml"), directory).unwrap();
    let import = "users import --from-freeswitch conf/directory";
    let dry = place.ok(&format!("{import} --dry-run"));
    assert!(dry.contains("2 would be taken over, 1 here already, 1 not possible"), "{dry}");
    assert_eq!(place.ok("users list").lines().filter(|line| line.starts_with("10")).count(), 1);
    let told = place.ok(import);
    assert!(told.contains("1001  N\u{fffd}[2J1001 (PIN and SIP password)\n"), "{told:?}");
    assert!(told.contains("1003  N\u{fffd}[2J1003 (no PIN, no SIP password)\n"), "{told:?}");
    assert!(told.contains("lobby  not taken over: expected an extension"), "{told}");
    let all = told + &place.ok("users list --json") + &place.ok("journal list --json");
    assert!(!all.contains("4711") && !all.contains("a-good-password"), "{all}");
    let shown: Value = serde_json::from_str(&place.ok("users show 1001 --json")).unwrap();
    assert_eq!((&shown["has_pin"], &shown["softphone"]), (&true.into(), &true.into()));
    // Again: nobody is new, and nobody is changed.
    assert!(place.ok(import).contains("0 taken over, 3 here already"));
    assert!(place.ok("users show 1002 --json").contains("Alan"));
}

#[test]
fn a_base_shows_its_handsets() {
    let place = Place::new();
    place.ok("users add 1001 --name Ada");
    place.ok(
        "phones add 000413900001 --vendor snom --model M900 --handset 1001 --handset - --handset 1001:Lobby",
    );
    let card = place.ok("phones show 000413900001");
    let values: Vec<_> = card.lines().filter_map(|line| line.split_once("  ")).collect();
    for (name, value) in [
        ("hot desk", "no, it is a DECT base"),
        ("handset", "000413900001-1: 1001 Ada"),
        ("handset", "000413900001-2: nobody"),
        ("handset", "000413900001-3: 1001 Ada (Lobby)"),
    ] {
        let has = |line: &(&str, &str)| line.0 == name && line.1.trim() == value;
        assert!(values.iter().any(has), "{name} {value} in {card}");
    }
    let json: Value = serde_json::from_str(&place.ok("phones show 000413900001 --json")).unwrap();
    assert_eq!(json["handsets"][2]["identity"], "000413900001-3");
    let file = place.ok("phones render 000413900001");
    assert_eq!(file.matches("<user_pass idx=").count(), 3, "{file}");
    assert_eq!(file.matches(">(hidden)</user_pass>").count(), 3, "{file}");
}

#[test]
fn a_secret_is_read_or_made_and_told_at_most_once() {
    let place = Place::new();
    let arguments = ["phones", "add", "0004132a0001", "--read-secret"];
    let ran = place.run_with(&arguments, "0neSecret\n");
    assert_eq!((ran.code, ran.out.as_str()), (0, "Phone 0004132a0001 is added.\n"));
    let ran = place.run_with(&["phones", "add", "0004132a0002", "--read-secret"], "short\n");
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("8 to 64 visible"), "{}", ran.err);
    let added = place.ok("users add 1001 --name Ada --softphone");
    let secret = added.lines().find_map(|line| line.split("this once: ").nth(1)).unwrap();
    assert_eq!(secret.len(), 24);
    let all = place.ok("phones list --json") + &place.ok("users list --json");
    assert!(!all.contains(secret) && !all.contains("0neSecret"), "{all}");
}

#[test]
fn bad_input_is_refused_with_the_right_code() {
    let place = Place::new();
    place.ok("users add 1001 --name Ada");
    place.ok("phones add 0004132a0001");
    let cases = [
        // Wrong usage.
        ("", 2, "Usage: hotdeskd"),
        ("fly", 2, "unrecognized subcommand"),
        ("phones", 2, "Usage: hotdeskd phones"),
        ("phones add", 2, "<MAC>"),
        ("phones add 0004132a00", 2, "12 hex digits"),
        ("phones add 0004132a0003 --owner Ada", 2, "2 to 11 digits"),
        ("phones add 0004132a0003 --emergency-caller-id 1x", 2, "telephone number"),
        ("phones add 0004132a0003 --secret x", 2, "unexpected argument"),
        ("phones show ffffffffffff", 2, "12 hex digits"),
        ("users add 1001", 2, "--name"),
        ("users add abc --name x", 2, "2 to 11 digits"),
        ("users add 1003 --name x --away home", 2, "voicemail"),
        ("users add 1003 --name x --group a/b", 2, "group name"),
        ("users add 1003 --name x --variable y", 2, "NAME=VALUE"),
        ("sessions login 1001", 2, "<MAC>"),
        ("sessions logout", 2, "--user"),
        ("sessions logout 0004132a0001 --user 1001", 2, "cannot be used"),
        ("journal list --limit 0", 2, "1..=1000"),
        ("completions tcl", 2, "possible values"),
        ("-c nowhere.toml phones list", 2, "nowhere.toml: No such file"),
        ("config show -c nowhere.toml", 2, "nowhere.toml: No such file"),
        // Tried and failed.
        ("phones add 0004132a0001", 1, "--replace"),
        ("phones add 0004132a0003 --owner 1009", 1, "no user with extension 1009"),
        ("phones add 0004132a0003 --desk-extension 1001", 1, "in use already"),
        ("phones add 0004132a0003 --vendor SNOM", 1, "lower-case"),
        ("phones remove 0004132a0009", 1, "no phone 0004132a0009"),
        ("phones show 0004132a0009", 1, "no phone 0004132a0009"),
        ("users add 1001 --name x", 1, "--replace"),
        ("users add 1003 --name x --param vm-password=1", 1, "hotdeskd sets it itself"),
        ("users show 1009", 1, "no user with extension 1009"),
        ("users remove 1009", 1, "no user with extension 1009"),
        ("users unlock 1009", 1, "no user with extension 1009"),
        ("users away 1009 voicemail", 1, "no user with extension 1009"),
        ("users pin 1009 --random", 1, "no user with extension 1009"),
        ("sessions login 1009 0004132a0001", 1, "no such user"),
        ("sessions login 1001 0004132a0009", 1, "not in the inventory"),
        ("sessions logout 0004132a0009", 1, "no phone 0004132a0009"),
        ("sessions logout --user 1009", 1, "no user with extension 1009"),
        ("man --dir nowhere", 1, "nowhere"),
    ];
    for (line, code, said) in cases {
        let arguments: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        let ran = place.run_with(&arguments, "");
        assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{line}\n{}", ran.err);
        assert!(ran.err.contains(said), "{line}\n{}", ran.err);
        assert!(!ran.err.contains("panicked"), "{line}\n{}", ran.err);
    }
    assert_eq!(place.ok("users list --json").matches("\"extension\"").count(), 1);
    assert_eq!(place.ok("phones list --json").matches("\"mac\"").count(), 1);
}

#[test]
fn a_mistake_in_the_configuration_is_told_with_its_place() {
    let place = Place::new();
    let file = place.path("hotdeskd.toml");
    std::fs::write(&file, "domain = \"example.net\"\n[listen]\nswich = \"127.0.0.1:1\"\n").unwrap();
    let ran = place.run("phones list");
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    let expected = format!(
        "hotdeskd: {}:3:1: `listen.swich`: found the unknown key `swich`, expected `event_socket`, `switch`, `phones`, `phones_tls`, `admin`. \
         Did you mean `switch`? Correct it, or take it out. `hotdeskd config example` shows every setting.\n",
        file.display()
    );
    assert_eq!(ran.err, expected);
    assert!(!place.path("data").exists());
}

#[test]
fn the_example_is_a_configuration() {
    let place = Place::new();
    let example = place.ok("config example");
    assert_eq!(example, hotdeskd::config::example());
    std::fs::write(place.path("hotdeskd.toml"), example).unwrap();
    let password = place.path("fs1.password");
    std::fs::write(&password, "s3cret\n").unwrap();
    let refused = place.run("config show");
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("`freeswitch.fs1.password_file`"), "{}", refused.err);
    assert!(refused.err.contains("chmod o="), "{}", refused.err);
    chmod(&password, 0o600);
    let shown = place.ok("config show");
    assert!(shown.contains(&format!("password_file = \"{}\"", password.display())), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
    assert!(shown.contains("login = \"*11\""), "{shown}");
}

fn chmod(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn every_command_has_help_completions_and_a_manual_page() {
    let place = Place::new();
    let pages = place.path("man");
    std::fs::create_dir(&pages).unwrap();
    place.ok("man --dir man");
    let mut seen = 0;
    for entry in std::fs::read_dir(&pages).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let command = name.trim_end_matches(".1").replacen("hotdeskd", "", 1);
        if command.contains("-help") {
            continue;
        }
        let mut words: Vec<&str> = command.split('-').filter(|word| !word.is_empty()).collect();
        words.push("--help");
        let ran = place.run_with(&words, "");
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{words:?}");
        assert!(ran.out.contains("Usage: hotdeskd") && ran.out.contains("Example"), "{}", ran.out);
        seen += 1;
    }
    assert!(seen >= 20, "{seen}");
    assert!(place.ok("man").contains(".TH hotdeskd 1"));
    assert!(place.ok("--version").starts_with("hotdeskd 0."));
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(place.ok(&format!("completions {shell}")).contains("sessions"), "{shell}");
    }
}

#[test]
fn nobody_reading_is_no_fault() {
    let place = Place::new();
    for line in ["config example", "--help", "completions bash"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = place.command(&line.split(' ').collect::<Vec<_>>());
        let output = command.stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{line}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{line}");
    }
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = place.command(&["config", "example"]);
    let output = command.stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("standard output"));
}

#[test]
fn a_store_that_cannot_be_used_is_said_and_not_touched() {
    let place = Place::new();
    place.ok("phones add 0004132a0001");
    let key = place.path("data").join("secret.key");
    chmod(&key, 0o644);
    let ran = place.run("phones list");
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("chmod 600"), "{}", ran.err);
    chmod(&key, 0o600);
    assert!(place.ok("phones list").contains("0004132a0001"));
    std::fs::write(place.path("file"), "").unwrap();
    let config = "domain = \"example.net\"\ndata = \"file\"\n[freeswitch.fs1]\npassword = \"x\"\n";
    std::fs::write(place.path("hotdeskd.toml"), config).unwrap();
    let ran = place.run("phones list");
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("the data folder"), "{}", ran.err);
}

#[test]
fn the_users_file_counts_without_a_daemon_too() {
    let place = Place::new();
    let config = "domain = \"example.net\"\ndata = \"data\"\npeople.file = \"users.toml\"\n\
                  [freeswitch.fs1]\npassword = \"x\"\n";
    std::fs::write(place.path("hotdeskd.toml"), config).unwrap();
    let ran = place.run("users list");
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("users.toml: No such file"), "{}", ran.err);
    let users = place.path("users.toml");
    std::fs::write(&users, "[[user]]\nextension = \"1001\"\nname = \"Ada\"\n").unwrap();
    let listed = place.ok("users list");
    assert!(listed.contains("users file"), "{listed}");
    place.ok("users pin 1001 --random");
    let ran = place.run("users remove 1001");
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("change it there"), "{}", ran.err);
    std::fs::write(&users, "[[user]]\nextension = \"1002\"\nname = \"Grace\"\nhotdesk = 1\n")
        .unwrap();
    let ran = place.run("users list");
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("users.toml:4:1: `user[1].hotdesk`"), "{}", ran.err);
    std::fs::write(&users, "").unwrap();
    assert!(place.ok("users list").starts_with("There are no users yet"));
}
