//! Prompts and keys: `switch_ivr_read` and `switch_play_and_get_digits` of `switch_ivr_play_say.c`.

use std::time::Duration;

use regex::Regex;
use tokio::time::Instant;

use super::super::call::Heard;
use super::super::packet::leading_number;
use super::thread::CallThread;

/// FreeSWITCH's buffer for digits.
const MAX_DIGITS: usize = 128;

/// What `play_and_get_digits` and `read` are told.
struct Wanted {
    min: usize,
    max: usize,
    /// Wait for the first key.
    timeout: Duration,
    /// Wait for each further key.
    digit_timeout: Duration,
    terminators: String,
    prompt: String,
    variable: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Success,
    Timeout,
    TooSmall,
    Failed,
}

impl CallThread {
    /// Plays what may be several files; `stop` is asked at each key. Keys are eaten. False when a key
    /// stopped it.
    pub(super) async fn play(
        &mut self,
        file: &str,
        stop: &mut (dyn FnMut(char) -> bool + Send),
    ) -> bool {
        let parts = file.strip_prefix("file_string://").map_or_else(
            || vec![file.to_owned()],
            |parts| parts.split('!').map(str::to_owned).collect(),
        );
        for part in parts {
            let length = length_of(&part);
            self.tell(if let Some(tone) = part.strip_prefix("tone_stream://") {
                Heard::Tone(tone.to_owned())
            } else if part.starts_with("silence_stream://") || part == "silence" {
                Heard::Silence
            } else {
                Heard::Prompt(part)
            });
            let went_on = self.listen(stop).await;
            self.played(length);
            if !went_on {
                return false;
            }
        }
        true
    }

    /// The length of one prompt; false when a key, `uuid_break` or a hang-up stopped it.
    pub(super) async fn listen(&mut self, stop: &mut (dyn FnMut(char) -> bool + Send)) -> bool {
        let span = match self.node.settings.ticks {
            true => self.node.settings.prompt_time,
            false => Duration::ZERO,
        };
        let ends = Instant::now() + span;
        loop {
            while let Some(key) = self.next_key() {
                if stop(key) {
                    return false;
                }
            }
            if !self.channel.is_up() {
                return false;
            }
            let left = ends.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            if self.locked {
                let woken = self
                    .channel
                    .until(ends, |state| {
                        (state.cause.is_some() || state.broken || !state.keys.is_empty())
                            .then_some(())
                    })
                    .await;
                if woken.is_some() && self.channel.update(|state| std::mem::take(&mut state.broken))
                {
                    return false;
                }
            } else if !self.pause(left.min(super::thread::TICK)).await {
                return false;
            }
        }
    }

    /// What FreeSWITCH leaves behind after a file.
    fn played(&self, ms: u64) {
        for (name, value) in [
            ("playback_last_offset_pos", ms * 8),
            ("playback_seconds", ms / 1000),
            ("playback_ms", ms),
            ("playback_samples", ms * 8),
        ] {
            self.channel.set(name, Some(&value.to_string()));
        }
    }

    /// Takes a key from the queue, with its DTMF event and its place in `digits_dialed`; with neither
    /// where the channel has `sensitive_dtmf` (`switch_channel_dequeue_dtmf`).
    fn next_key(&self) -> Option<char> {
        let sensitive = self
            .channel
            .variable("sensitive_dtmf")
            .is_some_and(|value| matches!(value.as_str(), "true" | "yes" | "on" | "enabled" | "1"));
        let (key, source) = self.channel.update(|state| {
            let key = state.keys.pop_front()?;
            if !sensitive && state.dialed.len() < MAX_DIGITS {
                state.dialed.push(key.0);
            }
            Some(key)
        })?;
        if sensitive {
            return Some(key);
        }
        let extra = [
            ("DTMF-Digit", key.to_string()),
            ("DTMF-Duration", "2000".into()),
            ("DTMF-Source", source.into()),
        ];
        let extra = extra.map(|(name, value)| (name.to_owned(), value)).to_vec();
        self.fire("DTMF", ("switch_channel.c", "switch_channel_dequeue_dtmf", 678), false, extra);
        Some(key)
    }

    /// `MIN MAX TRIES TIMEOUT TERMINATORS FILE INVALID_FILE VARIABLE REGEX [DIGIT_TIMEOUT] [FAILURE]`.
    pub(super) async fn play_and_get_digits(&mut self, argument: &str) {
        let words = separate(argument);
        let word = |at: usize| words.get(at).map(String::as_str).unwrap_or_default();
        if words.len() < 8 {
            return;
        }
        let timeout = milliseconds(word(3), 1000);
        let wanted = Wanted {
            min: leading_number(word(0)),
            max: leading_number(word(1)).clamp(leading_number(word(0)), MAX_DIGITS),
            timeout,
            digit_timeout: milliseconds(word(9), timeout.as_millis() as usize),
            terminators: terminators(word(4)),
            prompt: word(5).to_owned(),
            variable: word(7).to_owned(),
        };
        let (tries, invalid, pattern) = (leading_number(word(2)).clamp(1, 100), word(6), word(8));
        if !self.get_digits(&wanted, tries, invalid, pattern).await && !word(10).is_empty() {
            self.transfer_to(word(10));
        }
    }

