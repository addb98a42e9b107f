//! HTTP/2: what holds for one request on a connection holds for each of many.

use std::time::{Duration, Instant};

use doorward_tests::frames::{END_HEADERS, END_STREAM, Frame, Frames, fields, frame, kind};
use doorward_tests::{Ask, PASSWORD, Plan, Site, Speech, Stack, Visitor, until};
use futures_util::future::join_all;

const SECOND: Duration = Duration::from_secs(1);
const HOST: &str = "app.test";

fn plan() -> Plan {
    Stack::new().tls(&[HOST, "admin.test"])
}

async fn signed_in(stack: &Stack, name: &str) -> Visitor {
    stack.add_person(name, &[]).await;
    let mut visitor = stack.secure(Speech::Http2, HOST);
    visitor.sign_in(name, PASSWORD).await;
    visitor
}

/// The cookie of a visitor, as a field of its own.
fn cookie(visitor: &Visitor) -> (String, String) {
    let value = format!("__Host-doorward={}", visitor.token());
    ("cookie".to_owned(), value)
}

/// Many at once on one connection: each is judged by itself, and gets its own answer.
#[tokio::test]
async fn each_request_is_judged_by_itself() {
    let stack = plan().start().await;
    let anna = signed_in(&stack, "anna").await;
    let connection = anna.together().await.expect("HTTP/2");
    let asks = (0..90).map(async |index| {
        let target = format!("/page/{index}");
        let mut ask = Ask::page(&target);
        if index % 2 == 0 {
            ask = anna.complete(&ask);
        }
        let answer = connection.send(HOST, &ask).await.expect("an answer");
        if index % 2 == 0 {
            assert_eq!(answer.status, 200);
            assert!(
                answer
                    .text()
                    .starts_with(&format!("GET {target} HTTP/1.1\r\n"))
            );
            assert!(
                answer
                    .text()
                    .to_lowercase()
                    .contains("remote-user: anna\r\n")
            );
        } else {
            assert_eq!(answer.status, 302, "{target}");
        }
    });
    join_all(asks).await;
    assert_eq!(stack.echo.count(), 45);
    until("a line for each", 5 * SECOND, async || {
        let lines = stack.gateway().log().matches("\"path\":\"/page/").count();
        assert!(lines <= 90, "one line for each");
        (lines == 90).then_some(())
    })
    .await;
    let log = stack.gateway().log();
    assert!(log.contains("\"host\":\"app.test"), "{log}");
}

/// Browsers send each cookie in a field of its own.
#[tokio::test]
async fn cookies_in_crumbs() {
    let stack = plan().start().await;
    let anna = signed_in(&stack, "anna").await;
    let connection = anna.together().await.expect("HTTP/2");
    let (name, value) = cookie(&anna);
    let ask = Ask::page("/page")
        .header("cookie", "a=1")
        .header(&name, &value)
        .header("cookie", "b=2; c=3");
    assert_eq!(
        connection.send(HOST, &ask).await.expect("served").status,
        200
    );
    assert_eq!(stack.echo.last().all("cookie"), ["a=1; b=2; c=3"]);
    // More of them than there may be headers.
    let mut many = Ask::page("/page").header(&name, &value);
    for index in 0..150 {
        many = many.header("cookie", &format!("c{index}=x"));
    }
    assert_eq!(
        connection.send(HOST, &many).await.expect("served").status,
        200
    );
    let twice = ask.header(&name, &value);
    let answer = connection.send(HOST, &twice).await.expect("answered");
    assert_eq!(answer.status, 302, "two of one name are no session");
}

/// Only what belongs to the ended session ends; the connection, and whoever else is on it, goes on.
#[tokio::test]
async fn an_ended_session_ends_its_own_requests() {
    let stack = plan().start().await;
    let mut anna = signed_in(&stack, "anna").await;
    let berta = signed_in(&stack, "berta").await;
    let connection = berta.together().await.expect("HTTP/2");
    let events = Ask::get("/events").header("Accept", "text/event-stream");
    let mut hers = connection
        .begin(HOST, &anna.complete(&events))
        .await
        .expect("open");
    let mut other = connection
        .begin(HOST, &berta.complete(&events))
        .await
        .expect("open");
    assert_eq!((hers.answer.status, other.answer.status), (200, 200));
    until("both listen", 5 * SECOND, async || {
        (stack.echo.tell("one") == 2).then_some(())
    })
    .await;
    for begun in [&mut hers, &mut other] {
        let news = begun.piece().await.expect("open").expect("an event");
        assert!(news.ends_with(b"data: one\n\n"));
    }
    anna.sign_out().await;
    assert!(hers.reset(5 * SECOND).await.is_reset());
    until("one listens", 5 * SECOND, async || {
        (stack.echo.tell("two") == 1).then_some(())
    })
    .await;
    let news = other.piece().await.expect("open").expect("an event");
    assert!(news.starts_with(b"data: two\n\n"));
    let page = connection
        .send(HOST, &berta.complete(&Ask::page("/page")))
        .await;
    assert_eq!(page.expect("served").status, 200);
}

