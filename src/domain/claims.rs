//! The standard claims of OpenID Connect (Core section 5.1): what an adult's employer may have told of her. Rosters
//! never bring them; who may be told which of them is decided in `policy::release`.

use serde::{Deserialize, Serialize};

/// Every standard claim but `sub`, each absent unless somebody said so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StandardClaims {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<String>,
    /// `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birthdate: Option<String>,
    /// IANA name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zoneinfo: Option<String>,
    /// BCP 47 tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number_verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
}

/// OIDC Core section 5.1.1.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Address {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locality: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

/// Claims that are asked for together by one scope (OIDC Core section 5.4), and released together by one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    Profile,
    Email,
    Address,
    Phone,
}

impl Group {
    pub const ALL: [Group; 4] = [Group::Profile, Group::Email, Group::Address, Group::Phone];

    /// The scope that asks for it.
    pub fn scope(self) -> &'static str {
        match self {
            Group::Profile => "profile",
            Group::Email => "email",
            Group::Address => "address",
            Group::Phone => "phone",
        }
    }

    /// The group that this scope asks for.
    pub fn of_scope(scope: &str) -> Option<Group> {
        Group::ALL.into_iter().find(|group| group.scope() == scope)
    }

    /// The group that a claim belongs to.
    pub fn of_claim(claim: &str) -> Option<Group> {
        Group::ALL.into_iter().find(|group| group.claims().contains(&claim))
    }

    pub fn claims(self) -> &'static [&'static str] {
        match self {
            Group::Profile => &[
                "name",
                "given_name",
                "family_name",
                "middle_name",
                "nickname",
                "preferred_username",
                "profile",
                "picture",
                "website",
                "gender",
                "birthdate",
                "zoneinfo",
                "locale",
                "updated_at",
            ],
            Group::Email => &["email", "email_verified"],
            Group::Address => &["address"],
            Group::Phone => &["phone_number", "phone_number_verified"],
        }
    }
}

impl StandardClaims {
    /// What a roster knows of anybody: the name.
    pub fn of_name(given_name: &str, family_name: &str) -> StandardClaims {
        let present = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let whole = format!("{} {}", given_name.trim(), family_name.trim());
        StandardClaims {
            name: present(&whole),
            given_name: present(given_name),
            family_name: present(family_name),
            ..StandardClaims::default()
        }
    }

    pub fn is_empty(&self) -> bool {
        *self == StandardClaims::default()
    }

    /// These groups, and nothing else.
    #[must_use]
    pub fn only(&self, groups: &[Group]) -> StandardClaims {
        groups.iter().fold(StandardClaims::default(), |told, group| match group {
            Group::Profile => StandardClaims {
                email: told.email,
                email_verified: told.email_verified,
                phone_number: told.phone_number,
                phone_number_verified: told.phone_number_verified,
                address: told.address,
                ..self.profile()
            },
            Group::Email => StandardClaims { email: self.email.clone(), email_verified: self.email_verified, ..told },
            Group::Address => StandardClaims { address: self.address.clone(), ..told },
            Group::Phone => StandardClaims {
                phone_number: self.phone_number.clone(),
                phone_number_verified: self.phone_number_verified,
                ..told
            },
        })
    }

    /// These claims by name, as the `claims` parameter asks for them (OIDC Core section 5.5). Unknown names say nothing.
    #[must_use]
    pub fn named(&self, wanted: impl Fn(&str) -> bool) -> StandardClaims {
        let mut told = self.clone();
        let text: [(&str, &mut Option<String>); 15] = [
            ("name", &mut told.name),
            ("given_name", &mut told.given_name),
            ("family_name", &mut told.family_name),
            ("middle_name", &mut told.middle_name),
            ("nickname", &mut told.nickname),
            ("preferred_username", &mut told.preferred_username),
            ("profile", &mut told.profile),
            ("picture", &mut told.picture),
            ("website", &mut told.website),
            ("gender", &mut told.gender),
            ("birthdate", &mut told.birthdate),
            ("zoneinfo", &mut told.zoneinfo),
            ("locale", &mut told.locale),
            ("email", &mut told.email),
            ("phone_number", &mut told.phone_number),
        ];
        for (claim, value) in text {
            value.take_if(|_| !wanted(claim));
        }
        told.updated_at.take_if(|_| !wanted("updated_at"));
        told.email_verified.take_if(|_| !wanted("email_verified"));
        told.phone_number_verified.take_if(|_| !wanted("phone_number_verified"));
        told.address.take_if(|_| !wanted("address"));
        told
    }

