//! WebSockets through the gate, and what closes them: the end of a session, idle or not.

use std::time::Duration;

use doorward_tests::{PASSWORD, Site, Socket, Stack, Visitor, say};

/// What is over must be over within this.
const PROMISE: Duration = Duration::from_secs(5);

async fn open(visitor: &Visitor, target: &str) -> Socket {
    let mut socket = visitor.websocket(target).await.expect("not refused");
    socket.is_alive().await;
    socket
}

async fn closes(what: &str, mut socket: Socket) {
    let took = socket.closed(PROMISE).await;
    say(&format!(
        "an idle WebSocket was closed {took:?} after: {what}"
    ));
}

on_both_stores! {
    /// It echoes for those who may, and not for others.
    async fn a61_through_the_gate(plan) {
        let stack = plan.start().await;
        let anna = stack.sign_in("anna").await;
        let mut socket = open(&anna, "/ws").await;
        assert_eq!(stack.echo.last().one("Remote-User").as_deref(), Some("anna"));
        let large = "x".repeat(100_000);
        socket.say(&large).await;
        assert_eq!(socket.hear(Duration::from_secs(10)).await, large);

        let before = stack.echo.count();
        assert_eq!(stack.anon().websocket("/ws").await.err(), Some(401));
        assert_eq!(anna.websocket("/admin/ws").await.err(), Some(403));
        for origin in ["https://evil.test", "null", "http://127.0.0.1", "http://localhost:1"] {
            assert_eq!(anna.websocket_from("/ws", origin).await.err(), Some(403), "{origin}");
        }
        assert_eq!(stack.echo.count(), before);
        open(&stack.anon(), "/public/ws").await;
    }

    /// Whoever is disabled is put out, and only they.
    async fn a62_disabled(plan) {
        let stack = plan.start().await;
        let anna = stack.sign_in("anna").await;
        let ben = stack.sign_in("ben").await;
        let socket = open(&anna, "/ws").await;
        let second = open(&stack.again("anna").await, "/ws").await;
        let mut bens = open(&ben, "/ws").await;
        let mut open_page = open(&stack.anon(), "/public/ws").await;
        let _ = stack.command(&["user", "disable", "anna"]).await.exits(0);
        closes("disable", socket).await;
        closes("disable (another browser)", second).await;
        bens.is_alive().await;
        open_page.is_alive().await;
        assert_eq!(anna.websocket("/ws").await.err(), Some(401));
    }

    /// Signing out ends what this browser has open, not what the person's other one has.
    async fn a62_signed_out(plan) {
        let stack = plan.start().await;
        let mut anna = stack.sign_in("anna").await;
        let at_home = stack.again("anna").await;
        let socket = open(&anna, "/ws").await;
        let mut other = open(&at_home, "/ws").await;
        anna.sign_out().await;
        closes("logout", socket).await;
        other.is_alive().await;
    }

    /// On an open page the site was told who it is; whoever was nobody there has nothing to lose.
    async fn signed_out_on_an_open_page(plan) {
        let stack = plan.start().await;
        let mut anna = stack.sign_in("anna").await;
        let mut stranger = open(&stack.anon(), "/public/ws").await;
        let socket = open(&anna, "/public/ws").await;
        assert_eq!(stack.echo.last().one("Remote-User").as_deref(), Some("anna"));
        anna.sign_out().await;
        closes("logout, on an open page", socket).await;
        stranger.is_alive().await;
    }

    /// A new password ends everything that was opened under the old one.
    async fn a62_password_set(plan) {
        let stack = plan.start().await;
        let anna = stack.sign_in("anna").await;
        let mut bens = open(&stack.sign_in("ben").await, "/ws").await;
        let socket = open(&anna, "/ws").await;
        let set = ["user", "set-password", "anna", "--password-stdin"];
        let _ = stack.command_with(&set, "quite-another-77-umbrella\n").await.exits(0);
        closes("set-password", socket).await;
        bens.is_alive().await;
        assert_eq!(stack.anon().try_sign_in("anna", PASSWORD).await.status, 401);
        stack.anon().sign_in("anna", "quite-another-77-umbrella").await;
    }

    /// A role that is lost closes what only that role had opened; a role that is won closes nothing.
    async fn roles(plan) {
        let stack = plan.start().await;
        // There has to be an administrator left.
        stack.add_person("root", &["--role", "admin"]).await;
        let ada = stack.sign_in_admin("ada").await;
        let mut plain = open(&ada, "/ws").await;
        let mut admin = open(&ada, "/admin/ws").await;
        let _ = stack.command(&["user", "grant", "ada", "writer"]).await.exits(0);
        plain.is_alive().await;
        admin.is_alive().await;
        let _ = stack.command(&["user", "revoke-role", "ada", "admin"]).await.exits(0);
        closes("revoke-role", admin).await;
        plain.is_alive().await;
    }

    /// A deleted account has nothing open.
    async fn a62_deleted(plan) {
        let stack = plan.start().await;
        let socket = open(&stack.sign_in("anna").await, "/ws").await;
        let mut bens = open(&stack.sign_in("ben").await, "/ws").await;
        let _ = stack.command(&["user", "delete", "anna"]).await.exits(0);
        closes("delete", socket).await;
        bens.is_alive().await;
    }

    /// A session that ends by the clock takes its WebSocket with it.
    async fn the_absolute_end(plan) {
        let stack = plan.section("[session]\nabsolute = \"4s\"\nidle = \"4s\"").start().await;
        let anna = stack.sign_in("anna").await;
        let mut socket = open(&anna, "/ws").await;
        socket.closed(Duration::from_secs(4) + PROMISE).await;
    }
}

/// Whoever speaks as soon as the door is open is heard.
#[tokio::test]
async fn the_first_word() {
    let stack = Stack::new().start().await;
    let anna = stack.sign_in("anna").await;
    for _ in 0..100 {
        open(&anna, "/ws").await;
    }
}

/// Pages of other origins that the operator named may open one.
#[tokio::test]
async fn named_origins() {
    let site = Site::new().line("websocket_origins = [\"https://friend.test\"]");
    let stack = Stack::new().site(site).start().await;
    let anna = stack.sign_in("anna").await;
    assert!(
        anna.websocket_from("/ws", "https://friend.test")
            .await
            .is_ok()
    );
    assert_eq!(
        anna.websocket_from("/ws", "https://friend.test.evil.test")
            .await
            .err(),
        Some(403)
    );
    assert!(
        anna.websocket("/ws").await.is_ok(),
        "its own pages still may"
    );
}
