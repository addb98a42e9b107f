//! Hearing of changes: connections of its own, on which Redis pushes the names of changed keys.
//!
//! Not redis' `ConnectionManager`, which reconnects without tracking. Pushes and the answer to a `PING` come over
//! a connection in order: once the answer is here, every change before it has been pushed.

mod trackers;

use std::time::{Duration, Instant};

use redis::{PushInfo, PushKind, RedisError, Value};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::keys::session_of;
use super::place::Place;
use crate::Fault;
use crate::session::Event;
use trackers::Trackers;

/// How often the connection is asked for a sign of life.
const PERIOD: Duration = Duration::from_millis(250);

/// Without an answer for this long the connection is dead.
const DEADLINE: Duration = Duration::from_millis(750);

/// Pause before the next connection after one was lost.
const PAUSE: Duration = Duration::from_millis(200);

/// More pushes waiting than this are not read one by one.
const BACKLOG: usize = 10_000;

type Pushes = mpsc::UnboundedReceiver<PushInfo>;

/// Follows until the receiver is gone, over one connection after the other.
pub(super) async fn watch(place: &Place, to: mpsc::Sender<Event>) {
    loop {
        match follow(place, &to).await {
            End::NobodyListens => return,
            End::Lost(why) => tracing::debug!(%why, "the watch on redis is lost"),
        }
        if to.send(Event::Lost).await.is_err() {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Why a connection is no longer followed.
enum End {
    NobodyListens,
    Lost(String),
}

impl From<RedisError> for End {
    fn from(error: RedisError) -> Self {
        Self::Lost(error.to_string())
    }
}

impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::StoreAway { source, .. } | Fault::Unfollowed { source, .. } => {
                Self::Lost(source.to_string())
            }
            fault @ Fault::Broken { .. } => Self::Lost(fault.to_string()),
        }
    }
}

impl<T> From<mpsc::error::SendError<T>> for End {
    fn from(_: mpsc::error::SendError<T>) -> Self {
        Self::NobodyListens
    }
}

async fn follow(place: &Place, to: &mpsc::Sender<Event>) -> End {
    match follow_one(place, to).await {
        Ok(never) => match never {},
        Err(end) => end,
    }
}

async fn follow_one(
    place: &Place,
    to: &mpsc::Sender<Event>,
) -> Result<std::convert::Infallible, End> {
    let (sender, mut pushes) = mpsc::unbounded_channel();
    let trackers = Trackers::connect(place, &sender).await?;
    // They have their own: when the last one is closed, so is the channel.
    drop(sender);
    // Only now, with the tracking on: what is read from here on is told of when it changes.
    to.send(Event::Everything).await?;
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            push = pushes.recv() => pass_on(push, &mut pushes, to).await?,
            _ = ticks.tick() => prove(&trackers, &mut pushes, to).await?,
        }
    }
}

/// Asks for a sign of life. While it is awaited, pushes go on.
async fn prove(
    trackers: &Trackers<'_>,
    pushes: &mut Pushes,
    to: &mpsc::Sender<Event>,
) -> Result<(), End> {
    let as_of = Instant::now();
    let answer = trackers.prove(as_of);
    tokio::pin!(answer);
    loop {
        tokio::select! {
            biased;
            push = pushes.recv() => pass_on(push, pushes, to).await?,
            answer = &mut answer => {
                answer?;
                break;
            }
        }
    }
    // The connection hands over pushes before the answer that came behind them.
    while let Ok(push) = pushes.try_recv() {
        pass_on(Some(push), pushes, to).await?;
    }
    to.send(Event::Alive { as_of }).await?;
    Ok(())
}

async fn pass_on(
    push: Option<PushInfo>,
    pushes: &mut Pushes,
    to: &mpsc::Sender<Event>,
) -> Result<(), End> {
    let Some(push) = push else {
        return Err(End::Lost("the connection was closed".to_owned()));
    };
    if pushes.len() > BACKLOG {
        while let Ok(PushInfo { kind, .. }) = pushes.try_recv() {
            if kind == PushKind::Disconnection {
                return Err(End::Lost("the server closed the connection".to_owned()));
            }
        }
        to.send(Event::Everything).await?;
        return Ok(());
    }
    match push.kind {
        PushKind::Disconnection => {
            return Err(End::Lost("the server closed the connection".to_owned()));
        }
        PushKind::Invalidate => {
            for event in invalidated(&push.data) {
                to.send(event).await?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// The keys an `invalidate` push names; a push that names none, or a key that is not understood, means all.
fn invalidated(data: &[Value]) -> Vec<Event> {
    let [Value::Array(keys)] = data else {
        return vec![Event::Everything];
    };
    keys.iter()
        .map(|key| match key {
            Value::BulkString(name) => changed(name),
            _ => Event::Everything,
        })
        .collect()
}

fn changed(name: &[u8]) -> Event {
    session_of(name).map_or(Event::Everything, Event::Changed)
}

#[cfg(test)]
mod tests {
    use super::super::keys::SESSIONS;
    use super::*;
    use crate::session::SessionKey;

    #[test]
    fn a_push_names_the_session() {
        let key = SessionKey::from_bytes(&[9; 32]).unwrap();
        let push = [Value::Array(vec![Value::BulkString(
            format!("{SESSIONS}{key}").into_bytes(),
        )])];
        assert_eq!(invalidated(&push), [Event::Changed(key)]);
    }

    #[test]
    fn a_flush_or_an_unreadable_name_means_everything() {
        assert_eq!(invalidated(&[Value::Nil]), [Event::Everything]);
        assert_eq!(invalidated(&[]), [Event::Everything]);
        let foreign = [Value::Array(vec![Value::BulkString(
            b"doorward:session:xyz".to_vec(),
        )])];
        assert_eq!(invalidated(&foreign), [Event::Everything]);
    }
}
