use jiff::Timestamp;

use super::*;
use crate::model::Emergency;

struct Says(Events);

impl PhoneEvents for Says {
    fn of(&self, _: &Phone) -> Events {
        self.0.clone()
    }
}

fn phone() -> Phone {
    Phone {
        mac: "0004132a0001".parse().unwrap(),
        secret: "secret".to_owned().into(),
        vendor: Some("snom".into()),
        model: None,
        label: None,
        desk_extension: None,
        owner: None,
        hot_desk: true,
        emergency: Emergency::default(),
        settings: Default::default(),
        handsets: Vec::new(),
        tags: Default::default(),
        logout: None,
        added: Timestamp::from_second(1).unwrap(),
    }
}

#[test]
fn an_event_that_cannot_be_sent_gives_way_to_the_usual_one_and_is_told_once() {
    let text = |text: Option<SettingText>| text.map(|text| text.as_str().to_owned());
    for (reload, reboot, reloads, reboots) in [
        ("resync", Some("reboot"), "resync", Some("reboot")),
        ("check-sync", None, "check-sync", None),
        ("", Some("check sync"), "check-sync;reboot=false", None),
        ("resync\r\nuser: 1001", Some("a\nb"), "check-sync;reboot=false", None),
        ("${system(id)}", Some("$x"), "check-sync;reboot=false", None),
    ] {
        let reboot = reboot.map(str::to_owned);
        let bad =
            usize::from(reload != reloads) + usize::from(reboot.is_some() && reboots.is_none());
        let events = Events { reload: reload.into(), reboot, confirms: true, may_restart: true };
        let vocabulary = Vocabulary::new(Arc::new(Says(events)));
        for _ in 0..3 {
            let found = vocabulary.of(&phone());
            assert_eq!(text(found.reload).as_deref(), Some(reloads), "{reload:?}");
            assert_eq!(text(found.reboot).as_deref(), reboots, "{reload:?}");
            assert!(found.confirms && found.may_restart);
        }
        assert_eq!(vocabulary.refused.lock().unwrap().len(), bad, "{reload:?}");
    }
}

#[test]
fn what_is_told_of_is_bounded() {
    struct Endless(Mutex<u32>);
    impl PhoneEvents for Endless {
        fn of(&self, _: &Phone) -> Events {
            let mut at = self.0.lock().unwrap();
            *at += 1;
            Events { reload: format!("bad {at} {}", "x".repeat(10_000)), ..Events::default() }
        }
    }
    let vocabulary = Vocabulary::new(Arc::new(Endless(Mutex::new(0))));
    for _ in 0..1_000 {
        vocabulary.of(&phone());
    }
    let refused = vocabulary.refused.lock().unwrap();
    assert!(refused.iter().all(|text| text.len() <= 120));
    assert_eq!(refused.len(), MOST_TOLD);
}
