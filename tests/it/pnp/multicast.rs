//! Phones that ask everybody, in a network of the test's own.

use std::net::{Ipv4Addr, UdpSocket as StdSocket};

use socket2::{Domain, Socket, Type};

use super::*;
use crate::support::network::{HERE, HERE_TOO, NEAR, Network, THERE, THERE_TOO};

const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 1, 75);

async fn listening() -> Office {
    let tables = format!("[pnp]\nenabled = true\ninterfaces = [\"{NEAR}\"]\n");
    let office = Office::with(Plan { tables, ..Plan::default() }).await;
    furnish(&office).await;
    until("phones are heard", async || office.log().contains("phones are heard")).await;
    office
}

#[tokio::test]
async fn a_phone_that_asks_everybody_is_answered() {
    let test = "pnp::multicast::a_phone_that_asks_everybody_is_answered";
    let Some(network) = Network::enter(test) else { return };
    let office = listening().await;
    let folder = tempfile::tempdir().unwrap();
    let base = office.config.phones_url();
    for (name, mac, _, path) in PHONES {
        let server = format!("{GROUP}:5060");
        let passed = sipp(network.there("sipp"), &server, THERE, &fixture(name), folder.path());
        assert!(passed.contains(&format!("\n{base}{path}\n")), "{name}: {passed}");
        // From the address of the interface, not from the group.
        assert!(passed.contains(&format!("Contact: <sip:{HERE}:")), "{name}: {passed}");
        until("it is written down", async || why(&office, mac).contains("asked by SIP PnP, got"))
            .await;
        assert!(why(&office, mac).contains(THERE), "{}", why(&office, mac));
    }
}

#[tokio::test]
async fn in_each_network_there_is_one_answer_and_it_comes_from_there() {
    let test = "pnp::multicast::in_each_network_there_is_one_answer_and_it_comes_from_there";
    let Some(network) = Network::enter(test) else { return };
    let tables = "[pnp]\nenabled = true\n".to_owned();
    let office = Office::with(Plan { tables, ..Plan::default() }).await;
    furnish(&office).await;
    let heard = || office.log().matches("phones are heard").count();
    until("phones are heard in both", async || heard() == 2).await;
    let folder = tempfile::tempdir().unwrap();
    for (here, there) in [(HERE, THERE), (HERE_TOO, THERE_TOO)] {
        let asked = fixture("snom370").replace("9xyz", there);
        let server = format!("{GROUP}:5060");
        let passed = sipp(network.there("sipp"), &server, there, &asked, folder.path());
        assert_eq!(passed.matches("\nNOTIFY sip:").count(), 1, "{passed}");
        assert!(passed.contains(&format!("Contact: <sip:{here}:")), "{passed}");
        let via = format!("Via: SIP/2.0/UDP {here}:");
        assert!(passed.contains(&via), "{passed}");
    }
    assert_eq!(heard(), 2, "loopback is no network of phones: {}", office.log());
}

/// Answers whoever asks the group, as an older server would.
fn older_server() -> StdSocket {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.bind(&SocketAddr::from((GROUP, 5060)).into()).unwrap();
    socket.join_multicast_v4(&GROUP, &HERE.parse().unwrap()).unwrap();
    let socket: StdSocket = socket.into();
    let listening = socket.try_clone().unwrap();
    std::thread::spawn(move || {
        let answering = StdSocket::bind((HERE, 0)).unwrap();
        let mut bytes = [0; 4_096];
        while let Ok((length, from)) = listening.recv_from(&mut bytes) {
            let asked = String::from_utf8_lossy(&bytes[..length]);
            let lines = asked.lines().skip(1).map(|line| format!("{line}\r\n")).collect::<String>();
            let ok = format!("SIP/2.0 200 OK\r\nServer: older server\r\n{lines}");
            let _ = answering.send_to(ok.as_bytes(), from);
        }
    });
    socket
}

#[tokio::test]
async fn check_hears_whether_somebody_else_answers() {
    let test = "pnp::multicast::check_hears_whether_somebody_else_answers";
    let Some(_network) = Network::enter(test) else { return };
    let office = listening().await;
    let check = || String::from_utf8(office.run(&["check"]).stdout).unwrap();
    let told = check();
    assert!(told.contains(&format!("{NEAR} ({HERE}): phones can be heard")), "{told}");
    assert!(!told.contains("answers as well"), "ours is no other: {told}");
    let _older = older_server();
    let told = check();
    assert!(told.contains(&format!("{HERE} (older server) answers as well")), "{told}");
    // Whoever has the port for himself.
    office.kill();
    drop(_older);
}

#[tokio::test]
async fn a_port_that_another_has_for_itself_is_told_and_the_daemon_runs() {
    let test = "pnp::multicast::a_port_that_another_has_for_itself_is_told_and_the_daemon_runs";
    let Some(_network) = Network::enter(test) else { return };
    let _taken = StdSocket::bind("0.0.0.0:5060").unwrap();
    let tables = format!("[pnp]\nenabled = true\ninterfaces = [\"{NEAR}\"]\n");
    let office = Office::with(Plan { tables, ..Plan::default() }).await;
    until("it is told", async || office.log().contains("phones are not heard there")).await;
    assert_eq!(office.sessions().await, []);
    let told = String::from_utf8(office.run(&["check"]).stdout).unwrap();
    assert!(told.contains("something has port 5060 of 224.0.1.75"), "{told}");
}
