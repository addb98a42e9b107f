use super::{Verdict, judge, range_stands};
use crate::facts::Facts;
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use std::time::{Duration, SystemTime};

const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
const SAME: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const AFTER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

fn facts() -> Facts {
    Facts {
        size: 3,
        etag: "\"a,b\"".into(),
        modified: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777)),
    }
}

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(
            HeaderName::from_static(name),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    headers
}

#[test]
fn preconditions() {
    use Verdict::{Failed, Send, Unchanged};
    let (is, not, since, unless) = (
        "if-match",
        "if-none-match",
        "if-modified-since",
        "if-unmodified-since",
    );
    for (lines, verdict) in [
        (&[][..], Send),
        (&[(not, "\"a,b\"")], Unchanged),
        (&[(not, "W/\"a,b\"")], Unchanged),
        (&[(not, "*")], Unchanged),
        (&[(not, "\"x\", W/\"y\" ,\"a,b\"")], Unchanged),
        (&[(not, "\"x\""), (not, "\"a,b\"")], Unchanged),
        (&[(not, "\"x\"")], Send),
        (&[(not, "\"a\"")], Send),
        (&[(not, "a,b")], Send),
        (&[(not, "\"a,b")], Send),
        (&[(not, "")], Send),
        (&[(since, SAME)], Unchanged),
        (&[(since, AFTER)], Unchanged),
        (&[(since, BEFORE)], Send),
        (&[(since, "Sunday, 06-Nov-94 08:49:37 GMT")], Unchanged),
        (&[(since, "yesterday")], Send),
        (&[(since, SAME), (since, SAME)], Send),
        (&[(not, "\"x\""), (since, AFTER)], Send),
        (&[(is, "\"a,b\"")], Send),
        (&[(is, "*")], Send),
        (&[(is, "\"x\", \"a,b\"")], Send),
        (&[(is, "\"x\"")], Failed),
        (&[(is, "W/\"a,b\"")], Failed),
        (&[(is, "a,b")], Failed),
        (&[(unless, BEFORE)], Failed),
        (&[(unless, SAME)], Send),
        (&[(unless, "tomorrow")], Send),
        (&[(is, "\"a,b\""), (unless, BEFORE)], Send),
        (&[(is, "\"a,b\""), (not, "\"a,b\"")], Unchanged),
        (&[(is, "\"x\""), (not, "\"a,b\"")], Failed),
    ] {
        assert_eq!(judge(&headers(lines), &facts()), verdict, "{lines:?}");
    }
}

#[test]
fn a_file_without_a_date_has_only_its_tag() {
    let undated = Facts {
        modified: None,
        ..facts()
    };
    assert_eq!(
        judge(&headers(&[("if-modified-since", AFTER)]), &undated),
        Verdict::Send
    );
    assert_eq!(
        judge(&headers(&[("if-unmodified-since", BEFORE)]), &undated),
        Verdict::Send
    );
    assert!(!range_stands(
        &headers(&[("if-range", "nonsense")]),
        &undated
    ));
    assert!(range_stands(&headers(&[("if-range", "\"a,b\"")]), &undated));
}

#[test]
fn if_range() {
    for (value, stands) in [
        ("\"a,b\"", true),
        ("W/\"a,b\"", false),
        ("\"x\"", false),
        ("\"a,b\", \"x\"", false),
        ("*", false),
        (SAME, true),
        (BEFORE, false),
        (AFTER, false),
        ("nonsense", false),
        ("", false),
    ] {
        assert_eq!(
            range_stands(&headers(&[("if-range", value)]), &facts()),
            stands,
            "{value}"
        );
    }
    assert!(range_stands(&HeaderMap::new(), &facts()));
    assert!(!range_stands(
        &headers(&[("if-range", "\"a,b\""), ("if-range", "\"a,b\"")]),
        &facts()
    ));
}

proptest! {
    #[test]
    fn nothing_panics(value in "[ -~]*") {
        for name in ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range"] {
            let headers = headers(&[(name, &value)]);
            let _verdict = judge(&headers, &facts());
            range_stands(&headers, &facts());
        }
    }
}
