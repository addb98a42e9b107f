//! What is no more than a head goes a shorter way to a plain upstream than everything else. Nobody can tell which: each
//! answer, however it is cut or broken, comes out of both alike.

mod upstream;

use std::time::Duration;

use doorward_tests::{Answer, Ask, Site, Speech, Stack, until, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use upstream::{SCRIPTS, Script, Then, Upstream};

const PATIENCE: Duration = Duration::from_secs(10);

/// Says that there will be trailers, which only the long way takes out.
const LONG: &str = "Trailer: X-Late\r\n";
const SHORT: &str = "";
/// Is let in on the short way before it is known that the long one is needed: events may be silent for hours.
const HANDED_OVER: &str = "Accept: text/event-stream\r\n";

const HOST: &str = "app.test";

async fn start() -> (Upstream, Stack) {
    let upstream = Upstream::start().await;
    let site = Site::new()
        .upstream(&format!("http://{}", upstream.address))
        .line("response_timeout = \"1s\"")
        .rule("allow = \"anyone\"");
    let plan = Stack::new().tls(&[HOST]).site(site);
    (upstream, plan.start().await)
}

/// Everything that a client gets, to the end of its connection.
async fn all(stack: &Stack, method: &str, name: &str, way: &str) -> String {
    let gate = stack.gateway().gate();
    let mut stream = TcpStream::connect(gate).await.expect("a connection");
    let ask =
        format!("{method} /{name} HTTP/1.1\r\nHost: {gate}\r\nConnection: close\r\n{way}\r\n");
    stream.write_all(ask.as_bytes()).await.expect("written");
    let mut bytes = Vec::new();
    // Broken off or ended, what came is there.
    let _ = within(name, PATIENCE, stream.read_to_end(&mut bytes)).await;
    String::from_utf8(bytes).expect("text")
}

/// Without what is another one in every answer.
fn comparable(answer: &str) -> Vec<&str> {
    let ours = answer.starts_with("HTTP/1.1 50");
    let lines = answer
        .split("\r\n")
        .filter(|line| !line.starts_with("Date: "));
    lines.take(if ours { 1 } else { usize::MAX }).collect()
}

#[tokio::test]
async fn answers_come_out_alike() {
    let (_upstream, stack) = start().await;
    for script in SCRIPTS {
        let short = all(&stack, "GET", script.name, SHORT).await;
        let long = all(&stack, "GET", script.name, LONG).await;
        let (status, end) = script.client;
        assert!(
            short
                .get(8..)
                .is_some_and(|rest| rest.starts_with(&format!(" {status} "))),
            "{}: {short}",
            script.name
        );
        if status < 500 {
            assert!(short.ends_with(end), "{}: {short}", script.name);
        }
        assert!(!short.contains("evil"), "{}", script.name);
        assert_eq!(comparable(&short), comparable(&long), "{}", script.name);
    }
}

#[tokio::test]
async fn answers_without_a_body_come_out_alike() {
    let (_upstream, stack) = start().await;
    for name in ["chunked", "until-it-closes", "nothing", "not-modified"] {
        let short = all(&stack, "HEAD", name, SHORT).await;
        let long = all(&stack, "HEAD", name, LONG).await;
        assert!(
            short.ends_with("\r\n\r\n") && !short.contains("hello"),
            "{short}"
        );
        assert_eq!(comparable(&short), comparable(&long), "{name}");
    }
}

/// A client's connection goes on after an answer that is whole, and ends with one that is not.
#[tokio::test]
async fn connections_go_on_alike() {
    let (_upstream, stack) = start().await;
    let visitor = stack.anon();
    let gate = stack.gateway().gate();
    for script in SCRIPTS.iter().filter(|script| script.client.0 < 500) {
        let mut went_on = Vec::new();
        for way in [SHORT, LONG] {
            let mut wire = visitor.wire().await;
            let ask = |name: &str| format!("GET /{name} HTTP/1.1\r\nHost: {gate}\r\n{way}\r\n");
            wire.send(ask(script.name).as_bytes()).await;
            let head = wire.head().await.expect("a head");
            let whole = !script.breaks_off();
            if whole {
                assert!(head.status >= 200);
                while wire.piece().await.is_some() {}
                went_on.push(wire.exchange(ask("at-once").as_bytes()).await.is_some());
            } else {
                wire.closed(PATIENCE).await;
                went_on.push(false);
            }
            assert_eq!(went_on.last(), Some(&whole), "{}", script.name);
        }
    }
}

/// Each way has connections of its own to the upstream, and uses them again where that is safe.
#[tokio::test]
async fn connections_are_used_again_where_that_is_safe() {
    let (upstream, stack) = start().await;
    for way in [SHORT, LONG, SHORT, LONG] {
        all(&stack, "GET", "at-once", way).await;
    }
    let on = upstream.asked_for("/at-once");
    assert_eq!((on[0], on[1]), (on[2], on[3]), "used again");
    assert_ne!(on[0], on[1], "both ways were gone");
    for script in SCRIPTS {
        let safe = script.then == Then::Stays
            && script.client.0 < 500
            && !matches!(script.name, "too-much" | "no-chunk");
        all(&stack, "GET", script.name, SHORT).await;
        all(&stack, "GET", "after", SHORT).await;
        let asked = upstream.asked_for(&format!("/{}", script.name));
        let after = upstream.asked_for("/after");
        assert_eq!(asked.last() == after.last(), safe, "{}", script.name);
    }
}

/// An upstream may close a connection just when it is used again: it is asked once more, on another. Once; and one that
/// closes a new connection has failed.
#[tokio::test]
async fn a_connection_that_was_closed_is_nobodys_fault() {
    let (upstream, stack) = start().await;
    for _ in 0..3 {
        let answer = all(&stack, "GET", "once", SHORT).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    let on = upstream.asked_for("/once");
    assert!(on.len() > 3, "{on:?}");
    for _ in 0..3 {
        let answer = all(&stack, "GET", "once-hinted", SHORT).await;
        assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
    }
    let on = upstream.asked_for("/once-hinted");
    assert!(on.len() > 3, "{on:?}");
    let answer = all(&stack, "GET", "no-answer", SHORT).await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    // On a connection of either way that was there already, and on a new one.
    let asked = upstream.asked_for("/no-answer").len();
    assert!(asked <= 3, "{asked}");
}

/// What an upstream reads is the same on both ways, but for what made it the long one.
#[tokio::test]
async fn requests_go_in_alike() {
    let (upstream, stack) = start().await;
    let gate = stack.gateway().gate();
    let heads = [
        "",
        "Connection: keep-alive\r\n",
        "Connection: Close\r\n",
        "Connection: close\r\nClose: x\r\n",
        "connection: X-Hop\r\nX-Hop: 1\r\n",
        "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\n",
        "Connection: keep-alive\r\nConnection: X-Hop\r\nX-Hop: 1\r\n",
        "Keep-Alive: timeout=5\r\n",
        "Proxy-Connection: keep-alive\r\n",
        "Proxy-Authorization: Basic eDp5\r\n",
        "TE: trailers\r\n",
        "Connection: TE\r\nTE: trailers\r\n",
        "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nConnection: Upgrade, HTTP2-Settings\r\n",
        "Upgrade: TLS/1.2\r\n",
        "Remote-User: root\r\nRemote_User: root\r\nX-Forwarded-For: 192.0.2.1\r\nX-Real-IP: 192.0.2.1\r\n",
        "Cookie: theme=dark\r\nCookie: b=c\r\nX-Same: 1\r\nX-Same: 2\r\n",
        "Content-Length: 0\r\n",
    ];
    for head in heads {
        let mut seen = Vec::new();
        for way in [SHORT, LONG, HANDED_OVER] {
            let mut stream = TcpStream::connect(gate).await.expect("a connection");
            let ask = format!("GET /%61t-once?q=%2f HTTP/1.1\r\nHost: {gate}\r\n{head}{way}\r\n");
            stream.write_all(ask.as_bytes()).await.expect("written");
            let mut byte = [0];
            within("an answer", PATIENCE, stream.read(&mut byte))
                .await
                .expect("a byte");
            assert_eq!(byte, *b"H", "{head}");
            let mut last = upstream.last();
            last.retain(|line| !line.starts_with("accept:"));
            seen.push(last);
        }
        let short = &seen[0];
        let asked = "get /at-once?q=%2f http/1.1";
        assert!(short.iter().any(|line| line == asked), "{short:?}");
        assert_eq!(short, &seen[1], "{head}");
        assert_eq!(short, &seen[2], "{head}");
        for gone in [
            "connection:",
            "keep-alive:",
            "proxy-",
            "te:",
            "trailer:",
            "upgrade:",
            "http2-",
            "x-hop:",
            "close:",
            "remote",
        ] {
            assert!(
                !short.iter().any(|line| line.starts_with(gone)),
                "{gone} of {head}"
            );
        }
    }
}

/// An upstream is let go of when its client has left.
#[tokio::test]
async fn a_client_that_leaves() {
    let (upstream, stack) = start().await;
    let gate = stack.gateway().gate();
    for way in [SHORT, LONG] {
        let mut stream = TcpStream::connect(gate).await.expect("a connection");
        let ask = format!("GET /silent HTTP/1.1\r\nHost: {gate}\r\n{way}\r\n");
        let before = upstream.asked_for("/silent").len();
        stream.write_all(ask.as_bytes()).await.expect("written");
        let on = until("the upstream is asked", PATIENCE, async || {
            upstream.asked_for("/silent").get(before).copied()
        })
        .await;
        assert!(!upstream.has_closed(on));
        drop(stream);
        // Long before it would be late with its answer.
        let soon = Duration::from_millis(700);
        until("its connection is closed", soon, async || {
            upstream.has_closed(on).then_some(())
        })
        .await;
    }
}

/// The same by HTTP/2: whole, or reset.
#[tokio::test]
async fn answers_come_out_alike_by_http2() {
    let (_upstream, stack) = start().await;
    let together = stack.secure(Speech::Http2, HOST).together().await;
    let together = together.expect("HTTP/2");
    for method in ["GET", "HEAD"] {
        // Nobody sends a body after a HEAD but these scripts; what comes with the head can be seen in time.
        let fit = |script: &&Script| method == "GET" || script.pieces.len() == 1;
        for script in SCRIPTS.iter().filter(fit) {
            let ask = Ask::new(method, &format!("/{}", script.name));
            let short = together.send(HOST, &ask).await;
            let long = together.send(HOST, &ask.header("Trailer", "X-Late")).await;
            let what = format!("{method} {}", script.name);
            match (short, long) {
                (Ok(short), Ok(long)) => {
                    let expected = match script.client.0 {
                        103 => 200,
                        status => status,
                    };
                    assert_eq!(short.status, expected, "{what}");
                    assert!(!short.text().contains("evil"), "{what}");
                    assert_eq!(whole(&short), whole(&long), "{what}");
                }
                (Err(short), Err(long)) => {
                    assert_eq!(short.reason(), long.reason(), "{what}");
                    assert!(script.breaks_off(), "{what}");
                }
                (short, long) => panic!("{what}: {short:?} and {long:?}"),
            }
        }
    }
}

/// What has to be equal of two answers.
fn whole(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    if answer.status >= 500 {
        return (answer.status, Vec::new(), String::new());
    }
    let mut headers = answer.headers.clone();
    headers.retain(|(name, _)| name != "date");
    (answer.status, headers, answer.text())
}

/// What came by HTTP/2 goes in as what came by HTTP/1.1 does, and on the same ways.
#[tokio::test]
async fn requests_by_http2_go_in_alike() {
    let (upstream, stack) = start().await;
    let together = stack.secure(Speech::Http2, HOST).together().await;
    let together = together.expect("HTTP/2");
    let ask = Ask::get("/%61t-once?q=%2f")
        .header("TE", "trailers")
        .header("Cookie", "a=b")
        .header("Cookie", "c=d")
        .header("Remote-User", "root")
        .header("Proxy-Authorization", "Basic eDp5");
    let mut seen = Vec::new();
    for ask in [
        ask.clone(),
        ask.clone().header("Trailer", "X-Late"),
        ask.header("Accept", "text/event-stream"),
    ] {
        let answer = together.send(HOST, &ask).await.expect("an answer");
        assert_eq!(answer.text(), "hello");
        let mut last = upstream.last();
        last.retain(|line| !line.starts_with("accept:"));
        seen.push(last);
    }
    let short = &seen[0];
    assert_eq!(short, &seen[1]);
    assert_eq!(short, &seen[2]);
    assert!(
        short
            .iter()
            .any(|line| line == "get /at-once?q=%2f http/1.1"),
        "{short:?}"
    );
    assert!(
        short.iter().any(|line| line == &format!("host: {HOST}")),
        "{short:?}"
    );
    assert!(
        short.iter().any(|line| line == "cookie: a=b; c=d"),
        "{short:?}"
    );
    for gone in ["te:", "remote", "proxy-", "trailer:"] {
        assert!(!short.iter().any(|line| line.starts_with(gone)), "{gone}");
    }
    let on = upstream.asked_for("/at-once?q=%2f");
    assert_ne!(on[0], on[1], "both ways were gone");
}
