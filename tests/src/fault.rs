//! A TCP proxy between gateway and Redis that breaks one of their two kinds of conversation at a time: the *watch*
//! (the connection on which `CLIENT TRACKING` was asked for) or the *data* (every other one).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

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
    /// Closed; new ones are closed as soon as they are known to be of this kind.
    Cut,
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
        while self.rule() != Rule::Cut {
            tokio::select! {
                _ = watch.changed() => {}
                _ = data.changed() => {}
            }
        }
    }
}

async fn carry(client: TcpStream, target: SocketAddr, shared: Arc<Shared>) -> io::Result<()> {
    let server = TcpStream::connect(target).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let line = Line {
        shared,
        watches: AtomicBool::new(false),
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = line.cut() => Ok(()),
        end = requests(&line, from_client, to_server) => end,
        end = replies(&line, from_server, to_client) => end,
    }
}

async fn requests(line: &Line, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        if find(&buffer[..count], b"TRACKING").is_some() {
            line.watches.store(true, Ordering::SeqCst);
        }
        match line.rule() {
            Rule::Cut => return Ok(()),
            Rule::Silent => {
                let _ = line.rules().wait_for(|rule| *rule != Rule::Silent).await;
            }
            Rule::Pass | Rule::HoldReplies => {}
        }
        to.write_all(&buffer[..count]).await?;
    }
}

async fn replies(line: &Line, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        if matches!(line.rule(), Rule::HoldReplies | Rule::Silent) {
            line.shared.held.fetch_add(1, Ordering::SeqCst);
            let _ = line
                .rules()
                .wait_for(|rule| matches!(rule, Rule::Pass | Rule::Cut))
                .await;
        }
        to.write_all(&buffer[..count]).await?;
    }
}
