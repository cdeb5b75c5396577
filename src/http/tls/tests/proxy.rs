//! nginx in front, which does TLS in our place: phones that rustls has no cipher for come in like that.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum::http::HeaderName;

use super::*;
use crate::http::peer::ProxyHeader;

/// `CN` in a header is what nginx verified; a certificate that it did not verify is an empty one.
const NGINX: &str = "
daemon off; master_process off; pid nginx.pid; error_log stderr; events {}
http {
  access_log off; client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp;
  uwsgi_temp_path tmp; scgi_temp_path tmp;
  map $ssl_client_verify $phone { SUCCESS $ssl_client_s_dn; default ''; }
  server {
    listen FRONT ssl; ssl_certificate server.crt; ssl_certificate_key server.key;
    ssl_client_certificate phones.crt; ssl_verify_client optional_no_ca;
    location / {
      proxy_pass http://BEHIND; proxy_set_header X-Phone $phone;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
  }
}";

/// Whoever it is says from where and as which phone.
async fn behind(proxies: &str) -> Served {
    let router = Router::new().fallback(async |request: Request| {
        let peer = request.extensions().get::<PeerCertificate>().map(|peer| peer.mac.to_string());
        let from = request.extensions().get::<ConnectInfo<SocketAddr>>().unwrap().0.ip();
        let left = request.headers().contains_key("x-phone");
        format!("{} from {from} {left}", peer.as_deref().unwrap_or("nobody"))
    });
    let proxy = ProxyHeader {
        header: HeaderName::from_static("x-phone"),
        networks: vec![proxies.parse().unwrap()],
        common_name: CommonName::Mac,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = Limits { proxy: Some(proxy), ..Limits::default() };
    Served::at(address, listener, router, limits)
}

/// nginx in front of a listener, until it is dropped; and where it is.
async fn nginx(files: &Files, behind: SocketAddr) -> (tokio::process::Child, SocketAddr) {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let config = NGINX.replace("FRONT", &free.to_string()).replace("BEHIND", &behind.to_string());
    files.write("nginx.conf", &config);
    let child = Command::new("nginx")
        .args(["-p", files.folder.path().to_str().unwrap(), "-c", "nginx.conf", "-e", "stderr"])
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("nginx has to be installed");
    let up = async {
        while TcpStream::connect(free).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), up).await.expect("nginx listens");
    (child, free)
}

#[tokio::test]
async fn nginx_is_believed_from_its_network_and_nobody_else() {
    let files = Files::new();
    files.phone("valid", &files.phones, "0004F2AABBCC", (2020, 2040));
    files.phone("stranger", &ca("another CA"), MAC, (2020, 2040));
    files.phone("expired", &files.phones, MAC, (2010, 2020));
    let (near, far) = (behind("127.0.0.1/32").await, behind("192.0.2.0/24").await);
    let (_near, near_front) = nginx(&files, near.address).await;
    let ask = async |front: SocketAddr, phone: &str, more: &[&str]| {
        let root = files.path("ca.crt");
        let pem = [files.path(&format!("{phone}.crt")), files.path(&format!("{phone}.key"))];
        let certificate = ["--cert", &pem[0], "--key", &pem[1]];
        let certificate = if phone.is_empty() { &[][..] } else { &certificate[..] };
        let arguments = [&["--cacert", &root][..], certificate, more].concat();
        curl(&arguments, &format!("https://{front}/")).await.1
    };
    let lie = ["-H", "X-Phone: 0004f2aabbcc", "-H", "X-Forwarded-For: 203.0.113.9"];
    let from = ["--interface", "127.0.0.7"];
    assert_eq!(ask(near_front, "valid", &[]).await, format!("{MAC} from 127.0.0.1 false"));
    assert_eq!(ask(near_front, "valid", &from).await, format!("{MAC} from 127.0.0.7 false"));
    for (phone, more) in [("", &[][..]), ("stranger", &[]), ("", &lie), ("stranger", &lie)] {
        let answer = ask(near_front, phone, &[&from, more].concat()).await;
        assert_eq!(answer, "nobody from 127.0.0.7 false", "{phone} {more:?}");
    }
    // What our own TLS can be told to overlook, nginx cannot.
    assert!(ask(near_front, "expired", &[]).await.contains("400 Bad Request"));
    // Past the proxy, and through a proxy that is not ours.
    let past = near.curl(&[&from[..], &lie].concat(), "/").await;
    assert_eq!(past, "nobody from 127.0.0.7 false");
    let (_far, far_front) = nginx(&files, far.address).await;
    assert_eq!(ask(far_front, "valid", &from).await, "nobody from 127.0.0.1 false");
}
