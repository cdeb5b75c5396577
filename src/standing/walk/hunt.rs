//! Hunting: which extensions of a context take the call, and what they would execute.
//!
//! `dialplan_hunt` and `parse_exten` of `mod_dialplan_xml.c`, rule by rule; where those surprise,
//! the comments say so.

use super::pattern::{Captures, Pattern, substituted};
use super::run::Run;
use super::{Step, WalkError};
use crate::standing::tree::Element;

/// An application to be executed after the hunt.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    pub(super) application: String,
    pub(super) data: String,
}

/// What FreeSWITCH lets an `inline` action do (`SAF_ROUTING_EXEC`); anything else is only logged.
const INLINE: [&str; 16] = [
    "set",
    "unset",
    "multiset",
    "multiunset",
    "push",
    "unshift",
    "export",
    "bridge_export",
    "set_profile_var",
    "set_user",
    "event",
    "log",
    "info",
    "eval",
    "verbose_events",
    "check_acl",
];

/// The attributes that make a condition one on date or time (`switch_xml_std_datetime_check`).
const TIME: [&str; 13] = [
    "date-time",
    "year",
    "yday",
    "mon",
    "mday",
    "week",
    "mweek",
    "wday",
    "hour",
    "minute",
    "minute-of-day",
    "time-of-day",
    "dst",
];

/// How deep conditions may stand in conditions.
const DEEPEST: usize = 20;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Break {
    OnFalse,
    OnTrue,
    Always,
    Never,
}

/// The extension being judged.
#[derive(Clone, Copy)]
struct Place<'a> {
    context: &'a str,
    extension: &'a str,
}

/// What a condition came to.
struct Judged {
    passed: bool,
    proceed: bool,
    /// The match that `$1` in its actions means, if its pattern has groups.
    captures: Option<Captures>,
}

