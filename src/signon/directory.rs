//! User name and password of a school's directory, typed where card and PIN are. A directory is asked only after the PIN
//! was checked and is not it, and then whatever was typed, so that neither the answer nor its time tells cards apart.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    Fault, SignOn,
    guesses::{self, Gate, short_hash},
};
use crate::{
    directory::{
        source::PullError,
        verify::{Account, Name, Verdict, Verify},
    },
    domain::{
        card::{CardNumber, CardScheme, IdField},
        catalogue::{Catalogue, SourceSettings},
        id::SourceId,
        lookup::LookupField,
        patron::Patron,
        reason::Reason,
    },
    ephemeral::Namespace,
    store::patrons::PatronRecord,
};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Somebody who changes the PIN: that PIN alone counts.
    ForThePin,
    OnThePage,
    /// A vendor's server, which sees what its readers type.
    AtAFace,
}

/// Somebody whom a directory knows by the password.
pub(super) struct Vouched {
    pub record: PatronRecord,
    pub source: SourceId,
}

impl SignOn {
    /// Whether somebody can sign in with user name and password of a directory.
    pub fn asks_directories(&self) -> bool {
        self.app().sources.now().all().any(|(_, source)| source.verify().is_some())
    }

    /// Whom the directories know by this name and password. `typed` may be a card as well, `known` is then its holder;
    /// a directory is asked by the name that it knows them by.
    pub(super) async fn by_directory(
        &self,
        typed: &str,
        password: &str,
        known: Option<&Patron>,
        asked: Asked,
    ) -> Result<Result<Vouched, Reason>, Fault> {
        let app = self.app();
        // A name that the throttle could not count as one would be many to the directory.
        let countable = CardNumber::read(typed).is_some();
        if asked == Asked::ForThePin || !countable || password.trim().is_empty() {
            return Ok(Err(Reason::SignInFailed));
        }
        let (sources, catalogue) = (app.sources.now(), app.catalogue());
        let (mut told, mut away) = (None, false);
        for (settings, source) in sources.all() {
            let Some(directory) = source.verify() else { continue };
            if asked == Asked::AtAFace && !settings.settings.get("faces").and_then(Value::as_bool).unwrap_or(false) {
                continue;
            }
            let derived = known.filter(|patron| covers(settings, patron));
            let derived = derived.and_then(|patron| name_of(settings, &catalogue, patron));
            let name = match &derived {
                Some(Derived::SourcedId(id)) => Name::SourcedId(id),
                Some(Derived::Matching(value)) => Name::Matching(value),
                None => Name::Typed(typed),
            };
            match self.ask(settings, directory, name, password).await? {
                Said::Right(account) => match self.meant(settings, &account).await? {
                    Some(record) if derived.is_none() || known.is_some_and(|known| known.id == record.patron.id) => {
                        return Ok(Ok(Vouched { record, source: settings.id.clone() }));
                    }
                    _ => tracing::info!(source = %settings.id, "a right password of nobody whom the roster knows"),
                },
                Said::No(reason) => told = told.or(Some(reason)),
                Said::Away(error) => {
                    tracing::warn!(source = %settings.id, %error, "the directory cannot be asked");
                    away = true;
                }
                Said::Wrong => {}
            }
        }
        let otherwise = if away { Reason::DirectoryAway } else { Reason::SignInFailed };
        Ok(Err(told.unwrap_or(otherwise)))
    }

