//! TLS for a listener: a certificate that is read again when its files change, and client certificates
//! that nobody has to have.
//!
//! rustls with ring: TLS 1.2 and 1.3, no RSA key exchange, no CBC. Phones that know only older ones
//! need a TLS proxy in front, or a network of their own without TLS.

mod client;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::VerifierBuilderError;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::peer::{CommonName, PeerCertificate};
use super::serve::Incoming;
use client::ClientCertificates;

/// How long a client may take for its handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How often files are looked at, and only while clients come.
const LOOK: Duration = Duration::from_secs(2);

/// Where the certificates are.
#[derive(Debug, Clone)]
pub struct TlsSettings {
    /// Our certificate and those between it and a root, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// The makers' CA certificates, PEM, any number in each file. Empty: no client is asked for a
    /// certificate.
    pub client_roots: Vec<PathBuf>,
    /// Whether a phone's certificate counts before and after its time. Makers gave theirs years that
    /// are over, and a phone cannot get another one.
    pub expired_client_certificates: bool,
    /// Where the MAC address stands in a phone's certificate.
    pub common_name: CommonName,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no certificate in it. Without a source, which may quote the file; so below.
    #[error("{} has no certificate in it that can be read; it has to be PEM, `-----BEGIN CERTIFICATE-----`", path.display())]
    NoCertificate {
        /// Where.
        path: PathBuf,
    },
    /// There is no key in it.
    #[error("{} has no private key in it that can be used; it has to be PEM, without a password", path.display())]
    NoKey {
        /// Where.
        path: PathBuf,
    },
    /// Certificate and key do not belong together, or the key cannot be used.
    #[error("the certificate {} with its private key: {source}", path.display())]
    Pair {
        /// Where the certificate is.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// A CA certificate cannot be used.
    #[error("a CA certificate in {}: {source}", path.display())]
    Root {
        /// Where.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// The CA certificates cannot be used together.
    #[error("the CA certificates for clients: {0}")]
    Roots(VerifierBuilderError),
}

/// TLS as its files say. Clones share it.
#[derive(Clone)]
pub struct Tls(Arc<Files>);

/// What all clones share.
struct Files {
    settings: TlsSettings,
    /// How often they are looked at.
    every: Duration,
    current: Mutex<Current>,
}

/// What is in force.
struct Current {
    loaded: Loaded,
    /// When the files were last looked at.
    looked: Instant,
    /// As what they were last read, with or without success.
    stamps: Vec<Stamp>,
}

/// What one reading of the files gave.
#[derive(Clone)]
struct Loaded {
    config: Arc<ServerConfig>,
    clients: Option<Arc<ClientCertificates>>,
    good_until: Option<Timestamp>,
}

/// Time, length and inode of a file: other ones, another file. `None`: it is not there.
type Stamp = Option<(i64, i64, u64, u64)>;

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// One is not there or cannot be used.
    pub fn load(settings: TlsSettings) -> Result<Self, TlsError> {
        Self::looking_every(LOOK, settings)
    }

    fn looking_every(every: Duration, settings: TlsSettings) -> Result<Self, TlsError> {
        let stamps = stamps(&settings);
        let loaded = Loaded::read(&settings)?;
        let current = Mutex::new(Current { loaded, looked: Instant::now(), stamps });
        Ok(Self(Arc::new(Files { settings, every, current })))
    }

    /// Until when our certificate is good; `None` where it does not say so in a form that is known.
    pub fn good_until(&self) -> Option<Timestamp> {
        self.0.lock().loaded.good_until
    }

    /// Encrypts a connection; gives up after 10 seconds.
    ///
    /// A client certificate that does not verify is as none at all, so that its phone can still come
    /// in by its key. What does count was checked in both ways: its chain, and that the other end has
    /// its key.
    async fn accept(
        &self,
        stream: TcpStream,
    ) -> io::Result<(TlsStream<TcpStream>, Option<PeerCertificate>)> {
        let shaken = async {
            let Loaded { config, clients, .. } = self.current().await;
            let from = stream.peer_addr()?;
            let stream = TlsAcceptor::from(config).accept(stream).await?;
            let chain = stream.get_ref().1.peer_certificates();
            let phone = clients.zip(chain).map(|(clients, chain)| {
                clients.phone(chain, UnixTime::now()).inspect_err(|reason| {
                    tracing::info!(%from, %reason, "a client certificate counts for nothing");
                })
            });
            let peer = phone.and_then(Result::ok).map(|mac| PeerCertificate { mac });
            Ok((stream, peer))
        };
        tokio::time::timeout(HANDSHAKE, shaken).await?
    }

    /// What the files say. They are looked at every few seconds, by one connection at a time.
    async fn current(&self) -> Loaded {
        let (loaded, due) = {
            let mut current = self.0.lock();
            let due = current.looked.elapsed() >= self.0.every;
            if due {
                current.looked = Instant::now();
            }
            (current.loaded.clone(), due)
        };
        if !due {
            return loaded;
        }
        let files = self.0.clone();
        let look = tokio::task::spawn_blocking(move || files.look());
        look.await.unwrap_or(loaded)
    }
}

impl Files {
    /// Reads files that changed; those that cannot be used change nothing.
    fn look(&self) -> Loaded {
        let stamps = stamps(&self.settings);
        if self.lock().stamps != stamps {
            let read = Loaded::read(&self.settings);
            let mut current = self.lock();
            // Also when they cannot be used, so that the log has it once for each change.
            current.stamps = stamps;
            match read {
                Ok(loaded) => {
                    tracing::info!("the TLS certificates were read again");
                    current.loaded = loaded;
                }
                Err(error) => {
                    tracing::error!(%error, "the TLS certificates changed and cannot be used; those from before are");
                }
            }
        }
        self.lock().loaded.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stamps(settings: &TlsSettings) -> Vec<Stamp> {
    let paths = [&settings.certificate, &settings.key].into_iter().chain(&settings.client_roots);
    let stamp = |path: &PathBuf| {
        let meta = std::fs::metadata(path).ok()?;
        Some((meta.mtime(), meta.mtime_nsec(), meta.len(), meta.ino()))
    };
    paths.map(stamp).collect()
}

impl Loaded {
    fn read(settings: &TlsSettings) -> Result<Self, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let pair = |source| TlsError::Pair { path: settings.certificate.clone(), source };
        let mut roots = RootCertStore::empty();
        for path in &settings.client_roots {
            for root in certificates(path)? {
                let failed = |source| TlsError::Root { path: path.clone(), source };
                roots.add(root).map_err(failed)?;
            }
        }
        let clients = if roots.is_empty() {
            None
        } else {
            let clients = ClientCertificates::new(
                roots,
                provider.clone(),
                settings.expired_client_certificates,
                settings.common_name,
            );
            Some(Arc::new(clients.map_err(TlsError::Roots)?))
        };
        let builder = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(pair)?;
        let builder = match &clients {
            Some(clients) => builder.with_client_cert_verifier(clients.clone()),
            None => builder.with_no_client_auth(),
        };
        // No ALPN: an old client that names nothing we know would be turned away for it.
        let chain = certificates(&settings.certificate)?;
        let good_until = chain.first().and_then(client::good_until);
        let config = builder.with_single_cert(chain, key(&settings.key)?).map_err(pair)?;
        Ok(Self { config: Arc::new(config), clients, good_until })
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |error| match error {
        pem::Error::Io(source) => TlsError::File { path: path.into(), source },
        _ => TlsError::NoCertificate { path: path.into() },
    };
    let read = CertificateDer::pem_file_iter(path).map_err(failed)?;
    let certificates = read.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    if certificates.is_empty() { Err(failed(pem::Error::NoItemsFound)) } else { Ok(certificates) }
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| match error {
        pem::Error::Io(source) => TlsError::File { path: path.into(), source },
        _ => TlsError::NoKey { path: path.into() },
    })
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tls").field(&self.0.settings).finish()
    }
}

/// A TCP listener whose connections are encrypted.
#[derive(Debug)]
pub struct TlsListener {
    /// Where connections come from.
    pub tcp: TcpListener,
    /// How they are encrypted.
    pub tls: Tls,
}

impl Incoming for TlsListener {
    type Accepted = (TcpStream, Tls);
    type Stream = TlsStream<TcpStream>;

    async fn next(&self) -> io::Result<((TcpStream, Tls), Option<SocketAddr>)> {
        let (stream, peer) = self.tcp.accept().await?;
        Ok(((stream, self.tls.clone()), Some(peer)))
    }

    async fn open(
        (stream, tls): (TcpStream, Tls),
    ) -> io::Result<(TlsStream<TcpStream>, Option<PeerCertificate>)> {
        stream.set_nodelay(true)?;
        tls.accept(stream).await
    }
}

#[cfg(test)]
mod tests;
