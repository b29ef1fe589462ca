use super::*;
use crate::wire::xml::{MESSAGE, parse};

fn canonical(xml: &str, prefixes: &[&str]) -> String {
    exclusive(parse(xml, &MESSAGE).unwrap().root_element(), prefixes, None)
}

/// Of the element with `id`.
fn canonical_of(xml: &str, id: &str, prefixes: &[&str]) -> String {
    let document = parse(xml, &MESSAGE).unwrap();
    let node = document.descendants().find(|node| node.attribute("ID") == Some(id)).unwrap();
    exclusive(node, prefixes, None)
}

/// What it is about, the XML, the prefix list, the canonical form.
type Case = (&'static str, &'static str, &'static [&'static str], &'static str);

const WHOLE: &[Case] = &[
    ("empty elements have an end tag", "<a><b/></a>", &[], "<a><b></b></a>"),
    ("blanks within tags go", "<a  x = '1'\n y='2' ></a >", &[], "<a x=\"1\" y=\"2\"></a>"),
    ("blanks between tags stay", "<a>\n  <b/>\n</a>", &[], "<a>\n  <b></b>\n</a>"),
    ("what surrounds the document element goes", "<?xml version='1.0'?>\n<!-- x --><a/>\n", &[], "<a></a>"),
    ("comments go", "<a>1<!-- x -->2</a>", &[], "<a>12</a>"),
    ("CDATA becomes text", "<a><![CDATA[<&>]]]]><![CDATA[>]]></a>", &[], "<a>&lt;&amp;&gt;]]&gt;</a>"),
    ("text is escaped", "<a>&lt;&gt;&amp;&quot;&apos;'\"</a>", &[], "<a>&lt;&gt;&amp;\"''\"</a>"),
    (
        "attributes are escaped otherwise",
        "<a x='&lt;>&amp;\"&apos;&#9;&#10;&#13;'/>",
        &[],
        "<a x=\"&lt;>&amp;&quot;'&#x9;&#xA;&#xD;\"></a>",
    ),
    ("white space in an attribute is blanks", "<a x='1\t2\n3\r\n4\r5'/>", &[], "<a x=\"1 2 3 4 5\"></a>"),
    ("line ends are LF", "<a>1\r\n2\r3\n4</a>", &[], "<a>1\n2\n3\n4</a>"),
    ("a CR that was meant stays", "<a>1&#13;\n2&#xD;</a>", &[], "<a>1&#xD;\n2&#xD;</a>"),
    ("a tab in text stays", "<a>\t&#9;</a>", &[], "<a>\t\t</a>"),
    ("what is not ASCII stays", "<ä ö='ü'>&#x20AC;\u{1f4da}é</ä>", &[], "<ä ö=\"ü\">€\u{1f4da}é</ä>"),
    (
        "attributes go by the URI of their namespace, not by prefix",
        "<a xmlns:z='urn:1' xmlns:y='urn:2' y:a='1' z:b='2' z:a='3' b='4' a='5'/>",
        &[],
        "<a xmlns:y=\"urn:2\" xmlns:z=\"urn:1\" a=\"5\" b=\"4\" z:a=\"3\" z:b=\"2\" y:a=\"1\"></a>",
    ),
    (
        "the default namespace is declared before the others, which go by prefix",
        "<a xmlns:b='urn:b' xmlns:B='urn:c' b:x='1' B:x='2' xmlns='urn:a'/>",
        &[],
        "<a xmlns=\"urn:a\" xmlns:B=\"urn:c\" xmlns:b=\"urn:b\" b:x=\"1\" B:x=\"2\"></a>",
    ),
    ("what is not visibly used is not declared", "<a xmlns:b='urn:b'><c/></a>", &[], "<a><c></c></a>"),
    (
        "it is declared where it is used, each time anew",
        "<a xmlns:b='urn:b'><b:c/><b:c><b:d/></b:c></a>",
        &[],
        "<a><b:c xmlns:b=\"urn:b\"></b:c><b:c xmlns:b=\"urn:b\"><b:d></b:d></b:c></a>",
    ),
    (
        "a default namespace that no unprefixed element uses is not declared",
        "<b:a xmlns='urn:a' xmlns:b='urn:b' x='1'><b:c/><d/></b:a>",
        &[],
        "<b:a xmlns:b=\"urn:b\" x=\"1\"><b:c></b:c><d xmlns=\"urn:a\"></d></b:a>",
    ),
    (
        "a default namespace is taken back where it was in force",
        "<a xmlns='urn:a'><b xmlns=''><c xmlns='urn:a'/><d xmlns=''/></b></a>",
        &[],
        "<a xmlns=\"urn:a\"><b xmlns=\"\"><c xmlns=\"urn:a\"></c><d></d></b></a>",
    ),
    (
        "and not where it was not",
        "<p:a xmlns:p='urn:p' xmlns='urn:a'><b xmlns=''/></p:a>",
        &[],
        "<p:a xmlns:p=\"urn:p\"><b></b></p:a>",
    ),
    (
        "a prefix may change its meaning and change it back",
        "<p:a xmlns:p='urn:1'><p:b xmlns:p='urn:2'><p:c xmlns:p='urn:1'/></p:b><p:d/></p:a>",
        &[],
        "<p:a xmlns:p=\"urn:1\"><p:b xmlns:p=\"urn:2\"><p:c xmlns:p=\"urn:1\"></p:c></p:b><p:d></p:d></p:a>",
    ),
    (
        "attributes of xml are like others and need no declaration",
        "<a xml:lang='de' xml:space='preserve' x='1'/>",
        &[],
        "<a x=\"1\" xml:lang=\"de\" xml:space=\"preserve\"></a>",
    ),
    (
        "a listed prefix is declared where it is in scope, used or not",
        "<a xmlns:xs='urn:xs' xmlns:c='urn:c'><b t='xs:string'/></a>",
        &["xs", "absent"],
        "<a xmlns:xs=\"urn:xs\"><b t=\"xs:string\"></b></a>",
    ),
    (
        "a listed default namespace as well, and taken back as well",
        "<p:a xmlns:p='urn:p' xmlns='urn:a'><p:b xmlns=''/></p:a>",
        &["#default"],
        "<p:a xmlns=\"urn:a\" xmlns:p=\"urn:p\"><p:b xmlns=\"\"></p:b></p:a>",
    ),
    (
        "a URI is escaped as an attribute is",
        "<a xmlns='urn:&lt;&quot;&amp;'/>",
        &[],
        "<a xmlns=\"urn:&lt;&quot;&amp;\"></a>",
    ),
];

