//! A disk so small that it can be filled, or set to read-only.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A tmpfs; unmounted when dropped.
pub struct SmallDisk {
    folder: tempfile::TempDir,
}

/// Says that a test cannot run here; under `CI=1` that is a failure.
pub fn cannot_run(why: &str) {
    assert!(std::env::var_os("CI").is_none(), "this test could not run: {why}");
    eprintln!("NOT RUN: {why}");
}

impl SmallDisk {
    /// None where nobody may mount, as without root.
    pub fn mount(bytes: u32) -> Option<Self> {
        let disk = Self { folder: tempfile::tempdir().unwrap() };
        let mounted = mount(&format!("size={bytes},mode=0700"), disk.path());
        if !mounted {
            cannot_run("a tmpfs cannot be mounted; run as root");
        }
        mounted.then_some(disk)
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// From now on nothing can be written, or again.
    pub fn set_read_only(&self, read_only: bool) {
        let mode = if read_only { "remount,ro" } else { "remount,rw" };
        assert!(mount(mode, self.path()));
    }

    /// Leaves no byte free; gives the file that takes the place.
    pub fn fill(&self) -> PathBuf {
        let file = self.join("ballast");
        let mut data = vec![0u8; 1 << 20];
        while !data.is_empty() {
            let mut old = std::fs::read(&file).unwrap_or_default();
            let length = old.len();
            old.extend(&data);
            if std::fs::write(&file, &old).is_err() {
                // What was written before the error stays; go on with smaller steps.
                old.truncate(length);
                let _ = std::fs::write(&file, &old);
                data.truncate(data.len() / 2);
            }
        }
        file
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

fn mount(options: &str, folder: &Path) -> bool {
    let mut command = Command::new("mount");
    command.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder);
    command.status().is_ok_and(|status| status.success())
}
