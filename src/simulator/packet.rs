//! The bytes that a daemon sends, read as FreeSWITCH reads them (`read_packet` of
//! `mod_event_socket.c`; `facts/event_socket.md`, 2.2): one at a time, without IO or clock.

/// A header block may be this long, then the connection is closed.
const MAX_HEADERS: usize = 10 * 1024 * 1024;
/// The body of a command may be this long, then the connection is closed.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// One command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Packet {
    /// The whole header block: FreeSWITCH looks for some words in all of it.
    pub(super) block: String,
    /// Headers after the first line, in order.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<String>,
}

impl Packet {
    /// The first line: cut at the first CR if there is one anywhere, else at the first LF.
    pub(super) fn command(&self) -> &str {
        strip_cr(&self.block)
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        super::event::get(&self.headers, name)
    }
}

/// What one more byte led to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    More,
    Packet(Packet),
    /// A limit was passed: FreeSWITCH closes the connection.
    TooLong,
}

/// Puts bytes together to commands.
#[derive(Default)]
pub(super) struct PacketReader {
    block: Vec<u8>,
    newlines: u8,
    /// The command whose body is being read, and how long it is to become.
    pending: Option<(Packet, usize)>,
    body: Vec<u8>,
}

impl PacketReader {
    /// Nothing of a command has been read: only then does FreeSWITCH send events.
    pub(super) fn is_idle(&self) -> bool {
        self.block.is_empty() && self.pending.is_none()
    }

    pub(super) fn push(&mut self, byte: u8) -> Step {
        if self.pending.is_some() {
            return self.push_body(byte);
        }
        if self.block.is_empty() && matches!(byte, b'\r' | b'\n') {
            return Step::More;
        }
        self.block.push(byte);
        match byte {
            b'\n' => self.newlines += 1,
            b'\r' => {}
            _ => self.newlines = 0,
        }
        if self.block.len() > MAX_HEADERS {
            return Step::TooLong;
        }
        if self.newlines < 2 {
            return Step::More;
        }
        self.newlines = 0;
        let (packet, length) = parse(&std::mem::take(&mut self.block));
        match length {
            0 => Step::Packet(packet),
            length if length > MAX_BODY => Step::TooLong,
            length => {
                self.pending = Some((packet, length));
                Step::More
            }
        }
    }

    fn push_body(&mut self, byte: u8) -> Step {
        self.body.push(byte);
        match self.pending.take() {
            Some((mut packet, length)) if self.body.len() >= length => {
                let body = std::mem::take(&mut self.body);
                packet.body = Some(c_string(&body));
                Step::Packet(packet)
            }
            pending => {
                self.pending = pending;
                Step::More
            }
        }
    }
}

/// A header block as command, headers, and the length of the body that is to come.
fn parse(block: &[u8]) -> (Packet, usize) {
    let block = c_string(block);
    let mut packet = Packet { block: block.clone(), ..Packet::default() };
    let mut length = 0;
    let mut rest = next_line(&block);
    while let Some(line) = rest {
        if let Some((name, value)) = strip_cr(line).split_once(':') {
            let value = value.trim_start_matches(' ');
            if name.eq_ignore_ascii_case("content-length") {
                length = leading_number(value);
            }
            packet.headers.push((name.to_owned(), value.to_owned()));
        }
        rest = next_line(line);
    }
    (packet, length)
}

/// What follows the end of the line that `text` starts with. FreeSWITCH looks for a CR *first*, so a
/// bare CR further down swallows the lines before it.
fn next_line(text: &str) -> Option<&str> {
    let end = text.find('\r').or_else(|| text.find('\n'))?;
    text.get(end..)
        .map(|rest| rest.trim_start_matches(['\r', '\n']))
        .filter(|rest| !rest.is_empty())
}

/// `text` up to its first CR, or without one up to its first LF.
fn strip_cr(text: &str) -> &str {
    text.split_once('\r').or_else(|| text.split_once('\n')).map_or(text, |(line, _)| line)
}

/// C's reading of bytes: NUL ends them.
fn c_string(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

/// C's `atoi`, without negative numbers.
pub(super) fn leading_number(text: &str) -> usize {
    let digits: String =
        text.trim_start().chars().take_while(char::is_ascii_digit).take(12).collect();
    digits.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<Packet> {
        let mut reader = PacketReader::default();
        let mut packets = Vec::new();
        for byte in bytes {
            if let Step::Packet(packet) = reader.push(*byte) {
                packets.push(packet);
            }
        }
        packets
    }

    fn commands(bytes: &[u8]) -> Vec<String> {
        read(bytes).iter().map(|p| p.command().to_owned()).collect()
    }

    #[test]
    fn pipelined_commands_and_newlines_between_them() {
        assert_eq!(commands(b"connect\n\n\n\nmyevents\n\n"), ["connect", "myevents"]);
        assert_eq!(commands(b"connect\r\n\r\nlinger 5\n\n"), ["connect", "linger 5"]);
    }

    #[test]
    fn a_body_may_hold_anything_and_trailing_newlines_are_harmless() {
        let bytes = "sendmsg\ncall-command: execute\ncontent-length: 34\n\ngreeting=line one\nline two: æøå\n\nexit\n\n";
        let packets = read(bytes.as_bytes());
        assert_eq!(packets[0].body.as_deref(), Some("greeting=line one\nline two: æøå"));
        assert_eq!(packets[1].command(), "exit");
    }

    #[test]
    fn two_newlines_in_an_argument_start_a_new_command() {
        let packets = read(b"sendmsg\nexecute-app-arg: a=b\n\napi strftime %Y\n\n");
        assert_eq!(packets[0].get("Execute-App-Arg"), Some("a=b"));
        assert_eq!(packets[1].command(), "api strftime %Y");
    }

    #[test]
    fn a_bare_cr_swallows_lines() {
        let packets = read(
            b"sendmsg\ncall-command: execute\nexecute-app-name: set\nexecute-app-arg: a=\rb\n\n",
        );
        assert_eq!(packets[0].get("call-command"), None);
        let packets = read(b"sendmsg\na: x\nb: y\r\n\n");
        assert_eq!(packets[0].headers, []);
    }

    #[test]
    fn nul_cuts_and_leading_blanks_go() {
        let packets = read(b"sendmsg\na:    x\0y\nb: z\n\n");
        assert_eq!(packets[0].headers, [("a".to_owned(), "x".to_owned())]);
    }

    #[test]
    fn a_body_past_the_limit_is_too_long() {
        let mut reader = PacketReader::default();
        let last = b"x\ncontent-length: 16777217\n\n".map(|b| reader.push(b));
        assert_eq!(last.last(), Some(&Step::TooLong));
    }
}
