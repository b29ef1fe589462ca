//! Name identifiers (core 2.2): who somebody is towards one service provider, in requests, responses and logouts alike.

use super::{Error, read};
use crate::wire::xml::{self, Node, namespace::ASSERTION, write::Element};

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NameId {
    pub value: String,
    pub format: Option<String>,
    /// Whose identifiers these are: our entityID, for persistent ones.
    pub name_qualifier: Option<String>,
    /// For whom they are made: the service provider's entityID, or that of its group.
    pub sp_name_qualifier: Option<String>,
    /// What the service provider calls the same person; we never send it.
    pub sp_provided_id: Option<String>,
}

impl NameId {
    /// Reads a `saml:NameID`, wherever it stands; also one that was decrypted.
    ///
    /// # Errors
    /// `Error`, with what the sender does wrong.
    pub fn read(node: Node<'_, '_>) -> Result<NameId, Error> {
        if !xml::is(node, ASSERTION, "NameID") {
            return Err(Error::Root { expected: "NameID", found: read::full_name(node) });
        }
        Ok(NameId {
            value: read::text(node, "NameID")?,
            format: read::value(node, "Format")?,
            name_qualifier: read::value(node, "NameQualifier")?,
            sp_name_qualifier: read::value(node, "SPNameQualifier")?,
            sp_provided_id: read::value(node, "SPProvidedID")?,
        })
    }

    pub fn element(&self) -> Element {
        Element::new("saml:NameID")
            .maybe_attr("Format", self.format.as_deref())
            .maybe_attr("NameQualifier", self.name_qualifier.as_deref())
            .maybe_attr("SPNameQualifier", self.sp_name_qualifier.as_deref())
            .maybe_attr("SPProvidedID", self.sp_provided_id.as_deref())
            .text(self.value.as_str())
    }
}

/// Whom a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    Named(NameId),
    /// A `saml:EncryptedID`: the caller finds the element, and may decrypt it or refuse.
    Encrypted,
    /// A `saml:BaseID`, an extension point that we know no use of.
    Base,
}

impl Subject {
    /// The one identifier in `node`; `None` where there is none.
    pub(super) fn within(node: Node<'_, '_>) -> Result<Option<Subject>, Error> {
        let named = read::once(node, ASSERTION, "NameID")?;
        let encrypted = xml::children(node, ASSERTION, "EncryptedID").count();
        let base = xml::children(node, ASSERTION, "BaseID").count();
        match (named, encrypted, base) {
            (Some(name_id), 0, 0) => NameId::read(name_id).map(Subject::Named).map(Some),
            (None, 1, 0) => Ok(Some(Subject::Encrypted)),
            (None, 0, 1) => Ok(Some(Subject::Base)),
            (None, 0, 0) => Ok(None),
            _ => Err(Error::Repeated("NameID")),
        }
    }
}
