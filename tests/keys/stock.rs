//! THE promise of rotation: stock client libraries, each a process that lives through it all and caches as it does by
//! default, meet three scheduled rotations and notice none.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Arc,
};

use serde_json::{Value, json};

use super::{clicks, settle};
use crate::actors::*;

/// npm's openid-client asks again for an unknown `kid` only when its key set is a minute old: the shortest time that a
/// stock client of its kind forces on us. A production server waits for six minutes.
const BY_THE_MINUTE: &str = "\n[keys]\nrotate_every = \"62s\"\ncache_lifetime = \"60s\"\nmargin = \"1s\"\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_scheduled_rotations_pass_and_no_stock_client_notices() {
    let Some(mut library) = Library::demo(Engine::Sqlite) else { return };
    settle(&mut library, BY_THE_MINUTE);
    let library = Arc::new(library);
    let mut vendors = clicks::Patient::several(&library).await;
    vendors.truncate(1);
    vendors.extend(OpenidClient::start(&library).map(|client| Box::new(client) as Box<dyn clicks::Clicks>));
    let seen = clicks::go_on_until(&library, vendors, 3).await;
    assert!(seen.values().all(|(clicks, _)| *clicks > 100), "clicks went on all the time: {seen:?}");
}

/// npm's openid-client in a process that lives for many clicks. It is told to verify signatures of ID tokens, which it
/// leaves to TLS by default where they come from the token endpoint.
struct OpenidClient {
    party: RelyingParty,
    child: Child,
    hear: BufReader<ChildStdout>,
    say: ChildStdin,
}

impl OpenidClient {
    /// `None` where Node is absent.
    fn start(library: &Library) -> Option<OpenidClient> {
        let Ok(folder) = env::var("ONEACCESS_TEST_NODE_CLIENTS") else {
            skip(
                "npm's openid-client through three rotations (ONEACCESS_TEST_NODE_CLIENTS is not set: run scripts/test)",
            );
            return None;
        };
        let node = env::var("ONEACCESS_TEST_NODE").unwrap_or_else(|_| "node".into());
        let mut command = Command::new(node);
        command.arg("living.mjs").current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (say, hear) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut client = OpenidClient { party: library.oidc(), child, hear, say };
        client.tell(&json!({
            "issuer": library.issuer, "client_id": client.party.client_id, "client_secret": client.party.client_secret,
            "redirect_uri": client.party.redirect_uri, "scope": "openid library.ebooks",
        }));
        Some(client)
    }

    fn tell(&mut self, message: &Value) {
        writeln!(self.say, "{message}").unwrap();
    }

    fn answer(&mut self, message: &Value) -> Value {
        self.tell(message);
        let mut line = String::new();
        self.hear.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("no JSON ({e}): {line}"))
    }
}

impl clicks::Clicks for OpenidClient {
    fn name(&self) -> String {
        "npm's openid-client".into()
    }

    fn click<'a>(&'a mut self, _: &'a Library, browser: &'a Browser, patron: &'a Patron) -> clicks::Verified<'a> {
        Box::pin(async move {
            let authorize = self.answer(&json!({ "begin": true }))["authorize"].as_str().unwrap().to_owned();
            let back = browser.click(&authorize, patron, &self.party).await.left();
            let answer = self.answer(&json!({ "callback": back.as_str() }));
            answer["id_token"].as_str().map(str::to_owned).ok_or_else(|| answer.to_string())
        })
    }
}

impl Drop for OpenidClient {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
