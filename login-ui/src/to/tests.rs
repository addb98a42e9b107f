use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

use super::*;
use crate::origin::Scheme;

fn origin(scheme: Scheme, host: &str) -> Origin {
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_str(host).unwrap());
    Origin::of(&headers, scheme).unwrap()
}

fn parse(raw: &str) -> String {
    let here = origin(Scheme::Https, "app.test");
    To::parse(raw, Some(&here), "/_auth").to_string()
}

#[test]
fn honest_addresses_are_kept() {
    for (raw, kept) in [
        ("/", "/"),
        ("/reports/q3.pdf", "/reports/q3.pdf"),
        ("/a?b=c&d=%2F%2Fevil.test", "/a?b=c&d=%2F%2Fevil.test"),
        ("/a?next=https://evil.test/", "/a?next=https://evil.test/"),
        ("/a#part", "/a#part"),
        ("/%C3%BCber", "/%C3%BCber"),
        ("/über", "/%C3%BCber"),
        ("/a%20b", "/a%20b"),
        ("/100%25.txt", "/100%25.txt"),
        ("/a/../b", "/b"),
        ("/a//b", "/a//b"),
        ("/@evil.test", "/@evil.test"),
        ("/_authors", "/_authors"),
        ("/x/_auth/login", "/x/_auth/login"),
        ("https://app.test", "/"),
        ("https://app.test/a?b#c", "/a?b#c"),
        ("HTTPS://APP.test:443/a", "/a"),
    ] {
        assert_eq!(parse(raw), kept, "{raw:?}");
    }
}

const ELSEWHERE: &[&str] = &[
    "",
    "a",
    "a/b",
    "?a",
    "#a",
    ".",
    "./a",
    "../a",
    "//evil.test",
    "///evil.test",
    "////evil.test",
    "//app.test/a",
    "/\\evil.test",
    "\\/evil.test",
    "\\\\evil.test",
    "/a\\b",
    "/a?b\\c",
    "/\t/evil.test",
    "/\n/evil.test",
    "/\r\nLocation: https://evil.test",
    "/a\0",
    " /a",
    "/a ",
    "\t/a",
    "\u{a0}/a",
    "\u{2028}/a",
    "/\u{2028}a",
    "/.//evil.test",
    "/..//evil.test",
    "/a/..//evil.test",
    "/%2e//evil.test",
    "/%2e%2e//evil.test",
    "/%2f/evil.test",
    "/%2Fevil.test",
    "/%2f%2fevil.test",
    "/%252fevil.test",
    "/%25252fevil.test",
    "/%5cevil.test",
    "/%255cevil.test",
    "/a%5cb",
    "/%0d%0aLocation:%20x",
    "/%09/evil.test",
    "/a%00",
    "https://evil.test",
    "https://evil.test/a",
    "https://app.test.evil.test/",
    "https://app.testevil.test/",
    "https://app.test@evil.test/",
    "https://user@app.test/",
    "https://user:pw@app.test/",
    "https://:pw@app.test/",
    "https://app.test:8443/",
    "https://app.test:80/",
    "http://app.test/",
    "https:app.test/a",
    "https:/app.test/a",
    "https:///app.test/a",
    "https:evil.test",
    "https:\\\\evil.test",
    "https://app.test//evil.test",
    "https://app.test/%2fevil.test",
    "https://app.test\\@evil.test/",
    "https://evil.test#@app.test/",
    "https://evil.test?@app.test/",
    "https://evil.test\\.app.test/",
    "https://аpp.test/",
    "https://[::1]/",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "javascript://app.test/%0aalert(1)",
    "data:text/html,x",
    "vbscript:x",
    "blob:https://app.test/x",
    "file:///etc/passwd",
    "view-source:https://app.test/",
    "ftp://app.test/",
    "ws://app.test/",
    "mailto:a@b",
    "/_auth",
    "/_auth/",
    "/_auth/login",
    "/_auth/logout?x",
    "/_auth#x",
    "/%5fauth/login",
    "/%5Fauth%2flogin",
    "/a/../_auth/login",
    "https://app.test/_auth/logout",
];

#[test]
fn everything_else_leads_home() {
    for raw in ELSEWHERE {
        assert_eq!(parse(raw), "/", "{raw:?}");
    }
}

#[test]
fn without_a_known_origin_only_paths_count() {
    assert_eq!(To::parse("/a", None, "/_auth").as_str(), "/a");
    assert_eq!(
        To::parse("https://app.test/a", None, "/_auth").as_str(),
        "/"
    );
}

#[test]
fn the_port_is_part_of_the_origin() {
    let here = origin(Scheme::Http, "localhost:8080");
    let parse = |raw| To::parse(raw, Some(&here), "/_auth").to_string();
    assert_eq!(parse("http://localhost:8080/a"), "/a");
    assert_eq!(parse("http://localhost/a"), "/");
    assert_eq!(parse("http://localhost:9180/a"), "/");
    assert_eq!(parse("https://localhost:8080/a"), "/");
}

#[test]
fn an_endless_address_leads_home() {
    assert_eq!(parse(&format!("/{}", "a".repeat(LONGEST))), "/");
    assert_eq!(
        parse(&format!("/{}", "a".repeat(LONGEST - 1))).len(),
        LONGEST
    );
}

fn stays_here(raw: &str) -> Result<(), TestCaseError> {
    let here = origin(Scheme::Https, "app.test");
    let to = To::parse(raw, Some(&here), "/_auth");
    let text = to.as_str();
    prop_assert!(text.starts_with('/') && !text.starts_with("//"), "{text:?}");
    prop_assert!(
        text.bytes()
            .all(|b| (0x21..0x7f).contains(&b) && b != b'\\'),
        "{text:?}"
    );
    let reached = here.url().join(text).unwrap();
    prop_assert_eq!(reached.origin(), here.url().origin());
    prop_assert!(!is_in_portal(reached.path(), "/_auth"));
    // Judged again, it is the same: the form carries it through several pages.
    prop_assert_eq!(&To::parse(text, Some(&here), "/_auth"), &to);
    Ok(())
}

proptest! {
    #[test]
    fn any_text_stays_here(raw in ".*") {
        stays_here(&raw)?;
    }

    #[test]
    fn any_mix_of_tricks_stays_here(parts in prop::collection::vec(prop::sample::select(vec![
        "/", "//", "\\", ".", "..", "%2f", "%5C", "%25", "%2e", "%09", "\t", "@", ":", "https:", "http://",
        "app.test", "evil.test", "_auth", "%5fauth", "?", "#", "a", "%", "%zz", "é", "\u{202e}",
    ]), 0..9)) {
        stays_here(&parts.concat())?;
    }
}
