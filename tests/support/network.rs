//! A network of a test's own: this process in one network namespace, and a cable to a second one.
//!
//! The test runs itself again in there: what it does outside of loopback reaches nobody.

use std::process::{Command, Output};

/// The environment variable that says to a process that it is in there, with the test's name.
const INSIDE: &str = "HOTDESKD_TEST_NETWORK";

/// This process' end of the cable, and the other one's.
pub const HERE: &str = "192.0.2.1";
pub const THERE: &str = "192.0.2.7";
/// The interface at this end, and at the other.
pub const NEAR: &str = "near0";
pub const FAR: &str = "far0";
/// A second cable between the same two, in a network of its own.
pub const HERE_TOO: &str = "198.51.100.1";
pub const THERE_TOO: &str = "198.51.100.7";
const NEAR_TOO: &str = "near1";
const FAR_TOO: &str = "far1";
/// The other namespace.
const OTHER: &str = "phones";

/// The network, in which this process is.
pub struct Network;

impl Network {
    /// In the network: what it is made of. Outside: `None`, after the test named `test` (from its module on)
    /// has run in there.
    pub fn enter(test: &str) -> Option<Self> {
        if std::env::var(INSIDE).is_ok_and(|inside| inside == test) {
            Self::build();
            return Some(Self);
        }
        let mut inside = Command::new("unshare");
        // Whoever is not root is root in a namespace of users, where the kernel lets anybody make one.
        let is_root = run("id", &["-u"]).stdout == b"0\n";
        inside.args(if is_root { &[][..] } else { &["--map-root-user"] });
        inside.args(["--net", "--mount", "--"]).arg(std::env::current_exe().unwrap());
        inside.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(INSIDE, test);
        let output = inside.output().expect("unshare is in Debian's package util-linux");
        let (out, err) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(
            output.status.success() && out.contains("1 passed"),
            "{test} needs a network namespace of its own (root, or user namespaces):\n{out}\n{err}"
        );
        None
    }

    fn build() {
        // `ip netns` and Kea keep files there; nobody else's.
        must("mount", &["-t", "tmpfs", "tmpfs", "/run"]);
        let ip = |line: &str| must("ip", &line.split(' ').collect::<Vec<_>>());
        ip("link set lo up");
        ip(&format!("netns add {OTHER}"));
        ip(&format!("-n {OTHER} link set lo up"));
        let cables = [(NEAR, HERE, FAR, THERE), (NEAR_TOO, HERE_TOO, FAR_TOO, THERE_TOO)];
        for (near, here, far, there) in cables {
            ip(&format!("link add {near} type veth peer name {far} netns {OTHER}"));
            ip(&format!("address add {here}/24 dev {near}"));
            ip(&format!("link set {near} up"));
            ip(&format!("-n {OTHER} address add {there}/24 dev {far}"));
            ip(&format!("-n {OTHER} link set {far} up"));
        }
        // An interface may have more than one address.
        ip(&format!("address add 192.0.2.2/24 dev {NEAR} label {NEAR}:1"));
        // Where a phone sends what is for everybody.
        ip(&format!("-n {OTHER} route add default dev {FAR}"));
    }

    /// A command at the other end of the cable.
    pub fn there(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", OTHER, program]);
        command
    }
}

fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"))
}

fn must(program: &str, arguments: &[&str]) {
    let output = run(program, arguments);
    assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
}