/// Whoever stops says so first: what is open comes to its end, and nothing that was asked is lost.
#[tokio::test]
async fn stopping() {
    let mut stack = plan().start().await;
    let anna = stack.secure(Speech::Http2, HOST);
    let connection = anna.together().await.expect("HTTP/2");
    let held = connection.clone();
    let held = tokio::spawn(async move { held.send(HOST, &Ask::get("/public/hold")).await });
    until("the upstream is asked", 5 * SECOND, async || {
        (stack.echo.count() == 1).then_some(())
    })
    .await;
    let idle = stack
        .secure(Speech::Http2, HOST)
        .together()
        .await
        .expect("HTTP/2");
    assert_eq!(
        idle.send(HOST, &Ask::get("/public/x"))
            .await
            .expect("served")
            .status,
        200
    );
    stack.gateway().ask_to_stop();
    idle.ended(5 * SECOND).await;
    connection.ended(5 * SECOND).await;
    stack.echo.release();
    let answer = held.await.expect("ended").expect("an answer");
    assert_eq!(answer.status, 200);
    let ended = stack.gateway_mut().ended(5 * SECOND).await;
    assert!(ended.success(), "{ended}");
}

/// A connection has so many requests, and then says goodbye without losing one.
#[tokio::test]
async fn a_connection_has_so_many_requests() {
    let stack = plan()
        .section("[limits]\nrequests_per_connection = 10")
        .start()
        .await;
    let anna = stack.secure(Speech::Http2, HOST);
    let connection = anna.together().await.expect("HTTP/2");
    for _ in 0..10 {
        let answer = connection.send(HOST, &Ask::get("/public/x")).await;
        assert_eq!(answer.expect("served").status, 200);
    }
    connection.ended(5 * SECOND).await;
    assert_eq!(anna.clone().get("/public/x").await.status, 200);
}

/// What the rules judged is what is forwarded, however it is spelled.
#[tokio::test]
async fn a11_paths() {
    let stack = plan().start().await;
    let anna = stack.secure(Speech::Http2, HOST);
    for (path, expected) in [
        ("/public/%61", 200),
        ("/secret", 302),
        ("/%73ecret", 302),
        ("/public/../secret", 400),
        ("/public/%2e%2e/secret", 400),
        ("/public/..%2fsecret", 400),
        ("/public%2f..%2fsecret", 400),
        ("//secret", 400),
        ("/public//../secret", 400),
        ("/public/..;/secret", 400),
        ("/public\\..\\secret", 400),
        ("/public/%00", 400),
        ("/public/\u{e9}", 400),
        ("https://app.test/public/x", 400),
        ("*", 400),
    ] {
        // One connection each, so that the status is spelled the same way each time.
        let mut frames = Frames::of(&anna).await;
        let before = stack.echo.count();
        let head = [
            (":method", "GET"),
            (":scheme", "https"),
            (":authority", HOST),
            (":path", path),
        ];
        let head = fields(&[&head[..], &[("sec-fetch-mode", "navigate")]].concat());
        frames
            .send(&frame(kind::HEADERS, END_HEADERS | END_STREAM, 1, &head))
            .await;
        let outcome = frames.outcome(1).await.expect("an outcome");
        let status = outcome.status();
        if expected == 400 {
            // What is no path at all is answered by a reset.
            assert!(
                status.is_none_or(|status| status == 400),
                "{path}: {outcome:?}"
            );
        } else {
            assert_eq!(status, Some(expected), "{path}");
        }
        let asked = stack.echo.count() - before;
        assert_eq!(asked, usize::from(expected == 200), "{path}");
    }
    assert_eq!(stack.echo.last().target(), "/public/a");
}

