//! What every session store must do, asked of each real one.

mod backends;
mod clocks;
mod cluster;
mod faults;
mod granted;
mod lock;
mod login;
mod races;
mod sentinel;
mod servers;
mod sql_away;
mod tls;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use super::{Amr, Event, Record, Remembered, Rewritten, Rights, SessionKey, SessionStore, Token};
use crate::{AccountId, SystemRandom};
use backends::{Backend, backends};

/// A time with whole milliseconds, like those that come back from a store.
fn now() -> Timestamp {
    Timestamp::from_millisecond(1_790_000_000_000).unwrap()
}

fn later(seconds: i64) -> Timestamp {
    now()
        .checked_add(SignedDuration::from_secs(seconds))
        .unwrap()
}

fn account() -> AccountId {
    AccountId::new(now(), &SystemRandom)
}

fn key() -> SessionKey {
    Token::generate(&SystemRandom).key()
}

/// Redis expires by its own clock, so the records of these tests end far in the future of any clock.
fn record(account: AccountId) -> Record {
    Record {
        account,
        user: "anna".into(),
        email: Some("anna@example.com".into()),
        name: "Anna Müller".into(),
        roles: vec!["user".into()],
        opened_at: now(),
        ends_at: later(20 * 365 * 24 * 3600),
        remembered: Remembered::Yes,
        amr: vec![Amr::Password],
        auth_time: now(),
        device: "Test/1.0".into(),
        address: "192.0.2.7".parse().unwrap(),
        generation: 1,
        grant: None,
        family: None,
    }
}

fn rights(generation: u64) -> Rights {
    Rights {
        user: "anna".into(),
        email: None,
        name: String::new(),
        roles: vec!["user".into(), format!("v{generation}")],
        generation,
    }
}

/// Listens in the background until dropped.
fn listen(store: &Arc<dyn SessionStore>) -> mpsc::Receiver<Event> {
    let (to, events) = mpsc::channel(64);
    let store = Arc::clone(store);
    tokio::spawn(async move { store.watch(to).await });
    events
}

/// Everything heard until `enough` says so; fails when that takes longer than `deadline`.
async fn hear(
    events: &mut mpsc::Receiver<Event>,
    deadline: Duration,
    mut enough: impl FnMut(&Event) -> bool,
) -> Vec<Event> {
    let mut heard = Vec::new();
    let done = tokio::time::timeout(deadline, async {
        while let Some(event) = events.recv().await {
            let last = enough(&event);
            heard.push(event);
            if last {
                return;
            }
        }
    });
    assert!(
        done.await.is_ok(),
        "not heard in {deadline:?}; heard {heard:?}"
    );
    heard
}

/// Waits until the watcher is connected and has said that all may be different.
async fn settled(store: &Arc<dyn SessionStore>) -> mpsc::Receiver<Event> {
    let mut events = listen(store);
    let heard = hear(&mut events, Duration::from_secs(3), |e| {
        matches!(e, Event::Alive { .. })
    })
    .await;
    assert_eq!(
        heard.first(),
        Some(&Event::Everything),
        "the first word is that all may be different"
    );
    events
}

