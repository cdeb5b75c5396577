use std::process::Stdio;

use axum::Router;
use axum::extract::Request;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, date_time_ymd,
};
use rustls::pki_types::ServerName;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio_rustls::TlsConnector;

use super::*;
use crate::http::Limits;
use crate::http::curl::{Served, curl};

mod proxy;

const MAC: &str = "0004f2aabbcc";

type Ca = CertifiedIssuer<'static, KeyPair>;

fn ca(name: &str) -> Ca {
    CertifiedIssuer::self_signed(ca_params(name), KeyPair::generate().unwrap()).unwrap()
}

fn ca_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// Files of a test: `server.crt`, `server.key`, and the phones' CA in `phones.crt`.
struct Files {
    folder: TempDir,
    /// Signs the server's certificate; the same in `ca.crt`.
    server: Ca,
    /// Signs the phones' certificates.
    phones: Ca,
}

impl Files {
    fn new() -> Self {
        let files = Self {
            folder: tempfile::tempdir().unwrap(),
            server: ca("server CA"),
            phones: ca("phones CA"),
        };
        files.write("ca.crt", &files.server.pem());
        files.write("phones.crt", &files.phones.pem());
        files.serve_as("127.0.0.1");
        files
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// A new certificate for the server.
    fn serve_as(&self, name: &str) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        self.write("server.crt", &params.signed_by(&key, &self.server).unwrap().pem());
        self.write("server.key", &key.serialize_pem());
    }

    /// `NAME.crt` and `NAME.key`: a certificate for a common name, valid for these years.
    fn phone(&self, name: &str, by: &Issuer<'_, KeyPair>, cn: &str, years: (i32, i32)) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, cn);
        params.distinguished_name.push(DnType::OrganizationName, "Polycom Inc.");
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.write(&format!("{name}.crt"), &params.signed_by(&key, by).unwrap().pem());
        self.write(&format!("{name}.key"), &key.serialize_pem());
    }

    fn settings(&self) -> TlsSettings {
        let path = |name| self.folder.path().join(name);
        TlsSettings {
            certificate: path("server.crt"),
            key: path("server.key"),
            client_roots: vec![path("phones.crt")],
            expired_client_certificates: true,
            common_name: CommonName::Mac,
        }
    }

    async fn served(&self, settings: TlsSettings) -> Served {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let tls = Tls::looking_every(Duration::ZERO, settings).unwrap();
        // Says which phone it is.
        let router = Router::new().fallback(async |request: Request| {
            let peer = request.extensions().get::<PeerCertificate>();
            peer.map_or("nobody".to_owned(), |peer| peer.mac.to_string())
        });
        Served::at(address, TlsListener { tcp, tls }, router, Limits::default())
    }

    /// Exit code and answer of curl with the certificate of that name; with none for "".
    async fn curl(&self, served: &Served, phone: &str, more: &[&str]) -> (i32, String) {
        let (root, url) = (self.path("ca.crt"), format!("https://{}/", served.address));
        let (crt, key) = (self.path(&format!("{phone}.crt")), self.path(&format!("{phone}.key")));
        let certificate = ["--cert", &crt, "--key", &key];
        let certificate = if phone.is_empty() { &[][..] } else { &certificate[..] };
        curl(&[&["--cacert", &root], certificate, more].concat(), &url).await
    }

    async fn openssl(&self, arguments: &[&str], stdin: &str) -> String {
        let mut child = Command::new("openssl")
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("openssl has to be installed");
        let mut to = child.stdin.take().unwrap();
        to.write_all(stdin.as_bytes()).await.unwrap();
        let output = tokio::time::timeout(Duration::from_secs(20), child.wait_with_output());
        let output = output.await.expect("openssl ends").unwrap();
        format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    }

