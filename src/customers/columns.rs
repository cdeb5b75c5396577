//! Which column of the query means what.

/// Where team, name and priority stand among the columns of the query, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Columns {
    pub team: usize,
    pub name: Option<usize>,
    pub priority: Option<usize>,
}

/// The columns are not those that are expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "found {0}, expected the columns `team`, `name` and `priority`, or one to three in this order"
)]
pub(super) struct WrongColumns(pub String);

impl Columns {
    /// By their names where one of them is called like one of ours, else by position.
    pub(super) fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, WrongColumns> {
        let names: Vec<String> =
            names.into_iter().map(|name| name.trim().to_ascii_lowercase()).collect();
        let place = |wanted: &str| names.iter().position(|name| name == wanted);
        let (team, name, priority) = (place("team"), place("name"), place("priority"));
        let known = [team, name, priority].into_iter().flatten().count();
        match (team, names.len()) {
            (_, 0) => Err(WrongColumns("no column".to_owned())),
            (_, 4..) => Err(WrongColumns(format!("{} columns", names.len()))),
            (Some(team), count) if known == count => Ok(Self { team, name, priority }),
            (None, count) if known == 0 => Ok(Self {
                team: 0,
                name: (count > 1).then_some(1),
                priority: (count > 2).then_some(2),
            }),
            _ => {
                let names: Vec<String> = names
                    .iter()
                    .map(|name| format!("`{}`", name.chars().take(40).collect::<String>()))
                    .collect();
                Err(WrongColumns(format!("the columns {}", names.join(", "))))
            }
        }
    }

    /// Their places: team, name, priority.
    pub(super) fn places(&self) -> [Option<usize>; 3] {
        [Some(self.team), self.name, self.priority]
    }
}

/// A row: team, name, priority, as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub team: Option<String>,
    pub name: Option<String>,
    pub priority: Option<String>,
}

impl Row {
    /// The row of these three columns.
    pub(super) fn of([team, name, priority]: [Option<String>; 3]) -> Self {
        Self { team, name, priority }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_known_by_name_or_by_position() {
        let of = |names: &[&str]| Columns::of(names.iter().copied()).map(|found| found.places());
        assert_eq!(of(&["team"]), Ok([Some(0), None, None]));
        assert_eq!(of(&["NAME", "Team"]), Ok([Some(1), Some(0), None]));
        assert_eq!(of(&["priority", "name", "team"]), Ok([Some(2), Some(1), Some(0)]));
        assert_eq!(of(&["abteilung"]), Ok([Some(0), None, None]));
        assert_eq!(of(&["a", "b", "?column?"]), Ok([Some(0), Some(1), Some(2)]));
        let wrong = |names: &[&str]| of(names).unwrap_err().to_string();
        assert!(wrong(&[]).contains("no column"));
        assert!(wrong(&["team", "name", "priority", "x"]).contains("4 columns"));
        assert!(wrong(&["team", "nmae"]).contains("`team`, `nmae`"));
        assert!(wrong(&["name"]).contains("`name`"));
        assert!(wrong(&["team", "team"]).contains("`team`, `team`"));
    }
}
