//! What becomes of a second factor that is on.

use super::*;

#[tokio::test]
async fn a_recovery_code_counts_once_and_only_for_its_owner() {
    let room = Room::open().await;
    let bob = person(&room, "bob").await;
    let eve = person(&room, "eve").await;
    let text = bob.codes[3].text();
    assert_eq!(
        steps(&room, &flow(&room, "eve").await, &text).await,
        "refused"
    );
    assert_eq!(
        steps(
            &room,
            &flow(&room, "bob").await,
            &text.to_uppercase().replace('-', " ")
        )
        .await,
        "welcome"
    );
    assert_eq!(
        steps(&room, &flow(&room, "bob").await, &text).await,
        "refused"
    );
    let left = async |of: &Person| match standing(&room.identity, of.account.id).await.unwrap() {
        Standing::On { codes_left, .. } => codes_left,
        Standing::Off => panic!("off"),
    };
    assert_eq!((left(&bob).await, left(&eve).await), (9, 10));
    let listed = room.identity.audit.list(bob.account.id, 10).await.unwrap();
    assert!(
        listed
            .iter()
            .any(|entry| entry.event == "two_factor.recovery_code_used")
    );

    let told = room.mail().await;
    let told: Vec<_> = told
        .iter()
        .filter(|mail| mail.subject.starts_with("A recovery code was used"))
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].to, "bob@x.example");
    assert!(told[0].text.contains("9 are left."), "{}", told[0].text);

    // A new set voids the old one, used or not.
    let again = again(&room, bob.opened.key).await;
    let made = regenerate(&room.identity, &again, &client("192.0.2.1"))
        .await
        .unwrap();
    let Regenerated::Done(fresh) = made else {
        panic!("{made:?}");
    };
    assert_eq!((fresh.len(), left(&bob).await), (10, 10));
    assert_eq!(
        steps(&room, &flow(&room, "bob").await, &bob.codes[4].text()).await,
        "refused"
    );
    assert_eq!(
        steps(&room, &flow(&room, "bob").await, &fresh[0].text()).await,
        "welcome"
    );
}

#[tokio::test]
async fn an_operator_turns_it_off_for_who_lost_everything() {
    let room = Room::open().await;
    let bob = person(&room, "bob").await;
    let identity = &room.identity;
    let reset = async || {
        change::reset_two_factor(identity, bob.account.id, By::Command)
            .await
            .unwrap()
    };
    assert!(matches!(reset().await, Changed::Done(_)));
    assert!(matches!(reset().await, Changed::Already(_)));
    assert!(
        !room.is_live(&bob.opened).await,
        "it had shown what is no more"
    );
    let opened = room.sign_in("bob").await;
    assert_eq!(opened.record.amr, [Amr::Password]);
    let reads = identity.database.reads();
    assert_eq!(
        entity::two_factor::Entity::find().all(reads).await.unwrap(),
        []
    );
    assert_eq!(
        entity::recovery_code::Entity::find()
            .all(reads)
            .await
            .unwrap(),
        []
    );
    let nobody = crate::AccountId::new(room.clock.now(), &*identity.random);
    let changed = change::reset_two_factor(identity, nobody, By::Command)
        .await
        .unwrap();
    assert!(matches!(changed, Changed::NotFound));
}

#[tokio::test]
async fn its_owner_turns_it_off() {
    let room = Room::open().await;
    let bob = person(&room, "bob").await;
    let token = flow(&room, "bob").await;
    let Stepped::Welcome(elsewhere) = step(&room, &token, &code(&room, &bob.key)).await.unwrap()
    else {
        panic!("refused");
    };
    let proof = again(&room, bob.opened.key).await;
    let client = client("192.0.2.1");
    let TurnedOff::Done(opened) = turn_off(&room.identity, &proof, &client).await.unwrap() else {
        panic!("it was off");
    };
    assert_eq!(opened.record.amr, [Amr::Password]);
    assert!(room.is_live(&opened).await);
    assert!(!room.is_live(&bob.opened).await && !room.is_live(&elsewhere).await);
    let off = turn_off(&room.identity, &proof, &client).await.unwrap();
    assert!(matches!(off, TurnedOff::Already));
    let off = regenerate(&room.identity, &proof, &client).await.unwrap();
    assert!(matches!(off, Regenerated::Off));
    assert!(room.try_sign_in("bob", PASSWORD).await.is_some());
}

