//! `doorward explain` and the running gateway say the same of every request.

use doorward_tests::{Ask, Site, Stack, Visitor};
use serde_json::Value;

use crate::two_factor::turn_on;

/// One request, and what must become of it.
struct Case {
    method: &'static str,
    host: &'static str,
    target: &'static str,
    who: Option<&'static str>,
    /// The number of the rule that decides.
    rule: Option<u64>,
    /// 200: it is let in.
    status: u16,
}

const fn case(
    (method, host, target): (&'static str, &'static str, &'static str),
    who: Option<&'static str>,
    rule: Option<u64>,
    status: u16,
) -> Case {
    Case {
        method,
        host,
        target,
        who,
        rule,
        status,
    }
}

/// Rules: 1 public, 2 admins, 3 from here, 4 from elsewhere, 5 GET only, 6 two factors, 7 the rest below /in.
const CASES: [Case; 24] = [
    case(("GET", "app.test", "/public/x?a=1"), None, Some(1), 200),
    case(("GET", "app.test", "/public/x"), Some("anna"), Some(1), 200),
    case(("GET", "app.test", "/in/x"), None, Some(7), 302),
    case(("POST", "app.test", "/in/x"), None, Some(7), 303),
    case(
        ("GET", "app.test", "/in/%7Ex/%c3%a9?q=%2F"),
        Some("anna"),
        Some(7),
        200,
    ),
    case(("POST", "app.test", "/in/x"), Some("anna"), Some(7), 200),
    case(("GET", "app.test", "/admin/x"), None, Some(2), 302),
    case(("GET", "app.test", "/admin/x"), Some("anna"), Some(2), 403),
    case(("GET", "app.test", "/admin/x"), Some("rosa"), Some(2), 200),
    case(("GET", "app.test", "/here/x"), Some("anna"), Some(3), 200),
    case(("GET", "app.test", "/there/x"), Some("anna"), Some(4), 403),
    case(("GET", "app.test", "/there/x"), None, Some(4), 403),
    case(("GET", "app.test", "/read/x"), None, Some(5), 200),
    case(("DELETE", "app.test", "/read/x"), None, None, 403),
    case(("GET", "app.test", "/vault/x"), Some("anna"), Some(6), 302),
    case(("GET", "app.test", "/vault/x"), Some("rosa"), Some(6), 200),
    case(("GET", "app.test", "/elsewhere"), Some("rosa"), None, 403),
    case(("GET", "app.test", "/_auth/login"), None, None, 200),
    case(
        ("GET", "app.test", "/.well-known/change-password"),
        None,
        None,
        302,
    ),
    case(
        ("GET", "app.test", "/.well-known/acme-challenge/abc"),
        None,
        None,
        200,
    ),
    case(("GET", "app.test", "/in//x"), Some("anna"), None, 400),
    case(("GET", "app.test", "/public/../in/x"), None, None, 400),
    case(("TRACE", "app.test", "/public/x"), None, None, 405),
    case(("GET", "nowhere.test", "/public/x"), None, None, 421),
];

async fn stack() -> Stack {
    let site = Site::new()
        .host("app.test")
        .rule("path = \"/public/**\"\nallow = \"anyone\"")
        .rule("path = \"/admin/**\"\nallow = [\"role:admin\"]")
        .rule("path = \"/here/**\"\nfrom = [\"127.0.0.0/8\"]\nallow = \"signed_in\"")
        .rule("path = \"/there/**\"\nfrom = [\"10.0.0.0/8\"]\nallow = \"signed_in\"")
        .rule("path = \"/read/**\"\nmethods = [\"GET\"]\nallow = \"anyone\"")
        .rule("path = \"/vault/**\"\nallow = \"signed_in\"\nrequire = \"two_factor\"")
        .rule("path = \"/in/**\"\nallow = \"signed_in\"");
    // One more for signing in at the address that visitors use.
    let door = Site::new().host("127.0.0.1");
    Stack::new().site(site).site(door).start().await
}

async fn refused(stack: &Stack, reason: &str) -> f64 {
    let series = format!("doorward_requests_refused_total{{reason=\"{reason}\"}}");
    stack.gateway().metric(&series).await.unwrap_or(0.0)
}

/// What the upstream was sent must be what was announced, header by header, and nobody else's identity besides.
fn same_headers(told: &Value, stack: &Stack) {
    let seen = stack.echo.last();
    assert_eq!(told["method"], seen.method());
    assert_eq!(told["target"], seen.target());
    let headers = told["headers"].as_object().expect("headers");
    for (name, value) in headers {
        let seen = seen.one(name);
        assert!(seen.is_some(), "{name} was not sent");
        if name != "x-request-id" && name != "x-doorward-assertion" {
            assert_eq!(seen.as_deref(), value.as_str(), "{name}");
        }
    }
    for (name, _) in seen.headers() {
        let about_people = name.to_lowercase().starts_with("remote-");
        assert!(
            !about_people || headers.contains_key(&name),
            "{name} was sent"
        );
        assert!(
            !name.eq_ignore_ascii_case("cookie"),
            "our cookie went along"
        );
    }
}

#[tokio::test]
async fn it_says_what_the_gateway_does() {
    let stack = stack().await;
    let anna = stack.sign_in("anna").await;
    let mut rosa = stack.sign_in_admin("rosa").await;
    let _ = turn_on(&mut rosa).await;
    for case in &CASES {
        let url = format!("http://{}{}", case.host, case.target);
        let mut arguments = vec!["explain", case.method, &url, "--json"];
        arguments.extend(case.who.iter().flat_map(|who| ["--as", who]));
        let allowed = case.status == 200;
        let told = stack.command(&arguments).await.exits(i32::from(!allowed));
        let told: Value = serde_json::from_str(&told.out).expect("JSON");
        assert_eq!(told["rule"].as_u64(), case.rule, "{url}: {told:#}");
        assert_eq!(told["allowed"], allowed, "{url}: {told:#}");

        let reason = told["reason"].as_str().unwrap_or("none");
        let (before, seen) = (refused(&stack, reason).await, stack.echo.count());
        let mut visitor: Visitor = match case.who {
            Some("anna") => anna.on_host(case.host),
            Some(_) => rosa.on_host(case.host),
            None => stack.anon().on_host(case.host),
        };
        let answer = visitor.send(&Ask::new(case.method, case.target)).await;
        assert_eq!(answer.status, case.status, "{url}: {told:#}");
        if !allowed {
            assert_eq!(
                told["status"].as_u64(),
                Some(u64::from(answer.status)),
                "{url}"
            );
            assert_eq!(
                told["location"].as_str(),
                answer.header("location"),
                "{url}"
            );
            assert!(refused(&stack, reason).await > before, "{url}: {reason}");
        }
        let forwarded = allowed && told["asked_for"] != "portal";
        assert_eq!(stack.echo.count() > seen, forwarded, "{url}");
        if forwarded {
            same_headers(&told["upstream"], &stack);
        }
    }
}

/// The deciding rule is named with its line, and each of its conditions says its word.
#[tokio::test]
async fn it_says_why() {
    let stack = stack().await;
    stack.add_person("anna", &[]).await;
    let ask = ["explain", "GET", "http://app.test/there/x", "--as", "anna"];
    let told = stack.command(&ask).await.exits(1).out;
    assert!(told.contains("refused   403"), "{told}");
    let decides = told
        .lines()
        .find(|line| line.contains("decides"))
        .expect("a rule");
    assert!(
        decides.starts_with("rule 4") && decides.contains("doorward-0.toml:"),
        "{told}"
    );
    let from = told
        .lines()
        .find(|line| line.starts_with("  from"))
        .expect("from");
    assert!(from.contains("no") && from.contains("10.0.0.0/8"), "{told}");
    let allow = told
        .lines()
        .find(|line| line.starts_with("  allow"))
        .expect("allow");
    assert!(
        allow.contains("yes") && allow.contains("signed_in"),
        "{told}"
    );

    let from_there = [ask.as_slice(), &["--from", "10.1.2.3"]].concat();
    let told = stack.command(&from_there).await.exits(0).out;
    assert!(told.contains("x-forwarded-for: 10.1.2.3"), "{told}");
    assert!(told.contains("remote-user: anna"), "{told}");
    assert!(
        told.contains("removed") && told.contains("x-forwarded-*"),
        "{told}"
    );
    assert_eq!(stack.echo.count(), 0, "nothing was sent anywhere");
}

#[tokio::test]
async fn what_cannot_be_asked() {
    let stack = stack().await;
    for (url, who, code) in [
        ("/path", None, 2),
        ("ftp://app.test/", None, 2),
        ("http://app.test/", Some("nobody"), 1),
    ] {
        let mut arguments = vec!["explain", "GET", url];
        arguments.extend(who.iter().flat_map(|who| ["--as", who]));
        let ran = stack.command(&arguments).await.exits(code);
        assert!(ran.err.contains("error:"), "{}", ran.err);
    }
    stack.add_person("anna", &[]).await;
    let _ = stack.command(&["user", "disable", "anna"]).await.exits(0);
    let ask = ["explain", "GET", "http://app.test/in/x", "--as", "anna"];
    let ran = stack.command(&ask).await.exits(1);
    assert!(ran.err.contains("disabled"), "{}", ran.err);
}
