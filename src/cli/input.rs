//! Secrets from standard input: never from the command line, where everybody sees them.

use std::io::{IsTerminal as _, Read as _};

use anyhow::{Context as _, bail};
use secrecy::SecretString;
use zeroize::Zeroizing;

/// The most bytes that are read.
const MOST: u64 = 256;

/// Keys to be typed on a phone: from a terminal one line without being shown, else all of standard
/// input.
pub(super) fn keys() -> anyhow::Result<SecretString> {
    if std::io::stdin().is_terminal() {
        return Ok(SecretString::from(rpassword::prompt_password("Keys (not shown): ")?));
    }
    let mut keys = String::new();
    std::io::stdin().lock().take(MOST).read_to_string(&mut keys)?;
    Ok(SecretString::from(keys))
}

/// A secret: from a terminal typed twice without being shown, else the first line of standard input.
pub(super) fn secret(what: &str) -> anyhow::Result<SecretString> {
    if std::io::stdin().is_terminal() {
        let ask = |prompt| {
            rpassword::prompt_password(prompt)
                .map(Zeroizing::new)
                .context("the terminal cannot be read without showing what is typed")
        };
        let first = ask(format!("{what}: "))?;
        if *first != *ask(format!("{what} again: "))? {
            bail!("the two differ; nothing was changed");
        }
        return Ok(SecretString::from(first.as_str()));
    }
    let mut text = Zeroizing::new(String::new());
    std::io::stdin().take(MOST).read_to_string(&mut text).context("standard input")?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(SecretString::from(line)),
        _ => bail!("expected the {what} on standard input, and found nothing"),
    }
}
