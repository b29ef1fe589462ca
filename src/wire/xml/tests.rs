use super::*;

fn code(text: &str) -> &'static str {
    parse(text, &MESSAGE).unwrap_err().code()
}

fn name_id(xml: &str) -> Result<String, &'static str> {
    let document = parse(xml, &MESSAGE).unwrap();
    text(document.root_element()).map(Cow::into_owned).map_err(|e| e.code())
}

#[test]
fn a_message_is_read_by_expanded_names_whatever_its_prefixes() {
    let xml = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<p:A xmlns:p='urn:a' ID='_1'><B xmlns='urn:b'> x </B><p:B/></p:A>\n";
    let document = parse(xml, &MESSAGE).unwrap();
    let root = document.root_element();
    assert!(is(root, "urn:a", "A") && !is(root, "", "A") && !is(root, "urn:b", "A"));
    assert_eq!(text(child(root, "urn:b", "B").unwrap()).unwrap(), "x");
    assert_eq!(children(root, "urn:a", "B").count(), 1);
    assert!(only(root, "urn:a", "B").is_some() && only(root, "urn:a", "C").is_none());
    let twice = parse("<A><B/><B/></A>", &MESSAGE).unwrap();
    assert!(only(twice.root_element(), "", "B").is_none());
    assert!(child(root, "", "B").is_none());
    assert_eq!(attribute(root, "ID"), Some("_1"));
}

#[test]
fn an_attribute_of_a_namespace_is_not_mistaken_for_the_plain_one() {
    let document = parse("<A xmlns:e='urn:evil' e:ID='_1'/>", &MESSAGE).unwrap();
    assert_eq!(attribute(document.root_element(), "ID"), None);
}

#[test]
fn an_element_whose_default_namespace_was_taken_back_has_none() {
    let document = parse("<A xmlns='urn:a'><B xmlns=''/></A>", &MESSAGE).unwrap();
    assert!(child(document.root_element(), "", "B").is_some());
}

#[test]
fn a_comment_within_a_text_is_refused_and_not_read_in_halves() {
    assert_eq!(name_id("<NameID>admin@a.example<!---->.evil.example</NameID>"), Err("xml-not-text"));
    assert_eq!(name_id("<NameID><!-- x -->admin</NameID>"), Err("xml-not-text"));
    assert_eq!(name_id("<NameID>admin<b/></NameID>"), Err("xml-not-text"));
}

#[test]
fn a_text_is_whole_whether_in_cdata_or_by_references() {
    assert_eq!(name_id("<N>a<![CDATA[<b>]]>c&#x41;&amp;</N>").unwrap(), "a<b>cA&");
    assert_eq!(name_id("<N><![CDATA[ ]]>\r\n x \t</N>").unwrap(), "x");
    assert_eq!(name_id("<N/>").unwrap(), "");
    assert_eq!(name_id("<N>\u{a0}x</N>").unwrap(), "\u{a0}x");
}

#[test]
fn an_id_counts_once_under_whatever_name() {
    assert_eq!(code("<A ID='x'><B ID='x'/></A>"), "xml-duplicate-id");
    assert_eq!(code("<A ID='x'><B Id='x'/></A>"), "xml-duplicate-id");
    assert_eq!(code("<A ID='x'><B id='x'/></A>"), "xml-duplicate-id");
    assert_eq!(code("<A ID='x'><B xml:id='x'/></A>"), "xml-duplicate-id");
    assert_eq!(code("<A ID='x'><B xmlns:w='urn:w' w:Id='x'/></A>"), "xml-duplicate-id");
    assert_eq!(code("<A ID='x' Id='x'/>"), "xml-duplicate-id");
    assert!(parse("<A ID='x' Ref='x'><B ID='X'/></A>", &MESSAGE).is_ok());
}

#[test]
fn bytes_that_are_not_utf8_are_refused() {
    assert_eq!(utf8(b"<A/>\xff"), Err(Error::NotUtf8));
    assert_eq!(
        utf8("<Ä/>".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>().as_slice()),
        Err(Error::NotUtf8)
    );
    assert_eq!(utf8("<Ä/>".as_bytes()), Ok("<Ä/>"));
}

#[test]
fn every_error_has_its_own_code() {
    let all = [
        Error::TooLarge,
        Error::TooDeep,
        Error::TooManyAttributes,
        Error::TooManyNamespaces,
        Error::TooManyNodes,
        Error::NotUtf8,
        Error::Version,
        Error::Doctype,
        Error::ProcessingInstruction,
        Error::DuplicateId("x".into()),
        Error::Syntax("x".into()),
        Error::NotText("x".into()),
    ];
    assert_eq!(all.iter().map(Error::code).collect::<HashSet<_>>().len(), all.len());
}
