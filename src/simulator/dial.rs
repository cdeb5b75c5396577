//! What a dial-string would ring.

use std::pin::Pin;

use super::directory::Kind;
use super::node::Node;

/// `user/` within `user/`: deeper is a loop.
const MAX_DEPTH: usize = 4;
/// More legs are not dialled.
const MAX_LEGS: usize = 200;

/// What happens when somebody is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ringing {
    /// Tried one after another; the legs of one stage ring together.
    pub stages: Vec<Vec<Leg>>,
}

/// One leg of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Where it goes.
    pub target: Target,
    /// `origination_callee_id_number`: whom the caller sees.
    pub callee_id_number: Option<String>,
    /// `origination_callee_id_name`.
    pub callee_id_name: Option<String>,
    /// All variables of the leg, those of the whole string first.
    pub variables: Vec<(String, String)>,
}

/// Where a leg goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A registered phone.
    Phone {
        /// The user of the registration.
        user: String,
        /// Its Call-ID.
        call_id: String,
    },
    /// A number that is dialled in a context (`loopback/NUMBER/CONTEXT`).
    Number {
        /// The number.
        number: String,
        /// The context.
        context: String,
    },
    /// `error/CAUSE`, or something that cannot be reached.
    Failed(String),
    /// Any other endpoint, as it stands in the dial-string.
    Other(String),
}

/// Why nothing is dialled at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// The directory does not know the user or group.
    #[error("no such user or group in the directory")]
    Unknown,
    /// The user has no `dial-string`.
    #[error("the user has no dial-string")]
    NoDialString,
}

impl Ringing {
    /// The users of the phones that ring first: those of the first stage in which anything rings.
    pub fn phones(&self) -> Vec<&str> {
        self.first()
            .iter()
            .filter_map(|leg| match &leg.target {
                Target::Phone { user, .. } => Some(user.as_str()),
                _ => None,
            })
            .collect()
    }

    /// The legs of the first stage in which anything rings.
    pub fn first(&self) -> Vec<&Leg> {
        let rings = |leg: &&Leg| !matches!(leg.target, Target::Failed(_));
        self.stages
            .iter()
            .map(|stage| stage.iter().filter(rings).collect::<Vec<_>>())
            .find(|stage| !stage.is_empty())
            .unwrap_or_default()
    }

    /// The cause that the caller's dialplan sees when nothing rings, for example
    /// `user_not_registered`.
    pub fn failure(&self) -> Option<&str> {
        let last = self.stages.last()?.last()?;
        match &last.target {
            Target::Failed(cause) if self.first().is_empty() => Some(cause),
            _ => None,
        }
    }
}

impl Node {
    /// `user/USER@DOMAIN`.
    pub(super) async fn dial_user(&self, user: &str, depth: usize) -> Result<Ringing, DialError> {
        let entry = self.user(Kind::UserCall, user, &[]).await.ok_or(DialError::Unknown)?;
        let dial = entry.param("dial-string").ok_or(DialError::NoDialString)?;
        let own = |name: &str| match name {
            "dialed_user" => Some(user.to_owned()),
            "dialed_domain" => Some(self.settings.domain.to_string()),
            name => entry.variable(name).map(str::to_owned),
        };
        let expanded = self.expand(dial, &own).await;
        Ok(self.dial(&expanded, depth).await)
    }

    /// `group_call`: each member's own dial-string; one at the group's domain wins over theirs.
    pub(super) async fn dial_group(&self, group: &str) -> Result<String, DialError> {
        let more = [("group", group.to_owned())];
        let domain =
            self.locate_domain(Kind::GroupCall, "", &more).await.ok_or(DialError::Unknown)?;
        let members: Vec<String> = domain
            .children("groups")
            .flat_map(|groups| groups.children("group"))
            .filter(|found| found.attribute("name") == Some(group))
            .flat_map(|found| found.children("users"))
            .flat_map(|users| users.children("user"))
            .filter_map(|user| user.attribute("id").map(str::to_owned))
            .take(MAX_LEGS)
            .collect();
        let of_domain = domain
            .children("params")
            .flat_map(|params| params.children("param"))
            .find(|param| param.attribute("name") == Some("dial-string"))
            .and_then(|param| param.attribute("value").map(str::to_owned));
        let mut legs = Vec::new();
        for member in members {
            let entry = self.user(Kind::GroupCallUser, &member, &more).await;
            let own = entry.as_ref().and_then(|entry| entry.param("dial-string"));
            let Some(dial) = of_domain.as_deref().or(own) else {
                continue;
            };
            let values = |name: &str| match name {
                "dialed_user" => Some(member.clone()),
                "dialed_domain" => Some(self.settings.domain.to_string()),
                _ => None,
            };
            legs.push(as_legs(&self.expand(dial, &values).await));
        }
        Ok(legs.join(","))
    }

