use doorward_config::Throttle;

use super::*;
use crate::role::Role;
use crate::session::{Opened, Remembered};
use crate::sign_in::{Attempt, SignIn, sign_in};
use crate::testing::{PASSWORD, Room, client};

const NEW: &str = "green bicycle 77";

async fn try_sign_in(room: &Room, login: &str, password: &str) -> Option<Opened> {
    let browser = client("192.0.2.1");
    let attempt = Attempt {
        login,
        password,
        remember: Remembered::No,
        client: &browser,
        former: None,
    };
    match sign_in(&room.identity, &room.live, attempt).await.unwrap() {
        SignIn::Welcome(opened) => Some(opened),
        SignIn::Refused => None,
        other => panic!("{other:?}"),
    }
}

async fn signed_in(room: &Room, login: &str) -> Opened {
    try_sign_in(room, login, PASSWORD).await.unwrap()
}

async fn is_live(room: &Room, opened: &Opened) -> bool {
    room.identity
        .sessions
        .find(&opened.key, room.live.session.idle)
        .await
        .unwrap()
        .is_some()
}

fn word(changed: &Changed) -> &'static str {
    match changed {
        Changed::Done(_) => "done",
        Changed::Already(_) => "already",
        Changed::NotFound => "not found",
        Changed::LastAdmin => "last admin",
    }
}

fn role(text: &str) -> Role {
    Role::parse(text).unwrap()
}

#[tokio::test]
async fn disabling_ends_every_session_and_enabling_brings_none_back() {
    let room = Room::open().await;
    let identity = &room.identity;
    let anna = room.add("anna", "anna@x.example").await;
    room.add("bob", "bob@x.example").await;
    let (one, two, bob) = (
        signed_in(&room, "anna").await,
        signed_in(&room, "anna").await,
        signed_in(&room, "bob").await,
    );
    assert_eq!(
        word(&disable(identity, anna.id, By::Command).await.unwrap()),
        "done"
    );
    assert!(!is_live(&room, &one).await && !is_live(&room, &two).await);
    assert!(is_live(&room, &bob).await);
    assert!(try_sign_in(&room, "anna", PASSWORD).await.is_none());
    assert_eq!(
        word(&disable(identity, anna.id, By::Command).await.unwrap()),
        "already"
    );
    assert_eq!(
        word(&enable(identity, anna.id, By::Command).await.unwrap()),
        "done"
    );
    assert_eq!(
        word(&enable(identity, anna.id, By::Command).await.unwrap()),
        "already"
    );
    assert!(!is_live(&room, &one).await);
    assert!(try_sign_in(&room, "anna", PASSWORD).await.is_some());
    assert_eq!(
        room.notes
            .count("SessionsEnded { reason: Disabled, count: 2 }"),
        1
    );
}

async fn record_of(room: &Room, opened: &Opened) -> crate::session::Record {
    let idle = room.live.session.idle;
    let found = room
        .identity
        .sessions
        .find(&opened.key, idle)
        .await
        .unwrap();
    found.unwrap().record
}

#[tokio::test]
async fn sessions_have_new_roles_at_once() {
    let room = Room::open().await;
    let identity = &room.identity;
    let anna = room.add("anna", "anna@x.example").await;
    let opened = signed_in(&room, "anna").await;
    let grant = async |text| {
        word(
            &grant_role(identity, anna.id, &role(text), By::Command)
                .await
                .unwrap(),
        )
    };
    let revoke = async |text| {
        word(
            &revoke_role(identity, anna.id, &role(text), By::Command)
                .await
                .unwrap(),
        )
    };
    assert_eq!(grant("editor").await, "done");
    assert_eq!(record_of(&room, &opened).await.roles, ["editor", "user"]);
    assert_eq!(grant("editor").await, "already");
    assert_eq!(revoke("user").await, "done");
    assert_eq!(record_of(&room, &opened).await.roles, ["editor"]);
    assert_eq!(revoke("user").await, "already");
    let now = identity.accounts.find(anna.id).await.unwrap().unwrap();
    assert_eq!(
        (now.version, record_of(&room, &opened).await.generation),
        (3, 3)
    );
    let trail = identity.audit.list(anna.id, 2).await.unwrap();
    let events: Vec<_> = trail
        .iter()
        .map(|entry| (entry.event.as_str(), entry.detail.as_deref()))
        .collect();
    assert_eq!(
        events,
        [
            ("role.revoked", Some("user")),
            ("role.granted", Some("editor"))
        ]
    );
}

