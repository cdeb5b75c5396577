//! The API functions that a dialplan of ours asks inside values: `expr`, `cond`, `db` and `hash`.

use super::Memory;

/// `expr`: sums and differences of whole numbers, all that our dialplan asks of `mod_expr`. What does
/// not parse is what `mod_expr` says to it: `!err!`.
pub(super) fn expr(argument: &str) -> String {
    let mut total = 0i64;
    let mut sign = 1i64;
    let mut number = String::new();
    let mut complete = false;
    for c in argument.chars().filter(|c| !c.is_whitespace()).chain(['+']) {
        if c.is_ascii_digit() {
            number.push(c);
            continue;
        }
        let Ok(value) = number.parse::<i64>() else {
            return "!err!".to_owned();
        };
        total = total.saturating_add(value.saturating_mul(sign));
        number.clear();
        complete = true;
        sign = match c {
            '+' => 1,
            '-' => -1,
            _ => return "!err!".to_owned(),
        };
    }
    if complete { total.to_string() } else { "!err!".to_owned() }
}

/// `cond`: `a < b ? yes : no`. Numbers compare as numbers; text compares by its length for order
/// and against numbers, and as text for equality (`cond_function`, `mod_commands.c`).
pub(super) fn cond(argument: &str) -> String {
    compared(argument).unwrap_or_else(|| "-ERR".to_owned())
}

fn compared(argument: &str) -> Option<String> {
    let (left, rest) = operand(argument)?;
    let rest = rest.trim_start();
    let operators = ["==", "!=", "<=", ">=", "<", ">"];
    let operator = operators.iter().find(|operator| rest.starts_with(**operator))?;
    let (right, rest) = operand(rest.get(operator.len()..)?.trim_start())?;
    let choices = rest.trim_start().strip_prefix('?')?;
    let (yes, no) = match choices.split_once(':') {
        Some((yes, no)) => (yes.trim(), no.trim()),
        None => (choices.trim(), ""),
    };
    let (a, b) = (left.value(), right.value());
    let text = left.number.is_none() && right.number.is_none();
    let holds = match *operator {
        "==" if text => left.text == right.text,
        "!=" if text => left.text != right.text,
        "==" => a == b,
        "!=" => a != b,
        "<=" => a <= b,
        ">=" => a >= b,
        "<" => a < b,
        _ => a > b,
    };
    Some(if holds { yes } else { no }.to_owned())
}

/// One side of a comparison.
struct Operand<'a> {
    text: &'a str,
    number: Option<f64>,
}

impl Operand<'_> {
    fn value(&self) -> f64 {
        self.number.unwrap_or(self.text.len() as f64)
    }
}

/// Reads an operand, quoted or up to the next space; gives what stands behind it.
fn operand(text: &str) -> Option<(Operand<'_>, &str)> {
    if let Some(quoted) = text.strip_prefix('\'') {
        let (inside, rest) = quoted.split_once('\'')?;
        rest.starts_with(char::is_whitespace)
            .then_some((Operand { text: inside, number: None }, rest))
    } else {
        let (word, rest) = text.split_once(' ')?;
        let numeric =
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit() || b"-+.".contains(&b));
        let number = word.parse().ok().filter(|_| numeric);
        Some((Operand { text: word, number }, rest))
    }
}

impl Memory {
    /// What `db` or `hash` answers to `insert/realm/key/value`, `select/realm/key`,
    /// `delete/realm/key`.
    pub(super) fn answer(&mut self, module: &str, argument: &str) -> String {
        let mut parts = argument.splitn(4, '/');
        let mut part = || parts.next().unwrap_or_default().to_owned();
        let (verb, realm, key, value) = (part(), part(), part(), part());
        let place = (module.to_owned(), realm, key);
        match verb.as_str() {
            "insert" if self.kept.len() < Self::MOST || self.kept.contains_key(&place) => {
                self.kept.insert(place, value);
                "+OK".to_owned()
            }
            "select" => self.kept.get(&place).cloned().unwrap_or_default(),
            "delete" => {
                self.kept.remove(&place);
                "+OK".to_owned()
            }
            _ => "!err!".to_owned(),
        }
    }
}
