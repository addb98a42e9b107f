//! One framing, or none: nothing is ever smuggled past the gate.

use std::time::Duration;

use doorward_tests::{Stack, Wire, until};
use futures_util::future::join_all;

use super::{honest, raw};

/// What is hidden in or behind another request.
pub(super) const SECOND: &str = "GET /secret HTTP/1.1\r\nHost: {host}\r\nX-Row: hidden\r\n\r\n";

/// Requests that hide another; `{second}` is that one, `{length}` how long it is.
pub(super) const CL_TE: &[(&str, &str)] = &[
    (
        "CL.TE",
        "POST /public/a HTTP/1.1\r\nHost: {host}\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{second}",
    ),
    (
        "CL.TE, a length of all",
        "POST /public/a HTTP/1.1\r\nHost: {host}\r\nContent-Length: {all}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{second}",
    ),
];
pub(super) const TE_CL: &[(&str, &str)] = &[
    (
        "TE.CL",
        "POST /public/a HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\nContent-Length: {length}\r\n\r\n0\r\n\r\n{second}",
    ),
    (
        "TE.CL, a short length",
        "POST /public/a HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n{hex}\r\n{second}\r\n0\r\n\r\n",
    ),
    (
        "identity, chunked",
        "POST /public/a HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n{second}",
    ),
    (
        "chunked, identity",
        "POST /public/a HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{second}",
    ),
    (
        "chunked twice",
        "POST /public/a HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{second}",
    ),
    (
        "two codings",
        "POST /public/a HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\nContent-Length: {length}\r\n\r\n0\r\n\r\n{second}",
    ),
    (
        "odd chunked",
        "POST /public/a HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: \u{b}chunked\r\n\r\n0\r\n\r\n{second}",
    ),
    (
        "a space before its colon",
        "POST /public/a HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding : chunked\r\nContent-Length: {length}\r\n\r\n0\r\n\r\n{second}",
    ),
    (
        "a chunk size with more",
        "POST /public/a HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n{second}",
    ),
    (
        "an extension with a line feed",
        "POST /public/a HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n2;\nxx\r\n{hex}\r\n0\r\n\r\n{second}0\r\n\r\n",
    ),
];
pub(super) const OLD: &[(&str, &str)] = &[(
    "TE in 1.0",
    "POST /public/a HTTP/1.0\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{second}",
)];
pub(super) const UPGRADES: &[(&str, &str)] = &[
    (
        "an upgrade",
        "GET /public/a HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n{second}",
    ),
    (
        "an upgrade with a body",
        "POST /public/a HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n{second}",
    ),
];
pub(super) const BODIES: &[(&str, &str)] = &[
    (
        "a refused body",
        "POST /secret HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n{second}",
    ),
    (
        "a refused chunk",
        "POST /secret HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n{hex}\r\n{second}\r\n0\r\n\r\n",
    ),
    (
        "a refused body that is late",
        "POST /secret HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100000\r\n\r\n{second}{second}",
    ),
    (
        "a body that was asked for",
        "POST /secret HTTP/1.1\r\nHost: {host}\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n{second}",
    ),
];

