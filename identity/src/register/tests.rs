use doorward_config::{Throttle, UsernameRule};
use jiff::SignedDuration;

use super::Field::{DateOfBirth, Email, FirstName, LastName, Username};
use super::*;
use crate::Clock;
use crate::testing::{PASSWORD, Room, client};

fn form<'a>(username: &'a str, email: &'a str) -> NewAccount<'a> {
    NewAccount {
        username,
        email,
        password: PASSWORD,
        ..NewAccount::default()
    }
}

async fn attempt(room: &Room, form: NewAccount<'_>) -> Registered {
    register(&room.identity, &room.live, form, &client("192.0.2.1"), None)
        .await
        .unwrap()
}

/// The fields that were wrong; nothing if there is an account now.
async fn fields(room: &Room, form: NewAccount<'_>) -> Vec<Field> {
    match attempt(room, form).await {
        Registered::Welcome(_) => Vec::new(),
        Registered::Invalid(problems) => problems.iter().map(|problem| problem.field).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn new_account_is_signed_in_and_can_sign_in_again() {
    let room = Room::open().await;
    let form = NewAccount {
        first_name: " Anna ",
        last_name: "Berg",
        date_of_birth: "1990-12-31",
        ..form("Anna", "Anna@X.example")
    };
    let Registered::Welcome(opened) = attempt(&room, form).await else {
        panic!("not registered")
    };
    assert_eq!(
        (opened.record.user.as_str(), opened.record.name.as_str()),
        ("Anna", "Anna Berg")
    );
    assert_eq!(opened.record.email, None, "nobody has verified it");
    assert_eq!(opened.record.roles, ["user"]);
    let anna = room
        .identity
        .accounts
        .find(opened.record.account)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(anna.email, "Anna@x.example");
    assert_eq!(anna.date_of_birth.unwrap().to_string(), "1990-12-31");
    assert_eq!(anna.created_at, room.clock.now());
    assert!(anna.enabled && !anna.email_verified && anna.has_password());
    for login in ["anna", "anna@x.example"] {
        assert_eq!(
            room.identity
                .accounts
                .find_by_login(login)
                .await
                .unwrap()
                .unwrap(),
            anna
        );
    }
    assert_eq!(room.notes.count("Registration { outcome: Success }"), 1);
    let trail = room.identity.audit.list(anna.id, 9).await.unwrap();
    assert_eq!(trail[0].event, "register.success");
}

#[tokio::test]
async fn without_a_username_the_address_is_the_name() {
    let mut room = Room::open().await;
    let Registered::Welcome(opened) = attempt(&room, form("", "anna@x.example")).await else {
        panic!("refused")
    };
    assert_eq!(opened.record.user, "anna@x.example");
    assert!(
        fields(&room, form("", "bob@x.example")).await.is_empty(),
        "two without a name are two"
    );
    room.live.registration.username = UsernameRule::Required;
    assert_eq!(
        fields(&room, form("", "carol@x.example")).await,
        [Field::Username]
    );
}

#[tokio::test]
async fn what_is_wrong_is_said_at_its_field_all_at_once() {
    let room = Room::open().await;
    let wrong = NewAccount {
        username: "a b",
        email: "nowhere",
        password: "short",
        first_name: "a\u{202e}b",
        last_name: "c\nd",
        date_of_birth: "2030-01-01",
        invite: "",
    };
    let before = room.identity.passwords.done();
    assert_eq!(
        fields(&room, wrong).await,
        [
            Username,
            Email,
            Field::Password,
            FirstName,
            LastName,
            DateOfBirth
        ]
    );
    assert_eq!(
        room.identity.passwords.done(),
        before,
        "nothing is hashed for it"
    );
    for reserved in ["admin", "ADMIN", "Root", "adrnin"] {
        assert_eq!(
            fields(&room, form(reserved, "a@x.example")).await,
            [Username],
            "{reserved}"
        );
    }
    let own = NewAccount {
        password: "annaberg1990",
        first_name: "Anna",
        last_name: "Berg",
        ..form("", "a@x.example")
    };
    assert_eq!(fields(&room, own).await, [Field::Password]);
    assert!(room.identity.accounts.list().await.unwrap().is_empty());
    assert!(fields(&room, form("anna", "a@x.example")).await.is_empty());
}

#[tokio::test]
async fn closed_and_invite_let_nobody_in() {
    let mut room = Room::open().await;
    for mode in [RegistrationMode::Closed, RegistrationMode::Invite] {
        room.live.registration.mode = mode;
        assert!(matches!(
            attempt(&room, form("anna", "anna@x.example")).await,
            Registered::Closed
        ));
    }
    assert!(room.identity.accounts.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn taken_names_are_problems_of_their_field_and_cost_a_hash_like_free_ones() {
    let room = Room::open().await;
    for (typed, expected) in [
        (form("fiona", "fiona@x.example"), vec![]),
        (form("FIONA", "other@x.example"), vec![Field::Username]),
        (form("ﬁona", "other@x.example"), vec![Field::Username]),
        (form("other", "Fiona@X.EXAMPLE"), vec![Field::Email]),
        (form("other", "other@x.example"), vec![]),
    ] {
        let before = room.identity.passwords.done();
        assert_eq!(fields(&room, typed).await, expected, "{typed:?}");
        assert_eq!(room.identity.passwords.done() - before, 1);
    }
    assert_eq!(room.identity.accounts.list().await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_want_one_name_or_address_at_once_exactly_one_gets_it() {
    let mut room = Room::open().await;
    room.live.throttle = Throttle {
        account_failures: 1000,
        address_failures: 1000,
    };
    for spellings in [
        ["fiona", "FIONA", "ﬁona", "Fiona", "ｆｉｏｎａ"],
        ["alice", "ALICE", "Alice", "aLICE", "ａlice"],
    ] {
        let addresses: Vec<String> = (0..50)
            .map(|number| format!("{}{number}@x.example", spellings[0]))
            .collect();
        let all = addresses
            .iter()
            .zip(spellings.iter().cycle())
            .map(|(email, name)| fields(&room, form(name, email)));
        exactly_one(&futures_util::future::join_all(all).await, Field::Username);
    }
    let names: Vec<String> = (0..50).map(|number| format!("person{number}")).collect();
    let spellings = [
        "bob@x.example",
        "BOB@x.example",
        "bob@X.Example",
        " Bob@x.example",
    ];
    let all = names
        .iter()
        .zip(spellings.iter().cycle())
        .map(|(name, email)| fields(&room, form(name, email)));
    exactly_one(&futures_util::future::join_all(all).await, Field::Email);
    assert_eq!(
        room.identity.accounts.list().await.unwrap().len(),
        3,
        "nothing is left of those who lost"
    );
}

fn exactly_one(outcomes: &[Vec<Field>], taken: Field) {
    assert_eq!(
        outcomes.iter().filter(|fields| fields.is_empty()).count(),
        1
    );
    assert_eq!(
        outcomes.iter().filter(|fields| **fields == [taken]).count(),
        outcomes.len() - 1
    );
}

#[tokio::test]
async fn asking_for_taken_names_is_slowed_and_registering_is_not() {
    let mut room = Room::open().await;
    room.live.throttle = Throttle {
        account_failures: 3,
        address_failures: 3,
    };
    for number in 0..6 {
        let email = format!("person{number}@x.example");
        assert!(fields(&room, form("", &email)).await.is_empty());
    }
    for _ in 0..3 {
        assert_eq!(
            fields(&room, form("", "person1@x.example")).await,
            [Field::Email]
        );
    }
    let hashed = room.identity.passwords.done();
    let slow = attempt(&room, form("", "free@x.example")).await;
    assert!(
        matches!(slow, Registered::Slow { retry_after } if retry_after == Duration::from_secs(1)),
        "{slow:?}"
    );
    assert_eq!(room.identity.passwords.done(), hashed);
    let elsewhere = client("192.0.2.2");
    let other = register(
        &room.identity,
        &room.live,
        form("", "free@x.example"),
        &elsewhere,
        None,
    )
    .await
    .unwrap();
    assert!(matches!(other, Registered::Welcome(_)));
    room.clock.advance(SignedDuration::from_secs(1));
    assert!(
        fields(&room, form("", "late@x.example")).await.is_empty(),
        "it ends by itself"
    );
}

#[tokio::test]
async fn former_session_of_the_browser_ends() {
    let room = Room::open().await;
    let Registered::Welcome(first) = attempt(&room, form("", "anna@x.example")).await else {
        panic!("refused")
    };
    let second = form("", "bob@x.example");
    let browser = client("192.0.2.1");
    let second = register(
        &room.identity,
        &room.live,
        second,
        &browser,
        Some(first.key),
    )
    .await
    .unwrap();
    let Registered::Welcome(second) = second else {
        panic!("refused")
    };
    let idle = room.live.session.idle;
    assert!(
        room.identity
            .sessions
            .find(&first.key, idle)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        room.identity
            .sessions
            .find(&second.key, idle)
            .await
            .unwrap()
            .is_some()
    );
}
