//! Requests that nobody honest sends, and what becomes of them.

use std::time::Duration;

use doorward_tests::{Ask, Site, Stack};

async fn honest(stack: &Stack) {
    assert_eq!(stack.anon().get("/public/honest").await.status, 200);
}

#[tokio::test]
async fn unknown_hosts() {
    let stack = Stack::new()
        .site(Site::usual().host("app.test"))
        .site(Site::usual().host("*.wild.test"))
        .start()
        .await;
    for host in [
        "other.test",
        "app.test.evil.test",
        "evil-app.test",
        "wild.test",
        "127.0.0.1",
        "",
    ] {
        for path in [
            "/public/x",
            "/secret",
            "/_auth/login",
            "/.well-known/change-password",
        ] {
            let status = stack.anon().on_host(host).page(path).await.status;
            assert!(
                status == 421 || (host.is_empty() && status == 400),
                "{host:?} {path}: {status}"
            );
        }
    }
    assert_eq!(stack.echo.count(), 0);
    for host in [
        "app.test",
        "APP.TEST",
        "app.test.",
        "app.test:8443",
        "a.wild.test",
    ] {
        assert_eq!(
            stack.anon().on_host(host).get("/public/x").await.status,
            200,
            "{host}"
        );
        assert_eq!(
            stack.anon().on_host(host).page("/secret").await.status,
            302,
            "{host}"
        );
    }
}

#[tokio::test]
async fn a18_methods() {
    let stack = Stack::new().start().await;
    let mut anna = stack.sign_in("anna").await;
    for method in ["TRACE", "get", "CONNECT", "Get", "BREW"] {
        let status = anna
            .try_send(&Ask::new(method, "/page"))
            .await
            .map_or(0, |answer| answer.status);
        assert!(matches!(status, 400 | 405 | 501), "{method}: {status}");
        let status = stack
            .anon()
            .try_send(&Ask::new(method, "/public/x"))
            .await
            .map_or(0, |answer| answer.status);
        assert!(matches!(status, 400 | 405 | 501), "{method}: {status}");
    }
    assert_eq!(stack.echo.count(), 0);
    for method in ["OPTIONS", "HEAD", "PROPFIND", "DELETE"] {
        let status = stack
            .anon()
            .send(&Ask::new(method, "/page").header("Accept", "text/html"))
            .await
            .status;
        assert!(
            matches!(status, 302 | 303 | 400 | 401 | 405 | 501),
            "{method}: {status}"
        );
    }
    let overridden = Ask::new("POST", "/deny/x").header("X-HTTP-Method-Override", "GET");
    assert_eq!(anna.send(&overridden).await.status, 403);
    assert_eq!(stack.echo.count(), 0);
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        assert_eq!(
            anna.send(&Ask::new(method, "/page")).await.status,
            200,
            "{method}"
        );
        assert_eq!(stack.echo.last().method(), method);
    }
}

#[tokio::test]
async fn a08_probes_are_strangers_too() {
    let stack = Stack::new().start().await;
    for agent in ["kube-probe/1.27", "GoogleHC/1.0", "ELB-HealthChecker/2.0"] {
        let ask = Ask::page("/secret")
            .header("User-Agent", agent)
            .header("X-Forwarded-Uri", "/public/x");
        assert_eq!(stack.anon().send(&ask).await.status, 302);
    }
    assert_eq!(stack.echo.count(), 0);
}

