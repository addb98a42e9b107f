use jiff::SignedDuration;

use super::*;
use crate::testing::Room;
use crate::{ManualClock, SystemRandom};

const ALLOWED: Allowed = Allowed {
    account_failures: 3,
    address_failures: 5,
};

fn unknown(name: &str) -> Counter {
    Counter::unknown_name(&Login::parse(name), ALLOWED)
}

fn account(room: &Room) -> Counter {
    Counter::account(AccountId::new(room.clock.now(), &SystemRandom), ALLOWED)
}

async fn wait(throttle: &Throttle, counter: &Counter) -> u64 {
    match throttle.check(std::slice::from_ref(counter)).await.unwrap() {
        Turn::Now => 0,
        Turn::Later { retry_after, .. } => retry_after.as_secs(),
    }
}

#[tokio::test]
async fn a43_delays_begin_after_the_free_tries_double_and_end_by_themselves() {
    let room = Room::open().await;
    let throttle = &room.identity.throttle;
    let anna = account(&room);
    for _ in 0..3 {
        assert_eq!(wait(throttle, &anna).await, 0);
    }
    for delay in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
        assert_eq!(wait(throttle, &anna).await, delay);
        assert_eq!(
            wait(throttle, &anna).await,
            delay,
            "a try that comes too early makes nothing longer"
        );
        room.clock.advance(
            SignedDuration::from_secs(delay.cast_signed()) - SignedDuration::from_millis(1),
        );
        assert_ne!(
            throttle.check(std::slice::from_ref(&anna)).await.unwrap(),
            Turn::Now
        );
        room.clock.advance(SignedDuration::from_millis(1));
        assert_eq!(wait(throttle, &anna).await, 0, "after {delay} seconds");
    }
    room.clock.advance(SignedDuration::from_hours(24));
    for _ in 0..3 {
        assert_eq!(
            wait(throttle, &anna).await,
            0,
            "a day later all is forgotten"
        );
    }
    assert_eq!(wait(throttle, &anna).await, 1);
}

#[tokio::test]
async fn success_forgets_the_account_and_gives_the_address_one_try_back() {
    let room = Room::open().await;
    let throttle = &room.identity.throttle;
    let address = Counter::address("192.0.2.1".parse().unwrap(), ALLOWED);
    let both = [account(&room), address.clone()];
    for _ in 0..2 {
        assert_eq!(throttle.check(&both).await.unwrap(), Turn::Now);
    }
    assert_eq!(throttle.check(&both).await.unwrap(), Turn::Now);
    throttle.succeeded(&both).await.unwrap();
    for _ in 0..3 {
        assert_eq!(wait(throttle, &both[0]).await, 0, "the account starts anew");
    }
    for _ in 0..3 {
        assert_eq!(
            wait(throttle, &address).await,
            0,
            "the address has two failures"
        );
    }
    assert_eq!(wait(throttle, &address).await, 1);
}

#[tokio::test]
async fn an_unjudged_try_counts_for_nothing() {
    let room = Room::open().await;
    let throttle = &room.identity.throttle;
    let anna = [account(&room)];
    for _ in 0..10 {
        assert_eq!(throttle.check(&anna).await.unwrap(), Turn::Now);
        throttle.withdrawn(&anna).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_at_once_count_as_a_hundred() {
    let room = Room::open().await;
    let anna = [account(&room)];
    let all = (0..100).map(|_| room.identity.throttle.check(&anna));
    let turns: Vec<Turn> = futures_util::future::try_join_all(all).await.unwrap();
    assert_eq!(turns.iter().filter(|turn| **turn == Turn::Now).count(), 3);
}

#[test]
fn ipv6_counts_by_network_and_ipv4_by_address() {
    let key = |text: &str| Counter::address(text.parse().unwrap(), ALLOWED).key;
    assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:ffff:ffff:ffff"));
    assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
    assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    assert_eq!(key("192.0.2.1"), key("::ffff:192.0.2.1"));
}

#[test]
fn counters_of_different_things_are_different() {
    let address = "192.0.2.1".parse().unwrap();
    let id = AccountId::new(ManualClock::default().now(), &SystemRandom);
    let keys = [
        Counter::address(address, ALLOWED).key,
        Counter::registration(address, ALLOWED).key,
        Counter::account(id, ALLOWED).key,
        unknown("anna").key,
    ];
    let different: std::collections::HashSet<_> = keys.iter().collect();
    assert_eq!(different.len(), keys.len());
    assert_eq!(unknown(" ANNA").key, unknown("anna").key);
}

#[tokio::test]
async fn pruning_forgets_what_no_longer_counts() {
    let room = Room::open().await;
    let throttle = &room.identity.throttle;
    let anna = account(&room);
    assert_eq!(wait(throttle, &anna).await, 0);
    assert_eq!(throttle.prune().await.unwrap(), 0);
    room.clock.advance(SignedDuration::from_hours(25));
    // Hers, and that of everybody together.
    assert_eq!(throttle.prune().await.unwrap(), 2);
}

/// How many wrong tries at a new account go through before one has to wait.
async fn free(room: &Room, allowed: Allowed) -> u32 {
    let id = AccountId::new(room.clock.now(), &SystemRandom);
    let counter = Counter::account(id, allowed);
    let mut free = 0;
    while wait(&room.identity.throttle, &counter).await == 0 {
        free += 1;
    }
    free
}

#[tokio::test]
async fn under_siege_fewer_tries_are_free_and_then_as_many_as_before() {
    let room = Room::open().await;
    let allowed = Allowed {
        account_failures: 10,
        address_failures: 50,
    };
    assert_eq!(free(&room, allowed).await, 10);
    let transaction = room.identity.database.write().await.unwrap();
    let key = siege::key().to_vec();
    let row = throttle::Entity::find_by_id(key).one(&transaction).await;
    let row = row.unwrap().unwrap();
    assert_eq!(row.failures, 10);
    let besieged = throttle::Model {
        failures: siege::USUAL,
        ..row
    };
    save(&transaction, besieged).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(free(&room, allowed).await, 2);
    // Never none: nobody is made to wait for what others did.
    assert_eq!(free(&room, ALLOWED).await, 1);
    // What was right does not count.
    let right = [account(&room)];
    let counted = async || {
        let row = throttle::Entity::find_by_id(siege::key().to_vec());
        let row = row.one(room.identity.database.reads()).await.unwrap();
        row.unwrap().failures
    };
    let before = counted().await;
    assert_eq!(
        room.identity.throttle.check(&right).await.unwrap(),
        Turn::Now
    );
    assert_eq!(counted().await, before + 1);
    room.identity.throttle.succeeded(&right).await.unwrap();
    assert_eq!(counted().await, before);
    room.clock.advance(siege::WINDOW.try_into().unwrap());
    assert_eq!(free(&room, allowed).await, 10);
}

#[tokio::test]
async fn an_operator_lifts_the_waiting_time() {
    let room = Room::open().await;
    let anna = room.add("anna", "anna@example.com").await;
    let counter = Counter::account(anna.id, ALLOWED);
    for _ in 0..3 {
        assert_eq!(wait(&room.identity.throttle, &counter).await, 0);
    }
    assert_eq!(wait(&room.identity.throttle, &counter).await, 1);
    room.identity.throttle.forget(&anna).await.unwrap();
    assert_eq!(wait(&room.identity.throttle, &counter).await, 0);
}
