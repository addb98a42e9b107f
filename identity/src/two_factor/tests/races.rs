//! Many at once.

use super::*;

/// Two hundred at once, each half-way on its own, through two processes: one gets in.
async fn race(code_of: impl Fn(&Room, &Person) -> String) {
    let mut room = Room::open().await;
    room.live.throttle.account_failures = 10_000;
    room.live.throttle.address_failures = 10_000;
    let bob = person(&room, "bob").await;
    let mut flows = Vec::new();
    for _ in 0..40 {
        flows.push(flow(&room, "bob").await);
    }
    let code = code_of(&room, &bob);
    let identities = [
        Arc::clone(&room.identity),
        Arc::new(room.again(room.boot.hashing).await),
    ];
    let live = Arc::new(room.live.clone());
    let mut tries = tokio::task::JoinSet::new();
    // Five for each flow: as many as it allows.
    for index in 0..200 {
        let (identity, live) = (Arc::clone(&identities[index % 2]), Arc::clone(&live));
        let (flow, code) = (flows[index / 5].clone(), code.clone());
        tries.spawn(async move {
            let client = client("192.0.2.1");
            let step = SecondStep {
                flow: &flow,
                code: &code,
                client: &client,
                former: None,
            };
            loop {
                match second_step(&identity, &live, step).await {
                    Ok(outcome) => return word(&outcome),
                    // The turn to write did not come in time.
                    Err(Fault::StoreAway { .. }) => tokio::task::yield_now().await,
                    Err(broken) => panic!("{broken}"),
                }
            }
        });
    }
    let outcomes = tries.join_all().await;
    let count = |word| outcomes.iter().filter(|outcome| **outcome == word).count();
    assert_eq!(count("welcome"), 1, "{outcomes:?}");
    assert_eq!(count("welcome") + count("refused") + count("gone"), 200);
    let sessions = room
        .identity
        .sessions
        .list(bob.account.id, Duration::MAX)
        .await
        .unwrap();
    assert_eq!(
        sessions.len(),
        2,
        "the one it was turned on in, and one more"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_posts_of_one_step() {
    race(|room, bob| code(room, &bob.key)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_posts_of_one_recovery_code() {
    race(|_, bob| bob.codes[0].text()).await;
}

/// Two hundred confirmations at once: one set of codes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_confirmations_turn_it_on_once() {
    let room = Room::open().await;
    let account = room.add("bob", "bob@x.example").await;
    let opened = room.sign_in("bob").await;
    let Enrolment { token, key } = enrol(&room, opened.key).await;
    let now = code(&room, &key);
    let (token, now) = (Arc::new(token), Arc::new(now));
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let identity = Arc::clone(&room.identity);
        let (token, now, session) = (Arc::clone(&token), Arc::clone(&now), opened.key);
        let idle = room.live.session.idle;
        tries.spawn(async move {
            let client = client("192.0.2.1");
            let asked = Confirmation {
                session,
                token: &token,
                code: &now,
                client: &client,
            };
            matches!(
                confirm(&identity, idle, asked).await,
                Ok(Confirmed::Done { .. })
            )
        });
    }
    let done = tries
        .join_all()
        .await
        .into_iter()
        .filter(|done| *done)
        .count();
    assert_eq!(done, 1);
    let Standing::On { codes_left, .. } = standing(&room.identity, account.id).await.unwrap()
    else {
        panic!("it is off");
    };
    assert_eq!(codes_left, 10);
}

/// Fifty wrong codes at once are no more tries than five one after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_codes_for_one_flow_are_five_tries() {
    let mut room = Room::open().await;
    room.live.throttle.account_failures = 10_000;
    room.live.throttle.address_failures = 10_000;
    person(&room, "bob").await;
    let token = Arc::new(flow(&room, "bob").await);
    let live = Arc::new(room.live.clone());
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (identity, live) = (Arc::clone(&room.identity), Arc::clone(&live));
        let token = Arc::clone(&token);
        tries.spawn(async move {
            let client = client("192.0.2.1");
            let step = SecondStep {
                flow: &token,
                code: "nonsense",
                client: &client,
                former: None,
            };
            loop {
                match second_step(&identity, &live, step).await {
                    Ok(outcome) => return word(&outcome),
                    Err(Fault::StoreAway { .. }) => tokio::task::yield_now().await,
                    Err(broken) => panic!("{broken}"),
                }
            }
        });
    }
    let outcomes = tries.join_all().await;
    let judged = outcomes
        .iter()
        .filter(|outcome| **outcome == "refused")
        .count();
    assert_eq!(judged, 5, "{outcomes:?}");
}