#[tokio::test]
async fn cookies_that_are_none() {
    let stack = Stack::new().start().await;
    let mut anna = stack.sign_in("anna").await;
    let ben = stack.sign_in("ben").await;
    let token = anna.token().to_owned();
    let broken = [
        "doorward=".to_owned(),
        "doorward=%%%".to_owned(),
        format!("doorward={token}x"),
        format!("doorward={}", &token[1..]),
        format!("doorward=\"{token}\""),
        format!("doorward={token}; doorward={token}"),
        format!("doorward={token}; doorward={}", ben.token()),
        format!("doorward=nonsense; doorward={token}"),
        format!("Doorward={token}"),
        format!("__Host-doorward={token}"),
        format!("doorward={}", "A".repeat(43)),
        format!("doorward={}", "A".repeat(6000)),
        "doorward=\u{fc}\u{fc}".to_owned(),
        "=; ;;; ,".to_owned(),
    ];
    for cookie in broken {
        let answer = stack
            .anon()
            .send(&Ask::page("/page").header("Cookie", &cookie))
            .await;
        assert_eq!(answer.status, 302, "{cookie}");
    }
    let two_lines = Ask::page("/page")
        .header("Cookie", &format!("doorward={token}"))
        .header("Cookie", &format!("doorward={}", ben.token()));
    assert_eq!(stack.anon().send(&two_lines).await.status, 302, "two lines");
    assert_eq!(stack.echo.count(), 0);
    let beside = Ask::page("/page").header("Cookie", &format!("a=b; doorward={token};c=d"));
    assert_eq!(stack.anon().send(&beside).await.status, 200);
    assert_eq!(anna.page("/page").await.status, 200);
}

/// What needs pingora's proxy is read twice, but not a head that no limit allows.
#[tokio::test]
async fn a_head_too_long_to_be_handed_over() {
    let stack = Stack::new().start().await;
    let mut anna = stack.sign_in("anna").await;
    for (length, expected) in [(16 * 1024, 200), (600 * 1024, 431)] {
        let ask = Ask::page("/public/x").header("Trailer", "X-Late");
        let ask = ask.header("X-Long", &"x".repeat(length));
        let answer = anna.try_send(&ask).await;
        assert_eq!(answer.expect("an answer").status, expected, "{length}");
    }
}

#[tokio::test]
async fn a32_too_much() {
    let stack = Stack::new()
        .site(Site::usual().line("body_limit = \"1KiB\""))
        .start()
        .await;
    let mut anna = stack.sign_in("anna").await;
    let long = "x".repeat(64 * 1024);
    let many = |count: usize| {
        (0..count).fold(Ask::page("/public/x"), |ask, index| {
            ask.header(&format!("X-{index}"), "y")
        })
    };
    let answer = anna
        .try_send(&Ask::page("/public/x").header("X-Long", &long))
        .await;
    assert_eq!(answer.expect("an answer").status, 431, "a long header");
    let status = anna.send(&many(101)).await.status;
    assert_eq!(status, 431, "many headers");
    let status = anna.send(&many(300)).await.status;
    assert!(
        matches!(status, 400 | 431),
        "more than pingora itself takes: {status}"
    );
    let target = format!("/public/{long}");
    let status = anna
        .try_send(&Ask::page(&target))
        .await
        .expect("an answer")
        .status;
    assert!(matches!(status, 414 | 431 | 400), "a long target: {status}");
    let large = Ask::new("POST", "/page").body("z".repeat(1025));
    assert_eq!(anna.send(&large).await.status, 413, "a large body");
    assert_eq!(stack.echo.count(), 0);
    assert_eq!(anna.send(&many(80)).await.status, 200, "some headers");
    assert_eq!(
        anna.send(&Ask::new("POST", "/page").body("z".repeat(1024)))
            .await
            .status,
        200,
        "one that fits"
    );
    let chunked = Ask::new("POST", "/page").header("Transfer-Encoding", "chunked");
    let chunk = |size: usize| format!("{size:x}\r\n{}\r\n0\r\n\r\n", "c".repeat(size));
    let status = anna
        .try_send(&chunked.clone().body(chunk(4096)))
        .await
        .map_or(0, |answer| answer.status);
    assert!(matches!(status, 0 | 413), "chunks are counted: {status}");
    assert_eq!(
        anna.send(&chunked.clone().body(chunk(512))).await.status,
        200
    );
    let form = anna
        .form("/_auth/login", &[("login", &long), ("password", &long)])
        .await;
    assert_eq!(form.status, 413, "the portal's own limit");
}

