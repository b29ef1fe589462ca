//! What a patron may do today, and what of it one vendor may be told: agreement × role × grade × date.

use std::collections::BTreeMap;

use crate::domain::{
    agreement::{Agreement, LoanTerms},
    card::CardStatus,
    clock::{Date, TimeZone, Timestamp},
    grade::{AudienceBand, BandRule},
    id::{AgreementId, ScopeId, ScopeName},
    kept::CardPrivilege,
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

impl Facts<'_> {
    /// Whether the library has this in its catalogue still, and the way in which somebody signed in reaches it.
    fn opens(&self, scope: &ScopeId, now: Timestamp) -> bool {
        let admitted = |scope: &Scope| self.narrow.is_none_or(|narrow| narrow.admits(scope, now));
        self.scopes.get(scope).is_some_and(|scope| scope.is_in_use(now) && admitted(scope))
    }
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
    pub loans: LoanTerms,
    /// Scopes that this card alone was given, each with the first instant at which it is over.
    pub given: BTreeMap<ScopeId, Timestamp>,
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
    loans: LoanTerms,
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

    /// What the agreements say of borrowing.
    pub fn loans(&self) -> LoanTerms {
        self.loans
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
    let mut entitlement = found.ok_or_else(|| nearest.reason())?;
    lower(&mut entitlement, patron, trace);
    give(&mut entitlement, facts, now, trace);
    Ok(entitlement)
}

/// A parent may lower the band that follows from a grade, and nobody can raise it this way. Staff have no grade.
fn lower<'a>(entitlement: &mut Entitlement, patron: &'a Patron, trace: &mut dyn FnMut(Finding<'a>)) {
    let Some(highest) = patron.kept.audience.filter(|_| patron.is_student()) else { return };
    let band = entitlement.audience_band;
    if highest < band {
        entitlement.audience_band = highest;
        trace(Finding::AudienceLowered { from: band, to: highest });
    }
}

/// What this card alone was given. Only beside an agreement: whom none covers has nothing that this could be added to.
fn give<'a>(entitlement: &mut Entitlement, facts: &Facts<'a>, now: Timestamp, trace: &mut dyn FnMut(Finding<'a>)) {
    for privilege in &facts.patron.kept.privileges {
        let ends = facts.time_zone.end_of(privilege.until);
        let holds = now < ends && facts.opens(&privilege.scope, now);
        trace(Finding::CardPrivilege { privilege, holds });
        if holds && !entitlement.scopes.contains(&privilege.scope) {
            entitlement.scopes.extend([&privilege.scope]);
            entitlement.given.insert(privilege.scope.clone(), ends);
        }
    }
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
        loans: LoanTerms::default(),
        given: BTreeMap::new(),
    });
    entitlement.scopes.extend(agreement.privileges.iter().filter(|id| facts.opens(id, now)));
    entitlement.until = entitlement.until.min(until);
    entitlement.loans = entitlement.loans.or_better(agreement.loans());
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
    let given = scopes.iter().filter_map(|scope| entitlement.given.get(scope)).copied().min();
    Ok(Allowance {
        until: given.map_or(entitlement.until, |ends| ends.min(entitlement.until)),
        scopes,
        role: entitlement.role,
        audience_band: entitlement.audience_band,
        agreements: entitlement.agreements.clone(),
        plain: entitlement.plain,
        loans: entitlement.loans,
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
    /// A parent had it lowered.
    AudienceLowered {
        from: AudienceBand,
        to: AudienceBand,
    },
    CardPrivilege {
        privilege: &'a CardPrivilege,
        holds: bool,
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
            Finding::AudienceLowered { .. } => true,
            Finding::CardPrivilege { holds, .. } => *holds,
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
            Finding::AudienceLowered { from, to } => {
                format!("a parent had the audience lowered from {} to {}", from.as_str(), to.as_str())
            }
            Finding::CardPrivilege { privilege: CardPrivilege { scope, until }, holds } => {
                let name = match names(&std::iter::once(scope.clone()).collect()) {
                    known if !known.is_empty() => known,
                    _ => scope.to_string(),
                };
                let over = if *holds { "" } else { ", which does not hold any more" };
                format!("this card was given {name} until {until}{over}")
            }
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
