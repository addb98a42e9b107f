//! Hearing of changes by reading the change rows, four times a second and more.

use std::time::{Duration, Instant};

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::entity::session_change;
use super::{clock, in_time_of, key_of};
use crate::Fault;
use crate::database::Connection;
use crate::session::{Event, SessionKey};

/// How often the clock row is read. Revocation is promised within a second; this leaves room for a slow poll.
const PERIOD: Duration = Duration::from_millis(150);

/// A poll that takes longer counts as failed.
const DEADLINE: Duration = Duration::from_millis(500);

/// Polls until the receiver is gone.
pub(super) async fn watch(db: &Connection, to: mpsc::Sender<Event>) {
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut place = Place::Unknown;
    loop {
        ticks.tick().await;
        let as_of = Instant::now();
        let told = match poll(db, &mut place).await {
            Ok(news) => tell(&to, news, as_of).await,
            Err(fault) => {
                tracing::debug!(%fault, "the change rows cannot be read");
                to.send(Event::Lost).await
            }
        };
        if told.is_err() {
            return;
        }
    }
}

/// How far the change rows have been read.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// Not at all yet.
    Unknown,
    /// Up to this number.
    At(i64),
}

enum News {
    Nothing,
    Keys(Vec<SessionKey>),
    /// Rows are missing, or this is the first look.
    Anything,
}

async fn poll(db: &Connection, place: &mut Place) -> Result<News, Fault> {
    let newest = tokio::time::timeout(DEADLINE, clock(db))
        .await
        .map_err(|late| Fault::away(crate::StoreName::Database, late))??;
    let news = match *place {
        Place::At(last) if last == newest => News::Nothing,
        // A clock that went back means another database: a restored file, say.
        Place::At(last) if last < newest => changes(db, last, newest).await?,
        Place::At(_) | Place::Unknown => News::Anything,
    };
    *place = Place::At(newest);
    Ok(news)
}

async fn changes(db: &Connection, last: i64, newest: i64) -> Result<News, Fault> {
    let rows = session_change::Entity::find()
        .filter(session_change::Column::Seq.gt(last))
        .filter(session_change::Column::Seq.lte(newest))
        .order_by_asc(session_change::Column::Seq)
        .all(db);
    let rows = in_time_of(DEADLINE, rows).await?;
    let complete = i64::try_from(rows.len()).is_ok_and(|read| read == newest - last);
    if !complete {
        return Ok(News::Anything);
    }
    Ok(News::Keys(
        rows.iter()
            .map(|row| key_of(&row.key))
            .collect::<Result<_, _>>()?,
    ))
}

async fn tell(
    to: &mpsc::Sender<Event>,
    news: News,
    as_of: Instant,
) -> Result<(), mpsc::error::SendError<Event>> {
    match news {
        News::Nothing => {}
        News::Anything => to.send(Event::Everything).await?,
        News::Keys(keys) => {
            for key in keys {
                to.send(Event::Changed(key)).await?;
            }
        }
    }
    to.send(Event::Alive { as_of }).await
}
