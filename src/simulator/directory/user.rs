//! One user of a domain.

use super::Element;

/// What the directory says about one user: domain's, group's and user's lines, the later winning.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) params: Vec<(String, String)>,
    pub(crate) variables: Vec<(String, String)>,
}

impl Entry {
    /// The *first* user of that `id` (or `number-alias`) in the domain; pointers are none.
    pub(crate) fn find(domain: &Element, id: &str) -> Option<Self> {
        let in_groups = domain
            .children("groups")
            .flat_map(|groups| groups.children("group"))
            .flat_map(|group| {
                group
                    .children("users")
                    .flat_map(|users| users.children("user"))
                    .map(move |user| (Some(group), user))
            });
        let in_domain = domain
            .children("users")
            .chain(std::iter::once(domain))
            .flat_map(|users| users.children("user"))
            .map(|user| (None, user));
        let (group, user) = in_groups
            .chain(in_domain)
            .find(|(_, user)| is(user, id) && user.attribute("type") != Some("pointer"))?;
        let mut entry = Self { id: id.to_owned(), ..Self::default() };
        for element in [Some(domain), group, Some(user)].into_iter().flatten() {
            merge(&mut entry.params, element, "params", "param");
            merge(&mut entry.variables, element, "variables", "variable");
        }
        Some(entry)
    }

    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        super::super::event::get(&self.params, name)
    }

    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        super::super::event::get(&self.variables, name)
    }
}

fn is(user: &Element, id: &str) -> bool {
    ["id", "number-alias"].iter().any(|name| user.attribute(name) == Some(id))
}

fn merge(into: &mut Vec<(String, String)>, element: &Element, outer: &str, inner: &str) {
    for line in element.children(outer).flat_map(|list| list.children(inner)) {
        let (Some(name), Some(value)) = (line.attribute("name"), line.attribute("value")) else {
            continue;
        };
        match into.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => value.clone_into(known),
            None => into.push((name.to_owned(), value.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_own_lines_win_and_a_pointer_is_nobody() {
        let root = Element::parse(
            r#"<domain name="d"><params><param name="dial-string" value="d"/><param name="x" value="1"/></params><groups>
            <group name="sales"><users><user id="1001" type="pointer"/></users></group>
            <group name="all"><users><user id="1001"><params><param name="dial-string" value="u"/></params>
            <variables><variable name="user_context" value="hotdesk"/></variables></user></users></group></groups></domain>"#,
        )
        .unwrap();
        let entry = Entry::find(&root.children[0], "1001").unwrap();
        assert_eq!(entry.param("dial-string"), Some("u"));
        assert_eq!(entry.param("x"), Some("1"));
        assert_eq!(entry.variable("user_context"), Some("hotdesk"));
        assert!(Entry::find(&root.children[0], "1002").is_none());
    }
}