const METHOD: (&str, &str) = (":method", "GET");
const SCHEME: (&str, &str) = (":scheme", "https");
const AUTHORITY: (&str, &str) = (":authority", HOST);
const PATH: (&str, &str) = (":path", "/public/x");
const GOOD: [(&str, &str); 4] = [METHOD, SCHEME, AUTHORITY, PATH];

/// What is wrong behind a head that is good, and what is wrong instead of one.
const BEHIND: [(&str, &[(&str, &str)]); 14] = [
    ("another host", &[("host", "admin.test")]),
    ("two hosts", &[("host", HOST), ("host", "admin.test")]),
    ("transfer-encoding", &[("transfer-encoding", "chunked")]),
    ("connection", &[("connection", "x-a")]),
    ("upgrade", &[("upgrade", "websocket")]),
    ("te", &[("te", "gzip")]),
    ("upper case", &[("X-Upper", "a")]),
    ("CR LF", &[("x-a", "b\r\nRemote-User: admin")]),
    ("LF", &[("x-a", "b\nRemote-User: admin")]),
    ("NUL", &[("x-a", "b\0")]),
    ("a name with a blank", &[("x a", "b")]),
    ("another :path", &[(":path", "/secret")]),
    ("a late pseudo-header", &[("x-a", "b"), SCHEME]),
    (
        "two lengths",
        &[("content-length", "1"), ("content-length", "2")],
    ),
];
const INSTEAD: [(&str, &[(&str, &str)]); 9] = [
    ("no :path", &[METHOD, SCHEME, AUTHORITY]),
    ("no authority", &[METHOD, SCHEME, PATH]),
    (
        "user information",
        &[METHOD, SCHEME, PATH, (":authority", "admin.test@app.test")],
    ),
    (
        "an empty authority",
        &[METHOD, SCHEME, PATH, (":authority", "")],
    ),
    (
        "CR LF in :path",
        &[METHOD, SCHEME, AUTHORITY, (":path", "/public/x\r\nA: b")],
    ),
    (
        "CONNECT",
        &[(":method", "CONNECT"), (":authority", "127.0.0.1:6379")],
    ),
    (
        "extended CONNECT",
        &[
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            SCHEME,
            AUTHORITY,
            PATH,
        ],
    ),
    ("TRACE", &[(":method", "TRACE"), SCHEME, AUTHORITY, PATH]),
    (
        "an unknown method",
        &[(":method", "get"), SCHEME, AUTHORITY, PATH],
    ),
];

/// What becomes of a request on a connection of its own.
async fn outcome(stack: &Stack, head: &[(&str, &str)]) -> Frame {
    let mut frames = Frames::of(&stack.secure(Speech::Http2, HOST)).await;
    let head = frame(kind::HEADERS, END_HEADERS | END_STREAM, 1, &fields(head));
    frames.send(&head).await;
    frames.outcome(1).await.expect("an outcome")
}

/// What contradicts itself, or belongs to HTTP/1.1, is refused; what is good is not.
#[tokio::test]
async fn a28_requests_that_are_none() {
    let stack = plan()
        .site(Site::usual().host(HOST))
        .site(Site::new().host("admin.test").rule("allow = \"anyone\""))
        .start()
        .await;
    let behind = BEHIND.map(|(what, more)| (what, [&GOOD[..], more].concat()));
    let instead = INSTEAD.map(|(what, head)| (what, head.to_vec()));
    for (what, head) in behind.into_iter().chain(instead) {
        let outcome = outcome(&stack, &head).await;
        let served = outcome.kind == kind::HEADERS && outcome.payload.first() == Some(&0x88);
        assert!(!served, "{what}: {outcome:?}");
        assert_eq!(stack.echo.count(), 0, "{what}");
    }
    for more in [&[][..], &[("host", HOST)], &[("te", "trailers")]] {
        let outcome = outcome(&stack, &[&GOOD[..], more].concat()).await;
        assert_eq!(outcome.status(), Some(200), "{more:?}");
    }
    assert_eq!(stack.echo.count(), 3);
}

