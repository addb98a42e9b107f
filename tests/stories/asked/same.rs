//! One table of requests, judged when they come here and when another proxy asks about them.

use doorward_tests::{Answer, Ask, PASSWORD, Stack};

use super::{DIALECTS, Dialect, Row, plan, signed_in};

#[expect(clippy::too_many_lines, reason = "a table")]
fn table(token: &str) -> Vec<Row> {
    let get = |target| Row::new("GET", "app.test", target);
    let mut rows: Vec<Row> = [
        "/",
        "/page",
        "/page?q=/public/x",
        "/public",
        "/public/x",
        "/public/x?a=b",
        "/deny/x",
        "/admin",
        "/admin/x",
        "/%61dmin/x",
        "/ADMIN/x",
        "/two/x",
        "/read/x",
        "/office/x",
        "/caf%C3%A9",
        "/a%20b",
        "/a%2fb",
        "/a%252fb",
        "/public/../secret",
        "/public/./secret",
        "/public/%2e%2e/secret",
        "/public/%2E./secret",
        "/public/..%2fsecret",
        "/public%2f../secret",
        "//secret",
        "/public//x",
        "/public/..;/secret",
        "/public;/x",
        "/page;a=/public/",
        "/public\\..\\secret",
        "/public/%5c..%5csecret",
        "/public/%00",
        "/public/%",
        "/public/%zz",
        "/public/caf\u{e9}",
        "/public/%c0%ae%c0%ae/secret",
        "/public/x%20HTTP/1.1",
        "/.well-known/change-password",
        "/.well-known/acme-challenge/abc",
        "/.well-known/acme-challenge/abc?x",
        "/.well-known/other",
    ]
    .into_iter()
    .flat_map(|target| [get(target), get(target).page()])
    .collect();
    for target in [
        "/public//admin",
        "/public/a%2Fb",
        "/public;x/../y",
        "/public/..%2fadmin/x",
        "//admin/x",
        "/page;x",
    ] {
        rows.push(Row::new("GET", "a.loose.test", target).page());
    }
    for method in [
        "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND", "TRACE", "get", "FOO",
    ] {
        for target in ["/public/x", "/read/x", "/page", "/admin/x"] {
            rows.push(Row::new(method, "app.test", target).page());
            rows.push(Row::new(method, "app.test", target));
        }
    }
    for host in [
        "APP.test",
        "app.test.",
        "app.test:8080",
        "other.test",
        "app..test",
        "user@app.test",
        "b.a.loose.test",
    ] {
        rows.push(Row::new("GET", host, "/page").page());
        rows.push(Row::new("GET", host, "/public/x"));
    }
    for host in ["programs.test", "pages.test"] {
        rows.push(Row::new("GET", host, "/page").page());
        rows.push(Row::new("GET", host, "/page").header("Accept", "*/*"));
    }
    let bearer = format!("Bearer {token}");
    for (name, value) in [
        ("Sec-Fetch-Mode", "cors"),
        ("X-Requested-With", "XMLHttpRequest"),
        ("Accept", "application/json"),
        ("Accept", "text/html;q=0.5, */*"),
        ("Authorization", bearer.as_str()),
        ("Authorization", "Bearer no.good.token"),
        ("Authorization", "Basic YTpi"),
        ("X-Forwarded-For", "10.1.2.3"),
        ("X-Forwarded-For", "10.1.2.3, 192.0.2.7"),
        ("Referer", "http://app.test/form"),
        ("Cookie", "doorward=nonsense"),
        ("Cookie", "doorward=a; doorward=b"),
    ] {
        for target in ["/page", "/office/x", "/admin/x", "/public/x"] {
            rows.push(get(target).header(name, value));
            rows.push(
                Row::new("POST", "app.test", target)
                    .page()
                    .header(name, value),
            );
        }
    }
    for origin in ["http://app.test", "https://evil.test"] {
        rows.push(
            get("/page")
                .header("Connection", "Upgrade")
                .header("Upgrade", "websocket")
                .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
                .header("Origin", origin),
        );
    }
    rows
}

/// What the proxy does with a request whose question was answered so, as its documentation has it.
fn expected(dialect: Dialect, itself: &Answer, passed: bool) -> u16 {
    if passed {
        return 200;
    }
    match (dialect, itself.status) {
        (Dialect::AuthRequest, 300..=399 | 401) => 401,
        (Dialect::AuthRequest, 400..=499 | 501) => 403,
        (_, status) => status,
    }
}

#[tokio::test]
async fn the_decision_is_that_of_the_request_itself() {
    let stack = plan().start().await;
    let token = token(&stack).await;
    let anna = signed_in(&stack, "anna", &[]).await;
    let root = signed_in(&stack, "root", &["--role", "admin"]).await;
    let anon = stack.anon();
    let with_token = Row::new("GET", "app.test", "/admin/x");
    let with_token = with_token.header("Authorization", &format!("Bearer {token}"));
    let named = anon
        .clone()
        .send(&with_token.question(Dialect::ForwardAuth))
        .await;
    assert_eq!(
        named.header("remote-user"),
        Some("program"),
        "a token is good, too"
    );
    let (mut passed, mut refused) = (0, 0);
    for row in table(&token) {
        for who in [&anon, &anna, &root] {
            let mut who = who.clone();
            let before = stack.echo.count();
            let itself = who.send(&row.itself()).await;
            let through = stack.echo.count() > before;
            *(if through { &mut passed } else { &mut refused }) += 1;
            for dialect in DIALECTS {
                let before = stack.echo.count();
                let answer = who.send(&row.question(dialect)).await;
                assert_eq!(stack.echo.count(), before, "a question goes nowhere");
                let said = format!("{dialect:?} about {row:?}: {answer:?}\nitself: {itself:?}");
                assert_eq!(answer.status, expected(dialect, &itself, through), "{said}");
                if !through {
                    same_words(dialect, &row, &answer, &itself, &said);
                }
            }
        }
    }
    assert!(
        passed > 200 && refused > 300,
        "{passed} passed, {refused} refused"
    );
}

fn same_words(dialect: Dialect, row: &Row, answer: &Answer, itself: &Answer, said: &str) {
    if let Some(location) = itself.header("location") {
        let absolute = if location.starts_with('/') {
            let host = row.host.to_ascii_lowercase();
            format!("http://{}{location}", host.trim_end_matches('.'))
        } else {
            location.to_owned()
        };
        assert_eq!(answer.location(), absolute, "{said}");
    }
    if dialect == Dialect::AuthRequest {
        let status = itself.status.to_string();
        assert_eq!(answer.header("x-doorward-status"), Some(&*status), "{said}");
        let sent = answer.header("location").is_some();
        assert_eq!(sent, answer.status == 401, "{said}");
    }
    let kept = answer.header("cache-control").unwrap_or_default();
    assert!(kept.contains("no-store"), "{said}");
    for name in ["remote-user", "x-auth-request-user"] {
        assert_eq!(answer.header(name), None, "{said}");
    }
}

/// A bearer token for `http://app.test`.
async fn token(stack: &Stack) -> String {
    stack.add_person("program", &["--role", "admin"]).await;
    let mut visitor = stack.anon().on_host("app.test");
    let body = format!("{{\"login\":\"program\",\"password\":\"{PASSWORD}\"}}");
    let ask = Ask::new("POST", "/_auth/api/login")
        .header("Content-Type", "application/json")
        .body(body);
    let answer = visitor.send(&ask).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
    answer["access_token"].as_str().expect("a token").to_owned()
}
