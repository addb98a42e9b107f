use std::sync::Arc;

use jiff::SignedDuration;

use super::*;
use crate::session::Opened;
use crate::testing::{Room, client};

async fn signed_in() -> (Room, Opened) {
    let room = Room::open().await;
    room.add("anna", "anna@example.com").await;
    let opened = room.sign_in("anna").await;
    (room, opened)
}

async fn first(room: &Room, opened: &Opened) -> String {
    let token = issue(&room.identity, &opened.key, &opened.record)
        .await
        .unwrap();
    token.text()
}

/// The next token, unless refused.
async fn next(room: &Room, token: &str) -> Option<String> {
    let client = client("192.0.2.1");
    match redeem(&room.identity, &room.live, token, &client)
        .await
        .unwrap()
    {
        Refreshed::Done { next, .. } => Some(next.text()),
        Refreshed::Refused => None,
    }
}

#[tokio::test]
async fn each_is_exchanged_for_the_next() {
    let (room, opened) = signed_in().await;
    let mut token = first(&room, &opened).await;
    for _ in 0..3 {
        let after = next(&room, &token).await.unwrap();
        assert_ne!(after, token);
        token = after;
    }
    assert!(room.is_live(&opened).await);
    for none in ["", "x", &"A".repeat(43), &token.to_lowercase()] {
        assert_eq!(next(&room, none).await, None, "{none}");
    }
    assert!(room.is_live(&opened).await, "what is none harms nobody");
}

#[tokio::test]
async fn one_that_comes_twice_ends_the_family() {
    let (room, opened) = signed_in().await;
    let stolen = first(&room, &opened).await;
    let other = room.sign_in("anna").await;
    let others = first(&room, &other).await;
    let good = next(&room, &stolen).await.unwrap();
    assert_eq!(next(&room, &stolen).await, None);
    assert_eq!(next(&room, &good).await, None, "nobody can tell who is who");
    assert!(!room.is_live(&opened).await);
    assert!(room.is_live(&other).await);
    assert!(
        next(&room, &others).await.is_some(),
        "another family goes on"
    );
    let trail = room
        .identity
        .audit
        .list(opened.record.account, 5)
        .await
        .unwrap();
    assert!(trail.iter().any(|entry| entry.event == "token.reused"));
}

#[tokio::test]
async fn it_is_worth_as_much_as_its_session() {
    let (room, opened) = signed_in().await;
    let token = first(&room, &opened).await;
    room.identity
        .sessions
        .revoke(&opened.key, Ended::Logout)
        .await
        .unwrap();
    assert_eq!(next(&room, &token).await, None);

    let opened = room.sign_in("anna").await;
    let token = first(&room, &opened).await;
    room.clock.advance(SignedDuration::from_hours(1));
    let token = next(&room, &token).await.unwrap();
    room.clock.advance(SignedDuration::from_hours(1));
    let token = next(&room, &token)
        .await
        .expect("asking is using: it was not idle");
    room.clock.advance(SignedDuration::from_hours(2));
    assert_eq!(next(&room, &token).await, None, "idle for too long");
}

#[tokio::test]
async fn what_is_over_is_forgotten() {
    let (room, opened) = signed_in().await;
    let token = first(&room, &opened).await;
    next(&room, &token).await.unwrap();
    let count = async || {
        let rows = Entity::find().all(room.identity.database.reads()).await;
        rows.unwrap().len()
    };
    room.identity.prune().await.unwrap();
    assert_eq!(count().await, 2, "a used one is kept, to know it again");
    room.clock.advance(SignedDuration::from_hours(24));
    room.identity.prune().await.unwrap();
    assert_eq!(count().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_one_is_exchanged_and_the_family_ends() {
    let (room, opened) = signed_in().await;
    let token = Arc::new(first(&room, &opened).await);
    let room = Arc::new(room);
    let tries: Vec<_> = (0..50)
        .map(|_| {
            let (room, token) = (room.clone(), token.clone());
            tokio::spawn(async move { next(&room, &token).await })
        })
        .collect();
    let mut exchanged = Vec::new();
    for task in tries {
        exchanged.extend(task.await.unwrap());
    }
    assert!(exchanged.len() <= 1, "{}", exchanged.len());
    assert!(!room.is_live(&opened).await);
    for token in exchanged {
        assert_eq!(next(&room, &token).await, None);
    }
}
