//! Many phones at once, by the real program: with a daemon and without.

mod query;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A folder with a configuration, and a daemon where one was started.
struct Place {
    folder: tempfile::TempDir,
    daemon: Option<Child>,
}

/// What a command did.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Place {
    fn new() -> Self {
        Self::with("")
    }

    /// With further lines of the configuration.
    fn with(lines: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let free = || {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap()
        };
        let (switch, sockets, phones, tls) = (free(), free(), free(), free());
        let config = format!(
            "domain = \"example.net\"\ndata = \"data\"\n[listen]\nswitch = \"{switch}\"\n\
             event_socket = \"{sockets}\"\nphones = \"{phones}\"\nphones_tls = \"{tls}\"\n\
             [freeswitch.fs1]\npassword = \"s3cret\"\naddress = \"127.0.0.1:9\"\n{lines}"
        );
        std::fs::write(folder.path().join("hotdeskd.toml"), config).unwrap();
        Self { folder, daemon: None }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hotdeskd"));
        command
            .args(line.split(' '))
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOTDESKD_CONFIG", self.path("hotdeskd.toml"))
            .env("TZ", "UTC");
        command
    }

    fn run_with(&self, line: &str, input: &[u8]) -> Ran {
        let mut command = self.command(line);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        // It may be gone before it has read everything.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran {
            code: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    fn run(&self, line: &str) -> Ran {
        self.run_with(line, b"")
    }

    fn ok(&self, line: &str) -> String {
        let ran = self.run(line);
        assert_eq!(ran.code, 0, "{line}\n{}{}", ran.out, ran.err);
        ran.out
    }

    fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.ok(line)).unwrap()
    }

    /// Starts a daemon, where the test is to go over its socket.
    fn serve(&mut self) {
        let log = std::fs::File::create(self.path("log")).unwrap();
        std::fs::create_dir_all(self.path("data")).unwrap();
        let mut command = self.command("serve");
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.daemon = Some(command.spawn().unwrap());
        let until = Instant::now() + Duration::from_secs(20);
        while std::os::unix::net::UnixStream::connect(self.path("data/admin.sock")).is_err() {
            assert!(Instant::now() < until, "{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let _ = daemon.kill();
            let _ = daemon.wait();
            assert!(std::thread::panicking() || !self.log().contains("panicked"), "{}", self.log());
        }
    }
}

/// A list as a spreadsheet of a German office writes it.
const LIST: &str = "Hersteller;Modell;MAC-Adresse;Bezeichnung;Standort;Besitzer;Tags\r\n\
    Snom;D785;00:04:13:2A:00:01;Empfang;\"Halle 1; Tor\";1001;pilot\r\n\
    ;D717;00-04-13-2a-00-02;Büro 2;;;\r\n";

#[test]
fn a_list_is_tried_imported_changed_and_exported() {
    for with_daemon in [false, true] {
        let mut place = Place::new();
        std::fs::create_dir_all(place.path("data")).unwrap();
        place.ok("users add 1001 --name Ada");
        if with_daemon {
            place.serve();
        }
        let latin: Vec<u8> = LIST.chars().map(|c| c as u8).collect();
        place.write("phones.csv", latin);
        let tried = place.ok("phones import phones.csv --dry-run");
        assert_eq!(
            tried,
            "Read as Windows-1252 (Latin-1), with `;` between cells.\nNew:\n  \
             line 2: 0004132a0001 snom D785 (Empfang)\n  line 3: 0004132a0002 snom D717 (Büro 2)\n\
             A dry run: 2 new, 0 changed, 0 unchanged, 0 wrong; 0 of the inventory are not listed and stay.\n"
        );
        assert!(place.ok("phones list").starts_with("There are no phones yet"));
        let done = place.ok("phones import phones.csv");
        assert!(done.contains("Imported: 2 new,") && done.contains("One owner sits at"), "{done}");
        let list = place.json("phones list --tag pilot --json");
        assert_eq!(list.as_array().unwrap().len(), 1);
        assert_eq!(list[0]["emergency"]["location"], "Halle 1; Tor");
        assert_eq!(list[0]["session"]["user"], "1001");
        // One line for all of them.
        let journal = place.ok("journal list");
        assert!(journal.contains("phones were imported: 2 new, 0 changed; 1 owners"), "{journal}");
        assert_eq!(journal.matches("0004132a000").count(), 0, "{journal}");
        let why = place.ok("phones enrol 0004132a0002 --show-url");
        assert!(why.contains("/p/"), "{why}");

        place.write("second.csv", "mac,label,hot_desk\n0004132a0002,,no\n");
        let changed = place.ok("phones import second.csv");
        let told = "line 2: 0004132a0002: label `Büro 2` -> nothing, hot_desk `yes` -> `no`\n";
        assert!(changed.contains(told), "{changed}");
        assert!(changed.contains("0 new, 1 changed, 0 unchanged, 0 wrong; 1 of the"), "{changed}");

        assert_eq!(place.ok("phones export all.csv"), "2 phones are in all.csv.\n");
        let again = place.ok("phones import all.csv");
        assert!(again.contains("0 new, 0 changed, 2 unchanged, 0 wrong; 0 of"), "{again}");
        assert_eq!(
            place.ok("phones export"),
            place.ok("phones export --tag pilot") + "0004132a0002,snom,D717,,,,,,no,,\n"
        );
        let piped =
            place.run_with("phones import - --json", place.ok("phones export --bom").as_bytes());
        let piped: Value = serde_json::from_str(&piped.out).unwrap();
        assert_eq!(piped["counts"]["unchanged"], 2, "{piped}");
    }
}

