use bytes::BytesMut;
use tokio_util::codec::Decoder as _;

use super::*;
use crate::event_socket::{Codec, Limits};

fn event(bytes: &str) -> Option<EmergencyCall> {
    let mut bytes = BytesMut::from(bytes.as_bytes());
    let message = Codec::new(Limits::default()).decode(&mut bytes).unwrap().unwrap();
    read(&message, "fs1")
}

#[test]
fn the_event_of_a_real_call_is_read() {
    let recorded = include_str!("../../../tests/fixtures/freeswitch/events/emergency.txt");
    let call = EmergencyCall {
        call: "496ef8f1-3dfc-4f7d-8138-a45310addc01".into(),
        node: "fs1".into(),
        stage: EmergencyStage::Dialled,
        number: "999".into(),
        from: "0004132a0001".into(),
        caller_id: Some("+43123456".into()),
        at: "2026-11-22T10:28:37.750779Z".parse().unwrap(),
        missed: false,
    };
    assert_eq!(event(recorded), Some(call));
    // No more than as many bytes.
    let odd = recorded.replacen("Stage: dialled", "Stage: diallex", 1);
    assert_eq!(event(&odd), None);
    let odd = recorded.replacen("Hotdesk-Phone: 0004132a0001", "Hotdesk-Phone: 0004132a000%", 1);
    assert_eq!(event(&odd).unwrap().from, "0004132a000?");
}

#[test]
fn what_mod_db_remembers_is_read() {
    let call = kept("u-1", "1795343317.999.0004132a0001-2.+43123456\n", "fs1").unwrap();
    assert_eq!((call.from.as_str(), call.number.as_str()), ("0004132a0001-2", "999"));
    assert_eq!((call.caller_id.as_deref(), call.missed), (Some("+43123456"), true));
    assert_eq!(call.at, Timestamp::from_second(1_795_343_317).unwrap());
    // A site without a number of its own shows none.
    assert_eq!(kept("u-1", "1795343317.999.0004132a0001.", "fs1").unwrap().caller_id, None);
    assert_eq!(kept("u-1", "1795343317.999.0004132a0001", "fs1").unwrap().caller_id, None);
    // Without mod_db's own, or with something of somebody else's.
    for value in
        ["", "-ERR no reply", "x.999.0004132a0001.", "1795343317.999", "9999999999999999.1.2.3"]
    {
        assert!(kept("u-1", value, "fs1").is_none(), "{value}");
    }
    assert!(kept("../x", "1795343317.999.0004132a0001.", "fs1").is_none());
}
