//! What the upstream is told about where a request came from, whom the gateway believes, and whose cookie is whose.

use doorward_tests::{Ask, Site, Stack};

#[tokio::test]
async fn a06_where_it_came_from() {
    let stack = Stack::new().start().await;
    let mut anna = stack.sign_in("anna").await;
    anna.keep("k", "v");
    let forged = [
        ("X-Forwarded-For", "10.0.0.1"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "evil.test"),
        ("X-Forwarded-Port", "1"),
        ("X-Forwarded-Uri", "/public/evil"),
        ("X-Forwarded-Method", "EVIL"),
        ("X-Forwarded-Prefix", "/evil"),
        ("X-Real-IP", "10.0.0.1"),
        ("Forwarded", "for=10.0.0.1;host=evil.test"),
        ("X-Original-URL", "/public/evil"),
        ("X-Original-Method", "EVIL"),
        ("X-Rewrite-URL", "/public/evil"),
        ("True-Client-IP", "10.0.0.1"),
    ];
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut ask = Ask::get("/page")
        .header("traceparent", trace)
        .header("X-Own", "stays");
    for (name, value) in forged {
        ask = ask.header(name, value);
    }
    assert_eq!(anna.send(&ask).await.status, 200);
    let seen = stack.echo.last();
    let text = seen.text();
    assert!(
        !text.contains("evil") && !text.contains("10.0.0.1") && !text.contains("EVIL"),
        "{text}"
    );
    let gate = stack.gateway().gate();
    let expected = [
        ("X-Forwarded-For", "127.0.0.1".to_owned()),
        ("X-Real-IP", "127.0.0.1".to_owned()),
        ("X-Forwarded-Proto", "http".to_owned()),
        ("X-Forwarded-Host", gate.to_string()),
        ("X-Forwarded-Port", gate.port().to_string()),
        ("Host", gate.to_string()),
        ("traceparent", trace.to_owned()),
        ("X-Own", "stays".to_owned()),
        ("Cookie", "k=v".to_owned()),
    ];
    for (name, value) in expected {
        assert_eq!(seen.one(name), Some(value), "{name} in\n{text}");
    }
    assert!(seen.one("X-Request-Id").is_some_and(|id| !id.is_empty()));
    assert!(
        !text.contains(anna.token()),
        "our cookie never reaches the site"
    );
}

/// `Authorization` is the site's own business when a cookie decides.
#[tokio::test]
async fn authorization_passes() {
    let stack = Stack::new().start().await;
    let mut anna = stack.sign_in("anna").await;
    assert_eq!(
        anna.send(&Ask::get("/page").header("Authorization", "Basic YTpi"))
            .await
            .status,
        200
    );
    assert_eq!(
        stack.echo.last().one("Authorization").as_deref(),
        Some("Basic YTpi")
    );
}

/// Only proxies that were named are believed.
#[tokio::test]
async fn a07_a_trusted_proxy() {
    let near = "path = \"/**\"\nfrom = [\"10.0.0.0/8\"]\nallow = \"anyone\"";
    let ask = Ask::page("/page")
        .header("X-Forwarded-For", "10.1.2.3")
        .header("X-Forwarded-Proto", "https");

    let doubtful = Stack::new().site(Site::new().rule(near)).start().await;
    assert_ne!(doubtful.anon().send(&ask).await.status, 200);
    assert_eq!(doubtful.echo.count(), 0);

    let plan = Stack::new()
        .server("trusted_proxies = [\"127.0.0.0/8\"]")
        .site(Site::new().rule(near));
    let trusting = plan.start().await;
    assert_eq!(trusting.anon().send(&ask).await.status, 200);
    assert_eq!(
        trusting.echo.last().one("X-Forwarded-Proto").as_deref(),
        Some("https")
    );
    assert_eq!(
        trusting.echo.last().one("X-Real-IP").as_deref(),
        Some("10.1.2.3")
    );
    let chain = Ask::page("/page").header("X-Forwarded-For", "10.1.2.3, 192.0.2.7");
    assert_ne!(
        trusting.anon().send(&chain).await.status,
        200,
        "the right-most hop that is not ours counts"
    );
}

/// Behind a proxy that speaks https the cookie is the strict one, and only that one is read.
#[tokio::test]
async fn the_cookie_behind_https() {
    let stack = Stack::new()
        .server("trusted_proxies = [\"127.0.0.0/8\"]")
        .start()
        .await;
    stack.add_person("anna", &[]).await;
    let secure = |ask: Ask| ask.header("X-Forwarded-Proto", "https");
    let fields = [("login", "anna"), ("password", doorward_tests::PASSWORD)];
    let mut anna = stack.anon();
    let answer = anna.send(&secure(Ask::form("/_auth/login", &fields))).await;
    assert_eq!(answer.status, 303);
    let cookie = answer.header("set-cookie").expect("a cookie").to_owned();
    assert!(
        cookie.starts_with("__Host-doorward=")
            && cookie.contains("Secure")
            && cookie.contains("Path=/"),
        "{cookie}"
    );
    assert_eq!(anna.send(&secure(Ask::page("/page"))).await.status, 200);
    assert!(!stack.echo.last().text().contains("__Host-doorward"));
    assert_eq!(
        anna.send(&Ask::page("/page")).await.status,
        302,
        "not on plain http"
    );
    let mut plain = stack.again("anna").await;
    assert_eq!(plain.page("/page").await.status, 200);
    assert_eq!(
        plain.send(&secure(Ask::page("/page"))).await.status,
        302,
        "and not the other way round"
    );
}

/// A site cannot give somebody our cookie.
#[tokio::test]
async fn a_site_may_not_set_our_cookie() {
    let stack = Stack::new().start().await;
    let answer = stack.anon().get("/public/cookie").await;
    assert_eq!(answer.all("set-cookie"), ["theirs=1; Path=/"]);
}