    /// What `openssl s_client` prints.
    async fn s_client(&self, served: &Served, more: &[&str]) -> String {
        let address = served.address.to_string();
        let arguments =
            ["s_client", "-connect", &address, "-CAfile", "ca.crt", "-ign_eof", "-servername", "x"];
        let request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        self.openssl(&[&arguments, more].concat(), request).await
    }
}

#[tokio::test]
async fn a_phone_is_known_by_its_certificate_and_everybody_else_is_nobody() {
    let files = Files::new();
    let stranger = ca("phones CA");
    let between = CertifiedIssuer::signed_by(
        ca_params("phones CA 2"),
        KeyPair::generate().unwrap(),
        &files.phones,
    );
    let between = between.unwrap();
    files.phone("valid", &files.phones, "0004F2AABBCC", (2020, 2040));
    files.phone("expired", &files.phones, MAC, (2010, 2020));
    files.phone("early", &files.phones, MAC, (2050, 2060));
    files.phone("stranger", &stranger, MAC, (2020, 2040));
    files.phone("person", &files.phones, "prov.example.net", (2020, 2040));
    files.phone("chained", &between, MAC, (2020, 2040));
    let leaf = std::fs::read_to_string(files.path("chained.crt")).unwrap();
    files.write("chained.crt", &format!("{leaf}{}", between.pem()));
    files.phone("alone", &between, MAC, (2020, 2040));
    let any_time = files.served(files.settings()).await;
    let settings = TlsSettings { expired_client_certificates: false, ..files.settings() };
    let now = files.served(settings).await;
    for version in [["--tlsv1.2", "--tls-max", "1.2"], ["--tlsv1.3", "--tls-max", "1.3"]] {
        for (phone, at_any_time, at_present) in [
            ("valid", MAC, MAC),
            ("expired", MAC, "nobody"),
            ("early", MAC, "nobody"),
            ("stranger", "nobody", "nobody"),
            ("person", "nobody", "nobody"),
            ("chained", MAC, MAC),
            ("alone", "nobody", "nobody"),
            ("", "nobody", "nobody"),
        ] {
            let answer = files.curl(&any_time, phone, &version).await;
            assert_eq!(answer, (0, at_any_time.to_owned()), "{phone} {version:?}");
            let answer = files.curl(&now, phone, &version).await;
            assert_eq!(answer, (0, at_present.to_owned()), "{phone} {version:?}");
        }
    }
}

#[tokio::test]
async fn nobody_is_asked_for_a_certificate_where_there_are_no_roots() {
    let files = Files::new();
    files.phone("valid", &files.phones, MAC, (2020, 2040));
    let served = files.served(TlsSettings { client_roots: Vec::new(), ..files.settings() }).await;
    assert_eq!(files.curl(&served, "valid", &[]).await, (0, "nobody".to_owned()));
    let told = files.s_client(&served, &["-tls1_2"]).await;
    assert!(told.contains("No client certificate CA names sent"), "{told}");
    assert!(!told.contains("Client Certificate Types"), "{told}");
}

