//! FreeSWITCH that asks who somebody is, at a steady rate: the load of `benches/mirror`.
//!
//! Standard library alone, so that the script compiles it by itself. One connection at a time, as mod_xml_curl
//! makes one for each question.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const USAGE: &str = "usage: directory ADDRESS PASSWORD DOMAIN FIRST COUNT RATE STOP

Asks for the users FIRST to FIRST + COUNT - 1 of DOMAIN in turn, RATE times a second, until there is a file STOP.
Prints on one line: questions, answers that were none, median, 99th percentile, 99.9th and longest in microseconds";

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [address, password, domain, first, count, rate, stop] = arguments.as_slice() else {
        // `cargo bench` runs it so, and there is nothing to do.
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    };
    match run(address, password, domain, [first, count, rate], Path::new(stop)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("directory: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(
    address: &str,
    password: &str,
    domain: &str,
    numbers: [&str; 3],
    stop: &Path,
) -> io::Result<()> {
    let number = |text: &str| text.parse::<u64>().map_err(io::Error::other);
    let [first, count, rate] = numbers;
    let (first, count, rate) = (number(first)?, number(count)?.max(1), number(rate)?.max(1));
    let pause = Duration::from_nanos(1_000_000_000 / rate);
    let credentials = base64(format!("freeswitch:{password}").as_bytes());
    let (mut times, mut bad) = (Vec::new(), 0_u64);
    let mut due = Instant::now();
    while !stop.exists() {
        // Far apart, so that no answer is in a cache.
        let user = first + (times.len() as u64 * 7_919) % count;
        let body = format!(
            "hostname=fs&section=directory&tag_name=domain&key_name=name&key_value={domain}&user={user}&domain={domain}&action=user_call"
        );
        let begun = Instant::now();
        let answer = ask(address, &credentials, &body)?;
        times.push(begun.elapsed());
        if !answer.starts_with("HTTP/1.1 200") {
            bad += 1;
        }
        due += pause;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    times.sort();
    let at = |share: usize| {
        let place = (times.len() * share / 1_000).min(times.len().saturating_sub(1));
        times.get(place).map_or(0, Duration::as_micros)
    };
    println!("{} {bad} {} {} {} {}", times.len(), at(500), at(990), at(999), at(1_000));
    Ok(())
}

fn ask(address: &str, credentials: &str, body: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let request = format!(
        "POST /freeswitch HTTP/1.1\r\nHost: {address}\r\nAuthorization: Basic {credentials}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let number = three.iter().fold(0_u32, |n, byte| (n << 8) | u32::from(*byte))
            << (8 * (3 - three.len()));
        for at in 0..4 {
            let digit = DIGITS.get((number >> (18 - 6 * at)) as usize & 63);
            let digit = digit.filter(|_| at <= three.len()).copied().unwrap_or(b'=');
            text.push(char::from(digit));
        }
    }
    text
}