#[test]
fn each_rule_of_the_recommendation_is_obeyed() {
    for (rule, xml, prefixes, expected) in WHOLE {
        assert_eq!(canonical(xml, prefixes), *expected, "{rule}");
    }
}

#[test]
fn a_canonical_text_is_its_own_canonical_form() {
    for (rule, xml, prefixes, _) in WHOLE {
        let once = canonical(xml, prefixes);
        assert_eq!(canonical(&once, prefixes), once, "{rule}");
    }
}

/// Exclusive XML Canonicalization 1.0 section 2.2: the same subtree in two envelopes.
#[test]
fn a_subtree_is_the_same_in_whatever_envelope() {
    const EXPECTED: &str = "<n1:elem2 xmlns:n1=\"http://example.net\" ID=\"x\" xml:lang=\"en\">\n  \
                            <n3:stuff xmlns:n3=\"ftp://example.org\"></n3:stuff>\n</n1:elem2>";
    const INSIDE: &str = "<n1:elem2 ID='x' xmlns:n1='http://example.net' xml:lang='en'>\n  \
                          <n3:stuff xmlns:n3='ftp://example.org'/>\n</n1:elem2>";
    let one = format!("<n0:pdu xmlns:n0='http://a.example' xmlns:n3='ftp://b.example' xml:lang='fr'>{INSIDE}</n0:pdu>");
    let two =
        format!("<n2:pdu xmlns:n1='http://a.example' xmlns:n2='http://b.example' xml:space='retain'>{INSIDE}</n2:pdu>");
    assert_eq!(canonical_of(&one, "x", &[]), EXPECTED);
    assert_eq!(canonical_of(&two, "x", &[]), EXPECTED);
}

#[test]
fn a_subtree_brings_from_outside_what_it_uses_and_what_is_listed() {
    let xml = "<a xmlns='urn:a' xmlns:p='urn:p' xmlns:q='urn:q' xmlns:r='urn:r'><b ID='x' p:y='1'><q:c/></b></a>";
    assert_eq!(
        canonical_of(xml, "x", &["r", "#default"]),
        "<b xmlns=\"urn:a\" xmlns:p=\"urn:p\" xmlns:r=\"urn:r\" ID=\"x\" p:y=\"1\"><q:c xmlns:q=\"urn:q\"></q:c></b>"
    );
}

#[test]
fn one_descendant_is_left_out_and_nothing_around_it() {
    let document = parse("<a> <b><c/></b> <d><c/></d> </a>", &MESSAGE).unwrap();
    let without = |name: &str| {
        let left_out = document.descendants().find(|node| node.has_tag_name(name)).unwrap();
        exclusive(document.root_element(), &[], Some(left_out.id()))
    };
    assert_eq!(without("b"), "<a>  <d><c></c></d> </a>");
    assert_eq!(without("c"), "<a> <b></b> <d><c></c></d> </a>");
    assert_eq!(without("d"), "<a> <b><c></c></b>  </a>");
    assert_eq!(without("a"), "");
}

mod generated;

#[test]
fn a_generated_document_has_a_canonical_form_that_stays_what_it_is() {
    for it in generated::generated_documents(1, 500) {
        let once = canonical_of(&it.xml, it.id, &it.prefixes);
        assert_eq!(canonical(&once, &it.prefixes), once, "{}", it.xml);
    }
}
