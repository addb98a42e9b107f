//! A mail server that does what it is told, wrong if need be.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What it does wrong, once each, in order.
pub(super) enum Answer {
    /// Says this to the next such command.
    Refuse(&'static str, &'static str),
    /// Keeps a message and hangs up without a word.
    DropAfterTaking,
}

/// A message as it was handed over.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) from: String,
    pub(super) to: Vec<String>,
    pub(super) text: String,
}

#[derive(Default)]
struct Book {
    answers: VecDeque<Answer>,
    taken: Vec<Taken>,
    heard: Vec<String>,
    conversations: usize,
}

pub(super) struct Server {
    pub(super) port: u16,
    book: Arc<Mutex<Book>>,
    count: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(super) async fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let book = Arc::new(Mutex::new(Book {
            answers: answers.into(),
            ..Book::default()
        }));
        let (counter, count) = watch::channel(0);
        let shared = Arc::clone(&book);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (book, counter) = (Arc::clone(&shared), counter.clone());
                tokio::spawn(async move {
                    // A client that goes away is no matter.
                    let _ = talk(stream, &book, &counter).await;
                });
            }
        });
        Self {
            port,
            book,
            count,
            task,
        }
    }

    /// Nobody listens there any more.
    pub(super) async fn stop(mut self) -> u16 {
        self.task.abort();
        let _ = (&mut self.task).await;
        self.port
    }

    pub(super) fn taken(&self) -> Vec<Taken> {
        self.book.lock().unwrap().taken.clone()
    }

    pub(super) fn heard(&self) -> Vec<String> {
        self.book.lock().unwrap().heard.clone()
    }

    pub(super) fn conversations(&self) -> usize {
        self.book.lock().unwrap().conversations
    }

    pub(super) async fn wait_for(&self, count: usize) {
        let mut counter = self.count.clone();
        counter.wait_for(|taken| *taken >= count).await.unwrap();
    }
}

fn refusal(book: &Mutex<Book>, word: &str) -> Option<&'static str> {
    let mut book = book.lock().unwrap();
    match book.answers.front() {
        Some(Answer::Refuse(command, said)) if *command == word => {
            let said = *said;
            book.answers.pop_front();
            Some(said)
        }
        _ => None,
    }
}

async fn talk(
    stream: TcpStream,
    book: &Mutex<Book>,
    counter: &watch::Sender<usize>,
) -> std::io::Result<()> {
    book.lock().unwrap().conversations += 1;
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    if let Some(said) = refusal(book, "greeting") {
        return write.write_all(format!("{said}\r\n").as_bytes()).await;
    }
    write.write_all(b"220 test ESMTP\r\n").await?;
    let (mut from, mut to) = (String::new(), Vec::new());
    while let Some(line) = lines.next_line().await? {
        book.lock().unwrap().heard.push(line.clone());
        let word = line
            .split([' ', ':'])
            .next()
            .unwrap_or_default()
            .to_uppercase();
        if let Some(said) = refusal(book, &word) {
            write.write_all(format!("{said}\r\n").as_bytes()).await?;
            continue;
        }
        let between = || line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        let said = match word.as_str() {
            "EHLO" => "250-test\r\n250-8BITMIME\r\n250 SMTPUTF8",
            "MAIL" => {
                (from, to) = (between(), Vec::new());
                "250 ok"
            }
            "RCPT" => {
                to.push(between());
                "250 ok"
            }
            "DATA" => {
                write.write_all(b"354 go on\r\n").await?;
                let text = read_message(&mut lines).await?;
                let taken = Taken {
                    from: from.clone(),
                    to: to.clone(),
                    text,
                };
                if take(taken, book, counter) == Then::HangUp {
                    return Ok(());
                }
                "250 taken"
            }
            "QUIT" => "221 bye",
            _ => "502 what",
        };
        write.write_all(format!("{said}\r\n").as_bytes()).await?;
        if word == "QUIT" {
            return Ok(());
        }
    }
    Ok(())
}

async fn read_message(
    lines: &mut tokio::io::Lines<BufReader<tokio::net::tcp::OwnedReadHalf>>,
) -> std::io::Result<String> {
    let mut text = String::new();
    while let Some(line) = lines.next_line().await? {
        if line == "." {
            break;
        }
        text.push_str(&line);
        text.push_str("\r\n");
    }
    Ok(text)
}

#[derive(PartialEq)]
enum Then {
    Answer,
    HangUp,
}

fn take(taken: Taken, book: &Mutex<Book>, counter: &watch::Sender<usize>) -> Then {
    let mut book = book.lock().unwrap();
    book.taken.push(taken);
    counter.send_replace(book.taken.len());
    if matches!(book.answers.front(), Some(Answer::DropAfterTaking)) {
        book.answers.pop_front();
        return Then::HangUp;
    }
    Then::Answer
}
