//! THE promise of rotation: stock client libraries, each a process that lives through it all and caches as it does by
//! default, meet three scheduled rotations and notice none.

use std::sync::Arc;

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
    for stock in [Stock::OpenidClient, Stock::Oauth4webapi, Stock::Authlib, Stock::Pyjwt, Stock::GoOidc] {
        let client = StockClient::start(stock, &library, &library.oidc());
        vendors.extend(client.map(|client| Box::new(client) as Box<dyn clicks::Clicks>));
    }
    let seen = clicks::go_on_until(&library, vendors, 3).await;
    assert!(seen.values().all(|(clicks, _)| *clicks > 100), "clicks went on all the time: {seen:?}");
}

impl clicks::Clicks for StockClient {
    fn name(&self) -> String {
        format!("{:?}", self.stock)
    }

    fn click<'a>(&'a mut self, _: &'a Library, browser: &'a Browser, patron: &'a Patron) -> clicks::Verified<'a> {
        Box::pin(async move {
            let arrived = StockClient::click(self, browser, patron).await?;
            Ok(arrived["id_token"].as_str().unwrap_or_default().to_owned())
        })
    }
}
