//! Calls to real servers on loopback, which the operator of these tests allows.

mod certificate;
mod ils;

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
};
use tokio_rustls::TlsAcceptor;

use super::*;

const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

#[tokio::test]
async fn no_spelling_of_a_private_address_is_called() {
    let outbound = outbound(&[]);
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "0177.0.0.1",
        "127.1",
        "127.0.1",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
        "１２７.0.0.1",
        "0",
        "10.0.0.1",
        "0xa.0.0.1",
        "169.254.169.254",
        "2852039166",
        "0251.0376.0251.0376",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fd00::1]",
        "localhost",
        "LOCALHOST",
    ] {
        let refused = outbound.get_json(&format!("https://{host}/jwks"), LARGEST).await.unwrap_err();
        assert!(matches!(refused, Refused::PrivateDestination(_)), "{host}: {refused:?}");
    }
}

#[tokio::test]
async fn only_web_addresses_of_a_host_are_called() {
    let outbound = outbound(&["127.0.0.0/8"]);
    for url in [
        "",
        "/jwks",
        "jwks",
        "https:",
        "https://",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "data:application/json,{}",
        "https://user@127.0.0.1/",
        "https://user:secret@127.0.0.1/",
        "unix:/run/docker.sock",
        "gopher://127.0.0.1:70/",
    ] {
        assert_eq!(outbound.get_json(url, LARGEST).await.unwrap_err(), Refused::NotAUrl, "{url}");
    }
}

