//! Phones that boot: the load of `benches/provisioning`, the same for hotdeskd and for nginx.
//!
//! Standard library alone, so that the script compiles it by itself: built by cargo it would bring the
//! development dependencies' features into the daemon that is measured. A thread is a phone at a time,
//! which asks for one file after the other on one connection, as phones do.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const USAGE: &str = "usage: boots ports COUNT
       boots record ADDRESS PHONES PLAN [FOLDER]
       boots run ADDRESS PLAN

ports   prints so many free ports of loopback
record  boots each phone of PHONES (a line each: MAC address, vendor, keyed path) once, writes what
        was asked and answered to PLAN, and what came to FOLDER
run     boots all phones of PLAN, 64 at a time, and prints on one line: requests, errors, seconds,
        requests a second, median and 99th percentile of the time of a request in microseconds";

/// How many phones boot at a time.
const AT_A_TIME: usize = 64;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest head of an answer.
const HEAD: usize = 16 << 10;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["ports", count] => ports(count),
        ["record", address, phones, plan] => record(address, phones, plan, None),
        ["record", address, phones, plan, folder] => record(address, phones, plan, Some(folder)),
        ["run", address, plan] => run(address, plan),
        // `cargo bench` runs it so, and there is nothing to do.
        _ => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("boots: {error}");
            ExitCode::FAILURE
        }
    }
}

fn ports(count: &str) -> io::Result<()> {
    let count: usize = count.parse().map_err(io::Error::other)?;
    let bind = |_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let listeners = (0..count).map(bind).collect::<io::Result<Vec<_>>>()?;
    for listener in listeners {
        println!("{}", listener.local_addr()?.port());
    }
    Ok(())
}

/// What a phone asks when it boots.
struct Boot {
    agent: String,
    asked: Vec<Asked>,
}

/// A file, and the answer that belongs to it.
struct Asked {
    path: String,
    status: u16,
    length: usize,
}

/// What a phone of this vendor asks for, in the order in which such phones were seen to ask
/// (facts/phones.md): a Snom D785, or a Polycom VVX 500, whose optional files mostly are not there.
fn chain(mac: &str, vendor: &str, base: &str) -> io::Result<Boot> {
    let (agent, files) = match vendor {
        "snom" => {
            let agent = format!("Mozilla/4.0 (compatible; snomD785-SIP 10.1.64.14 1.1.6 {mac})");
            (agent, vec![format!("{mac}.xml")])
        }
        "polycom" => {
            let agent = format!(
                "FileTransport PolycomVVX-VVX_500-UA/5.9.7.3480 (SN:{mac}) Type/Application"
            );
            let own = |end: &str| format!("{mac}{end}");
            let files = vec![
                own(".cfg"),
                own("-settings.cfg"),
                own("-phone.cfg"),
                own("-web.cfg"),
                "000000000000-license.cfg".to_owned(),
                own("-license.cfg"),
                own("-calls.xml"),
                own("-directory.xml"),
                "000000000000-directory.xml".to_owned(),
            ];
            (agent, files)
        }
        other => return Err(io::Error::other(format!("no chain is known for {other}"))),
    };
    let asked = |file| Asked { path: format!("{base}{file}"), status: 0, length: 0 };
    Ok(Boot { agent, asked: files.into_iter().map(asked).collect() })
}

fn record(address: &str, phones: &str, plan: &str, folder: Option<&str>) -> io::Result<()> {
    let mut lines = String::new();
    for line in std::fs::read_to_string(phones)?.lines() {
        let [mac, vendor, base] = columns(line)?;
        let mut boot = chain(mac, vendor, base)?;
        let mut connection = Connection::open(address)?;
        for asked in &mut boot.asked {
            let mut body = Vec::new();
            let answer = connection.ask(address, &asked.path, &boot.agent, |part| {
                body.extend_from_slice(part);
            })?;
            (asked.status, asked.length) = (answer.status, answer.length);
            if let Some(folder) = folder.filter(|_| answer.status == 200) {
                let file = Path::new(folder).join(asked.path.trim_start_matches('/'));
                std::fs::create_dir_all(file.parent().unwrap_or(Path::new("")))?;
                std::fs::write(file, &body)?;
            }
        }
        lines.push_str(&boot.agent);
        for asked in &boot.asked {
            lines.push_str(&format!("\t{} {} {}", asked.path, asked.status, asked.length));
        }
        lines.push('\n');
    }
    std::fs::write(plan, lines)
}

fn columns<const N: usize>(line: &str) -> io::Result<[&str; N]> {
    let columns: Vec<&str> = line.split(' ').collect();
    columns.try_into().map_err(|_| io::Error::other(format!("not {N} columns: {line}")))
}

fn read_plan(plan: &str) -> io::Result<Vec<Boot>> {
    let asked = |column: &str| {
        let [path, status, length] = columns(column)?;
        let status = status.parse().map_err(io::Error::other)?;
        let length = length.parse().map_err(io::Error::other)?;
        Ok(Asked { path: path.to_owned(), status, length })
    };
    let boot = |line: &str| {
        let mut columns = line.split('\t');
        let agent = columns.next().unwrap_or_default().to_owned();
        Ok(Boot { agent, asked: columns.map(asked).collect::<io::Result<_>>()? })
    };
    std::fs::read_to_string(plan)?.lines().map(boot).collect()
}

