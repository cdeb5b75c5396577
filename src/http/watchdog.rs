//! The watchdog. A daemon that hangs is worse for FreeSWITCH than a dead one, because every request
//! waits for its time-out; so a daemon that does not answer its own question ends itself.
//!
//! A plain thread with plain sockets: it needs nothing of the runtime that it watches.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::auth::Credentials;

/// How often it asks, and how long an answer may take.
const EVERY: Duration = Duration::from_secs(1);
/// How many questions in a row may go unanswered.
const MISSES: u32 = 3;

/// Asks the switch listener at `address` once a second which gateways the directory has, which is
/// answered from the same memory as every other question, and aborts the process after three misses.
///
/// It is armed by the first good answer, so that a listener which does not let us in is a line in the
/// log and no end. It stops with `shutdown`.
pub fn start(address: SocketAddr, credentials: &Credentials, shutdown: CancellationToken) {
    let address = SocketAddr::new(reachable(address.ip()), address.port());
    let body = "section=directory&tag_name=&key_name=&key_value=&purpose=gateways";
    let request = format!(
        "POST /freeswitch HTTP/1.1\r\nHost: {address}\r\n{}\r\nContent-Length: {}\r\nContent-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n\r\n{body}",
        credentials.header(),
        body.len(),
    );
    std::thread::spawn(move || watch(address, request.as_bytes(), &shutdown, end));
}

fn watch(
    address: SocketAddr,
    request: &[u8],
    shutdown: &CancellationToken,
    end: impl FnOnce(&io::Error),
) {
    let (mut armed, mut told, mut misses) = (false, false, 0);
    while !shutdown.is_cancelled() {
        match ask(address, request) {
            Ok(()) => (armed, misses) = (true, 0),
            Err(error) if armed => {
                misses += 1;
                if misses >= MISSES && !shutdown.is_cancelled() {
                    return end(&error);
                }
            }
            Err(error) if !told => {
                told = true;
                tracing::warn!(%address, %error, "the watchdog cannot ask the switch listener; is 127.0.0.1 allowed there?");
            }
            Err(_) => {}
        }
        std::thread::sleep(EVERY);
    }
}

/// Ends the process.
fn end(error: &io::Error) {
    // Straight to standard error: the log may be what hangs.
    let _ = writeln!(io::stderr(), "hotdeskd does not answer any more ({error}); it ends itself");
    std::process::abort();
}

fn ask(address: SocketAddr, request: &[u8]) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, EVERY)?;
    stream.set_read_timeout(Some(EVERY))?;
    stream.set_write_timeout(Some(EVERY))?;
    stream.write_all(request)?;
    let mut status = [0u8; 12];
    stream.read_exact(&mut status)?;
    if &status == b"HTTP/1.1 200" { Ok(()) } else { Err(io::Error::other("not 200")) }
}

/// An address to reach a listener at that listens on all.
fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::sync::mpsc;

    use super::*;

    /// A listener that answers `good` times, and then accepts and says nothing.
    fn listener(good: usize) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let mut silent = Vec::new();
            for (at, stream) in listener.incoming().enumerate() {
                let mut stream = stream.unwrap();
                if at < good {
                    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
                }
                silent.push(stream);
            }
        });
        address
    }

    fn ended(good: usize, wait: Duration) -> bool {
        let (tell, told) = mpsc::channel();
        let (address, shutdown) = (listener(good), CancellationToken::new());
        let stop = shutdown.clone();
        std::thread::spawn(move || watch(address, b"x", &stop, |_| tell.send(()).unwrap()));
        let ended = told.recv_timeout(wait).is_ok();
        shutdown.cancel();
        ended
    }

    #[test]
    fn a_daemon_that_answered_and_hangs_now_is_ended() {
        assert!(ended(2, Duration::from_secs(30)));
    }

    #[test]
    fn one_that_never_let_us_in_is_left_alone() {
        assert!(!ended(0, Duration::from_secs(8)));
    }
}
