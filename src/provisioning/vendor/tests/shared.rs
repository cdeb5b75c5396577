//! What is rendered once for many phones holds nothing of any of them.

use super::*;
use crate::provisioning::vendor::folder::{Folder, Source};

const MANIFEST: &str = "title = \"Acme\"\n[resync]\nreload = \"check-sync\"\n\
                        [settings]\ncontacts_max = 1\nlanguage = \"en\"\n\
                        [[files]]\nname = \"all\"\npaths = ['{mac}\\.cfg']\nkind = \"config\"\n\
                        template = \"all.cfg\"\nmain = true\n";

/// A vendor with this template, and one of its parts.
fn acme(all: &str, part: &str) -> Result<Vendor, TemplateFault> {
    let files = [("vendor.toml", MANIFEST), ("all.cfg", all), ("part.cfg", part)];
    let source = |(name, content): (&str, &str)| {
        (text(name), Source { path: name.into(), text: content.into() })
    };
    Vendor::new("acme", &Folder::from(files.map(source)), false)
}

fn is_same(vendor: &Vendor) -> bool {
    vendor.same_for_all(&vendor.files()[0], Stage::Full, None).is_some()
}

fn rendered(vendor: &Vendor, change: impl FnOnce(&mut Context)) -> String {
    let mut context = somebody(vendor, "A1", "02ac3e000001", "Ada Lovelace");
    context.settings.insert(text("contacts_max"), SettingValue::Number(1));
    change(&mut context);
    vendor.render(&vendor.files()[0], Stage::Full, &context).unwrap()
}

#[test]
fn a_file_that_names_the_phone_in_whatever_way_is_made_for_each() {
    let book = "{% for c in contacts[:settings.contacts_max] %}{{ c.name }}\n{% endfor %}";
    assert!(is_same(&acme(book, "").unwrap()));
    for own in [
        "{{ phone.mac }}",
        "{{ phone.label[:3] }}",
        "{% set phone = phone %}{{ phone.mac }}",
        "{% with account = account %}{{ account.password }}{% endwith %}",
        "{% include 'part.cfg' %}",
        "{{ settings.language }}",
    ] {
        assert!(!is_same(&acme(own, "{{ phone.mac }}").unwrap()), "{own}");
    }
}

#[test]
fn what_shows_only_later_is_noticed_then() {
    let later = "{% if contacts|length > 2 %}{{ phone.mac }}{% endif %}";
    let vendor = acme(later, "").unwrap();
    let mut context = somebody(&vendor, "A1", "02ac3e000001", "Ada Lovelace");
    let file = &vendor.files()[0];
    assert_eq!(vendor.render_same(file, Stage::Full, &context).as_deref(), Some(""));
    let one = context.contacts.get_item_by_index(0).unwrap();
    context.contacts = Value::from(vec![one; 3]);
    assert_eq!(vendor.render_same(file, Stage::Full, &context), None);
    assert_eq!(vendor.render(file, Stage::Full, &context).unwrap(), "02ac3e000001");
}

#[test]
fn a_part_that_names_the_phone_is_a_mistake() {
    let all = "{{ shared('part.cfg') }}";
    for own in ["{{ phone.label[:3] }}", "{{ urls.keyed }}", "{{ account.password }}", all] {
        let fault = acme(all, own).unwrap_err();
        assert!(fault.file.ends_with("part.cfg"), "{own}: {fault}");
    }
}

#[test]
fn a_part_follows_what_it_names() {
    let part = "{{ settings.language }} {{ account.domain }} {% for c in contacts %}{{ c.name }}{% endfor %}\n";
    let vendor = acme("{{ shared('part.cfg') }} {{ phone.mac }}", part).unwrap();
    let one = |context: &mut Context| {
        let one = context.contacts.get_item_by_index(0).unwrap();
        context.contacts = Value::from(vec![one]);
    };
    let before = rendered(&vendor, one);
    assert!(
        before.starts_with("de-AT ") && before.ends_with(" Ada Lovelace 02ac3e000001"),
        "{before}"
    );
    let french = |context: &mut Context| {
        context.settings.insert(text("language"), SettingValue::Text(text("fr")));
    };
    assert!(rendered(&vendor, french).starts_with("fr "));
    let moved = |context: &mut Context| context.account.domain = text("other.test");
    assert!(rendered(&vendor, moved).starts_with("de-AT other.test "));
    let last = |context: &mut Context| {
        let last = context.contacts.get_item_by_index(1).unwrap();
        context.contacts = Value::from(vec![last]);
    };
    assert!(rendered(&vendor, last).ends_with(" Grace Hopper 02ac3e000001"));
    assert_eq!(rendered(&vendor, one), before);
}
