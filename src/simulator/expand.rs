//! `${variable}` and `${function(arguments)}` in whatever FreeSWITCH is given
//! (`switch_channel_expand_variables`; `facts/freeswitch.md`, "FreeSWITCH expands what it is given").

use std::pin::Pin;

use super::node::Node;

/// Deeper nesting is left as it stands.
const MAX_DEPTH: usize = 8;
/// After so many braces that nobody closes the rest is left as it stands.
const MAX_OPEN: usize = 32;
/// A text never grows past this.
const MAX_TEXT: usize = 1024 * 1024;

/// Where the values of variables come from.
pub(super) type Values<'a> = &'a (dyn Fn(&str) -> Option<String> + Send + Sync);

impl Node {
    /// `text` as FreeSWITCH would hand it to an application. A backslash protects nothing.
    pub(super) async fn expand(&self, text: &str, values: Values<'_>) -> String {
        self.expand_at(text, values, 0).await
    }

    fn expand_at<'a>(
        &'a self,
        text: &'a str,
        values: Values<'a>,
        depth: usize,
    ) -> Pin<Box<dyn Future<Output = String> + Send + 'a>> {
        Box::pin(async move {
            let mut out = String::with_capacity(text.len());
            let mut rest = text;
            let mut open = 0;
            while let Some((before, after)) = rest.split_once("${").filter(|_| open < MAX_OPEN) {
                out.push_str(before);
                let Some((inner, after)) = split_brace(after).filter(|_| depth < MAX_DEPTH) else {
                    open += 1;
                    out.push_str("${");
                    rest = after;
                    continue;
                };
                let inner = self.expand_at(inner, values, depth + 1).await;
                if out.len() < MAX_TEXT {
                    out.push_str(&self.expression(&inner, values).await);
                }
                rest = after;
            }
            out.push_str(rest);
            out
        })
    }

    async fn expression(&self, inner: &str, values: Values<'_>) -> String {
        match inner.split_once('(') {
            Some((function, rest)) => {
                let (function, arguments) = (function.trim(), rest.rsplit_once(')'));
                let arguments = arguments.map_or(rest, |(arguments, _)| arguments);
                if is_shell(function) {
                    self.lock().ran.push(format!("${{{function}({arguments})}}"));
                    return String::new();
                }
                self.run_api(function, arguments, "").await
            }
            None => variable(inner, values),
        }
    }
}

/// Functions that run something on the machine: noted, never run.
pub(super) fn is_shell(function: &str) -> bool {
    [
        "system",
        "bg_system",
        "spawn",
        "spawn_stream",
        "bg_spawn",
        "lua",
        "luarun",
        "python",
        "perl",
        "jsrun",
    ]
    .iter()
    .any(|name| function.eq_ignore_ascii_case(name))
}

/// `name`, `name:offset`, `name:offset:length`.
fn variable(inner: &str, values: Values<'_>) -> String {
    let mut parts = inner.split(':');
    let name = parts.next().unwrap_or_default();
    let value = values(name).unwrap_or_default();
    let Some(offset) = parts.next().and_then(|text| text.parse::<i64>().ok()) else {
        return value;
    };
    let characters = i64::try_from(value.chars().count()).unwrap_or_default();
    let from = if offset < 0 { (characters + offset).max(0) } else { offset };
    let length = parts.next().and_then(|text| text.parse::<usize>().ok()).unwrap_or(usize::MAX);
    value.chars().skip(usize::try_from(from).unwrap_or(0)).take(length).collect()
}

/// `text` split at the `}` that closes what has just been opened.
fn split_brace(text: &str) -> Option<(&str, &str)> {
    let mut open = 1_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some((text.get(..at)?, text.get(at + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::settings::Settings;
    use super::*;

    #[tokio::test]
    async fn variables_functions_and_what_would_have_run() {
        let node = Node::new(Settings::new("hotdesk.test".parse().unwrap()));
        let values = |name: &str| match name {
            "a" => Some("b".to_owned()),
            "b" => Some("1001".to_owned()),
            _ => None,
        };
        for (text, expanded) in [
            ("plain", "plain"),
            ("x${b}y${none}z", "x1001yz"),
            ("${${a}}", "1001"),
            ("${b:1:2}", "00"),
            ("${b:-1}", "1"),
            ("${switchname()}", "lab-fs1"),
            ("Sons ${system(touch x)}", "Sons "),
            ("\\${system(id ${b})}", "\\"),
            ("${open", "${open"),
            ("$ {b} }", "$ {b} }"),
        ] {
            assert_eq!(node.expand(text, &values).await, expanded, "{text}");
        }
        assert_eq!(node.lock().ran.all(), ["${system(touch x)}", "${system(id 1001)}"]);
        let deep = "${".repeat(100_000);
        assert_eq!(node.expand(&deep, &values).await, deep);
    }
}