/// Old phones have certificates that cannot be checked; they must be able to come in by their key.
#[tokio::test]
async fn a_certificate_that_cannot_be_checked_breaks_no_connection() {
    let files = Files::new();
    files.write("phones.key", &files.phones.key().serialize_pem());
    files.write("v3", "basicConstraints=CA:FALSE\n");
    let subject = format!("/CN={MAC}");
    for (name, key, signed) in [
        ("short", ["-newkey", "rsa:1024"], &["-sha256", "-extfile", "v3"][..]),
        ("version1", ["-newkey", "rsa:2048"], &["-sha256"]),
        ("sha1", ["-newkey", "rsa:2048"], &["-sha1", "-extfile", "v3"]),
        ("good", ["-newkey", "rsa:2048"], &["-sha256", "-extfile", "v3"]),
    ] {
        let (file, csr) = (format!("{name}.key"), format!("{name}.csr"));
        let request = ["req", "-new", "-nodes", "-subj", &subject, "-keyout", &file, "-out", &csr];
        files.openssl(&[&request[..], &key].concat(), "").await;
        let crt = format!("{name}.crt");
        let sign = ["x509", "-req", "-in", &csr, "-CA", "phones.crt", "-CAkey", "phones.key"];
        let out = ["-set_serial", "1", "-days", "9", "-out", &crt];
        files.openssl(&[&sign[..], &out, signed].concat(), "").await;
    }
    let served = files.served(files.settings()).await;
    for version in ["-tls1_2", "-tls1_3"] {
        for (name, phone) in
            [("good", MAC), ("short", "nobody"), ("version1", "nobody"), ("sha1", "nobody")]
        {
            let (crt, key) = (format!("{name}.crt"), format!("{name}.key"));
            // Security level 0, or openssl itself would refuse to show the short and the SHA-1 one.
            let more = ["-cert", &crt, "-key", &key, "-cipher", "DEFAULT@SECLEVEL=0", version];
            let told = files.s_client(&served, &more).await;
            assert!(told.contains(&format!("\r\n\r\n{phone}")), "{name} {version} {told}");
        }
    }
}

/// Somebody who read a phone's certificate off the wire has not its key.
#[tokio::test]
async fn a_certificate_without_its_key_ends_the_handshake() {
    let files = Files::new();
    files.phone("valid", &files.phones, MAC, (2020, 2040));
    files.phone("own", &files.phones, "0004f2000001", (2020, 2040));
    let served = files.served(files.settings()).await;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(files.server.der().clone()).unwrap();
    for (version, key, phone) in [
        (&TLS12, "valid.key", Some(MAC)),
        (&TLS13, "valid.key", Some(MAC)),
        (&TLS12, "own.key", None),
        (&TLS13, "own.key", None),
    ] {
        let chain = certificates(Path::new(&files.path("valid.crt"))).unwrap();
        let key = key_of(&files, key);
        let key = provider.key_provider.load_private_key(key).unwrap();
        let client = rustls::ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots.clone())
            .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::new(
                chain, key,
            ))));
        let asked = async {
            let stream = TcpStream::connect(served.address).await?;
            let name = ServerName::from(served.address.ip());
            let mut stream = TlsConnector::from(Arc::new(client)).connect(name, stream).await?;
            stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            Ok::<_, io::Error>(answer)
        };
        let answer = tokio::time::timeout(Duration::from_secs(10), asked).await.unwrap();
        match phone {
            Some(phone) => assert!(answer.unwrap().ends_with(phone)),
            None => assert!(answer.is_err(), "{answer:?}"),
        }
    }
}

fn key_of(files: &Files, name: &str) -> PrivateKeyDer<'static> {
    key(Path::new(&files.path(name))).unwrap()
}

#[tokio::test]
async fn a_resumed_session_is_the_same_phones() {
    let files = Files::new();
    files.phone("valid", &files.phones, MAC, (2020, 2040));
    let served = files.served(files.settings()).await;
    for version in ["-tls1_2", "-tls1_3"] {
        let phone = ["-cert", "valid.crt", "-key", "valid.key", version];
        let first =
            files.s_client(&served, &[&phone[..], &["-sess_out", "session"]].concat()).await;
        assert!(first.contains("New, TLSv1") && first.contains(MAC), "{first}");
        // Without the certificate: the session knows it.
        let again = files.s_client(&served, &[version, "-sess_in", "session"]).await;
        assert!(again.contains("Reused, TLSv1") && again.contains(MAC), "{again}");
    }
}