#[test]
fn one_wrong_line_and_nothing_is_imported() {
    for with_daemon in [false, true] {
        let mut place = Place::new();
        if with_daemon {
            place.serve();
        } else {
            std::fs::create_dir_all(place.path("data")).unwrap();
        }
        place.write(
            "phones.csv",
            "mac,owner,hot_desk\n0004132a0001,,\n1.23E+11,,\n0004132a0002,1001,\n00:04:13:2A:00:01,,perhaps\n0004132a0001,,\n",
        );
        let ran = place.run("phones import phones.csv");
        assert_eq!(ran.code, 1);
        assert_eq!(ran.err, "hotdeskd: 4 lines are wrong; nothing was imported\n");
        for told in [
            "line 3, mac: found `1.23E+11`: a spreadsheet made a number of the MAC address",
            "line 4, owner: found `1001`: there is no user with this extension",
            "line 5, hot_desk: found `perhaps`: expected yes or no\n",
            "line 6, mac: found `0004132a0001`: the phone stands in line 2 already",
            "Not imported: 1 new, 0 changed, 0 unchanged, 4 wrong;",
        ] {
            assert!(ran.out.contains(told), "{told}\n{}", ran.out);
        }
        assert!(place.ok("phones list").starts_with("There are no phones yet"));
        assert!(place.ok("journal list").starts_with("Nothing happened yet"));
    }
}

#[test]
fn files_that_are_no_inventory_are_refused_with_a_reason() {
    let place = Place::new();
    std::fs::create_dir_all(place.path("data")).unwrap();
    let unknown = "found the column `serial`, known are mac, vendor, model, label, location, \
                   emergency_caller_id, owner, desk_extension, hot_desk, tags, logout";
    for (content, told) in [
        (&b"mac,serial\n0004132a0001,4711\n"[..], unknown),
        (b"vendor,model\nsnom,D785\n", "expected one that is called `mac`"),
        (b"", "found nothing in it"),
        (b"0004132a0001,snom\n", "line 1: found a MAC address, expected the columns' names"),
        (b"mac,label\n0004132a0001,\"Desk\n", "line 2: found a `\"` that opens a cell"),
        (b"mac\n0004\x00132a0001\n", "line 2: found a NUL byte"),
        (
            b"mac,label\n0004132a0001,\xc3\xbc\n0004132a0002,\xfc\n",
            "line 3: found bytes that are no UTF-8",
        ),
    ] {
        place.write("phones.csv", content);
        let ran = place.run("phones import phones.csv");
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{told}");
        assert!(
            ran.err.starts_with("hotdeskd: phones.csv: ") && ran.err.contains(told),
            "{}",
            ran.err
        );
    }
    place.write("phones.csv", "mac,serial\n0004132a0001,4711\n");
    let ignored = place.ok("phones import phones.csv --ignore-unknown-columns");
    assert!(ignored.contains("Columns that are passed over: serial."), "{ignored}");
    let absent = place.run("phones import absent.csv");
    assert!(absent.code == 1 && absent.err.contains("absent.csv: No such file"), "{}", absent.err);
    assert_eq!(place.run("phones import").code, 2);
    assert_eq!(place.run("phones import phones.csv --sql").code, 2);
}