/// Lengths that are none, or two.
pub(super) const LENGTHS: &[(&str, &str)] = &[
    (
        "two lengths",
        "POST /public/a HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    ),
    (
        "a signed length",
        "POST /public/a HTTP/1.1\r\nHost: {host}\r\nContent-Length: +5\r\n\r\nhello",
    ),
    (
        "a list of lengths",
        "POST /public/a HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5, 6\r\n\r\nhello!",
    ),
    (
        "the same length twice",
        "POST /public/a HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    ),
    (
        "a list of the same length",
        "POST /public/a HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5, 5\r\n\r\nhello",
    ),
    (
        "a hexadecimal length",
        "POST /public/a HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0x5\r\n\r\nhello",
    ),
    (
        "a negative length",
        "POST /public/a HTTP/1.1\r\nHost: {host}\r\nContent-Length: -1\r\n\r\n",
    ),
    (
        "an empty length",
        "POST /public/a HTTP/1.1\r\nHost: {host}\r\nContent-Length:\r\n\r\n",
    ),
    (
        "more than there are numbers",
        "POST /public/a HTTP/1.1\r\nHost: {host}\r\nContent-Length: 18446744073709551617\r\n\r\nh",
    ),
    (
        "two numbers",
        "POST /public/a HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5 5\r\n\r\nhello",
    ),
];

/// Heads that are none, or two.
pub(super) const HEADS: &[(&str, &str)] = &[
    (
        "a space before the colon",
        "GET /public/a HTTP/1.1\r\nHost: {host}\r\nX : y\r\n\r\n",
    ),
    (
        "a folded line",
        "GET /public/a HTTP/1.1\r\nHost: {host}\r\nX: y\r\n folded\r\n\r\n",
    ),
    (
        "a folded first line",
        "GET /public/a HTTP/1.1\r\nHost: {host}\r\n X: y\r\n\r\n",
    ),
    (
        "a NUL",
        "GET /public/a HTTP/1.1\r\nHost: {host}\r\nX: a\0b\r\n\r\n",
    ),
    (
        "a bare carriage return",
        "GET /public/a HTTP/1.1\r\nHost: {host}\r\nX: a\rRemote-User: root\r\n\r\n",
    ),
    (
        "no name",
        "GET /public/a HTTP/1.1\r\nHost: {host}\r\n: y\r\n\r\n",
    ),
    (
        "no colon",
        "GET /public/a HTTP/1.1\r\nHost: {host}\r\nX\r\n\r\n",
    ),
    (
        "another host",
        "GET /public/a HTTP/1.1\r\nHost: {host}\r\nHost: y\r\n\r\n",
    ),
    ("no host", "GET /public/a HTTP/1.1\r\n\r\n"),
    (
        "another host in the target",
        "GET http://admin.test/public/a HTTP/1.1\r\nHost: {host}\r\n\r\n",
    ),
    (
        "bare line feeds",
        "GET /public/a HTTP/1.1\nHost: {host}\n\n",
    ),
    (
        "two targets",
        "GET /public/a HTTP/1.1 /b HTTP/1.1\r\nHost: {host}\r\n\r\n",
    ),
    (
        "an unknown version",
        "GET /public/a HTTP/3.7\r\nHost: {host}\r\n\r\n",
    ),
    ("no HTTP", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"),
];

/// What is no request to a site at all.
pub(super) const NO_REQUESTS: &[(&str, &str)] = &[
    ("HTTP/2 in the clear", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    (
        "a tunnel",
        "CONNECT {host}:80 HTTP/1.1\r\nHost: {host}\r\n\r\n",
    ),
];

/// The bytes of a row, for a host.
pub(super) fn written(row: &str, host: &str) -> Vec<u8> {
    let second = SECOND.replace("{host}", host);
    let length = second.len();
    let row = row.replace("{host}", host).replace("{second}", &second);
    let row = row.replace("{all}", &(length + 5).to_string());
    let row = row.replace("{length}", &length.to_string());
    row.replace("{hex}", &format!("{length:x}")).into_bytes()
}

/// One request at most reaches the site, none of them is the hidden one, and no answer to it is a 200.
async fn hides_nothing(rows: &[(&str, &str)]) {
    let stack = Stack::new().start().await;
    let all = rows.iter().map(async |(what, row)| {
        let statuses = raw(&stack, &written(row, "x")).await;
        assert!(!statuses.is_empty(), "{what}: no answer at all");
        assert!(
            statuses[1..].iter().all(|status| *status != 200),
            "{what}: {statuses:?}"
        );
    });
    join_all(all).await;
    for seen in stack.echo.seen() {
        assert_eq!(seen.target(), "/public/a", "{}", seen.text());
    }
    assert!(stack.echo.count() <= rows.len());
    honest(&stack).await;
    // By itself the hidden one is heard, and judged.
    assert_eq!(raw(&stack, &written("{second}", "x")).await, [302]);
}

#[tokio::test]
async fn a19_one_framing_at_most() {
    hides_nothing(CL_TE).await;
}

#[tokio::test]
async fn a20_transfer_encoding_before_length() {
    hides_nothing(TE_CL).await;
}

#[tokio::test]
async fn a21_chunks_in_http_1_0() {
    hides_nothing(OLD).await;
    refused(&[(
        "TE in 1.0",
        "POST /public/a HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    )])
    .await;
}

#[tokio::test]
async fn a25_behind_an_upgrade_that_is_none() {
    hides_nothing(UPGRADES).await;
}

#[tokio::test]
async fn a27_bodies_that_nobody_reads() {
    hides_nothing(BODIES).await;
}

/// Answered by a refusal at most, then closed: whoever read the request otherwise would see the next one begin
/// elsewhere.
async fn refused(rows: &[(&str, &str)]) {
    let stack = Stack::new().start().await;
    for (what, bytes) in rows {
        let mut wire = Wire::to(stack.gateway().gate()).await;
        wire.send(&written(bytes, "x")).await;
        let answer = wire.answer_to("GET").await;
        wire.closed(Duration::from_secs(5)).await;
        if let Some(answer) = answer {
            let fine = matches!(answer.status, 400 | 405 | 421 | 505);
            assert!(fine, "{what}: {}", answer.status);
        }
        assert_eq!(stack.echo.count(), 0, "{what}");
    }
    honest(&stack).await;
}

#[tokio::test]
async fn a22_lengths() {
    refused(LENGTHS).await;
    let stack = Stack::new().start().await;
    let good = "POST /public/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
    assert_eq!(raw(&stack, good.as_bytes()).await, [200]);
    assert_eq!(stack.echo.last().body(), b"hello");
}

#[tokio::test]
async fn a23_heads() {
    refused(HEADS).await;
}

/// What nobody here reads is counted all the same: else nobody would see who tries.
#[tokio::test]
async fn a23_what_is_no_request_is_counted() {
    let stack = Stack::new().start().await;
    let series = "doorward_requests_refused_total{reason=\"malformed\"}";
    let refused = async || stack.gateway().metric(series).await.unwrap_or_default();
    let mut before = refused().await;
    for bytes in [
        "GET /public/a HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET /public/a HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "POST /public/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 6\r\n\r\n",
        "GET /public/a HTTP/1.1 /secret HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        assert_eq!(raw(&stack, bytes.as_bytes()).await, [400], "{bytes:?}");
        let what = format!("{bytes:?} is counted");
        before = until(&what, Duration::from_secs(2), async || {
            Some(refused().await).filter(|now| *now > before)
        })
        .await;
    }
    assert_eq!(stack.echo.count(), 0);
    let good = "GET /public/a%20b HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_eq!(raw(&stack, good.as_bytes()).await, [200]);
    // Somebody who only leaves in the middle has asked for nothing.
    let mut wire = Wire::to(stack.gateway().gate()).await;
    wire.send(b"GET /public/a HT").await;
    drop(wire);
    honest(&stack).await;
    assert!((refused().await - before).abs() < 0.5);
}

#[tokio::test]
async fn a26_http2_in_the_clear() {
    refused(&[("prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]).await;
    let stack = Stack::new().start().await;
    let upgrade = "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n";
    for (path, fine) in [("/public/a", [200, 400]), ("/secret", [302, 400])] {
        let statuses = raw(&stack, upgrade.replace("{path}", path).as_bytes()).await;
        assert!(
            statuses.len() == 1 && fine.contains(&statuses[0]),
            "{path}: {statuses:?}"
        );
    }
    for seen in stack.echo.seen() {
        let named = [seen.all("upgrade"), seen.all("http2-settings")];
        assert_eq!(named.concat(), Vec::<String>::new(), "{}", seen.text());
    }
    honest(&stack).await;
}
