//! Values of options that several commands share.

use crate::model::{FunctionKey, Handset, KeyKind, SettingName, SettingValue};

/// `NAME=VALUE` of a phone setting: `true`, `false`, a whole number, or a text.
pub(super) fn setting(text: &str) -> Result<(SettingName, SettingValue), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    let name: SettingName = name.parse().map_err(|error| format!("{error}"))?;
    let value = match (value, value.parse()) {
        ("true", _) => SettingValue::Flag(true),
        ("false", _) => SettingValue::Flag(false),
        // As it was written: 007 and +43 are texts.
        (_, Ok(number)) if i64::to_string(&number) == value => SettingValue::Number(number),
        _ => SettingValue::Text(value.to_owned()),
    };
    Ok((name, value))
}

/// `NUMBER[:LABEL]`, or with `speed:` before it: a function key.
pub(super) fn key(text: &str) -> Result<FunctionKey, String> {
    let (kind, rest) = match text.split_once(':') {
        Some(("blf", rest)) => (KeyKind::Blf, rest),
        Some(("speed", rest)) => (KeyKind::Speed, rest),
        _ => (KeyKind::Blf, text),
    };
    let (number, label) = match rest.split_once(':') {
        Some((number, label)) => (number, Some(label.to_owned())),
        None => (rest, None),
    };
    let number = number.to_owned().try_into().map_err(|error| format!("{error}"))?;
    Ok(FunctionKey { kind, number, label })
}

/// `[EXTENSION][:LABEL]`, or `-`: a handset of a DECT base.
pub(super) fn handset(text: &str) -> Result<Handset, String> {
    let (user, label) = match text.split_once(':') {
        Some((user, label)) => (user, Some(label.to_owned())),
        None => (text, None),
    };
    if text.is_empty() || label.as_deref().is_some_and(str::is_empty) {
        return Err("expected EXTENSION, EXTENSION:LABEL, :LABEL, or `-` for nobody's".into());
    }
    let user = match user {
        "" | "-" => None,
        user => Some(user.parse().map_err(|error| format!("{error}"))?),
    };
    Ok(Handset { user, label })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_a_flag_a_number_or_a_text() {
        let value = |text: &str| setting(text).unwrap().1;
        assert_eq!(value("a=true"), SettingValue::Flag(true));
        assert_eq!(value("a=-7"), SettingValue::Number(-7));
        assert_eq!(value("a=007"), SettingValue::Text("007".into()));
        assert_eq!(value("a=x=y"), SettingValue::Text("x=y".into()));
        assert!(setting("a").is_err() && setting("=1").is_err() && setting("a b=1").is_err());
    }

    #[test]
    fn a_handset_is_somebodys_or_nobodys_and_may_have_a_label() {
        let whose = |text: &str| {
            let Handset { user, label } = handset(text).unwrap();
            (user.map(|user| user.to_string()).unwrap_or_default(), label.unwrap_or_default())
        };
        let pair = |user: &str, label: &str| (user.to_owned(), label.to_owned());
        assert_eq!(whose("1001"), pair("1001", ""));
        assert_eq!(whose("1002:Lobby: left"), pair("1002", "Lobby: left"));
        assert_eq!(whose(":Lobby"), pair("", "Lobby"));
        assert_eq!(whose("-"), pair("", ""));
        assert!(handset("").is_err() && handset("Ada").is_err() && handset("1001:").is_err());
    }

    #[test]
    fn a_key_has_a_number_and_may_have_a_kind_and_a_label() {
        let blf = key("1002").unwrap();
        assert_eq!((blf.kind, blf.number.as_str(), blf.label), (KeyKind::Blf, "1002", None));
        let speed = key("speed:+43123:Taxi: day").unwrap();
        assert_eq!((speed.kind, speed.number.as_str()), (KeyKind::Speed, "+43123"));
        assert_eq!(speed.label.as_deref(), Some("Taxi: day"));
        assert!(key("Grace").is_err());
    }
}