#[tokio::test]
async fn sessions_have_a_new_name_at_once_and_only_a_good_one() {
    let room = Room::open().await;
    let identity = &room.identity;
    let anna = room.add("anna", "anna@x.example").await;
    let opened = signed_in(&room, "anna").await;
    let browser = client("192.0.2.1");
    let good = Profile {
        first_name: "Anna",
        last_name: "Berg",
        date_of_birth: "1990-12-31",
    };
    for (typed, is_saved) in [
        (good, true),
        (
            Profile {
                date_of_birth: "tomorrow",
                ..Profile::default()
            },
            false,
        ),
    ] {
        let edited = edit_profile(identity, anna.id, typed, &browser)
            .await
            .unwrap();
        assert_eq!(matches!(edited, Edited::Saved), is_saved);
        assert_eq!(record_of(&room, &opened).await.name, "Anna Berg");
    }
    let now = identity.accounts.find(anna.id).await.unwrap().unwrap();
    assert_eq!(now.date_of_birth.unwrap().to_string(), "1990-12-31");
    assert_eq!(
        identity.audit.list(anna.id, 1).await.unwrap()[0].event,
        "profile.updated"
    );
}

#[tokio::test]
async fn deleting_ends_sessions_forgets_roles_and_frees_the_names() {
    let room = Room::open().await;
    let anna = room.add("anna", "anna@x.example").await;
    let opened = signed_in(&room, "anna").await;
    assert_eq!(
        word(&delete(&room.identity, anna.id, By::Command).await.unwrap()),
        "done"
    );
    assert!(!is_live(&room, &opened).await);
    assert_eq!(room.identity.accounts.find(anna.id).await.unwrap(), None);
    assert_eq!(
        word(&delete(&room.identity, anna.id, By::Command).await.unwrap()),
        "not found"
    );
    assert_eq!(
        word(&disable(&room.identity, anna.id, By::Command).await.unwrap()),
        "not found"
    );
    let again = room.add("anna", "anna@x.example").await;
    assert_ne!(again.id, anna.id);
    assert_eq!(again.roles, ["user"]);
    assert_eq!(
        room.identity.audit.list(anna.id, 9).await.unwrap()[0].event,
        "account.deleted"
    );
}

