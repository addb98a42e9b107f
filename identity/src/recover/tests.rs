use futures_util::future::join_all;
use jiff::SignedDuration;

use super::*;
use crate::testing::{PASSWORD, Received, Room, another, client};
use crate::{SystemRandom, change, register};
use doorward_config::Url;

const NEW: &str = "violet ferry 77 north";

async fn begin_at(room: &Room, email: &str, address: &str) -> FlowToken {
    match begin(&room.identity, &room.live, email, &client(address))
        .await
        .unwrap()
    {
        Began::Sent(flow) => flow,
        other => panic!("{other:?}"),
    }
}

async fn ask(room: &Room, email: &str) -> FlowToken {
    begin_at(room, email, "192.0.2.1").await
}

async fn try_code(room: &Room, flow: &FlowToken, code: &str) -> Checked {
    check_code(
        &room.identity,
        &room.live,
        (flow, code),
        &client("192.0.2.1"),
    )
    .await
    .unwrap()
}

async fn permitted(room: &Room, flow: &FlowToken, mail: &Received) -> FlowToken {
    match try_code(room, flow, mail.code()).await {
        Checked::Right(permit) => permit,
        other => panic!("{other:?}"),
    }
}

async fn set(room: &Room, permit: &FlowToken, password: &str) -> NewPassword {
    let client = client("192.0.2.1");
    set_password(&room.identity, &room.live, (permit, password), &client)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_whole_recovery() {
    let room = Room::open().await;
    let anna = room.add("anna", "Anna@example.com").await;
    let sessions = [room.sign_in("anna").await, room.sign_in("anna").await];
    let flow = ask(&room, "ANNA@example.com").await;
    let mail = room.one_mail().await;
    // To the address as it stands in the account, whatever was typed.
    assert_eq!(mail.to, "Anna@example.com");
    assert_eq!(
        mail.subject,
        format!("{} is your Doorward code", mail.code())
    );

    let permit = permitted(&room, &flow, &mail).await;
    assert_ne!(permit.text(), flow.text(), "a planted token is no permit");
    assert_eq!(
        look_at_permit(&room.identity, &flow).await.unwrap(),
        Offer::Gone
    );
    assert_eq!(
        look_at_permit(&room.identity, &permit).await.unwrap(),
        Offer::Valid
    );
    assert!(matches!(set(&room, &flow, NEW).await, NewPassword::Gone));
    let NewPassword::Invalid(problems) = set(&room, &permit, "anna anna anna").await else {
        panic!("too weak");
    };
    assert_eq!(problems.len(), 1);
    for session in &sessions {
        assert!(room.is_live(session).await);
    }

    assert!(matches!(set(&room, &permit, NEW).await, NewPassword::Done));
    for session in &sessions {
        assert!(!room.is_live(session).await);
    }
    assert!(room.try_sign_in("anna", PASSWORD).await.is_none());
    assert!(room.try_sign_in("anna", NEW).await.is_some());
    assert!(matches!(
        set(&room, &permit, "another good one 5").await,
        NewPassword::Gone
    ));
    let notice = room.one_mail().await;
    assert_eq!(notice.subject, "Your Doorward password was changed");
    assert_eq!(notice.to, "Anna@example.com");
    let trail = room.identity.audit.list(anna.id, 10).await.unwrap();
    let names: Vec<_> = trail.iter().map(|entry| entry.event.as_str()).collect();
    assert!(names.contains(&"recovery.proven") && names.contains(&"recovery.success"));
    for outcome in ["Requested", "CodeRight", "Success"] {
        assert_eq!(
            room.notes
                .count(&format!("Recovery {{ outcome: {outcome} }}")),
            1
        );
    }
}

#[tokio::test]
async fn nobody_is_told_whether_there_is_an_account() {
    let room = Room::open().await;
    room.add("anna", "anna@example.com").await;
    let disabled = room.add("carol", "carol@example.com").await;
    let _ = change::disable(&room.identity, disabled.id, By::Command)
        .await
        .unwrap();
    for email in [
        "anna@example.com",
        "nobody@example.com",
        "carol@example.com",
    ] {
        let flow = ask(&room, email).await;
        let wrong = match room.mail().await.first() {
            Some(mail) => {
                assert_eq!(email, "anna@example.com");
                another(mail.code())
            }
            None => "12345678".to_owned(),
        };
        for _ in 0..5 {
            assert!(
                matches!(try_code(&room, &flow, &wrong).await, Checked::Wrong),
                "{email}"
            );
        }
        assert!(
            matches!(try_code(&room, &flow, &wrong).await, Checked::Gone),
            "{email}"
        );
    }
    assert_eq!(
        room.notes
            .count("MailSent { kind: Recover, outcome: Nobody }"),
        2
    );
    assert_eq!(
        room.notes
            .count("MailSent { kind: Recover, outcome: Sent }"),
        1
    );
    let client = client("192.0.2.1");
    let began = begin(&room.identity, &room.live, "no address", &client);
    assert!(matches!(began.await.unwrap(), Began::Invalid(_)));
}

#[tokio::test]
async fn a47_the_code_needs_the_browser_and_the_link_does_not() {
    let mut room = Room::open().await;
    room.live.portal.url = Some(Url::parse("https://auth.example.com").unwrap());
    room.add("anna", "anna@example.com").await;
    let _flow = ask(&room, "anna@example.com").await;
    let mail = room.one_mail().await;
    let elsewhere = FlowToken::generate(&SystemRandom);
    assert!(matches!(
        try_code(&room, &elsewhere, mail.code()).await,
        Checked::Gone
    ));
    assert!(
        mail.text
            .contains("https://auth.example.com/_auth/recover/code?t=")
    );
    let link = mail.link();
    for _ in 0..2 {
        assert_eq!(look(&room.identity, link).await.unwrap(), Offer::Valid);
    }
    let elsewhere = client("198.51.100.9");
    let used = use_link(&room.identity, &room.live, link, &elsewhere)
        .await
        .unwrap();
    let Checked::Right(permit) = used else {
        panic!("{used:?}");
    };
    let again = use_link(&room.identity, &room.live, link, &elsewhere)
        .await
        .unwrap();
    assert!(matches!(again, Checked::Gone));
    assert_eq!(look(&room.identity, link).await.unwrap(), Offer::Gone);
    assert!(matches!(set(&room, &permit, NEW).await, NewPassword::Done));
}

#[tokio::test]
async fn time_is_short() {
    let mut room = Room::open().await;
    room.live.recovery.code_life = Duration::from_mins(3);
    room.add("anna", "anna@example.com").await;
    let flow = ask(&room, "anna@example.com").await;
    let mail = room.one_mail().await;
    room.clock.advance(SignedDuration::from_mins(3));
    assert!(matches!(
        try_code(&room, &flow, mail.code()).await,
        Checked::Gone
    ));

    let flow = ask(&room, "anna@example.com").await;
    let permit = permitted(&room, &flow, &room.one_mail().await).await;
    room.clock.advance(SignedDuration::from_mins(15));
    assert!(matches!(set(&room, &permit, NEW).await, NewPassword::Gone));
}

#[tokio::test]
async fn a_permit_dies_with_what_it_was_given_for() {
    let room = Room::open().await;
    let anna = room.add("anna", "anna@example.com").await;
    let flow = ask(&room, "anna@example.com").await;
    let permit = permitted(&room, &flow, &room.one_mail().await).await;
    let _ = change::set_password(&room.identity, &room.live, anna.id, NEW, By::Command)
        .await
        .unwrap();
    assert!(matches!(
        set(&room, &permit, "third one 5 lemons").await,
        NewPassword::Gone
    ));
    assert!(room.try_sign_in("anna", NEW).await.is_some());
    let _ = room.mail().await;

    let flow = ask(&room, "anna@example.com").await;
    let permit = permitted(&room, &flow, &room.one_mail().await).await;
    let _ = change::disable(&room.identity, anna.id, By::Command)
        .await
        .unwrap();
    let _ = change::enable(&room.identity, anna.id, By::Command)
        .await
        .unwrap();
    assert!(matches!(
        set(&room, &permit, "third one 5 lemons").await,
        NewPassword::Gone
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permit_sets_one_password_however_many_are_sent() {
    let room = Room::open().await;
    room.add("anna", "anna@example.com").await;
    let flow = ask(&room, "anna@example.com").await;
    let permit = permitted(&room, &flow, &room.one_mail().await).await;
    let passwords: Vec<_> = (0..20).map(|number| format!("{NEW} {number}")).collect();
    let done = join_all(passwords.iter().map(|one| set(&room, &permit, one))).await;
    let done = done.iter().filter(|done| matches!(done, NewPassword::Done));
    assert_eq!(done.count(), 1);
    let mut working = 0;
    for password in &passwords {
        let right = room.try_sign_in("anna", password).await.is_some();
        working += usize::from(right);
        room.clock.advance(SignedDuration::from_hours(1));
    }
    assert_eq!(working, 1);
}

#[tokio::test]
async fn recovering_proves_the_address() {
    let room = Room::open().await;
    let form = register::NewAccount {
        username: "anna",
        email: "anna@example.com",
        password: PASSWORD,
        ..register::NewAccount::default()
    };
    let client = client("192.0.2.1");
    let made = register::register(&room.identity, &room.live, form, &client, None);
    assert!(matches!(
        made.await.unwrap(),
        register::Registered::Welcome(_)
    ));
    let account = || room.identity.accounts.find_by_login("anna");
    assert!(!account().await.unwrap().unwrap().email_verified);
    let flow = ask(&room, "anna@example.com").await;
    let permit = permitted(&room, &flow, &room.one_mail().await).await;
    assert!(matches!(set(&room, &permit, NEW).await, NewPassword::Done));
    assert!(account().await.unwrap().unwrap().email_verified);
}

#[tokio::test]
async fn mail_to_one_address_and_from_one_place_is_limited_alike_for_everybody() {
    let mut room = Room::open().await;
    room.live.throttle.address_failures = 20;
    room.add("anna", "anna@example.com").await;
    for email in ["anna@example.com", "nobody@example.com"] {
        for number in 0..5 {
            let _ = begin_at(&room, email, &format!("192.0.2.{number}")).await;
        }
        let client = client("192.0.2.99");
        let again = || begin(&room.identity, &room.live, email, &client);
        let Began::Slow { retry_after } = again().await.unwrap() else {
            panic!("{email}");
        };
        assert_eq!(retry_after, Duration::from_secs(30), "{email}");
        room.clock.advance(SignedDuration::from_secs(30));
        assert!(matches!(again().await.unwrap(), Began::Sent(_)), "{email}");
    }
    assert_eq!(room.mail().await.len(), 6, "only to whom there is");
    for number in 0..20 {
        let _ = begin_at(&room, &format!("p{number}@example.com"), "198.51.100.1").await;
    }
    let client = client("198.51.100.1");
    let began = begin(&room.identity, &room.live, "other@example.com", &client);
    assert!(matches!(began.await.unwrap(), Began::Slow { .. }));
}

#[tokio::test]
async fn a_recovery_revokes_api_keys_and_a_known_password_that_is_changed_does_not() {
    use crate::api_key::{Issued, Looked, NewKey, Scope, USUAL_LIFE, issue_for, list};
    let room = Room::open().await;
    let anna = room.add("anna", "anna@example.com").await;
    let new = NewKey {
        name: "backup",
        scope: Scope::default(),
        life: USUAL_LIFE,
    };
    let issued = issue_for(&room.identity, anna.id, new).await.unwrap();
    let Issued::Done { secret, .. } = issued else {
        panic!("{issued:?}")
    };
    let keys = &room.identity.api_keys;
    let look = async || keys.find(&secret.key()).await.unwrap();
    assert!(matches!(look().await, Looked::Live(_)));
    let by = crate::audit::By::Command;
    let done = change::set_password(&room.identity, &room.live, anna.id, NEW, by).await;
    assert!(matches!(done.unwrap(), change::SetPassword::Done));
    assert!(matches!(look().await, Looked::Live(_)));
    room.mail().await;
    let flow = ask(&room, "anna@example.com").await;
    let permit = permitted(&room, &flow, &room.one_mail().await).await;
    let another = "green harbour 12 south";
    assert!(matches!(
        set(&room, &permit, another).await,
        NewPassword::Done
    ));
    assert_eq!(look().await, Looked::Unknown);
    assert_eq!(list(&room.identity, None).await.unwrap(), []);
}
