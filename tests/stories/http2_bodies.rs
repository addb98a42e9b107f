//! Bodies over HTTP/2: in both directions, in flat memory, and not for ever.

use std::time::{Duration, Instant};

use doorward_tests::frames::{END_HEADERS, Frames, fields, frame, kind};
use doorward_tests::{
    Ask, Echo, H2Echo, PASSWORD, Plan, Site, Speech, Stack, Together, Visitor, long, say, within,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

const SECOND: Duration = Duration::from_secs(1);
const HOST: &str = "app.test";
const MIB: usize = 1024 * 1024;

fn plan() -> Plan {
    Stack::new().tls(&[HOST])
}

async fn signed_in(stack: &Stack) -> Visitor {
    stack.add_person("anna", &[]).await;
    let mut visitor = stack.secure(Speech::Http2, HOST);
    visitor.sign_in("anna", PASSWORD).await;
    visitor
}

/// Downloads beside each other on one connection: each whole, and nothing kept.
#[tokio::test]
async fn large_answers() {
    let stack = plan().start().await;
    let anna = signed_in(&stack).await;
    let connection = anna.together().await.expect("HTTP/2");
    let size = if long() { 1024 * MIB } else { 16 * MIB };
    let ask = anna.complete(&Ask::get(&format!("/big?{size}")));
    let before = stack.gateway().memory();
    let read = async || {
        let mut begun = connection.begin(HOST, &ask).await.expect("an answer");
        let mut length = 0;
        while let Some(piece) = begun.piece().await {
            let piece = piece.expect("all of it");
            let first = piece.first().copied();
            assert!(first.is_none_or(|byte| byte == Echo::pattern(length)));
            length += piece.len();
        }
        length
    };
    let (one, two, three) = tokio::join!(read(), read(), read());
    assert_eq!((one, two, three), (size, size, size));
    let after = stack.gateway().memory();
    say(&format!(
        "three answers of {} MiB at once over HTTP/2, memory {before} KiB before, {after} KiB after",
        size / MIB
    ));
    assert!(after < before + 48 * 1024, "from {before} to {after} KiB");
}

/// A client that does not read holds up its own answer, not the others'; and the gateway keeps little of it.
#[tokio::test]
async fn a_client_that_does_not_read() {
    let stack = plan().start().await;
    let anna = signed_in(&stack).await;
    let connection = anna.together().await.expect("HTTP/2");
    let before = stack.gateway().memory();
    let big = anna.complete(&Ask::get(&format!("/big?{}", 64 * MIB)));
    let mut unread = Vec::new();
    for _ in 0..20 {
        unread.push(connection.begin(HOST, &big).await.expect("an answer"));
    }
    // Another connection, because what is not read there is the whole connection's.
    let other = anna.together().await.expect("HTTP/2");
    let small = anna.complete(&Ask::get("/page"));
    for _ in 0..20 {
        assert_eq!(other.send(HOST, &small).await.expect("served").status, 200);
    }
    let after = stack.gateway().memory();
    assert!(after < before + 64 * 1024, "from {before} to {after} KiB");
    drop(unread);
    assert_eq!(
        connection.send(HOST, &small).await.expect("served").status,
        200
    );
}

/// Uploads arrive whole, with and without a length.
#[tokio::test]
async fn large_requests() {
    let stack = plan().start().await;
    let anna = signed_in(&stack).await;
    let connection = anna.together().await.expect("HTTP/2");
    let body: Vec<u8> = (0..8 * MIB).map(Echo::pattern).collect();
    let ask = anna.complete(&Ask::new("POST", "/page").body(body));
    let announced = ask.clone().header("content-length", &(8 * MIB).to_string());
    for ask in [ask, announced] {
        let answer = connection.send(HOST, &ask).await.expect("served");
        assert_eq!(answer.status, 200);
        let seen = stack.echo.last();
        assert_eq!((seen.body_length(), seen.is_complete()), (8 * MIB, true));
    }
}

/// Bodies that are ended with a piece that is empty.
const ENDED: [(&str, &str); 3] = [("POST", "abc"), ("POST", ""), ("GET", "")];

/// A site that lets anyone in, and a connection to it.
async fn open_to_anyone(upstream: &str) -> (Stack, Together) {
    let site = Site::new().upstream(upstream).rule("allow = \"anyone\"");
    let stack = plan().site(site).start().await;
    let connection = stack.secure(Speech::Http2, HOST).together().await;
    (stack, connection.expect("HTTP/2"))
}

/// Sends a body, and its end on its own.
async fn end_apart(connection: &Together, method: &str, body: &'static str) {
    let ask = Ask::new(method, "/body");
    let mut upload = connection.upload(HOST, &ask).await.expect("sent");
    if !body.is_empty() {
        upload.piece(body.as_bytes()).expect("sent");
    }
    assert_eq!(upload.end().await.expect("answered"), 200);
}

/// A client may end a body with a piece that is empty. Of it the upstream sees one end, and then nothing or the next
/// request.
#[tokio::test]
async fn a_body_has_one_end() {
    const END: &str = "\r\n0\r\n\r\n";
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (told, mut heard) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let told = told.clone();
            tokio::spawn(async move {
                let (mut bytes, mut ends) = (Vec::new(), 0);
                while stream.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
                    let now = String::from_utf8_lossy(&bytes).matches(END).count();
                    if now > ends {
                        ends = now;
                        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
                        stream.write_all(answer).await.expect("written");
                    }
                }
                told.send(String::from_utf8_lossy(&bytes).into_owned())
            });
        }
    });
    let (stack, connection) = open_to_anyone(&format!("http://{address}")).await;
    for (method, body) in ENDED {
        end_apart(&connection, method, body).await;
    }
    drop(connection);
    // Its connections to the upstream end with it.
    drop(stack);
    let mut ends = 0;
    while ends < 3 {
        let text = within("a connection ends", 10 * SECOND, heard.recv()).await;
        let text = text.expect("the upstream is there");
        for after in text.split(END).skip(1) {
            ends += 1;
            assert!(
                after.is_empty() || after.starts_with("POST ") || after.starts_with("GET "),
                "{text}"
            );
        }
    }
    assert_eq!(ends, 3);
}

