use crate::wire::xml::{AGGREGATE, Error, Limits, MESSAGE, METADATA, parse};

use super::scan;

fn code(text: &str, limits: &Limits) -> &'static str {
    scan(text, limits).map_err(|e| e.code()).unwrap_err()
}

/// Large enough in every way but one.
const ROOMY: Limits =
    Limits { bytes: usize::MAX, depth: usize::MAX, attributes: usize::MAX, namespaces: usize::MAX, nodes: u32::MAX };

fn attributes(n: usize) -> String {
    let all: String = (0..n).map(|i| format!(" a{i}='x'")).collect();
    format!("<A{all}/>")
}

#[test]
fn a_hundred_thousand_attributes_never_reach_the_parser() {
    assert_eq!(code(&attributes(100_000), &METADATA), "xml-too-large");
    assert_eq!(code(&attributes(100_000), &AGGREGATE), "xml-too-many-attributes");
    assert_eq!(code(&attributes(65), &MESSAGE), "xml-too-many-attributes");
    assert_eq!(scan(&attributes(64), &MESSAGE), Ok(()));
    let declarations: String = (0..65).map(|i| format!(" xmlns:a{i}='x'")).collect();
    assert_eq!(code(&format!("<A{declarations}/>"), &MESSAGE), "xml-too-many-attributes");
}

#[test]
fn a_depth_of_a_hundred_thousand_never_reaches_the_parser() {
    let deep = |n: usize| format!("{}{}", "<A>".repeat(n), "</A>".repeat(n));
    assert_eq!(code(&deep(100_000), &METADATA), "xml-too-deep");
    assert_eq!(code(&deep(65), &MESSAGE), "xml-too-deep");
    assert_eq!(code(&format!("{}<B/>{}", "<A>".repeat(64), "</A>".repeat(64)), &MESSAGE), "xml-too-deep");
    assert_eq!(scan(&deep(64), &MESSAGE), Ok(()));
}

#[test]
fn a_text_over_the_limit_is_not_looked_into() {
    let long = format!("<A>{}</A>", "x".repeat(MESSAGE.bytes));
    assert_eq!(code(&long, &MESSAGE), "xml-too-large");
    assert_eq!(scan(long.as_str(), &METADATA), Ok(()));
}

#[test]
fn a_million_tiny_elements_never_reach_the_parser() {
    let many = format!("<A>{}</A>", "<b/>".repeat(1_000_000));
    assert_eq!(code(&many, &Limits { bytes: usize::MAX, ..METADATA }), "xml-too-many-nodes");
    let comments = format!("<A>{}</A>", "<!---->".repeat(1_000_000));
    assert_eq!(code(&comments, &Limits { nodes: 1000, ..ROOMY }), "xml-too-many-nodes");
    let texts = format!("<A>{}</A>", "x<b/>".repeat(500));
    assert_eq!(code(&texts, &Limits { nodes: 1000, ..ROOMY }), "xml-too-many-nodes");
}

#[test]
fn namespaces_that_every_element_inside_would_copy_are_bounded() {
    let open = |each: usize| -> String {
        let all = |level| (0..each).map(move |i| format!(" xmlns:p{level}x{i}='u'")).collect::<String>();
        (0..4).map(|level| format!("<A{}>", all(level))).collect()
    };
    assert_eq!(code(&open(9), &MESSAGE), "xml-too-many-namespaces");
    assert_eq!(scan(&open(8), &MESSAGE), Ok(()));
    assert_eq!(scan(&open(16), &METADATA), Ok(()));
    let beside = "<A xmlns:a='u'/>".repeat(300);
    assert_eq!(scan(&format!("<R>{beside}</R>"), &MESSAGE), Ok(()));
}

#[test]
fn a_document_type_is_refused_with_all_that_it_could_bring() {
    for dtd in [
        "<!DOCTYPE A><A/>",
        "<!DOCTYPE A [<!ENTITY lol 'lol'><!ENTITY lol2 '&lol;&lol;'>]><A>&lol2;</A>",
        "<!DOCTYPE A SYSTEM 'file:///etc/passwd'><A/>",
        "<!DOCTYPE A [<!ENTITY x SYSTEM 'http://evil.example/'>]><A>&x;</A>",
        "<!DOCTYPE A [<!ATTLIST B ID ID 'x'>]><A/>",
        "<?xml version='1.0'?><!doctype A><A/>",
    ] {
        assert_eq!(code(dtd, &MESSAGE), "xml-doctype", "{dtd}");
    }
    assert_eq!(parse("<A>&lol;</A>", &MESSAGE).unwrap_err().code(), "xml-syntax");
}

