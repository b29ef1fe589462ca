//! A vendor that is not Rust: npm's `openid-client`, stock, told what to do over lines of JSON.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};
use url::Url;

use super::{
    library::{Library, RelyingParty},
    parts::part,
};

#[derive(Debug)]
pub struct NodeClient {
    child: Child,
    hear: BufReader<ChildStdout>,
    say: ChildStdin,
}

impl NodeClient {
    /// `None` where Node is absent.
    pub fn start() -> Option<NodeClient> {
        let folder = part("ONEACCESS_TEST_NODE_CLIENTS", "npm's openid-client")?;
        let node = std::env::var("ONEACCESS_TEST_NODE").unwrap_or_else(|_| "node".into());
        let mut child = Command::new("timeout")
            .args(["120", &node, "click.mjs"])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (say, hear) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Some(NodeClient { child, hear, say })
    }

    /// The address to which it sends the browser.
    pub fn authorize(&mut self, library: &Library, party: &RelyingParty, scope: &str) -> String {
        self.tell(&json!({
            "issuer": library.issuer, "client_id": party.client_id, "client_secret": party.client_secret,
            "auth_method": party.auth_method, "redirect_uri": party.redirect_uri, "scope": scope,
        }));
        self.listen()["authorize"].as_str().unwrap().to_owned()
    }

    /// What it made of the browser's return: `claims`, `userinfo`, `scope`, `token_type`.
    pub fn arrive(&mut self, callback: &Url) -> Value {
        self.tell(&json!({ "callback": callback.as_str() }));
        self.listen()
    }

    fn tell(&mut self, message: &Value) {
        writeln!(self.say, "{message}").unwrap();
    }

    fn listen(&mut self) -> Value {
        let mut line = String::new();
        self.hear.read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("no JSON ({e}): {line}"));
        assert!(said["error"].is_null(), "openid-client refused: {said:#}");
        said
    }
}

impl Drop for NodeClient {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
