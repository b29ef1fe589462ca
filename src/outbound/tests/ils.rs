//! The library's own system, as it may answer: rightly, in other words, wrongly, or not at all.

use super::*;
use crate::domain::{
    card::CardNumber,
    clock::{TimeZone, Timestamp},
    ils::{Ils, Login, Unproven},
};
use crate::wire::sip2::{Date, Zone};

const YES: &str = "64              00120261127    081500000000000000000000000000AOLIB|AA2123|AEReader|BLY|CQY|";

async fn ask(outbound: &Outbound, ils: &Ils, card: &str, pin: &str) -> Result<(), Unproven> {
    let zone = TimeZone::named("America/New_York").unwrap();
    outbound.ask_ils(ils, &CardNumber::read(card).unwrap(), pin, Timestamp(1_796_000_000_000), &zone).await
}

fn at(there: SocketAddr) -> Ils {
    let (host, port) = (there.ip().to_string(), there.port());
    Ils { host, port, tls: false, login: None, institution: "LIB".into() }
}

/// An ILS that answers one line after another with these, and hands out what it was asked.
async fn answering(lines: &'static [&'static str]) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            for line in lines {
                let mut asked = String::new();
                while !asked.ends_with('\r') {
                    let Ok(byte) = stream.read_u8().await else { break };
                    asked.push(char::from(byte));
                }
                tell.send(asked).ok();
                stream.write_all(format!("{line}\r").as_bytes()).await.ok();
            }
        }
    });
    (address, told)
}

#[tokio::test]
async fn nothing_but_a_whole_yes_proves_a_card() {
    let outbound = outbound(&["127.0.0.1"]);
    let outcome = async |answer: &'static str| {
        let lines: &'static [&'static str] = Vec::leak(vec![answer]);
        let (there, _asked) = answering(lines).await;
        ask(&outbound, &at(there), "2123", "4711").await
    };
    const FIXED: &str = "64              00120261127    081500000000000000000000000000";
    let answer = |rest: &str| -> &'static str { String::leak(format!("{FIXED}{rest}")) };
    assert_eq!(outcome(YES).await, Ok(()));
    for (rest, why) in [
        ("AOLIB|AA2123|AE|BLN|CQN|", Unproven::UnknownCard),
        ("AOLIB|AA2123|AE|", Unproven::UnknownCard),
        ("AOLIB|AA2123|AE|CQY|", Unproven::UnknownCard),
        ("AOLIB|AA2123|AE|BLY|CQN|", Unproven::WrongPin),
        ("AOLIB|AA2123|AE|BLY|", Unproven::WrongPin),
        ("AOLIB|AA2123|AE|BLY|CQ|", Unproven::WrongPin),
        ("AOLIB|AA2124|AE|BLY|CQY|", Unproven::AnotherNumber),
        ("AOLIB|AE|BLY|CQY|", Unproven::AnotherNumber),
    ] {
        assert_eq!(outcome(answer(rest)).await, Err(why), "{rest}");
    }
    let lost = String::leak(YES.replacen("64              ", "64    Y         ", 1));
    assert_eq!(outcome(lost).await, Err(Unproven::ReportedLost));
    for broken in
        ["96", "941", "64", "HTTP/1.1 400 Bad Request", "24              00120261127    081500AA2123|BLY|CQY|"]
    {
        assert!(matches!(outcome(broken).await, Err(Unproven::Away(_))), "{broken}");
    }
}

#[tokio::test]
async fn it_is_asked_with_login_card_and_pin_and_never_without_a_pin() {
    let outbound = outbound(&["127.0.0.1"]);
    let (there, mut asked) = answering(&["941", YES]).await;
    let login = Some(Login { user: "oneaccess".into(), password: "ils-pass".to_owned().into() });
    let ils = Ils { login, ..at(there) };
    assert_eq!(ask(&outbound, &ils, "2123", "4711").await, Ok(()));
    assert!(asked.recv().await.unwrap().starts_with("9300CNoneaccess|COils-pass|AY0AZ"));
    let question = asked.recv().await.unwrap();
    assert!(question.starts_with("63000") && question.contains("AOLIB|AA2123|AD4711|AY1AZ"), "{question}");
    assert_eq!(ask(&outbound, &ils, "2123", "  ").await, Err(Unproven::WrongPin));
    assert!(asked.try_recv().is_err());
    assert!(!format!("{ils:?}").contains("ils-pass"));
    let (there, _asked) = answering(&["940"]).await;
    let refused = ask(&outbound, &Ils { port: there.port(), ..ils }, "2123", "4711").await;
    assert!(matches!(refused, Err(Unproven::Away(why)) if why.contains("login")));
}

#[tokio::test]
async fn an_ils_is_only_where_the_operator_says_that_it_may_be() {
    let (there, mut asked) = answering(&[YES]).await;
    let named = |host: &str| Ils { host: host.into(), ..at(there) };
    let closed = outbound(&[]);
    for host in ["127.0.0.1", "::1", "localhost", "2130706433"] {
        let refused = ask(&closed, &named(host), "2123", "4711").await;
        assert!(matches!(refused, Err(Unproven::Away(_))), "{host}: {refused:?}");
    }
    let public = Outbound { resolve: always("8.8.8.8"), ..outbound(&[]) };
    let refused = ask(&public, &named("ils.example"), "2123", "4711").await;
    assert!(
        matches!(refused, Err(Unproven::Away(why)) if why.contains("without TLS")),
        "no PIN in clear over the internet"
    );
    assert!(asked.try_recv().is_err());
}

#[tokio::test]
async fn an_ils_that_is_silent_is_left() {
    let (there, _held) = hold(b"64").await;
    let date = Date::from_civil(2026, 11, 27, 8, 15, 0, Zone::Local);
    let (card, soon) = (CardNumber::read("2123").unwrap(), Duration::from_millis(200));
    let silent = outbound(&["127.0.0.1"]).ask_ils_within(soon, &at(there), &card, "4711", date).await;
    assert!(matches!(silent, Err(Unproven::Away(why)) if why.contains("in time")));
}

#[tokio::test]
async fn over_tls_its_certificate_is_checked() {
    let folder = std::env::temp_dir().join(format!("oneaccess-ils-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("authorities.pem");
    let made = certificate::for_name("ils.example");
    std::fs::write(&file, &made.pem).unwrap();
    let knowing = Outbound::new(&["127.0.0.1".parse().unwrap()], Some(&file)).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let there = serve_sip2_over_tls(made).await;
    let ils = |host: &str| Ils { host: host.into(), tls: true, ..at(there) };
    let knowing = Outbound { resolve: always("127.0.0.1"), ..knowing };
    assert_eq!(ask(&knowing, &ils("ils.example"), "2123", "4711").await, Ok(()));
    assert!(matches!(ask(&knowing, &ils("other.example"), "2123", "4711").await, Err(Unproven::Away(_))));
}

async fn serve_sip2_over_tls(made: certificate::Made) -> SocketAddr {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![made.certificate], made.key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((LOOPBACK, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            while stream.read_u8().await.is_ok_and(|byte| byte != b'\r') {}
            stream.write_all(format!("{YES}\r").as_bytes()).await.ok();
        }
    });
    address
}
