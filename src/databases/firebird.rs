//! How Firebird's client connects, and what its bytes mean.

use rsfbclient::prelude::{
    TrDataAccessMode, TrIsolationLevel, TrLockResolution, TrRecordVersion, TransactionConfiguration,
};
use rsfbclient::{Charset, FbError, PureRustConnectionBuilder, charset};

use super::{Fault, FirebirdCharset, Relay, Server};

/// What is done in a transaction: reading what is there, waiting for nobody.
const READ_ONLY: TransactionConfiguration = TransactionConfiguration {
    data_access: TrDataAccessMode::ReadOnly,
    isolation: TrIsolationLevel::ReadCommited(TrRecordVersion::RecordVersion),
    lock_resolution: TrLockResolution::NoWait,
};

/// A connection to be made over this relay.
pub(crate) fn firebird(server: &Server, relay: &Relay) -> PureRustConnectionBuilder {
    let mut builder = rsfbclient::builder_pure_rust();
    builder
        .host(relay.address.ip().to_string())
        .port(relay.address.port())
        .db_name(&server.url.database)
        .user(&server.url.user)
        .pass(server.password())
        .charset(character_set(server.charset))
        .transaction(READ_ONLY);
    builder
}

/// What the server is told, and what we make of its bytes.
///
/// A server asked for UTF-8 converts what has a character set, and hands out as they are the bytes of what has
/// none, as in many old databases. The client would fail there, so that it makes one character of each byte, and
/// whoever reads looks what the bytes are ([`bytes_of`]).
fn character_set(set: FirebirdCharset) -> Charset {
    match set {
        FirebirdCharset::Utf8 => Charset { on_rust: charset::ISO_8859_1.on_rust, ..charset::UTF_8 },
        FirebirdCharset::Win1252 => charset::WIN_1252,
        FirebirdCharset::Win1250 => charset::WIN_1250,
        FirebirdCharset::Win1251 => charset::WIN_1251,
        FirebirdCharset::Iso8859_1 => charset::ISO_8859_1,
        FirebirdCharset::Iso8859_2 => charset::ISO_8859_2,
    }
}

/// A text as one character for each of its bytes, which the client turns back into these.
pub(crate) fn byte_by_byte(text: &str) -> String {
    text.bytes().map(char::from).collect()
}

/// The bytes of such a text; other texts are their own.
pub(crate) fn bytes_of(text: &str) -> Vec<u8> {
    let bytes: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
    bytes.unwrap_or_else(|_| text.as_bytes().to_vec())
}

impl Server {
    /// What went wrong with Firebird's client.
    pub(crate) fn firebird_fault(&self, error: &FbError) -> Fault {
        match error {
            FbError::Sql { msg, .. } => Fault::Refused(self.told(msg)),
            FbError::Io(error) => Fault::Lost(self.told(&error.to_string())),
            FbError::Other(told) => Fault::Lost(self.told(told)),
        }
    }
}
