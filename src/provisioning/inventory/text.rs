//! A file's bytes as lines of UTF-8, whatever program wrote it.
//!
//! What it is encoded in is known from a byte order mark, else from the first byte beyond ASCII: it begins a
//! character of UTF-8, or it is one of Windows-1252, of which Latin-1 is a part. So nothing has to be read twice, and
//! standard input will do. Line ends become `\n`.

use std::fmt;
use std::io::{self, ErrorKind, Read};

use encoding_rs::{Decoder, DecoderResult, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use serde::{Deserialize, Serialize};

use super::FileFault;

/// How much is read at a time, in bytes.
const CHUNK: usize = 32 * 1024;

/// What a file is encoded in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// Nothing beyond ASCII stands in it.
    #[serde(rename = "ascii")]
    Ascii,
    /// UTF-8, with or without a byte order mark.
    #[serde(rename = "utf-8")]
    Utf8,
    /// UTF-16 with a byte order mark: Excel's "Unicode text".
    #[serde(rename = "utf-16")]
    Utf16,
    /// Windows-1252, of which Latin-1 is a part.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ascii => "ASCII",
            Self::Utf8 => "UTF-8",
            Self::Utf16 => "UTF-16",
            Self::Windows1252 => "Windows-1252 (Latin-1)",
        })
    }
}

/// A file on its way to UTF-8.
pub(super) struct Text<R> {
    file: R,
    encoding: Encoding,
    decoder: Option<Decoder>,
    /// Read and not decoded: the beginning of a character.
    rest: Vec<u8>,
    began: bool,
    ended: bool,
    /// The last byte was `\r`, so that a `\n` is part of the same line end.
    after_return: bool,
    /// The line of what comes next, from 1.
    line: u64,
    /// How many bytes were read of the file.
    pub read: u64,
}

impl<R: Read> Text<R> {
    pub(super) fn new(file: R) -> Self {
        Self {
            file,
            encoding: Encoding::Ascii,
            decoder: None,
            rest: Vec::new(),
            began: false,
            ended: false,
            after_return: false,
            line: 1,
            read: 0,
        }
    }

