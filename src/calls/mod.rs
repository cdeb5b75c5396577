//! Conversations with callers.

mod settings;

pub use settings::{Language, LogoutPin, Millis, PinSettings, ProfileName, Prompt, Prompts, Tries};
