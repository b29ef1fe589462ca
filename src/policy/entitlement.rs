//! What a patron may do today, and what of it one vendor may be told: agreement × role × grade × date.

use std::collections::BTreeMap;

use crate::domain::{
    agreement::Agreement,
    card::CardStatus,
    clock::{TimeZone, Timestamp},
    grade::{AudienceBand, BandRule},
    id::{AgreementId, ScopeId, ScopeName},
    patron::{Affiliation, Patron, Role, Standing},
    reason::Reason,
    scope::{Scope, Scopes},
    vendor::Vendor,
};

/// Everything that bears on a patron's entitlement, gathered by the caller.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub patron: &'a Patron,
    pub opted_out: bool,
    pub agreements: &'a BTreeMap<AgreementId, Agreement>,
    /// The library's catalogue: what is retired from it is granted to nobody.
    pub scopes: &'a BTreeMap<ScopeId, Scope>,
    pub bands: &'a BandRule,
    pub time_zone: &'a TimeZone,
    /// What somebody who showed less than a PIN is held to; absent where nothing is.
    pub narrow: Option<Narrow<'a>>,
}

/// The little that a weak way to sign in opens.
#[derive(Debug, Clone, Copy)]
pub struct Narrow<'a> {
    /// Nothing is granted but these, by any name that the catalogue knows them by.
    pub scopes: &'a [ScopeName],
    /// Nothing beyond the default is told, whatever was agreed.
    pub plain: bool,
}

impl Narrow<'_> {
    fn admits(&self, scope: &Scope, now: Timestamp) -> bool {
        self.scopes.iter().any(|name| scope.spelling(name.as_str(), now).is_some())
    }
}

/// What a patron's agreements grant now, whatever the vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entitlement {
    pub scopes: Scopes,
    /// The affiliation that the agreements were found by; the first that counts.
    pub role: Role,
    pub audience_band: AudienceBand,
    pub agreements: Vec<AgreementId>,
    /// The first instant at which one of these agreements is over.
    pub until: Timestamp,
    /// Nothing beyond the default may be told.
    pub plain: bool,
}

/// A yes to one patron at one vendor. Only this module makes one, so no protocol can assert what policy did not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    scopes: Scopes,
    role: Role,
    audience_band: AudienceBand,
    agreements: Vec<AgreementId>,
    until: Timestamp,
    plain: bool,
}

impl Allowance {
    /// Asked ∩ allowed to the vendor ∩ granted by agreements.
    pub fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    pub fn role(&self) -> Role {
        self.role
    }

    pub fn audience_band(&self) -> AudienceBand {
        self.audience_band
    }

    pub fn agreements(&self) -> &[AgreementId] {
        &self.agreements
    }

    /// Nothing derived from this may hold from here on.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// Nothing beyond the default may be told, whatever was agreed.
    pub fn is_plain(&self) -> bool {
        self.plain
    }
}

/// What `patron` may do now, telling `trace` each rule that was looked at.
///
/// # Errors
/// The reason that a person is shown when no agreement covers them; the nearest miss counts.
pub fn entitled<'a>(
    facts: &Facts<'a>,
    now: Timestamp,
    trace: &mut dyn FnMut(Finding<'a>),
) -> Result<Entitlement, Reason> {
    let patron = facts.patron;
    if facts.opted_out {
        trace(Finding::OptedOut);
        return Err(Reason::OptedOut);
    }
    if patron.standing == Standing::Withdrawn {
        trace(Finding::Withdrawn);
        return Err(Reason::Withdrawn);
    }
    if patron.card_status == CardStatus::Blocked {
        trace(Finding::CardBlocked);
        return Err(Reason::CardBlocked);
    }

    let mut found: Option<Entitlement> = None;
    let mut nearest = Miss::NoAgreement;
    for affiliation in &patron.affiliations {
        let theirs = facts.agreements.values().filter(|a| a.organisation == affiliation.organisation);
        for agreement in theirs {
            let verdict = covers(agreement, affiliation, facts.time_zone, now);
            trace(Finding::Agreement { agreement, affiliation, miss: verdict.clone().err() });
            match verdict {
                Err(miss) => nearest = nearest.max(miss),
                Ok(until) => add(&mut found, facts, affiliation, agreement, until, now),
            }
        }
    }
    found.ok_or_else(|| nearest.reason())
}

fn add(
    found: &mut Option<Entitlement>,
    facts: &Facts,
    by: &Affiliation,
    agreement: &Agreement,
    until: Timestamp,
    now: Timestamp,
) {
    let entitlement = found.get_or_insert_with(|| Entitlement {
        scopes: Scopes::default(),
        role: by.role,
        audience_band: match by.role {
            Role::Staff => AudienceBand::Adult,
            Role::Student => facts.bands.band(by.grade),
        },
        agreements: Vec::new(),
        until,
        plain: facts.narrow.is_some_and(|narrow| narrow.plain),
    });
    let in_use = |id: &&ScopeId| {
        let admitted = |scope: &Scope| facts.narrow.is_none_or(|narrow| narrow.admits(scope, now));
        facts.scopes.get(*id).is_some_and(|scope| scope.is_in_use(now) && admitted(scope))
    };
    entitlement.scopes.extend(agreement.privileges.iter().filter(in_use));
    entitlement.until = entitlement.until.min(until);
    if !entitlement.agreements.contains(&agreement.id) {
        entitlement.agreements.push(agreement.id.clone());
    }
}