    fn profile(&self) -> StandardClaims {
        StandardClaims {
            email: None,
            email_verified: None,
            phone_number: None,
            phone_number_verified: None,
            address: None,
            ..self.clone()
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use serde_json::Value;

    /// A fictional adult of whom everything is known.
    pub fn everything() -> StandardClaims {
        let text = |text: &str| Some(text.to_owned());
        StandardClaims {
            name: text("Wilhelmina Q. Testwright"),
            given_name: text("Wilhelmina"),
            family_name: text("Testwright"),
            middle_name: text("Q."),
            nickname: text("Mina"),
            preferred_username: text("wtestwright"),
            profile: text("https://people.library.example/wtestwright"),
            picture: text("https://people.library.example/wtestwright.png"),
            website: text("https://wtestwright.example"),
            gender: text("female"),
            birthdate: text("1970-01-01"),
            zoneinfo: text("America/New_York"),
            locale: text("en-US"),
            updated_at: Some(1_700_000_000),
            email: text("wtestwright@library.example"),
            email_verified: Some(true),
            phone_number: text("+1 555 0100"),
            phone_number_verified: Some(false),
            address: Some(Address { locality: text("Marblewick"), ..Address::default() }),
        }
    }

    fn names(claims: &StandardClaims) -> Vec<String> {
        match serde_json::to_value(claims) {
            Ok(Value::Object(fields)) => fields.keys().cloned().collect(),
            other => panic!("{other:?}"),
        }
    }

    fn sorted(mut names: Vec<String>) -> Vec<String> {
        names.sort();
        names
    }

    #[test]
    fn every_claim_of_the_standard_belongs_to_one_group() {
        let all: Vec<String> = Group::ALL.iter().flat_map(|group| group.claims()).map(|c| (*c).to_owned()).collect();
        assert_eq!(sorted(all), sorted(names(&everything())));
    }

    #[test]
    fn a_group_brings_its_claims_and_no_others() {
        for group in Group::ALL {
            let told = everything().only(&[group]);
            let claims: Vec<String> = group.claims().iter().map(|claim| (*claim).to_owned()).collect();
            assert_eq!(sorted(names(&told)), sorted(claims), "{group:?}");
            assert_eq!(told.only(&[group]), told);
            assert_eq!(Group::of_scope(group.scope()), Some(group));
        }
        assert_eq!(everything().only(&Group::ALL), everything());
        assert_eq!(everything().only(&[Group::Phone, Group::Profile, Group::Email, Group::Address]), everything());
        assert!(everything().only(&[]).is_empty());
    }

    #[test]
    fn a_claim_is_told_by_its_name() {
        for claim in Group::ALL.iter().flat_map(|group| group.claims()) {
            assert_eq!(names(&everything().named(|wanted| wanted == *claim)), [*claim]);
        }
        assert!(everything().named(|wanted| wanted == "ssn").is_empty());
    }

    #[test]
    fn a_name_from_a_roster_is_whole_or_as_much_of_it_as_there_is() {
        let name = |given, family| StandardClaims::of_name(given, family).name;
        assert_eq!(name("Mira", "Brookquill").as_deref(), Some("Mira Brookquill"));
        assert_eq!(name("", "Brookquill").as_deref(), Some("Brookquill"));
        assert!(StandardClaims::of_name(" ", "").is_empty());
    }
}
