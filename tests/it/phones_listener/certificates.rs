//! Factory certificates over TLS, and the header of a proxy that verified one.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, date_time_ymd,
};

use super::*;

type Ca = CertifiedIssuer<'static, KeyPair>;

fn ca(name: &str) -> Ca {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // A maker's CA outlives none of its phones.
    params.not_before = date_time_ymd(2005, 1, 1);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// The files of a TLS listener, and of the phones that come to it.
struct Files {
    folder: tempfile::TempDir,
    maker: Ca,
}

impl Files {
    fn new() -> Self {
        let files = Self { folder: tempfile::tempdir().unwrap(), maker: ca("Maker") };
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let server = ca("Server");
        files.write("ca.crt", &server.pem());
        files.write("maker.crt", &files.maker.pem());
        files.write("server.crt", &params.signed_by(&key, &server).unwrap().pem());
        files.write("server.key", &key.serialize_pem());
        files
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// curl's arguments for a certificate of this common name, valid for these years.
    fn phone(&self, by: &Issuer<'_, KeyPair>, name: &str, years: (i32, i32)) -> Vec<String> {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let file = format!("{:08x}", rand::random::<u32>());
        self.write(&format!("{file}.crt"), &params.signed_by(&key, by).unwrap().pem());
        self.write(&format!("{file}.key"), &key.serialize_pem());
        let paths = ["--cert", &self.path(&format!("{file}.crt")), "--key"].map(str::to_owned);
        [&paths[..], &[self.path(&format!("{file}.key"))]].concat()
    }

    async fn office(&self, more: &str) -> Office {
        let provisioning = format!(
            "[provisioning.tls]\ncertificate = \"{}\"\nkey = \"{}\"\nclient_authorities = [\"{}\"]\n{more}",
            self.path("server.crt"),
            self.path("server.key"),
            self.path("maker.crt"),
        );
        let office = Office::with(Plan { provisioning, tls: true, ..Plan::default() }).await;
        for mac in [SNOM, OTHER, POLYCOM] {
            window(&office, mac, 0).await;
        }
        office
    }

    /// The last answer to curl over TLS.
    fn curl(&self, office: &Office, arguments: &[String], path: &str) -> Reply {
        let base = format!("https://{}", office.config.phones_tls.0.as_ref().unwrap().address);
        let ca = self.path("ca.crt");
        let mut all = vec!["--cacert", &ca];
        all.extend(arguments.iter().map(String::as_str));
        all.push(path);
        curl_at(&base, &all).pop().unwrap()
    }
}

#[tokio::test]
async fn a_makers_certificate_lets_its_phone_in_without_a_window_and_no_other() {
    let files = Files::new();
    let office = files.office("").await;
    let path = |mac: &str| format!("/provision/{mac}.htm");
    let good = files.phone(&files.maker, SNOM, (2020, 2045));
    let refused = files.curl(&office, &[], &path(SNOM));
    assert_eq!(refused.status, 401, "without a certificate");
    let reply = files.curl(&office, &good, &path(SNOM));
    assert_eq!(reply.status, 200);
    assert!(reply.text().contains(PHONES[0].1));
    let spelled = files.phone(&files.maker, "00:04:13:2A:00:02", (2020, 2045));
    assert_eq!(files.curl(&office, &spelled, &path(OTHER)).status, 200);
    // Expired ones count: makers gave theirs years that are over.
    let expired = files.phone(&files.maker, SNOM, (2008, 2013));
    assert_eq!(files.curl(&office, &expired, &path(SNOM)).status, 200);
    // Another CA that calls itself the same.
    let forged = files.phone(&ca("Maker"), SNOM, (2020, 2045));
    assert_eq!(files.curl(&office, &forged, &path(SNOM)).masked(), refused.masked());
    // Another phone's file, one that is unknown, and a phone that is unknown.
    for wrong in [path(OTHER), path(STRANGER), format!("/provision/{POLYCOM}.cfg")] {
        assert_eq!(files.curl(&office, &good, &wrong).status, 404, "{wrong}");
    }
    let unknown = files.phone(&files.maker, STRANGER, (2020, 2045));
    for path in [path(STRANGER), path(SNOM)] {
        assert_eq!(files.curl(&office, &unknown, &path).status, 404, "{path}");
    }
    let person = files.phone(&files.maker, "prov.example.net", (2020, 2045));
    assert_eq!(files.curl(&office, &person, &path(SNOM)).status, 401);
    until("the proof is written down", async || {
        let why = office.get(&format!("phones/{SNOM}/why")).await;
        why["enrolment"]["by"] == json!("certificate")
    })
    .await;
}

#[tokio::test]
async fn where_expired_certificates_do_not_count_a_phone_still_comes_by_its_key() {
    let files = Files::new();
    let office = files.office("expired_client_certificates = false\n").await;
    let expired = files.phone(&files.maker, SNOM, (2008, 2013));
    assert_eq!(files.curl(&office, &expired, &format!("/provision/{SNOM}.htm")).status, 401);
    let own = format!("{}{SNOM}.xml", keyed(&office, SNOM).await);
    assert_eq!(files.curl(&office, &expired, &own).status, 200);
    // A key and the certificate of another phone do not go together.
    let other = files.phone(&files.maker, OTHER, (2020, 2045));
    assert_eq!(files.curl(&office, &other, &own).status, 404);
}

#[tokio::test]
async fn a_proxy_is_believed_from_its_network_only_and_only_once() {
    let files = Files::new();
    let proxy = "proxy = { header = \"X-Client-Subject\", networks = [\"127.0.9.0/24\"] }\n";
    let office = files.office(proxy).await;
    let target = format!("/provision/{SNOM}.htm");
    let ask = async |from: &str, headers: &str| {
        ask_from(&office, from, "GET", &target, headers, b"").await.status
    };
    let says = |mac: &str| format!("X-Client-Subject: CN={mac},O=Snom\r\n");
    assert_eq!(ask("127.0.9.1", &says(SNOM)).await, 200);
    assert_eq!(ask("127.0.8.1", &says(SNOM)).await, 401);
    assert_eq!(ask("127.0.9.1", "").await, 401);
    assert_eq!(ask("127.0.9.1", &says(OTHER)).await, 404);
    // Twice: which one did the proxy write?
    assert_eq!(ask("127.0.9.1", &(says(SNOM) + &says(SNOM))).await, 401);
    // By way of a client who says so itself, through a proxy that sets nothing.
    for header in ["x-client-subject", "X_Client_Subject", "X-Client-Subject "] {
        let line = format!("{header}: CN={SNOM}\r\n");
        let reply = send(
            &office,
            "127.0.8.1",
            format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{line}\r\n")
                .as_bytes(),
        )
        .await;
        assert!(!String::from_utf8_lossy(&reply).contains("200 OK"), "{header}");
    }
}
