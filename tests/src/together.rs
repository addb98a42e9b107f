//! One connection for many requests at once: HTTP/2.

use std::time::Duration;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest, handshake};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request, Response, Version};

use crate::{Answer, Ask, Pipe, within};

const PATIENCE: Duration = Duration::from_secs(30);

/// A connection.
#[derive(Clone)]
pub struct Together {
    requests: SendRequest<Bytes>,
}

/// A request whose body is on its way.
pub struct Upload {
    answer: ResponseFuture,
    sending: SendStream<Bytes>,
}

/// A request whose answer has begun.
pub struct Begun {
    /// The answer's head.
    pub answer: Answer,
    body: RecvStream,
    _request: SendStream<Bytes>,
}

impl Together {
    /// Speaks HTTP/2 from here on.
    ///
    /// # Errors
    /// The other end does not.
    pub async fn over(pipe: Pipe) -> Result<Self, h2::Error> {
        let (requests, connection) = handshake(pipe).await?;
        tokio::spawn(async move {
            // Whoever waits for an answer hears of it.
            let _ = connection.await;
        });
        Ok(Self { requests })
    }

    /// Sends a request and waits for the beginning of its answer.
    ///
    /// # Errors
    /// It is refused without one.
    pub async fn begin(&self, host: &str, ask: &Ask) -> Result<Begun, h2::Error> {
        let (request, body) = ask.together(host);
        let ready = within(
            "room for a request",
            PATIENCE,
            self.requests.clone().ready(),
        );
        let mut requests = ready.await?;
        let (response, mut sending) = requests.send_request(request, body.is_empty())?;
        if !body.is_empty() {
            sending.send_data(body, true)?;
        }
        let response = within("the beginning of an answer", PATIENCE, response).await?;
        let (answer, body) = answer(response);
        Ok(Begun {
            answer,
            body,
            _request: sending,
        })
    }

    /// Sends the head of a request, whose body follows piece by piece.
    ///
    /// # Errors
    /// No request may be sent.
    pub async fn upload(&self, host: &str, ask: &Ask) -> Result<Upload, h2::Error> {
        let (request, _) = ask.together(host);
        let mut requests = self.requests.clone().ready().await?;
        let (answer, sending) = requests.send_request(request, false)?;
        Ok(Upload { answer, sending })
    }

    /// Sends a request and reads its whole answer.
    ///
    /// # Errors
    /// There is none, or not all of it.
    pub async fn send(&self, host: &str, ask: &Ask) -> Result<Answer, h2::Error> {
        let mut begun = self.begin(host, ask).await?;
        while let Some(piece) = begun.piece().await {
            begun.answer.body.extend_from_slice(&piece?);
        }
        Ok(begun.answer)
    }

    /// Waits until no request may be sent any more.
    pub async fn ended(&self, limit: Duration) {
        let mut requests = self.requests.clone();
        crate::until("the connection ends", limit, async || {
            std::future::poll_fn(|cx| requests.poll_ready(cx))
                .await
                .err()
        })
        .await;
    }
}

impl Upload {
    /// Sends one more piece.
    ///
    /// # Errors
    /// The other side wants no more.
    pub fn piece(&mut self, piece: &'static [u8]) -> Result<(), h2::Error> {
        self.sending.send_data(Bytes::from_static(piece), false)
    }

    /// Ends the body; the status of the answer.
    ///
    /// # Errors
    /// There is none.
    pub async fn end(mut self) -> Result<u16, h2::Error> {
        self.sending.send_data(Bytes::new(), true)?;
        let answer = within("the beginning of an answer", PATIENCE, self.answer).await?;
        Ok(answer.status().as_u16())
    }

    /// Waits, saying nothing, until the other side resets it instead of answering.
    pub async fn reset(self, limit: Duration) {
        let answer = within("an upload is reset", limit, self.answer).await;
        let status = answer.map(|answer| answer.status());
        assert!(status.is_err(), "answered: {status:?}");
    }
}

impl Begun {
    /// The next piece of the body; `None` after the last one.
    pub async fn piece(&mut self) -> Option<Result<Bytes, h2::Error>> {
        let piece = within("a piece of an answer", PATIENCE, self.body.data()).await?;
        Some(piece.inspect(|bytes| {
            let _ = self.body.flow_control().release_capacity(bytes.len());
        }))
    }

    /// What follows the body, after its last piece.
    pub async fn trailers(&mut self) -> Option<HeaderMap> {
        let trailers = within("trailers", PATIENCE, self.body.trailers()).await;
        trailers.ok().flatten()
    }

    /// Waits, saying nothing, until the other side resets it; how.
    pub async fn reset(&mut self, limit: Duration) -> h2::Error {
        within("a request is reset", limit, async {
            loop {
                match self.body.data().await {
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return error,
                    None => panic!("the answer came to its end"),
                }
            }
        })
        .await
    }
}

fn answer(response: Response<RecvStream>) -> (Answer, RecvStream) {
    let (head, body) = response.into_parts();
    let headers = head.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.to_string(), value)
    });
    let answer = Answer {
        status: head.status.as_u16(),
        headers: headers.collect(),
        body: Vec::new(),
    };
    (answer, body)
}

impl Ask {
    /// The request as HTTP/2 has it: `Host` is the authority.
    fn together(&self, host: &str) -> (Request<()>, Bytes) {
        let host = self.value("host").unwrap_or(host);
        let mut request = Request::builder()
            .version(Version::HTTP_2)
            .method(self.method())
            .uri(format!("https://{host}{}", self.target()));
        for (name, value) in self.headers() {
            if !name.eq_ignore_ascii_case("host") {
                request = request.header(name, value);
            }
        }
        let body = Bytes::copy_from_slice(self.content());
        (request.body(()).expect("a request"), body)
    }
}
