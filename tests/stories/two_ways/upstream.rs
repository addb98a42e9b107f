//! An upstream that answers by a script.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What an upstream does when it has answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Stays,
    Closes,
}

/// An answer, in the pieces that it is written in.
pub(super) struct Script {
    pub(super) name: &'static str,
    pub(super) pieces: &'static [&'static str],
    pub(super) then: Then,
    /// The status, and what the client's bytes end with.
    pub(super) client: (u16, &'static str),
}

impl Script {
    /// Whether the answer begins and is never whole.
    pub(super) fn breaks_off(&self) -> bool {
        matches!(self.name, "too-little" | "too-few-chunks" | "no-chunk")
    }
}

const fn script(
    name: &'static str,
    pieces: &'static [&'static str],
    then: Then,
    client: (u16, &'static str),
) -> Script {
    Script {
        name,
        pieces,
        then,
        client,
    }
}

use Then::{Closes, Stays};

pub(super) const SCRIPTS: &[Script] = &[
    script(
        "at-once",
        &["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"],
        Stays,
        (200, "\r\n\r\nhello"),
    ),
    script(
        "in-pieces",
        &[
            "HTTP/1.1 200 O",
            "K\r\nContent-Le",
            "ngth: 5\r\n\r",
            "\nhe",
            "ll",
            "o",
        ],
        Stays,
        (200, "\r\n\r\nhello"),
    ),
    script(
        "nothing",
        &["HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
        Stays,
        (200, "\r\n\r\n"),
    ),
    script(
        "chunked",
        &["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"],
        Stays,
        (200, "hello\r\n0\r\n\r\n"),
    ),
    script(
        "chunked-in-pieces",
        &[
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "0",
            "5;x=y\r",
            "\nhello\r\n",
            "0\r\nX-Trailer: 1\r\n",
            "\r\n",
        ],
        Stays,
        (200, "hello\r\n0\r\n\r\n"),
    ),
    script(
        "length-and-chunks",
        &[
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        ],
        Stays,
        (200, "hello\r\n0\r\n\r\n"),
    ),
    script(
        "until-it-closes",
        &["HTTP/1.1 200 OK\r\n\r\nhel", "lo"],
        Closes,
        (200, "lo\r\n0\r\n\r\n"),
    ),
    script(
        "old",
        &["HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"],
        Closes,
        (200, "\r\n\r\nhello"),
    ),
    script(
        "old-until-it-closes",
        &["HTTP/1.0 200 OK\r\n\r\n", "hello"],
        Closes,
        (200, "hello\r\n0\r\n\r\n"),
    ),
    script(
        "no-content",
        &["HTTP/1.1 204 No Content\r\n\r\n"],
        Stays,
        (204, "\r\n\r\n"),
    ),
    script(
        "not-modified",
        &["HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: \"1\"\r\n\r\n"],
        Stays,
        (304, "\r\n\r\n"),
    ),
    script(
        "interim",
        &[
            "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        ],
        Stays,
        (103, "\r\n\r\nhello"),
    ),
    script(
        "last",
        &["HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"],
        Closes,
        (200, "\r\n\r\nhello"),
    ),
    script(
        "too-much",
        &[
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        ],
        Stays,
        (200, "\r\n\r\nhello"),
    ),
    script(
        "too-little",
        &["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "hello"],
        Closes,
        (200, "\r\n\r\nhello"),
    ),
    script(
        "too-few-chunks",
        &[
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "5\r\nhello\r\n",
        ],
        Closes,
        (200, "hello\r\n"),
    ),
    script(
        "no-chunk",
        &[
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "5\r\nhello\r\n",
            "ZZ\r\n",
        ],
        Stays,
        (200, "hello\r\n"),
    ),
    script("no-answer", &[""], Closes, (502, "")),
    script(
        "half-a-head",
        &["HTTP/1.1 200 OK\r\nContent-"],
        Closes,
        (502, ""),
    ),
    script(
        "no-http",
        &["220 mail.test ESMTP\r\n\r\n"],
        Closes,
        (502, ""),
    ),
    script(
        "two-lengths",
        &["HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"],
        Stays,
        (502, ""),
    ),
    script(
        "switches",
        &["HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"],
        Stays,
        (502, ""),
    ),
    script("silent", &[], Stays, (504, "")),
];

/// An upstream that answers by the script, and knows which connection each request came on.
pub(super) struct Upstream {
    pub(super) address: SocketAddr,
    noted: Arc<Mutex<Noted>>,
}

#[derive(Default)]
struct Noted {
    /// The number of a connection, and a head that came there.
    asked: Vec<(usize, String)>,
    closed: Vec<usize>,
}

impl Upstream {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let noted = Arc::new(Mutex::default());
        let all = Arc::clone(&noted);
        tokio::spawn(async move {
            let mut connections = 0;
            while let Ok((stream, _)) = listener.accept().await {
                connections += 1;
                let (number, noted) = (connections, Arc::clone(&all));
                tokio::spawn(async move {
                    play(stream, number, &noted).await;
                    noted.lock().expect("unpoisoned").closed.push(number);
                });
            }
        });
        Self { address, noted }
    }

    /// The connections that this was asked for on.
    pub(super) fn asked_for(&self, target: &str) -> Vec<usize> {
        let noted = self.noted.lock().expect("unpoisoned");
        let same = noted.asked.iter().filter(|(_, head)| {
            let line = head.lines().next().unwrap_or_default();
            line.split(' ').nth(1) == Some(target)
        });
        same.map(|(connection, _)| *connection).collect()
    }

    pub(super) fn has_closed(&self, connection: usize) -> bool {
        let noted = self.noted.lock().expect("unpoisoned");
        noted.closed.contains(&connection)
    }

    /// The lines of the last head, without what is another one in every request.
    pub(super) fn last(&self) -> Vec<String> {
        let noted = self.noted.lock().expect("unpoisoned");
        let (_, head) = noted.asked.last().expect("a request");
        let mut lines: Vec<String> = head.lines().map(str::to_lowercase).collect();
        lines.retain(|line| !line.starts_with("x-request-id:"));
        lines.sort_unstable();
        lines
    }
}

async fn play(mut stream: TcpStream, number: usize, noted: &Mutex<Noted>) {
    stream.set_nodelay(true).expect("a socket");
    let mut first = true;
    while let Some(head) = read_head(&mut stream).await {
        let asked = (number, head.clone());
        noted.lock().expect("unpoisoned").asked.push(asked);
        let script = SCRIPTS
            .iter()
            .find(|script| head.contains(&format!("/{} ", script.name)));
        if !first && head.contains("/once ") {
            return;
        }
        if !first && head.contains("/once-hinted ") {
            let hint = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
            stream.write_all(hint).await.expect("written");
            return;
        }
        first = false;
        let (pieces, then) = script.map_or((SCRIPTS[0].pieces, Then::Stays), |script| {
            (script.pieces, script.then)
        });
        for piece in pieces {
            if stream.write_all(piece.as_bytes()).await.is_err() {
                return;
            }
            // Whoever reads sees the pieces one by one.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        if then == Then::Closes {
            return;
        }
    }
}

async fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = stream.read_u8().await.ok()?;
        head.push(byte);
    }
    String::from_utf8(head).ok()
}
