//! What would be sent of a patron, for people to read: the very assertion, neither signed nor encrypted, with the rule
//! that let each attribute out. Nobody is signed in, and nothing is granted.

use super::{
    NAME,
    attributes::{self, About},
    context, entity_id, names,
    party::Party,
    respond::{BEHIND, LIFE},
};
use crate::{
    protocols::{Part, Rehearsed, Stage},
    wire::saml::{
        request::Acs,
        response::{self, Statement, Value},
    },
};

/// Stands where only a real sign-in has a value.
const EACH_TIME: &str = "_another-each-time";
const EACH_SESSION: &str = "_another-in-each-session";

pub(super) fn assertion(stage: &Stage<'_>, party: &Party) -> Rehearsed {
    let about = About {
        issuer: stage.issuer,
        scope_domain: stage.scope_domain,
        subject: &stage.told.subject,
        release: &stage.told.release,
        scopes: stage.scopes,
    };
    let (told, withheld) = attributes::told(&about, party, None);
    let entity_id = entity_id(stage.issuer);
    let acs = party.consumer(&Acs::Default).map(|acs| acs.location.clone()).unwrap_or_default();
    let now = stage.now;
    let name_id = names::name_id(party.name_id, &about, party, EACH_SESSION);
    let part = |name: &str, values: &[Value], why: &str| Part {
        name: name.to_owned(),
        values: values.iter().map(plain).collect(),
        why: why.to_owned(),
    };
    let named = name_id.clone().map(|name_id| part("NameID", &[Value::NameId(name_id)], party.name_id.why()));
    let attribute = |told: &attributes::Told| {
        let name = told.attribute.friendly_name.as_deref().unwrap_or(&told.attribute.name);
        part(name, &told.attribute.values, told.rule.sentence())
    };
    let statement = Statement {
        assertion_id: EACH_TIME,
        issuer: &entity_id,
        issued_at: now.millis(),
        not_before: now.millis() - BEHIND.as_millis() as i64,
        not_on_or_after: (now + LIFE).min(stage.told.until).millis(),
        recipient: &acs,
        in_response_to: Some("_the-request"),
        audience: &party.entity_id,
        name_id,
        authn_instant: now.millis(),
        session_index: EACH_SESSION,
        session_not_on_or_after: Some(stage.session_until.min(stage.told.until).millis()),
        authn_context_class: context::BEST,
        attributes: told.iter().map(|told| told.attribute.clone()).collect(),
    };
    Rehearsed {
        protocol: NAME,
        relying_party: party.key.clone(),
        text: laid_out(&response::assertion(&statement).render()),
        parts: named.into_iter().chain(told.iter().map(attribute)).collect(),
        withheld: withheld.into_iter().map(|one| part(&one.name, &[], one.why)).collect(),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::NameId(name_id) => name_id.value.clone(),
    }
}

/// An element a line. In canonical XML `><` stands nowhere but between tags.
fn laid_out(canonical: &str) -> String {
    let mut out = String::with_capacity(canonical.len() * 2);
    let mut depth = 0usize;
    for line in canonical.replace("><", ">\n<").lines() {
        let ends = line.starts_with("</");
        depth = depth.saturating_sub(usize::from(ends));
        out.push_str(&"  ".repeat(depth));
        out.push_str(line);
        out.push('\n');
        depth += usize::from(!ends && !line.contains("</"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assertion_is_laid_out_an_element_a_line() {
        let lines = laid_out("<a x=\"1\"><b>t &gt; u</b><c><d></d></c></a>");
        assert_eq!(lines, "<a x=\"1\">\n  <b>t &gt; u</b>\n  <c>\n    <d>\n    </d>\n  </c>\n</a>\n");
    }
}
