//! What an operator fills in for a service provider. Most of it is in the service provider's own metadata; here stands
//! where that is, and what the library decides.

use crate::domain::field::{Field, Kind};

/// Names of attributes that `attributes` may list; `attributes::NAMED` says what each is.
pub(super) const ATTRIBUTES: &[&str] = &[
    "eduPersonEntitlement",
    "eduPersonScopedAffiliation",
    "eduPersonAffiliation",
    "eduPersonTargetedID",
    "pairwise-id",
    "schacHomeOrganization",
    "eduPersonAssurance",
    "audience_band",
    "patron_type",
    "card_number",
    "displayName",
    "givenName",
    "sn",
    "mail",
    "telephoneNumber",
];

pub(super) const FIELDS: &[Field] = &[
    Field {
        name: "entity_id",
        kind: Kind::Text,
        required: false,
        default: "",
        help: "The service provider's entityID. Without it: the one that its metadata names. Needed where the metadata \
               holds several.",
    },
    Field {
        name: "metadata",
        kind: Kind::Document,
        required: true,
        default: "",
        help: "The service provider's metadata: a file, or an https URL, which is read again by itself (also an \
               aggregate or MDQ, of which `entity_id` is taken). What changes there for the worse waits for \
               `oneaccess vendor metadata`.",
    },
    Field {
        name: "metadata_certificate",
        kind: Kind::Document,
        required: false,
        default: "",
        help: "A PEM file with the certificate that must have signed what the URL brings.",
    },
    Field {
        name: "signed_requests",
        kind: Kind::Choice(&["as-metadata", "required"]),
        required: false,
        default: "as-metadata",
        help: "Whether its requests must be signed: always, or where its metadata says `AuthnRequestsSigned`.",
    },
    Field {
        name: "sign",
        kind: Kind::Choice(&["both", "assertion", "response"]),
        required: false,
        default: "both",
        help: "What we sign. Each signature costs about a quarter of a millisecond.",
    },
    Field {
        name: "encrypt",
        kind: Kind::Choice(&["as-metadata", "always", "never"]),
        required: false,
        default: "as-metadata",
        help: "Whether assertions are encrypted: where its metadata has a certificate with `use=\"encryption\"`, always \
               (by any certificate that is not for signing alone), or never.",
    },
    Field {
        name: "encryption_method",
        kind: Kind::Choice(&["as-metadata", "aes256-gcm", "aes128-gcm", "aes256-cbc", "aes128-cbc"]),
        required: false,
        default: "as-metadata",
        help: "The cipher of encrypted assertions: the first GCM that its metadata names, aes256-gcm where it names \
               none. CBC is for old software that knows no other.",
    },
    Field {
        name: "name_id",
        kind: Kind::Choice(&["as-metadata", "persistent", "transient"]),
        required: false,
        default: "as-metadata",
        help: "The NameID where the request wants no certain one: the first that its metadata names, persistent where \
               it names none. Persistent is the vendor's pseudonym of the reader, transient another one each time.",
    },
    Field {
        name: "attributes",
        kind: Kind::Choices(ATTRIBUTES),
        required: false,
        default: "",
        help: "Exactly these attributes, whatever its metadata asks for. Personal ones still need a `release` with its \
               purpose, and are never told of pupils.",
    },
    Field {
        name: "common_lib_terms",
        kind: Kind::Flag,
        required: false,
        default: "false",
        help: "Whether eduPersonEntitlement also says `urn:mace:dir:entitlement:common-lib-terms`, which some databases \
               look for.",
    },
    Field {
        name: "idp_initiated",
        kind: Kind::Flag,
        required: false,
        default: "false",
        help: "Whether we send readers who were not asked for, from `/saml/unsolicited`. Off: an answer without a \
               question can be planted in somebody's browser.",
    },
    Field {
        name: "certificate",
        kind: Kind::Text,
        required: false,
        default: "pinned",
        help: "How it comes by our certificate: `pinned` (put there by hand: it stays on the old one until it was seen \
               fetching our metadata, is attested with `oneaccess keys attest`, or the deadline comes), `normal` (it \
               reads our metadata when due), or `periodic:24h`.",
    },
];
