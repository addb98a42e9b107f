//! What an API key begins is a session only once it is confirmed, and only if nothing came between.

use super::*;
use crate::session::{Confirmed, Grant, KeyId, Mark, Scope};

fn begun(account: AccountId, mark: &Mark) -> Record {
    Record {
        generation: 0,
        grant: Some(Box::new(Grant {
            key: KeyId::parse("0123456789ab").unwrap(),
            scope: Scope::default(),
            unconfirmed: Some(mark.clone()),
        })),
        ..record(account)
    }
}

fn made(account: AccountId, generation: u64) -> Record {
    let mut made = begun(account, &Mark::generate(&SystemRandom));
    made.generation = generation;
    if let Some(grant) = &mut made.grant {
        grant.unconfirmed = None;
    }
    made
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_begun_and_is_still_there_is_confirmed() {
    everywhere(async |on| {
        let (anna, key) = (account(), key());
        let [first, second] = [(); 2].map(|()| Mark::generate(&SystemRandom));
        let confirm = async |mark: &Mark, generation| {
            let made = made(anna, generation);
            on.store.confirm(&key, mark, &made).await.unwrap()
        };
        assert_eq!(confirm(&first, 3).await, Confirmed::No, "nothing was begun");
        on.store.insert(&key, &begun(anna, &first)).await.unwrap();
        assert!(on.store.remove(&key).await.unwrap().is_some());
        assert_eq!(confirm(&first, 3).await, Confirmed::No, "it was ended");
        assert_eq!(on.store.load(&key, now()).await.unwrap(), None);

        on.store.insert(&key, &begun(anna, &first)).await.unwrap();
        on.other.insert(&key, &begun(anna, &second)).await.unwrap();
        assert_eq!(confirm(&first, 3).await, Confirmed::No, "another began");
        let rewritten = on.other.rewrite(&key, &rights(4)).await.unwrap();
        assert_eq!(rewritten, Rewritten::Yes);
        assert_eq!(confirm(&second, 3).await, Confirmed::No, "rights changed");
        assert_eq!(confirm(&second, 4).await, Confirmed::Yes);
        let found = on.other.load(&key, now()).await.unwrap().unwrap();
        assert_eq!(found.record, made(anna, 4));
        assert_eq!(confirm(&second, 4).await, Confirmed::No, "once");
        // Whoever ends all of the account finds it.
        assert_eq!(on.other.remove_account(anna, None).await.unwrap(), [key]);
        assert_eq!(on.store.load(&key, now()).await.unwrap(), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_from_before_there_were_keys_still_reads() {
    everywhere(async |on| {
        let (anna, key) = (record(account()), key());
        on.store.insert(&key, &anna).await.unwrap();
        let text = serde_json::to_string(&anna).unwrap();
        assert!(!text.contains("grant"), "{text}");
        let found = on.other.load(&key, now()).await.unwrap().unwrap();
        assert_eq!(found.record, anna);
    })
    .await;
}