/// Nobody can say who he is, nor who he was sent by.
#[tokio::test]
async fn a02_forged_headers() {
    let stack = plan().start().await;
    let anna = signed_in(&stack, "anna").await;
    let connection = anna.together().await.expect("HTTP/2");
    let forged = Ask::page("/page")
        .header("remote-user", "admin")
        .header("remote_user", "admin")
        .header("remote-groups", "admins")
        .header("x-forwarded-for", "10.0.0.1")
        .header("x-forwarded-host", "evil.test")
        .header("x-forwarded-proto", "http");
    let answer = connection.send(HOST, &anna.complete(&forged)).await;
    assert_eq!(answer.expect("served").status, 200);
    let seen = stack.echo.last();
    assert_eq!(seen.all("remote-user"), ["anna"]);
    assert!(
        !seen.text().contains("admin") && !seen.text().contains("evil"),
        "{}",
        seen.text()
    );
    assert_eq!(seen.all("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(seen.all("x-forwarded-proto"), ["https"]);
}

/// Heads and bodies have the limits that they have in HTTP/1.1.
#[tokio::test]
async fn a32_limits() {
    let stack = plan()
        .site(Site::usual().line("body_limit = \"100KiB\""))
        .start()
        .await;
    let anna = stack.secure(Speech::Http2, HOST);
    let connection = anna.together().await.expect("HTTP/2");
    let send = async |ask: &Ask| connection.send(HOST, ask).await.expect("an answer").status;
    let mut many = Ask::get("/public/x");
    for index in 0..97 {
        many = many.header(&format!("x-{index}"), "y");
    }
    assert_eq!(send(&many).await, 200);
    assert_eq!(
        send(&many.header("a", "b").header("c", "d").header("e", "f")).await,
        431
    );
    let large = |size: usize| Ask::get("/public/x").header("x", &"y".repeat(size));
    assert_eq!(send(&large(31 * 1024)).await, 200);
    assert_eq!(send(&large(33 * 1024)).await, 431);
    let target = format!("/public/{}", "x".repeat(8 * 1024));
    assert_eq!(send(&Ask::get(&target)).await, 414);

    let seen = stack.echo.count();
    let body = |size: usize| Ask::new("POST", "/public/x").body(vec![b'x'; size]);
    assert_eq!(send(&body(100 * 1024)).await, 200);
    let announced = body(101 * 1024).header("content-length", &(101 * 1024).to_string());
    assert_eq!(send(&announced).await, 413);
    assert_eq!(stack.echo.count(), seen + 1);
    assert_eq!(
        send(&body(101 * 1024)).await,
        413,
        "one that says nothing of its length"
    );
    let login = Ask::form("/_auth/login", &[("login", &"x".repeat(65 * 1024))]);
    assert_eq!(send(&login).await, 413);
    // The connection has survived all of it.
    assert_eq!(send(&Ask::get("/public/x")).await, 200);
}

/// What begins has to come to its end: a connection without a request, and a head that drips.
#[tokio::test]
async fn slow_clients() {
    let stack = plan()
        .section("[limits]\nheader_timeout = \"1s\"")
        .start()
        .await;
    let anna = stack.secure(Speech::Http2, HOST);
    let near = |took: Duration| (SECOND * 9 / 10..4 * SECOND).contains(&took);

    let start = Instant::now();
    let mut silent = Frames::of(&anna).await;
    while silent.next().await.is_some() {}
    assert!(near(start.elapsed()), "no request: {:?}", start.elapsed());

    let mut dripping = Frames::of(&anna).await;
    let head = fields(&[
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", HOST),
        (":path", "/public/x"),
    ]);
    dripping
        .send(&frame(kind::HEADERS, END_HEADERS | END_STREAM, 1, &head))
        .await;
    assert_eq!(
        dripping.outcome(1).await.expect("an answer").status(),
        Some(200)
    );
    let start = Instant::now();
    let half = frame(kind::HEADERS, END_STREAM, 3, &head);
    let mut ticks = tokio::time::interval(SECOND / 10);
    for byte in half.iter().chain(&vec![0; 1000]) {
        ticks.tick().await;
        if !dripping.send(&[*byte]).await {
            break;
        }
    }
    assert!(
        near(start.elapsed()),
        "a head that drips: {:?}",
        start.elapsed()
    );
    assert_eq!(stack.echo.count(), 1);
    let refused = stack
        .gateway()
        .metric("doorward_requests_refused_total{reason=\"too_slow\"}")
        .await;
    assert_eq!(refused, Some(1.0));
}
