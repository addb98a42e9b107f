//! The second step of signing in.

use super::*;

#[tokio::test]
async fn the_password_alone_opens_nothing() {
    let room = Room::open().await;
    let bob = person(&room, "bob").await;
    let before = room
        .identity
        .sessions
        .list(bob.account.id, Duration::MAX)
        .await
        .unwrap();
    let token = flow(&room, "bob").await;
    let after = room
        .identity
        .sessions
        .list(bob.account.id, Duration::MAX)
        .await
        .unwrap();
    assert_eq!(after.len(), before.len(), "no session");
    // The token is no session's either.
    let as_session = crate::session::Token::parse(&token.text()).unwrap().key();
    let idle = room.live.session.idle;
    assert!(
        room.identity
            .sessions
            .find(&as_session, idle)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(
        half_way(&room.identity, &token).await.unwrap().as_deref(),
        Some("bob")
    );

    let Stepped::Welcome(opened) = step(&room, &token, &code(&room, &bob.key)).await.unwrap()
    else {
        panic!("refused");
    };
    assert_eq!(opened.record.amr, [Amr::Password, Amr::OneTimeCode]);
    assert!(room.is_live(&opened).await);
    assert_eq!(half_way(&room.identity, &token).await.unwrap(), None);
    room.clock.advance(STEP);
    assert_eq!(
        steps(&room, &token, &code(&room, &bob.key)).await,
        "gone",
        "used up"
    );
    assert_eq!(room.notes.count("SecondStep { outcome: Success }"), 1);
    assert_eq!(room.notes.count("SignIn { outcome: CodeNeeded }"), 1);
}

/// Offsets in seconds from the moment at which the app made the code.
#[tokio::test]
async fn skew() {
    for (later, expected) in [
        (0, "welcome"),
        (29, "welcome"),
        (30, "welcome"),
        (59, "welcome"),
        (60, "refused"),
        (3600, "refused"),
    ] {
        let room = Room::open().await;
        let bob = person(&room, "bob").await;
        room.clock.advance(STEP * 10);
        let start = Timestamp::from_second(room.clock.now().as_second() / 30 * 30).unwrap();
        let made = bob.key.code(start);
        room.clock.set(start);
        room.clock.advance(SignedDuration::from_secs(later));
        let token = flow(&room, "bob").await;
        assert_eq!(
            steps(&room, &token, &made).await,
            expected,
            "{later} s later"
        );
    }
    // The phone is ahead of us by a step, and by two.
    for (ahead, expected) in [(30, "welcome"), (60, "refused")] {
        let room = Room::open().await;
        let bob = person(&room, "bob").await;
        let token = flow(&room, "bob").await;
        let there = room.clock.now() + SignedDuration::from_secs(ahead);
        assert_eq!(
            steps(&room, &token, &bob.key.code(there)).await,
            expected,
            "{ahead} s ahead"
        );
    }
}

#[tokio::test]
async fn a45_a_step_counts_once_and_voids_those_before() {
    let room = Room::open().await;
    let bob = person(&room, "bob").await;
    let before = code(&room, &bob.key);
    room.clock.advance(STEP);
    let now = code(&room, &bob.key);
    let (one, two) = (flow(&room, "bob").await, flow(&room, "bob").await);
    assert_eq!(steps(&room, &one, &now).await, "welcome");
    assert_eq!(steps(&room, &two, &now).await, "refused", "the same again");
    assert_eq!(
        steps(&room, &two, &before).await,
        "refused",
        "the one before"
    );
    let listed = room.identity.audit.list(bob.account.id, 2).await.unwrap();
    assert!(
        listed
            .iter()
            .all(|entry| entry.detail.as_deref() == Some("used_code")),
        "{listed:?}"
    );
    // A clock that is set back brings no step back.
    room.clock.set(room.clock.now() - STEP * 4);
    let three = flow(&room, "bob").await;
    assert_eq!(
        steps(&room, &three, &code(&room, &bob.key)).await,
        "refused"
    );
    room.clock.advance(STEP * 5);
    let four = flow(&room, "bob").await;
    assert_eq!(steps(&room, &four, &code(&room, &bob.key)).await, "welcome");
}

#[tokio::test]
async fn the_code_that_confirmed_is_used_up() {
    let room = Room::open().await;
    let bob = person(&room, "bob").await;
    let confirmed_with = bob.key.code(room.clock.now() - STEP);
    let token = flow(&room, "bob").await;
    assert_eq!(steps(&room, &token, &confirmed_with).await, "refused");
    assert_eq!(
        steps(&room, &token, &code(&room, &bob.key)).await,
        "welcome"
    );
}

/// A56: a step without the one before, nothing at all, the same again.
#[tokio::test]
async fn a56_steps_out_of_order() {
    let room = Room::open().await;
    let bob = person(&room, "bob").await;
    let now = code(&room, &bob.key);
    let nobodys = FlowToken::generate(&*room.identity.random);
    assert_eq!(steps(&room, &nobodys, &now).await, "gone", "the code first");
    let token = flow(&room, "bob").await;
    for nothing in ["", " ", "0", "000000000000000", &"1".repeat(10_000)] {
        assert_eq!(
            steps(&room, &token, nothing).await,
            "refused",
            "{nothing:.20}"
        );
    }
    // Those were five.
    assert_eq!(steps(&room, &token, &now).await, "gone");
    assert_eq!(half_way(&room.identity, &token).await.unwrap(), None);
    let token = flow(&room, "bob").await;
    assert_eq!(
        steps(&room, &token, &now).await,
        "welcome",
        "the code was not spent in vain"
    );
    assert_eq!(steps(&room, &token, &now).await, "gone");
}

#[tokio::test]
async fn a_flow_ends_with_its_time_and_with_any_change() {
    let room = Room::open().await;
    let bob = person(&room, "bob").await;
    let id = bob.account.id;
    let identity = &room.identity;
    let late = flow(&room, "bob").await;
    room.clock.advance(SignedDuration::from_secs(599));
    assert!(half_way(identity, &late).await.unwrap().is_some());
    room.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(steps(&room, &late, &code(&room, &bob.key)).await, "gone");

    let changed = flow(&room, "bob").await;
    let set = change::set_password(identity, &room.live, id, "another tram 77", By::Command).await;
    assert!(matches!(set.unwrap(), change::SetPassword::Done));
    assert_eq!(steps(&room, &changed, &code(&room, &bob.key)).await, "gone");
    let set = change::set_password(identity, &room.live, id, PASSWORD, By::Command).await;
    assert!(matches!(set.unwrap(), change::SetPassword::Done));

    let disabled = flow(&room, "bob").await;
    let _done = change::disable(identity, id, By::Command).await.unwrap();
    assert_eq!(
        steps(&room, &disabled, &code(&room, &bob.key)).await,
        "gone"
    );
    let _done = change::enable(identity, id, By::Command).await.unwrap();
    assert_eq!(
        steps(&room, &disabled, &code(&room, &bob.key)).await,
        "gone",
        "it stays over"
    );

    let reset = flow(&room, "bob").await;
    let _done = change::reset_two_factor(identity, id, By::Command)
        .await
        .unwrap();
    assert_eq!(steps(&room, &reset, &code(&room, &bob.key)).await, "gone");

    identity.prune().await.unwrap();
    room.clock.advance(SignedDuration::from_mins(10));
    identity.prune().await.unwrap();
    let left = entity::login_flow::Entity::find()
        .all(identity.database.reads())
        .await
        .unwrap();
    assert_eq!(left, []);
}

#[tokio::test]
async fn a_session_from_before_steps_up() {
    let room = Room::open().await;
    room.add("bob", "bob@x.example").await;
    let (here, there) = (room.sign_in("bob").await, room.sign_in("bob").await);
    let Enrolment { token, key } = enrol(&room, here.key).await;
    let confirmed = confirming(&room, here.key, &token, &code(&room, &key)).await;
    assert!(matches!(confirmed, Confirmed::Done { .. }));
    assert!(room.is_live(&there).await, "it goes on");
    room.clock.advance(STEP);
    let who = client("192.0.2.1");
    let up = async |session, code: &str| {
        let step = StepUp {
            session,
            code,
            client: &who,
        };
        step_up(&room.identity, &room.live, step).await.unwrap()
    };
    assert_eq!(word(&up(there.key, "").await), "refused");
    assert_eq!(word(&up(there.key, "000000").await), "refused");
    let now = code(&room, &key);
    let Stepped::Welcome(opened) = up(there.key, &now).await else {
        panic!("refused");
    };
    assert_eq!(opened.record.amr, [Amr::Password, Amr::OneTimeCode]);
    assert_ne!(opened.key, there.key, "a new id");
    assert_eq!(
        opened.record.ends_at, there.record.ends_at,
        "no longer life"
    );
    assert!(!room.is_live(&there).await && room.is_live(&opened).await);
    assert_eq!(word(&up(there.key, &now).await), "gone");
    let nobody = room.add("anna", "anna@x.example").await;
    let other = room.sign_in("anna").await;
    assert_eq!(other.record.account, nobody.id);
    assert_eq!(
        word(&up(other.key, &now).await),
        "gone",
        "she has no second factor"
    );
}

/// Whoever knows the password gets no more codes to try than whoever does not gets passwords.
#[tokio::test]
async fn a_right_password_takes_back_no_wrong_code() {
    let room = Room::open().await;
    let bob = person(&room, "bob").await;
    let mut wrong = 0;
    let retry_after = 'slow: loop {
        let token = match attempt(&room, "bob").await {
            SignIn::CodeNeeded(token) => token,
            SignIn::Slow { retry_after } => break 'slow retry_after,
            other => panic!("{other:?}"),
        };
        for _ in 0..5 {
            match step(&room, &token, "000000").await.unwrap() {
                Stepped::Refused => wrong += 1,
                Stepped::Slow { retry_after } => break 'slow retry_after,
                other => panic!("{other:?}"),
            }
            assert!(wrong <= room.live.throttle.account_failures, "never slowed");
        }
    };
    assert_eq!(wrong, room.live.throttle.account_failures);
    room.clock
        .advance(SignedDuration::try_from(retry_after).unwrap());
    room.clock.advance(STEP);
    let token = flow(&room, "bob").await;
    assert_eq!(
        steps(&room, &token, &code(&room, &bob.key)).await,
        "welcome"
    );
}
