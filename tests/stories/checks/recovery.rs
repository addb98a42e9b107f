//! A forgotten password is replaced, and everything that stood on the old one falls.

use std::time::Duration;

use doorward_tests::{App, Letter, MailServer, PASSWORD, Stack, Visitor, until};

use super::codes::{NEW, PATIENCE, mailing};
use crate::two_factor::turn_on;

/// Bob in four browsers: one that turned two factors on, two that are remembered and not, one half-way.
async fn four_times(stack: &Stack) -> ([Visitor; 3], Visitor, App) {
    let mut enrolling = stack.sign_in("bob").await;
    let (mut app, codes) = turn_on(&mut enrolling).await;
    let sign_in = async |remember: &str| {
        let mut bob = stack.anon();
        let fields = [
            ("login", "bob"),
            ("password", PASSWORD),
            ("remember", remember),
        ];
        let answer = bob.form("/_auth/login", &fields).await;
        assert_eq!(answer.location(), "/_auth/login/code", "{}", answer.text());
        bob
    };
    let mut inside = [enrolling, sign_in("").await, sign_in("on").await];
    for (bob, code) in inside
        .iter_mut()
        .skip(1)
        .zip([app.code(), codes[0].clone()])
    {
        let answer = bob.form("/_auth/login/code", &[("code", &code)]).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
    }
    for bob in &mut inside {
        assert_eq!(bob.page("/page").await.status, 200);
    }
    (inside, sign_in("").await, app)
}

/// Chooses another password by mail, in a browser of its own.
async fn recover(stack: &Stack, server: &MailServer) -> Visitor {
    let mut bob = stack.anon();
    let asked = bob
        .form("/_auth/recover", &[("email", "bob@example.com")])
        .await;
    assert_eq!(asked.status, 303);
    let code = until("the code arrives", PATIENCE, async || {
        let letters = server.letters("bob@example.com");
        let letter = letters
            .iter()
            .find(|letter| letter.header("Subject").contains(" is your "));
        letter.map(Letter::code)
    })
    .await;
    let shown = bob.form("/_auth/recover/code", &[("code", &code)]).await;
    assert_eq!(shown.location(), "/_auth/recover/password");
    let answer = bob
        .form("/_auth/recover/password", &[("password", NEW)])
        .await;
    assert_eq!((answer.status, answer.location()), (303, "/_auth/login"));
    bob
}

/// Three sessions, one of them remembered, and what is half-way; the second factor stays, and nobody else's ends.
#[tokio::test]
async fn a46_everything_ends() {
    let server = MailServer::start().await;
    let stack = mailing(Stack::new(), &server).start().await;
    let mut other = stack.sign_in("carl").await;
    let (mut inside, half_way, _) = four_times(&stack).await;
    let mut bob = recover(&stack, &server).await;
    for visitor in &mut inside {
        let ended = async || (visitor.page("/page").await.status == 302).then_some(());
        until(
            "what was signed in has ended",
            Duration::from_secs(1),
            ended,
        )
        .await;
    }
    let answer = half_way
        .clone()
        .form("/_auth/login/code", &[("code", "123456")])
        .await;
    assert_eq!(
        answer.location(),
        "/_auth/login?over=1",
        "what was half-way too"
    );
    assert_eq!(other.page("/page").await.status, 200, "nobody else's");

    assert!(!bob.has_token(), "nobody is signed in by it");
    assert_eq!(bob.page("/page").await.status, 302);
    assert_eq!(stack.anon().try_sign_in("bob", PASSWORD).await.status, 401);
    let answer = bob.try_sign_in("bob", NEW).await;
    assert_eq!(
        answer.location(),
        "/_auth/login/code",
        "the second factor is asked for"
    );
    assert!(!bob.has_token());
    assert_eq!(bob.page("/page").await.status, 302);
}
