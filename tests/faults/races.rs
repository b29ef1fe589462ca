//! Sixty-four at once over three replicas.

use std::{collections::BTreeSet, sync::Arc};

use super::ledger::{note, renewal};
use crate::actors::*;

const STAYS: Declared = Declared {
    id: "stays",
    auth_method: "client_secret_basic",
    pkce: "required",
    redirect_uris: &["https://stays.example/callback"],
    scopes: &["library.ebooks"],
    audience: &["young-adult"],
    vendor_lines: "",
    oidc_lines: "grant_types = [\"authorization_code\", \"refresh_token\"]\n",
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sixty_four_over_three_replicas_one_wins_a_code_and_one_successor_follows_a_refresh_token() {
    let people = [Person::pupil(1)];
    let Some(fleet) = Fleet::founded(&Founding { people: &people, ..Founding::of(Engine::Postgres, 3) }) else {
        return;
    };
    let library = &fleet.library;
    let vendor = Arc::new(OidcVendor::of(library, library.declare(STAYS).await).await);
    let all_know = || async {
        // Each in turn.
        for _ in 0..3 {
            if vendor.token(&[]).await.1["error"] == "invalid_client" {
                return false;
            }
        }
        true
    };
    library.soon("all know the vendor", all_know).await;
    let browser = Browser::new();

    let (code, challenge) = vendor.code(&browser, &people[0].card()).await;
    fleet.warm().await;
    let answers = of_many(&vendor, vendor.exchange(&code, &challenge)).await;
    let won = answers.iter().filter(|(status, _)| *status == 200).count();
    let lost = answers.iter().filter(|(status, said)| *status == 400 && said["error"] == "invalid_grant").count();
    assert_eq!((won, lost), (1, 63), "{answers:?}");
    note("64 at once over three replicas", "winners of one code", 1, won);

    let (code, challenge) = vendor.code(&browser, &Patron::new(people[0].card().card, CHANGED_PIN)).await;
    let (status, tokens) = vendor.token(&vendor.exchange(&code, &challenge)).await;
    assert_eq!(status, 200, "{tokens}");
    fleet.warm().await;
    let answers = of_many(&vendor, renewal(tokens["refresh_token"].as_str().unwrap())).await;
    let successors: BTreeSet<&str> = answers.iter().filter_map(|(_, said)| said["refresh_token"].as_str()).collect();
    let odd: Vec<&(u16, serde_json::Value)> = answers.iter().filter(|(status, _)| *status != 200).collect();
    assert!(odd.is_empty() && successors.len() == 1, "{odd:?}, {successors:?}");
    note("64 at once over three replicas", "successors of one refresh token", 1, successors.len());
    let next = successors.into_iter().next().unwrap();
    assert_eq!(vendor.token(&renewal(next)).await.0, 200, "and it is good");
}

async fn of_many(vendor: &Arc<OidcVendor>, fields: Vec<(String, String)>) -> Vec<(u16, serde_json::Value)> {
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (vendor, fields) = (vendor.clone(), fields.clone());
        all.spawn(async move { vendor.token(&fields).await });
    }
    all.join_all().await
}
