//! A stream to a server: TCP or a socket, encrypted from the beginning or on request.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

use super::ber::{Element, Parts};
use super::relay::Stream;
use super::settings::ServerUrl;
use super::{Access, Error, tls};

/// How long a connection may be silent before the kernel asks whether the other end is there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// A stream to a server, encrypted as the settings say.
pub(super) async fn stream(access: &Access, server: &ServerUrl) -> Result<Box<dyn Stream>, Error> {
    let lost = |error: std::io::Error| Error::Lost(error.to_string());
    let (tls, host, port) = match server {
        ServerUrl::Socket(path) => {
            return Ok(Box::new(UnixStream::connect(path).await.map_err(lost)?));
        }
        ServerUrl::Tcp { tls, host, port } => (*tls, host, *port),
    };
    let mut tcp = TcpStream::connect((host.as_str(), port)).await.map_err(lost)?;
    tcp.set_nodelay(true).map_err(lost)?;
    let keepalive = socket2::TcpKeepalive::new()
        .with_time(KEEPALIVE)
        .with_interval(Duration::from_secs(10))
        .with_retries(3);
    socket2::SockRef::from(&tcp).set_tcp_keepalive(&keepalive).map_err(lost)?;
    if !tls && !access.ldap.start_tls {
        return Ok(Box::new(tcp));
    }
    if !tls {
        start_tls(&mut tcp).await?;
    }
    let name = rustls::pki_types::ServerName::try_from(host.clone())
        .map_err(|_| Error::Lost(format!("{host} is no name that a certificate can have")))?;
    let connector = tokio_rustls::TlsConnector::from(tls::config(&access.ldap)?);
    let encrypted = connector.connect(name, tcp).await.map_err(Error::Handshake)?;
    Ok(Box::new(encrypted))
}

/// Asks for encryption (RFC 4511, section 4.14), before there is anything that `ldap3` could read.
async fn start_tls(tcp: &mut TcpStream) -> Result<(), Error> {
    const REQUEST: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";
    /// More than any answer to it.
    const LONGEST: usize = 4_096;
    let lost = |error: std::io::Error| Error::Lost(error.to_string());
    tcp.write_all(REQUEST).await.map_err(lost)?;
    let mut answer = Vec::new();
    loop {
        let mut there = Parts(&answer);
        if let Some(message) = there.next() {
            // What somebody in between put behind it would count as encrypted.
            if !there.is_empty() {
                return Err(Error::Lost("more than an answer to StartTLS".to_owned()));
            }
            let mut parts = message.parts();
            parts.next();
            let code = parts.expect(0x78).and_then(|result| result.parts().expect(0x0a));
            return match code.and_then(Element::number) {
                Some(0) => Ok(()),
                code => Err(Error::Refused {
                    what: "StartTLS",
                    code: code.unwrap_or(1),
                    told: "the server does not encrypt; name it with ldaps://, or set `start_tls = false`".to_owned(),
                }),
            };
        }
        let read = tcp.read_buf(&mut answer).await.map_err(lost)?;
        if read == 0 || answer.len() > LONGEST {
            return Err(Error::Lost("no answer to StartTLS".to_owned()));
        }
    }
}
