use doorward_config::{Hashing, Throttle};
use jiff::SignedDuration;
use sea_orm::EntityTrait;

use super::*;
use crate::Clock;
use crate::change::{self, Changed};
use crate::database::entity::throttle;
use crate::session::Token;
use crate::testing::{PASSWORD, Room, client};

async fn attempt(room: &Room, login: &str, password: &str) -> SignIn {
    attempt_from(room, login, password, &client("192.0.2.1")).await
}

async fn attempt_from(room: &Room, login: &str, password: &str, client: &Client) -> SignIn {
    let attempt = Attempt {
        login,
        password,
        remember: Remembered::No,
        client,
        former: None,
    };
    sign_in(&room.identity, &room.live, attempt).await.unwrap()
}

fn word(outcome: &SignIn) -> &'static str {
    match outcome {
        SignIn::Welcome(_) => "welcome",
        SignIn::CodeNeeded(_) => "code needed",
        SignIn::Unverified(_) => "unverified",
        SignIn::Refused => "refused",
        SignIn::Slow { .. } => "slow",
        SignIn::Busy { .. } => "busy",
    }
}

fn welcome(outcome: SignIn) -> Opened {
    match outcome {
        SignIn::Welcome(opened) => opened,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn outcomes_and_one_hash_for_each_of_them() {
    let room = Room::open().await;
    room.add("anna", "anna@x.example").await;
    let carol = room.add("carol", "carol@x.example").await;
    let _disabled = change::disable(&room.identity, carol.id, By::Command)
        .await
        .unwrap();
    let nobody = change::Addition {
        email: "dave@x.example",
        ..change::Addition::default()
    };
    let _without = change::add(&room.identity, &room.live, nobody, By::Command)
        .await
        .unwrap();
    for (login, password, expected) in [
        ("anna", PASSWORD, "welcome"),
        ("ANNA", PASSWORD, "welcome"),
        ("ａｎｎａ", PASSWORD, "welcome"),
        ("Anna@X.Example", PASSWORD, "welcome"),
        (" anna ", PASSWORD, "welcome"),
        ("anna", "wrong", "refused"),
        ("anna", "", "refused"),
        ("anna@y.example", PASSWORD, "refused"),
        ("ann", PASSWORD, "refused"),
        ("", "", "refused"),
        ("a\0b", PASSWORD, "refused"),
        ("carol", PASSWORD, "refused"),
        ("carol", "wrong", "refused"),
        ("dave@x.example", "", "refused"),
        ("dave@x.example", PASSWORD, "refused"),
    ] {
        let before = room.identity.passwords.done();
        let outcome = attempt(&room, login, password).await;
        assert_eq!(word(&outcome), expected, "{login:?} {password:?}");
        assert_eq!(
            room.identity.passwords.done() - before,
            1,
            "one hash: {login:?} {password:?}"
        );
    }
    assert_eq!(room.notes.count("SignIn { outcome: Success }"), 5);
    assert_eq!(room.notes.count("SignIn { outcome: BadCredentials }"), 10);
}

#[tokio::test]
async fn too_long_a_password_costs_no_hash_for_anybody() {
    let room = Room::open().await;
    room.add("anna", "anna@x.example").await;
    let before = room.identity.passwords.done();
    for login in ["anna", "nobody"] {
        assert_eq!(
            word(&attempt(&room, login, &"x".repeat(1025)).await),
            "refused"
        );
    }
    assert_eq!(room.identity.passwords.done(), before);
}

#[tokio::test]
async fn session_says_who_it_is_and_how_long() {
    let room = Room::open().await;
    let anna = room.add("Anna", "anna@x.example").await;
    let opened = welcome(attempt(&room, "anna", PASSWORD).await);
    let found = room
        .identity
        .sessions
        .find(&opened.key, room.live.session.idle)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.record, opened.record);
    assert_eq!(
        (opened.record.account, opened.record.user.as_str()),
        (anna.id, "Anna")
    );
    assert_eq!(
        opened.record.email.as_deref(),
        Some("anna@x.example"),
        "by command it is verified"
    );
    assert_eq!(opened.record.roles, ["user"]);
    assert_eq!(
        opened.record.ends_at,
        room.clock.now() + SignedDuration::from_hours(24)
    );
    assert_eq!(opened.record.generation, 1);
    let browser = client("192.0.2.1");
    let remember = Attempt {
        login: "anna",
        password: PASSWORD,
        remember: Remembered::Yes,
        client: &browser,
        former: None,
    };
    let opened = welcome(sign_in(&room.identity, &room.live, remember).await.unwrap());
    assert_eq!(
        opened.record.ends_at,
        room.clock.now() + SignedDuration::from_hours(30 * 24)
    );
}

#[tokio::test]
async fn former_session_of_the_browser_ends_only_on_success() {
    let room = Room::open().await;
    room.add("anna", "anna@x.example").await;
    let first = welcome(attempt(&room, "anna", PASSWORD).await);
    let browser = client("192.0.2.1");
    let again = |password| Attempt {
        login: "anna",
        password,
        remember: Remembered::No,
        client: &browser,
        former: Some(first.key),
    };
    let _refused = sign_in(&room.identity, &room.live, again("wrong"))
        .await
        .unwrap();
    assert!(room_find(&room, first.key).await);
    let second = welcome(
        sign_in(&room.identity, &room.live, again(PASSWORD))
            .await
            .unwrap(),
    );
    assert!(!room_find(&room, first.key).await);
    assert!(room_find(&room, second.key).await);
    assert_ne!(first.token, second.token);
}

async fn room_find(room: &Room, key: SessionKey) -> bool {
    room.identity
        .sessions
        .find(&key, room.live.session.idle)
        .await
        .unwrap()
        .is_some()
}

#[tokio::test]
async fn unknown_and_known_names_are_slowed_alike_and_even_the_right_password_waits() {
    let mut room = Room::open().await;
    room.live.throttle = Throttle {
        account_failures: 3,
        address_failures: 1000,
    };
    room.add("anna", "anna@x.example").await;
    for login in ["anna", "nobody", "nobody@x.example", "no name at all"] {
        for number in 0..3 {
            assert_eq!(
                word(&attempt(&room, login, "wrong").await),
                "refused",
                "{login} {number}"
            );
        }
        let hashed = room.identity.passwords.done();
        for spelling in [login.to_owned(), login.to_uppercase()] {
            let SignIn::Slow { retry_after } = attempt(&room, &spelling, PASSWORD).await else {
                panic!("{spelling} is not slowed");
            };
            assert_eq!(retry_after, Duration::from_secs(1), "{spelling}");
        }
        assert_eq!(
            room.identity.passwords.done(),
            hashed,
            "slowed means not hashed"
        );
    }
    assert_eq!(
        word(&attempt(&room, "anna@x.example", PASSWORD).await),
        "slow",
        "one account, two names"
    );
    assert_eq!(room.notes.count("Throttled { kind: Account }"), 9);
    room.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(word(&attempt(&room, "anna", PASSWORD).await), "welcome");
    assert_eq!(
        word(&attempt(&room, "anna", "wrong").await),
        "refused",
        "and all is forgotten"
    );
    assert_eq!(word(&attempt(&room, "anna", PASSWORD).await), "welcome");
}

#[tokio::test]
async fn one_address_is_slowed_whatever_the_names_and_others_are_not() {
    let mut room = Room::open().await;
    room.live.throttle = Throttle {
        account_failures: 1000,
        address_failures: 3,
    };
    room.add("anna", "anna@x.example").await;
    for login in ["a", "b"] {
        assert_eq!(word(&attempt(&room, login, "wrong").await), "refused");
    }
    assert_eq!(
        word(&attempt(&room, "anna", PASSWORD).await),
        "welcome",
        "a right try costs the address nothing"
    );
    assert_eq!(word(&attempt(&room, "c", "wrong").await), "refused");
    assert_eq!(word(&attempt(&room, "anna", PASSWORD).await), "slow");
    assert_eq!(
        word(&attempt_from(&room, "anna", PASSWORD, &client("192.0.2.2")).await),
        "welcome"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_guesses_at_once_get_no_more_than_are_allowed() {
    let mut room = Room::open().await;
    room.live.throttle = Throttle {
        account_failures: 10,
        address_failures: 1000,
    };
    room.add("anna", "anna@x.example").await;
    let hashed = room.identity.passwords.done();
    let all = (0..100).map(|_| attempt(&room, "anna", "wrong"));
    let outcomes = futures_util::future::join_all(all).await;
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| word(outcome) == "refused")
            .count(),
        10
    );
    assert_eq!(room.identity.passwords.done() - hashed, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn full_queue_is_busy_and_counts_no_try() {
    let mut room = Room::open().await;
    room.add("anna", "anna@x.example").await;
    let slow = Hashing {
        memory_kib: 8 * 1024,
        iterations: 40,
        lanes: 1,
        concurrency: 1,
    };
    room.identity = std::sync::Arc::new(room.again(slow).await);
    // More than there is room for, who come back at once: the queue stays full.
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..24 {
        let identity = std::sync::Arc::clone(&room.identity);
        crowd.spawn(async move {
            loop {
                let _verified = identity
                    .passwords
                    .verify(Password::typed("x").unwrap(), None)
                    .await;
                tokio::task::yield_now().await;
            }
        });
    }
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    let retry_after = loop {
        assert!(std::time::Instant::now() < deadline, "never busy");
        if let SignIn::Busy { retry_after } = attempt(&room, "anna", PASSWORD).await {
            break retry_after;
        }
    };
    drop(crowd);
    assert!(!retry_after.is_zero());
    let counts = throttle::Entity::find()
        .all(room.identity.database.reads())
        .await
        .unwrap();
    assert!(
        !counts.is_empty() && counts.iter().all(|row| row.failures == 0),
        "{counts:?}"
    );
}

#[tokio::test]
async fn weak_hash_is_replaced_at_the_next_good_sign_in_and_ends_no_session() {
    let mut room = Room::open().await;
    let anna = room.add("anna", "anna@x.example").await;
    let first = welcome(attempt(&room, "anna", PASSWORD).await);
    let stronger = Hashing {
        memory_kib: 128,
        iterations: 1,
        lanes: 1,
        concurrency: 1,
    };
    room.identity = std::sync::Arc::new(room.again(stronger).await);
    let _refused = attempt(&room, "anna", "wrong").await;
    let hash = async |room: &Room| {
        room.identity
            .accounts
            .find(anna.id)
            .await
            .unwrap()
            .unwrap()
            .password_hash
            .unwrap()
    };
    assert!(hash(&room).await.as_str().contains("m=64"));
    welcome(attempt(&room, "anna", PASSWORD).await);
    assert!(hash(&room).await.as_str().contains("m=128"));
    welcome(attempt(&room, "anna", PASSWORD).await);
    assert!(room_find(&room, first.key).await);
}

#[tokio::test]
async fn account_that_changed_between_proof_and_session_gets_no_session_from_the_past() {
    let room = Room::open().await;
    let anna = room.add("anna", "anna@x.example").await;
    let browser = client("192.0.2.1");
    let occasion = Occasion {
        live: &room.live,
        client: &browser,
        remembered: Remembered::No,
    };
    let sessions = async || {
        room.identity
            .sessions
            .list(anna.id, room.live.session.idle)
            .await
            .unwrap()
            .len()
    };

    // What a sign-in has read when somebody else changes the account.
    let read = room.identity.accounts.find(anna.id).await.unwrap().unwrap();
    let role = crate::role::Role::parse("editor").unwrap();
    let Changed::Done(now) = change::grant_role(&room.identity, anna.id, &role, By::Command)
        .await
        .unwrap()
    else {
        panic!("not granted");
    };
    assert!(matches!(
        opening::open(&room.identity, &read, occasion)
            .await
            .unwrap(),
        Opening::Changed
    ));
    assert_eq!(sessions().await, 0);

    let Opening::Open(opened) = opening::open(&room.identity, &now, occasion).await.unwrap() else {
        panic!("what is true opens");
    };
    assert_eq!(opened.record.roles, ["editor", "user"]);
    assert_eq!(sessions().await, 1);

    let _disabled = change::disable(&room.identity, anna.id, By::Command)
        .await
        .unwrap();
    assert_eq!(sessions().await, 0);
    assert!(matches!(
        opening::open(&room.identity, &now, occasion).await.unwrap(),
        Opening::Gone
    ));
    assert_eq!(sessions().await, 0, "not even one that nobody holds");

    let _deleted = change::delete(&room.identity, anna.id, By::Command)
        .await
        .unwrap();
    assert!(matches!(
        opening::open(&room.identity, &now, occasion).await.unwrap(),
        Opening::Gone
    ));
    assert_eq!(sessions().await, 0);
}

/// Whatever the order in which they meet, nobody is left signed in to a disabled account.
#[tokio::test(flavor = "multi_thread")]
async fn disabling_races_signing_in_and_always_wins() {
    let mut room = Room::open().await;
    room.live.throttle = Throttle {
        account_failures: 1000,
        address_failures: 1000,
    };
    let anna = room.add("anna", "anna@x.example").await;
    for _ in 0..20 {
        let disable = change::disable(&room.identity, anna.id, By::Command);
        let tries = (0..4).map(|_| attempt(&room, "anna", PASSWORD));
        let (disabled, _outcomes) = tokio::join!(disable, futures_util::future::join_all(tries));
        assert!(matches!(disabled.unwrap(), Changed::Done(_)));
        let left = room
            .identity
            .sessions
            .list(anna.id, room.live.session.idle)
            .await
            .unwrap();
        assert!(left.is_empty(), "{left:?}");
        let _enabled = change::enable(&room.identity, anna.id, By::Command)
            .await
            .unwrap();
    }
    welcome(attempt(&room, "anna", PASSWORD).await);
}

#[tokio::test]
async fn trail_says_why_and_never_what_was_typed() {
    let room = Room::on_a_file().await;
    let anna = room.add("anna", "anna@x.example").await;
    welcome(attempt(&room, "anna", PASSWORD).await);
    let _refused = attempt(&room, "anna", "my secret guess").await;
    let _refused = attempt(&room, "my secret name", PASSWORD).await;
    let trail = room.identity.audit.list(anna.id, 10).await.unwrap();
    let events: Vec<_> = trail
        .iter()
        .map(|entry| (entry.event.as_str(), entry.detail.as_deref()))
        .collect();
    assert_eq!(
        events,
        [
            ("sign_in.failure", Some("wrong_password")),
            ("sign_in.success", None),
            ("account.added", None)
        ]
    );
    assert_eq!(trail[0].address, Some("192.0.2.1".parse().unwrap()));
    assert_eq!(trail[0].request_id.as_deref(), Some("request-1"));
    assert_eq!(trail[2].address, None);
    drop(room.identity);
    let everything: Vec<u8> = ["doorward.db", "doorward.db-wal"]
        .iter()
        .filter_map(|file| std::fs::read(room.boot.data_dir.join(file)).ok())
        .flatten()
        .collect();
    let holds = |text: &str| {
        everything
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    assert!(holds("wrong_password"), "the search finds what is there");
    assert!(!holds("my secret") && !holds(PASSWORD));
}

#[tokio::test]
async fn no_token_is_in_the_database() {
    let room = Room::on_a_file().await;
    room.add("anna", "anna@x.example").await;
    let opened = welcome(attempt(&room, "anna", PASSWORD).await);
    let token: Token = opened.token;
    assert_eq!(token.key(), opened.key);
    let files = ["doorward.db", "doorward.db-wal"]
        .map(|file| std::fs::read(room.boot.data_dir.join(file)).unwrap());
    let holds = |bytes: &[u8]| {
        files
            .iter()
            .any(|file| file.windows(bytes.len()).any(|window| window == bytes))
    };
    assert!(holds(opened.key.as_bytes()));
    assert!(!holds(token.text().as_bytes()));
}
