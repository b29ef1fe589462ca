//! `ldap`: OpenLDAP, Active Directory and their like. A roster by paged search, passwords by bind.
//!
//! `settings` is what the operator says, `filter` what is asked, `line` how it is asked; `entry` and `account` say what an
//! answer means; `pull` and `stamp` read a roster. Referrals are never followed: they would carry names and passwords to
//! servers that nobody named.

mod account;
mod entry;
mod filter;
mod line;
mod pull;
mod settings;
mod stamp;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use ldap3::Scope;

use self::{
    entry::Entry,
    line::{Pool, Search, Servers},
    settings::Settings,
};
use super::{
    source::{Delivery, Kind, Means, Pull, PullError, Soon, Source, Wish},
    verify::{Account, Name, State, Verdict, Verify},
};
use crate::{
    domain::{
        catalogue::SourceSettings,
        clock::Timestamp,
        field::{Field, Misfit},
    },
    outbound::Outbound,
};

pub struct LdapKind;

impl Kind for LdapKind {
    fn name(&self) -> &'static str {
        "ldap"
    }

    fn settings(&self) -> &'static [Field] {
        settings::FIELDS
    }

    fn check(&self, source: &SourceSettings) -> Result<(), Misfit> {
        Settings::read(source).map(|_| ())
    }

    fn open(&self, source: &SourceSettings, means: &Means) -> Result<Box<dyn Source>, String> {
        let settings = Settings::read(source).map_err(|misfit| misfit.to_string())?;
        let tls = match &settings.trusted_certificates {
            Some(file) => Outbound::trusting_only(file).map_err(|error| error.to_string())?,
            None => means.outbound.trust(),
        };
        let servers = Arc::new(Servers::new(&settings, tls));
        let searching = Pool::new(servers.clone(), true, &settings);
        let trying = Pool::new(servers.clone(), false, &settings);
        Ok(Box::new(Ldap { settings, servers, searching, trying }))
    }
}

struct Ldap {
    settings: Settings,
    servers: Arc<Servers>,
    searching: Pool,
    trying: Pool,
}

impl Source for Ldap {
    fn roster(&self) -> Option<&dyn Pull> {
        self.settings.roster_filter.is_some().then_some(self)
    }

    fn verify(&self) -> Option<&dyn Verify> {
        self.settings.user_filter.is_some().then_some(self)
    }
}

impl Pull for Ldap {
    fn pull<'a>(&'a self, wish: &'a Wish<'a>) -> Soon<'a, Result<Option<Delivery>, PullError>> {
        Box::pin(pull::pull(&self.servers, &self.settings, wish))
    }
}

impl Verify for Ldap {
    fn find<'a>(&'a self, name: Name<'a>, now: Timestamp) -> Soon<'a, Result<Option<Account>, PullError>> {
        Box::pin(async move {
            let (Some(filter), Some(compared)) = (self.filter_for(name), &self.settings.match_attribute) else {
                return Ok(None);
            };
            let attributes = account::ATTRIBUTES.into_iter().chain([compared.as_str()]).map(str::to_owned).collect();
            let base = self.settings.base_dn.clone();
            let search = Search { base, scope: Scope::Subtree, filter, attributes, most: 2 };
            let (mut found, result) = self.searching.search(&search).await?;
            match (result.rc, found.len()) {
                (0 | 4, 1) => {}
                (0 | 4, 0) | (32, _) => return Ok(None),
                (0 | 4, _) => {
                    tracing::warn!("user_filter finds more than one account by one name, and so lets nobody in by it");
                    return Ok(None);
                }
                (code, _) => return Err(PullError::Away(format!("the directory could not search (result {code})"))),
            }
            let entry: Entry = found.swap_remove(0);
            let values = entry.texts(compared).collect();
            let state = account::state(&entry, now);
            Ok(Some(Account { name: entry.dn, values, state }).filter(|account| !account.name.is_empty()))
        })
    }

    fn prove<'a>(&'a self, account: Option<&'a Account>, password: &'a str) -> Soon<'a, Verdict> {
        Box::pin(async move {
            if password.trim().is_empty() {
                return Verdict::Wrong;
            }
            match account {
                Some(account) => self.trying.try_password(&account.name, password, account.state).await,
                None => {
                    // An account that cannot be, with a password of our own: as long on the way as a wrong one.
                    let (name, word) = (uuid::Uuid::now_v7(), uuid::Uuid::now_v7());
                    let dn = format!("cn={name},{}", self.settings.base_dn);
                    match self.trying.try_password(&dn, &word.to_string(), State::Good).await {
                        Verdict::Away(why) => Verdict::Away(why),
                        _ => Verdict::Wrong,
                    }
                }
            }
        })
    }
}

impl Ldap {
    fn filter_for(&self, name: Name<'_>) -> Option<String> {
        let settings = &self.settings;
        let all = settings.roster_filter.as_deref().unwrap_or("(objectClass=*)");
        Some(match name {
            Name::Typed(typed) => filter::of_user(settings.user_filter.as_deref()?, typed),
            Name::SourcedId(id) => filter::equal(all, &settings.attributes.sourced_id, id),
            Name::Matching(value) => filter::equal(all, settings.match_attribute.as_deref()?, value),
        })
    }
}
