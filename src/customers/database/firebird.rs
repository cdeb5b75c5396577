//! Firebird: a client that blocks, so each connection has a thread of its own, which ends with it.

use rsfbclient::{Column, Connection, FbError, Queryable as _, RustFbClient, SqlType};
use tokio::sync::{mpsc, oneshot};

use super::Target;
use crate::customers::answer::MOST_ROWS;
use crate::customers::columns::{Columns, Row, WrongColumns};
use crate::databases::{
    Fault, FirebirdCharset, LONGEST, Relay, byte_by_byte, bytes_of, firebird, text,
};

/// How many characters are read of a column, so that they fit in a VARCHAR in any character set.
const CHARACTERS: usize = LONGEST / 2;

/// A connection to a server.
pub(in crate::customers) struct Firebird {
    questions: mpsc::Sender<Question>,
    /// Cut when this goes, so that the thread does not wait for ever.
    _relay: Relay,
}

/// A number, and where its rows are waited for.
struct Question {
    number: String,
    answer: oneshot::Sender<Result<Vec<Row>, FbError>>,
}

impl Firebird {
    pub(super) async fn connect(target: &Target) -> Result<Self, Fault> {
        let server = &target.server;
        let url = &server.url;
        let relay = Relay::to(&url.host, url.port).await;
        let relay = relay.map_err(|error| Fault::Lost(server.told(&error.to_string())))?;
        let builder = firebird(server, &relay);
        let (questions, asked) = mpsc::channel(1);
        let (ready, is_ready) = oneshot::channel();
        let binds = target.query.binds;
        let query = match server.charset {
            FirebirdCharset::Utf8 => byte_by_byte(&target.query.sql),
            _ => target.query.sql.clone(),
        };
        let thread = std::thread::Builder::new().name("firebird".to_owned());
        let started = thread.spawn(move || match Session::open(&builder, &query, binds) {
            Ok(session) => {
                if ready.send(Ok(())).is_ok() {
                    session.serve(asked);
                }
            }
            Err(error) => drop(ready.send(Err(error))),
        });
        started.map_err(|error| Fault::Lost(error.to_string()))?;
        match is_ready.await {
            Ok(Ok(())) => Ok(Self { questions, _relay: relay }),
            Ok(Err(Opening::Columns(wrong))) => Err(wrong.into()),
            Ok(Err(Opening::Failed(error))) => Err(target.server.firebird_fault(&error)),
            Err(_) => Err(Fault::Lost("the client gave up".to_owned())),
        }
    }

    pub(super) async fn ask(&mut self, target: &Target, number: &str) -> Result<Vec<Row>, Fault> {
        let gone = || Fault::Lost("the connection is gone".to_owned());
        let (answer, answered) = oneshot::channel();
        let question = Question { number: number.to_owned(), answer };
        self.questions.send(question).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?.map_err(|error| target.server.firebird_fault(&error))
    }
}

/// Why a connection cannot be used.
enum Opening {
    Failed(FbError),
    Columns(WrongColumns),
}

impl From<FbError> for Opening {
    fn from(error: FbError) -> Self {
        Self::Failed(error)
    }
}

/// The thread's side.
struct Session {
    connection: Connection<RustFbClient>,
    /// The query, with its columns as text: team, name, priority, as far as it has them.
    sql: String,
    /// Whether it has a team, a name, a priority.
    has: [bool; 3],
    binds: usize,
}

impl Session {
    fn open(
        builder: &rsfbclient::PureRustConnectionBuilder,
        query: &str,
        binds: usize,
    ) -> Result<Self, Opening> {
        let mut connection = builder.connect()?;
        let found = columns(&mut connection, query)?;
        let set = match has_character_set(&mut connection)? {
            true => "",
            // Else they would have to be good UTF-8 on their way.
            false => " CHARACTER SET OCTETS",
        };
        let taken = found.taken.iter().flatten().map(|name| {
            let short = format!("SUBSTRING(Q.{name} FROM 1 FOR {CHARACTERS})");
            format!("CAST({short} AS VARCHAR({CHARACTERS}){set})")
        });
        let taken = taken.collect::<Vec<_>>().join(", ");
        let (most, names) = (MOST_ROWS + 1, &found.names);
        // On a line of its own, as the query may end in a comment.
        let sql = format!("SELECT FIRST {most} {taken} FROM (\n{query}\n) AS Q{names}");
        prepare(&mut connection, &sql)?;
        let has = found.taken.map(|name| name.is_some());
        Ok(Self { connection, sql, has, binds })
    }

