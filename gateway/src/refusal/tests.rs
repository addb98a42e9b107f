use serde_json::Value;

use super::*;
use crate::stranger::{Bearer, Step};
use crate::wish::Format;

fn redirect(status: StatusCode) -> Refusal {
    Refusal::NotSignedIn(Answer::Redirect {
        status,
        location: "/_auth/login?to=%2Fx".to_owned(),
    })
}

fn unauthorized(bearer: Bearer) -> Refusal {
    Refusal::NotSignedIn(Answer::Unauthorized {
        login_url: "/_auth/login?to=%2Fx".to_owned(),
        bearer,
    })
}

fn code_page() -> Refusal {
    Refusal::SecondFactorNeeded(Step::Redirect {
        status: StatusCode::FOUND,
        location: "/_auth/login/code?to=%2Fx".to_owned(),
    })
}

fn code_problem() -> Refusal {
    Refusal::SecondFactorNeeded(Step::Forbidden {
        code_url: "/_auth/login/code?to=%2Fx".to_owned(),
    })
}

/// Every variant, its status, its counter and whether it passes by itself.
fn table() -> Vec<(Refusal, u16, &'static str, Option<&'static str>)> {
    vec![
        (Refusal::UnknownSite, 421, "unknown_site", None),
        (Refusal::Host(host::Fault::Missing), 400, "bad_host", None),
        (
            Refusal::Target(target::Fault::DotSegment),
            400,
            "bad_target",
            None,
        ),
        (
            Refusal::Target(target::Fault::TooLong),
            414,
            "target_too_long",
            None,
        ),
        (Refusal::Unclear, 400, "unclear_path", None),
        (Refusal::Malformed("two lengths"), 400, "malformed", None),
        (Refusal::Method, 405, "method_not_allowed", None),
        (Refusal::UnknownMethod, 501, "unknown_method", None),
        (Refusal::HeadersTooLarge, 431, "headers_too_large", None),
        (Refusal::BodyTooLarge, 413, "body_too_large", None),
        (Refusal::TooSlow, 408, "too_slow", None),
        (redirect(StatusCode::FOUND), 302, "not_signed_in", None),
        (redirect(StatusCode::SEE_OTHER), 303, "not_signed_in", None),
        (unauthorized(Bearer::None), 401, "not_signed_in", None),
        (elsewhere(), 302, "elsewhere", None),
        (in_the_clear(), 308, "in_the_clear", None),
        (Refusal::Forbidden, 403, "forbidden", None),
        (Refusal::BeyondKey, 403, "beyond_key", None),
        (code_page(), 302, "second_factor_needed", None),
        (code_problem(), 403, "second_factor_needed", None),
        (Refusal::ForgedHeader, 403, "forged_header", None),
        (Refusal::ForeignOrigin, 403, "foreign_origin", None),
        (Refusal::StoreAway, 503, "store_away", Some("5")),
        (Refusal::NoUpstream, 404, "no_upstream", None),
        (Refusal::BadGateway, 502, "bad_gateway", None),
        (Refusal::GatewayTimeout, 504, "gateway_timeout", None),
        (Refusal::TooMany, 429, "too_many", Some("10")),
        (Refusal::Busy, 503, "busy", Some("5")),
        (Refusal::Internal, 500, "internal", None),
    ]
}

fn reply(refusal: &Refusal, format: Format, person: Option<&str>) -> Reply {
    let plates = Plates::draw("Example", "/_auth").unwrap();
    refusal
        .reply(
            &plates,
            &Asked {
                format,
                person,
                request_id: "r-4711",
            },
        )
        .unwrap()
}

fn header<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    reply
        .header
        .headers
        .get(name)
        .map(|value| value.to_str().unwrap())
}

#[test]
fn one_row_a_variant_and_the_same_over_the_wire() {
    for (refusal, status, reason, retry_after) in table() {
        assert_eq!(refusal.reason(), reason);
        for format in [Format::Page, Format::Problem] {
            let reply = reply(&refusal, format, None);
            assert_eq!(reply.header.status.as_u16(), status, "{refusal:?}");
            assert_eq!(header(&reply, "retry-after"), retry_after, "{refusal:?}");
            assert_eq!(
                header(&reply, "cache-control"),
                Some("no-store"),
                "{refusal:?}"
            );
            let length = reply.body.len().to_string();
            assert_eq!(
                header(&reply, "content-length"),
                Some(&*length),
                "{refusal:?}"
            );
        }
    }
}

fn elsewhere() -> Refusal {
    Refusal::Elsewhere {
        location: "/_auth/account".to_owned(),
    }
}

fn in_the_clear() -> Refusal {
    Refusal::InTheClear {
        location: "https://app.test/x".to_owned(),
    }
}