#[tokio::test]
async fn a_new_certificate_is_used_without_a_restart_and_a_broken_one_is_not() {
    let files = Files::new();
    let served = files.served(files.settings()).await;
    let shown = async || {
        let told = files.s_client(&served, &[]).await;
        let line = told.lines().find(|line| line.starts_with("subject=")).unwrap_or(&told);
        line.rsplit("CN = ").next().unwrap().to_owned()
    };
    assert_eq!(shown().await, "127.0.0.1");
    files.serve_as("second");
    assert_eq!(shown().await, "second");
    let good = std::fs::read_to_string(files.path("server.key")).unwrap();
    for broken in ["", "nonsense", &KeyPair::generate().unwrap().serialize_pem()] {
        files.write("server.key", broken);
        assert_eq!(shown().await, "second", "{broken}");
    }
    std::fs::remove_file(files.path("server.key")).unwrap();
    assert_eq!(shown().await, "second");
    files.write("server.crt", "nonsense");
    files.write("server.key", &good);
    assert_eq!(shown().await, "second");
    files.serve_as("third");
    assert_eq!(shown().await, "third");
    // The phones' makers too.
    let other = ca("other maker");
    files.phone("other", &other, MAC, (2020, 2040));
    assert_eq!(files.curl(&served, "other", &[]).await.1, "nobody");
    files.write("phones.crt", &format!("{}{}", files.phones.pem(), other.pem()));
    assert_eq!(files.curl(&served, "other", &[]).await.1, MAC);
}

#[tokio::test]
async fn silence_and_garbage_hold_up_nobody_and_end() {
    let files = Files::new();
    let served = files.served(files.settings()).await;
    let mut silent = Vec::new();
    for _ in 0..40 {
        silent.push(TcpStream::connect(served.address).await.unwrap());
    }
    // The beginning of a handshake, and no more of it.
    silent[0].write_all(&[0x16, 0x03, 0x01, 0x02, 0x00, 0x01]).await.unwrap();
    for garbage in
        [&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], &[0xff; 20_000], &[0x16; 300], &[0; 9]]
    {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        let _ = stream.write_all(garbage).await;
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(15), stream.read_to_end(&mut answer));
        // An alert or a reset; nothing of ours in the clear.
        let _ = read.await.expect("it ends");
        assert!(answer.len() < 16, "{answer:?}");
    }
    assert_eq!(files.curl(&served, "", &["--max-time", "5"]).await, (0, "nobody".to_owned()));
    for stream in &mut silent[..2] {
        let mut rest = Vec::new();
        let read = tokio::time::timeout(2 * HANDSHAKE, stream.read_to_end(&mut rest));
        let _ = read.await.expect("it is closed after its ten seconds");
    }
}

#[tokio::test]
async fn old_tls_is_refused() {
    let files = Files::new();
    let served = files.served(files.settings()).await;
    let old = ["--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0"];
    assert_eq!(files.curl(&served, "", &old).await.0, 35);
}

#[test]
fn what_cannot_be_used_is_named_and_no_key_is_quoted() {
    let files = Files::new();
    let key = std::fs::read_to_string(files.path("server.key")).unwrap();
    let secret = key.lines().nth(1).unwrap().to_owned();
    let other = KeyPair::generate().unwrap().serialize_pem();
    let one_line = key.replace('\n', " ");
    for (name, text, told) in [
        ("server.key", "", "no private key"),
        ("server.key", &one_line, "no private key"),
        ("server.key", &key.replace("-----END", "----END"), "no private key"),
        ("server.key", &other, "with its private key"),
        ("server.crt", &key, "no certificate"),
        ("server.crt", &one_line, "no certificate"),
        ("phones.crt", "", "no certificate"),
        (
            "phones.crt",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "a CA cer",
        ),
    ] {
        let files = Files::new();
        files.write(name, text);
        let error = Tls::load(files.settings()).unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(said.contains(told) && said.contains(name.split('.').next().unwrap()), "{said}");
        assert!(!said.contains(&secret), "{said}");
    }
    let settings = TlsSettings { key: "/nowhere/server.key".into(), ..files.settings() };
    assert!(
        Tls::load(settings).unwrap_err().to_string().starts_with("/nowhere/server.key: No such")
    );
}