/// The same before an upstream that speaks HTTP/2: it gets each body, on one connection that goes on.
#[tokio::test]
async fn a_body_has_one_end_in_http2() {
    let upstream = H2Echo::start().await;
    let (_stack, connection) = open_to_anyone(&format!("h2c://{}", upstream.address())).await;
    for (method, body) in ENDED {
        end_apart(&connection, method, body).await;
        let seen = upstream.last();
        assert_eq!((&*seen.method, &*seen.body), (method, body.as_bytes()));
        assert_eq!(seen.connection, 1, "{method} {body}");
    }
}

/// A body that drips is cut off after a minute, alone; one of several on its connection.
#[tokio::test]
async fn a_body_that_drips() {
    if !long() {
        return;
    }
    let stack = plan().start().await;
    let mut frames = Frames::of(&stack.secure(Speech::Http2, HOST)).await;
    let head = |method: &str| {
        fields(&[
            (":method", method),
            (":scheme", "https"),
            (":authority", HOST),
            (":path", "/public/x"),
        ])
    };
    frames
        .send(&frame(kind::HEADERS, END_HEADERS, 1, &head("POST")))
        .await;
    let start = Instant::now();
    let mut ticks = tokio::time::interval(SECOND / 2);
    let ended = loop {
        ticks.tick().await;
        frames.send(&frame(kind::DATA, 0, 1, b"x")).await;
        let next = tokio::time::timeout(SECOND / 100, frames.outcome(1)).await;
        if let Ok(outcome) = next {
            break outcome;
        }
        assert!(start.elapsed() < 90 * SECOND, "never cut off");
    };
    let took = start.elapsed();
    assert!((55 * SECOND..70 * SECOND).contains(&took), "{took:?}");
    assert_eq!(ended.expect("still open").kind, kind::RST_STREAM);
    frames
        .send(&frame(kind::HEADERS, END_HEADERS | 1, 3, &head("GET")))
        .await;
    let next = frames.outcome(3).await.expect("still open");
    assert_eq!(next.kind, kind::HEADERS, "the others go on");
}
