//! Requests that nobody honest sends, and what becomes of them.

use std::time::Duration;

use doorward_tests::{Ask, Site, Stack, Wire};

/// Sends bytes on a connection of their own; the statuses of what comes back until it is quiet or closed.
async fn raw(stack: &Stack, bytes: &[u8]) -> Vec<u16> {
    let mut wire = Wire::to(stack.gateway().gate()).await;
    wire.send(bytes).await;
    let mut statuses = Vec::new();
    // The first answer may take a while; a second one, smuggled in, would follow at once.
    let mut patience = Duration::from_secs(10);
    while let Ok(Some(answer)) = tokio::time::timeout(patience, wire.answer_to("GET")).await {
        statuses.push(answer.status);
        patience = Duration::from_millis(300);
    }
    statuses
}

async fn honest(stack: &Stack) {
    assert_eq!(stack.anon().get("/public/honest").await.status, 200);
}

/// Nothing but public pages may have been reached.
fn nothing_secret(stack: &Stack, what: &str) {
    for seen in stack.echo.seen() {
        assert!(
            seen.target().starts_with("/public/"),
            "{what}: {}",
            seen.text()
        );
    }
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
async fn methods() {
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
async fn probes_are_strangers_too() {
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

#[tokio::test]
async fn too_much() {
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
    honest(&stack).await;
    let chunks = format!("2bc\r\n{}\r\n0\r\n\r\n", "c".repeat(700));
    let put = Ask::new("PUT", "/public/break")
        .header("Transfer-Encoding", "chunked")
        .body(chunks);
    let before = stack.echo.count();
    assert_eq!(stack.anon().send(&put).await.status, 502);
    assert_eq!(stack.echo.count(), before + 2, "it was not sent again");
}

/// Requests that hide `GET /secret` in or behind another.
fn smuggled() -> [(&'static str, String); 9] {
    let second = "GET /secret HTTP/1.1\r\nHost: x\r\n\r\n";
    let length = second.len();
    [
        (
            "CL.TE",
            format!(
                "POST /public/a HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{second}"
            ),
        ),
        (
            "TE.CL",
            format!(
                "POST /public/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: {length}\r\n\r\n0\r\n\r\n{second}"
            ),
        ),
        (
            "identity, chunked",
            format!(
                "POST /public/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n{second}"
            ),
        ),
        (
            "chunked, identity",
            format!(
                "POST /public/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{second}"
            ),
        ),
        (
            "odd chunked",
            format!(
                "POST /public/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n{second}"
            ),
        ),
        (
            "TE in 1.0",
            format!(
                "POST /public/a HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{second}"
            ),
        ),
        (
            "an upgrade",
            format!(
                "GET /public/a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n{second}"
            ),
        ),
        (
            "a refused body",
            format!(
                "POST /secret HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{second}{second}",
                2 * length
            ),
        ),
        (
            "a refused chunk",
            format!(
                "POST /secret HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{second}\r\n0\r\n\r\n"
            ),
        ),
    ]
}

/// One framing, or none: nothing is ever smuggled past the gate.
#[tokio::test]
async fn smuggling() {
    let stack = Stack::new().start().await;
    for (what, bytes) in smuggled() {
        let before = stack.echo.count();
        let statuses = raw(&stack, bytes.as_bytes()).await;
        nothing_secret(&stack, what);
        assert!(stack.echo.count() <= before + 1, "{what}: {statuses:?}");
        assert!(!statuses.is_empty(), "{what}: no answer at all");
        assert!(
            statuses[1..].iter().all(|status| *status != 200),
            "{what}: {statuses:?}"
        );
        honest(&stack).await;
    }
}

#[tokio::test]
async fn malformed() {
    let stack = Stack::new().start().await;
    let head = "GET /public/a HTTP/1.1\r\nHost: x\r\n";
    let attacks = [
        ("two lengths", "POST /public/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!".to_owned()),
        ("a signed length", "POST /public/a HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nhello".to_owned()),
        ("a list of lengths", "POST /public/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 6\r\n\r\nhello!".to_owned()),
        ("the same length twice", "POST /public/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello".to_owned()),
        ("a list of the same length", "POST /public/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 5\r\n\r\nhello".to_owned()),
        ("a hexadecimal length", "POST /public/a HTTP/1.1\r\nHost: x\r\nContent-Length: 0x5\r\n\r\nhello".to_owned()),
        ("a negative length", "POST /public/a HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n".to_owned()),
        ("a space before the colon", format!("{head}X : y\r\n\r\n")),
        ("a folded line", format!("{head}X: y\r\n folded\r\n\r\n")),
        ("bare line feeds", "GET /public/a HTTP/1.1\nHost: x\n\n".to_owned()),
        ("a NUL", format!("{head}X: a\0b\r\n\r\n")),
        ("two hosts", format!("{head}Host: y\r\n\r\n")),
        ("no host", "GET /public/a HTTP/1.1\r\n\r\n".to_owned()),
        ("two targets", "GET /public/a HTTP/1.1 /b HTTP/1.1\r\nHost: x\r\n\r\n".to_owned()),
        ("HTTP/2 in the clear", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
        ("an unknown version", "GET /public/a HTTP/3.7\r\nHost: x\r\n\r\n".to_owned()),
        ("no HTTP", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n".to_owned()),
    ];
    for (what, bytes) in attacks {
        let mut wire = Wire::to(stack.gateway().gate()).await;
        wire.send(bytes.as_bytes()).await;
        let statuses: Vec<u16> = wire
            .answer_to("GET")
            .await
            .iter()
            .map(|answer| answer.status)
            .collect();
        // Whoever read the request otherwise would see the next one begin elsewhere.
        wire.closed(Duration::from_secs(5)).await;
        let fine = statuses
            .iter()
            .all(|status| matches!(status, 400 | 405 | 421 | 505));
        assert!(fine && statuses.len() < 2, "{what}: {statuses:?}");
        assert_eq!(
            stack.echo.count(),
            0,
            "{what}: {}",
            stack.echo.last().text()
        );
    }
    honest(&stack).await;
}

/// `Upgrade: h2c` starts nothing, and a trailer is no header.
#[tokio::test]
async fn upgrades_and_trailers() {
    let stack = Stack::new().start().await;
    let h2c = Ask::get("/public/a")
        .header("Connection", "Upgrade, HTTP2-Settings")
        .header("Upgrade", "h2c")
        .header("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA");
    let answer = stack.anon().send(&h2c).await;
    assert!(matches!(answer.status, 200 | 400), "{}", answer.status);
    let mut anna = stack.sign_in("anna").await;
    let trailer = Ask::new("POST", "/page")
        .header("Transfer-Encoding", "chunked")
        .header("Trailer", "Remote-User")
        .body("1\r\na\r\n0\r\nRemote-User: root\r\n\r\n");
    assert_eq!(anna.send(&trailer).await.status, 200);
    let seen = stack.echo.last();
    assert!(!seen.text().contains("root"), "{}", seen.text());
    assert_eq!(seen.one("Remote-User").as_deref(), Some("anna"));
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
