//! How somebody signed in: what a session carries, and what vendors are told of it.

use std::{fmt, str::FromStr};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Method {
    /// Card and PIN.
    #[default]
    Pin,
    /// A printed badge alone.
    Badge,
    /// A badge and three pictures.
    BadgeAndPicture,
    /// Elsewhere, at the identity provider of this id.
    Upstream(String),
}

impl Method {
    pub fn is_badge(&self) -> bool {
        matches!(self, Method::Badge | Method::BadgeAndPicture)
    }

    /// Whether it is as good as a password over a protected transport, which is what vendors ask for.
    pub fn is_a_password(&self) -> bool {
        !self.is_badge()
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Method::Pin => f.write_str("pin"),
            Method::Badge => f.write_str("badge"),
            Method::BadgeAndPicture => f.write_str("badge+picture"),
            Method::Upstream(id) => write!(f, "upstream:{id}"),
        }
    }
}

impl FromStr for Method {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "pin" => Ok(Method::Pin),
            "badge" => Ok(Method::Badge),
            "badge+picture" => Ok(Method::BadgeAndPicture),
            other => match other.strip_prefix("upstream:") {
                Some(id) => Ok(Method::Upstream(id.to_owned())),
                None => Err(format!("{text:?} is no way to sign in")),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_read_as_it_was_written() {
        for method in [Method::Pin, Method::Badge, Method::BadgeAndPicture, Method::Upstream("google".into())] {
            assert_eq!(method.to_string().parse(), Ok(method));
        }
        assert!("password".parse::<Method>().is_err());
        assert!(Method::Pin.is_a_password() && !Method::BadgeAndPicture.is_a_password());
    }
}