    /// A dial-string, already expanded.
    pub(super) fn dial<'a>(
        &'a self,
        text: &'a str,
        depth: usize,
    ) -> Pin<Box<dyn Future<Output = Ringing> + Send + 'a>> {
        Box::pin(async move {
            let (variables, rest) = variables(text, '{', '}');
            let mut ringing = Ringing::default();
            let mut left = MAX_LEGS;
            for stage in rest.split('|') {
                let mut legs = Vec::new();
                for leg in split_legs(stage).into_iter().take(left) {
                    left = left.saturating_sub(1);
                    self.leg(leg, &variables, depth, &mut legs).await;
                }
                ringing.stages.push(legs);
            }
            ringing
        })
    }

    async fn leg(
        &self,
        text: &str,
        shared: &[(String, String)],
        depth: usize,
        legs: &mut Vec<Leg>,
    ) {
        let (own, endpoint) = variables(text.trim(), '[', ']');
        let mut variables = shared.to_vec();
        variables.extend(own);
        if let Some(user) = endpoint.strip_prefix("user/") {
            let user = user.split('@').next().unwrap_or_default();
            if depth < MAX_DEPTH
                && let Ok(ringing) = Box::pin(self.dial_user(user, depth + 1)).await
            {
                for leg in ringing.stages.into_iter().flatten() {
                    variables.extend(leg.variables);
                    legs.push(Leg::new(leg.target, &variables));
                }
                return;
            }
        }
        legs.push(Leg::new(self.target(endpoint), &variables));
    }

    fn target(&self, endpoint: &str) -> Target {
        if let Some(cause) = endpoint.strip_prefix("error/") {
            return Target::Failed(cause.to_owned());
        }
        if let Some(rest) = endpoint.strip_prefix("loopback/") {
            let mut parts = rest.split('/');
            return Target::Number {
                number: parts.next().unwrap_or_default().to_owned(),
                context: parts.next().unwrap_or("default").to_owned(),
            };
        }
        let state = self.lock();
        match state.registrations.iter().find(|row| row.contact == endpoint) {
            Some(row) => Target::Phone { user: row.user.clone(), call_id: row.call_id.clone() },
            None if endpoint.is_empty() || endpoint.starts_with("user/") => {
                Target::Failed("user_not_registered".to_owned())
            }
            None => Target::Other(endpoint.to_owned()),
        }
    }
}

impl Leg {
    fn new(target: Target, variables: &[(String, String)]) -> Self {
        let last = |name: &str| {
            let found = variables.iter().rev().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone())
        };
        Self {
            target,
            callee_id_number: last("origination_callee_id_number"),
            callee_id_name: last("origination_callee_id_name"),
            variables: variables.to_vec(),
        }
    }
}

/// The variables in front of a string, `{…}` or `[…]`, and what follows. `^^X` makes X the delimiter.
fn variables(text: &str, open: char, close: char) -> (Vec<(String, String)>, &str) {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((block, after)) = rest.strip_prefix(open).and_then(|r| r.split_once(close)) {
        let (delimiter, block) = match block.strip_prefix("^^") {
            Some(marked) => {
                let delimiter = marked.chars().next().unwrap_or(',');
                (delimiter, marked.trim_start_matches(delimiter))
            }
            None => (',', block),
        };
        found.extend(separated(block, delimiter).iter().filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        }));
        rest = after;
    }
    (found, rest)
}

/// At each delimiter outside quotes, and without the quotes: an apostrophe is one if it closes a pair
/// or another follows (`separate_string_char_delim` in FreeSWITCH's switch_utils.c).
fn separated(text: &str, delimiter: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut inside = false;
    let mut apostrophes = text.matches('\'').count();
    for c in text.chars() {
        if c == '\'' {
            apostrophes = apostrophes.saturating_sub(1);
            if inside || apostrophes > 0 {
                inside = !inside;
                continue;
            }
        }
        if c == delimiter && !inside {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts
}

/// At commas outside `[…]`.
fn split_legs(stage: &str) -> Vec<&str> {
    let mut inside = false;
    stage
        .split(move |c| {
            match c {
                '[' => inside = true,
                ']' => inside = false,
                _ => {}
            }
            c == ',' && !inside
        })
        .collect()
}

/// A member's string within a group: its `{…}` becomes `[…]` at each leg.
fn as_legs(text: &str) -> String {
    let Some((block, rest)) = text.strip_prefix('{').and_then(|rest| rest.split_once('}')) else {
        return text.to_owned();
    };
    let legs: Vec<String> = split_legs(rest).iter().map(|leg| format!("[{block}]{leg}")).collect();
    legs.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As seen on a running FreeSWITCH.
    #[test]
    fn two_apostrophes_are_quotes_and_one_is_a_letter() {
        for (text, name) in [
            ("{^^:a=1:name=Pat O'Brien}x", "Pat O'Brien"),
            ("{^^:a=1:name=O'Neil d'Arc}x", "ONeil dArc"),
            ("{^^:a=1:name=O\u{2019}Neil d\u{2019}Arc}x", "O\u{2019}Neil d\u{2019}Arc"),
            ("{a=1,name='Lovelace, Ada'}x", "Lovelace, Ada"),
        ] {
            let (found, rest) = variables(text, '{', '}');
            let wanted = [("a", "1"), ("name", name)].map(|(n, v)| (n.to_owned(), v.to_owned()));
            assert_eq!((found.as_slice(), rest), (wanted.as_slice(), "x"), "{text}");
        }
    }
}
