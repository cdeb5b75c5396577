//! What we write on phones ourselves, in the languages that we know.

/// The texts of one language.
#[derive(Debug, Clone, Copy)]
pub(super) struct Texts {
    /// On the key that logs in.
    pub login: &'static str,
    /// On the key that logs out.
    pub logout: &'static str,
    /// On the mailbox key.
    pub mailbox: &'static str,
    /// On the key that restarts the phone.
    pub restart: &'static str,
    /// On the display of a nobody's phone, before the code.
    pub idle: &'static str,
}

/// The texts of a language (`de`, `de-AT`); English where we know none.
pub(super) fn texts(language: &str) -> Texts {
    let language = language.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    let [login, logout, mailbox, restart, idle] = match language.as_str() {
        "de" => ["Anmelden", "Abmelden", "Mailbox", "Neustart", "Anmelden mit"],
        "fr" => ["Connexion", "Déconnexion", "Messagerie", "Redémarrer", "Connexion :"],
        "es" => ["Entrar", "Salir", "Buzón", "Reiniciar", "Entrar con"],
        "it" => ["Accedi", "Esci", "Casella", "Riavvia", "Accedi con"],
        "nl" => ["Aanmelden", "Afmelden", "Voicemail", "Herstarten", "Aanmelden met"],
        "pl" => ["Zaloguj", "Wyloguj", "Poczta", "Restart", "Zaloguj:"],
        _ => ["Log in", "Log out", "Mailbox", "Restart", "Log in with"],
    };
    Texts { login, logout, mailbox, restart, idle }
}
