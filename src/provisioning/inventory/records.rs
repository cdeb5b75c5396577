//! The records of a CSV file, one at a time, with the line on which each begins.

use std::io::Read;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::FileFault;
use super::columns::Column;
use super::text::{Encoding, Text};

/// The longest record, in bytes; as much of a file is in memory at a time.
const LONGEST: usize = 64 * 1024;
/// The most columns.
const MOST_COLUMNS: usize = 256;

/// A file as records.
pub(super) struct Records<R> {
    text: Text<R>,
    reader: Reader,
    /// What stands between two cells.
    pub separator: char,
    /// Decoded, and from `at` on not looked at.
    buffer: Vec<u8>,
    at: usize,
    /// The line at `at`, from 1.
    line: u64,
    cells: Box<[u8; LONGEST]>,
    ends: [usize; MOST_COLUMNS],
}

/// A record: its line, and its cells as they stand there.
#[derive(Debug)]
pub(super) struct Record<'a> {
    pub line: u64,
    pub cells: Vec<&'a str>,
}

impl<R: Read> Records<R> {
    /// Looks at the first line to find what stands between cells.
    pub(super) fn new(file: R) -> Result<Self, FileFault> {
        let mut text = Text::new(file);
        let mut buffer = Vec::new();
        let (first, is_whole) = loop {
            let ends = memchr::memchr(b'\n', &buffer);
            if ends.is_some() || buffer.len() > LONGEST || !text.more(&mut buffer)? {
                break (ends.unwrap_or(buffer.len()), ends.is_some());
            }
        };
        let line = buffer.get(..first).unwrap_or_default();
        // Excel's own way to say it.
        let told = line.strip_prefix(b"sep=").filter(|told| told.len() == 1 && is_whole);
        let separator = told.and_then(<[u8]>::first).copied().unwrap_or_else(|| found(line));
        let (at, line) = if told.is_some() { (first + 1, 2) } else { (0, 1) };
        Ok(Self {
            text,
            reader: ReaderBuilder::new().delimiter(separator).build(),
            separator: char::from(separator),
            buffer,
            at,
            line,
            cells: Box::new([0; LONGEST]),
            ends: [0; MOST_COLUMNS],
        })
    }

    /// What the file is encoded in, as far as is known by now.
    pub(super) fn encoding(&self) -> Encoding {
        self.text.encoding()
    }

    /// How many bytes were read of the file.
    pub(super) fn bytes(&self) -> u64 {
        self.text.read
    }

    /// The next record that is not an empty line.
    pub(super) fn next(&mut self) -> Result<Option<Record<'_>>, FileFault> {
        if !self.skip_empty_lines()? {
            return Ok(None);
        }
        let line = self.line;
        let (mut length, mut count) = (0, 0);
        let mut last = false;
        loop {
            let input: &[u8] = match (self.rest().is_empty(), last) {
                (false, _) => self.buffer.get(self.at..).unwrap_or_default(),
                (true, false) => {
                    last = !self.more()?;
                    // A record that does not end with the file goes on in quotes.
                    if last { b"\n" } else { continue }
                }
                (true, true) => return Err(FileFault::Open { line }),
            };
            let cells = self.cells.get_mut(length..).unwrap_or_default();
            let ends = self.ends.get_mut(count..).unwrap_or_default();
            let (result, taken, written, ended) = self.reader.read_record(input, cells, ends);
            let passed = input.get(..taken).unwrap_or_default();
            self.line += memchr::memchr_iter(b'\n', passed).count() as u64;
            if !last {
                self.at += taken;
            }
            (length, count) = (length + written, count + ended);
            match result {
                ReadRecordResult::Record => break,
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => return Err(FileFault::TooLong { line }),
                ReadRecordResult::OutputEndsFull => return Err(FileFault::TooWide { line }),
                ReadRecordResult::End => return Ok(None),
            }
        }
        let mut from = 0;
        let ends = self.ends.get(..count).unwrap_or_default();
        let cells = ends.iter().map(|&to| {
            let cell = self.cells.get(from..to).unwrap_or_default();
            from = to;
            str::from_utf8(cell).unwrap_or_default()
        });
        Ok(Some(Record { line, cells: cells.collect() }))
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.at..).unwrap_or_default()
    }

    fn more(&mut self) -> Result<bool, FileFault> {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.text.more(&mut self.buffer)
    }

    /// Whether something follows.
    fn skip_empty_lines(&mut self) -> Result<bool, FileFault> {
        loop {
            match self.rest().first().copied() {
                Some(b'\n') => (self.at, self.line) = (self.at + 1, self.line + 1),
                Some(_) => return Ok(true),
                None if !self.more()? => return Ok(false),
                None => {}
            }
        }
    }
}

