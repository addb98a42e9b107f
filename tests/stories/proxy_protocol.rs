//! Load balancers that pass bytes on, and say first whose they are.

use std::time::{Duration, Instant};

use doorward_tests::{Answer, Ask, Pipe, Plan, Site, Speech, Stack, Together, Wire, until};
use tokio::io::AsyncWriteExt;

const SECOND: Duration = Duration::from_secs(1);
const HOST: &str = "app.test";

/// A gateway behind a balancer, whose rules know addresses.
fn plan() -> Plan {
    let rules = "path = \"/near/**\"\nfrom = [\"203.0.113.0/24\"]\nallow = \"anyone\"";
    Stack::new()
        .tls(&[HOST])
        .server("proxy_protocol = [\"127.0.0.1\"]")
        .site(Site::new().rule(rules).rule("allow = \"anyone\""))
}

const V1: &[u8] = b"PROXY TCP4 203.0.113.7 192.0.2.9 51111 443\r\n";
const OTHER: &[u8] = b"PROXY TCP4 198.51.100.7 192.0.2.9 51111 443\r\n";

fn v2() -> Vec<u8> {
    let address = [203, 0, 113, 8, 192, 0, 2, 9, 0xc7, 0xa7, 1, 0xbb];
    let more = [4, 0, 3, 1, 2, 3];
    [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x12", &address[..], &more].concat()
}

fn v2_six() -> Vec<u8> {
    let source: std::net::Ipv6Addr = "2001:db8::7".parse().expect("an address");
    let head = b"\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x24";
    [
        &head[..],
        &source.octets(),
        &[9; 16],
        &[0xc7, 0xa7, 1, 0xbb],
    ]
    .concat()
}

/// A connection that begins with this.
async fn behind(stack: &Stack, secure: bool, header: &[u8]) -> Pipe {
    let gateway = stack.gateway();
    let address = if secure {
        gateway.tls()
    } else {
        gateway.gate()
    };
    let mut pipe = Pipe::plain(address).await.expect("connected");
    let _ = pipe.write_all(header).await;
    pipe
}

async fn ask(stack: &Stack, header: &[u8], target: &str) -> Option<Answer> {
    let mut wire = Wire::on(behind(stack, false, header).await);
    let ask = Ask::get(target).header("Host", HOST);
    wire.exchange(&ask.bytes()).await
}

/// The address that the header says is the client's in everything.
#[tokio::test]
async fn whose_connection_it_is() {
    let stack = plan().start().await;
    for (header, address) in [
        (V1.to_vec(), "203.0.113.7"),
        (v2(), "203.0.113.8"),
        (v2_six(), "2001:db8::7"),
        (b"PROXY UNKNOWN\r\n".to_vec(), "127.0.0.1"),
        (b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0".to_vec(), "127.0.0.1"),
    ] {
        let answer = ask(&stack, &header, "/x").await.expect("served");
        assert_eq!(answer.status, 200);
        let seen = stack.echo.last();
        assert_eq!(seen.all("x-forwarded-for"), [address]);
        assert_eq!(seen.all("x-real-ip"), [address]);
        let near = ask(&stack, &header, "/near/x").await.expect("answered");
        let expected = if address.starts_with("203.") {
            200
        } else {
            403
        };
        assert_eq!(near.status, expected, "{address}");
        until("the log has it", 5 * SECOND, async || {
            let line = format!("\"client\":\"{address}\"");
            stack.gateway().log().contains(&line).then_some(())
        })
        .await;
    }
}

/// Before the handshake too, for HTTP/1.1 and HTTP/2; and what comes with a request is believed as little as before.
#[tokio::test]
async fn before_tls() {
    let stack = plan().start().await;
    let forged = Ask::get("/near/x").header("x-forwarded-for", "203.0.113.1");
    for (header, status) in [(V1.to_vec(), 200), (v2(), 200), (OTHER.to_vec(), 403)] {
        for speech in [Speech::Http1, Speech::Http2] {
            let protocol = if speech == Speech::Http1 {
                "http/1.1"
            } else {
                "h2"
            };
            let trust = stack.authority().trusted_by(&[protocol]);
            let pipe = behind(&stack, true, &header).await;
            let pipe = pipe.encrypt(HOST, trust).await.expect("a handshake");
            let answer = if speech == Speech::Http1 {
                let ask = forged.clone().header("Host", HOST);
                Wire::on(pipe).exchange(&ask.bytes()).await.expect("served")
            } else {
                let together = Together::over(pipe).await.expect("HTTP/2");
                together.send(HOST, &forged).await.expect("served")
            };
            assert_eq!(answer.status, status, "{speech:?}");
        }
    }
    assert_eq!(stack.echo.last().all("x-forwarded-proto"), ["https"]);
}

/// A balancer that does not say whose connection it is, is not served: it may be anybody's.
#[tokio::test]
async fn without_a_header_there_is_no_answer() {
    let stack = plan().start().await;
    for header in [
        &b""[..],
        b"PROXY TCP4 203.0.113.7\r\n",
        b"PROXY TCP4 203.0.113.999 192.0.2.9 1 2\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff",
        b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c",
        &[b'P'; 300],
    ] {
        assert!(ask(&stack, header, "/x").await.is_none(), "{header:?}");
    }
    for secure in [false, true] {
        let start = Instant::now();
        let pipe = behind(&stack, secure, b"PROXY TCP4 203").await;
        Wire::on(pipe).closed(10 * SECOND).await;
        let took = start.elapsed();
        assert!(
            (4 * SECOND..7 * SECOND).contains(&took),
            "cut after {took:?}"
        );
    }
    assert_eq!(stack.echo.count(), 0);
    let warned = stack.gateway().log().matches("PROXY header").count();
    drop(behind(&stack, false, b"").await);
    assert_eq!(ask(&stack, V1, "/x").await.expect("served").status, 200);
    let log = stack.gateway().log();
    assert_eq!(
        log.matches("PROXY header").count(),
        warned,
        "a look is no mistake"
    );
}

/// Whoever is no balancer is served as always, and his header is no header.
#[tokio::test]
async fn nobody_else_may_say_it() {
    let stack = Stack::new()
        .server("proxy_protocol = [\"192.0.2.1\"]")
        .start()
        .await;
    assert_eq!(stack.anon().get("/public/x").await.status, 200);
    let answer = ask(&stack, V1, "/public/x").await;
    assert!(answer.is_none_or(|answer| answer.status == 400));
    assert_eq!(stack.echo.count(), 1);
}

/// Connections count for whom they are, not for who passes them on.
#[tokio::test]
async fn connections_count_for_their_clients() {
    let stack = plan()
        .section("[limits]\nconnections_per_address = 2")
        .start()
        .await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut wire = Wire::on(behind(&stack, false, V1).await);
        let bytes = Ask::get("/x").header("Host", HOST).bytes();
        assert_eq!(wire.exchange(&bytes).await.expect("served").status, 200);
        held.push(wire);
    }
    assert!(ask(&stack, V1, "/x").await.is_none(), "one too many");
    assert_eq!(ask(&stack, OTHER, "/x").await.expect("served").status, 200);
    drop(held);
    until("there is room again", 5 * SECOND, async || {
        ask(&stack, V1, "/x").await
    })
    .await;
}
