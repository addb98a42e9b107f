//! Revoking a key, also while its session is being made.

use std::sync::Arc;

use super::*;
use crate::session::{Grant, Granted, Mark, NewSession, Record, Remembered};

async fn revoke_it(room: &Room, key: &ApiKey) -> Revoked {
    revoke(&room.identity, &key.id, None, By::Command)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_revoked_key_is_none() {
    let room = Room::open().await;
    let anna = room.add("anna", "anna@x.example").await;
    let bob = room.add("bob", "bob@x.example").await;
    let ((key, secret), (_, other)) = (room.key(&anna).await, room.key(&anna).await);
    let _ = (room.live(&secret).await, room.live(&other).await);
    let foreign = revoke(&room.identity, &key.id, Some(bob.id), By::Command).await;
    assert_eq!(foreign.unwrap(), Revoked::NotFound, "it is anna's");
    let _ = room.live(&secret).await;
    assert!(matches!(revoke_it(&room, &key).await, Revoked::Done(_)));
    assert_eq!(room.look(&secret).await, Looked::Unknown);
    let _ = room.live(&other).await;
    assert_eq!(revoke_it(&room, &key).await, Revoked::NotFound);
    let events = room.identity.audit.list(anna.id, 10).await.unwrap();
    let details: Vec<_> = events
        .iter()
        .filter(|entry| entry.event == "api_key.revoked")
        .map(|entry| entry.detail.clone())
        .collect();
    assert_eq!(details, [Some(key.id.to_string())]);
}

/// The promise: once it is said that a key is revoked, nobody gets in with it, whoever is just about to let it in.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_makes_a_session_of_a_key_that_was_revoked_meanwhile() {
    let room = Arc::new(Room::open().await);
    let anna = room.add("anna", "anna@x.example").await;
    let elsewhere = Arc::new(room.again(room.boot.hashing).await);
    for round in 0..25 {
        let (key, secret) = room.key(&anna).await;
        let makers: Vec<_> = (0..4)
            .map(|maker| {
                let (room, there, secret) = (room.clone(), elsewhere.clone(), secret.clone());
                tokio::spawn(async move {
                    let at = if maker % 2 == 0 {
                        &room.identity
                    } else {
                        &there
                    };
                    let _ = at.api_keys.find(&secret.key()).await.unwrap();
                })
            })
            .collect();
        if round % 2 == 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(revoke_it(&room, &key).await, Revoked::Done(_)));
        for _ in 0..5 {
            let there = elsewhere.api_keys.find(&secret.key()).await.unwrap();
            assert_eq!(there, Looked::Unknown, "round {round}");
        }
        for maker in makers {
            maker.await.unwrap();
        }
        assert_eq!(room.look(&secret).await, Looked::Unknown, "round {round}");
        let left = room.identity.sessions.find_granted(&secret.key()).await;
        assert_eq!(left.unwrap(), Granted::None, "round {round}");
    }
}

/// The same for the account: what is decided about it holds for a session that is being made.
#[tokio::test(flavor = "multi_thread")]
async fn no_session_is_made_from_what_the_account_was() {
    let room = Arc::new(Room::open().await);
    let elsewhere = Arc::new(room.again(room.boot.hashing).await);
    for round in 0..10 {
        let name = format!("anna{round}");
        let anna = room.add(&name, &format!("{name}@x.example")).await;
        let (_, secret) = room.key(&anna).await;
        let make = || {
            let (room, there, secret) = (room.clone(), elsewhere.clone(), secret.clone());
            tokio::spawn(async move {
                let (here, there) = (&room.identity.api_keys, &there.api_keys);
                let key = secret.key();
                let (one, two) = tokio::join!(here.find(&key), there.find(&key));
                (one.unwrap(), two.unwrap())
            })
        };
        let making = make();
        let role = crate::role::Role::parse("ops").unwrap();
        let granted = change::grant_role(&room.identity, anna.id, &role, By::Command);
        assert!(matches!(granted.await.unwrap(), change::Changed::Done(_)));
        let roles = room.live(&secret).await.record.roles;
        assert!(
            roles.contains(&"ops".to_owned()),
            "round {round}: {roles:?}"
        );
        let _ = making.await.unwrap();
        let roles = room.live(&secret).await.record.roles;
        assert!(
            roles.contains(&"ops".to_owned()),
            "round {round}: {roles:?}"
        );

        room.identity
            .sessions
            .withdraw(&secret.key())
            .await
            .unwrap();
        let making = make();
        let disabled = change::disable(&room.identity, anna.id, By::Command);
        assert!(matches!(disabled.await.unwrap(), change::Changed::Done(_)));
        assert_eq!(room.look(&secret).await, Looked::Disabled, "round {round}");
        let _ = making.await.unwrap();
        assert_eq!(room.look(&secret).await, Looked::Disabled, "round {round}");
    }
}

/// Somebody begins, and dies.
#[tokio::test]
async fn what_was_begun_lets_nobody_in_and_is_taken_up_only_while_the_key_is_good() {
    let room = Room::open().await;
    let anna = room.add("anna", "anna@x.example").await;
    let begin = async |key: &ApiKey, secret: &KeySecret| {
        let record = room.identity.sessions.record(NewSession {
            account: anna.id,
            rights: anna.rights(),
            life: DAY,
            remembered: Remembered::Yes,
            amr: vec![Amr::ApiKey],
            auth_time: None,
            family: None,
            device: String::new(),
            address: "0.0.0.0".parse().unwrap(),
        });
        let record = Record {
            generation: 0,
            grant: Some(Box::new(Grant {
                key: key.id.clone(),
                scope: Scope::default(),
                unconfirmed: Some(Mark::generate(&*room.identity.random)),
            })),
            ..record.unwrap()
        };
        let sessions = &room.identity.sessions;
        sessions.begin(&secret.key(), &record).await.unwrap();
    };
    let (key, secret) = room.key(&anna).await;
    begin(&key, &secret).await;
    let sessions = &room.identity.sessions;
    let found = sessions.find_granted(&secret.key()).await.unwrap();
    assert!(matches!(found, Granted::Begun(..)), "{found:?}");
    let record = room.live(&secret).await.record;
    assert_eq!(record.generation, anna.version);
    assert!(matches!(revoke_it(&room, &key).await, Revoked::Done(_)));
    begin(&key, &secret).await;
    assert_eq!(room.look(&secret).await, Looked::Unknown);
    let left = sessions.find_granted(&secret.key()).await.unwrap();
    assert_eq!(left, Granted::None);
}

#[tokio::test]
async fn a_process_that_died_between_row_and_session_is_made_up_for() {
    let room = Room::open().await;
    let anna = room.add("anna", "anna@x.example").await;
    let (_, secret) = room.key(&anna).await;
    let _ = room.live(&secret).await;
    let transaction = room.identity.database.write().await.unwrap();
    revoke_all_in(&room.identity, &transaction, anna.id, By::Command)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(list(&room.identity, None).await.unwrap(), []);
    let mut leftovers = crate::change::Leftovers::default();
    leftovers.finish(&room.identity).await.unwrap();
    assert_eq!(room.look(&secret).await, Looked::Unknown);
}
