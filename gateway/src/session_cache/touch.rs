//! Telling the store when a session was last used: rarely, afterwards, and never while somebody waits.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::entry::Entry;
use super::{Sought, Stores};

/// A session's last use is written at most this often.
const PERIOD: Duration = Duration::from_mins(1);

/// Notes that wait to be written; more are dropped, and made up for by the next use.
const WAITING: usize = 4096;

/// How often the last use is written when sessions end after `idle`: often enough to matter.
pub(super) fn period(idle: Duration) -> Duration {
    PERIOD.min(idle / 4)
}

/// Writes last uses, one after the other.
pub(super) struct Toucher {
    notes: mpsc::Sender<Note>,
}

struct Note {
    sought: Sought,
    at: Timestamp,
    ends_at: Timestamp,
}

impl Toucher {
    pub(super) fn start(stores: Stores, runtime: &tokio::runtime::Handle) -> Self {
        let (notes, mut waiting) = mpsc::channel::<Note>(WAITING);
        runtime.spawn(async move {
            while let Some(Note {
                sought,
                at,
                ends_at,
            }) = waiting.recv().await
            {
                if let Err(fault) = stores.note_use(&sought, at, ends_at).await {
                    tracing::debug!(%fault, "the last use of a session was not written");
                }
            }
        });
        Self { notes }
    }

    pub(super) fn touch(&self, entry: &Entry, at: Timestamp) {
        let parent = entry.parent().map(Sought::Person);
        for sought in std::iter::once(entry.sought()).chain(parent) {
            let note = Note {
                sought,
                at,
                ends_at: entry.ends_at(),
            };
            if self.notes.try_send(note).is_err() {
                tracing::debug!("too many last uses wait to be written");
            }
        }
    }
}