#[test]
fn a_second_factor_is_asked_for_where_there_is_a_page_and_named_where_there_is_none() {
    let page = reply(&code_page(), Format::Page, Some("anna"));
    assert_eq!(header(&page, "location"), Some("/_auth/login/code?to=%2Fx"));
    assert!(page.body.is_empty());
    let problem = reply(&code_problem(), Format::Problem, Some("anna"));
    assert_eq!(
        header(&problem, "content-type"),
        Some("application/problem+json")
    );
    let problem: Value = serde_json::from_slice(&problem.body).unwrap();
    assert_eq!(problem["type"], "urn:doorward:problem/two-factor-required");
    assert_eq!(problem["status"], 403);
    assert_eq!(problem["code_url"], "/_auth/login/code?to=%2Fx");
    assert_eq!(problem["detail"], "a second factor is needed");
}

#[test]
fn beyond_a_key_is_told_to_programs_whatever_they_ask_for() {
    for format in [Format::Page, Format::Problem] {
        let problem = reply(&Refusal::BeyondKey, format, Some("anna"));
        assert_eq!(
            header(&problem, "www-authenticate"),
            Some(r#"Bearer realm="doorward", error="insufficient_scope""#)
        );
        let problem: Value = serde_json::from_slice(&problem.body).unwrap();
        assert_eq!(problem["detail"], "the API key is not for this");
    }
}

#[test]
fn a_page_that_is_elsewhere() {
    let reply = reply(&elsewhere(), Format::Problem, None);
    assert_eq!(header(&reply, "location"), Some("/_auth/account"));
    assert!(reply.body.is_empty());
}

#[test]
fn every_reason_is_counted_and_no_other() {
    let mut used: Vec<_> = table().iter().map(|row| row.2).collect();
    used.dedup();
    assert_eq!(used, Refusal::REASONS);
}

#[test]
fn a_page_for_people() {
    for (refusal, _, _, _) in table() {
        if matches!(
            refusal,
            Refusal::NotSignedIn(_)
                | Refusal::Elsewhere { .. }
                | Refusal::InTheClear { .. }
                | Refusal::SecondFactorNeeded(_)
                | Refusal::BeyondKey
        ) {
            continue;
        }
        let reply = reply(&refusal, Format::Page, None);
        assert_eq!(
            header(&reply, "content-type"),
            Some("text/html; charset=utf-8")
        );
        assert!(header(&reply, "content-security-policy").is_some());
        let page = std::str::from_utf8(&reply.body).unwrap();
        assert!(
            page.contains("r-4711") && page.contains("Example"),
            "{refusal:?}"
        );
    }
}

#[test]
fn the_page_of_a_refused_person_says_who_they_are() {
    let page = |person| reply(&Refusal::Forbidden, Format::Page, person).body;
    let page = |person| String::from_utf8(page(person).to_vec()).unwrap();
    assert!(page(Some("<anna>")).contains("&lt;anna&gt;"));
    assert!(!page(None).contains("anna"));
    let problem = |person| reply(&Refusal::Forbidden, Format::Problem, person).body;
    let problem = |person| String::from_utf8(problem(person).to_vec()).unwrap();
    assert!(problem(Some("anna")).contains("anna is signed in, and may not do this"));
    assert!(!problem(None).contains("detail"));
}

#[test]
fn a_problem_for_programs() {
    for (refusal, status, _, _) in table() {
        if matches!(
            refusal,
            Refusal::NotSignedIn(Answer::Redirect { .. })
                | Refusal::SecondFactorNeeded(Step::Redirect { .. })
                | Refusal::Elsewhere { .. }
                | Refusal::InTheClear { .. }
        ) {
            continue;
        }
        let reply = reply(&refusal, Format::Problem, None);
        assert_eq!(
            header(&reply, "content-type"),
            Some("application/problem+json")
        );
        let problem: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(problem["status"], status, "{refusal:?}");
        assert_eq!(problem["request_id"], "r-4711");
    }
    let ambiguous = reply(
        &Refusal::Target(target::Fault::DotSegment),
        Format::Problem,
        None,
    );
    let problem: Value = serde_json::from_slice(&ambiguous.body).unwrap();
    assert_eq!(problem["detail"], "dot segments are refused, not resolved");
}

#[test]
fn a_stranger_is_led_to_the_login_page() {
    for format in [Format::Page, Format::Problem] {
        let redirected = reply(&redirect(StatusCode::FOUND), format, None);
        assert_eq!(
            header(&redirected, "location"),
            Some("/_auth/login?to=%2Fx")
        );
        assert!(redirected.body.is_empty());

        let refused = reply(&unauthorized(Bearer::Bad), format, None);
        let challenge = header(&refused, "www-authenticate").unwrap();
        assert!(challenge.contains("invalid_token"));
        let problem: Value = serde_json::from_slice(&refused.body).unwrap();
        assert_eq!(problem["login_url"], "/_auth/login?to=%2Fx");
    }
}

#[test]
fn a_refused_method_names_those_that_are_not() {
    let refused = reply(&Refusal::Method, Format::Problem, None);
    assert!(header(&refused, "allow").unwrap().contains("GET"));
    let unknown = reply(&Refusal::UnknownMethod, Format::Problem, None);
    assert_eq!(header(&unknown, "allow"), None);
}
