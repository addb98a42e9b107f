use jiff::SignedDuration;
use serde_json::Value;

use super::*;
use crate::audit::By;
use crate::testing::Room;

async fn states(room: &Room) -> Vec<(State, String)> {
    let listed = list(&room.identity).await.unwrap();
    listed.into_iter().map(|key| (key.state, key.kid)).collect()
}

fn kids(keys: &Keys) -> Vec<String> {
    let set: Value = serde_json::from_str(keys.published()).unwrap();
    let keys = set["keys"].as_array().unwrap().clone();
    keys.iter()
        .map(|key| {
            assert_eq!(
                (&key["kty"], &key["crv"], &key["alg"]),
                (&"EC".into(), &"P-256".into(), &"ES256".into())
            );
            assert!(key.get("d").is_none(), "the private half stays here");
            key["kid"].as_str().unwrap().to_owned()
        })
        .collect()
}

#[tokio::test]
async fn one_signs_and_the_next_is_published() {
    let room = Room::open().await;
    let all = states(&room).await;
    let names: Vec<_> = all.iter().map(|(state, _)| *state).collect();
    assert_eq!(names, [State::Next, State::Current]);
    let keys = room.identity.keys.now();
    assert_eq!(keys.signer().0, all[1].1);
    assert_eq!(kids(&keys), [all[0].1.clone(), all[1].1.clone()]);
    let other = room.again(room.boot.hashing).await;
    assert_eq!(
        other.keys.now().published(),
        keys.published(),
        "all gateways have the same"
    );
}

#[tokio::test]
async fn they_turn_by_command_and_nothing_that_was_signed_is_lost() {
    let room = Room::open().await;
    let other = room.again(room.boot.hashing).await;
    assert_eq!(
        rotate(&room.identity, By::Command).await.unwrap(),
        Rotated::TooSoon {
            wait: PUBLISHED_BEFORE
        }
    );
    let later = Duration::from_secs(10);
    room.clock.advance(later.try_into().unwrap());
    assert_eq!(
        rotate(&room.identity, By::Command).await.unwrap(),
        Rotated::TooSoon {
            wait: PUBLISHED_BEFORE.saturating_sub(later)
        }
    );
    let before = states(&room).await;
    room.clock
        .advance((PUBLISHED_BEFORE.saturating_sub(later)).try_into().unwrap());
    assert_eq!(
        rotate(&room.identity, By::Command).await.unwrap(),
        Rotated::Done
    );
    let after = states(&room).await;
    assert_eq!(
        after[1],
        (State::Current, before[0].1.clone()),
        "it was published before"
    );
    assert_eq!(after[2], (State::Previous, before[1].1.clone()));
    assert_eq!(room.identity.keys.now().signer().0, before[0].1);
    assert!(
        other.keys.now().find(&before[0].1).is_some(),
        "others know it without asking"
    );
    catch_up(&other).await.unwrap();
    assert_eq!(
        other.keys.now().published(),
        room.identity.keys.now().published()
    );

    // Once nothing signed by it can be of use, it goes with the next turn.
    room.clock.advance(KEPT.try_into().unwrap());
    assert_eq!(
        rotate(&room.identity, By::Command).await.unwrap(),
        Rotated::Done
    );
    let last = states(&room).await;
    assert_eq!(last.len(), 3, "{last:?}");
    assert!(last.iter().all(|(_, kid)| *kid != before[1].1));
}

#[tokio::test]
async fn they_turn_by_themselves_once_however_many_look() {
    let room = Room::open().await;
    let other = room.again(room.boot.hashing).await;
    let before = states(&room).await;
    room.clock.advance(SignedDuration::from_hours(30 * 24 - 1));
    catch_up(&room.identity).await.unwrap();
    assert_eq!(states(&room).await, before, "not before their time");
    room.clock.advance(SignedDuration::from_hours(1));
    let (one, two) = tokio::join!(catch_up(&room.identity), catch_up(&other));
    one.unwrap();
    two.unwrap();
    let after = states(&room).await;
    assert_eq!(after.len(), 3, "{after:?}");
    assert_eq!(after[1].1, before[0].1);
    catch_up(&other).await.unwrap();
    assert_eq!(
        other.keys.now().published(),
        room.identity.keys.now().published()
    );
}

#[tokio::test]
async fn the_private_half_is_not_to_be_read_in_the_database() {
    use sea_orm::EntityTrait;
    let room = Room::open().await;
    let rows = crate::database::entity::signing_key::Entity::find();
    for row in rows.all(room.identity.database.reads()).await.unwrap() {
        let open = |aad: &[u8]| {
            let secret = &room.identity.secret;
            secret.open_sealed(crate::secret::Purpose::SigningKey, aad, &row.sealed)
        };
        let plain = open(row.kid.as_bytes()).unwrap();
        assert!(
            !row.sealed
                .windows(32)
                .any(|part| plain.windows(32).any(|other| part == other))
        );
        assert!(open(b"another").is_err());
    }
}
