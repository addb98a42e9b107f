//! A mail server (RFC 5321) that behaves as it is told, and keeps what it took.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::until;

/// How it behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// As a mail server should.
    Willing,
    /// Every answer takes its time.
    Slow,
    /// It connects and says nothing.
    Silent,
    /// It refuses everybody for now.
    Refusing,
    /// It takes a message and hangs up before it says so.
    Dropping,
}

/// A message as it was handed over.
#[derive(Clone, Debug)]
pub struct Letter {
    /// To whom (`RCPT TO`).
    pub to: String,
    /// Head and body.
    pub text: String,
}

impl Letter {
    /// The eight digits that come first in the subject.
    #[must_use]
    pub fn code(&self) -> String {
        let code: String = self.header("Subject").chars().take(8).collect();
        assert!(code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
        code
    }

    /// The value of a header that stands on one line.
    #[must_use]
    pub fn header(&self, name: &str) -> String {
        let start = format!("{name}: ");
        let line = self.text.lines().find_map(|line| line.strip_prefix(&start));
        line.expect("the header").trim().to_owned()
    }
}

struct Book {
    mood: Mood,
    letters: Vec<Letter>,
}

/// The server. Ends when it is dropped.
pub struct MailServer {
    address: SocketAddr,
    book: Arc<Mutex<Book>>,
    task: Option<JoinHandle<()>>,
}

impl MailServer {
    /// Starts one that is willing, on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let book = Arc::new(Mutex::new(Book {
            mood: Mood::Willing,
            letters: Vec::new(),
        }));
        let task = Some(serve(listener, &book));
        Self {
            address,
            book,
            task,
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes it behave so, for every conversation from now on.
    pub fn be(&self, mood: Mood) {
        self.book
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .mood = mood;
    }

    /// Nobody listens any more.
    pub async fn stop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            let _ = task.await;
        }
    }

    /// Somebody listens again, at the same place.
    pub async fn start_again(&mut self) {
        let bind = async || TcpListener::bind(self.address).await.ok();
        let listener = until("the port is free", Duration::from_secs(10), bind).await;
        self.task = Some(serve(listener, &self.book));
    }

    /// What it took so far for somebody.
    #[must_use]
    pub fn letters(&self, to: &str) -> Vec<Letter> {
        let book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        let theirs = book.letters.iter().filter(|letter| letter.to == to);
        theirs.cloned().collect()
    }

    /// The first letter to somebody, once it has come.
    pub async fn letter(&self, to: &str, limit: Duration) -> Letter {
        let what = format!("mail to {to}");
        until(&what, limit, async || self.letters(to).first().cloned()).await
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

fn serve(listener: TcpListener, book: &Arc<Mutex<Book>>) -> JoinHandle<()> {
    let book = Arc::clone(book);
    tokio::spawn(async move {
        let mut conversations = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let book = Arc::clone(&book);
            // Whoever goes away in the middle of it is no matter.
            conversations.spawn(async move { talk(stream, &book).await.ok() });
        }
    })
}

async fn talk(stream: TcpStream, book: &Mutex<Book>) -> std::io::Result<()> {
    let mood = || book.lock().unwrap_or_else(PoisonError::into_inner).mood;
    let mut stream = BufReader::new(stream);
    if mood() == Mood::Silent {
        return std::future::pending().await;
    }
    let mut to = String::new();
    say(&mut stream, mood(), "220 mail.test").await?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let answer = match (verb.as_str(), mood()) {
            ("EHLO" | "HELO", _) => "250 mail.test",
            ("MAIL", Mood::Refusing) => "451 not now",
            ("RCPT", _) => {
                let address = line.split(['<', '>']).nth(1);
                address.unwrap_or_default().clone_into(&mut to);
                "250 fine"
            }
            ("DATA", _) => {
                say(&mut stream, mood(), "354 go on").await?;
                let text = body(&mut stream).await?;
                let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
                book.letters.push(Letter {
                    to: to.clone(),
                    text,
                });
                if book.mood == Mood::Dropping {
                    return Ok(());
                }
                "250 taken"
            }
            ("QUIT", _) => return say(&mut stream, mood(), "221 bye").await,
            _ => "250 fine",
        };
        say(&mut stream, mood(), answer).await?;
    }
}

/// Everything up to the line with a single dot.
async fn body(stream: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut text = String::new();
    loop {
        let start = text.len();
        if stream.read_line(&mut text).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if text.get(start..) == Some(".\r\n") {
            text.truncate(start);
            return Ok(text);
        }
    }
}

async fn say(stream: &mut BufReader<TcpStream>, mood: Mood, line: &str) -> std::io::Result<()> {
    if mood == Mood::Slow {
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    stream.write_all(format!("{line}\r\n").as_bytes()).await
}
