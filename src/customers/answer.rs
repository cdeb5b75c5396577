//! From rows to an answer: one customer, several, or none.

use super::columns::Row;
use crate::model::{Customer, LookUp};

/// How many rows are looked at; a number that more customers have is nobody's.
pub(super) const MOST_ROWS: usize = 32;

/// What the rows of one number come to. Several rows are one answer where one team looks after all of them.
pub(super) fn answer(rows: &[Row]) -> LookUp {
    if rows.is_empty() {
        return LookUp::NoMatch;
    }
    let mut teams: Vec<&str> = Vec::new();
    for team in rows.iter().filter_map(|row| row.team.as_deref()) {
        if !teams.iter().any(|known| known.to_lowercase() == team.to_lowercase()) {
            teams.push(team);
        }
    }
    if teams.len() > 1 || rows.len() > MOST_ROWS {
        return LookUp::Ambiguous(teams.into_iter().map(str::to_owned).collect());
    }
    let mut names: Vec<&str> = rows.iter().filter_map(|row| row.name.as_deref()).collect();
    names.sort_unstable();
    names.dedup();
    let name = match names.as_slice() {
        [only] => Some((*only).to_owned()),
        _ => None,
    };
    let priority = rows.iter().filter_map(|row| whole(row.priority.as_deref()?)).max();
    // A customer without a team keeps the name, which is worth showing wherever the call goes.
    let team = teams.first().map(|team| (*team).to_owned()).unwrap_or_default();
    LookUp::Found(Customer { team, name, priority })
}

/// A whole number from any number: `10`, `10.00`.
fn whole(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite())?;
    // Saturates, and a priority of 2^63 is as good as any.
    Some(number.round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(team: &str, name: &str, priority: &str) -> Row {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Row { team: some(team), name: some(name), priority: some(priority) }
    }

    fn found(team: &str, name: Option<&str>, priority: Option<i64>) -> LookUp {
        LookUp::Found(Customer { team: team.to_owned(), name: name.map(str::to_owned), priority })
    }

    #[test]
    fn several_rows_are_one_customer_where_one_team_looks_after_them() {
        assert_eq!(answer(&[]), LookUp::NoMatch);
        assert_eq!(answer(&[row("a", "Ada", "3")]), found("a", Some("Ada"), Some(3)));
        let same = [row("a", "Ada", "3"), row("A", "Ada", "10.00"), row("", "", "x")];
        assert_eq!(answer(&same), found("a", Some("Ada"), Some(10)));
        assert_eq!(answer(&[row("a", "Ada", ""), row("a", "Bob", "")]), found("a", None, None));
        assert_eq!(answer(&[row("", "Ada", "")]), found("", Some("Ada"), None));
        assert_eq!(
            answer(&[row("a", "Ada", ""), row("b", "Ada", "")]),
            LookUp::Ambiguous(vec!["a".to_owned(), "b".to_owned()])
        );
        let many = vec![row("a", "Ada", "1e400"); MOST_ROWS + 1];
        assert_eq!(answer(&many), LookUp::Ambiguous(vec!["a".to_owned()]));
        assert_eq!(answer(&many[1..]), found("a", Some("Ada"), None));
    }
}
