//! What is ended anywhere is ended everywhere within a second: two gateways on one store.

use std::time::{Duration, Instant};

use doorward_tests::{Gateway, Numbers, Stack, Visitor, long, until};

/// What is over must be over within this.
const PROMISE: Duration = Duration::from_secs(1);

/// Asks until refused; how long that took. Panics after the promise; once refused it stays refused.
async fn refused(visitor: &mut Visitor) -> Duration {
    let start = Instant::now();
    until("the ended session is refused", PROMISE, async || {
        (visitor.page("/page").await.status == 302).then_some(())
    })
    .await;
    let took = start.elapsed();
    for _ in 0..5 {
        assert_eq!(
            visitor.page("/page").await.status,
            302,
            "refused once, let in later"
        );
    }
    took
}

fn at(gateway: &Gateway, visitor: &Visitor) -> Visitor {
    visitor.also_at(gateway.gate())
}

on_both_stores! {
    /// Sign out at one gateway, ask the other, many times.
    async fn a67_signed_out_there_refused_here(plan) {
        let stack = plan.gateways(2).start().await;
        stack.add_person("anna", &[]).await;
        let mut numbers = Numbers::default();
        for _ in 0..if long() { 500 } else { 100 } {
            let mut here = stack.again("anna").await;
            let mut there = at(&stack.gateways[1], &here);
            assert_eq!(there.page("/page").await.status, 200, "the other gateway knows the person");
            here.sign_out().await;
            numbers.add(refused(&mut there).await);
        }
        numbers.report("signed out at one gateway, refused at the other");
        assert!(numbers.max() <= PROMISE);
    }

    /// The command line is another process too.
    async fn a57_disabled_by_the_command_line(plan) {
        let stack = plan.gateways(2).start().await;
        let mut anna = stack.sign_in("anna").await;
        let mut there = at(&stack.gateways[1], &anna);
        let mut ben = stack.sign_in("ben").await;
        assert_eq!((anna.page("/page").await.status, there.page("/page").await.status), (200, 200));
        let _ = stack.command(&["user", "disable", "anna"]).await.exits(0);
        refused(&mut anna).await;
        refused(&mut there).await;
        assert_eq!(ben.page("/page").await.status, 200);
        assert_eq!(stack.anon().try_sign_in("anna", doorward_tests::PASSWORD).await.status, 401);
        let _ = stack.command(&["user", "enable", "anna"]).await.exits(0);
        assert_eq!(anna.page("/page").await.status, 302, "what was ended stays ended");
        assert_eq!(stack.again("anna").await.page("/page").await.status, 200);
    }

    /// Rights that change are the next request's rights, without signing in again.
    async fn roles_change_under_way(plan) {
        let stack = plan.gateways(2).start().await;
        // There has to be an administrator left.
        stack.add_person("root", &["--role", "admin"]).await;
        let anna = stack.sign_in("anna").await;
        for gateway in &stack.gateways {
            assert_eq!(at(gateway, &anna).page("/admin/x").await.status, 403);
        }
        for (verb, status) in [("grant", 200), ("revoke-role", 403), ("grant", 200)] {
            let _ = stack.command(&["user", verb, "anna", "admin"]).await.exits(0);
            for gateway in &stack.gateways {
                let mut anna = at(gateway, &anna);
                until(verb, PROMISE, async || (anna.page("/admin/x").await.status == status).then_some(())).await;
                assert_eq!(anna.page("/page").await.status, 200, "still the same session");
            }
        }
        let groups = stack.echo.last().one("Remote-Groups").expect("groups");
        assert!(groups.split(',').any(|role| role == "admin"), "{groups}");
    }

    /// A session opened at one gateway is known at the other at once.
    async fn signed_in_there_known_here(plan) {
        let stack = plan.gateways(2).start().await;
        for name in ["anna", "ben", "cleo"] {
            let person = stack.sign_in(name).await;
            let mut there = at(&stack.gateways[1], &person);
            assert_eq!(there.page("/page").await.status, 200);
        }
    }

    /// Somebody idle is signed out; somebody active is not, wherever they are active.
    async fn idle(plan) {
        let stack = plan.gateways(2).section("[session]\nidle = \"3s\"").start().await;
        let anna = stack.sign_in("anna").await;
        let ben = stack.sign_in("ben").await;
        let mut here = at(&stack.gateways[0], &anna);
        let mut there = at(&stack.gateways[1], &anna);
        let mut bens = ben.clone();
        assert_eq!((there.page("/page").await.status, bens.page("/page").await.status), (200, 200));
        let start = Instant::now();
        let mut every = tokio::time::interval(Duration::from_millis(500));
        while start.elapsed() < Duration::from_millis(4500) {
            every.tick().await;
            assert_eq!(here.page("/page").await.status, 200, "active here, after {:?}", start.elapsed());
        }
        assert_eq!(there.page("/page").await.status, 200, "and therefore there");
        assert_eq!(bens.page("/page").await.status, 302, "but he went away");
    }
}

/// Two gateways, one account: what the one registers the other lets in.
#[tokio::test]
async fn accounts_are_shared() {
    let stack = Stack::new().gateways(2).start().await;
    stack.add_person("anna", &[]).await;
    let mut there = Visitor::at(stack.gateways[1].gate());
    there.sign_in("anna", doorward_tests::PASSWORD).await;
    assert_eq!(stack.echo.count(), 0);
    assert_eq!(there.page("/page").await.status, 200);
}
