//! What a patron may do today, and what of it one vendor may be told: agreement × role × grade × date.

use std::collections::BTreeMap;

use crate::domain::{
    agreement::Agreement,
    card::CardStatus,
    clock::{Date, TimeZone, Timestamp},
    grade::{AudienceBand, BandRule},
    id::{AgreementId, ScopeId},
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
}

/// A yes to one patron at one vendor. Only this module makes one, so no protocol can assert what policy did not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    scopes: Scopes,
    role: Role,
    audience_band: AudienceBand,
    agreements: Vec<AgreementId>,
    until: Timestamp,
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
    if !patron.standing.counts(now) {
        trace(Finding::Withdrawn);
        return Err(Reason::Withdrawn);
    }
    let bridged_until = match patron.standing {
        Standing::Bridged { until } => {
            trace(Finding::Bridged { last_day: facts.time_zone.date(Timestamp(until.millis() - 1)) });
            until
        }
        _ => Timestamp(i64::MAX),
    };
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
                Ok(until) => add(&mut found, facts, affiliation, agreement, until.min(bridged_until), now),
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
    });
    let in_use = |id: &&ScopeId| facts.scopes.get(*id).is_some_and(|scope| scope.is_in_use(now));
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
    /// No longer listed, and counted in all the same until this day.
    Bridged {
        last_day: Date,
    },
    CardBlocked,
    Agreement {
        agreement: &'a Agreement,
        affiliation: &'a Affiliation,
        miss: Option<Miss>,
    },
    VendorDisabled,
    Audience {
        band: AudienceBand,
        served: bool,
    },
    Scopes {
        asked: Scopes,
        granted: Scopes,
    },
}

impl Finding<'_> {
    /// Whether this line speaks for the patron.
    pub fn passes(&self) -> bool {
        match self {
            Finding::OptedOut | Finding::Withdrawn | Finding::CardBlocked | Finding::VendorDisabled => false,
            Finding::Bridged { .. } => true,
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
            Finding::Bridged { last_day } => {
                format!("the roster no longer lists this person; the card lives on until {last_day}")
            }
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