/// What stands between the cells of this line: the one of `,`, `;` and tab that makes most columns' names of it, else the
/// one that is there most often.
fn found(line: &[u8]) -> u8 {
    let line = str::from_utf8(line).unwrap_or_default();
    let score = |separator: char| {
        let mut quoted = false;
        let cells = line.split(|c: char| {
            quoted ^= c == '"';
            c == separator && !quoted
        });
        cells.fold((0, 0), |(known, all), cell| {
            (known + usize::from(Column::of(cell).is_some()), all + 1)
        })
    };
    // The first of several that are as good.
    let best =
        [b'\t', b';', b','].into_iter().max_by_key(|&separator| score(char::from(separator)));
    best.unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(file: &[u8]) -> Result<Vec<(u64, Vec<String>)>, FileFault> {
        let mut records = Records::new(file)?;
        let mut all = Vec::new();
        while let Some(Record { line, cells }) = records.next()? {
            all.push((line, cells.into_iter().map(str::to_owned).collect()));
        }
        Ok(all)
    }

    fn lines(file: &str) -> Vec<(u64, Vec<String>)> {
        all(file.as_bytes()).unwrap()
    }

    fn is(line: u64, cells: &[&str]) -> (u64, Vec<String>) {
        (line, cells.iter().map(|cell| (*cell).to_owned()).collect())
    }

    #[test]
    fn each_separator_is_found_and_lines_are_counted_as_an_editor_does() {
        assert_eq!(lines("a,b\n1,2"), [is(1, &["a", "b"]), is(2, &["1", "2"])]);
        assert_eq!(lines("mac;b,c\r\n\r\n1;2\r\n"), [is(1, &["mac", "b,c"]), is(3, &["1", "2"])]);
        assert_eq!(lines("a\tb\n"), [is(1, &["a", "b"])]);
        assert_eq!(lines("sep=;\na;b\n"), [is(2, &["a", "b"])]);
        assert_eq!(
            lines("\"a;b;c\",d\n1,\"x\ny\"\n3,\"\"\"\"\n")[1..],
            [is(2, &["1", "x\ny"]), is(4, &["3", "\""])]
        );
        assert_eq!(lines("mac\n1\n"), [is(1, &["mac"]), is(2, &["1"])]);
        assert_eq!(lines("\n\n"), []);
        assert_eq!(lines(""), []);
        // A sign for inches is no quote in the middle of a cell.
        assert_eq!(lines("a,b\n1,24\" wide\n"), [is(1, &["a", "b"]), is(2, &["1", "24\" wide"])]);
    }

    #[test]
    fn a_quote_without_an_end_and_what_is_too_long_are_told_with_their_line() {
        assert!(matches!(all(b"a,b\n1,\"2\n3,4\n"), Err(FileFault::Open { line: 2 })));
        assert!(matches!(all(b"a,b\n1,\"2"), Err(FileFault::Open { line: 2 })));
        let long = format!("a,b\n1,{}\n", "x".repeat(LONGEST));
        assert!(matches!(all(long.as_bytes()), Err(FileFault::TooLong { line: 2 })));
        let wide = format!("a,b\n{}\n", ",".repeat(MOST_COLUMNS));
        assert!(matches!(all(wide.as_bytes()), Err(FileFault::TooWide { line: 2 })));
        let wide = format!("a,b\n{}\n", ",".repeat(MOST_COLUMNS - 2));
        assert_eq!(all(wide.as_bytes()).unwrap()[1].1.len(), MOST_COLUMNS - 1);
    }

    /// Gives the same byte for ever.
    struct Endless(u64);

    impl Read for Endless {
        fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
            to.fill(b'x');
            self.0 += to.len() as u64;
            assert!(self.0 < 1 << 20, "reads on and on");
            Ok(to.len())
        }
    }

    #[test]
    fn of_a_line_without_an_end_no_more_is_read_than_may_stand_in_one() {
        let mut records = Records::new(Endless(0)).unwrap();
        assert!(matches!(records.next(), Err(FileFault::TooLong { line: 1 })));
    }
}
