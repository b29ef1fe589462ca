//! What is kept of a roster's row beside what sign-on reads, so that a later delivery of changes can be put in place.

use serde::{Deserialize, Serialize};

use super::super::{Person, Post};
use crate::domain::{clock::Date, grade::Grade, patron::Role};

/// Short names: there is one of these for everybody.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Named {
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    identifier: Option<String>,
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(rename = "d", default, skip_serializing_if = "Vec::is_empty")]
    user_ids: Vec<(String, String)>,
    #[serde(rename = "p")]
    posts: Vec<Place>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Place {
    #[serde(rename = "o")]
    org: String,
    #[serde(rename = "r")]
    role: Role,
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    grade: Option<String>,
    #[serde(rename = "k", default, skip_serializing_if = "String::is_empty")]
    id: String,
    #[serde(rename = "y", default, skip_serializing_if = "std::ops::Not::not")]
    primary: bool,
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    from: Option<Date>,
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    until: Option<Date>,
}

impl Named {
    pub(super) fn of(person: &Person) -> Named {
        let place = |post: &Post| Place {
            org: post.org.to_string(),
            role: post.role,
            grade: post.grade.map(|grade| grade.code().to_owned()),
            id: post.id.clone(),
            primary: post.primary,
            from: post.from,
            until: post.until,
        };
        Named {
            identifier: person.identifier.clone(),
            username: person.username.clone(),
            user_ids: person.user_ids.clone(),
            posts: person.posts.iter().map(place).collect(),
        }
    }

    pub(super) fn text(&self) -> String {
        let mut text = serde_json::to_string(self).unwrap_or_default();
        text.shrink_to_fit();
        text
    }

    /// The keys of the posts.
    pub(super) fn post_ids(&self) -> impl Iterator<Item = &str> {
        self.posts.iter().map(|place| place.id.as_str()).filter(|id| !id.is_empty())
    }

    /// As it was written; of a row of an earlier release nothing is known.
    pub(super) fn read(text: Option<&str>) -> Option<Named> {
        serde_json::from_str(text?).ok()
    }

    pub(super) fn into_person(self, sourced_id: &str, given_name: String, family_name: String) -> Person {
        let posts = self.posts.into_iter().map(|place| Post {
            org: place.org.into(),
            role: place.role,
            grade: place.grade.and_then(|code| code.parse::<Grade>().ok()),
            id: place.id,
            primary: place.primary,
            from: place.from,
            until: place.until,
        });
        Person {
            sourced_id: sourced_id.to_owned(),
            given_name,
            family_name,
            identifier: self.identifier,
            username: self.username,
            user_ids: self.user_ids,
            enabled: true,
            posts: posts.collect(),
            ..Person::default()
        }
    }
}
