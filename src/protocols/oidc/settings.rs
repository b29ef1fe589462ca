//! What an operator fills in for a relying party, under the names of OIDC client registration metadata.

use crate::domain::field::{Field, Kind};

pub(super) const FIELDS: &[Field] = &[
    Field {
        name: "client_id",
        kind: Kind::Text,
        required: true,
        default: "",
        help: "The client's name towards us, unique among all clients.",
    },
    Field {
        name: "client_secret",
        kind: Kind::Secret,
        required: false,
        default: "",
        help: "Shared with the vendor; kept as a hash. Needed unless token_endpoint_auth_method is none.",
    },
    Field {
        name: "redirect_uris",
        kind: Kind::Urls,
        required: false,
        default: "",
        help: "Where the browser may return to, compared byte by byte. No wildcards. Needed for authorization_code.",
    },
    Field {
        name: "grant_types",
        kind: Kind::Choices(&[
            "authorization_code",
            "refresh_token",
            "client_credentials",
            "urn:ietf:params:oauth:grant-type:device_code",
        ]),
        required: false,
        default: "authorization_code",
        help: "What the client may do at the token endpoint. client_credentials is for the vendor's own back end and \
               tells of no reader; device_code (RFC 8628) is for kiosks and e-readers, whose reader signs in elsewhere.",
    },
    Field {
        name: "offline_access",
        kind: Kind::Flag,
        required: false,
        default: "false",
        help: "Whether refresh tokens may outlive the reader's session where offline_access is asked: for apps and \
               e-readers of one reader, never for shared screens. For how long is said by `[session] offline`.",
    },
    Field {
        name: "token_endpoint_auth_method",
        kind: Kind::Choice(&["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]),
        required: false,
        default: "client_secret_basic",
        help: "How the client proves itself at the token endpoint. none is for apps that cannot keep a secret.",
    },
    Field {
        name: "token_endpoint_auth_signing_alg",
        kind: Kind::Choice(&["RS256", "PS256", "ES256", "EdDSA"]),
        required: false,
        default: "",
        help: "The signature of its assertions, with private_key_jwt. Without it: any of these.",
    },
    Field {
        name: "assertion_audience",
        kind: Kind::Choice(&["issuer", "token_endpoint"]),
        required: false,
        default: "issuer",
        help: "What its assertions name as aud. token_endpoint lets the token endpoint's address pass as well: an \
               exception for libraries that know no better.",
    },
    Field {
        name: "jwks",
        kind: Kind::Jwks,
        required: false,
        default: "",
        help: "The client's own public keys (RFC 7517), for private_key_jwt and signed requests.",
    },
    Field {
        name: "jwks",
        kind: Kind::TextAlone,
        required: false,
        default: "normal",
        help: "As text: how the client comes by our keys when they turn. normal reads the JWKS when it meets an unknown kid; \
               periodic:24h reads it once in that time only; pinned has the key in its configuration, put there by hand. Its own keys then stand in jwks_file or jwks_uri.",
    },
    Field {
        name: "jwks_uri",
        kind: Kind::Url,
        required: false,
        default: "",
        help: "Where the client publishes its keys, instead of jwks. Fetched when needed, kept for ten minutes.",
    },
    Field {
        name: "require_pushed_authorization_requests",
        kind: Kind::Flag,
        required: false,
        default: "false",
        help: "Takes requests only from the pushed authorization request endpoint (RFC 9126).",
    },
    Field {
        name: "require_signed_request_object",
        kind: Kind::Flag,
        required: false,
        default: "false",
        help: "Takes only requests that the client signed (RFC 9101).",
    },
    Field {
        name: "application_type",
        kind: Kind::Choice(&["web", "native"]),
        required: false,
        default: "web",
        help: "native lets the port of a registered http://127.0.0.1 or http://[::1] address vary (RFC 8252).",
    },
    Field {
        name: "pkce",
        kind: Kind::Choice(&["required", "optional"]),
        required: false,
        default: "required",
        help: "Proof key for code exchange, S256. optional is an exception for old vendors that keep a secret.",
    },
    Field {
        name: "profile",
        kind: Kind::Choice(&["standard", "fapi2"]),
        required: false,
        default: "standard",
        help: "What the client is held to. fapi2 is the FAPI 2.0 Security Profile: pushed requests, private_key_jwt, \
               DPoP with nonces, PS256, ES256 or EdDSA, and refresh tokens that stay.",
    },
    Field {
        name: "id_token_signed_response_alg",
        kind: Kind::Choice(&["RS256", "ES256", "PS256", "EdDSA"]),
        required: false,
        default: "",
        help: "Signature of ID tokens. Without it RS256, since many clients know nothing else, and ES256 with fapi2.",
    },
    Field {
        name: "access_token_signing_alg",
        kind: Kind::Choice(&["ES256", "RS256", "PS256", "EdDSA"]),
        required: false,
        default: "ES256",
        help: "Signature of access tokens.",
    },
    Field {
        name: "userinfo_signed_response_alg",
        kind: Kind::Choice(&["RS256", "ES256", "PS256", "EdDSA"]),
        required: false,
        default: "",
        help: "Signs what userinfo answers. Without it: plain JSON.",
    },
    Field {
        name: "resource",
        kind: Kind::Url,
        required: false,
        default: "",
        help: "The audience of access tokens. Without it: the issuer, /vendors/ and the vendor's id.",
    },
    Field {
        name: "post_logout_redirect_uris",
        kind: Kind::Urls,
        required: false,
        default: "",
        help: "Where the browser may return to after sign-out, compared byte by byte.",
    },
    Field {
        name: "dpop_bound_access_tokens",
        kind: Kind::Flag,
        required: false,
        default: "false",
        help: "Issues access tokens only to a key that the client proves to hold (RFC 9449). Without it a client may \
               still bring proofs, and gets bound tokens for them.",
    },
    Field {
        name: "id_token_claims",
        kind: Kind::Flag,
        required: false,
        default: "false",
        help: "For vendors that read nothing but ID tokens: standard claims of adult staff that a release rule allows \
               and a scope asks for go into them, too, and not to userinfo alone.",
    },
    Field {
        name: "backchannel_logout_uri",
        kind: Kind::Url,
        required: false,
        default: "",
        help: "Where a logout token is posted when a session ends, from here to there (OpenID Back-Channel Logout).",
    },
    Field {
        name: "backchannel_logout_session_required",
        kind: Kind::Flag,
        required: false,
        default: "false",
        help: "Whether the client needs sid in logout tokens. It is always there.",
    },
    Field {
        name: "frontchannel_logout_uri",
        kind: Kind::Url,
        required: false,
        default: "",
        help: "What the patron's browser loads at sign-out (OpenID Front-Channel Logout). Of one of the redirect_uris' \
               scheme, host and port.",
    },
    Field {
        name: "frontchannel_logout_session_required",
        kind: Kind::Flag,
        required: false,
        default: "false",
        help: "Whether the client needs iss and sid with that address. They are always there.",
    },
    Field {
        name: "initiate_login_uri",
        kind: Kind::Url,
        required: false,
        default: "",
        help: "Where a sign-in at the vendor can be begun from our launchpad.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_comes_first_and_each_default_is_one_of_its_choices() {
        assert_eq!(FIELDS[0].name, "client_id");
        for field in FIELDS {
            if let Kind::Choice(words) = field.kind
                && !field.default.is_empty()
            {
                assert!(words.contains(&field.default), "{}", field.name);
            }
        }
    }
}
