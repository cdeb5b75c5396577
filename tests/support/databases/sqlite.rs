//! A file of SQLite: no server, but the same tests.

use std::path::{Path, PathBuf};

use super::DatabaseServer;

pub struct SqliteFile {
    folder: tempfile::TempDir,
}

impl SqliteFile {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("crm.db")
    }

    fn away(&self) -> PathBuf {
        self.folder.path().join("away.db")
    }
}

/// Statements on a file, which is made where there is none.
fn run(path: &Path, sql: &str) {
    use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let sql = sql.to_owned();
    // The test has a runtime of its own.
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut connection = options.connect().await.unwrap();
            connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql))).await.unwrap();
            connection.close().await.unwrap();
        });
    });
    thread.join().unwrap();
}

impl DatabaseServer for SqliteFile {
    fn url(&self) -> String {
        format!("sqlite://{}", self.path().display())
    }

    fn run(&self, sql: &str) {
        run(&self.path(), sql);
    }

    fn stop(&mut self) {
        std::fs::rename(self.path(), self.away()).unwrap();
    }

    fn start(&mut self) {
        // As an export that is written anew each night: another file under the same name.
        std::fs::copy(self.away(), self.path()).unwrap();
    }

    fn endless(&self) -> &'static str {
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n WHERE :number <> ''"
    }

    /// The threads of this process that have used much time lately would be it.
    fn endless_running(&self) -> usize {
        let ticks = || {
            let threads = std::fs::read_dir("/proc/self/task").unwrap();
            let stats = threads.filter_map(|thread| {
                std::fs::read_to_string(thread.ok()?.path().join("stat")).ok()
            });
            let workers = stats.filter(|stat| stat.contains("(sqlx-sqlite"));
            let used = workers.map(|stat| {
                stat.rsplit(')')
                    .next()
                    .unwrap()
                    .split_whitespace()
                    .nth(11)
                    .unwrap()
                    .parse::<u64>()
                    .unwrap()
            });
            used.sum::<u64>()
        };
        let before = ticks();
        std::thread::sleep(std::time::Duration::from_millis(500));
        usize::try_from(ticks().saturating_sub(before) / 20).unwrap()
    }

    fn writing(&self) -> Option<(&'static str, &'static str)> {
        None
    }

    fn odd_types(&self) -> &'static str {
        "SELECT 42 AS team, CAST(x'4dfc6c6c6572' AS BLOB) AS name, 7.0 AS priority WHERE :number <> 'x'"
    }
}
