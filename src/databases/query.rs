//! The configured query: `:number` becomes the driver's own placeholder, so that a caller's number is bound
//! and never part of the SQL.
//!
//! Enough of SQL is understood to know what is text, a quoted name or a comment, where `:number` is only
//! letters; all else is left to the database.

use super::settings::Kind;

/// The longest query, in bytes.
const LONGEST: usize = 16 * 1024;
/// How often `:number` may stand in it.
const MOST_PLACES: usize = 64;
/// What is replaced, without the colon.
const NAME: &str = "number";

/// A query with the placeholders of one kind of database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The SQL, without a `;` at its end.
    pub sql: String,
    /// How often the number is bound: once for each place, or once for all.
    pub binds: usize,
}

/// Why a query cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryFault {
    /// It never uses the number.
    #[error("found no `:number`, expected it where the caller's number belongs")]
    NoNumber,
    /// It uses a number where there is none.
    #[error("found `:number`, expected a query that takes nothing")]
    Takes,
    /// It uses a parameter that we do not know.
    #[error("found the parameter `:{0}`, expected only `:number`")]
    Parameter(String),
    /// It has placeholders of its own, which would take the number's place.
    #[error("found `?`, expected `:number` where the caller's number belongs")]
    Placeholder,
    /// A text, a quoted name or a comment does not end.
    #[error("found {0} without an end, expected its end")]
    Open(&'static str),
    /// There are several statements.
    #[error("found more behind `;`, expected one SELECT")]
    Several,
    /// It is too long, or the number stands in it too often.
    #[error(
        "found a query that is too long, expected at most {LONGEST} bytes and {MOST_PLACES} times `:number`"
    )]
    TooLong,
    /// It reads nothing.
    #[error("found no SELECT, expected a query that begins with SELECT or WITH")]
    NoSelect,
}

impl Query {
    /// Reads the configured text for a kind of database.
    ///
    /// # Errors
    /// It is no query with a number in it.
    pub fn parse(text: &str, kind: Kind) -> Result<Self, QueryFault> {
        match Self::read(text, kind)? {
            query if query.binds == 0 => Err(QueryFault::NoNumber),
            query => Ok(query),
        }
    }

    /// Reads a query, with a number in it or without.
    fn read(text: &str, kind: Kind) -> Result<Self, QueryFault> {
        if text.len() > LONGEST {
            return Err(QueryFault::TooLong);
        }
        let mut query = Self { sql: String::with_capacity(text.len() + 32), binds: 0 };
        let mut first_word = None;
        let mut rest = text;
        while let Some(token) = Token::first(rest, kind)? {
            let (part, behind) = rest.split_at(token.length());
            rest = behind;
            match token {
                Token::Parameter(_) => query.place(part, kind)?,
                Token::Placeholder if kind != Kind::Postgres => {
                    return Err(QueryFault::Placeholder);
                }
                Token::End => {
                    while let Some(token) = Token::first(rest, kind)? {
                        if !matches!(token, Token::Blank(_)) {
                            return Err(QueryFault::Several);
                        }
                        rest = rest.get(token.length()..).unwrap_or_default();
                    }
                    break;
                }
                Token::Word(_) => {
                    first_word.get_or_insert(part);
                    query.sql.push_str(part);
                }
                _ => query.sql.push_str(part),
            }
        }
        let reads = ["select", "with"];
        if !first_word.is_some_and(|word| reads.iter().any(|read| word.eq_ignore_ascii_case(read)))
        {
            return Err(QueryFault::NoSelect);
        }
        Ok(query)
    }

    /// Reads the configured text of a query that takes nothing.
    ///
    /// # Errors
    /// It is no such query.
    pub fn without_parameters(text: &str, kind: Kind) -> Result<Self, QueryFault> {
        match Self::read(text, kind)? {
            query if query.binds == 0 => Ok(query),
            _ => Err(QueryFault::Takes),
        }
    }

    /// Puts the placeholder for `part`, which is `:` and a name.
    fn place(&mut self, part: &str, kind: Kind) -> Result<(), QueryFault> {
        let name = part.trim_start_matches(':');
        if name != NAME {
            return Err(QueryFault::Parameter(name.chars().take(40).collect()));
        }
        self.binds = match kind {
            // One value, however often it is used.
            Kind::Postgres | Kind::Sqlite => 1,
            Kind::MySql | Kind::Firebird => self.binds + 1,
        };
        if self.sql.len() > 2 * LONGEST || self.binds > MOST_PLACES {
            return Err(QueryFault::TooLong);
        }
        self.sql.push_str(match kind {
            Kind::Postgres => "$1",
            Kind::Sqlite => "?1",
            Kind::MySql => "?",
            // Else it would have the length of the column beside it, and a longer number be an error.
            Kind::Firebird => "CAST(? AS VARCHAR(64))",
        });
        Ok(())
    }
}

