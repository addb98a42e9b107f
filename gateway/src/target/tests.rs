use doorward_config::PathStyle::{self, Relaxed, Strict};
use http::Version;
use pingora_http::RequestHeader;
use proptest::prelude::*;

use super::*;

fn fault(raw: &str, style: PathStyle) -> Fault {
    match canonical(raw.as_bytes(), style) {
        Err(fault) => fault,
        Ok(target) => panic!("{raw} was accepted as {}", target.as_str()),
    }
}

fn spelled(raw: &str, style: PathStyle) -> String {
    canonical(raw.as_bytes(), style)
        .unwrap_or_else(|fault| panic!("{raw}: {fault}"))
        .as_str()
        .to_owned()
}

#[test]
fn canonical_targets_stay_as_they_are() {
    for raw in [
        "/",
        "/public/",
        "/public/a.b/..c/...",
        "/.well-known/x",
        "/a%20b/%C3%A9",
        "/100%25",
        "/100%25%20",
        "/a:b@c!$&'()*+,=",
        "/a?b=//../;%2f\\%00%zz",
        "/a??",
        "/a%3Fb",
        "/a%23b",
        "/a%3Bb",
    ] {
        let target = canonical(raw.as_bytes(), Strict).unwrap();
        assert!(matches!(target.0, Cow::Borrowed(_)), "{raw} was copied");
        assert_eq!(target.as_str(), raw);
        assert_eq!(spelled(raw, Relaxed), raw);
    }
}

#[test]
fn other_spellings_become_the_one() {
    for (raw, one) in [
        ("/%73ecret", "/secret"),
        ("/%61dmin/%7Euser", "/admin/~user"),
        ("/a%2dz%5f%2E5", "/a-z_.5"),
        ("/caf%c3%a9?q=%c3%a9", "/caf%C3%A9?q=%c3%a9"),
        ("/a%3ab", "/a%3Ab"),
        ("http://app.test/x?y", "/x?y"),
        ("HTTPS://app.test", "/"),
        ("http://app.test?y", "/?y"),
    ] {
        assert_eq!(spelled(raw, Strict), one, "{raw}");
        assert_eq!(spelled(raw, Relaxed), one, "{raw}");
    }
}

#[test]
fn refused_whatever_the_style() {
    for (raw, expected) in [
        ("", Fault::NoPath),
        ("*", Fault::NoPath),
        ("?x", Fault::NoPath),
        ("app.test:443", Fault::NoPath),
        ("secret", Fault::NoPath),
        ("ftp://app.test/", Fault::NoPath),
        ("http:/app.test/", Fault::NoPath),
        ("http:///x", Fault::NoPath),
        ("/public/../secret", Fault::DotSegment),
        ("/public/./../secret", Fault::DotSegment),
        ("/..", Fault::DotSegment),
        ("/.", Fault::DotSegment),
        ("/public/%2e%2e/secret", Fault::DotSegment),
        ("/public/%2E./secret", Fault::DotSegment),
        ("/public/.%2e", Fault::DotSegment),
        ("/public/..%3b/secret", Fault::DotSegment),
        ("/public/..%20/secret", Fault::DotSegment),
        ("/public/..%3fx", Fault::DotSegment),
        ("/public/..%23/x", Fault::DotSegment),
        ("/public/.%20%3F", Fault::DotSegment),
        ("http://app.test/a/../b", Fault::DotSegment),
        ("/public\\..\\secret", Fault::Backslash),
        ("/public/%5c..%5csecret", Fault::Backslash),
        ("/public/%00/../secret", Fault::Control),
        ("/a%0d%0aX:y", Fault::Control),
        ("/a%7F", Fault::Control),
        ("/a b", Fault::Control),
        ("/a\tb", Fault::Control),
        ("/a?b c", Fault::Control),
        ("/a?b\0", Fault::Control),
        ("/café", Fault::NotAscii),
        ("/a?é", Fault::NotAscii),
        ("/secret#/public/", Fault::Fragment),
        ("/a?b#c", Fault::Fragment),
        ("/%", Fault::Escape),
        ("/%2", Fault::Escape),
        ("/%zz", Fault::Escape),
        ("/%+1", Fault::Escape),
        ("/%u002e", Fault::Escape),
        ("/a%", Fault::Escape),
        ("/public/%252e%252e/secret", Fault::EncodedTwice),
        ("/%2573ecret", Fault::EncodedTwice),
        ("/%25252e", Fault::EncodedTwice),
        ("/%25252f", Fault::EncodedTwice),
        ("/%255csecret", Fault::EncodedTwice),
        ("/%2500", Fault::EncodedTwice),
        ("/a%253bb", Fault::EncodedTwice),
        ("/a%253fb", Fault::EncodedTwice),
        ("/%c0%ae%c0%ae/secret", Fault::Overlong),
        ("/%C0%AF", Fault::Overlong),
        ("/%e0%80%ae", Fault::Overlong),
        ("/%f0%80%80%af", Fault::Overlong),
        ("/a%20HTTP/1.1%20/b", Fault::RequestLine),
    ] {
        assert_eq!(fault(raw, Strict), expected, "strict {raw}");
        assert_eq!(fault(raw, Relaxed), expected, "relaxed {raw}");
    }
}

#[test]
fn what_relaxed_lets_through_unchanged() {
    for (raw, strict, relaxed) in [
        ("/secret;a=/public/", Fault::Parameter, "/secret;a=/public/"),
        ("//secret", Fault::EmptySegment, "//secret"),
        ("/a//", Fault::EmptySegment, "/a//"),
        ("/group%2fproject", Fault::EncodedSlash, "/group%2Fproject"),
        ("/job/a%252Fb", Fault::EncodedTwice, "/job/a%252Fb"),
    ] {
        assert_eq!(fault(raw, Strict), strict, "{raw}");
        assert_eq!(spelled(raw, Relaxed), relaxed, "{raw}");
    }
}

