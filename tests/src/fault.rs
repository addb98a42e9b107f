//! A TCP proxy that breaks what goes through it: delays, drips, holds back, cuts, resets, or refuses in Redis' words.
//! Between gateway and Redis it breaks one of their two kinds of conversation at a time: the *watch* (the connection
//! on which `CLIENT TRACKING` was asked for) or the *data* (every other one). All else, as that between gateway and
//! site, is *data*.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, watch};
use tokio::time::timeout;

use crate::wire::find;

/// What happens to one kind of conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Passes.
    Pass,
    /// Requests arrive, replies are kept back until the rule is `Pass` again.
    HoldReplies,
    /// Nothing passes in either direction, nothing is closed.
    Silent,
    /// Each piece of a reply arrives so much later.
    Delay(Duration),
    /// Replies arrive one byte at a time, each after such a pause.
    Drip(Duration),
    /// Closed; new ones are closed as soon as they are known to be of this kind.
    Cut,
    /// As `Cut`, but with a reset (RST), as from a machine that has crashed.
    Reset,
    /// Each command of Redis' protocol is answered with this error, and does not arrive.
    Refuse(&'static str),
}

impl Rule {
    fn closes(self) -> bool {
        matches!(self, Self::Cut | Self::Reset)
    }
}

struct Shared {
    watch: watch::Sender<Rule>,
    data: watch::Sender<Rule>,
    held: AtomicUsize,
}

/// The proxy.
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl FaultProxy {
    /// Starts one in front of `target`.
    pub async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let shared = Arc::new(Shared {
            watch: watch::Sender::new(Rule::Pass),
            data: watch::Sender::new(Rule::Pass),
            held: AtomicUsize::new(0),
        });
        let for_all = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let shared = Arc::clone(&for_all);
                tokio::spawn(async move {
                    let _ = carry(client, target, shared).await;
                });
            }
        });
        Self { address, shared }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets what happens to the watch connections.
    pub fn watch(&self, rule: Rule) {
        self.shared.watch.send_replace(rule);
    }

    /// Sets what happens to every other connection.
    pub fn data(&self, rule: Rule) {
        self.shared.data.send_replace(rule);
    }

    /// How many replies have been kept back so far.
    #[must_use]
    pub fn held(&self) -> usize {
        self.shared.held.load(Ordering::SeqCst)
    }
}

/// One connection and what is known of it.
struct Line {
    shared: Arc<Shared>,
    watches: AtomicBool,
}

impl Line {
    fn rules(&self) -> watch::Receiver<Rule> {
        if self.watches.load(Ordering::SeqCst) {
            self.shared.watch.subscribe()
        } else {
            self.shared.data.subscribe()
        }
    }

    fn rule(&self) -> Rule {
        *self.rules().borrow()
    }

    /// Returns when this connection has to be closed.
    async fn cut(&self) {
        let mut watch = self.shared.watch.subscribe();
        let mut data = self.shared.data.subscribe();
        while !self.rule().closes() {
            tokio::select! {
                _ = watch.changed() => {}
                _ = data.changed() => {}
            }
        }
    }

    /// Waits so long, or until another rule holds.
    async fn pause(&self, rule: Rule, pause: Duration) {
        let mut rules = self.rules();
        let _ = timeout(pause, rules.wait_for(|now| *now != rule)).await;
    }
}

async fn carry(mut client: TcpStream, target: SocketAddr, shared: Arc<Shared>) -> io::Result<()> {
    let mut server = TcpStream::connect(target).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let line = Line {
        shared,
        watches: AtomicBool::new(false),
    };
    let end = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let to_client = Mutex::new(to_client);
        tokio::select! {
            () = line.cut() => Ok(()),
            end = requests(&line, from_client, to_server, &to_client) => end,
            end = replies(&line, from_server, &to_client) => end,
        }
    };
    if line.rule() == Rule::Reset {
        client.set_zero_linger()?;
        server.set_zero_linger()?;
    }
    end
}

async fn requests(
    line: &Line,
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    back: &Mutex<WriteHalf<'_>>,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    let mut commands = Vec::new();
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        if find(&buffer[..count], b"TRACKING").is_some() {
            line.watches.store(true, Ordering::SeqCst);
        }
        match line.rule() {
            Rule::Cut | Rule::Reset => return Ok(()),
            Rule::Silent => {
                let _ = line.rules().wait_for(|rule| *rule != Rule::Silent).await;
            }
            Rule::Refuse(error) => {
                commands.extend_from_slice(&buffer[..count]);
                while let Some(end) = command_end(&commands) {
                    commands.drain(..end);
                    let reply = format!("-{error}\r\n");
                    back.lock().await.write_all(reply.as_bytes()).await?;
                }
                continue;
            }
            Rule::Pass | Rule::HoldReplies | Rule::Delay(_) | Rule::Drip(_) => {}
        }
        to.write_all(&buffer[..count]).await?;
    }
}

async fn replies(line: &Line, mut from: ReadHalf<'_>, to: &Mutex<WriteHalf<'_>>) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        let mut rest = &buffer[..count];
        match line.rule() {
            Rule::HoldReplies | Rule::Silent => {
                line.shared.held.fetch_add(1, Ordering::SeqCst);
                let passes = |rule: &Rule| !matches!(rule, Rule::HoldReplies | Rule::Silent);
                let _ = line.rules().wait_for(passes).await;
            }
            rule @ Rule::Delay(pause) => line.pause(rule, pause).await,
            Rule::Drip(_) => {
                while let (rule @ Rule::Drip(pause), [first, more @ ..]) = (line.rule(), rest) {
                    to.lock().await.write_all(&[*first]).await?;
                    rest = more;
                    line.pause(rule, pause).await;
                }
            }
            Rule::Pass | Rule::Cut | Rule::Reset | Rule::Refuse(_) => {}
        }
        to.lock().await.write_all(rest).await?;
    }
}

/// Where the first command ends: an array of bulk strings (Redis serialization protocol).
fn command_end(bytes: &[u8]) -> Option<usize> {
    let (count, mut at) = number(bytes, 0, b'*')?;
    for _ in 0..count {
        let (length, begin) = number(bytes, at, b'$')?;
        at = begin + length + 2;
    }
    (at <= bytes.len()).then_some(at)
}

/// The number in the line at `at`, and where the next line begins.
fn number(bytes: &[u8], at: usize, kind: u8) -> Option<(usize, usize)> {
    let line = bytes.get(at..)?;
    let end = find(line, b"\r\n")?;
    assert_eq!(line[0], kind, "what is said is no command of Redis'");
    let digits = std::str::from_utf8(&line[1..end]).expect("digits");
    Some((digits.parse().expect("a number"), at + end + 2))
}
