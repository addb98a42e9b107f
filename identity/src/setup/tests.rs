use jiff::SignedDuration;

use super::*;
use crate::change::{self, Changed};
use crate::testing::{PASSWORD, Room, client};

const ADMIN: NewAdmin<'static> = NewAdmin {
    username: "admin",
    email: "root@x.example",
    password: PASSWORD,
};

async fn use_link(room: &Room, token: &str, form: NewAdmin<'_>) -> SetUp {
    redeem(
        &room.identity,
        &room.live,
        token,
        form,
        &client("192.0.2.1"),
    )
    .await
    .unwrap()
}

async fn offered(room: &Room) -> String {
    offer(&room.identity).await.unwrap().unwrap().text()
}

#[tokio::test]
async fn link_works_once_and_makes_a_signed_in_admin() {
    let room = Room::open().await;
    let token = offered(&room).await;
    assert_eq!(check(&room.identity, &token).await.unwrap(), Offer::Valid);
    assert_eq!(
        check(&room.identity, &token).await.unwrap(),
        Offer::Valid,
        "looking uses nothing up"
    );
    let weak = NewAdmin {
        password: "short",
        ..ADMIN
    };
    assert!(
        matches!(use_link(&room, &token, weak).await, SetUp::Invalid(problems) if problems.len() == 1)
    );
    let SetUp::Welcome(opened) = use_link(&room, &token, ADMIN).await else {
        panic!("not set up")
    };
    assert_eq!(opened.record.roles, ["admin", "user"]);
    assert_eq!(opened.record.email.as_deref(), Some("root@x.example"));
    assert_eq!(room.identity.accounts.count_admins().await.unwrap(), 1);
    assert_eq!(check(&room.identity, &token).await.unwrap(), Offer::Gone);
    let other = NewAdmin {
        username: "eve",
        email: "eve@x.example",
        ..ADMIN
    };
    assert!(matches!(use_link(&room, &token, other).await, SetUp::Gone));
    assert_eq!(offer(&room.identity).await.unwrap(), None);
    assert_eq!(room.identity.accounts.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_no_link() {
    let room = Room::open().await;
    let token = offered(&room).await;
    let other = SetupToken([7; 32]).text();
    let longer = format!("{token}A");
    for wrong in ["", "x", other.as_str(), longer.as_str(), &token[1..]] {
        assert_eq!(
            check(&room.identity, wrong).await.unwrap(),
            Offer::Gone,
            "{wrong:?}"
        );
        assert!(matches!(use_link(&room, wrong, ADMIN).await, SetUp::Gone));
    }
    assert_eq!(check(&room.identity, &token).await.unwrap(), Offer::Valid);
}

#[tokio::test]
async fn link_ends_after_half_an_hour() {
    let room = Room::open().await;
    let token = offered(&room).await;
    room.clock
        .advance(SignedDuration::from_mins(30) - SignedDuration::from_secs(1));
    assert_eq!(check(&room.identity, &token).await.unwrap(), Offer::Valid);
    room.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(check(&room.identity, &token).await.unwrap(), Offer::Gone);
    assert!(matches!(use_link(&room, &token, ADMIN).await, SetUp::Gone));
    room.identity.prune().await.unwrap();
    assert!(matches!(
        use_link(&room, &offered(&room).await, ADMIN).await,
        SetUp::Welcome(_)
    ));
}

#[tokio::test]
async fn links_of_two_gateways_both_work_until_one_is_used() {
    let room = Room::open().await;
    let (one, other) = (offered(&room).await, offered(&room).await);
    assert_ne!(one, other);
    assert_eq!(check(&room.identity, &one).await.unwrap(), Offer::Valid);
    assert!(matches!(
        use_link(&room, &other, ADMIN).await,
        SetUp::Welcome(_)
    ));
    assert_eq!(check(&room.identity, &one).await.unwrap(), Offer::Gone);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_who_use_links_at_once_exactly_one_becomes_admin() {
    let room = Room::open().await;
    let links = [offered(&room).await, offered(&room).await];
    let emails: Vec<String> = (0..20)
        .map(|number| format!("root{number}@x.example"))
        .collect();
    let all = emails
        .iter()
        .zip(links.iter().cycle())
        .map(|(email, link)| {
            use_link(
                &room,
                link,
                NewAdmin {
                    username: "",
                    email,
                    password: PASSWORD,
                },
            )
        });
    let outcomes = futures_util::future::join_all(all).await;
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| matches!(outcome, SetUp::Welcome(_)))
            .count(),
        1
    );
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| matches!(outcome, SetUp::Gone))
            .count(),
        19
    );
    assert_eq!(room.identity.accounts.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_admin_by_command_ends_the_offer_and_a_taken_address_does_not() {
    let room = Room::open().await;
    let anna = room.add("anna", "root@x.example").await;
    let token = offered(&room).await;
    assert!(matches!(
        use_link(&room, &token, ADMIN).await,
        SetUp::Invalid(_)
    ));
    assert_eq!(
        check(&room.identity, &token).await.unwrap(),
        Offer::Valid,
        "the link still works"
    );
    let granted = change::grant_role(&room.identity, anna.id, &Role::admin(), By::Command)
        .await
        .unwrap();
    assert!(matches!(granted, Changed::Done(_)));
    assert_eq!(check(&room.identity, &token).await.unwrap(), Offer::Gone);
    assert!(matches!(use_link(&room, &token, ADMIN).await, SetUp::Gone));
}

#[tokio::test]
async fn printing_hides_the_token_and_the_database_holds_only_its_hash() {
    let room = Room::on_a_file().await;
    let token = offer(&room.identity).await.unwrap().unwrap();
    assert_eq!(format!("{token:?}"), "SetupToken([hidden])");
    let file = std::fs::read(room.boot.data_dir.join("doorward.db-wal")).unwrap();
    let holds = |bytes: &[u8]| file.windows(bytes.len()).any(|window| window == bytes);
    assert!(holds(&token.hash()));
    assert!(!holds(&token.0) && !holds(token.text().as_bytes()));
}