/// A piece of SQL; with its length in bytes.
enum Token {
    /// Blanks and comments.
    Blank(usize),
    /// A word or a number.
    Word(usize),
    /// A text or a quoted name.
    Quoted(usize),
    /// `:name`.
    Parameter(usize),
    /// `?`.
    Placeholder,
    /// `;`.
    End,
    /// Anything else.
    Mark(usize),
}

impl Token {
    fn length(&self) -> usize {
        match self {
            Self::Placeholder | Self::End => 1,
            Self::Blank(length)
            | Self::Word(length)
            | Self::Quoted(length)
            | Self::Parameter(length)
            | Self::Mark(length) => *length,
        }
    }

    /// The first token of `sql`, at a boundary of characters.
    fn first(sql: &str, kind: Kind) -> Result<Option<Self>, QueryFault> {
        let Some(first) = sql.chars().next() else { return Ok(None) };
        let mysql = kind == Kind::MySql;
        let token = match first {
            _ if first.is_whitespace() => Self::Blank(sql.len() - sql.trim_start().len()),
            '-' if sql.starts_with("--") => Self::Blank(line(sql)),
            '#' if mysql => Self::Blank(line(sql)),
            '/' if sql.starts_with("/*") => Self::Blank(comment(sql, kind)?),
            '\'' => Self::Quoted(quoted(sql, '\'', mysql)?),
            '"' => Self::Quoted(quoted(sql, '"', mysql)?),
            '`' if mysql || kind == Kind::Sqlite => Self::Quoted(quoted(sql, '`', false)?),
            '[' if kind == Kind::Sqlite => {
                Self::Quoted(sql.find(']').ok_or(QueryFault::Open("a name in brackets"))? + 1)
            }
            '$' if kind == Kind::Postgres => match dollar_quoted(sql)? {
                Some(length) => Self::Quoted(length),
                None => Self::Mark(1),
            },
            'e' | 'E' if kind == Kind::Postgres && sql.get(1..2) == Some("'") => {
                Self::Quoted(1 + quoted(sql.get(1..).unwrap_or_default(), '\'', true)?)
            }
            ':' if sql.starts_with("::") => Self::Mark(2),
            ':' => match word(sql.get(1..).unwrap_or_default()) {
                0 => Self::Mark(1),
                length => Self::Parameter(1 + length),
            },
            '?' => Self::Placeholder,
            ';' => Self::End,
            _ => match word(sql) {
                0 => Self::Mark(first.len_utf8()),
                length => Self::Word(length),
            },
        };
        Ok(Some(token))
    }
}

/// How many bytes of a word `sql` begins with.
fn word(sql: &str) -> usize {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    sql.find(|c: char| !is_word(c)).unwrap_or(sql.len())
}

fn line(sql: &str) -> usize {
    sql.find('\n').map_or(sql.len(), |end| end + 1)
}

/// A comment; in PostgreSQL one may stand in another.
fn comment(sql: &str, kind: Kind) -> Result<usize, QueryFault> {
    let (mut depth, mut at) = (0_usize, 0);
    loop {
        let rest = sql.get(at..).unwrap_or_default();
        if rest.starts_with("/*") && (depth == 0 || kind == Kind::Postgres) {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return Ok(at);
            }
        } else {
            match rest.chars().next() {
                Some(c) => at += c.len_utf8(),
                None => return Err(QueryFault::Open("a comment")),
            }
        }
    }
}

/// A text or name between two marks; the mark twice is the mark itself, which two pieces side by side are as well.
fn quoted(sql: &str, mark: char, escapes: bool) -> Result<usize, QueryFault> {
    let mut characters = sql.char_indices().skip(1);
    while let Some((at, c)) = characters.next() {
        if c == '\\' && escapes {
            characters.next();
        } else if c == mark {
            return Ok(at + 1);
        }
    }
    Err(QueryFault::Open("a text in quotes"))
}

