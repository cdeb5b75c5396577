//! hotdeskd: a companion daemon for FreeSWITCH.

pub mod model;
pub mod simulator;
