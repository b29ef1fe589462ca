//! Addresses of a service provider, and which of several counts.

use url::{Host, Url};

use super::{AttributeConsuming, Error, ServiceProvider, fields};
use crate::wire::{
    saml::binding,
    xml::{self, Node, namespace::METADATA},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub binding: String,
    /// As it is published, byte for byte.
    pub location: String,
    /// Where answers go, if elsewhere.
    pub response_location: Option<String>,
    /// The schema asks for it on an AssertionConsumerService; not all publishers do as they are told.
    pub index: Option<u16>,
    pub is_default: Option<bool>,
}

/// How far what is sent to an address travels, and how well guarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    Https,
    /// By http within one machine: a trial.
    Loopback,
    /// By http through a network, or no address of the web at all. Nothing may be sent there.
    Unsafe,
}

impl Endpoint {
    /// Of where a message is sent to.
    pub fn reach(&self) -> Reach {
        reach(&self.location)
    }

    /// Of where an answer to a message is sent to.
    pub fn response_reach(&self) -> Reach {
        reach(self.response_location())
    }

    pub fn response_location(&self) -> &str {
        self.response_location.as_deref().unwrap_or(&self.location)
    }
}

fn reach(location: &str) -> Reach {
    // Browsers drop such characters, so that two readers would see two addresses.
    if location.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return Reach::Unsafe;
    }
    let Ok(url) = Url::parse(location) else { return Reach::Unsafe };
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        _ if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() => Reach::Unsafe,
        "https" => Reach::Https,
        "http" if loopback => Reach::Loopback,
        _ => Reach::Unsafe,
    }
}

impl ServiceProvider {
    /// Where an answer goes if the request names no place: among those that take it by HTTP-POST, as section 2.2.3 says.
    pub fn default_acs(&self) -> Option<&Endpoint> {
        default_of(self.posts(), |endpoint| endpoint.is_default)
    }

    /// Where an answer goes if the request names it by index; none where that one does not take it by HTTP-POST.
    pub fn acs_at(&self, index: u16) -> Option<&Endpoint> {
        self.posts().find(|endpoint| endpoint.index == Some(index))
    }

    /// Where an answer goes if the request names its URL: byte for byte one of those published.
    pub fn acs_of(&self, url: &str) -> Option<&Endpoint> {
        self.posts().find(|endpoint| endpoint.location == url)
    }

    /// What is asked for: by the request's index, or without one by the rule of section 2.2.3.
    pub fn attributes_asked(&self, index: Option<u16>) -> Option<&AttributeConsuming> {
        match index {
            Some(index) => self.attribute_consuming.iter().find(|service| service.index == index),
            None => default_of(self.attribute_consuming.iter(), |service| service.is_default),
        }
    }

    fn posts(&self) -> impl Iterator<Item = &Endpoint> + Clone {
        self.acs.iter().filter(|endpoint| endpoint.binding == binding::POST)
    }
}

/// Section 2.2.3: the first that is marked as the default, else the first that is not marked as none, else the first.
fn default_of<'a, T>(all: impl Iterator<Item = &'a T> + Clone, mark: impl Fn(&T) -> Option<bool>) -> Option<&'a T> {
    let marked = |wanted: Option<bool>| all.clone().find(|one| mark(one) == wanted);
    marked(Some(true)).or_else(|| marked(None)).or_else(|| all.clone().next())
}

pub(super) fn read(role: Node<'_, '_>, name: &'static str) -> Result<Vec<Endpoint>, Error> {
    let endpoint = |node| {
        Ok(Endpoint {
            binding: fields::required(node, "Binding")?,
            location: fields::required(node, "Location")?,
            response_location: fields::value(node, "ResponseLocation")?,
            index: fields::number(node, "index")?,
            is_default: fields::boolean(node, "isDefault")?,
        })
    };
    xml::children(role, METADATA, name).map(endpoint).collect()
}
