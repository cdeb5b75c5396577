//! `mod_voicemail`'s commands; its one profile is `default`.

use super::super::directory::Kind;
use super::super::node::Node;
use super::super::registrar::is_true;

const NO_PROFILE: &str = "-ERR No such profile\n";

impl Node {
    /// `PROFILE/USER@DOMAIN|password`: the PIN that the user set by phone, nothing when none was.
    pub(super) fn vm_prefs(&self, argument: &str) -> String {
        let (who, what) = argument.split_once('|').unwrap_or((argument, ""));
        let (profile, address) = who.split_once('/').unwrap_or(("default", who));
        if profile != "default" {
            return NO_PROFILE.to_owned();
        }
        let user = address.split('@').next().unwrap_or_default();
        match self.lock().pins.get(user) {
            Some(pin) if what == "password" => pin.clone(),
            _ => String::new(),
        }
    }

    /// `[PROFILE/]USER@DOMAIN[|new|saved|new-urgent|saved-urgent|all]`.
    pub(super) fn vm_boxcount(&self, argument: &str) -> String {
        let (who, what) = argument.split_once('|').unwrap_or((argument, "new"));
        let address = who.split_once('/').map_or(who, |(_, address)| address);
        let user = address.split('@').next().unwrap_or_default();
        let (new, saved) = self.lock().mailboxes.get(user).copied().unwrap_or_default();
        match what {
            "all" => format!("{new}:{saved}:0:0"),
            "saved" => saved.to_string(),
            "new-urgent" | "saved-urgent" => "0".to_owned(),
            _ => new.to_string(),
        }
    }

    /// `PROFILE DOMAIN USER PIN`: right is `-OK`.
    pub(super) async fn vm_auth_login(&self, argument: &str) -> String {
        let words: Vec<&str> = argument.split(' ').filter(|word| !word.is_empty()).collect();
        let [profile, domain, user, pin] = words.as_slice() else {
            return "-ERR Missing Arguments\n".to_owned();
        };
        if *profile != "default" {
            return "-ERR Profile not found\n".to_owned();
        }
        let found = match self.is_domain(domain) {
            true => self.user(Kind::VoicemailLogin, user, &[]).await,
            false => None,
        };
        let Some(entry) = found else {
            return "-ERR User not found\n".to_owned();
        };
        if entry.param("vm-enabled").is_some_and(|value| !is_true(value)) {
            return "-ERR Login Denied".to_owned();
        }
        let initial = entry.param("vm-password").filter(|value| !value.is_empty());
        let changed = self.lock().pins.get(*user).cloned();
        // Without any PIN the default `allow-empty-password-auth` lets everybody in.
        let open = initial.is_none() && changed.is_none();
        if open || initial == Some(pin) || changed.as_deref() == Some(pin) {
            "-OK".to_owned()
        } else {
            "-ERR".to_owned()
        }
    }

    /// `PROFILE DOMAIN USER PIN`: sets the PIN as the user would by phone.
    pub(super) fn vm_set_password(&self, argument: &str) -> String {
        let words: Vec<&str> = argument.split(' ').collect();
        match words.as_slice() {
            ["default", _, user, pin] => {
                self.set_pin(user, pin);
                "-OK\n".to_owned()
            }
            _ => "-ERR Missing Arguments\n".to_owned(),
        }
    }

    pub(in super::super) fn set_pin(&self, user: &str, pin: &str) {
        let mut state = self.lock();
        if state.pins.len() < super::super::node::MAX_ROWS {
            state.pins.insert(user.to_owned(), pin.to_owned());
        }
    }
}
