//! A patron without a session signs in at her school's page: the sign-in page, its button, the way there, and back with
//! an answer that the server redeems and checks. The school is a bare provider in a process of its own, which knows
//! everybody: whoever goes there is the patron whom the code names.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, ensure};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use axum::{
    Form as Posted, Json, Router,
    extract::State,
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::{
    browser::{Browser, is_redirect, path},
    drill::Visit,
    form::{Form, encode as encoded},
    target::{Patron, Target},
};

/// What the configuration calls the school, and the school the server.
const SOURCE: &str = "bench-school";
const CLIENT: &str = "library";

struct School {
    issuer: String,
    key: EncodingKey,
    jwk: Value,
}

/// Prints where it is, as one line of JSON, and serves until it is ended.
pub async fn school(listen: SocketAddr) -> anyhow::Result<()> {
    let random = SystemRandom::new();
    let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).context("a key")?;
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref()).context("its public half")?;
    let half = |range: std::ops::Range<usize>| {
        pair.public_key().as_ref().get(range).map(|bytes| URL_SAFE_NO_PAD.encode(bytes)).unwrap_or_default()
    };
    let jwk = json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": "1", "x": half(1..33), "y": half(33..65) });
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let issuer = format!("http://{}", listener.local_addr()?);
    println!("{}", json!({ "issuer": issuer, "client_id": CLIENT, "source": SOURCE }));
    let school = Arc::new(School { issuer, key: EncodingKey::from_ec_der(der.as_ref()), jwk });
    let router = Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/jwks", get(async |State(school): State<Arc<School>>| Json(json!({ "keys": [school.jwk] }))))
        .route("/token", post(token))
        .with_state(school);
    Ok(axum::serve(listener, router).await?)
}

async fn discovery(State(school): State<Arc<School>>) -> Json<Value> {
    let of = |path: &str| format!("{}{path}", school.issuer);
    Json(json!({
        "issuer": school.issuer, "authorization_endpoint": of("/authorize"), "token_endpoint": of("/token"),
        "jwks_uri": of("/jwks"), "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"], "authorization_response_iss_parameter_supported": true,
    }))
}

#[derive(Deserialize)]
struct Redeemed {
    /// Who it is, and the nonce.
    code: String,
}

async fn token(State(school): State<Arc<School>>, Posted(asked): Posted<Redeemed>) -> Json<Value> {
    let (who, nonce) = asked.code.split_once('.').unwrap_or_default();
    #[allow(clippy::disallowed_methods)]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let claims =
        json!({ "iss": school.issuer, "sub": who, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce });
    let header = Header { kid: Some("1".into()), ..Header::new(Algorithm::ES256) };
    let id_token = encode(&header, &claims, &school.key).unwrap_or_default();
    Json(json!({ "access_token": "of-no-use", "token_type": "Bearer", "expires_in": 300, "id_token": id_token }))
}

/// Somebody at the library's sign-in page.
pub struct Pupil {
    patron: Patron,
    browser: Browser,
}

impl Pupil {
    pub async fn arrive(target: Arc<Target>, place: usize) -> anyhow::Result<Pupil> {
        // Of the first alone is it sure that the card is the roster's own number.
        let patron = target.patrons.first().context("nobody to sign in as")?.clone();
        let browser = Browser::new(target.address, &target.host, None);
        let mut pupil = Pupil { patron, browser };
        pupil.visit().await.with_context(|| format!("pupil {place}"))?;
        Ok(pupil)
    }
}

impl Visit for Pupil {
    async fn visit(&mut self) -> anyhow::Result<()> {
        self.browser.forget();
        let page = self.browser.browse("/sign-in?all=1", None).await?;
        ensure!(page.status == 200, "the sign-in page answered {}", page.status);
        let page = String::from_utf8_lossy(&page.body).into_owned();
        let form = Form::leading_to(&page, &format!("/with/{SOURCE}"))
            .context("no button of a school's on the sign-in page")?;
        let (_, answer) = self.browser.submit("/sign-in", &form, &[]).await?;
        ensure!(is_redirect(answer.status), "the button answered {}", answer.status);
        let away: Url = answer.location.clone().context("sent nowhere")?.parse().context("sent to the school")?;
        let of = |name: &str| away.query_pairs().find(|(n, _)| n == name).map(|(_, value)| value.into_owned());
        let (state, nonce) = (of("state").context("state")?, of("nonce").context("nonce")?);
        let issuer = away.origin().ascii_serialization();
        let code = format!("{}.{nonce}", self.patron.card);
        let back: Url = of("redirect_uri").context("redirect_uri")?.parse()?;
        let back = format!("{}?{}", back.path(), encoded([("state", &*state), ("code", &*code), ("iss", &*issuer)]));
        let home = self.browser.browse(&back, None).await?;
        ensure!(is_redirect(home.status), "{} answered {}", path(&back), home.status);
        let to = home.location.as_deref().unwrap_or_default();
        ensure!(to == "/", "nobody was signed in: sent to {}", path(to));
        Ok(())
    }

    fn tokens(&self) -> Option<&str> {
        None
    }
}
