//! A person's own page: profile, password, where they are signed in.

use std::time::Duration;

use doorward_tests::{PASSWORD, Stack, Visitor, until};

const NEW: &str = "quite-another-77-umbrella";

/// Sees, within the second that is promised, whether somebody is let in.
async fn becomes(visitor: &mut Visitor, status: u16) {
    until(
        "the change has arrived",
        Duration::from_secs(1),
        async || (visitor.page("/page").await.status == status).then_some(()),
    )
    .await;
}

on_both_stores! {
    /// A new password needs the current one, and ends what is signed in elsewhere.
    async fn a_new_password(plan) {
        let stack = plan.start().await;
        let mut anna = stack.sign_in("anna").await;
        let mut elsewhere = stack.again("anna").await;
        let mut ben = stack.sign_in("ben").await;
        for (current, password) in [("", NEW), ("wrong", NEW), (PASSWORD, "short"), (PASSWORD, "")] {
            let answer = anna.form("/_auth/account/password", &[("current", current), ("password", password)]).await;
            assert!(matches!(answer.status, 401 | 403 | 422), "{current:?} {password:?}: {}", answer.status);
            assert!(!answer.text().contains(NEW), "never the password");
            assert_eq!(elsewhere.page("/page").await.status, 200, "nothing has changed");
        }
        let before = anna.clone();
        let answer = anna.form("/_auth/account/password", &[("current", PASSWORD), ("password", NEW)]).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        assert_eq!(anna.page("/page").await.status, 200, "this browser stays signed in");
        becomes(&mut elsewhere, 302).await;
        assert_eq!(ben.page("/page").await.status, 200);
        if anna.token() != before.token() {
            becomes(&mut before.clone(), 302).await;
        }
        assert_eq!(stack.anon().try_sign_in("anna", PASSWORD).await.status, 401);
        stack.anon().sign_in("anna", NEW).await;
    }

    /// What is signed in elsewhere is seen and can be ended: one, or all but this.
    async fn signed_in_elsewhere(plan) {
        let stack = plan.start().await;
        let mut anna = stack.sign_in("anna").await;
        let mut others = [stack.again("anna").await, stack.again("anna").await, stack.again("anna").await];
        let mut ben = stack.sign_in("ben").await;
        let mut socket = others[1].websocket("/ws").await.expect("a WebSocket");
        let ids = async |visitor: &mut Visitor| {
            let page = visitor.page("/_auth/account").await.text();
            let parts = page.split("name=\"id\" value=\"").skip(1);
            parts.filter_map(|part| part.split('"').next().map(str::to_owned)).collect::<Vec<_>>()
        };
        let hers = ids(&mut anna).await;
        assert_eq!(hers.len(), 3, "the others, and not this one");

        let answer = ben.form("/_auth/account/sessions/revoke", &[("id", &hers[0])]).await;
        assert_ne!(answer.status, 200);
        assert_eq!(ids(&mut anna).await.len(), 3, "nobody ends what is not theirs");

        assert_eq!(anna.form("/_auth/account/sessions/revoke", &[("id", &hers[0])]).await.status, 303);
        assert_eq!(ids(&mut anna).await.len(), 2);
        assert_eq!(anna.form("/_auth/account/sessions/revoke", &[("all", "1")]).await.status, 303);
        for other in &mut others {
            becomes(other, 302).await;
        }
        socket.closed(Duration::from_secs(5)).await;
        assert_eq!((anna.page("/page").await.status, ben.page("/page").await.status), (200, 200));
        assert_eq!(ids(&mut anna).await.len(), 0);
    }

    /// A new name is what the site is told from then on.
    async fn a_new_name(plan) {
        let stack = plan.start().await;
        let mut anna = stack.sign_in("anna").await;
        let mut elsewhere = stack.again("anna").await;
        let fields = [("first_name", "Anna"), ("last_name", "Lind"), ("date_of_birth", "1990-05-17")];
        assert_eq!(anna.form("/_auth/account/profile", &fields).await.status, 303);
        assert!(anna.page("/_auth/account").await.text().contains("Lind"));
        until("the site is told", Duration::from_secs(1), async || {
            assert_eq!((anna.page("/page").await.status, elsewhere.page("/page").await.status), (200, 200));
            (stack.echo.last().one("Remote-Name").as_deref() == Some("Anna Lind")).then_some(())
        })
        .await;
        let bad = [("first_name", "Anna"), ("last_name", "Berg"), ("date_of_birth", "never")];
        let answer = anna.form("/_auth/account/profile", &bad).await;
        assert_eq!((answer.status, answer.text().contains("Berg")), (422, true));
    }
}

/// Who one is, for the site's own pages.
#[tokio::test]
async fn who_am_i() {
    let stack = Stack::new().start().await;
    let mut anna = stack.sign_in("anna").await;
    let answer = anna.fetch("/_auth/api/me").await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/json"))
    );
    let me: serde_json::Value = serde_json::from_str(&answer.text()).expect("JSON");
    assert_eq!(me["username"], "anna");
    assert_eq!(me["email"], "anna@example.com");
    assert_eq!(me["email_verified"], true);
    assert_eq!(me["roles"][0], "user");
    assert!(!answer.text().contains("argon2"), "{me}");
    assert_eq!(stack.anon().fetch("/_auth/api/me").await.status, 401);
}
