//! Where a browser may be sent: registered addresses, byte by byte, and the writing of answers behind them.

use url::form_urlencoded;

/// Whether `uri` is one of `registered`: byte-equal, and nothing else. One relaxation, for native apps only: the port of
/// a registered loopback address may vary (RFC 8252 section 7.3).
pub(super) fn is_registered(uri: &str, registered: &[String], native: bool) -> bool {
    let same_but_port = |known: &str| match (loopback_without_port(uri), loopback_without_port(known)) {
        (Some(asked), Some(known)) => asked == known,
        _ => false,
    };
    registered.iter().any(|known| known == uri || (native && same_but_port(known)))
}

/// An absolute URI that can stand in a Location header as it is, and to which a query can be added.
pub(super) fn may_be_registered(uri: &str) -> bool {
    let visible = uri.bytes().all(|b| b.is_ascii_graphic() && b != b'\\' && b != b'#');
    let scheme = uri.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    let dangerous = ["javascript", "data", "vbscript", "file", "blob", "about"];
    visible && url::Url::parse(uri).is_ok() && scheme.is_some_and(|scheme| !dangerous.contains(&scheme.as_str()))
}

/// A plain-http address of the reader's own machine: for trying things out.
pub(super) fn is_loopback(uri: &str) -> bool {
    loopback_without_port(uri).is_some()
}

/// Whether two addresses are of one scheme, host and port.
pub(super) fn same_origin(one: &str, other: &str) -> bool {
    match (url::Url::parse(one), url::Url::parse(other)) {
        (Ok(one), Ok(other)) => one.origin().is_tuple() && one.origin() == other.origin(),
        _ => false,
    }
}

/// `uri` with `answer` as its query, or behind the query that it was registered with (RFC 6749 section 3.1.2).
pub(super) fn with_answer(uri: &str, answer: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(answer);
    let glue = match uri.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some((_, before)) if before.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{uri}{glue}{}", query.finish())
}

