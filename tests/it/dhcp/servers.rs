//! The real servers: dhcpd, Kea and dnsmasq, with what hotdeskd prints in their configuration.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::write;
use crate::support::network::{FAR, Network};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Isc,
    Kea,
    Dnsmasq,
}

/// The configuration of a server with our part in it.
/// At no interface where there is none: Kea looks for it also where it only looks at its file.
fn configured(kind: Kind, interface: &str, printed: &str, folder: &Path) -> PathBuf {
    match kind {
        Kind::Isc => {
            let ours = write(folder, "hotdeskd.conf", printed);
            let text = format!(
                "authoritative;\ninclude \"{}\";\n\
                 subnet 192.0.2.0 netmask 255.255.255.0 {{ range 192.0.2.100 192.0.2.200; }}\n",
                ours.display()
            );
            write(folder, "dhcpd.conf", &text)
        }
        Kind::Kea => {
            let ours = write(folder, "hotdeskd.json", printed);
            let text = format!(
                "{{ \"Dhcp4\": {{\n<?include \"{}\"?>,\n\
                 \"interfaces-config\": {{ \"interfaces\": [{}] }},\n\
                 \"lease-database\": {{ \"type\": \"memfile\", \"persist\": false }},\n\
                 \"subnet4\": [ {{ \"subnet\": \"192.0.2.0/24\", \"pools\": [ {{ \"pool\": \"192.0.2.100 - 192.0.2.200\" }} ] }} ]\n}} }}\n",
                ours.display(),
                if interface.is_empty() { String::new() } else { format!("\"{interface}\"") }
            );
            write(folder, "kea.json", &text)
        }
        Kind::Dnsmasq => {
            let ours = write(folder, "hotdeskd.conf", printed);
            let text = format!(
                "conf-file={}\nport=0\ninterface={interface}\nbind-interfaces\nno-resolv\nno-hosts\n\
                 dhcp-range=192.0.2.100,192.0.2.200,1h\ndhcp-authoritative\nno-ping\nuser=root\n\
                 dhcp-leasefile={}\npid-file={}\n",
                ours.display(),
                folder.join("leases").display(),
                folder.join("pid").display()
            );
            write(folder, "dnsmasq.conf", &text)
        }
    }
}

fn kea(command: &mut Command, folder: &Path) {
    command.env("KEA_PIDFILE_DIR", folder).env("KEA_LOCKFILE_DIR", folder);
}

/// Has the server look at it; what it says where it does not take it.
pub fn test(kind: Kind, printed: &str, folder: &Path) -> Result<(), String> {
    let file = configured(kind, "", printed, folder);
    let mut command = match kind {
        Kind::Isc => {
            let mut command = Command::new("/usr/sbin/dhcpd");
            command.args(["-t", "-4", "-cf"]).arg(&file);
            command
        }
        Kind::Kea => {
            let mut command = Command::new("/usr/sbin/kea-dhcp4");
            command.arg("-t").arg(&file);
            command
        }
        Kind::Dnsmasq => {
            let mut command = Command::new("/usr/sbin/dnsmasq");
            command.arg("--test").arg("-C").arg(&file);
            command
        }
    };
    kea(&mut command, folder);
    let output = command.output().unwrap_or_else(|error| panic!("{kind:?}: {error}"));
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{kind:?}: {output:?}")),
    }
}

/// A server that runs at the other end of the cable.
pub struct Running(Child);

impl Running {
    pub fn start(kind: Kind, printed: &str, folder: &Path, network: &Network) -> Self {
        let file = configured(kind, FAR, printed, folder);
        let mut command = match kind {
            Kind::Isc => {
                let (leases, pid) = (write(folder, "leases", ""), folder.join("pid"));
                let mut command = network.there("/usr/sbin/dhcpd");
                command.args(["-f", "-4", "-q", "-cf"]).arg(&file);
                command.arg("-lf").arg(leases).arg("-pf").arg(pid).arg(FAR);
                command
            }
            Kind::Kea => {
                let mut command = network.there("/usr/sbin/kea-dhcp4");
                command.arg("-c").arg(&file);
                command
            }
            Kind::Dnsmasq => {
                let mut command = network.there("/usr/sbin/dnsmasq");
                command.arg("-k").arg("-C").arg(&file);
                command
            }
        };
        kea(&mut command, folder);
        let log = std::fs::File::create(folder.join("log")).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        Self(command.spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