impl Run<'_> {
    /// Hunts a context; `None` if nothing in it takes the call.
    pub(super) fn hunt(
        &mut self,
        name: &str,
        context: &Element,
    ) -> Result<Option<Vec<Planned>>, WalkError> {
        let mut planned = None;
        let number = self.channel.profile("destination_number").to_owned();
        let mut named = false;
        // With `auto_hunt` FreeSWITCH begins at the extension of the number's own name.
        let first = context.find("extension", "name", &number);
        let skip_to = first.filter(|_| self.channel.is_true("auto_hunt"));
        for extension in context.children("extension") {
            named = named || skip_to.is_none_or(|wanted| std::ptr::eq(wanted, extension));
            if !named {
                continue;
            }
            let title = extension.attribute("name").unwrap_or("UNKNOWN");
            let before = self.steps.len();
            let place = Place { context: name, extension: title };
            let proceed = self.judge_all(extension, place, &mut planned, 0)?;
            if !proceed {
                continue;
            }
            let matched = Step::Matches { extension: title.to_owned() };
            self.steps.insert(before.min(self.steps.len()), matched);
            let goes_on = extension.attribute("continue").is_some_and(super::channel::truth);
            if !goes_on {
                break;
            }
        }
        Ok(planned)
    }

    /// Judges the conditions of an extension, or those within a condition.
    fn judge_all(
        &mut self,
        parent: &Element,
        place: Place<'_>,
        planned: &mut Option<Vec<Planned>>,
        depth: usize,
    ) -> Result<bool, WalkError> {
        if depth > DEEPEST {
            return Ok(false);
        }
        let mut proceed = false;
        for condition in parent.children("condition") {
            let judged = self.judge(condition, place, proceed)?;
            proceed = judged.proceed;
            if judged.passed {
                self.act(condition, "action", judged.captures.as_ref(), planned)?;
            } else if self.act(condition, "anti-action", None, planned)? {
                // An extension whose anti-action was taken counts as one that took the call.
                proceed = true;
            }
            let halt = break_of(condition);
            if halt == Break::Always
                || (judged.passed && halt == Break::OnTrue)
                || (!judged.passed && halt == Break::OnFalse)
            {
                break;
            }
            if proceed && condition.children("condition").next().is_some() {
                proceed = self.judge_all(condition, place, planned, depth + 1)?;
                if !proceed && halt != Break::Never {
                    break;
                }
            }
        }
        let nested_must_hold = parent.attribute("require-nested").is_none_or(super::channel::truth);
        Ok(proceed || (depth > 0 && !nested_must_hold))
    }

    fn judge(
        &mut self,
        condition: &Element,
        place: Place<'_>,
        proceed: bool,
    ) -> Result<Judged, WalkError> {
        let mut judged = Judged { passed: false, proceed, captures: None };
        let time = self.time(condition);
        if let Some(holds) = time {
            judged.passed = holds;
            judged.proceed = holds;
        }
        if let Some(rule) = condition.attribute("regex") {
            return self.judge_several(condition, rule, place, judged);
        }
        match condition.attribute("field") {
            Some(field) => {
                let found = self.matched(field, condition, place)?;
                judged.proceed = found.is_some();
                // A field that matches outweighs a time that does not hold, as in FreeSWITCH.
                judged.passed = judged.passed || found.is_some();
                judged.captures = found.flatten();
            }
            None if time.is_none() => {
                judged.passed = true;
                judged.proceed = true;
            }
            None => {}
        }
        Ok(judged)
    }

    /// A condition with `regex="all|any|xor"` and its patterns inside.
    fn judge_several(
        &mut self,
        condition: &Element,
        rule: &str,
        place: Place<'_>,
        mut judged: Judged,
    ) -> Result<Judged, WalkError> {
        let all = rule.eq_ignore_ascii_case("all");
        let xor = rule.eq_ignore_ascii_case("xor");
        let (mut passes, mut fails) = (0usize, 0usize);
        for regex in condition.children("regex") {
            let time = self.time(regex);
            let held = match regex.attribute("field") {
                Some(field) => {
                    let found = self.matched(field, regex, place)?;
                    let held = found.is_some();
                    if let Some(Some(captures)) = found {
                        judged.captures = Some(captures);
                    }
                    held
                }
                None => time.unwrap_or(true),
            };
            judged.proceed = held;
            if held {
                passes += 1;
            } else {
                fails += 1;
            }
            if !xor && held != all {
                break;
            }
        }
        let passed = match (xor, all) {
            (true, _) => passes == 1,
            (false, true) => fails == 0,
            (false, false) => passes > 0,
        };
        judged.passed = judged.passed || passed;
        Ok(judged)
    }

    /// Whether the element's pattern matches the field: the outer `Some`; the inner one holds the
    /// captures of a pattern with groups.
    fn matched(
        &mut self,
        field: &str,
        element: &Element,
        place: Place<'_>,
    ) -> Result<Option<Option<Captures>>, WalkError> {
        let value = if field.contains('$') {
            self.expand(field)
        } else {
            self.channel.profile(field).to_owned()
        };
        let inside = element.children("expression").next();
        let written = match inside {
            Some(expression) => expression.text.as_str(),
            None => element.attribute("expression").unwrap_or_default(),
        };
        let expression = self.expand(written);
        let pattern = Pattern::compile(&expression).map_err(|fault| WalkError::Pattern {
            context: place.context.to_owned(),
            extension: place.extension.to_owned(),
            pattern: expression.clone(),
            fault,
        })?;
        let grouped = expression.contains('(');
        Ok(pattern.captures(&value).map(|captures| {
            if grouped {
                self.channel.set("DP_MATCH", &array(&captures));
            }
            grouped.then_some(captures)
        }))
    }

    /// Executes or collects a condition's actions of one kind; tells whether there was one.
    fn act(
        &mut self,
        condition: &Element,
        kind: &str,
        captures: Option<&Captures>,
        planned: &mut Option<Vec<Planned>>,
    ) -> Result<bool, WalkError> {
        let mut any = false;
        for action in condition.children(kind) {
            any = true;
            let application = action.attribute("application").unwrap_or_default();
            let text = action.text.trim();
            let data = match text {
                "" => action.attribute("data").unwrap_or_default(),
                text => text,
            };
            let data = match captures {
                Some(captures) => substituted(data, captures),
                None => data.to_owned(),
            };
            let inline = action.attribute("inline").is_some_and(super::channel::truth);
            let list = planned.get_or_insert_default();
            let times = match action.attribute("loop") {
                Some(times) => times.trim().parse().unwrap_or(0),
                None => 1usize,
            };
            for _ in 0..times {
                self.count()?;
                if !inline {
                    list.push(Planned { application: application.to_owned(), data: data.clone() });
                } else if INLINE.contains(&application) {
                    self.execute(application, &data)?;
                }
            }
        }
        Ok(any)
    }

    fn time(&mut self, element: &Element) -> Option<bool> {
        if !TIME.iter().any(|name| element.attribute(name).is_some()) {
            return None;
        }
        let holds = self.policy.times_hold;
        self.steps.push(Step::TimeCondition { holds });
        Some(holds)
    }
}

fn break_of(condition: &Element) -> Break {
    match condition.attribute("break").map(str::to_ascii_lowercase).as_deref() {
        Some("on-true") => Break::OnTrue,
        Some("always") => Break::Always,
        Some("never") => Break::Never,
        _ => Break::OnFalse,
    }
}

/// A match as FreeSWITCH keeps it in `DP_MATCH`.
fn array(captures: &Captures) -> String {
    let caught: Vec<&str> = captures.iter().flatten().map(String::as_str).collect();
    match caught.as_slice() {
        [only] => (*only).to_owned(),
        several => format!("ARRAY::{}", several.join("|:")),
    }
}
