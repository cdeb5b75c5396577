//! Every row of User-Agents in the facts, and the misreadings that others make.

use super::*;

pub(super) fn read(
    agent: &str,
) -> Option<(String, Option<String>, Option<String>, Option<String>)> {
    let found = vendors().read_agent(agent)?;
    Some((found.vendor, found.model, found.version, found.mac.map(|mac| mac.to_string())))
}

#[test]
fn every_known_user_agent_is_read_rightly() {
    let snom = "Mozilla/4.0 (compatible; ";
    let rows = [
        (format!("{snom}snom lid 3605)"), "snom", "", "", ""),
        (
            format!("{snom}snom320-SIP 6.5.20; snom320 jffs2 v3.36; snom320 linux 3.38)"),
            "snom",
            "320",
            "6.5.20",
            "",
        ),
        (format!("{snom}snom320-SIP 7.3.30 1.1.3-u)"), "snom", "320", "7.3.30", ""),
        (format!("{snom}snom820-SIP 8.4.35 1.1.4-IFX-26.11.09)"), "snom", "820", "8.4.35", ""),
        // The `1` behind SNOM is no MAC address, nor is `26.11.09`.
        (format!("{snom}snom870-SIP 8.4.35 SPEAr300 SNOM 1.4)"), "snom", "870", "8.4.35", ""),
        (format!("{snom}snom760-SIP 8.7.3.19 2010.06)"), "snom", "760", "8.7.3.19", ""),
        (
            format!("{snom}snom710-SIP 8.7.5.35 1.1.5-IFX-05.01.12 000413741767)"),
            "snom",
            "710",
            "8.7.5.35",
            "000413741767",
        ),
        (
            format!(
                "{snom}snomD785-SIP 10.1.33.33 2010.12-00004-g9ba52f5 000413922D24 SXM:0 UXM:0)"
            ),
            "snom",
            "D785",
            "10.1.33.33",
            "000413922d24",
        ),
        (
            format!(
                "{snom}snomD785-SIP 10.1.169.16 2010.12-00001-gd311851f1 (Feb 25 2019 - 14:19:43) \
                 00041396D9B4 SXM:0 UXM:0 UXMC:0)"
            ),
            "snom",
            "D785",
            "10.1.169.16",
            "00041396d9b4",
        ),
        (
            format!("{snom}Snom M900 05.20.0001 000413b60680)"),
            "snom",
            "M900",
            "05.20.0001",
            "000413b60680",
        ),
        (text("snomD345/10.1.39.11"), "snom", "D345", "10.1.39.11", ""),
        (
            text("snomM700/03.23.0005 (MAC=00087b000001; SER= 00000; HW=255)"),
            "snom",
            "M700",
            "03.23.0005",
            "00087b000001",
        ),
        // Without `Type/Application` the version is the updater's.
        (
            text("FileTransport PolycomSoundPointIP-SPIP_335-UA/3.2.1.0078"),
            "polycom",
            "SPIP 335",
            "",
            "",
        ),
        (
            text("FileTransport PolycomSoundStationIP-SSIP_6000-UA/4.0.4.2906 Type/Application"),
            "polycom",
            "SSIP 6000",
            "4.0.4.2906",
            "",
        ),
        (
            text("FileTransport PolycomVVX-VVX_400-UA/4.1.4.7430 Type/Application"),
            "polycom",
            "VVX 400",
            "4.1.4.7430",
            "",
        ),
        (
            text("FileTransport PolycomVVX-VVX_400-UA/5.9.5.0614 Type/Updater"),
            "polycom",
            "VVX 400",
            "",
            "",
        ),
        (
            text(
                "FileTransport PolycomVVX-VVX_500-UA/5.9.7.3480 (SN:0004f2e765da) Type/Application",
            ),
            "polycom",
            "VVX 500",
            "5.9.7.3480",
            "0004f2e765da",
        ),
        (
            text("FileTransport PolycomVVX-VVX_500-UA/5.9.7.3480 (SN:0004f2e765da) Type/Updater"),
            "polycom",
            "VVX 500",
            "",
            "0004f2e765da",
        ),
        // No `Polycom` in it.
        (
            text("FileTransport PolyEdge-Edge_E450-UA/8.0.0.15602 Type/Application"),
            "polycom",
            "Edge E450",
            "8.0.0.15602",
            "",
        ),
        (
            text("Microbrowser/1.1 PolycomSoundPointIP-SPIP_550-UA/4.0.15.1047 Type/Application"),
            "polycom",
            "SPIP 550",
            "4.0.15.1047",
            "",
        ),
        (text("PolycomVVX-VVX_500-UA/5.9.7.3480"), "polycom", "VVX 500", "5.9.7.3480", ""),
        // What stands alone in brackets is a serial number, also where it looks like a MAC address.
        (text("Linksys/SPA-942-6.1.5(a) (88019FA42805)"), "cisco", "SPA-942", "6.1.5(a)", ""),
        (text("Linksys/SPA-962-6.1.5(a) (00E16D903042)"), "cisco", "SPA-962", "6.1.5(a)", ""),
        (
            text("Cisco/SPA501G-7.4.4 (8843E157DDCC)(CBT141100HR)"),
            "cisco",
            "SPA501G",
            "7.4.4",
            "8843e157ddcc",
        ),
        (
            text("Cisco/SPA508G-7.4.8a (0002FDFF2103)(CBT141400UK)"),
            "cisco",
            "SPA508G",
            "7.4.8a",
            "0002fdff2103",
        ),
        (text("Cisco/SPA525G-7.4.4 (CBT141900G7)"), "cisco", "SPA525G", "7.4.4", ""),
        (
            text("Cisco-CP-7832-3PCC/11.0.1 (00562b043615)"),
            "cisco",
            "7832",
            "11.0.1",
            "00562b043615",
        ),
        (text("Cisco/SPA504G-7.5.5"), "cisco", "SPA504G", "7.5.5", ""),
    ];
    for (agent, vendor, model, version, mac) in rows {
        let some = |value: &str| (!value.is_empty()).then(|| text(value));
        let expected = (text(vendor), some(model), some(version), some(mac));
        assert_eq!(read(&agent), Some(expected), "{agent}");
    }
}

#[test]
fn what_is_no_phone_of_ours_is_nothing() {
    for agent in [
        "",
        "curl/8.5.0",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
        "Htek UC926 2.0.4.8 001fc11a0001",
        "venomous 000413aabbcc",
        "\u{1f980}",
    ] {
        assert_eq!(read(agent), None, "{agent}");
    }
    // A MAC address of another vendor beside the model is not believed.
    let foreign = "Mozilla/4.0 (compatible; snomD785-SIP 10.1.33.33 2010.12 0004f2922D24 SXM:0)";
    assert_eq!(read(foreign).unwrap().3, None);
    // A long one is read as far as it is looked at.
    let long = format!("snomD345/10.1.39.11 {}", "é".repeat(100_000));
    assert_eq!(read(&long).unwrap().1.as_deref(), Some("D345"));
}