#[test]
fn a_processing_instruction_is_refused_wherever_it_stands() {
    for pi in ["<?x y?><A/>", "<A><?x y?></A>", "<A>a<?x?>b</A>", "<A/><?x?>", "<A><?xml version='1.0'?></A>"] {
        assert_eq!(code(pi, &MESSAGE), "xml-processing-instruction", "{pi}");
    }
}

#[test]
fn a_declaration_may_say_only_what_is_true_of_what_we_read() {
    assert_eq!(scan("\u{feff}<?xml version=\"1.0\" encoding='UTF-8' standalone='yes' ?><A/>", &MESSAGE), Ok(()));
    assert_eq!(code("<?xml version='1.0' encoding='ISO-8859-1'?><A/>", &MESSAGE), "xml-not-utf8");
    assert_eq!(code("<?xml version='1.0' encoding='UTF-7'?><A/>", &MESSAGE), "xml-not-utf8");
    assert_eq!(code("<?xml version='1.1'?><A/>", &MESSAGE), "xml-version");
    assert_eq!(code("<?xml version='1.0' evil='1'?><A/>", &MESSAGE), "xml-syntax");
    assert_eq!(code("<?xml version='1.0'", &MESSAGE), "xml-syntax");
}

/// Each of these the parser alone would take.
#[test]
fn what_namespaces_in_xml_forbids_is_refused_though_the_parser_is_lenient() {
    for lenient in [
        "<A xmlns='urn:a' xmlns='urn:b'/>",
        "<A xmlns:p=''/>",
        "<A xmlns:xmlns='urn:x'/>",
        "<:A/>",
        "<A :ID='x'/>",
        "<A :xmlns='urn:a'/>",
        "<A>&#xD800;</A>",
        "<A b='&#x110000;'/>",
    ] {
        assert!(roxmltree::Document::parse(lenient).is_ok(), "no need for a rule: {lenient}");
        assert_eq!(code(lenient, &MESSAGE), "xml-syntax", "{lenient}");
    }
}

/// XML 1.0 section 2.11 makes a line feed of it; the parser does not, and reads another text than the signer.
#[test]
fn a_carriage_return_that_the_parser_would_misread_is_refused() {
    for misread in ["<A>x\r&amp;</A>", "<A>&amp;\r</A>"] {
        let document = roxmltree::Document::parse(misread).unwrap();
        assert!(document.root_element().text().unwrap().contains('\r'), "no need for a rule: {misread}");
        assert_eq!(code(misread, &MESSAGE), "xml-syntax", "{misread}");
    }
    for read in ["<A>x\r\n&amp;\r\n&#10;\r\n</A>", "<A>\r&#10;</A>".replace("&#10;", "x").as_str(), "<A>&amp;\rx\r</A>"]
    {
        let document = parse(read, &MESSAGE).unwrap();
        assert!(!document.root_element().text().unwrap().contains('\r'), "{read}");
    }
}

#[test]
fn what_the_parser_refuses_is_refused() {
    for wrong in [
        "",
        "x",
        "<A>",
        "<A></B>",
        "</A>",
        "<A/><B/>",
        "<A b='1' b='2'/>",
        "<A xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>",
        "<A xmlns:p='u' xmlns:p='v'/>",
        "<p:A/>",
        "<A b=1/>",
        "<A b='<'/>",
        "<A>]]></A>",
        "<A>\u{1}</A>",
        "<A>&#0;</A>",
        "<A><!-- -- --></A>",
        "<A><![CDATA[</A>",
        "<A b='",
        "<A b",
        "<A /b='1'>",
        "<xmlns:A/>",
        "<A xmlns:xml='urn:x'/>",
        "<A xmlns='http://www.w3.org/XML/1998/namespace'/>",
        "<A xmlns:p='http://www.w3.org/2000/xmlns/'/>",
    ] {
        assert_eq!(parse(wrong, &MESSAGE).unwrap_err().code(), "xml-syntax", "{wrong}");
    }
    assert!(matches!(parse("<A>&#0;</A>", &MESSAGE), Err(Error::Syntax(_))));
}