/// What was seen.
#[derive(Default)]
struct Seen {
    times: Vec<Duration>,
    errors: usize,
    /// The first thing that was not as planned.
    example: Option<String>,
}

fn run(address: &str, plan: &str) -> io::Result<()> {
    let boots = read_plan(plan)?;
    let (next, all) = (AtomicUsize::new(0), Mutex::new(Seen::default()));
    let began = Instant::now();
    std::thread::scope(|threads| {
        for _ in 0..AT_A_TIME {
            threads.spawn(|| {
                let mut seen = Seen::default();
                while let Some(boot) = boots.get(next.fetch_add(1, Ordering::Relaxed)) {
                    power_on(address, boot, &mut seen);
                }
                if let Ok(mut all) = all.lock() {
                    all.times.append(&mut seen.times);
                    all.errors += seen.errors;
                    all.example = all.example.take().or(seen.example);
                }
            });
        }
    });
    let seconds = began.elapsed().as_secs_f64();
    let mut seen = all.into_inner().map_err(|_| io::Error::other("a thread panicked"))?;
    if let Some(example) = seen.example {
        eprintln!("boots: {} errors, among them {example}", seen.errors);
    }
    seen.times.sort_unstable();
    let percentile = |hundredths: usize| {
        let at = (seen.times.len() * hundredths / 100).min(seen.times.len().saturating_sub(1));
        seen.times.get(at).map_or(0, Duration::as_micros)
    };
    let requests = seen.times.len();
    let rate = requests as f64 / seconds;
    let (median, last) = (percentile(50), percentile(99));
    println!("{requests} {} {seconds:.3} {rate:.0} {median} {last}", seen.errors);
    Ok(())
}

/// A phone boots. The time of its first request begins with the connection.
fn power_on(address: &str, boot: &Boot, seen: &mut Seen) {
    let mut connection = None;
    for asked in &boot.asked {
        let began = Instant::now();
        let answered = match connection.take() {
            Some(open) => Ok(open),
            None => Connection::open(address),
        }
        .and_then(|mut open: Connection| {
            let answer = open.ask(address, &asked.path, &boot.agent, |_| ())?;
            Ok((open, answer))
        });
        seen.times.push(began.elapsed());
        let fault = match answered {
            Ok((open, answer)) => {
                connection = Some(open).filter(|_| answer.keep);
                let good = (answer.status, answer.length) == (asked.status, asked.length);
                (!good).then(|| format!("status {} and {} bytes", answer.status, answer.length))
            }
            Err(error) => Some(error.to_string()),
        };
        if let Some(fault) = fault {
            seen.errors += 1;
            let (status, length) = (asked.status, asked.length);
            let path = &asked.path;
            seen.example.get_or_insert(format!("{path}: {fault}, not {status} and {length}"));
        }
    }
}

/// A connection that is kept from file to file.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer whose body has been read.
struct Answer {
    status: u16,
    length: usize,
    keep: bool,
}

impl Connection {
    fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, buffer: vec![0; 64 << 10] })
    }

    fn ask(
        &mut self,
        address: &str,
        path: &str,
        agent: &str,
        mut body: impl FnMut(&[u8]),
    ) -> io::Result<Answer> {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: {agent}\r\nAccept: */*\r\n\r\n"
        );
        self.stream.write_all(request.as_bytes())?;
        let mut filled = 0;
        let end = loop {
            let room = self.buffer.get_mut(filled..).unwrap_or_default();
            let read = self.stream.read(room)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            filled += read;
            let came = self.buffer.get(..filled).unwrap_or_default();
            if let Some(at) = came.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if filled > HEAD {
                return Err(io::Error::other("a head without an end"));
            }
        };
        let answer = read_head(self.buffer.get(..end).unwrap_or_default())?;
        let first = self.buffer.get(end..filled).unwrap_or_default();
        body(first);
        let mut left = answer.length.checked_sub(first.len());
        while let Some(some) = left.filter(|left| *left > 0) {
            let most = some.min(self.buffer.len());
            let read = self.stream.read(self.buffer.get_mut(..most).unwrap_or_default())?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            body(self.buffer.get(..read).unwrap_or_default());
            left = some.checked_sub(read);
        }
        match left {
            Some(_) => Ok(answer),
            None => Err(io::Error::other("more than was announced")),
        }
    }
}

fn read_head(head: &[u8]) -> io::Result<Answer> {
    let bad = || io::Error::other("an answer that is none");
    let head = std::str::from_utf8(head).map_err(|_| bad())?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).ok_or_else(bad)?;
    let header = |name: &str| {
        let mut fields = lines.clone().filter_map(|line| line.split_once(':'));
        let found = fields.find(|(field, _)| field.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim())
    };
    let length = header("content-length").ok_or_else(bad)?;
    Ok(Answer {
        status: status.parse().map_err(|_| bad())?,
        length: length.parse().map_err(|_| bad())?,
        keep: !header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")),
    })
}