/// PostgreSQL's `$tag$ … $tag$`.
fn dollar_quoted(sql: &str) -> Result<Option<usize>, QueryFault> {
    let behind = sql.get(1..).unwrap_or_default();
    let tag = word(behind);
    if behind.starts_with(|c: char| c.is_ascii_digit())
        || !behind.get(tag..).is_some_and(|rest| rest.starts_with('$'))
    {
        return Ok(None);
    }
    let mark = sql.get(..tag + 2).unwrap_or_default();
    let end = sql.get(mark.len()..).and_then(|text| text.find(mark));
    let end = end.ok_or(QueryFault::Open("a text in dollar signs"))?;
    Ok(Some(end + 2 * mark.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sql(text: &str, kind: Kind) -> String {
        Query::parse(text, kind).unwrap().sql
    }

    #[test]
    fn each_kind_of_database_gets_its_own_placeholder() {
        let text = "SELECT team FROM c WHERE a = :number OR b = :number;\n";
        for (kind, a, b, binds) in [
            (Kind::Postgres, "$1", "$1", 1),
            (Kind::Sqlite, "?1", "?1", 1),
            (Kind::MySql, "?", "?", 2),
            (Kind::Firebird, "CAST(? AS VARCHAR(64))", "CAST(? AS VARCHAR(64))", 2),
        ] {
            let sql = format!("SELECT team FROM c WHERE a = {a} OR b = {b}");
            assert_eq!(Query::parse(text, kind), Ok(Query { sql, binds }));
        }
    }

    #[test]
    fn texts_names_comments_and_casts_stay_as_they_are() {
        for (kind, kept) in [
            (
                Kind::Postgres,
                "':number' \":number\" -- :number\n/* :number /* x */ :number */ a::text",
            ),
            (
                Kind::Postgres,
                "$$:number$$ $x$ :number $$ $x$ E'\\':number' 'it''s :number' a ? b $2",
            ),
            (
                Kind::MySql,
                "':number' \"\\\":number\" `:number` # :number\n 'it\\'s :number' @x := 1",
            ),
            (Kind::Sqlite, "[:number] `:number` 'a\\' \":number\""),
            (Kind::Firebird, "':number' /* :number */ 'a\\'"),
        ] {
            let text = format!("SELECT {kept} FROM c WHERE a=");
            let end = sql("SELECT :number", kind).split_off("SELECT ".len());
            assert_eq!(sql(&format!("{text}:number"), kind), format!("{text}{end}"));
        }
        assert_eq!(
            sql("with x as (select 1) SELECT :number::text, 'ü', ä", Kind::Postgres),
            "with x as (select 1) SELECT $1::text, 'ü', ä"
        );
    }

    #[test]
    fn what_cannot_be_a_query_is_refused() {
        for (text, kind, fault) in [
            ("SELECT 1", Kind::Sqlite, QueryFault::NoNumber),
            ("SELECT ':number'", Kind::Sqlite, QueryFault::NoNumber),
            ("SELECT :nummer", Kind::Sqlite, QueryFault::Parameter("nummer".to_owned())),
            ("SELECT :number2", Kind::MySql, QueryFault::Parameter("number2".to_owned())),
            ("SELECT ?, :number", Kind::MySql, QueryFault::Placeholder),
            ("SELECT 'it, :number", Kind::MySql, QueryFault::Open("a text in quotes")),
            ("SELECT :number /* x", Kind::MySql, QueryFault::Open("a comment")),
            ("SELECT $x$ :number", Kind::Postgres, QueryFault::Open("a text in dollar signs")),
            ("SELECT [a, :number", Kind::Sqlite, QueryFault::Open("a name in brackets")),
            ("SELECT :number; DELETE FROM c", Kind::Sqlite, QueryFault::Several),
            ("DELETE FROM c WHERE a = :number", Kind::Sqlite, QueryFault::NoSelect),
            ("-- SELECT\nUPDATE c SET a = :number", Kind::MySql, QueryFault::NoSelect),
            ("", Kind::Firebird, QueryFault::NoSelect),
        ] {
            assert_eq!(Query::parse(text, kind), Err(fault), "{text}");
        }
        let long = format!("SELECT :number, '{}'", "x".repeat(LONGEST));
        assert_eq!(Query::parse(&long, Kind::Sqlite), Err(QueryFault::TooLong));
        let often = format!("SELECT {}", ":number,".repeat(MOST_PLACES + 1));
        assert_eq!(Query::parse(&often, Kind::MySql), Err(QueryFault::TooLong));
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_an_end(
            text in "(SELECT )?(:number|'|\"|`|\\$|\\$\\$|/\\*|\\*/|--|\n|\\[|\\]|\\\\|;|:|[a-zä ]|\\PC){0,40}",
        ) {
            for kind in [Kind::Postgres, Kind::Sqlite, Kind::MySql, Kind::Firebird] {
                let _ = Query::parse(&text, kind);
            }
        }
    }
}
