//! Sessions that are opened while all of their account are ended: none may slip through.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_live_afterwards_its_account_knows_of() {
    everywhere(async |on| {
        for _ in 0..20 {
            let anna = record(account());
            let keys: Vec<_> = (0..8).map(|_| key()).collect();
            let opening: Vec<_> = keys
                .iter()
                .map(|key| {
                    let (store, key, anna) = (Arc::clone(&on.store), *key, anna.clone());
                    tokio::spawn(async move { store.insert(&key, &anna).await.unwrap() })
                })
                .collect();
            let ending: Vec<_> = (0..2)
                .map(|_| {
                    let (store, id) = (Arc::clone(&on.other), anna.account);
                    tokio::spawn(async move { store.remove_account(id, None).await.unwrap() })
                })
                .collect();
            for task in opening {
                task.await.unwrap();
            }
            for task in ending {
                task.await.unwrap();
            }
            let known = on.store.list(anna.account, now()).await.unwrap();
            for key in &keys {
                let live = on.other.load(key, now()).await.unwrap().is_some();
                let listed = known.iter().any(|(known, _)| known == key);
                assert!(
                    !live || listed,
                    "a session that its account does not know of"
                );
            }
            on.other.remove_account(anna.account, None).await.unwrap();
            for key in &keys {
                assert_eq!(on.store.load(key, now()).await.unwrap(), None);
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_the_list_takes_nothing_from_who_signs_in() {
    everywhere(async |on| {
        let anna = record(account());
        let keys: Vec<_> = (0..40).map(|_| key()).collect();
        let reading = {
            let (store, id) = (Arc::clone(&on.other), anna.account);
            tokio::spawn(async move {
                loop {
                    store.list(id, now()).await.unwrap();
                }
            })
        };
        for key in &keys {
            on.store.insert(key, &anna).await.unwrap();
        }
        reading.abort();
        let known = on.store.list(anna.account, now()).await.unwrap();
        assert_eq!(known.len(), keys.len());
        for key in &keys {
            assert!(on.store.load(key, now()).await.unwrap().is_some());
        }
    })
    .await;
}