    /// Tries at one account are counted together, whichever of its names is typed: the directory counts them so as well,
    /// and locks its account out for everything.
    async fn ask(
        &self,
        settings: &SourceSettings,
        directory: &dyn Verify,
        name: Name<'_>,
        password: &str,
    ) -> Result<Said, Fault> {
        let (shelf, now) = (&self.app().shelf, self.app().clock.now());
        let account = match directory.find(name, now).await {
            Ok(account) => account,
            Err(PullError::Away(why) | PullError::Wrong(why)) => return Ok(Said::Away(why)),
        };
        let Some(account) = account else {
            return Ok(match directory.prove(None, password).await {
                Verdict::Away(why) => Said::Away(why),
                _ => Said::Wrong,
            });
        };
        let key = format!("directory {} {}", settings.id, short_hash(&account.name));
        let gate = [Gate { key, limit: self.0.limits.card }];
        if let Err(reason) = guesses::enter(shelf, &gate).await? {
            return Ok(Said::No(reason));
        }
        let verdict = directory.prove(Some(&account), password).await;
        match verdict {
            Verdict::Wrong => {
                gate[0].wrong(shelf, 1).await?;
            }
            Verdict::Away(_) => {}
            _ => {
                shelf.forget(Namespace::Throttle, &gate[0].key).await?;
            }
        }
        guesses::leave(shelf, &gate).await?;
        Ok(match verdict {
            Verdict::Right => Said::Right(account),
            Verdict::Wrong => Said::Wrong,
            Verdict::Disabled => Said::No(Reason::DirectoryDisabled),
            Verdict::Expired => Said::No(Reason::DirectoryExpired),
            Verdict::MustChange => Said::No(Reason::DirectoryPasswordChange),
            Verdict::Away(why) => Said::Away(why),
        })
    }

    /// The one person of the roster whom the account is, where this directory speaks for them.
    async fn meant(&self, settings: &SourceSettings, account: &Account) -> Result<Option<PatronRecord>, Fault> {
        let app = self.app();
        let (Some(roster), Some(field)) = (roster_of(settings), field_of(settings)) else { return Ok(None) };
        let mut all = BTreeSet::new();
        for value in &account.values {
            let digest = field.digest(app.keyring.pin_key(), value);
            all.extend(app.store.lookups().meant(&roster, &digest).await?);
        }
        let (Some(only), 1) = (all.first(), all.len()) else { return Ok(None) };
        let record = app.store.patrons().by_id(*only).await?;
        Ok(record.filter(|record| covers(settings, &record.patron)))
    }
}

enum Said {
    Right(Account),
    Wrong,
    No(Reason),
    Away(String),
}

/// Whether a PIN opens this patron's card: not where a directory of theirs says `pin = "never"`, reachable or not.
pub(super) fn pin_counts(catalogue: &Catalogue, patron: &Patron) -> bool {
    let passwords = catalogue.sources.values().filter(|source| source.text("user_filter").is_some());
    !passwords.filter(|source| source.text("pin") == Some("never")).any(|source| covers(source, patron))
}

/// Whether people of this patron's roster, organisation and role sign in by this directory.
fn covers(source: &SourceSettings, patron: &Patron) -> bool {
    let among = |name: &str, word: &str| {
        let list = source.settings.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        list.is_empty() || list.iter().any(|one| one.as_str() == Some(word))
    };
    roster_of(source).as_ref() == Some(&patron.source)
        && patron
            .affiliations
            .iter()
            .any(|a| among("organisations", a.organisation.as_str()) && among("roles", a.role.as_str()))
}

fn roster_of(source: &SourceSettings) -> Option<SourceId> {
    source.text("roster")?.parse().ok()
}

fn field_of(source: &SourceSettings) -> Option<LookupField> {
    source.text("match_field")?.parse().ok()
}

#[derive(Debug, PartialEq, Eq)]
enum Derived {
    SourcedId(String),
    Matching(String),
}