/// New rights do not take away what was proven.
#[tokio::test]
async fn a_role_leaves_the_factors_alone() {
    let room = Room::open().await;
    let bob = person(&room, "bob").await;
    let role = crate::role::Role::parse("writer").unwrap();
    let _done = change::grant_role(&room.identity, bob.account.id, &role, By::Command)
        .await
        .unwrap();
    let idle = room.live.session.idle;
    let found = room
        .identity
        .sessions
        .find(&bob.opened.key, idle)
        .await
        .unwrap()
        .unwrap();
    assert!(found.record.roles.contains(&"writer".to_owned()));
    assert_eq!(found.record.amr, [Amr::Password, Amr::OneTimeCode]);
}

#[tokio::test]
async fn a_new_password_leaves_the_factors_alone() {
    let room = Room::open().await;
    let bob = person(&room, "bob").await;
    let who = client("192.0.2.1");
    let wish = change::PasswordChange {
        account: bob.account.id,
        current: PASSWORD,
        password: "another tram 77",
        session: bob.opened.key,
    };
    let changed = change::change_password(&room.identity, &room.live, wish, &who)
        .await
        .unwrap();
    let change::ChangedPassword::Done(opened) = changed else {
        panic!("{changed:?}");
    };
    assert_eq!(opened.record.amr, [Amr::Password, Amr::OneTimeCode]);
}

#[tokio::test]
async fn proof_is_a_fresh_sign_in_or_the_password() {
    let room = Room::open().await;
    room.add("anna", "anna@x.example").await;
    let opened = room.sign_in("anna").await;
    let who = client("192.0.2.1");
    let proves = async |current: &str| {
        let offered = Offered {
            session: opened.key,
            current,
            client: &who,
        };
        match prove(&room.identity, &room.live, offered).await.unwrap() {
            Proof::Given(_) => "given",
            Proof::Wrong => "wrong",
            Proof::Slow { .. } => "slow",
            Proof::Busy { .. } => "busy",
        }
    };
    assert_eq!(proves("").await, "given");
    room.clock.advance(SignedDuration::from_mins(5));
    assert_eq!(proves("wrong").await, "wrong", "nobody had to say it");
    assert_eq!(proves("").await, "given");
    room.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(proves("").await, "wrong");
    assert_eq!(proves("wrong").await, "wrong");
    assert_eq!(proves(PASSWORD).await, "given");
    room.clock
        .set(opened.record.auth_time - SignedDuration::from_secs(1));
    assert_eq!(proves("").await, "wrong", "a sign-in of the future");
    let ended = Offered {
        session: opened.key,
        current: PASSWORD,
        client: &who,
    };
    room.identity
        .sessions
        .revoke(&opened.key, crate::session::Ended::Logout)
        .await
        .unwrap();
    let proof = prove(&room.identity, &room.live, ended).await.unwrap();
    assert!(matches!(proof, Proof::Wrong));
}

/// A password alone proves nothing about an account with two factors.
#[tokio::test]
async fn proof_takes_both_factors_where_there_are_two() {
    let room = Room::open().await;
    room.add("bob", "bob@x.example").await;
    let (here, there) = (room.sign_in("bob").await, room.sign_in("bob").await);
    let Enrolment { token, key } = enrol(&room, here.key).await;
    let confirmed = confirming(&room, here.key, &token, &code(&room, &key)).await;
    assert!(matches!(confirmed, Confirmed::Done { .. }));
    let who = client("192.0.2.1");
    let offered = Offered {
        session: there.key,
        current: PASSWORD,
        client: &who,
    };
    let proof = prove(&room.identity, &room.live, offered).await.unwrap();
    assert!(matches!(proof, Proof::Wrong));
    let wish = change::PasswordChange {
        account: there.record.account,
        current: PASSWORD,
        password: "another tram 77",
        session: there.key,
    };
    let changed = change::change_password(&room.identity, &room.live, wish, &who)
        .await
        .unwrap();
    assert!(matches!(changed, change::ChangedPassword::Wrong));
}

#[tokio::test]
async fn its_owner_is_told_of_each_change() {
    let room = Room::open().await;
    let bob = person(&room, "bob").await;
    let told = room.one_mail().await;
    assert_eq!(told.to, "bob@x.example");
    assert_eq!(told.subject, "Two-step sign-in was turned on at Doorward");
    let proof = again(&room, bob.opened.key).await;
    let off = turn_off(&room.identity, &proof, &client("192.0.2.1")).await;
    assert!(matches!(off.unwrap(), TurnedOff::Done(_)));
    let told = room.one_mail().await;
    assert_eq!(told.subject, "Two-step sign-in was turned off at Doorward");
    let again = change::reset_two_factor(&room.identity, bob.account.id, By::Command).await;
    assert!(matches!(again.unwrap(), Changed::Already(_)));
    assert_eq!(room.mail().await.len(), 0, "nothing has changed");
}
