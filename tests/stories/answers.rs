//! What somebody gets who is not signed in, and somebody who is but may not.

use doorward_tests::{Ask, Site, Stack};

fn get() -> Ask {
    Ask::get("/page?a=1&b=2")
}

#[tokio::test]
async fn pages_are_sent_to_sign_in() {
    let stack = Stack::new().start().await;
    let login = "/_auth/login?to=%2Fpage%3Fa%3D1%26b%3D2";
    let asks = [
        ("a browser", Ask::page("/page?a=1&b=2")),
        (
            "an old browser",
            get().header("Accept", "text/html,*/*;q=0.8"),
        ),
        ("no Accept at all", get()),
        (
            "Basic is no credential",
            get().header("Authorization", "Basic YTpi"),
        ),
        (
            "the head of a page",
            Ask::new("HEAD", "/page?a=1&b=2").header("Accept", "text/html"),
        ),
        (
            "navigate beats Accept",
            get()
                .header("Sec-Fetch-Mode", "navigate")
                .header("Accept", "*/*"),
        ),
    ];
    for (what, ask) in asks {
        let answer = stack.anon().send(&ask).await;
        assert_eq!((answer.status, answer.location()), (302, login), "{what}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}");
    }
    assert_eq!(stack.echo.count(), 0);
}

#[tokio::test]
async fn scripts_are_told() {
    let stack = Stack::new().start().await;
    let asks = [
        ("fetch", Ask::fetch("/page")),
        (
            "an image",
            Ask::get("/page")
                .header("Sec-Fetch-Mode", "no-cors")
                .header("Accept", "image/*"),
        ),
        (
            "an old script",
            Ask::get("/page")
                .header("X-Requested-With", "XMLHttpRequest")
                .header("Accept", "text/html"),
        ),
        (
            "an API client",
            Ask::get("/page").header("Accept", "application/json"),
        ),
        ("curl", Ask::get("/page").header("Accept", "*/*")),
    ];
    for (what, ask) in asks {
        let answer = stack.anon().send(&ask).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (401, Some("application/problem+json")),
            "{what}"
        );
        assert!(
            answer.text().contains("\"login_url\""),
            "{what}: {}",
            answer.text()
        );
        assert!(
            answer.text().contains("/_auth/login"),
            "{what}: {}",
            answer.text()
        );
    }
    assert_eq!(stack.echo.count(), 0);
}

#[tokio::test]
async fn a_bad_bearer_is_challenged_but_not_on_open_pages() {
    let stack = Stack::new().start().await;
    let bearer = |path: &str| Ask::page(path).header("Authorization", "Bearer abc");
    let answer = stack.anon().send(&bearer("/page")).await;
    assert_eq!(answer.status, 401);
    let challenge = answer.header("www-authenticate").unwrap_or_default();
    assert!(challenge.starts_with("Bearer"), "{challenge:?}");
    assert_eq!(stack.echo.count(), 0);
    assert_eq!(stack.anon().send(&bearer("/public/page")).await.status, 200);
    assert_eq!(
        stack.echo.last().one("Authorization").as_deref(),
        Some("Bearer abc")
    );
}

#[tokio::test]
async fn a_refused_form_goes_to_sign_in_as_a_page() {
    let stack = Stack::new().start().await;
    let mut stranger = stack.anon();
    let answer = stranger.form("/page", &[("a", "b")]).await;
    assert_eq!(
        (answer.status, answer.location()),
        (303, "/_auth/login?to=%2F")
    );
    let host = stack.gateway().gate().to_string();
    let from = |referer: String| Ask::form("/page", &[("a", "b")]).header("Referer", &referer);
    let answer = stranger.send(&from(format!("http://{host}/list"))).await;
    assert_eq!(
        (answer.status, answer.location()),
        (303, "/_auth/login?to=%2Flist")
    );
    let answer = stranger.send(&from("http://evil.test/list".into())).await;
    assert_eq!(
        (answer.status, answer.location()),
        (303, "/_auth/login?to=%2F")
    );
    assert_eq!(stack.echo.count(), 0);
}

#[tokio::test]
async fn a_site_may_always_answer_one_way() {
    let stack = Stack::new()
        .site(
            Site::new()
                .host("page.test")
                .line("on_unauthenticated = \"redirect\""),
        )
        .site(
            Site::new()
                .host("api.test")
                .line("on_unauthenticated = \"401\""),
        )
        .start()
        .await;
    assert_eq!(
        stack.anon().on_host("page.test").fetch("/x").await.status,
        302
    );
    assert_eq!(
        stack.anon().on_host("api.test").page("/x").await.status,
        401
    );
    assert_eq!(stack.echo.count(), 0);
}