/// Host and what follows the port, for `http://127.0.0.1` and `http://[::1]` alone.
fn loopback_without_port(uri: &str) -> Option<(&'static str, &str)> {
    let (host, rest) = ["http://127.0.0.1", "http://[::1]"]
        .into_iter()
        .find_map(|host| uri.strip_prefix(host).map(|rest| (host, rest)))?;
    let rest = match rest.strip_prefix(':') {
        None => rest,
        Some(behind) => {
            let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
            let (port, rest) = behind.split_at(digits);
            port.parse::<u16>().ok().filter(|port| *port != 0)?;
            rest
        }
    };
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn registered() -> Vec<String> {
        vec!["https://maple.example/callback".to_owned(), "https://maple.example/old?tenant=a%20b".to_owned()]
    }

    #[test]
    fn the_registered_addresses_themselves_are_taken() {
        for uri in registered() {
            assert!(is_registered(&uri, &registered(), false));
            assert!(is_registered(&uri, &registered(), true));
        }
    }

    #[test]
    fn nothing_that_only_looks_like_a_registered_address_is_taken() {
        for uri in [
            "",
            "https://maple.example/callback/",
            "https://maple.example/callback?",
            "https://maple.example/callback?x=1",
            "https://maple.example/callback#",
            "https://maple.example/callback#x",
            "https://maple.example/Callback",
            "https://MAPLE.example/callback",
            "HTTPS://maple.example/callback",
            "http://maple.example/callback",
            "https://maple.example:443/callback",
            "https://maple.example:8443/callback",
            "https://maple.example./callback",
            "https://maple.example.evil.example/callback",
            "https://evil.example/callback",
            "https://evil.example@maple.example/callback",
            "https://maple.example@evil.example/callback",
            "https://maple.example:x@evil.example/callback",
            "https://maple.example\\@evil.example/callback",
            "https://maple.example/../callback",
            "https://maple.example/x/../callback",
            "https://maple.example/callback/../../evil",
            "https://maple.example/callback/..;/evil",
            "https://maple.example/callback%2f..%2fevil",
            "https://maple.example/callback%252f",
            "https://maple.example/%63allback",
            "https://maple.example//callback",
            "https:///maple.example/callback",
            "https:\\\\maple.example\\callback",
            "//maple.example/callback",
            "/callback",
            " https://maple.example/callback",
            "https://maple.example/callback ",
            "https://maple.example/call\tback",
            "https://maple.example/callback\r\nX: y",
            "https://maple.example/callback\0",
            "https://maplé.example/callback",
            "https://xn--mapl-epa.example/callback",
            "https://maple.example/old?tenant=a+b",
            "https://maple.example/old?tenant=a b",
            "https://maple.example/old",
            "javascript:alert(1)",
        ] {
            assert!(!is_registered(uri, &registered(), false), "{uri:?}");
            assert!(!is_registered(uri, &registered(), true), "{uri:?}");
        }
    }

    #[test]
    fn only_a_native_app_may_choose_its_loopback_port() {
        let known = vec!["http://127.0.0.1/cb".to_owned(), "http://[::1]:8000/cb?x=1".to_owned()];
        for uri in
            ["http://127.0.0.1:49152/cb", "http://127.0.0.1:1/cb", "http://[::1]:9/cb?x=1", "http://[::1]/cb?x=1"]
        {
            assert!(is_registered(uri, &known, true), "{uri}");
            assert!(!is_registered(uri, &known, false), "{uri}");
        }
        for uri in [
            "http://127.0.0.1:0/cb",
            "http://127.0.0.1:65536/cb",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1:+80/cb",
            "http://127.0.0.1:80:80/cb",
            "http://127.0.0.1:80@evil.example/cb",
            "http://127.0.0.1@evil.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.12/cb",
            "http://127.0.0.1:80/other",
            "http://127.0.0.1:80/cb?x=1",
            "http://localhost:80/cb",
            "https://127.0.0.1:80/cb",
            "http://[::1]:9/cb",
            "http://[::2]:9/cb?x=1",
        ] {
            assert!(!is_registered(uri, &known, true), "{uri}");
        }
    }

    #[test]
    fn an_answer_is_added_behind_the_query_that_is_there() {
        let answer = [("code", "a b"), ("state", "é&=")];
        for (uri, full) in [
            ("https://a.example/cb", "https://a.example/cb?code=a+b&state=%C3%A9%26%3D"),
            ("https://a.example/cb?", "https://a.example/cb?code=a+b&state=%C3%A9%26%3D"),
            ("https://a.example/cb?x=%20", "https://a.example/cb?x=%20&code=a+b&state=%C3%A9%26%3D"),
            ("com.example.app:/cb", "com.example.app:/cb?code=a+b&state=%C3%A9%26%3D"),
        ] {
            assert_eq!(with_answer(uri, &answer), full);
        }
    }

    #[test]
    fn an_address_that_runs_in_the_browser_cannot_be_registered() {
        for uri in
            ["javascript:alert(1)", "JavaScript:x", "data:text/html,x", "/cb", "https://a.example/#", "https://a b/"]
        {
            assert!(!may_be_registered(uri), "{uri}");
        }
        for uri in ["https://a.example/cb", "http://127.0.0.1/cb", "com.example.app:/cb"] {
            assert!(may_be_registered(uri), "{uri}");
        }
    }

    proptest! {
        #[test]
        fn an_address_is_taken_exactly_if_it_is_byte_equal(uri in "\\PC{0,40}", place in 0usize..2) {
            let known = registered();
            prop_assert_eq!(is_registered(&uri, &known, false), known.contains(&uri));
            let grown = format!("{}{uri}", known[place]);
            prop_assert_eq!(is_registered(&grown, &known, true), uri.is_empty());
        }

        #[test]
        fn one_changed_byte_is_another_address(place in 0usize..30, byte in 0u8..128) {
            let known = registered();
            let mut bytes = known[0].clone().into_bytes();
            bytes[place] = byte;
            let changed = String::from_utf8(bytes).unwrap();
            prop_assert_eq!(is_registered(&changed, &known, false), changed == known[0]);
        }
    }
}