#[test]
fn relaxed_still_knows_a_dot_segment() {
    for raw in [
        "/public/..;/secret",
        "/public;/../secret",
        "/public/..;x=y/secret",
        "/public/..%2fsecret",
        "/public%2f..%2fsecret",
        "/public%2F..",
        "/public%252f..%252fsecret",
        "//..",
    ] {
        assert_eq!(fault(raw, Relaxed), Fault::DotSegment, "{raw}");
        assert!(canonical(raw.as_bytes(), Strict).is_err(), "{raw}");
    }
}

#[test]
fn the_limit_counts_the_whole_target() {
    let fits = format!("/{}?{}", "a".repeat(4000), "b".repeat(LIMIT - 4002));
    assert_eq!(fits.len(), LIMIT);
    assert_eq!(spelled(&fits, Strict), fits);
    assert_eq!(fault(&format!("{fits}b"), Strict), Fault::TooLong);
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    assert_eq!(canonical(b"/\xFF", Strict), Err(Fault::NotAscii));
    assert_eq!(canonical(b"/\xC0\xAE", Relaxed), Err(Fault::NotAscii));
}

fn request(target: &str, host: &'static str) -> RequestHeader {
    let mut request = RequestHeader::build("GET", target.as_bytes(), None).unwrap();
    request.set_version(Version::HTTP_11);
    request.insert_header("Host", host).unwrap();
    request
}

#[test]
fn a_request_is_rewritten_in_place() {
    for (raw, one) in [
        ("/plain?x=%7e", "/plain?x=%7e"),
        ("/%73ecret?x=%7e", "/secret?x=%7e"),
        ("http://app.test/%73ecret?x", "/secret?x"),
        ("http://app.test/secret", "/secret"),
        ("http://app.test", "/"),
    ] {
        let mut request = request(raw, "app.test");
        canonicalise(&mut request, Strict).unwrap();
        assert_eq!(request.raw_path(), one.as_bytes(), "{raw}");
        assert_eq!(target(&request), one);
        assert_eq!(path(&request), path_of(one));
    }
}

#[test]
fn an_absolute_target_must_name_the_host() {
    let mut request = request("http://admin.test/", "app.test");
    assert_eq!(canonicalise(&mut request, Strict), Err(Fault::OtherHost));
    assert_eq!(request.raw_path(), b"http://admin.test/");
}

#[test]
fn a_refused_request_is_left_alone() {
    let mut request = request("/a/../b", "app.test");
    assert_eq!(canonicalise(&mut request, Strict), Err(Fault::DotSegment));
    assert_eq!(request.raw_path(), b"/a/../b");
}

/// What the most obliging upstream would make of a path: decoded until nothing changes.
fn decoded_to_the_end(path: &str) -> Vec<u8> {
    let mut bytes = path.as_bytes().to_vec();
    loop {
        let next: Vec<u8> = percent_encoding::percent_decode(&bytes).collect();
        if next == bytes {
            return bytes;
        }
        bytes = next;
    }
}

const ODD: &str =
    "(/|%|\\.|;|\\\\|2|5|e|f|F|c|0|a|%2e|%2F|%25|%252f|%252F|\\.\\.|\\?|%3b|%C0|%20|x){0,24}";

proptest! {
    #[test]
    fn any_bytes_are_judged_without_panic(raw: Vec<u8>) {
        for style in [Strict, Relaxed] {
            let _ = canonical(&raw, style);
        }
    }

    #[test]
    fn canonical_twice_is_canonical_once(tail in ODD) {
        let raw = format!("/{tail}");
        for style in [Strict, Relaxed] {
            if let Ok(once) = canonical(raw.as_bytes(), style) {
                let twice = canonical(once.as_str().as_bytes(), style).unwrap();
                prop_assert_eq!(twice.as_str(), once.as_str());
                prop_assert!(matches!(twice.0, Cow::Borrowed(_)));
            }
        }
    }

    #[test]
    fn strict_accepts_nothing_that_relaxed_refuses(tail in ODD) {
        let raw = format!("/{tail}");
        if let Ok(strict) = canonical(raw.as_bytes(), Strict) {
            let relaxed = canonical(raw.as_bytes(), Relaxed);
            prop_assert_eq!(relaxed.as_ref(), Ok(&strict));
        }
    }

    #[test]
    fn no_decoding_ever_finds_a_dot_segment(tail in ODD) {
        let raw = format!("/{tail}");
        for style in [Strict, Relaxed] {
            if let Ok(target) = canonical(raw.as_bytes(), style) {
                let end = decoded_to_the_end(target.path());
                prop_assert!(!end.contains(&b'\\') && !end.iter().any(u8::is_ascii_control));
                prop_assert!(!end.split(|b| *b == b'/').any(|s| s == b"." || s == b".."));
            }
        }
    }

    #[test]
    fn strict_paths_read_the_same_however_often_they_are_decoded(tail in ODD) {
        let raw = format!("/{tail}");
        if let Ok(target) = canonical(raw.as_bytes(), Strict) {
            let slashes = |bytes: &[u8]| bytes.split(|b| *b == b'/').count();
            let end = decoded_to_the_end(target.path());
            prop_assert_eq!(slashes(&end), slashes(target.path().as_bytes()));
        }
    }

    #[test]
    fn the_query_is_never_touched(query in "[!-\"$-~]{0,40}") {
        let raw = format!("/%61?{query}");
        let target = canonical(raw.as_bytes(), Strict).unwrap();
        prop_assert_eq!(target.as_str(), format!("/a?{query}"));
    }
}
