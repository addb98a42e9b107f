//! The dangers: an answer that was read before a change must never be remembered after it.

use super::*;

#[tokio::test]
async fn an_answer_from_before_a_change_is_not_remembered() {
    let memory = Memory::new().alive();
    let key = memory.store.has_session();
    memory.store.hold();
    let cache = Arc::clone(&memory.cache);
    let asking = tokio::spawn(async move { cache.find(Sought::Person(key), LIFETIMES).await.0 });
    memory.store.wait_for_read().await;
    // The store's answer is on its way: live. Now the session ends and the change is heard of.
    memory.store.loses(&key);
    memory.hear(&Event::Changed(key));
    memory.store.release();
    // The question is put again, and that answer is the one that counts.
    memory.store.wait_for_read().await;
    memory.store.release();
    assert!(matches!(asking.await.unwrap(), Found::None));
    assert!(memory.cache.is_empty());
    assert_eq!(memory.store.reads(), 2);
}

#[tokio::test]
async fn an_answer_from_before_everything_changed_is_not_remembered() {
    let memory = Memory::new().alive();
    let key = memory.store.has_session();
    memory.store.hold();
    let cache = Arc::clone(&memory.cache);
    let asking = tokio::spawn(async move { cache.find(Sought::Person(key), LIFETIMES).await.0 });
    memory.store.wait_for_read().await;
    memory.store.loses(&key);
    memory.hear(&Event::Everything);
    memory.store.release();
    memory.store.wait_for_read().await;
    memory.store.release();
    assert!(matches!(asking.await.unwrap(), Found::None));
    assert!(memory.cache.is_empty());
}

#[tokio::test]
async fn an_undisturbed_answer_is_remembered() {
    let memory = Memory::new().alive();
    let key = memory.store.has_session();
    memory.store.hold();
    let cache = Arc::clone(&memory.cache);
    let asking = tokio::spawn(async move { cache.find(Sought::Person(key), LIFETIMES).await.0 });
    memory.store.wait_for_read().await;
    memory.hear(&Event::Changed(super::key()));
    memory.store.release();
    assert!(matches!(asking.await.unwrap(), Found::Known(_)));
    assert_eq!((memory.cache.len(), memory.store.reads()), (1, 1));
}

#[tokio::test]
async fn what_is_ended_here_is_gone_here_at_once() {
    let memory = Memory::new().alive();
    let key = memory.store.has_session();
    assert!(memory.is_known(&key).await);
    memory
        .cache
        .stores
        .sessions
        .revoke(&key, doorward_identity::session::Ended::Logout)
        .await
        .unwrap();
    assert!(memory.cache.is_empty(), "without any watch");
    assert!(!memory.is_known(&key).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stampede_on_one_key_is_one_question() {
    let memory = Memory::new().alive();
    let key = memory.store.has_session();
    memory.store.hold();
    let tasks: Vec<_> = (0..500)
        .map(|_| {
            let cache = Arc::clone(&memory.cache);
            tokio::spawn(async move {
                matches!(
                    cache.find(Sought::Person(key), LIFETIMES).await.0,
                    Found::Known(_)
                )
            })
        })
        .collect();
    memory.store.wait_for_read().await;
    memory.store.release();
    for task in tasks {
        assert!(task.await.unwrap());
    }
    // Whoever came after the landing while no proof was good any more asked again, but never together.
    assert!(memory.store.reads() <= 2, "{} reads", memory.store.reads());
}

/// A reader that inserts what it read without marks leaves thousands of stale entries here; this one must leave none.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_stale_entry_survives_readers_and_a_writer_racing() {
    let memory = Arc::new(Memory::new().alive());
    let mut stale = 0;
    for _ in 0..2_000 {
        memory.hear(&Event::Alive {
            as_of: Instant::now(),
        });
        let key = memory.store.has_session();
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let memory = Arc::clone(&memory);
                tokio::spawn(async move { memory.is_known(&key).await })
            })
            .collect();
        let writer = {
            let memory = Arc::clone(&memory);
            tokio::spawn(async move {
                memory.store.loses(&key);
                memory.hear(&Event::Changed(key));
            })
        };
        writer.await.unwrap();
        for reader in readers {
            reader.await.unwrap();
        }
        memory.hear(&Event::Alive {
            as_of: Instant::now(),
        });
        stale += usize::from(memory.is_known(&key).await);
    }
    assert_eq!(stale, 0);
}

/// What is thrown out while it is replaced would be taken off twice; below nothing there is only "full", for ever.
#[tokio::test]
async fn the_sum_of_bytes_is_right_after_sweeps_and_changes_racing() {
    let bounds = Bounds {
        entries: 8,
        ..Bounds::default()
    };
    let memory = Memory::bounded(bounds);
    let snapshot = store::ScriptedStore::snapshot();
    let keys: Vec<SessionKey> = (0..8).map(|_| super::key()).collect();
    let cache = &memory.cache;
    std::thread::scope(|scope| {
        for keys in keys.chunks(4) {
            let snapshot = &snapshot;
            scope.spawn(move || {
                for _ in 0..200_000 {
                    for key in keys {
                        let entry = Entry::new(*key, snapshot.clone());
                        entry.take_recent();
                        cache.insert(*key, Arc::new(entry));
                    }
                }
            });
        }
        scope.spawn(|| (0..200_000).for_each(|_| cache.sweep_once()));
        scope.spawn(|| (0..200_000).for_each(|_| keys.iter().for_each(|key| cache.changed(key))));
    });
    let left: usize = cache
        .entries
        .pin()
        .values()
        .map(|entry| entry.bytes())
        .sum();
    assert_eq!(cache.bytes.load(Ordering::Relaxed), left);
}

#[tokio::test]
async fn a_bell_rings_for_its_own_session_and_for_everything() {
    let memory = Memory::new().alive();
    let (own, other) = (super::key(), super::key());
    let watching = memory.cache.watch(own);
    for (event, rings) in [
        (Event::Changed(other), false),
        (Event::Changed(own), true),
        (Event::Everything, true),
    ] {
        let bell = watching.bell().notified();
        tokio::pin!(bell);
        bell.as_mut().enable();
        memory.hear(&event);
        let rang = futures_util::poll!(bell).is_ready();
        assert_eq!(rang, rings, "{event:?}");
    }
}