#[tokio::test]
async fn plain_http_is_for_the_networks_that_the_operator_named() {
    let outbound = Outbound { resolve: always("8.8.8.8"), ..outbound(&["127.0.0.0/8"]) };
    assert_eq!(outbound.get_json("http://vendor.example/jwks", LARGEST).await.unwrap_err(), Refused::NotHttps);
    assert_eq!(outbound.get_json("http://8.8.8.8/jwks", LARGEST).await.unwrap_err(), Refused::NotHttps);
    let (there, mut asked) = serve(b"HTTP/1.1 200 OK\r\nContent-Type: Application/JSON; charset=utf-8\r\n\r\n{}").await;
    let fetched = outbound.get_json(&format!("http://{there}/jwks?a=1"), LARGEST).await.unwrap();
    assert_eq!((fetched.media_type().as_str(), &fetched.body[..]), ("application/json", b"{}".as_slice()));
    let asked = asked.recv().await.unwrap();
    assert!(asked.starts_with("GET /jwks?a=1 HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains(&format!("host: {there}\r\n")), "{asked}");
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_asked_once() {
    let (there, mut asked) = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await;
    let times = Arc::new(AtomicUsize::new(0));
    let resolve: Resolve = {
        let times = times.clone();
        // First the address that is allowed, ever after another one.
        Arc::new(move |_| {
            let address = if times.fetch_add(1, Ordering::SeqCst) == 0 { "127.0.0.1" } else { "10.0.0.1" };
            Box::pin(async move { Ok(vec![address.parse().unwrap()]) })
        })
    };
    let outbound = Outbound { resolve, ..outbound(&["127.0.0.1"]) };
    let url = format!("http://vendor.example:{}/", there.port());
    assert!(outbound.get_json(&url, LARGEST).await.is_ok());
    assert_eq!(times.load(Ordering::SeqCst), 1);
    assert!(asked.recv().await.unwrap().contains("host: vendor.example:"));
    let moved = Refused::PrivateDestination("10.0.0.1".parse().unwrap());
    assert_eq!(outbound.get_json(&url, LARGEST).await.unwrap_err(), moved);
}

#[tokio::test]
async fn one_private_address_among_public_ones_condemns_the_host() {
    let resolve: Resolve = Arc::new(|_| Box::pin(async { Ok(vec!["8.8.8.8".parse().unwrap(), LOOPBACK]) }));
    let outbound = Outbound { resolve, ..outbound(&[]) };
    let refused = outbound.get_json("https://vendor.example/", LARGEST).await.unwrap_err();
    assert_eq!(refused, Refused::PrivateDestination(LOOPBACK));
    let nobody: Resolve = Arc::new(|_| Box::pin(async { Ok(Vec::new()) }));
    let outbound = Outbound { resolve: nobody, ..outbound };
    assert_eq!(outbound.get_json("https://vendor.example/", LARGEST).await.unwrap_err(), Refused::UnknownHost);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (inside, mut reached) = serve(b"HTTP/1.1 200 OK\r\n\r\n").await;
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let answer = format!("HTTP/1.1 {status}\r\nLocation: http://{inside}/\r\nContent-Length: 0\r\n\r\n");
        let (there, _asked) = serve(answer.as_bytes()).await;
        let outbound = outbound(&["127.0.0.1"]);
        let url = format!("http://{there}/");
        assert_eq!(outbound.get_json(&url, LARGEST).await.unwrap_err(), Refused::Redirected, "{status}");
        assert_eq!(outbound.post_form(&url, &[], WITHIN).await.unwrap_err(), Refused::Redirected, "{status}");
    }
    assert!(reached.try_recv().is_err());
}

#[tokio::test]
async fn an_answer_is_read_to_its_limit_and_no_further() {
    let outbound = outbound(&["127.0.0.1"]);
    let ask = async |answer: &[u8]| {
        let (there, _asked) = serve(answer).await;
        outbound.get_json(&format!("http://{there}/"), 4).await
    };
    assert_eq!(&ask(b"HTTP/1.1 200 OK\r\n\r\n1234").await.unwrap().body[..], b"1234");
    assert_eq!(ask(b"HTTP/1.1 200 OK\r\n\r\n12345").await.unwrap_err(), Refused::TooLarge);
    assert_eq!(ask(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").await.unwrap_err(), Refused::TooLarge);
    let chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n123\r\n3\r\n456\r\n";
    assert_eq!(ask(chunks).await.unwrap_err(), Refused::TooLarge);
    let head = [b"HTTP/1.1 200 OK\r\nX: ".as_slice(), &[b'a'; 2 * LARGEST_HEAD]].concat();
    assert_eq!(ask(&head).await.unwrap_err(), Refused::TooLarge);
    assert_eq!(ask(b"HTTP/1.1 404 Not Found\r\n\r\n").await.unwrap_err(), Refused::Status(404));
    assert_eq!(ask(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap_err().code(), "status-204");
    assert_eq!(ask(b"SSH-2.0-OpenSSH\r\n").await.unwrap_err(), Refused::Broken);
    assert_eq!(ask(b"").await.unwrap_err(), Refused::Broken);
    assert_eq!(ask(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n12").await.unwrap_err(), Refused::Broken);
}

/// The same for who accepts and says nothing, who stops in the head, and who stops in the body.
#[tokio::test]
async fn who_never_comes_to_an_end_is_left() {
    let outbound = outbound(&["127.0.0.1"]);
    let soon = Duration::from_millis(200);
    for begun in [b"".as_slice(), b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n1"] {
        let (there, _held) = hold(begun).await;
        let asked = Asked { method: Method::GET, accept: "*/*", form: None };
        let outcome = outbound.call(&format!("http://{there}/"), &asked, 4, soon).await;
        assert_eq!(outcome.unwrap_err(), Refused::TimedOut, "{begun:?}");
    }
}

#[tokio::test]
async fn a_form_arrives_as_it_was_sent() {
    let (there, mut asked) = serve(b"HTTP/1.1 204 No Content\r\n\r\n").await;
    let fields = [("logout_token", "a.b+c"), ("and", "so on&")];
    let status = outbound(&["127.0.0.1"]).post_form(&format!("http://{there}/bye"), &fields, WITHIN).await;
    assert_eq!(status, Ok(204));
    let asked = asked.recv().await.unwrap();
    assert!(asked.starts_with("POST /bye HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("content-type: application/x-www-form-urlencoded\r\n"), "{asked}");
    assert!(asked.ends_with("\r\n\r\nlogout_token=a.b%2Bc&and=so+on%26"), "{asked}");
    let (there, _asked) = serve(b"HTTP/1.1 400 Bad Request\r\n\r\nno").await;
    let refused = outbound(&["127.0.0.1"]).post_form(&format!("http://{there}/bye"), &fields, WITHIN).await;
    assert_eq!(refused, Err(Refused::Status(400)));
}

#[tokio::test]
async fn a_certificate_is_trusted_for_its_own_name_and_from_a_known_authority() {
    let folder = std::env::temp_dir().join(format!("oneaccess-outbound-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("authorities.pem");
    let made = certificate::for_name("vendor.example");
    std::fs::write(&file, &made.pem).unwrap();
    let knowing = Outbound::new(&["127.0.0.1".parse().unwrap()], Some(&file)).unwrap();
    let knowing = Outbound { resolve: always("127.0.0.1"), ..knowing };
    std::fs::remove_dir_all(&folder).unwrap();
    let there = serve_tls(made, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await;

    let ask = async |outbound: &Outbound, host: &str| {
        outbound.get_json(&format!("https://{host}:{}/", there.port()), LARGEST).await.map(|fetched| fetched.body)
    };
    assert_eq!(&ask(&knowing, "vendor.example").await.unwrap()[..], b"{}");
    assert_eq!(&ask(&knowing, "vendor.example.").await.unwrap()[..], b"{}");
    assert!(matches!(ask(&knowing, "other.example").await, Err(Refused::Tls(_))));
    let stranger = Outbound { resolve: always("127.0.0.1"), ..outbound(&["127.0.0.1"]) };
    assert!(matches!(ask(&stranger, "vendor.example").await, Err(Refused::Tls(_))));
    let missing = Outbound::new(&[], Some(Path::new("/nowhere.pem")));
    assert!(matches!(missing.err(), Some(Unprepared::Certificates(..))));
}

#[test]
fn what_went_wrong_has_a_stable_code() {
    assert_eq!(Refused::Status(503).code(), "status-503");
    assert_eq!(Refused::PrivateDestination(LOOPBACK).code(), "private-destination");
}

fn outbound(private: &[&str]) -> Outbound {
    let private: Vec<Network> = private.iter().map(|network| network.parse().unwrap()).collect();
    Outbound::new(&private, None).unwrap()
}

fn always(address: &str) -> Resolve {
    let address: IpAddr = address.parse().unwrap();
    Arc::new(move |_| Box::pin(async move { Ok(vec![address]) }))
}

/// Answers every connection with these bytes and closes it; hands out what was asked.
async fn serve(answer: &[u8]) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = mpsc::unbounded_channel();
    let answer = answer.to_vec();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tell.send(whole(&mut stream).await).ok();
            stream.write_all(&answer).await.ok();
        }
    });
    (address, told)
}

/// Begins an answer and never goes on.
async fn hold(begun: &[u8]) -> (SocketAddr, Arc<Mutex<Vec<TcpStream>>>) {
    let listener = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let held = Arc::new(Mutex::new(Vec::new()));
    let (begun, keep) = (begun.to_vec(), held.clone());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(&begun).await.ok();
            keep.lock().unwrap().push(stream);
        }
    });
    (address, held)
}

async fn serve_tls(made: certificate::Made, answer: &'static [u8]) -> SocketAddr {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![made.certificate], made.key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            whole(&mut stream).await;
            stream.write_all(answer).await.ok();
            stream.shutdown().await.ok();
        }
    });
    address
}

/// A whole request: its head, and as many bytes as that announces.
async fn whole(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let announced = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= announced.map_or(0, |length| length.parse().unwrap()) {
                return text.into_owned();
            }
        }
        let mut more = [0; 4096];
        match stream.read(&mut more).await {
            Ok(0) | Err(_) => return String::from_utf8_lossy(&read).into_owned(),
            Ok(n) => read.extend_from_slice(&more[..n]),
        }
    }
}