#[tokio::test]
async fn last_admin_stays_one() {
    let room = Room::open().await;
    let identity = &room.identity;
    let (anna, bob) = (
        room.add("anna", "anna@x.example").await,
        room.add("bob", "bob@x.example").await,
    );
    let admin = Role::admin();
    let _granted = grant_role(identity, anna.id, &admin, By::Command)
        .await
        .unwrap();
    assert_eq!(
        word(&disable(identity, anna.id, By::Command).await.unwrap()),
        "last admin"
    );
    assert_eq!(
        word(&delete(identity, anna.id, By::Command).await.unwrap()),
        "last admin"
    );
    assert_eq!(
        word(
            &revoke_role(identity, anna.id, &admin, By::Command)
                .await
                .unwrap()
        ),
        "last admin"
    );
    assert_eq!(
        word(
            &revoke_role(identity, anna.id, &role("user"), By::Command)
                .await
                .unwrap()
        ),
        "done"
    );
    let _granted = grant_role(identity, bob.id, &admin, By::Command)
        .await
        .unwrap();
    assert_eq!(
        word(&disable(identity, bob.id, By::Command).await.unwrap()),
        "done"
    );
    assert_eq!(
        word(&delete(identity, anna.id, By::Command).await.unwrap()),
        "last admin",
        "a disabled one does not count"
    );
    assert_eq!(
        word(&enable(identity, bob.id, By::Command).await.unwrap()),
        "done"
    );
    assert_eq!(
        word(&delete(identity, anna.id, By::Command).await.unwrap()),
        "done"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_admins_who_are_disabled_at_once_leave_one() {
    let room = Room::open().await;
    let identity = &room.identity;
    let (anna, bob) = (
        room.add("anna", "anna@x.example").await,
        room.add("bob", "bob@x.example").await,
    );
    for account in [&anna, &bob] {
        let _granted = grant_role(identity, account.id, &Role::admin(), By::Command)
            .await
            .unwrap();
    }
    let both = [&anna, &bob].map(|account| disable(identity, account.id, By::Command));
    let mut words: Vec<_> = futures_util::future::join_all(both)
        .await
        .iter()
        .map(|one| word(one.as_ref().unwrap()))
        .collect();
    words.sort_unstable();
    assert_eq!(words, ["done", "last admin"]);
}

#[tokio::test]
async fn adding_by_command() {
    let room = Room::open().await;
    let identity = &room.identity;
    let wanted = Addition {
        username: "admin",
        email: "Root@X.example",
        password: None,
        roles: &[Role::admin()],
    };
    let Added::Done(made) = add(identity, &room.live, wanted, By::Command)
        .await
        .unwrap()
    else {
        panic!("refused")
    };
    assert_eq!(
        (made.user(), made.verified_email()),
        ("admin", Some("Root@x.example"))
    );
    assert_eq!(made.roles, ["admin"]);
    assert!(!made.has_password() && made.enabled);
    assert!(try_sign_in(&room, "admin", "").await.is_none());
    let taken = Addition {
        email: "root@x.example",
        ..Addition::default()
    };
    let Added::Invalid(problems) = add(identity, &room.live, taken, By::Command).await.unwrap()
    else {
        panic!("made")
    };
    assert_eq!(problems[0].field, crate::register::Field::Email);
    let weak = Addition {
        email: "a@x.example",
        password: Some("short"),
        ..Addition::default()
    };
    assert!(matches!(
        add(identity, &room.live, weak, By::Command).await.unwrap(),
        Added::Invalid(_)
    ));
    assert_eq!(identity.accounts.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn password_set_by_command_ends_every_session() {
    let room = Room::open().await;
    let identity = &room.identity;
    let anna = room.add("anna", "anna@x.example").await;
    let opened = signed_in(&room, "anna").await;
    let weak = set_password(identity, &room.live, anna.id, "short", By::Command)
        .await
        .unwrap();
    assert!(matches!(weak, SetPassword::Invalid(_)));
    assert!(is_live(&room, &opened).await);
    let done = set_password(identity, &room.live, anna.id, NEW, By::Command)
        .await
        .unwrap();
    assert!(matches!(done, SetPassword::Done));
    assert!(!is_live(&room, &opened).await);
    assert!(try_sign_in(&room, "anna", PASSWORD).await.is_none());
    assert!(try_sign_in(&room, "anna", NEW).await.is_some());
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
    let (own, other) = (
        signed_in(&room, "anna").await,
        signed_in(&room, "anna").await,
    );
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
    assert!(is_live(&room, &own).await && is_live(&room, &other).await);
    let ChangedPassword::Done(new) = wish(&room, &own, PASSWORD, NEW).await else {
        panic!("not changed")
    };
    assert!(is_live(&room, &new).await);
    assert!(!is_live(&room, &own).await && !is_live(&room, &other).await);
    assert!(try_sign_in(&room, "anna", PASSWORD).await.is_none());
    assert!(try_sign_in(&room, "anna", NEW).await.is_some());
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
    let own = signed_in(&room, "anna").await;
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
    assert!(try_sign_in(&room, "bob", PASSWORD).await.is_some());
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
async fn signing_out_ends_the_session_and_is_written_down_once() {
    let room = Room::open().await;
    let anna = room.add("anna", "anna@x.example").await;
    let opened = signed_in(&room, "anna").await;
    let browser = client("192.0.2.1");
    for _ in 0..2 {
        crate::sign_out::sign_out(&room.identity, &opened.key, &browser)
            .await
            .unwrap();
    }
    assert!(!is_live(&room, &opened).await);
    let trail = room.identity.audit.list(anna.id, 9).await.unwrap();
    let ended: Vec<_> = trail
        .iter()
        .filter(|entry| entry.event == "session.ended")
        .collect();
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].detail.as_deref(), Some("logout"));
}

/// Pages move these between threads.
#[tokio::test]
async fn every_way_in_can_be_awaited_on_any_thread() {
    fn movable<T: Send>(future: T) -> T {
        future
    }
    let room = Room::open().await;
    let browser = client("192.0.2.1");
    let id = AccountId::new(jiff::Timestamp::UNIX_EPOCH, &crate::SystemRandom);
    let attempt = Attempt {
        login: "",
        password: "",
        remember: Remembered::No,
        client: &browser,
        former: None,
    };
    drop(movable(sign_in(&room.identity, &room.live, attempt)));
    drop(movable(disable(&room.identity, id, By::Command)));
    drop(movable(edit_profile(
        &room.identity,
        id,
        Profile::default(),
        &browser,
    )));
    drop(movable(crate::register::register(
        &room.identity,
        &room.live,
        crate::register::NewAccount::default(),
        &browser,
        None,
    )));
    drop(movable(crate::setup::redeem(
        &room.identity,
        &room.live,
        "",
        crate::setup::NewAdmin::default(),
        &browser,
    )));
}