/// Whether the agreement covers this affiliation now, and until when.
fn covers(
    agreement: &Agreement,
    affiliation: &Affiliation,
    time_zone: &TimeZone,
    now: Timestamp,
) -> Result<Timestamp, Miss> {
    if !agreement.roles.contains(&affiliation.role) {
        return Err(Miss::Role);
    }
    if let (Role::Student, Some((from, to))) = (affiliation.role, agreement.grades)
        && !affiliation.grade.is_some_and(|grade| from <= grade && grade <= to)
    {
        return Err(Miss::Grade);
    }
    if now < time_zone.start_of(agreement.from) {
        return Err(Miss::NotBegun(agreement.id.clone()));
    }
    let until = time_zone.end_of(agreement.to);
    if now >= until { Err(Miss::Ended(agreement.id.clone())) } else { Ok(until) }
}

/// What one vendor may be told of an entitled patron.
///
/// # Errors
/// `VendorDisabled`, `AudienceMismatch`, or `NothingGranted` where asked, allowed and granted share nothing.
pub fn allow<'a>(
    entitlement: &Entitlement,
    vendor: &'a Vendor,
    asked: &Scopes,
    trace: &mut dyn FnMut(Finding<'a>),
) -> Result<Allowance, Reason> {
    if vendor.disabled {
        trace(Finding::VendorDisabled);
        return Err(Reason::VendorDisabled);
    }
    let served = vendor.audience.contains(&entitlement.audience_band);
    trace(Finding::Audience { band: entitlement.audience_band, served });
    if !served {
        return Err(Reason::AudienceMismatch);
    }
    let scopes = asked.intersection(&vendor.scopes).intersection(&entitlement.scopes);
    trace(Finding::Scopes { asked: asked.clone(), granted: scopes.clone() });
    if scopes.is_empty() {
        return Err(Reason::NothingGranted);
    }
    Ok(Allowance {
        scopes,
        role: entitlement.role,
        audience_band: entitlement.audience_band,
        agreements: entitlement.agreements.clone(),
        until: entitlement.until,
        plain: entitlement.plain,
    })
}

/// How an agreement fails to cover somebody, the farthest miss first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Miss {
    NoAgreement,
    Role,
    Grade,
    NotBegun(AgreementId),
    Ended(AgreementId),
}

impl Miss {
    fn reason(self) -> Reason {
        match self {
            Miss::NoAgreement => Reason::NoAgreement,
            Miss::Role => Reason::RoleNotCovered,
            Miss::Grade => Reason::GradeNotCovered,
            Miss::NotBegun(agreement) => Reason::AgreementNotBegun { agreement },
            Miss::Ended(agreement) => Reason::AgreementEnded { agreement },
        }
    }
}

/// One line of a decision's trace.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding<'a> {
    OptedOut,
    Withdrawn,
    CardBlocked,
    Agreement { agreement: &'a Agreement, affiliation: &'a Affiliation, miss: Option<Miss> },
    VendorDisabled,
    Audience { band: AudienceBand, served: bool },
    Scopes { asked: Scopes, granted: Scopes },
}

impl Finding<'_> {
    /// Whether this line speaks for the patron.
    pub fn passes(&self) -> bool {
        match self {
            Finding::OptedOut | Finding::Withdrawn | Finding::CardBlocked | Finding::VendorDisabled => false,
            Finding::Agreement { miss, .. } => miss.is_none(),
            Finding::Audience { served, .. } => *served,
            Finding::Scopes { granted, .. } => !granted.is_empty(),
        }
    }
}

impl Finding<'_> {
    /// For people, who know scopes by the names that `names` finds.
    pub fn sentence(&self, names: &dyn Fn(&Scopes) -> String) -> String {
        match self {
            Finding::OptedOut => "an opt-out stands against this person".to_owned(),
            Finding::Withdrawn => "the roster no longer lists this person".to_owned(),
            Finding::CardBlocked => "the library blocked this card".to_owned(),
            Finding::VendorDisabled => "the vendor is switched off".to_owned(),
            Finding::Audience { band, served: true } => format!("the vendor serves {} readers", band.as_str()),
            Finding::Audience { band, served: false } => {
                format!("the vendor does not serve {} readers", band.as_str())
            }
            Finding::Scopes { asked, granted } if granted.is_empty() => {
                format!("of {} nothing is both allowed to the vendor and granted", names(asked))
            }
            Finding::Scopes { granted, .. } => format!("asked, allowed and granted: {}", names(granted)),
            Finding::Agreement { agreement, affiliation, miss } => {
                let verdict = match miss {
                    None => format!("grants {} until {}", names(&agreement.privileges), agreement.to),
                    Some(Miss::Ended(_)) => format!("over since {}", agreement.to),
                    Some(Miss::NotBegun(_)) => format!("begins {}", agreement.from),
                    Some(Miss::Role) => format!("does not cover {}", affiliation.role),
                    Some(Miss::Grade | Miss::NoAgreement) => match agreement.grades {
                        Some((from, to)) => format!("covers grades {from} to {to} only"),
                        None => "does not cover this grade".to_owned(),
                    },
                };
                format!("agreement {} for {affiliation}: {verdict}", agreement.id)
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
