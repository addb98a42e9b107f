//! The connection that questions go over: made when first needed, dropped when it fails to answer.

use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, Value};
use tokio::sync::Mutex;

use super::away;
use super::dial::Dial;
use super::line::{Line, Manner};
use super::question::Question;
use crate::session::store::STORE_DEADLINE;
use crate::{Fault, StoreName};

/// How long a connection may take to come up.
const CONNECT: Duration = Duration::from_millis(700);

/// After a failed connection the next try waits this long, and who asks meanwhile is answered at once.
const PAUSE: Duration = Duration::from_millis(200);

/// One shared connection to one server.
pub(super) struct Link {
    client: Client,
    slot: Mutex<Slot>,
}

enum Slot {
    Empty,
    Up {
        connection: MultiplexedConnection,
        number: u64,
    },
    Down {
        since: Instant,
    },
}

impl Link {
    pub(super) fn new(dial: &Dial) -> Result<Self, Fault> {
        Ok(Self {
            client: dial.client()?,
            slot: Mutex::new(Slot::Empty),
        })
    }

    /// Asks something over the shared connection and waits for the answer until `by`.
    pub(super) async fn ask(
        &self,
        by: Instant,
        manner: Manner,
        question: Question<'_>,
    ) -> Result<Value, Fault> {
        let mut used = None;
        let asked = tokio::time::timeout_at(by.into(), async {
            let (connection, number) = self.connection().await?;
            used = Some(number);
            let line = Line::new(connection, manner);
            question.put(line).await.map_err(away)
        });
        match asked.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(fault)) => {
                self.drop_if_dead(used, &fault).await;
                Err(fault)
            }
            Err(late) => {
                self.clear(used).await;
                Err(Fault::away(StoreName::Redis, late))
            }
        }
    }

    async fn connection(&self) -> Result<(MultiplexedConnection, u64), Fault> {
        let mut slot = self.slot.lock().await;
        match &*slot {
            Slot::Up { connection, number } => return Ok((connection.clone(), *number)),
            Slot::Down { since } if since.elapsed() < PAUSE => {
                return Err(Fault::away(
                    StoreName::Redis,
                    "the last connection failed a moment ago",
                ));
            }
            Slot::Down { .. } | Slot::Empty => {}
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(STORE_DEADLINE));
        match self
            .client
            .get_multiplexed_async_connection_with_config(&config)
            .await
        {
            Ok(connection) => {
                let number = next_number();
                *slot = Slot::Up {
                    connection: connection.clone(),
                    number,
                };
                Ok((connection, number))
            }
            Err(error) => {
                *slot = Slot::Down {
                    since: Instant::now(),
                };
                Err(away(error))
            }
        }
    }

    /// An answer like "read only" or a broken pipe means that this connection will not get better.
    async fn drop_if_dead(&self, used: Option<u64>, fault: &Fault) {
        let Some(error) = redis_error(fault) else {
            return;
        };
        let read_only = error.code() == Some("READONLY");
        if read_only || error.is_io_error() || error.is_timeout() || error.is_unrecoverable_error()
        {
            self.clear(used).await;
        }
    }

    async fn clear(&self, used: Option<u64>) {
        let Some(used) = used else { return };
        let mut slot = self.slot.lock().await;
        if matches!(&*slot, Slot::Up { number, .. } if *number == used) {
            *slot = Slot::Empty;
        }
    }
}

/// What Redis itself said, if the fault is an answer of Redis.
pub(super) fn redis_error(fault: &Fault) -> Option<&RedisError> {
    match fault {
        Fault::StoreAway { source, .. } | Fault::Unfollowed { source, .. } => source.downcast_ref(),
        Fault::Broken { .. } => None,
    }
}

/// Tells one connection from the next, so that a late failure does not drop its successor.
fn next_number() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
