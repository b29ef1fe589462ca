//! What happened, in the words that the audit keeps.

use serde_json::Value;

use super::clock::Timestamp;

/// One thing that happened. `kind` outlives the retention time, `payload` does not.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEvent {
    pub at: Timestamp,
    pub kind: Kind,
    /// Who and where: erased when its time is over. Never a secret, a code, a token or a PIN.
    pub payload: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    SignIn,
    /// Somebody of an upstream is this patron from now on, or no longer.
    UpstreamLink,
    UpstreamUnlink,
    SignOut,
    Refusal,
    Issue,
    Renew,
    Revoke,
    /// A relying party heard that a session has ended, or we gave up telling it.
    Farewell,
    PinSet,
    CardStatus,
    /// A badge was made, taken back, or got new pictures.
    Badge,
    /// A card got another number, or a library card was linked to it, or either was taken back.
    CardNumber,
    /// What the library keeps with a patron: an opt-out, an audience, a privilege of one card.
    PatronFacts,
    /// People of whom nothing is kept any more. Names nobody.
    Erasure,
    /// Lines about patrons that left for the ILS. Names nobody.
    Export,
    Import,
    ImportUndo,
    Apply,
    KeyMade,
    KeyTurn,
    LookUp,
    Retention,
    /// Everything was copied into a sealed file, or came from one. Names nobody.
    Backup,
    Restore,
}

impl Kind {
    pub const ALL: [Kind; 25] = [
        Kind::SignIn,
        Kind::UpstreamLink,
        Kind::UpstreamUnlink,
        Kind::SignOut,
        Kind::Refusal,
        Kind::Issue,
        Kind::Renew,
        Kind::Revoke,
        Kind::Farewell,
        Kind::PinSet,
        Kind::CardStatus,
        Kind::Badge,
        Kind::CardNumber,
        Kind::PatronFacts,
        Kind::Erasure,
        Kind::Export,
        Kind::Import,
        Kind::ImportUndo,
        Kind::Apply,
        Kind::KeyMade,
        Kind::KeyTurn,
        Kind::LookUp,
        Kind::Retention,
        Kind::Backup,
        Kind::Restore,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Kind::SignIn => "sign-in",
            Kind::UpstreamLink => "upstream-link",
            Kind::UpstreamUnlink => "upstream-unlink",
            Kind::SignOut => "sign-out",
            Kind::Refusal => "refusal",
            Kind::Issue => "issue",
            Kind::Renew => "renew",
            Kind::Revoke => "revoke",
            Kind::Farewell => "farewell",
            Kind::PinSet => "pin-set",
            Kind::CardStatus => "card-status",
            Kind::Badge => "badge",
            Kind::CardNumber => "card-number",
            Kind::PatronFacts => "patron-facts",
            Kind::Erasure => "erasure",
            Kind::Export => "export",
            Kind::Import => "import",
            Kind::ImportUndo => "import-undo",
            Kind::Apply => "apply",
            Kind::KeyMade => "key-made",
            Kind::KeyTurn => "key-turn",
            Kind::LookUp => "look-up",
            Kind::Retention => "retention",
            Kind::Backup => "backup",
            Kind::Restore => "restore",
        }
    }

    /// Whether the payload says which patron went where or signed in, and so is erased after its time.
    pub fn tells_of_a_patron(self) -> bool {
        matches!(
            self,
            Kind::SignIn
                | Kind::UpstreamLink
                | Kind::UpstreamUnlink
                | Kind::SignOut
                | Kind::Refusal
                | Kind::Issue
                | Kind::Renew
                | Kind::Revoke
                | Kind::Farewell
                | Kind::PinSet
                | Kind::CardStatus
                | Kind::Badge
                | Kind::CardNumber
                | Kind::PatronFacts
                | Kind::LookUp
        )
    }
}
