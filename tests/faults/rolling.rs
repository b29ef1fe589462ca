//! Replicas are replaced one after the other, with a configuration that says something new, while stock clients click.

use std::{
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::{Rounds, ledger::note};
use crate::actors::*;

const STOCK: [Stock; 3] = [Stock::OpenidClient, Stock::Authlib, Stock::Openidconnect];
const IDS: [&str; 3] = ["one", "two", "three"];
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Default)]
struct Clicks {
    good: [usize; 3],
    failed: Vec<String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_clicks_in_vain_while_three_replicas_are_replaced_one_by_one() {
    let people: Vec<Person> = (1..=3).map(Person::pupil).collect();
    let lines = "[serving]\nleave_after = \"1s\"\n";
    let wish = Founding { people: &people, lines, ..Founding::of(Engine::Postgres, 3) };
    let Some(mut fleet) = Fleet::founded(&wish) else { return };
    let (clicks, over) = (Arc::new(Mutex::new(Clicks::default())), Arc::new(AtomicBool::new(false)));
    let mut clicking = tokio::task::JoinSet::new();
    for (n, stock) in STOCK.into_iter().enumerate() {
        let library = &fleet.library;
        let party = library.declare(Declared { id: IDS[n], ..Declared::default() }).await;
        let Some(mut client) = StockClient::start(stock, library, &party) else { return };
        Browser::new().sign_in(library, &people[n].card()).await;
        let patron = Patron::new(people[n].card().card, CHANGED_PIN);
        let (clicks, over) = (clicks.clone(), over.clone());
        clicking.spawn(async move {
            let mut browser = Browser::through_a_proxy();
            while !over.load(Ordering::SeqCst) {
                let clicked = click(&mut client, &browser, &patron).await;
                let mut clicks = clicks.lock().unwrap();
                match clicked {
                    Ok(()) => clicks.good[n] += 1,
                    Err(why) => clicks.failed.push(why),
                }
                // Every other time somebody sits down anew.
                if clicks.good[n].is_multiple_of(2) {
                    browser = Browser::through_a_proxy();
                }
            }
        });
    }
    let more = async |count: usize| {
        let before = clicks.lock().unwrap().good;
        let give_up = Instant::now() + PATIENCE;
        loop {
            let now = clicks.lock().unwrap().good;
            if now.iter().zip(before).all(|(now, before)| *now >= before + count) {
                return;
            }
            assert!(Instant::now() < give_up, "{now:?} {:?}", clicks.lock().unwrap().failed);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    more(2).await;
    for round in Rounds::at_least(1) {
        let text = fs::read_to_string(&fleet.library.config).unwrap();
        let vendor = Declared { id: IDS[0], vendor_lines: "description = \"Round by round.\"", ..Declared::default() };
        let new = format!("[[scope]]\nname = \"library.round-{round}\"\n");
        let declared = if round == 0 { vendor.toml() } else { String::new() };
        fs::write(&fleet.library.config, format!("{text}\n{new}{declared}")).unwrap();
        for replica in 0..fleet.size() {
            fleet.leave(replica);
            more(1).await;
            fleet.begin(replica);
            more(1).await;
        }
        let scopes = fleet.library.run(&["scope", "list", "--json"]).fine().stdout;
        assert!(scopes.contains(&format!("library.round-{round}")), "the new configuration is in force: {scopes}");
    }
    over.store(true, Ordering::SeqCst);
    clicking.join_all().await;
    let clicks = clicks.lock().unwrap();
    let good: usize = clicks.good.iter().sum();
    note("three replicas, replaced one by one", "clicks that worked", good + clicks.failed.len(), good);
    assert!(clicks.failed.is_empty(), "{} of {good}: {:#?}", clicks.failed.len(), clicks.failed);
}

async fn click(client: &mut StockClient, browser: &Browser, patron: &Patron) -> Result<(), String> {
    let authorize = client.authorize().await?;
    match browser.click_to(&authorize, patron, client.redirect_uri()).await {
        Arrival::Left(callback) => client.arrive(&callback).await.map(drop),
        Arrival::Page(page) => Err(format!("{} {}: {}", page.status, page.url, page.body)),
    }
}