#[test]
fn a_line_of_a_hundred_megabytes_and_a_million_lines_take_little_memory() {
    let place = Place::new();
    std::fs::create_dir_all(place.path("data")).unwrap();
    let mut line = b"mac,label\n0004132a0001,".to_vec();
    line.resize(100 << 20, b'x');
    place.write("long.csv", line);
    let mut many = String::from("mac,label\n");
    (0..1_000_000).for_each(|n| many += &format!("000413{n:06x},Desk {n}\n"));
    place.write("many.csv", many);
    for (file, told) in [
        ("long.csv", "line 2: found more than 65536 bytes"),
        ("many.csv", "found more than 100000 phones, which is the most of one import"),
    ] {
        // An address space in which neither file has room.
        let mut command = Command::new("sh");
        let program = env!("CARGO_BIN_EXE_hotdeskd");
        let limited = format!("ulimit -d 98304; exec {program} phones import {file}");
        command.args(["-c", &limited]).current_dir(place.folder.path());
        command.env("HOTDESKD_CONFIG", place.path("hotdeskd.toml"));
        let output = command.output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{err}");
        assert!(err.contains(told), "{err}");
    }
    assert!(place.ok("phones list").starts_with("There are no phones yet"));
}

#[test]
fn while_many_phones_are_imported_somebody_can_log_in() {
    let mut place = Place::new();
    place.serve();
    place.ok("users add 1001 --name Ada");
    place.ok("phones add 0004132a0001");
    let mut many = String::from("mac,label,location\n");
    (0..3_000).for_each(|n| many += &format!("000413{n:06x},Desk {n},Room {n}\n"));
    place.write("many.csv", many);
    let mut import = place.command("phones import many.csv --json");
    let import = import.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    place.ok("sessions login 1001 0004132a0001");
    let done: Value = serde_json::from_slice(&import.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(done["done"]["added"], 3_000);
    assert!(place.ok("sessions list").contains("1001"));
    // What is in memory is what is in the store.
    let before = place.ok("phones export");
    let mut daemon = place.daemon.take().unwrap();
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    assert_eq!(place.ok("phones export"), before);
    assert_eq!(before.lines().count(), 3_002);
}

/// How many phones an import has gathered by now.
async fn gathered(place: &Place) -> i64 {
    use sqlx::Connection as _;
    sqlx::any::install_default_drivers();
    let url = format!("sqlite://{}", place.path("data/hotdeskd.db").display());
    let mut store = sqlx::AnyConnection::connect(&url).await.unwrap();
    let count = sqlx::query("SELECT COUNT(*) FROM phone_imports").fetch_one(&mut store).await;
    sqlx::Row::get(&count.unwrap(), 0)
}

#[tokio::test]
async fn an_import_that_is_killed_leaves_nothing_and_the_next_one_is_whole() {
    let place = Place::new();
    std::fs::create_dir_all(place.path("data")).unwrap();
    let mut many = String::from("mac,label\n");
    (0..5_000).for_each(|n| many += &format!("000413{n:06x},Desk {n}\n"));
    place.write("many.csv", many);
    let list = |place: &Place| place.json("phones list --json").as_array().unwrap().len();
    assert_eq!(list(&place), 0);
    let mut killed = 0;
    for pause in [0, 50, 100, 200, 400] {
        let mut import = place.command("phones import many.csv");
        let mut import = import.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let before = gathered(&place).await;
        while import.try_wait().unwrap().is_none() && gathered(&place).await <= before {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(pause));
        let runs = import.try_wait().unwrap().is_none();
        import.kill().unwrap();
        import.wait().unwrap();
        let count = list(&place);
        assert!(count == 0 || count == 5_000, "{count}");
        if count > 0 {
            break;
        }
        killed += usize::from(runs && gathered(&place).await > 0);
    }
    assert!(killed > 0, "no import was killed while it ran");
    assert!(place.ok("phones import many.csv").contains("0 wrong"));
    assert_eq!(list(&place), 5_000);
    assert_eq!(gathered(&place).await, 0);
}
