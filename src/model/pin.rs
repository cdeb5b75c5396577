//! The PIN.

use secrecy::{ExposeSecret, SecretString};

use super::Extension;

/// A PIN of 4 to 12 digits, set by somebody. Never shown, never logged.
#[derive(Debug, Clone)]
pub struct Pin(SecretString);

impl Pin {
    /// The fewest digits that a PIN has.
    pub const MIN_DIGITS: usize = 4;
    /// The most digits that a PIN has.
    pub const MAX_DIGITS: usize = 12;

    /// A PIN that `extension` may have.
    ///
    /// # Errors
    /// Not 4 to 12 digits, or easy to guess: one digit repeated, a run such as 1234 or 9876, or the
    /// extension itself, forwards or backwards.
    pub fn new(digits: SecretString, extension: &Extension) -> Result<Self, PinFault> {
        let text = digits.expose_secret();
        if !(Self::MIN_DIGITS..=Self::MAX_DIGITS).contains(&text.len())
            || !text.bytes().all(|b| b.is_ascii_digit())
        {
            return Err(PinFault::NotDigits);
        }
        if is_weak(text.as_bytes(), extension.as_str().as_bytes()) {
            return Err(PinFault::Weak);
        }
        Ok(Self(digits))
    }

    /// A PIN that was accepted before, as the store kept it.
    pub fn stored(digits: SecretString) -> Self {
        Self(digits)
    }

    /// The digits.
    pub fn secret(&self) -> &SecretString {
        &self.0
    }
}

/// Whether a guesser would try this PIN first.
fn is_weak(pin: &[u8], extension: &[u8]) -> bool {
    let step = |by: i16| {
        pin.iter().zip(pin.iter().skip(1)).all(|(a, b)| i16::from(*b) - i16::from(*a) == by)
    };
    step(0) || step(1) || step(-1) || pin == extension || pin.iter().eq(extension.iter().rev())
}

/// Why a PIN was not accepted. Says nothing of its digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PinFault {
    /// Not 4 to 12 digits.
    #[error("a PIN has 4 to 12 digits and nothing else")]
    NotDigits,
    /// Too easy to guess.
    #[error(
        "this PIN is too easy to guess: one digit repeated, a run such as 1234, or the extension itself"
    )]
    Weak,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(pin: &str) -> Result<(), PinFault> {
        let extension = "2580".parse().unwrap();
        Pin::new(pin.into(), &extension).map(|_| ())
    }

    #[test]
    fn easy_pins_are_refused() {
        for pin in ["0000", "1111", "1234", "3456", "9876", "2580", "0852", "333333"] {
            assert_eq!(new(pin), Err(PinFault::Weak), "{pin}");
        }
        for pin in ["", "123", "12a4", "1234567890123", "４３２１"] {
            assert_eq!(new(pin), Err(PinFault::NotDigits), "{pin}");
        }
        for pin in ["4711", "1357", "10203"] {
            assert_eq!(new(pin), Ok(()), "{pin}");
        }
    }

    #[test]
    fn no_digit_shows_in_debug_output() {
        let pin = Pin::new("4711".into(), &"1001".parse().unwrap()).unwrap();
        assert!(!format!("{pin:?}").contains("4711"));
    }
}
