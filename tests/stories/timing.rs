//! A39, A40: nobody learns from an answer, or from how long it takes, whether somebody has an account.

use std::time::{Duration, Instant};

use doorward_tests::{Answer, Ask, Numbers, PASSWORD, Stack, Visitor, long, say};

/// How often each is tried.
const ROUNDS: usize = 500;
/// How far medians may lie apart.
const NEAR: Duration = Duration::from_millis(1);

/// Somebody who is unknown, whose password is wrong, who is disabled, whose address is not proven; and somebody whose
/// password is wrong once more, who shows how far the same thing lies from itself.
const WHO: [&str; 5] = ["nobody", "anna", "carol", "dave@example.com", "bert"];

async fn stack() -> Stack {
    let sections = "[registration]\nverify_email = \"on\"\n\
        [throttle]\naccount_failures = 1000000\naddress_failures = 1000000\n[password]\nmemory = \"8MiB\"";
    let stack = Stack::new().section(sections).start().await;
    for name in ["anna", "bert", "carol"] {
        stack.add_person(name, &[]).await;
    }
    let disabled = stack.command(&["user", "disable", "carol"]).await;
    let _ = disabled.exits(0);
    let fields = [("email", "dave@example.com"), ("password", PASSWORD)];
    let registered = stack.anon().form("/_auth/register", &fields).await;
    assert_eq!(registered.location(), "/_auth/verify");
    stack
}

fn wrong(who: &str) -> Ask {
    Ask::form(
        "/_auth/login",
        &[("login", who), ("password", "not-the-right-one-77")],
    )
}

/// Everything that a stranger sees, but what was typed and what is different for everybody.
fn seen(answer: &Answer, who: &str) -> String {
    let head: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()))
        .collect();
    let page = answer.text().replace(who, "WHO");
    format!("{} {head:?} {page}", answer.status)
}

#[tokio::test]
async fn a39_every_refusal_is_the_same_to_the_byte() {
    let stack = stack().await;
    // The same length, so that the length of the page tells nothing either.
    let who = [
        "nobod@example.com",
        "annaa@example.com",
        "carol@example.com",
        "davee@example.com",
    ];
    let fields = [("email", "davee@example.com"), ("password", PASSWORD)];
    assert_eq!(
        stack.anon().form("/_auth/register", &fields).await.status,
        303
    );
    let add = ["user", "add", "annaa@example.com", "--password-stdin"];
    let _ = stack
        .command_with(&add, &format!("{PASSWORD}\n"))
        .await
        .exits(0);
    let mut answers = Vec::new();
    for who in who {
        let answer = stack.anon().send(&wrong(who)).await;
        assert_eq!(answer.status, 401);
        answers.push(seen(&answer, who));
    }
    for answer in &answers {
        assert_eq!(*answer, answers[0]);
    }
    let disabled = Ask::form(
        "/_auth/login",
        &[("login", "carol@example.com"), ("password", PASSWORD)],
    );
    let disabled = stack.anon().send(&disabled).await;
    assert_eq!(
        seen(&disabled, "carol@example.com"),
        answers[0],
        "with the right password too"
    );
    assert_eq!(
        stack.anon().try_sign_in("anna", PASSWORD).await.status,
        303,
        "and somebody gets in"
    );
}

#[tokio::test]
async fn a40_every_refusal_takes_as_long() {
    if !long() {
        return;
    }
    let stack = stack().await;
    let visitor = stack.anon();
    let mut times: [Numbers; 5] = Default::default();
    for round in 0..ROUNDS {
        for turn in 0..WHO.len() {
            // Nobody always comes after the same one.
            let index = (turn + round) % WHO.len();
            times[index].add(one(&visitor, WHO[index]).await);
        }
    }
    let medians: Vec<_> = times.iter().map(|times| times.percentile(50)).collect();
    for (who, median) in WHO.iter().zip(&medians) {
        say(&format!(
            "refused {who}: median {median:?} of {ROUNDS} tries"
        ));
    }
    let (known, again) = (medians[1], medians[4]);
    assert!(
        known.abs_diff(again) < NEAR,
        "the same thing, measured twice: {known:?} {again:?}"
    );
    for (who, median) in WHO.iter().zip(&medians) {
        assert!(
            median.abs_diff(known) < NEAR,
            "{who}: {median:?}, a wrong password: {known:?}"
        );
    }
}

async fn one(visitor: &Visitor, who: &str) -> Duration {
    let mut visitor = visitor.clone();
    let ask = wrong(who);
    let start = Instant::now();
    let answer = visitor.send(&ask).await;
    let took = start.elapsed();
    assert_eq!(answer.status, 401);
    took
}
