//! A vendor's side of a conversation with ourselves.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use axum::{Router, extract::ConnectInfo, middleware, response::Response};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::{Party, PatronApi};
use crate::{
    domain::check::Check,
    protocols::{
        Protocol,
        trial::{Guest, Trial, Tried},
    },
};

const CHECK: &str = "patronapi-exchange";
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) async fn run(trial: Trial<'_>) -> Tried {
    let party = match Party::read(trial.vendor, trial.party) {
        Ok(party) => party,
        Err(misfit) => return Tried::default().broken(CHECK, misfit.to_string()),
    };
    let (secret, patron) = match trial.with(CHECK) {
        Ok(with) => with,
        Err(skipped) => return skipped,
    };
    let from = SocketAddr::new(party.asker.an_address().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)), 9);
    let router = PatronApi.routes(trial.signon.clone()).layer(middleware::from_fn(
        move |mut request: axum::extract::Request, next: middleware::Next| async move {
            request.extensions_mut().insert(ConnectInfo(from));
            next.run(request).await as Response
        },
    ));
    let mut tried = Tried::default();
    match serve(router).await {
        Err(error) => tried.broken(CHECK, error.to_string()),
        Ok((address, serving)) => {
            let outcome = go_through(address, &party, secret, patron, &mut tried.said).await;
            serving.abort();
            match outcome {
                Ok(()) => tried.checks.push(Check::ok(CHECK, "pintest and dump went as they should")),
                Err(why) => tried = tried.broken(CHECK, why),
            }
            tried
        }
    }
}

async fn serve(router: Router) -> io::Result<(SocketAddr, tokio::task::JoinHandle<()>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let serving = tokio::spawn(async move {
        let ended = axum::serve(listener, router).await;
        ended.unwrap_or_else(|error| tracing::debug!(%error, "a trial ended"));
    });
    Ok((address, serving))
}

async fn go_through(
    address: SocketAddr,
    party: &Party,
    secret: &str,
    patron: Guest<'_>,
    said: &mut Vec<String>,
) -> Result<(), String> {
    let place = |what: &str| format!("/f/{secret}/PATRONAPI/{}/{what}", encoded(patron.card));
    let pin = encoded(patron.pin);
    let secrets = [secret, &*pin];
    let answer = ask(address, &place(&format!("{pin}/pintest")), &secrets, said).await?;
    let lets_in = patron.verdict.is_ok();
    if answer.contains("RETCOD=0<BR>") != lets_in {
        return Err(format!("pintest says {} where policy says {lets_in}", !lets_in));
    }
    let answer = ask(address, &place("dump"), &secrets, said).await?;
    let found = answer.contains("P BARCODE[pb]=");
    if found != (lets_in && party.asker.look_up) {
        return Err("dump is not as the rule for look-ups has it".into());
    }
    match patron.verdict {
        Ok(told) if found && !answer.contains(&format!("[pb]={}<BR>", party.asker.identifier(patron.card, told))) => {
            Err("the barcode is not what the vendor should keep".into())
        }
        _ => Ok(()),
    }
}

/// The answer's body.
async fn ask(address: SocketAddr, path: &str, secrets: &[&str], said: &mut Vec<String>) -> Result<String, String> {
    let masked = secrets.iter().fold(path.to_owned(), |path, secret| path.replace(secret, "***"));
    said.push(format!("> GET {masked}"));
    let asked = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, io::Error>(answer)
    };
    let answer = match timeout(PATIENCE, asked).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Err(error.to_string()),
        Err(_) => return Err("no answer came within three seconds".into()),
    };
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.lines().next().unwrap_or_default();
    if !status.contains(" 200 ") {
        said.push(format!("< {status}"));
        return Err(format!("it was answered {status}: the secret here is not the one that was applied"));
    }
    said.extend(body.lines().map(|line| format!("< {line}")));
    Ok(body.to_owned())
}

/// A path's segment.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}
