//! The `claims` parameter (OIDC Core section 5.5): claims asked for by name. It is a wish: what is released is fixed by
//! agreement, and essential or not, nobody is told more by asking.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    error::Error,
    tokens::{ACR, ACR_OF_A_BADGE},
};
use crate::domain::claims::Group;

/// Longer ones would travel in every token.
const LONGEST: usize = 4 * 1024;

/// Standard claims by name; library claims are always there and need no asking.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ClaimsRequest {
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub id_token: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub userinfo: BTreeSet<String>,
}

impl ClaimsRequest {
    pub fn is_empty(&self) -> bool {
        self.id_token.is_empty() && self.userinfo.is_empty()
    }
}

/// The wish, and the one subject that it is about, if it names one.
pub(super) fn read(json: Option<&str>) -> Result<(ClaimsRequest, Option<String>), Error> {
    let Some(json) = json else { return Ok(Default::default()) };
    let wrong = |why: &str| Error::invalid_request(format!("claims {why}"));
    if json.len() > LONGEST {
        return Err(wrong("is longer than 4096 bytes"));
    }
    let members: Map<String, Value> = serde_json::from_str(json).map_err(|_| wrong("is no JSON object"))?;
    let of = |place: &str| match members.get(place) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(wishes)) => Ok(Some(wishes)),
        Some(_) => Err(wrong(&format!("holds {place}, which is no object"))),
    };
    let (id_token, userinfo) = (of("id_token")?, of("userinfo")?);
    for acr in [id_token, userinfo].into_iter().flatten().filter_map(|wishes| wishes.get("acr")) {
        can_be_met(acr)?;
    }
    let subject = id_token.or(userinfo).and_then(|wishes| wishes.get("sub")?.get("value")?.as_str());
    let request = ClaimsRequest { id_token: names(id_token), userinfo: names(userinfo) };
    Ok((request, subject.map(str::to_owned)))
}

fn names(wishes: Option<&Map<String, Value>>) -> BTreeSet<String> {
    let names = wishes.into_iter().flat_map(Map::keys);
    names.filter(|name| Group::of_claim(name).is_some()).cloned().collect()
}

/// Whether a PIN is asked for, by `acr_values` or within `claims`: then a badge will not do.
pub(super) fn wants_password(acr_values: Option<&str>, json: Option<&str>) -> bool {
    let claims: Value = json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    let of = |place: &str| {
        let acr = &claims[place]["acr"];
        let listed = acr["values"].as_array().map(Vec::as_slice).unwrap_or_default();
        listed.iter().chain(acr.get("value")).filter_map(Value::as_str).collect::<Vec<_>>()
    };
    let words: Vec<&str> = acr_values.unwrap_or_default().split(' ').collect();
    [words, of("id_token"), of("userinfo")].iter().any(|asked| asked.contains(&ACR) && !asked.contains(&ACR_OF_A_BADGE))
}

/// Section 5.5.1.1: an essential `acr` that is not to be had fails the request.
fn can_be_met(acr: &Value) -> Result<(), Error> {
    let essential = acr["essential"] == true;
    let listed = acr["values"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut asked = listed.iter().chain(acr.get("value")).peekable();
    if essential && asked.peek().is_some() && asked.all(|value| value != ACR) {
        return Err(Error::new("unmet_authentication_requirements", format!("the acr that exists here is {ACR}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_asked_for_by_its_acr_however_that_is_said() {
        let claims = format!(r#"{{"id_token":{{"acr":{{"essential":true,"value":"{ACR}"}}}}}}"#);
        for (acr_values, json, wanted) in [
            (None, None, false),
            (Some("gold"), None, false),
            (Some(ACR), None, true),
            (Some(&*format!("gold {ACR}")), None, true),
            (Some(&*format!("{ACR} {ACR_OF_A_BADGE}")), None, false),
            (None, Some(&*claims), true),
            (None, Some("no json"), false),
        ] {
            assert_eq!(wants_password(acr_values, json), wanted, "{acr_values:?} {json:?}");
        }
    }

    #[test]
    fn claims_are_asked_for_by_name_and_unknown_ones_ignored() {
        let asked = r#"{"userinfo":{"name":null,"email":{"essential":true},"shoe_size":null},
                        "id_token":{"phone_number":null,"auth_time":{"essential":true},"audience_band":null},"other":1}"#;
        let (request, subject) = read(Some(asked)).unwrap();
        assert_eq!(request.userinfo.iter().collect::<Vec<_>>(), ["email", "name"]);
        assert_eq!(request.id_token.iter().collect::<Vec<_>>(), ["phone_number"]);
        assert_eq!(subject, None);
        assert!(read(None).unwrap().0.is_empty());
    }

    #[test]
    fn a_named_subject_is_the_only_one_welcome() {
        let (_, subject) = read(Some(r#"{"id_token":{"sub":{"value":"abc"}}}"#)).unwrap();
        assert_eq!(subject.as_deref(), Some("abc"));
    }

    #[test]
    fn what_cannot_be_read_or_met_is_refused() {
        let code = |json: &str| read(Some(json)).map_or_else(|error| error.code, |_| "");
        for wrong in ["", "[]", "x", r#"{"id_token":1}"#, &format!("{{\"a\":\"{}\"}}", "x".repeat(LONGEST))] {
            assert_eq!(code(wrong), "invalid_request", "{wrong}");
        }
        let acr = |inner: &str| code(&format!(r#"{{"id_token":{{"acr":{inner}}}}}"#));
        assert_eq!(
            acr(r#"{"essential":true,"values":["urn:mace:incommon:iap:silver"]}"#),
            "unmet_authentication_requirements"
        );
        assert_eq!(acr(r#"{"essential":true,"value":"gold"}"#), "unmet_authentication_requirements");
        assert_eq!(acr(&format!(r#"{{"essential":true,"values":["gold","{ACR}"]}}"#)), "");
        assert_eq!(acr(r#"{"values":["gold"]}"#), "");
        assert_eq!(acr(r#"{"essential":true}"#), "");
    }
}
