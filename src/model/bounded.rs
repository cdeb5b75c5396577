//! A number of the configuration, within its bounds.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A whole number from `LEAST` to `MOST`; `USUAL` where nothing is said.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Bounded<const LEAST: u32, const MOST: u32, const USUAL: u32>(u32);

impl<const LEAST: u32, const MOST: u32, const USUAL: u32> Bounded<LEAST, MOST, USUAL> {
    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }

    /// As so many seconds.
    pub fn seconds(self) -> Duration {
        Duration::from_secs(u64::from(self.0))
    }
}

impl<const LEAST: u32, const MOST: u32, const USUAL: u32> Default for Bounded<LEAST, MOST, USUAL> {
    fn default() -> Self {
        Self(USUAL)
    }
}

impl<const LEAST: u32, const MOST: u32, const USUAL: u32> fmt::Debug
    for Bounded<LEAST, MOST, USUAL>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl<const LEAST: u32, const MOST: u32, const USUAL: u32> TryFrom<i64>
    for Bounded<LEAST, MOST, USUAL>
{
    type Error = String;

    fn try_from(number: i64) -> Result<Self, Self::Error> {
        let bounded = u32::try_from(number).ok().filter(|number| (LEAST..=MOST).contains(number));
        bounded.map(Self).ok_or_else(|| format!("expected a whole number from {LEAST} to {MOST}"))
    }
}

impl<const LEAST: u32, const MOST: u32, const USUAL: u32> From<Bounded<LEAST, MOST, USUAL>>
    for i64
{
    fn from(number: Bounded<LEAST, MOST, USUAL>) -> Self {
        number.0.into()
    }
}
