//! One entity among many.

use super::*;

const GROUP: &str = r#"<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" Name="outer">"#;

fn entity(id: &str) -> String {
    MINIMAL.replace("https://sp.example/saml", id)
}

fn find(text: &str, id: Option<&str>) -> Result<String, &'static str> {
    let document = xml::parse(text, &xml::METADATA).unwrap();
    let found = find_entity(document.root_element(), id).map_err(|error| error.code())?;
    Ok(xml::attribute(found, "entityID").unwrap().to_owned())
}

#[test]
fn an_entity_is_found_however_deep_its_group_is() {
    let [one, two, three] = ["urn:1", "urn:2", "urn:3"].map(entity);
    let inner = GROUP.replace("outer", "inner");
    let text = format!(
        "{GROUP}<md:Extensions/>{one}{inner}{inner}{two}</md:EntitiesDescriptor></md:EntitiesDescriptor>{three}\
         </md:EntitiesDescriptor>"
    );
    for id in ["urn:1", "urn:2", "urn:3"] {
        assert_eq!(find(&text, Some(id)).as_deref(), Ok(id));
    }
    assert_eq!(find(&text, Some("urn:4")), Err("unknown-entity"));
    assert_eq!(find(&text, Some("URN:1")), Err("unknown-entity"));
    assert_eq!(find(&text, None), Err("several-entities"));
    let document = xml::parse(&text, &xml::METADATA).unwrap();
    let all: Vec<_> = entities(document.root_element()).filter_map(|node| xml::attribute(node, "entityID")).collect();
    assert_eq!(all, ["urn:1", "urn:2", "urn:3"], "in the document's order");
}

#[test]
fn a_document_of_one_entity_needs_no_name() {
    assert_eq!(find(&entity("urn:1"), None).as_deref(), Ok("urn:1"));
    assert_eq!(find(&format!("{GROUP}{}</md:EntitiesDescriptor>", entity("urn:1")), None).as_deref(), Ok("urn:1"));
    assert_eq!(find(&entity("urn:1"), Some("urn:2")), Err("unknown-entity"));
}

#[test]
fn an_entity_that_is_there_twice_is_nobody() {
    let text = format!("{GROUP}{}{}</md:EntitiesDescriptor>", entity("urn:1"), entity("urn:1"));
    assert_eq!(find(&text, Some("urn:1")), Err("entity-twice"));
}

#[test]
fn an_entity_within_something_else_is_not_looked_for() {
    let hidden = format!("{GROUP}<md:Extensions>{}</md:Extensions></md:EntitiesDescriptor>", entity("urn:1"));
    assert_eq!(find(&hidden, Some("urn:1")), Err("unknown-entity"));
    assert_eq!(find(&hidden, None), Err("no-entity"));
}

#[test]
fn a_document_that_is_no_metadata_is_told_by_its_root() {
    for text in ["<html/>", "<EntityDescriptor entityID='urn:1'/>", "<a:EntityDescriptor xmlns:a='urn:a'/>"] {
        assert_eq!(find(text, None), Err("no-metadata"));
        let document = xml::parse(text, &xml::METADATA).unwrap();
        assert_eq!(read(document.root_element()).unwrap_err().code(), "no-metadata");
    }
}
