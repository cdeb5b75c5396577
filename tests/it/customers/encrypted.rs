//! TLS to the database, and character sets.

use hotdeskd::model::LookUpFailure;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::*;

type Ca = CertifiedIssuer<'static, KeyPair>;

fn ca() -> Ca {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Certificate and key for a name.
fn server(ca: &Ca, name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    (params.signed_by(&key, ca).unwrap().pem(), key.serialize_pem())
}

/// What a look-up comes to with each use of TLS; `query` finds the team `tls` on an encrypted connection.
async fn with_each_use(
    database: &impl DatabaseServer,
    query: &str,
    authority: &str,
) -> Vec<String> {
    let mut told = Vec::new();
    for (tls, authority) in
        [("off", ""), ("prefer", ""), ("require", ""), ("verify", ""), ("verify", authority)]
    {
        let authority = match authority {
            "" => String::new(),
            path => format!("authority = {path:?}\n"),
        };
        let lines = format!("cache.entries = 0\ntls = {tls:?}\n{authority}");
        let looked = with(database, query, &lines).look_up("+4315550100").await;
        told.push(match looked.answer {
            LookUp::Found(customer) => customer.team,
            LookUp::NoMatch => "plain".to_owned(),
            LookUp::Failed(LookUpFailure::Error) => "refused".to_owned(),
            other => format!("{other:?} {:?}", looked.error),
        });
    }
    told
}

async fn is_encrypted_as_set<T: DatabaseServer>(
    mut database: T,
    encrypt: impl Fn(&mut T, &str, &str),
    query: &str,
) {
    let folder = tempfile::tempdir().unwrap();
    let (ours, others) = (folder.path().join("ca.pem"), folder.path().join("other.pem"));
    let (ca, other) = (ca(), ca());
    std::fs::write(&ours, ca.pem()).unwrap();
    std::fs::write(&others, other.pem()).unwrap();
    let (ours, others) = (ours.to_str().unwrap(), others.to_str().unwrap());
    let told = with_each_use(&database, query, ours).await;
    assert_eq!(told, ["plain", "plain", "refused", "refused", "refused"]);
    let (certificate, key) = server(&ca, "127.0.0.1");
    encrypt(&mut database, &certificate, &key);
    let told = with_each_use(&database, query, ours).await;
    assert_eq!(told, ["plain", "tls", "tls", "refused", "tls"]);
    assert_eq!(with_each_use(&database, query, others).await[4], "refused");
    let (certificate, key) = server(&ca, "db.example.net");
    encrypt(&mut database, &certificate, &key);
    assert_eq!(with_each_use(&database, query, ours).await[4], "refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_is_spoken_to_in_tls_as_the_settings_say() {
    let query = "SELECT 'tls' AS team FROM pg_stat_ssl WHERE ssl AND pid = pg_backend_pid() AND :number <> ''";
    is_encrypted_as_set(Postgres::start(), Postgres::encrypt, query).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_is_spoken_to_in_tls_as_the_settings_say() {
    let query = "SELECT 'tls' AS team FROM information_schema.SESSION_STATUS \
                 WHERE VARIABLE_NAME = 'Ssl_version' AND VARIABLE_VALUE <> '' AND :number <> ''";
    is_encrypted_as_set(MariaDb::start(), MariaDb::encrypt, query).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_firebird_without_a_character_set_is_read_all_the_same() {
    let database = Firebird::without_character_set();
    for (bytes, name) in
        [("4DFC6C6C6572", "Müller"), ("4DC3BC6C6C6572", "Müller"), ("41646120", "Ada")]
    {
        let query = format!(
            "SELECT 'sales', CAST(_OCTETS x'{bytes}' AS VARCHAR(20) CHARACTER SET NONE) FROM RDB$DATABASE WHERE :number <> ''"
        );
        let looked = customers(&database, &query).look_up("+4315550100").await;
        assert_eq!(looked.answer, found("sales", Some(name), None), "{looked:?}");
    }
    // Where the database says that it is Unicode, such bytes are an error, and no more than that.
    let database = Firebird::start();
    let query = "SELECT 'sales', CAST(_OCTETS x'4DFC6C6C6572' AS VARCHAR(20) CHARACTER SET NONE) FROM RDB$DATABASE WHERE :number <> ''";
    let looked = customers(&database, query).look_up("+4315550100").await;
    assert_eq!(looked.answer, LookUp::Failed(LookUpFailure::Error), "{looked:?}");
    assert!(looked.error.unwrap().contains("Malformed string"));
    let query = "SELECT 'Süd', 'Жанна €' FROM RDB$DATABASE WHERE :number <> ''";
    let looked = customers(&database, query).look_up("+4315550100").await;
    assert_eq!(looked.answer, found("Süd", Some("Жанна €"), None), "{looked:?}");
}
