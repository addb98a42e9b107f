use doorward_config::Throttle;

use super::*;
use crate::testing::{PASSWORD, Room, client};

const NEW: &str = "green bicycle 77";

#[tokio::test]
async fn password_set_by_command_ends_every_session() {
    let room = Room::open().await;
    let identity = &room.identity;
    let anna = room.add("anna", "anna@x.example").await;
    let opened = room.sign_in("anna").await;
    let weak = set_password(identity, &room.live, anna.id, "short", By::Command)
        .await
        .unwrap();
    assert!(matches!(weak, SetPassword::Invalid(_)));
    assert!(room.is_live(&opened).await);
    let done = set_password(identity, &room.live, anna.id, NEW, By::Command)
        .await
        .unwrap();
    assert!(matches!(done, SetPassword::Done));
    assert!(!room.is_live(&opened).await);
    assert!(room.try_sign_in("anna", PASSWORD).await.is_none());
    assert!(room.try_sign_in("anna", NEW).await.is_some());
    let nobody = AccountId::new(jiff::Timestamp::UNIX_EPOCH, &crate::SystemRandom);
    let missing = set_password(identity, &room.live, nobody, NEW, By::Command)
        .await
        .unwrap();
    assert!(matches!(missing, SetPassword::NotFound));
}

async fn wish(room: &Room, session: &Opened, current: &str, password: &str) -> ChangedPassword {
    let wish = PasswordChange {
        account: session.record.account,
        current,
        password,
        session: session.key,
    };
    change_password(&room.identity, &room.live, wish, &client("192.0.2.1"))
        .await
        .unwrap()
}

#[tokio::test]
async fn changed_password_leaves_one_new_session_and_no_other() {
    let room = Room::open().await;
    room.add("anna", "anna@x.example").await;
    let (own, other) = (room.sign_in("anna").await, room.sign_in("anna").await);
    assert!(matches!(
        wish(&room, &own, "wrong", NEW).await,
        ChangedPassword::Wrong
    ));
    assert!(matches!(
        wish(&room, &own, "", NEW).await,
        ChangedPassword::Wrong
    ));
    assert!(matches!(
        wish(&room, &own, PASSWORD, "anna").await,
        ChangedPassword::Invalid(_)
    ));
    assert!(room.is_live(&own).await && room.is_live(&other).await);
    let ChangedPassword::Done(new) = wish(&room, &own, PASSWORD, NEW).await else {
        panic!("not changed")
    };
    assert!(room.is_live(&new).await);
    assert!(!room.is_live(&own).await && !room.is_live(&other).await);
    assert!(room.try_sign_in("anna", PASSWORD).await.is_none());
    assert!(room.try_sign_in("anna", NEW).await.is_some());
}

#[tokio::test]
async fn a_session_is_no_way_to_guess_a_password_nor_to_change_another_ones() {
    let mut room = Room::open().await;
    room.live.throttle = Throttle {
        account_failures: 3,
        address_failures: 1000,
    };
    room.add("anna", "anna@x.example").await;
    let bob = room.add("bob", "bob@x.example").await;
    let own = room.sign_in("anna").await;
    let foreign = Opened {
        record: crate::session::Record {
            account: bob.id,
            ..own.record.clone()
        },
        ..own.clone()
    };
    assert!(matches!(
        wish(&room, &foreign, PASSWORD, NEW).await,
        ChangedPassword::Wrong
    ));
    assert!(room.try_sign_in("bob", PASSWORD).await.is_some());
    for _ in 0..3 {
        assert!(matches!(
            wish(&room, &own, "wrong", NEW).await,
            ChangedPassword::Wrong
        ));
    }
    assert!(matches!(
        wish(&room, &own, PASSWORD, NEW).await,
        ChangedPassword::Slow { .. }
    ));
}

#[tokio::test]
async fn a_session_that_is_ended_meanwhile_does_not_come_back() {
    let room = Room::open().await;
    room.add("anna", "anna@x.example").await;
    let mut password = PASSWORD.to_owned();
    let mut ended_meanwhile = 0;
    for round in 0..12 {
        let own = room.try_sign_in("anna", &password).await.unwrap();
        let next = format!("{NEW} {round}");
        let end = async {
            // The old password is being checked, or the new one hashed.
            let pause = Duration::from_millis(10 * round);
            tokio::time::sleep(pause).await;
            let revoked =
                room.identity
                    .sessions
                    .revoke_account(own.record.account, None, Ended::Revoked);
            revoked.await.unwrap()
        };
        let (changed, ended) = tokio::join!(wish(&room, &own, &password, &next), end);
        assert!(ended > 0, "somebody was signed in");
        match changed {
            ChangedPassword::SignedOut => {
                ended_meanwhile += 1;
                password = next;
            }
            // It was sooner, and what it opened was ended.
            ChangedPassword::Done(opened) => {
                assert!(!room.is_live(&opened).await);
                password = next;
            }
            ChangedPassword::Wrong => {}
            other => panic!("{other:?}"),
        }
        let (account, idle) = (own.record.account, room.live.session.idle);
        let listed = room.identity.sessions.list(account, idle).await;
        assert_eq!(
            listed.unwrap().len(),
            0,
            "nobody is signed in, round {round}"
        );
    }
    assert!(ended_meanwhile > 0);
}
