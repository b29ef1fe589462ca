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
        kind: Kind::Choices(&["authorization_code", "refresh_token", "client_credentials"]),
        required: false,
        default: "authorization_code",
        help: "What the client may do at the token endpoint. client_credentials is for the vendor's own back end and \
               tells of no reader.",
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
        kind: Kind::Choice(&["client_secret_basic", "client_secret_post", "none"]),
        required: false,
        default: "client_secret_basic",
        help: "How the client proves itself at the token endpoint. none is for apps that cannot keep a secret.",
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
        kind: Kind::Choice(&["standard"]),
        required: false,
        default: "standard",
        help: "What the client is held to. standard is the only one in this release.",
    },
    Field {
        name: "id_token_signed_response_alg",
        kind: Kind::Choice(&["RS256", "ES256"]),
        required: false,
        default: "RS256",
        help: "Signature of ID tokens. Many clients know RS256 only.",
    },
    Field {
        name: "access_token_signing_alg",
        kind: Kind::Choice(&["ES256", "RS256"]),
        required: false,
        default: "ES256",
        help: "Signature of access tokens.",
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
        name: "id_token_claims",
        kind: Kind::Flag,
        required: false,
        default: "false",
        help: "For vendors that read nothing but ID tokens: standard claims of adult staff that a release rule allows \
               and a scope asks for go into them, too, and not to userinfo alone.",
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
            if let Kind::Choice(words) = field.kind {
                assert!(words.contains(&field.default), "{}", field.name);
            }
        }
    }
}
