//! Which of several addresses counts.

use super::*;
use crate::wire::saml::binding;

fn sp(acs: Vec<Endpoint>) -> ServiceProvider {
    ServiceProvider { acs, ..parsed(MINIMAL).unwrap() }
}

fn place(index: u16, binding: &str, is_default: Option<bool>) -> Endpoint {
    Endpoint {
        binding: binding.to_owned(),
        location: format!("https://sp.example/{index}"),
        response_location: None,
        index: Some(index),
        is_default,
    }
}

fn reach_of(location: &str) -> Reach {
    Endpoint { location: location.to_owned(), ..place(1, binding::POST, None) }.reach()
}

#[test]
fn the_default_is_the_first_marked_so_else_the_first_not_marked_as_none_else_the_first() {
    const YES: Option<bool> = Some(true);
    const NO: Option<bool> = Some(false);
    for (marks, default) in [
        (&[None][..], Some(0)),
        (&[None, None], Some(0)),
        (&[None, YES], Some(1)),
        (&[NO, None, YES, YES], Some(2)),
        (&[NO, None, None], Some(1)),
        (&[NO, NO], Some(0)),
        (&[NO], Some(0)),
        (&[YES, None], Some(0)),
        (&[], None),
    ] {
        let acs = (0..).zip(marks).map(|(index, mark)| place(index, binding::POST, *mark)).collect();
        assert_eq!(sp(acs).default_acs().and_then(|endpoint| endpoint.index), default, "{marks:?}");
    }
}

#[test]
fn an_address_that_takes_no_post_is_never_chosen() {
    let sp = sp(vec![
        place(0, binding::ARTIFACT, Some(true)),
        place(1, binding::PAOS, None),
        place(2, binding::POST, Some(false)),
        place(3, binding::POST, None),
    ]);
    assert_eq!(sp.default_acs().and_then(|endpoint| endpoint.index), Some(3));
    assert_eq!(sp.acs_at(2).map(|endpoint| endpoint.location.as_str()), Some("https://sp.example/2"));
    assert_eq!((sp.acs_at(0), sp.acs_at(1), sp.acs_at(4)), (None, None, None));
    assert_eq!(sp.acs_of("https://sp.example/2").and_then(|endpoint| endpoint.index), Some(2));
    for other in ["https://sp.example/0", "https://SP.example/2", "https://sp.example/2/", "https://sp.example/2?a", ""]
    {
        assert_eq!(sp.acs_of(other), None, "{other}");
    }
}

#[test]
fn an_index_that_two_have_is_refused() {
    let more = |index: &str| {
        with(&format!(r#"<md:AssertionConsumerService {index} Binding="urn:b" Location="https://sp.example/b"/>"#))
    };
    assert_eq!(code(more(r#"index="1""#)), "index-twice");
    assert_eq!(code(more(r#"index="01""#)), "index-twice");
    assert_eq!(more(r#"index="2""#).unwrap().acs.len(), 2);
    assert_eq!(more("").unwrap().acs[0].index, None);
    assert_eq!(code(more(r#"index="65536""#)), "no-number");
    assert_eq!(code(more(r#"isDefault="yes""#)), "no-boolean");
}

#[test]
fn an_address_has_a_binding_and_a_location() {
    for missing in ["Binding", "Location"] {
        assert_eq!(code(parsed(&MINIMAL.replace(missing, "Other"))), "missing", "{missing}");
    }
    let none = MINIMAL.replace("AssertionConsumerService", "ArtifactResolutionService");
    assert_eq!(code(parsed(&none)), "no-acs");
}

#[test]
fn a_logout_may_be_answered_elsewhere() {
    let sp = with(
        r#"<md:SingleLogoutService Binding="urn:b" Location="https://sp.example/slo"
             ResponseLocation="http://sp.example/slo-answer"/>
           <md:SingleLogoutService Binding="urn:c" Location="https://sp.example/slo"/>"#,
    )
    .unwrap();
    assert_eq!(sp.slo[0].response_location(), "http://sp.example/slo-answer");
    assert_eq!((sp.slo[0].reach(), sp.slo[0].response_reach()), (Reach::Https, Reach::Unsafe));
    assert_eq!(sp.slo[1].response_location(), "https://sp.example/slo");
}

#[test]
fn only_https_travels_and_http_stays_at_home() {
    for https in
        ["https://sp.example/acs", "HTTPS://sp.example:8443/acs?a=b", "https://127.0.0.1/", "https://sp.example"]
    {
        assert_eq!(reach_of(https), Reach::Https, "{https}");
    }
    for loopback in ["http://localhost/acs", "http://127.0.0.1:8080/acs", "http://127.9.9.9/", "http://[::1]:80/"] {
        assert_eq!(reach_of(loopback), Reach::Loopback, "{loopback}");
    }
    for bad in [
        "http://sp.example/acs",
        "http://localhost.evil.example/",
        "http://10.0.0.1/",
        "http://0.0.0.0/",
        "http://[::ffff:127.0.0.1]/",
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://sp.example/",
        "//sp.example/",
        "/acs",
        "",
        "https://",
        "https://user@sp.example/",
        "https://sp.example/#f",
        "https://sp.example/a b",
        "https://sp.example\\@evil.example/",
        " https://sp.example/",
        "https://sp.ex\tample/",
        "ht\ntps://sp.example/",
    ] {
        assert_eq!(reach_of(bad), Reach::Unsafe, "{bad:?}");
    }
}
