//! Client certificates: the phones' own, from their makers.
//!
//! TLS has no way to say *never mind* about a certificate that was sent: the handshake fails or it
//! counts. So every certificate is taken in the handshake, and only afterwards it is verified whether
//! it counts; after a resumed session too, because the moment is always the present one.
//!
//! The signature by which the other end shows that it has the certificate's key is checked within the
//! handshake, which fails where it is wrong. Only for certificates that cannot count whatever the chain
//! says - X.509 v1, RSA keys below 2048 bits, curves that ring has not - a signature that cannot be
//! checked is let pass, because such phones come in by their key.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ParsedCertificate, VerifierBuilderError, WebPkiClientVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};
use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_PKCS1_RSAENCRYPTION,
    OID_SIG_ED25519,
};
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::http::peer::CommonName;
use crate::model::Mac;

/// Verifies the phones' certificates.
#[derive(Debug)]
pub(super) struct ClientCertificates {
    /// Verifies chains and signatures.
    webpki: Arc<dyn ClientCertVerifier>,
    /// Whether a certificate counts before and after its time.
    at_any_time: bool,
    common_name: CommonName,
}

/// Why a certificate counts for nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum Uncounted {
    /// Nothing was sent, or something that is none.
    #[error("it is no certificate that can be read")]
    Unreadable,
    /// Its key is of a kind that cannot be checked.
    #[error("its key is too short, or of a kind that is not supported")]
    Key,
    /// The chain does not end at one of the roots, or is not valid.
    #[error("{0}")]
    Chain(Error),
    /// It is somebody's, and no phone's.
    #[error("its common name is no MAC address")]
    CommonName,
}

impl ClientCertificates {
    /// # Errors
    /// There are no roots.
    pub(super) fn new(
        roots: RootCertStore,
        provider: Arc<CryptoProvider>,
        at_any_time: bool,
        common_name: CommonName,
    ) -> Result<Self, VerifierBuilderError> {
        let webpki =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
        Ok(Self { webpki, at_any_time, common_name })
    }

    /// The phone whose certificate the other end of a finished handshake has.
    ///
    /// # Errors
    /// It counts for nothing.
    pub(super) fn phone(
        &self,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<Mac, Uncounted> {
        let (leaf, between) = chain.split_first().ok_or(Uncounted::Unreadable)?;
        let read = read(leaf).ok_or(Uncounted::Unreadable)?;
        if !is_supported(leaf, &read) {
            return Err(Uncounted::Key);
        }
        let at = |moment| self.webpki.verify_client_cert(leaf, between, moment).map(|_| ());
        self.moments(&read, now)
            .into_iter()
            .map(at)
            .reduce(Result::or)
            .unwrap_or(Err(Error::General("no moment to verify it at".to_owned())))
            .map_err(Uncounted::Chain)?;
        let mut names = read.subject().iter_common_name();
        let name = names.next().filter(|_| names.next().is_none());
        let phone = name.and_then(|name| self.common_name.phone(name.as_str().ok()?));
        phone.ok_or(Uncounted::CommonName)
    }

    /// The moments at one of which the chain has to be valid: now; or, where time does not count, one
    /// within the certificate's own validity. That is the one next to now, and the one at which it was
    /// issued, when the CA certificates above it were valid too.
    fn moments(&self, leaf: &X509Certificate<'_>, now: UnixTime) -> Vec<UnixTime> {
        if !self.at_any_time {
            return vec![now];
        }
        let seconds = |time: x509_parser::time::ASN1Time| time.timestamp().try_into().unwrap_or(0);
        let (from, to) = (seconds(leaf.validity().not_before), seconds(leaf.validity().not_after));
        [now.as_secs().min(to).max(from), from]
            .map(|second| UnixTime::since_unix_epoch(Duration::from_secs(second)))
            .to_vec()
    }
}

/// Until when a certificate is good.
pub(super) fn good_until(certificate: &CertificateDer<'_>) -> Option<Timestamp> {
    Timestamp::from_second(read(certificate)?.validity().not_after.timestamp()).ok()
}

fn read<'a>(certificate: &'a CertificateDer<'_>) -> Option<X509Certificate<'a>> {
    X509Certificate::from_der(certificate).ok().map(|(_, read)| read)
}

/// Whether signatures by the certificate's key can be checked. What cannot is never a phone's.
fn is_supported(certificate: &CertificateDer<'_>, read: &X509Certificate<'_>) -> bool {
    ParsedCertificate::try_from(certificate).is_ok() && is_supported_key(read.public_key())
}

fn is_supported_key(key: &SubjectPublicKeyInfo<'_>) -> bool {
    let algorithm = &key.algorithm.algorithm;
    if *algorithm == OID_PKCS1_RSAENCRYPTION {
        let Ok(PublicKey::RSA(key)) = key.parsed() else { return false };
        return (2048..=8192).contains(&key.key_size());
    }
    let curve = key.algorithm.parameters.as_ref().and_then(|curve| curve.as_oid().ok());
    let is_known = |curve| curve == OID_EC_P256 || curve == OID_NIST_EC_P384;
    *algorithm == OID_SIG_ED25519
        || *algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY && curve.is_some_and(is_known)
}

/// A wrong signature, where the certificate cannot count anyway.
fn let_pass(
    certificate: &CertificateDer<'_>,
    error: Error,
) -> Result<HandshakeSignatureValid, Error> {
    match read(certificate) {
        Some(read) if is_supported(certificate, &read) => Err(error),
        _ => Ok(HandshakeSignatureValid::assertion()),
    }
}

impl ClientCertVerifier for ClientCertificates {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// None, which means any: phones whose maker put a CA between would not find theirs among the
    /// roots, and send nothing.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    /// Takes everything; [`ClientCertificates::phone`] decides.
    fn verify_client_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _between: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verified = self.webpki.verify_tls12_signature(message, leaf, signed);
        verified.or_else(|error| let_pass(leaf, error))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verified = self.webpki.verify_tls13_signature(message, leaf, signed);
        verified.or_else(|error| let_pass(leaf, error))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}