#[tokio::test]
async fn signed_in_but_not_allowed() {
    let stack = Stack::new().start().await;
    let mut anna = stack.sign_in("anna").await;
    let mut ada = stack.sign_in_admin("ada").await;
    for path in ["/admin/users", "/deny/this"] {
        let answer = anna.page(path).await;
        assert_eq!(answer.status, 403, "{path}");
        assert!(answer.text().contains("anna"), "says who you are");
        assert!(
            answer
                .header("content-type")
                .is_some_and(|kind| kind.starts_with("text/html"))
        );
    }
    assert_eq!(ada.page("/deny/this").await.status, 403, "nobody is nobody");
    assert_eq!(stack.echo.count(), 0);
    assert_eq!(ada.page("/admin/users").await.status, 200);
    assert_eq!(stack.echo.last().one("Remote-User").as_deref(), Some("ada"));
}

/// With rules, what no rule names is refused.
#[tokio::test]
async fn no_rule_no_entry() {
    let rules = Site::new().rule("path = \"/open/*\"\nmethods = [\"GET\"]\nallow = \"anyone\"");
    let stack = Stack::new().site(rules).start().await;
    let mut anna = stack.sign_in("anna").await;
    for path in ["/", "/open", "/open/a/b", "/opener", "/OPEN/a"] {
        assert_eq!(anna.page(path).await.status, 403, "{path}");
    }
    let post = anna.form("/open/a", &[]).await;
    assert_eq!(post.status, 403, "another method");
    assert_eq!(stack.echo.count(), 0);
    assert_eq!(anna.page("/open/a").await.status, 200);
    assert_eq!(stack.anon().page("/open/a?x=/deny").await.status, 200);
}

/// The first rule that matches decides, even when it refuses and a later one would not.
#[tokio::test]
async fn the_first_rule_decides() {
    let site = Site::new()
        .rule("path = \"/far/**\"\nfrom = [\"192.0.2.0/24\"]\nallow = \"anyone\"")
        .rule("path = \"/near/**\"\nfrom = [\"127.0.0.0/8\"]\nallow = \"anyone\"")
        .rule("path = \"/hers/**\"\nallow = [\"user:anna\"]")
        .rule("allow = \"anyone\"");
    let stack = Stack::new().site(site).start().await;
    let mut anna = stack.sign_in("anna").await;
    let mut ben = stack.sign_in("ben").await;
    assert_ne!(stack.anon().page("/far/x").await.status, 200);
    assert_eq!(ben.page("/hers/x").await.status, 403);
    assert_eq!(stack.echo.count(), 0);
    assert_eq!(stack.anon().page("/near/x").await.status, 200);
    assert_eq!(anna.page("/hers/x").await.status, 200);
    assert_eq!(stack.anon().page("/other").await.status, 200);
}

/// Answers to signed-in people are not kept by anybody, unless the site says how.
#[tokio::test]
async fn caching() {
    let stack = Stack::new().start().await;
    let mut anna = stack.sign_in("anna").await;
    assert_eq!(
        anna.page("/page").await.header("cache-control"),
        Some("private, no-store")
    );
    assert_eq!(
        anna.page("/cached").await.header("cache-control"),
        Some("public, max-age=60")
    );
    assert_eq!(
        stack
            .anon()
            .page("/public/page")
            .await
            .header("cache-control"),
        None
    );
}

/// A password manager finds the account page.
#[tokio::test]
async fn well_known_change_password() {
    let stack = Stack::new().start().await;
    let answer = stack.anon().page("/.well-known/change-password").await;
    assert_eq!((answer.status, answer.location()), (302, "/_auth/account"));
    let acme = stack.anon().get("/.well-known/acme-challenge/abc").await;
    assert_eq!(
        (acme.status, stack.echo.last().target()),
        (200, "/.well-known/acme-challenge/abc".into())
    );
    let before = stack.echo.count();
    for ask in [
        Ask::page("/.well-known/acme-challenge/abc?page=/secret"),
        Ask::page("/.well-known/acme-challenge/abc/secret"),
        Ask::page("/.well-known/acme-challenge/"),
        Ask::new("POST", "/.well-known/acme-challenge/abc").body("x"),
        Ask::page("/.well-known/acme-challenge/ws").header("Upgrade", "websocket"),
    ] {
        let status = stack.anon().send(&ask).await.status;
        assert!(matches!(status, 302 | 303 | 401), "{ask:?}: {status}");
    }
    assert_eq!(stack.echo.count(), before);
}