    async fn get_digits(
        &mut self,
        wanted: &Wanted,
        tries: usize,
        invalid: &str,
        pattern: &str,
    ) -> bool {
        let invalid_variable = format!("{}_invalid", wanted.variable);
        if !pattern.is_empty() {
            self.channel.set(&invalid_variable, None);
        }
        for _ in 0..tries {
            let (mut status, digits) = self.read_digits(wanted).await;
            if status == Status::Timeout && digits.len() >= wanted.min {
                status = Status::Success;
            }
            let terminated = self.channel.variable("read_terminator_used").is_some();
            if wanted.min == 0 && digits.is_empty() && terminated {
                return true;
            }
            if status == Status::Success && !digits.is_empty() {
                if pattern.is_empty()
                    || Regex::new(pattern).is_ok_and(|regex| regex.is_match(&digits))
                {
                    return true;
                }
                self.channel.set(&wanted.variable, None);
                self.channel.set(&invalid_variable, Some(&digits));
            }
            if !self.channel.is_up() {
                return false;
            }
            if !invalid.is_empty() {
                self.play(invalid, &mut |_| false).await;
            }
        }
        false
    }

    /// `MIN MAX FILE VARIABLE TIMEOUT TERMINATORS [DIGIT_TIMEOUT]`.
    pub(super) async fn read(&mut self, argument: &str) {
        let words = separate(argument);
        let word = |at: usize| words.get(at).map(String::as_str).unwrap_or_default();
        let timeout = milliseconds(word(4), 1000);
        let wanted = Wanted {
            min: leading_number(word(0)),
            max: leading_number(word(1)).clamp(leading_number(word(0)), MAX_DIGITS),
            timeout,
            digit_timeout: milliseconds(word(6), timeout.as_millis() as usize),
            terminators: terminators(word(5)),
            prompt: word(2).to_owned(),
            variable: word(3).to_owned(),
        };
        self.read_digits(&wanted).await;
    }

    /// Prompt, keys, variable. The variable is set to whatever was typed, even when it was too
    /// little, and keeps its old value when nothing was.
    async fn read_digits(&mut self, wanted: &Wanted) -> (Status, String) {
        let mut digits = String::new();
        let mut terminator = None;
        let mut status = Status::Success;
        if !wanted.prompt.is_empty() && wanted.prompt != "silence" {
            let mut first = None;
            self.play(&wanted.prompt, &mut |key| {
                first = Some(key);
                true
            })
            .await;
            terminator = first.filter(|key| wanted.terminators.contains(*key));
            digits.extend(first.filter(|_| terminator.is_none()));
        }
        if !self.channel.is_up() {
            status = Status::Failed;
        } else if terminator.is_none() && digits.len() < wanted.max {
            status = self.collect(wanted, &mut digits, &mut terminator).await;
        }
        if let Some(key) = terminator {
            self.channel.set("read_terminator_used", Some(&key.to_string()));
        }
        if status != Status::Failed {
            if digits.len() < wanted.min {
                status = Status::TooSmall;
            }
            let result = match status {
                Status::Success => "success",
                Status::Timeout => "timeout",
                Status::TooSmall | Status::Failed => "failure",
            };
            self.channel.set("read_result", Some(result));
        }
        if !digits.is_empty() {
            self.channel.set(&wanted.variable, Some(&digits));
        }
        (status, digits)
    }

    /// `switch_ivr_collect_digits_count`.
    async fn collect(
        &mut self,
        wanted: &Wanted,
        digits: &mut String,
        terminator: &mut Option<char>,
    ) -> Status {
        self.tell(Heard::Keys {
            min: wanted.min,
            max: wanted.max,
            terminators: wanted.terminators.clone(),
        });
        while digits.len() < wanted.max {
            let span = if digits.is_empty() { wanted.timeout } else { wanted.digit_timeout };
            let deadline = (Instant::now() + span).min(self.ends);
            let woken = self
                .channel
                .until(deadline, |state| {
                    let over = state.cause.is_some() || std::mem::take(&mut state.broken);
                    match (over, state.keys.is_empty()) {
                        (true, _) => Some(Status::Failed),
                        (false, false) => Some(Status::Success),
                        (false, true) if std::mem::take(&mut state.waited_out) => {
                            Some(Status::Timeout)
                        }
                        (false, true) => None,
                    }
                })
                .await;
            match woken.unwrap_or(Status::Timeout) {
                Status::Success => {}
                status => return status,
            }
            match self.next_key() {
                Some(key) if wanted.terminators.contains(key) => {
                    *terminator = Some(key);
                    return Status::Success;
                }
                Some(key) => digits.push(key),
                None => {}
            }
        }
        Status::Success
    }
}

/// The length of a file in milliseconds, as FreeSWITCH reports it: that of a tone or silence is in its
/// name, of a recording a second.
fn length_of(file: &str) -> u64 {
    if let Some(silence) = file.strip_prefix("silence_stream://") {
        return leading_number(silence) as u64;
    }
    let Some(tone) = file.strip_prefix("tone_stream://") else {
        return 1000;
    };
    let notes = tone.split("%(").skip(1);
    notes
        .map(|note| note.split(',').take(2).map(|part| leading_number(part) as u64).sum::<u64>())
        .sum()
}

fn milliseconds(word: &str, otherwise: usize) -> Duration {
    let number = leading_number(word);
    let number = if number == 0 { otherwise } else { number };
    Duration::from_millis(number.min(600_000) as u64)
}

/// `none` and `=` mean none.
fn terminators(word: &str) -> String {
    match word {
        "none" | "=" => String::new(),
        word => word.to_owned(),
    }
}

/// `switch_separate_string` at blanks: quotes keep blanks together.
fn separate(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_keep_words_together() {
        assert_eq!(separate("1 2  'a b' c"), ["1", "2", "a b", "c"]);
    }
}
