//! Continuous clicks: any number of vendors, each with a mind of its own about how long it keeps our keys, until each
//! has been signed for with so many keys.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl,
    Nonce, PkceCodeChallenge, RedirectUrl, Scope, TokenResponse,
    core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata},
};

use tokio::task::JoinSet;

use super::kid_of;
use crate::actors::*;

/// A vendor that lives for many clicks. What it caches, and for how long, is its own business.
pub trait Clicks: Send {
    fn name(&self) -> String;

    /// One whole click by a reader who may be signed in already: the ID token, verified by the vendor's own means, or
    /// why it was refused.
    fn click<'a>(&'a mut self, library: &'a Library, browser: &'a Browser, patron: &'a Patron) -> Verified<'a>;
}

pub type Verified<'a> = Pin<Box<dyn Future<Output = Result<String, String>> + Send + 'a>>;

/// Longer than three rotations of the slowest test.
const PATIENCE: Duration = Duration::from_secs(420);

/// Every vendor clicks again and again until it has met `rotations` keys beyond its first; one refusal fails the test.
/// Says how often each clicked, and how many keys it met.
pub async fn go_on_until(
    library: &Arc<Library>,
    vendors: Vec<Box<dyn Clicks>>,
    rotations: usize,
) -> BTreeMap<String, (usize, usize)> {
    let mut all = JoinSet::new();
    for mut vendor in vendors {
        let library = library.clone();
        all.spawn(async move {
            let (patron, browser, began) = (library.patron("district_grade_7"), Browser::new(), Instant::now());
            let (mut kids, mut count) = (BTreeSet::new(), 0);
            while kids.len() <= rotations {
                let token = vendor.click(&library, &browser, &patron).await;
                let token = token.unwrap_or_else(|why| panic!("{} refused click {count}: {why}", vendor.name()));
                kids.insert(kid_of(&token));
                count += 1;
                assert!(began.elapsed() < PATIENCE, "{}: {} keys in {count} clicks", vendor.name(), kids.len());
            }
            (vendor.name(), (count, kids.len()))
        });
    }
    all.join_all().await.into_iter().collect()
}

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// The strictest reader that the standards allow, with Rust's stock `openidconnect`: it keeps the key set for exactly as
/// long as `Cache-Control` lets it, and looks for no unknown `kid` in between.
pub struct Patient {
    party: OidcVendor,
    held: Option<(CoreProviderMetadata, Instant)>,
    cache_lifetime: Duration,
    place: usize,
}

impl Patient {
    /// Three of them, out of step with one another.
    pub async fn several(library: &Library) -> Vec<Box<dyn Clicks>> {
        let party = OidcVendor::of(library, library.oidc()).await;
        let answer = Browser::new().get(party.endpoint("jwks_uri")).await;
        let max_age = answer.header("cache-control").rsplit_once("max-age=").expect("a cache lifetime").1.parse();
        let cache_lifetime = Duration::from_secs(max_age.unwrap());
        let one = |place| Patient { party: party.clone(), held: None, cache_lifetime, place };
        (1..=3).map(|place| Box::new(one(place)) as Box<dyn Clicks>).collect()
    }

    async fn metadata(&mut self, library: &Library) -> CoreProviderMetadata {
        match &self.held {
            Some((metadata, since)) if since.elapsed() < self.cache_lifetime => metadata.clone(),
            _ => {
                let since = Instant::now();
                let issuer = IssuerUrl::new(library.issuer.clone()).unwrap();
                let metadata = CoreProviderMetadata::discover_async(issuer, &carry).await.unwrap();
                self.held = Some((metadata.clone(), since));
                metadata
            }
        }
    }

    async fn client(&mut self, library: &Library) -> Client {
        let metadata = self.metadata(library).await;
        let party = &self.party.party;
        let secret = party.client_secret.clone().map(ClientSecret::new);
        CoreClient::from_provider_metadata(metadata, ClientId::new(party.client_id.clone()), secret)
            .set_redirect_uri(RedirectUrl::new(party.redirect_uri.clone()).unwrap())
    }

    async fn verified(&mut self, library: &Library, browser: &Browser, patron: &Patron) -> Result<String, String> {
        let client = self.client(library).await;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, _, nonce) = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
            .set_pkce_challenge(challenge)
            .add_scope(Scope::new("library.ebooks".into()))
            .url();
        let back = browser.click(url.as_str(), patron, &self.party.party).await.left();
        let code = query_of(&back, "code").ok_or_else(|| format!("no code: {back}"))?;
        let exchange = client.exchange_code(AuthorizationCode::new(code)).map_err(|e| e.to_string())?;
        let answer = exchange.set_pkce_verifier(verifier).request_async(&carry).await.map_err(|e| format!("{e:?}"))?;
        let token = answer.id_token().ok_or("no ID token")?;
        // The set that it holds is most often from before the click, and never older than it may be.
        token.claims(&self.client(library).await.id_token_verifier(), &nonce).map_err(|e| format!("{e:?}"))?;
        Ok(token.to_string())
    }
}

impl Clicks for Patient {
    fn name(&self) -> String {
        format!("openidconnect with an HTTP cache, number {}", self.place)
    }

    fn click<'a>(&'a mut self, library: &'a Library, browser: &'a Browser, patron: &'a Patron) -> Verified<'a> {
        Box::pin(self.verified(library, browser, patron))
    }
}
