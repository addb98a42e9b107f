use proptest::prelude::*;

use super::*;

fn question(method: &str, headers: &[(&'static str, &str)]) -> RequestHeader {
    let mut request = RequestHeader::build(method, b"/_auth/authz/x", None).unwrap();
    for (name, value) in headers {
        request.append_header(*name, *value).unwrap();
    }
    request
}

/// Method, origin and target of the original.
fn original(
    dialect: Dialect,
    rest: &str,
    headers: &[(&'static str, &str)],
) -> Result<(String, String, String), Refusal> {
    let request = question("GET", headers);
    let (original, from) = read(&request, dialect, rest.as_bytes())?;
    let host = original.headers.get(HOST).unwrap().to_str().unwrap();
    let host = Host::parse(host.as_bytes()).unwrap().into_owned();
    assert_eq!(&host, from.host(), "what is judged and what is said");
    Ok((
        original.method.to_string(),
        from.origin(),
        String::from_utf8_lossy(original.raw_path()).into_owned(),
    ))
}

const METHOD: (&str, &str) = ("x-original-method", "POST");

#[test]
fn nginx_says_it_by_an_address() {
    for (url, expected) in [
        ("https://app.test/a?b", Some(("https://app.test", "/a?b"))),
        ("http://App.test:8080/", Some(("http://app.test:8080", "/"))),
        ("https://app.test:443/", Some(("https://app.test", "/"))),
        ("https://app.test", Some(("https://app.test", "/"))),
        (
            "https://app.test?a=/b",
            Some(("https://app.test", "/?a=/b")),
        ),
        ("https://[::1]:80/a", Some(("https://[::1]:80", "/a"))),
        ("https://app.test/%61", Some(("https://app.test", "/%61"))),
        (
            "https://app.test//evil.test/",
            Some(("https://app.test", "//evil.test/")),
        ),
        (
            "https://app.test/x://y",
            Some(("https://app.test", "/x://y")),
        ),
        ("https://app.testhttp://evil.test/", None),
        ("https://app.test\\@evil.test/", None),
        ("https://user@app.test/", None),
        ("https://app.test*", None),
        ("https://app.test#/", None),
        ("https://app.test/#a", None),
        ("https://app.test/a b", None),
        ("https:///a", None),
        ("ftp://app.test/", None),
        ("//app.test/a", None),
        ("/a", None),
        ("app.test/a", None),
    ] {
        let found = original(Dialect::AuthRequest, "", &[("x-original-url", url), METHOD]);
        let expected =
            expected.map(|(origin, path)| ("POST".to_owned(), origin.to_owned(), path.to_owned()));
        assert_eq!(found.as_ref().ok(), expected.as_ref(), "{url}: {found:?}");
    }
}

/// All that a forward-auth question says.
const FORWARDED: [(&str, &str); 4] = [
    ("x-forwarded-method", "PUT"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "app.test"),
    ("x-forwarded-uri", "/a?b"),
];

#[test]
fn others_say_it_in_parts() {
    let whole = (
        "PUT".to_owned(),
        "https://app.test".to_owned(),
        "/a?b".to_owned(),
    );
    assert_eq!(
        original(Dialect::ForwardAuth, "", &FORWARDED),
        Ok(whole.clone())
    );
    assert_eq!(original(Dialect::Oauth2, "", &FORWARDED), Ok(whole));
    for missing in FORWARDED {
        let rest: Vec<_> = FORWARDED
            .into_iter()
            .filter(|said| *said != missing)
            .collect();
        let found = original(Dialect::ForwardAuth, "", &rest);
        assert!(matches!(found, Err(Refusal::Malformed(_))), "{rest:?}");
        let empty: Vec<_> = rest.into_iter().chain([(missing.0, "")]).collect();
        let found = original(Dialect::ForwardAuth, "", &empty);
        assert!(matches!(found, Err(Refusal::Malformed(_))), "{empty:?}");
    }
    for more in [("x-forwarded-uri", "/b"), ("x-forwarded-method", "GET")] {
        let twice: Vec<_> = FORWARDED.into_iter().chain([more]).collect();
        assert!(
            original(Dialect::ForwardAuth, "", &twice).is_err(),
            "{more:?}"
        );
    }
    // What the nearest proxy wrote is the last (and it is the only one that we trust).
    let lists: Vec<_> = [
        ("x-forwarded-host", "evil.test"),
        ("x-forwarded-proto", "http"),
    ]
    .into_iter()
    .chain(FORWARDED)
    .collect();
    let found = original(Dialect::ForwardAuth, "", &lists).unwrap();
    assert_eq!(found.1, "https://app.test");
}

#[test]
fn one_kind_does_not_believe_what_another_is_told() {
    let with_url: Vec<_> = [("x-original-url", "https://admin.test/x"), METHOD]
        .into_iter()
        .chain(FORWARDED)
        .collect();
    let found = original(Dialect::ForwardAuth, "", &with_url).unwrap();
    assert_eq!(found.1, "https://app.test");
    let found = original(Dialect::AuthRequest, "", &with_url).unwrap();
    assert_eq!(found.1, "https://admin.test");
    assert!(original(Dialect::AuthRequest, "", &FORWARDED).is_err());
    assert!(
        original(Dialect::Oauth2, "", &with_url).is_err(),
        "two that differ"
    );
    let agreeing = [
        ("x-original-url", "https://app.test/a?b"),
        ("x-original-method", "PUT"),
    ];
    let both: Vec<_> = agreeing.into_iter().chain(FORWARDED).collect();
    assert!(original(Dialect::Oauth2, "", &both).is_ok());
    assert!(original(Dialect::Oauth2, "?allowed_groups=x", &FORWARDED).is_err());
}

#[test]
fn envoy_asks_with_the_request_itself() {
    let said = [("x-forwarded-proto", "https"), ("host", "app.test")];
    let found = original(Dialect::ExtAuthz, "/a/b?c", &said);
    let expected = ("GET", "https://app.test", "/a/b?c");
    assert_eq!(
        found,
        Ok((expected.0.into(), expected.1.into(), expected.2.into()))
    );
    for (rest, headers) in [
        ("", &said[..]),
        ("?a", &said),
        ("/a", &said[..1]),
        ("/a", &said[1..]),
    ] {
        let found = original(Dialect::ExtAuthz, rest, headers);
        assert!(
            matches!(found, Err(Refusal::Malformed(_))),
            "{rest} {headers:?}"
        );
    }
}

#[test]
fn a_websocket_is_known_by_its_key() {
    for (headers, expected) in [
        (&[][..], None),
        (&[("sec-websocket-key", "dGhl")], Some("websocket")),
        (&[("upgrade", "websocket")], Some("websocket")),
    ] {
        let all: Vec<_> = FORWARDED.iter().chain(headers).copied().collect();
        let (original, _) = read(&question("GET", &all), Dialect::ForwardAuth, b"").unwrap();
        let upgrade = original
            .headers
            .get(UPGRADE)
            .map(|value| value.to_str().unwrap());
        assert_eq!(upgrade, expected);
    }
}

#[test]
fn another_path_in_every_spelling() {
    for (name, expected) in [
        ("x-rewrite-url", true),
        ("X_Rewrite_URL", true),
        ("x.rewrite-anything", true),
        ("x-rewrite", false),
        ("x-original-url", false),
        ("x-forwarded-uri", false),
    ] {
        assert_eq!(asks_for_another_path(name.as_bytes()), expected, "{name}");
    }
}

proptest! {
    #[test]
    fn any_words_are_judged_without_panic(url in "[ -~]{0,40}", rest in "[ -~]{0,20}") {
        let _ = original(Dialect::AuthRequest, "", &[("x-original-url", &url), METHOD]);
        let _ = original(Dialect::ExtAuthz, &rest, &FORWARDED);
    }

    /// Whatever stands before the path, the host that is judged is the one that a browser would see.
    #[test]
    fn the_host_is_the_whole_authority(host in "[a-z.:@\\\\#*\\[\\]-]{0,12}", path in "[a-z/:@?]{0,8}") {
        let url = format!("https://{host}/{path}");
        let said = [("x-original-url", url.as_str()), METHOD];
        let seen = url::Url::parse(&url).map(|url| url.origin().ascii_serialization());
        if let (Ok((_, origin, _)), Ok(seen)) = (original(Dialect::AuthRequest, "", &said), seen) {
            prop_assert_eq!(seen.trim_end_matches('.'), origin);
        }
    }
}
