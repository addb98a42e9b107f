use doorward_config::{HostPattern, Live, Site, Upstream};
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

fn several_hosts() -> Live {
    let mut live = Live::default();
    live.portal.url = Url::parse("https://auth.test").ok();
    let named = [
        HostPattern::Exact("app.test".to_owned()),
        HostPattern::Under("wild.test".to_owned()),
        HostPattern::Any,
    ];
    live.sites = named.map(|host| Site::new(host, Upstream::None)).into();
    live
}

fn on_portal(raw: &str) -> To {
    let here = origin(Scheme::Https, "auth.test");
    To::parse_on_portal(raw, Some(&here), &several_hosts())
}

#[test]
fn from_the_portal_one_may_go_to_hosts_that_sites_name() {
    for (raw, kept, way) in [
        (
            "https://app.test",
            "https://app.test/",
            "https://app.test/_auth/handover?to=%2F",
        ),
        (
            "https://app.test/a?b=c#d",
            "https://app.test/a?b=c#d",
            "https://app.test/_auth/handover?to=%2Fa%3Fb%3Dc%23d",
        ),
        (
            "HTTPS://APP.test:443/a",
            "https://app.test/a",
            "https://app.test/_auth/handover?to=%2Fa",
        ),
        (
            "https://x.wild.test/",
            "https://x.wild.test/",
            "https://x.wild.test/_auth/handover?to=%2F",
        ),
        ("https://auth.test/a", "/a", "/a"),
        ("/a", "/a", "/a"),
    ] {
        let to = on_portal(raw);
        assert_eq!(
            (to.as_str(), to.way("/_auth").as_str()),
            (kept, way),
            "{raw:?}"
        );
        assert_eq!(on_portal(to.as_str()), to, "judged again, it is the same");
        let after = to.way_after_form("/_auth");
        assert!(
            after.starts_with('/') && !after.starts_with("//"),
            "{after}"
        );
    }
}

/// As [`ELSEWHERE`], around hosts that one may be sent to.
const NOT_THERE: &[&str] = &[
    "https://wild.test/",
    "https://other.test/",
    "https://127.0.0.1/",
    "https://2130706433/",
    "https://app.test:8443/",
    "https://app.test:80/",
    "https://app.test:0443x/",
    "http://app.test/",
    "http://app.test:443/",
    "//app.test/",
    "\\\\app.test/",
    "https:app.test/",
    "https:/app.test/",
    "https:///app.test/",
    "https:////app.test/",
    "https:\\\\app.test/",
    "https:/\\app.test/",
    "ht\ttps://app.test/",
    "https://app\n.test/",
    " https://app.test/",
    "https://app.test/ ",
    "https://user@app.test/",
    "https://user:pw@app.test/",
    "https://:@evil.test/",
    "https://app.test@evil.test/",
    "https://app.test:443@evil.test/",
    "https://app.test%40evil.test/",
    "https://evil.test\\@app.test/",
    "https://evil.test#@app.test/",
    "https://evil.test?@app.test/",
    "https://evil.test/@app.test/",
    "https://evil.test/https://app.test/",
    "https://evil.test%2f@app.test/",
    "https://evil.test%23.app.test/",
    "https://app.test.evil.test/",
    "https://app.testevil.test/",
    "https://evilapp.test/",
    "https://evil.test.wild.test.evil.test/",
    "https://.wild.test/",
    "https://app.test./",
    "https://app.test.:443/",
    "https://app..test/",
    "https://\u{430}pp.test/",
    "https://app.t\u{435}st/",
    "https://app.test\u{2044}evil.test/",
    "https://app.test\u{ff0f}evil.test/",
    "https://app.test\u{3002}evil.test/",
    "https://app.test\0/",
    "https://app.test%00/",
    "https://app.test%2eevil.test/",
    "https://app.test%0d%0aevil.test/",
    "https://app.test//evil.test",
    "https://app.test///evil.test",
    "https://app.test/\\evil.test",
    "https://app.test\\evil.test",
    "https://app.test/%2fevil.test",
    "https://app.test/%252fevil.test",
    "https://app.test/%5cevil.test",
    "https://app.test/.//evil.test",
    "https://app.test/..//evil.test",
    "https://app.test/%2e%2e//evil.test",
    "https://app.test/%0d%0aLocation:%20x",
    "https://app.test/_auth",
    "https://app.test/_auth/login",
    "https://app.test/_auth/handover?t=x",
    "https://app.test/%5fauth/logout",
    "https://app.test/a/../_auth/handover",
    "https://auth.test/_auth/leave?to=https://evil.test/",
    "https://auth.test:8443/",
    "http://auth.test/",
    "https://user@auth.test/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "javascript://app.test/%0aalert(1)",
    "data://app.test/,x",
    "ftp://app.test/",
    "ws://app.test/",
    "wss://app.test/",
    "view-source:https://app.test/",
    "blob:https://app.test/x",
    "feed:https://app.test/",
    "https",
    "https:",
    "https://",
    "https:///",
    "://app.test/",
];

#[test]
fn from_the_portal_everything_else_leads_home() {
    for raw in ELSEWHERE.iter().chain(NOT_THERE) {
        // This one is our own in that table, and another's here.
        if !raw.starts_with("https://app.test/a") || raw.contains("_auth") {
            assert_eq!(on_portal(raw), To::home(), "{raw:?}");
        }
    }
}

#[test]
fn from_other_hosts_one_goes_nowhere() {
    for raw in ["https://x.wild.test/", "https://auth.test/"] {
        assert_eq!(parse(raw), "/", "{raw:?}");
    }
    let endless = format!("https://app.test/{}", "a".repeat(LONGEST));
    assert_eq!(on_portal(&endless), To::home());
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

fn stays_among_us(raw: &str) -> Result<(), TestCaseError> {
    let to = on_portal(raw);
    let way = origin(Scheme::Https, "auth.test")
        .url()
        .join(&to.way("/_auth"))
        .unwrap();
    let host = way.host_str().unwrap();
    prop_assert!(
        ["auth.test", "app.test"].contains(&host) || host.ends_with(".wild.test"),
        "{way}"
    );
    prop_assert_eq!(
        (way.scheme(), way.port(), way.username()),
        ("https", None, "")
    );
    prop_assert_eq!(to.elsewhere().is_some(), way.path() == "/_auth/handover");
    prop_assert_eq!(&on_portal(to.as_str()), &to);
    Ok(())
}

proptest! {
    #[test]
    fn any_mix_of_tricks_stays_among_us(parts in prop::collection::vec(prop::sample::select(vec![
        "https://", "http://", "//", "/", "\\", "app.test", "evil.test", "x.wild.test", "wild.test", "auth.test",
        ":443", ":8443", "@", ".", "..", "%2f", "%5C", "%40", "%00", "\t", "?", "#", "_auth", "handover", "é",
        "\u{3002}", "\u{ff0f}", "[::1]",
    ]), 0..9)) {
        stays_among_us(&parts.concat())?;
    }

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
