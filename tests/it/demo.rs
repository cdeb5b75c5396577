//! The demo, as a user runs it.

use std::process::Command;

#[test]
fn the_demo_tells_the_whole_morning() {
    let output = Command::new(env!("CARGO_BIN_EXE_hotdeskd")).arg("demo").output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    for scene in [
        "Desk 1 is registered as 0004132a0001 and is nobody's",
        "that the phone is Ada Lovelace's (1001)",
        "would ring Desk 1 and Desk 2 together",
        "even her right PIN sounds wrong",
        "Desk 1 is Alan's now",
        "Desk 2 is nobody's again",
        "Desk 12, a snom D785: asked with its bare MAC address",
        "The way of Desk 12, as",
        "Whatever stops is in",
        "Desk 13 ended at its own files again",
        "Desk 13 is Grace Hopper's. After",
        "Nothing of Ada's is left, her forwarding is off",
        "Desk 12 is nobody's. Its display: Desk 12",
        "Signed in as helpdesk, it reads: Desk 1, Alan Turing.",
        "reaches sofia/gateway/trunk/999, showing +43123456702",
        "Nothing was forgotten",
    ] {
        assert!(told.contains(scene), "{scene:?} in:\n{told}");
    }
    for pin in ["4711", "8240", "9173"] {
        assert!(!told.contains(pin));
    }
}
