//! The visitor's end of a WebSocket.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Message, handshake};

use crate::{Ask, Pipe, Wire, within};

/// An open WebSocket.
pub struct Socket(WebSocketStream<Pipe>);

impl Socket {
    /// Shakes hands with bytes of the caller's making: `bytes` is handed a function that adds the handshake headers.
    pub(crate) async fn open<Bytes>(mut wire: Wire, bytes: Bytes) -> Result<Self, u16>
    where
        Bytes: FnOnce(&dyn Fn(Ask) -> Ask) -> Vec<u8>,
    {
        let key = handshake::client::generate_key();
        let bytes = bytes(&|ask| {
            ask.header("Connection", "Upgrade")
                .header("Upgrade", "websocket")
                .header("Sec-WebSocket-Version", "13")
                .header("Sec-WebSocket-Key", &key)
        });
        wire.send(&bytes).await;
        let answer = wire.head().await.ok_or(0_u16)?;
        if answer.status != 101 {
            return Err(answer.status);
        }
        let accept = handshake::derive_accept_key(key.as_bytes());
        assert_eq!(answer.header("sec-websocket-accept"), Some(accept.as_str()));
        let (stream, rest) = wire.into_parts();
        let socket = WebSocketStream::from_partially_read(stream, rest, Role::Client, None).await;
        Ok(Self(socket))
    }

    /// Says a text.
    pub async fn say(&mut self, text: &str) {
        self.0
            .send(Message::text(text))
            .await
            .expect("an open WebSocket");
    }

    /// Hears the next text; panics when none comes in time.
    pub async fn hear(&mut self, limit: Duration) -> String {
        within("hearing something on a WebSocket", limit, async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Text(text))) => return text.to_string(),
                    Some(Ok(_)) => {}
                    end => panic!("the WebSocket ended: {end:?}"),
                }
            }
        })
        .await
    }

    /// Says something and hears it echoed: proves that the connection is alive both ways.
    pub async fn is_alive(&mut self) {
        self.say("still there?").await;
        assert_eq!(self.hear(Duration::from_secs(5)).await, "still there?");
    }

    /// Waits, saying nothing, until the other side ends it; how long that took. Panics after `limit`.
    pub async fn closed(&mut self, limit: Duration) -> Duration {
        let start = Instant::now();
        within("an idle WebSocket is closed", limit, async {
            while let Some(Ok(message)) = self.0.next().await {
                if message.is_close() {
                    break;
                }
            }
        })
        .await;
        start.elapsed()
    }
}
