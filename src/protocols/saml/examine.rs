//! `vendor test`: whether a service provider's metadata and addresses can work, looked at from our side.

use super::{
    documents,
    party::{Party, Persistence},
};
use crate::{
    domain::{
        check::{Check, Whose},
        vendor::{RelyingParty, Vendor},
    },
    outbound::Outbound,
    protocols::reach::{Caller, reach},
    wire::saml::request::Acs,
};

pub(super) async fn service_provider(vendor: &Vendor, party: &RelyingParty, outbound: &Outbound) -> Vec<Check> {
    let mut checks = vec![source(party, outbound).await];
    let read = match Party::read(vendor, party, "https://issuer.example") {
        Ok(Some(read)) => read,
        Ok(None) => {
            checks.push(Check::skipped("settings", "its metadata was not fetched yet"));
            return checks;
        }
        Err(misfit) => {
            let whose = if misfit.field == "metadata" { Whose::Theirs } else { Whose::Ours };
            checks.push(Check::mend("settings", whose, misfit.to_string()));
            return checks;
        }
    };
    checks.push(Check::ok("settings", "they fit together"));
    checks.push(keys(&read));
    checks.push(names(&read));
    checks.push(match read.consumer(&Acs::Default) {
        Some(acs) => reach(outbound, "assertion-consumer", &acs.location, Caller::TheBrowser).await,
        None => Check::mend("assertion-consumer", Whose::Theirs, "its metadata names none by HTTP-POST"),
    });
    checks.push(match super::goodbye::place(&read) {
        Some(slo) => reach(outbound, "single-logout", &slo.location, Caller::TheBrowser).await,
        None => Check::skipped("single-logout", "its metadata names none: it is not told of a sign-out"),
    });
    checks
}

/// Whether the address of its metadata brings something of use.
async fn source(party: &RelyingParty, outbound: &Outbound) -> Check {
    const NAME: &str = "metadata";
    let Some(known) = documents::known(party) else {
        return Check::ok(NAME, "it is a file that the operator put here");
    };
    if known.staged.is_some() {
        let what = "it changed for the worse and waits: see oneaccess vendor metadata";
        return Check::mend(NAME, Whose::Ours, what);
    }
    match documents::try_out(outbound, &known.url, party).await {
        Ok(()) => Check::ok(NAME, format!("{} brings metadata of use", known.url)),
        Err((code, detail)) => Check::mend(NAME, Whose::Theirs, format!("{}: {detail} ({code})", known.url)),
    }
}

fn keys(party: &Party) -> Check {
    const NAME: &str = "certificates";
    match (party.signing.len(), party.encryption.is_some()) {
        (0, false) => Check::ok(NAME, "it has none: its requests are not signed, and assertions not encrypted"),
        (signing, encrypted) => {
            let encrypted = if encrypted { "assertions are encrypted" } else { "assertions are not encrypted" };
            Check::ok(NAME, format!("{signing} that sign its requests; {encrypted}"))
        }
    }
}

fn names(party: &Party) -> Check {
    const NAME: &str = "names";
    let wants_everybodys =
        party.metadata.subject_id_required() == Some(crate::wire::saml::metadata::SubjectId::SubjectId);
    if wants_everybodys {
        let what = "its metadata requires subject-id, which is the same at every service provider and never released: \
                    it must ask for pairwise-id";
        return Check::mend(NAME, Whose::Theirs, what);
    }
    match party.persistence() {
        Persistence::Lasting => Check::ok(NAME, "it knows a reader by the vendor's pseudonym"),
        Persistence::None => Check::ok(NAME, "anonymous: it knows no reader again"),
    }
}
