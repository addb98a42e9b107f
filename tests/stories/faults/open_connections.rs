//! Whoever is disabled loses what is open within five seconds, on every gateway and over every protocol; what others
//! have open goes on.

use std::time::{Duration, Instant};

use doorward_tests::{
    Ask, Begun, Gateway, PASSWORD, Socket, Speech, Stack, Together, Upload, Visitor, Wire, say,
    until,
};

const HOST: &str = "app.test";
const LIMIT: Duration = Duration::from_secs(5);
/// More than anybody reads here.
const ENDLESS: &str = "/big?8000000000";

/// What one person has open at one gateway: streams of two HTTP/2 connections, and connections of HTTP/1.1. What nobody
/// reads fills the window of its connection.
struct Open {
    connection: Together,
    _downloads: Together,
    events: Begun,
    download: Begun,
    upload: Upload,
    old_events: Wire,
    old_upload: Wire,
    socket: Socket,
}

/// The same person in both languages, at one gateway.
struct Person {
    new: Visitor,
    old: Visitor,
}

impl Person {
    async fn sign_in(stack: &Stack, name: &str) -> Self {
        stack.add_person(name, &[]).await;
        let mut new = stack.secure(Speech::Http2, HOST);
        new.sign_in(name, PASSWORD).await;
        Self {
            new,
            old: stack.again(name).await,
        }
    }

    fn at(&self, gateway: &Gateway) -> Self {
        Self {
            new: self.new.also_at(gateway.tls()),
            old: self.old.also_at(gateway.gate()),
        }
    }

    async fn open(&self) -> Open {
        let connection = self.new.together().await.expect("HTTP/2");
        let downloads = self.new.together().await.expect("HTTP/2");
        let begin = async |connection: &Together, target: &str| {
            let ask = self.new.complete(&Ask::get(target));
            let begun = connection.begin(HOST, &ask).await.expect("an answer");
            assert_eq!(begun.answer.status, 200, "{target}");
            begun
        };
        let put = self.new.complete(&Ask::new("PUT", "/upload"));
        let mut upload = connection.upload(HOST, &put).await.expect("a request");
        upload.piece(b"first").expect("taken");
        let [mut old_events, mut old_upload] = [self.old.wire().await, self.old.wire().await];
        old_events.send(&self.old.bytes(&Ask::get("/events"))).await;
        assert_eq!(old_events.head().await.expect("an answer").status, 200);
        let chunked = Ask::new("PUT", "/upload").header("Transfer-Encoding", "chunked");
        old_upload.send(&self.old.bytes(&chunked)).await;
        old_upload.send(b"5\r\nfirst\r\n").await;
        Open {
            events: begin(&connection, "/events").await,
            download: begin(&downloads, ENDLESS).await,
            upload,
            old_events,
            old_upload,
            socket: self.old.websocket("/ws").await.expect("a WebSocket"),
            connection,
            _downloads: downloads,
        }
    }
}

impl Open {
    async fn ends(mut self, from: Instant) -> Duration {
        let left = || LIMIT.saturating_sub(from.elapsed());
        self.events.reset(left()).await;
        self.download.reset(left()).await;
        self.upload.reset(left()).await;
        self.old_events.closed(left()).await;
        self.old_upload.closed(left()).await;
        self.socket.closed(left()).await;
        from.elapsed()
    }

    /// Each still does what it is for.
    async fn goes_on(mut self, visitor: &Visitor) {
        let heard = self.events.piece().await.expect("an event").expect("whole");
        assert!(heard.ends_with(b"data: still here\n\n"), "{heard:?}");
        for _ in 0..10 {
            let piece = self.download.piece().await.expect("more").expect("whole");
            assert!(!piece.is_empty());
        }
        self.upload.piece(b" second").expect("taken");
        assert_eq!(self.upload.end().await.expect("an answer"), 200);
        let heard = self.old_events.piece().await.expect("an event");
        assert!(heard.ends_with(b"data: still here\n\n"), "{heard:?}");
        self.old_upload.send(b"7\r\n second\r\n0\r\n\r\n").await;
        let answer = self.old_upload.answer_to("PUT").await;
        assert_eq!(answer.expect("an answer").status, 200);
        self.socket.is_alive().await;
        let ask = visitor.complete(&Ask::get("/page"));
        let answer = self.connection.send(HOST, &ask).await.expect("an answer");
        assert_eq!(answer.status, 200);
    }
}

/// How many uploads have arrived in part.
fn half_uploads(stack: &Stack) -> usize {
    let seen = stack.echo.seen();
    let halves = seen.iter().filter(|seen| seen.body() == b"first");
    halves.filter(|seen| !seen.is_complete()).count()
}

on_both_stores! {
    async fn of_who_is_disabled(plan) {
        let stack = plan.gateways(2).tls(&[HOST]).start().await;
        let anna = Person::sign_in(&stack, "anna").await;
        let ben = Person::sign_in(&stack, "ben").await;
        let (mut annas, mut bens) = (Vec::new(), Vec::new());
        for gateway in &stack.gateways {
            annas.push(anna.at(gateway).open().await);
            bens.push((ben.at(gateway).open().await, ben.at(gateway).new));
        }
        until("the uploads have begun", LIMIT, async || (half_uploads(&stack) == 8).then_some(())).await;

        let _ = stack.command(&["user", "disable", "anna"]).await.exits(0);
        let disabled = Instant::now();
        let mut longest = Duration::ZERO;
        for open in annas {
            longest = longest.max(open.ends(disabled).await);
        }
        say(&format!("streams, up- and downloads on two gateways were closed {longest:?} after: disable"));
        let uploads = |seen: &doorward_tests::Seen| seen.is_complete() && seen.method() == "PUT";
        assert_eq!(stack.echo.seen().iter().filter(|seen| uploads(seen)).count(), 0, "nothing passes for whole");

        assert!(stack.echo.tell("still here") >= 4);
        for (open, visitor) in bens {
            open.goes_on(&visitor).await;
        }
        assert_eq!(stack.echo.seen().iter().filter(|seen| uploads(seen)).count(), 4);
    }
}