    /// What it is encoded in, as far as is known by now.
    pub(super) fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Puts some more text behind `text`; answers whether there was more.
    pub(super) fn more(&mut self, text: &mut Vec<u8>) -> Result<bool, FileFault> {
        while !self.ended {
            let mut bytes = std::mem::take(&mut self.rest);
            self.fill(&mut bytes)?;
            if !self.began {
                self.begin(&mut bytes);
            }
            let begins = text.len();
            match self.decoder.is_some() {
                true => self.decode(&bytes, text, begins)?,
                false => self.decide(&bytes, text)?,
            }
            self.line_ends(text, begins)?;
            if text.len() > begins {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads a chunk behind what is there.
    fn fill(&mut self, bytes: &mut Vec<u8>) -> Result<(), FileFault> {
        let from = bytes.len();
        bytes.resize(from + CHUNK, 0);
        let mut filled = from;
        // At least so much that a byte order mark is whole.
        while filled < from + 4 && !self.ended {
            match self.file.read(bytes.get_mut(filled..).unwrap_or_default()) {
                Ok(0) => self.ended = true,
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        bytes.truncate(filled);
        self.read += (filled - from) as u64;
        Ok(())
    }

    /// Looks for a byte order mark.
    fn begin(&mut self, bytes: &mut Vec<u8>) {
        self.began = true;
        let (encoding, decoder, mark) = match bytes.as_slice() {
            [0xef, 0xbb, 0xbf, ..] => (Encoding::Utf8, UTF_8, 3),
            [0xff, 0xfe, ..] => (Encoding::Utf16, UTF_16LE, 2),
            [0xfe, 0xff, ..] => (Encoding::Utf16, UTF_16BE, 2),
            _ => return,
        };
        self.encoding = encoding;
        self.decoder = Some(decoder.new_decoder_without_bom_handling());
        bytes.drain(..mark);
    }

    /// As long as there is nothing beyond ASCII; then decides.
    fn decide(&mut self, bytes: &[u8], text: &mut Vec<u8>) -> Result<(), FileFault> {
        let begins = text.len();
        let ascii = bytes.iter().position(|byte| !byte.is_ascii()).unwrap_or(bytes.len());
        let (ascii, beyond) = bytes.split_at_checked(ascii).unwrap_or((bytes, &[]));
        text.extend_from_slice(ascii);
        if beyond.is_empty() {
            return Ok(());
        }
        let first = beyond.get(..4).unwrap_or(beyond);
        let is_utf8 = match str::from_utf8(first) {
            Ok(_) => true,
            Err(error) if error.valid_up_to() > 0 => true,
            // The rest of the character is still to come.
            Err(error) if error.error_len().is_none() && !self.ended => {
                self.rest = beyond.to_vec();
                return Ok(());
            }
            Err(_) => false,
        };
        let (encoding, decoder) = match is_utf8 {
            true => (Encoding::Utf8, UTF_8),
            false => (Encoding::Windows1252, WINDOWS_1252),
        };
        self.encoding = encoding;
        self.decoder = Some(decoder.new_decoder_without_bom_handling());
        self.decode(beyond, text, begins)
    }

    fn decode(&mut self, bytes: &[u8], text: &mut Vec<u8>, begins: usize) -> Result<(), FileFault> {
        let Some(decoder) = &mut self.decoder else { return Ok(()) };
        let most = decoder.max_utf8_buffer_length_without_replacement(bytes.len());
        let from = text.len();
        text.resize(from + most.unwrap_or(3 * bytes.len() + 16), 0);
        let to = text.get_mut(from..).unwrap_or_default();
        let (result, _, written) =
            decoder.decode_to_utf8_without_replacement(bytes, to, self.ended);
        text.truncate(from + written);
        match result {
            DecoderResult::InputEmpty => Ok(()),
            _ => {
                let before = text.get(begins..).unwrap_or_default();
                let line = self.line + before.iter().filter(|byte| **byte == b'\n').count() as u64;
                Err(FileFault::Encoding { line, encoding: self.encoding })
            }
        }
    }

    /// Makes `\n` of every line end behind `begins`, and counts them.
    fn line_ends(&mut self, text: &mut Vec<u8>, begins: usize) -> Result<(), FileFault> {
        let fresh = text.get(begins..).unwrap_or_default();
        if memchr::memchr2(b'\r', 0, fresh).is_none() && !self.after_return {
            self.line += memchr::memchr_iter(b'\n', fresh).count() as u64;
            return Ok(());
        }
        let mut kept = Vec::with_capacity(fresh.len());
        for &byte in fresh {
            match byte {
                0 => return Err(FileFault::Nul { line: self.line }),
                b'\n' if self.after_return => {}
                b'\n' | b'\r' => {
                    self.line += 1;
                    kept.push(b'\n');
                }
                _ => kept.push(byte),
            }
            self.after_return = byte == b'\r';
        }
        text.truncate(begins);
        text.extend(kept);
        Ok(())
    }
}

impl From<io::Error> for FileFault {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a byte at a time, as a slow pipe.
    struct Dripping<'a>(&'a [u8]);

    impl Read for Dripping<'_> {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(1).min(to.len());
            let (now, later) = self.0.split_at(count);
            to[..count].copy_from_slice(now);
            self.0 = later;
            Ok(count)
        }
    }

    fn read(file: impl Read) -> Result<(String, Encoding), FileFault> {
        let mut text = Text::new(file);
        let mut all = Vec::new();
        while text.more(&mut all)? {}
        Ok((String::from_utf8(all).unwrap(), text.encoding()))
    }

    fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(unit).collect()
    }

    #[test]
    fn every_usual_encoding_is_known_however_the_bytes_come() {
        let text = "mac;Büro\r\n€ 1;𝄞\n";
        let wanted = "mac;Büro\n€ 1;𝄞\n";
        let mut marked = vec![0xef, 0xbb, 0xbf];
        marked.extend(text.as_bytes());
        for (bytes, encoding) in [
            (text.as_bytes().to_vec(), Encoding::Utf8),
            (marked, Encoding::Utf8),
            (utf16(text, u16::to_le_bytes), Encoding::Utf16),
            (utf16(text, u16::to_be_bytes), Encoding::Utf16),
        ] {
            assert_eq!(read(&bytes[..]).unwrap(), (wanted.to_owned(), encoding));
            assert_eq!(read(Dripping(&bytes)).unwrap(), (wanted.to_owned(), encoding));
        }
        let latin = b"mac,B\xfcro \x80\r1,2\r";
        let wanted = ("mac,Büro €\n1,2\n".to_owned(), Encoding::Windows1252);
        assert_eq!(read(&latin[..]).unwrap(), wanted);
        assert_eq!(read(Dripping(latin)).unwrap(), wanted);
        assert_eq!(read(&b"a\xfc"[..]).unwrap().0, "aü");
        assert_eq!(read(&b""[..]).unwrap(), (String::new(), Encoding::Ascii));
        assert_eq!(read(&b"a\r\n\r\nb"[..]).unwrap().0, "a\n\nb");
    }

    #[test]
    fn bytes_that_are_no_text_are_told_with_their_line() {
        let mixed = "a\nü\n".bytes().chain(*b"b\xfc\n").collect::<Vec<u8>>();
        let fault = read(&mixed[..]).unwrap_err();
        assert!(matches!(fault, FileFault::Encoding { line: 3, encoding: Encoding::Utf8 }));
        assert!(matches!(read(&b"a\nb\0"[..]).unwrap_err(), FileFault::Nul { line: 2 }));
        let unmarked: Vec<u8> = "mac".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(matches!(read(&unmarked[..]).unwrap_err(), FileFault::Nul { line: 1 }));
        assert!(matches!(read(&[0xff, 0xfe, 0x00][..]).unwrap_err(), FileFault::Encoding { .. }));
    }
}