    /// Answers until nobody asks any more, or the connection broke.
    fn serve(mut self, mut questions: mpsc::Receiver<Question>) {
        while let Some(Question { number, answer }) = questions.blocking_recv() {
            let rows = self.ask(&number);
            let is_broken = rows.as_ref().is_err_and(|error| !matches!(error, FbError::Sql { .. }));
            if answer.send(rows).is_err() || is_broken {
                break;
            }
        }
    }

    fn ask(&mut self, number: &str) -> Result<Vec<Row>, FbError> {
        let number = SqlType::Text(number.to_owned());
        let parameters = vec![number; self.binds];
        let rows: Vec<rsfbclient::Row> = self.connection.query(&self.sql, parameters)?;
        Ok(rows.into_iter().map(|row| read(row.cols, self.has)).collect())
    }
}

fn prepare(connection: &mut Connection<RustFbClient>, sql: &str) -> Result<(), FbError> {
    connection.with_transaction(|transaction| transaction.prepare(sql, false).map(drop))
}

/// Whether the database says what its texts mean. Many old ones do not, and hold whatever their programs wrote.
fn has_character_set(connection: &mut Connection<RustFbClient>) -> Result<bool, FbError> {
    let sql = "SELECT TRIM(RDB$CHARACTER_SET_NAME) FROM RDB$DATABASE";
    let set: Option<(Option<String>,)> = connection.query_first(sql, ())?;
    Ok(set.and_then(|(name,)| name).is_some_and(|name| name != "NONE"))
}

/// How the columns of the query are called around it.
struct Found {
    /// Team, name, priority.
    taken: [Option<&'static str>; 3],
    /// Names to give the columns, in brackets; empty where they have those.
    names: &'static str,
}

/// What columns the query has. The client tells their names only with a row, so the server is asked which names
/// and how many it would take.
fn columns(connection: &mut Connection<RustFbClient>, query: &str) -> Result<Found, Opening> {
    const GIVEN: [&str; 3] = [" (C0)", " (C0, C1)", " (C0, C1, C2)"];
    const PLACES: [&str; 3] = ["C0", "C1", "C2"];
    prepare(connection, query)?;
    let mut takes = |sql: String| match prepare(connection, &sql) {
        Ok(()) => Ok(true),
        Err(FbError::Sql { .. }) => Ok(false),
        Err(error) => Err(error),
    };
    let mut count = None;
    for (at, names) in GIVEN.into_iter().enumerate() {
        if takes(format!("SELECT 1 FROM (\n{query}\n) AS Q{names}"))? {
            count = Some((at + 1, names));
        }
    }
    let Some((count, given)) = count else {
        return Err(Opening::Columns(WrongColumns("more than three columns".to_owned())));
    };
    let mut known = Vec::new();
    for name in ["TEAM", "NAME", "PRIORITY"] {
        if takes(format!("SELECT Q.{name} FROM (\n{query}\n) AS Q"))? {
            known.push(name);
        }
    }
    let others = std::iter::repeat_n("(another)", count.saturating_sub(known.len()));
    let columns = Columns::of(known.iter().copied().chain(others)).map_err(Opening::Columns)?;
    let (names, given) = if known.is_empty() { (&PLACES[..], given) } else { (&known[..], "") };
    let taken = columns.places().map(|place| names.get(place?).copied());
    Ok(Found { taken, names: given })
}

/// The columns that were asked for, in the order team, name, priority.
fn read(columns: Vec<Column>, has: [bool; 3]) -> Row {
    let mut columns = columns.into_iter();
    Row::of(has.map(|has| match has.then(|| columns.next()).flatten()?.value {
        SqlType::Text(found) => text(&bytes_of(&found)),
        SqlType::Binary(found) => text(&found),
        SqlType::Integer(found) => Some(found.to_string()),
        SqlType::Floating(found) => Some(found.to_string()),
        _ => None,
    }))
}