/// A long cookie is no session, and nothing that is too long is kept.
#[tokio::test]
async fn a32_long_cookies() {
    let stack = Stack::new().start().await;
    honest(&stack).await;
    let memory = stack.gateway().memory();
    for length in [5_000, 8 * 1024, 31 * 1024, 64 * 1024] {
        let cookie = format!("doorward={}", "A".repeat(length));
        for _ in 0..20 {
            let ask = Ask::page("/page").header("Cookie", &cookie);
            let status = stack.anon().send(&ask).await.status;
            assert!(matches!(status, 302 | 400 | 431), "{length}: {status}");
        }
    }
    let grown = stack.gateway().memory().saturating_sub(memory);
    assert!(grown < 16 * 1024, "{grown} KiB more");
    honest(&stack).await;
}

/// What asks to become a WebSocket has a body like any other until it is one.
#[tokio::test]
async fn too_much_before_an_upgrade() {
    let stack = Stack::new()
        .site(Site::usual().line("body_limit = \"1KiB\""))
        .start()
        .await;
    let mut anna = stack.sign_in("anna").await;
    for protocols in ["websocket", "h2c, websocket"] {
        let upgrade = |target: &str| {
            Ask::new("POST", target)
                .header("Connection", "Upgrade")
                .header("Upgrade", protocols)
        };
        let large = upgrade("/announced").body("z".repeat(1025));
        assert_eq!(anna.send(&large).await.status, 413, "{protocols}");
        // The head of the other one arrives, some time.
        let seen = stack.echo.seen();
        assert!(
            seen.iter().all(|seen| seen.target() != "/announced"),
            "{protocols}"
        );
        let chunks = format!("1000\r\n{}\r\n0\r\n\r\n", "c".repeat(4096));
        let large = upgrade("/chunked")
            .header("Transfer-Encoding", "chunked")
            .body(chunks);
        let status = anna
            .try_send(&large)
            .await
            .map_or(0, |answer| answer.status);
        assert!(matches!(status, 0 | 413), "{protocols}: {status}");
    }
    let mut socket = anna.websocket("/ws").await.expect("not refused");
    let large = "z".repeat(5000);
    socket.say(&large).await;
    assert_eq!(socket.hear(Duration::from_secs(10)).await, large);
}

/// What is sent again, because the upstream had closed its connection, is not counted again.
#[tokio::test]
async fn a_body_that_is_sent_again_is_one_body() {
    let stack = Stack::new()
        .site(Site::usual().line("body_limit = \"1KiB\""))
        .start()
        .await;
    // On a connection that was there already.
    let before = stack.echo.count();
    let honest = Ask::new("PUT", "/public/page").body("c");
    assert_eq!(stack.anon().send(&honest).await.status, 200);
    assert_eq!(stack.echo.count(), before + 1);
    let chunks = format!("2bc\r\n{}\r\n0\r\n\r\n", "c".repeat(700));
    let put = Ask::new("PUT", "/public/break")
        .header("Transfer-Encoding", "chunked")
        .body(chunks);
    let before = stack.echo.count();
    assert_eq!(stack.anon().send(&put).await.status, 502);
    assert_eq!(stack.echo.count(), before + 2, "it was not sent again");
}

/// Two people on one connection stay two people.
#[tokio::test]
async fn a_connection_has_no_memory() {
    let stack = Stack::new().start().await;
    let anna = stack.sign_in("anna").await;
    let mut wire = anna.wire().await;
    let answer = wire
        .exchange(&anna.bytes(&Ask::page("/page")))
        .await
        .expect("an answer");
    assert_eq!(answer.status, 200);
    let answer = wire
        .exchange(&stack.anon().bytes(&Ask::page("/page")))
        .await
        .expect("an answer");
    assert_eq!(answer.status, 302);
    let answer = wire
        .exchange(&anna.bytes(&Ask::page("/page")))
        .await
        .expect("an answer");
    assert_eq!(answer.status, 200);
}