/// What the directory knows the holder of a card by, where that can be told from what we keep: of usernames, addresses
/// and IDs we keep digests alone. Nothing to tell it from: such people type their user name.
fn name_of(source: &SourceSettings, catalogue: &Catalogue, patron: &Patron) -> Option<Derived> {
    if roster_of(source).as_ref() == Some(&source.id) {
        return Some(Derived::SourcedId(patron.sourced_id.clone()));
    }
    let field = field_of(source)?;
    if field == LookupField::SourcedId {
        return Some(Derived::Matching(patron.sourced_id.clone()));
    }
    let organisation = catalogue.organisations.get(&patron.affiliations.first()?.organisation)?;
    let same = match (organisation.card.from_field(), &field) {
        (IdField::Identifier, LookupField::Identifier) | (IdField::Username, LookupField::Username) => true,
        (IdField::UserId(one), LookupField::UserId(other)) => one == other,
        _ => false,
    };
    let number = patron.card.as_str();
    match &organisation.card {
        _ if !same => None,
        CardScheme::Raw { .. } => Some(Derived::Matching(number.to_owned())),
        CardScheme::Prefix { prefix, .. } => {
            let prefix = CardNumber::read(prefix)?;
            Some(Derived::Matching(number.strip_prefix(prefix.as_str())?.to_owned()))
        }
        // The ID's own zeros in front cannot be told from those that fill the number up.
        CardScheme::Barcode14 { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::{
        card::CardStatus,
        id::PatronId,
        patron::{Affiliation, Role, Standing},
    };

    fn source(settings: Value) -> SourceSettings {
        serde_json::from_value(json!({ "id": "ad", "kind": "ldap", "settings": settings })).unwrap()
    }

    fn catalogue(card: Value, sources: Vec<SourceSettings>) -> Catalogue {
        let organisation =
            json!({ "id": "maple", "name": "Maple", "roster": ["m"], "card": card, "initial_pin": "none" });
        let mut catalogue = Catalogue::default();
        catalogue.organisations.insert("maple".parse().unwrap(), serde_json::from_value(organisation).unwrap());
        catalogue.sources = sources.into_iter().map(|source| (source.id.clone(), source)).collect();
        catalogue
    }

    fn teacher(card: &str) -> Patron {
        Patron {
            id: PatronId::new(),
            source: "cms".parse().unwrap(),
            sourced_id: "u-1".into(),
            given_name: "Ada".into(),
            family_name: "Okafor".into(),
            affiliations: vec![Affiliation { organisation: "maple".parse().unwrap(), role: Role::Staff, grade: None }],
            standing: Standing::Enrolled,
            card: CardNumber::read(card).unwrap(),
            numbers: crate::domain::numbers::Numbers::of_roster(CardNumber::read(card).unwrap()),
            card_status: CardStatus::Active,
            standard_claims: None,
            kept: Default::default(),
        }
    }

    #[test]
    fn a_card_tells_what_the_directory_calls_its_holder_only_where_we_keep_it() {
        let of = |card: Value, number: &str, settings: Value| {
            name_of(&source(settings), &catalogue(card, Vec::new()), &teacher(number))
        };
        let raw = json!({ "scheme": "raw", "from": "identifier" });
        let prefix = json!({ "scheme": "prefix", "prefix": "ch", "from": "identifier" });
        let barcode = json!({ "scheme": "barcode14", "institution": "3023", "from": "identifier" });
        let by = |field: &str| json!({ "roster": "cms", "match_field": field });
        let matching = |value: &str| Some(Derived::Matching(value.to_owned()));
        assert_eq!(of(raw.clone(), "9001", by("identifier")), matching("9001"));
        assert_eq!(of(prefix, "CH9001", by("identifier")), matching("9001"));
        assert_eq!(of(raw.clone(), "9001", by("sourcedId")), matching("u-1"));
        assert_eq!(of(raw.clone(), "9001", by("username")), None);
        assert_eq!(of(barcode, "23023000090013", by("identifier")), None);
        let own = json!({ "roster": "ad", "match_field": "username" });
        assert_eq!(of(raw, "9001", own), Some(Derived::SourcedId("u-1".into())));
    }

    #[test]
    fn a_source_speaks_for_its_roster_its_organisations_and_its_roles() {
        let teacher = teacher("9001");
        let speaks = |more: Value| {
            let mut settings = json!({ "roster": "cms", "user_filter": "(uid={username})", "pin": "never" });
            more.as_object().unwrap().iter().for_each(|(name, value)| settings[name] = value.clone());
            !pin_counts(&catalogue(json!({ "scheme": "raw", "from": "identifier" }), vec![source(settings)]), &teacher)
        };
        assert!(speaks(json!({})) && speaks(json!({ "roles": ["staff"], "organisations": ["maple"] })));
        for other in [
            json!({ "pin": "also" }),
            json!({ "roster": "ad" }),
            json!({ "roles": ["student"] }),
            json!({ "organisations": ["cedar"] }),
            json!({ "user_filter": null }),
        ] {
            assert!(!speaks(other.clone()), "{other}");
        }
    }
}