async fn everywhere<F: Future<Output = ()>>(test: impl Fn(Backend) -> F) {
    for backend in Box::pin(backends()).await {
        eprintln!("on {}", backend.name());
        test(backend).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stored_is_found_and_nothing_else() {
    everywhere(async |on| {
        let (key, record) = (key(), record(account()));
        on.store.insert(&key, &record).await.unwrap();
        let found = on.store.load(&key, now()).await.unwrap().unwrap();
        assert_eq!(found.record, record);
        assert_eq!(found.last_seen, record.opened_at);
        assert_eq!(on.store.load(&self::key(), now()).await.unwrap(), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_absolute_end_is_the_end() {
    everywhere(async |on| {
        let (key, record) = (key(), record(account()));
        on.store.insert(&key, &record).await.unwrap();
        let just_before = record
            .ends_at
            .checked_sub(SignedDuration::from_millis(1))
            .unwrap();
        assert!(on.store.load(&key, just_before).await.unwrap().is_some());
        assert_eq!(on.store.load(&key, record.ends_at).await.unwrap(), None);
        assert!(
            on.store
                .list(record.account, record.ends_at)
                .await
                .unwrap()
                .is_empty()
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_session_is_gone_and_another_process_hears_of_it() {
    everywhere(async |on| {
        let (gone, stays) = (key(), key());
        let record = record(account());
        on.store.insert(&gone, &record).await.unwrap();
        on.store.insert(&stays, &record).await.unwrap();
        let mut events = settled(&on.other).await;

        let asked = Instant::now();
        assert_eq!(on.store.remove(&gone).await.unwrap(), Some(record.clone()));
        let heard = hear(&mut events, Duration::from_secs(1), |e| {
            *e == Event::Changed(gone)
        })
        .await;
        assert!(
            !heard.contains(&Event::Changed(stays)),
            "only what changed is told"
        );
        hear(
            &mut events,
            Duration::from_secs(1),
            |e| matches!(e, Event::Alive { as_of } if *as_of > asked),
        )
        .await;

        assert_eq!(on.other.load(&gone, now()).await.unwrap(), None);
        assert!(on.other.load(&stays, now()).await.unwrap().is_some());
        assert_eq!(
            on.store.remove(&gone).await.unwrap(),
            None,
            "ending it again ends nothing"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_sessions_of_an_account_end_but_the_spared_one() {
    everywhere(async |on| {
        let (anna, bert) = (record(account()), record(account()));
        let keys = [key(), key(), key()];
        let berts = key();
        for key in &keys {
            on.store.insert(key, &anna).await.unwrap();
        }
        on.store.insert(&berts, &bert).await.unwrap();
        let mut events = settled(&on.other).await;

        let mut ended = on
            .store
            .remove_account(anna.account, Some(&keys[1]))
            .await
            .unwrap();
        ended.sort_unstable();
        let mut expected = vec![keys[0], keys[2]];
        expected.sort_unstable();
        assert_eq!(ended, expected);
        let mut waiting = expected.clone();
        hear(&mut events, Duration::from_secs(1), |e| {
            waiting.retain(|key| *e != Event::Changed(*key));
            waiting.is_empty()
        })
        .await;

        let left = on.store.list(anna.account, now()).await.unwrap();
        assert_eq!(
            left.iter().map(|(key, _)| *key).collect::<Vec<_>>(),
            [keys[1]]
        );
        assert!(on.store.load(&berts, now()).await.unwrap().is_some());
        assert_eq!(
            on.store.remove_account(anna.account, None).await.unwrap(),
            [keys[1]]
        );
        assert_eq!(
            on.store.remove_account(anna.account, None).await.unwrap(),
            []
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_only_ever_get_newer() {
    everywhere(async |on| {
        let key = key();
        on.store.insert(&key, &record(account())).await.unwrap();
        let mut events = settled(&on.other).await;
        assert_eq!(
            on.store.rewrite(&key, &rights(5)).await.unwrap(),
            Rewritten::Yes
        );
        hear(&mut events, Duration::from_secs(1), |e| {
            *e == Event::Changed(key)
        })
        .await;
        assert_eq!(
            on.store.rewrite(&key, &rights(5)).await.unwrap(),
            Rewritten::NotNeeded
        );
        assert_eq!(
            on.store.rewrite(&key, &rights(3)).await.unwrap(),
            Rewritten::NotNeeded
        );
        let found = on.other.load(&key, now()).await.unwrap().unwrap();
        assert_eq!(
            (found.record.generation, found.record.roles),
            (5, vec!["user".into(), "v5".into()])
        );
        assert_eq!(
            on.store.rewrite(&self::key(), &rights(9)).await.unwrap(),
            Rewritten::NotNeeded
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_rewrites_at_once_the_newest_stays() {
    everywhere(async |on| {
        let key = key();
        on.store.insert(&key, &record(account())).await.unwrap();
        let tasks: Vec<_> = (2..42)
            .map(|generation| {
                let store = Arc::clone(if generation % 2 == 0 {
                    &on.store
                } else {
                    &on.other
                });
                tokio::spawn(async move { store.rewrite(&key, &rights(generation)).await.unwrap() })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let found = on.store.load(&key, now()).await.unwrap().unwrap();
        assert_eq!(
            (
                found.record.generation,
                found.record.roles.last().unwrap().as_str()
            ),
            (41, "v41")
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_once_however_many_end_it() {
    everywhere(async |on| {
        let key = key();
        on.store.insert(&key, &record(account())).await.unwrap();
        let tasks: Vec<_> = (0..40)
            .map(|n| {
                let store = Arc::clone(if n % 2 == 0 { &on.store } else { &on.other });
                tokio::spawn(async move { store.remove(&key).await.unwrap() })
            })
            .collect();
        let mut ended = 0;
        for task in tasks {
            ended += usize::from(task.await.unwrap().is_some());
        }
        assert_eq!(ended, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_changes_at_once_each_is_told() {
    everywhere(async |on| {
        let record = record(account());
        let keys: Vec<_> = (0..60).map(|_| key()).collect();
        for key in &keys {
            on.store.insert(key, &record).await.unwrap();
        }
        let mut events = settled(&on.other).await;
        let tasks = keys.iter().zip([&on.store, &on.other].into_iter().cycle());
        let tasks: Vec<_> = tasks
            .map(|(key, store)| {
                let (key, store) = (*key, Arc::clone(store));
                tokio::spawn(async move { store.remove(&key).await.unwrap() })
            })
            .collect();
        let mut waiting = keys.clone();
        let heard = hear(&mut events, Duration::from_secs(5), |e| {
            waiting.retain(|key| *e != Event::Changed(*key));
            waiting.is_empty()
        })
        .await;
        // Whoever reads change rows with gaps in them would have to say this.
        assert!(!heard.contains(&Event::Everything), "{heard:?}");
        for task in tasks {
            task.await.unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_touch_is_kept_and_nobody_is_told() {
    everywhere(async |on| {
        let (key, record) = (key(), record(account()));
        on.store.insert(&key, &record).await.unwrap();
        let mut events = settled(&on.other).await;
        on.store
            .touch(&key, later(60), record.ends_at)
            .await
            .unwrap();
        assert_eq!(
            on.other.load(&key, now()).await.unwrap().unwrap().last_seen,
            later(60)
        );
        // A change that is told comes after the touch; nothing came before it.
        assert_eq!(
            on.store.rewrite(&key, &rights(2)).await.unwrap(),
            Rewritten::Yes
        );
        let heard = hear(&mut events, Duration::from_secs(1), |e| {
            *e == Event::Changed(key)
        })
        .await;
        let told = heard
            .iter()
            .filter(|e| !matches!(e, Event::Alive { .. }))
            .count();
        assert_eq!(told, 1, "{heard:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_watch_shows_that_it_lives() {
    everywhere(async |on| {
        let mut events = settled(&on.store).await;
        let mut proofs = Vec::new();
        hear(&mut events, Duration::from_secs(5), |event| {
            if let Event::Alive { as_of } = event {
                proofs.push(*as_of);
            }
            proofs.len() == 8
        })
        .await;
        assert!(proofs.is_sorted());
        let span = proofs[7] - proofs[0];
        assert!(
            span < Duration::from_millis(7 * 400),
            "seven proofs took {span:?}"
        );
    })
    .await;
}
