//! The checks A01–A72 that no other story is: each test is named after its check. `tests/checks` prints all of them.

mod canary;
mod codes;
mod framing;
mod headers;
mod hosts;
pub mod load;
mod login;
mod pages;
mod program;
mod recovery;
mod sessions;
mod stores;
mod upgrades;

use std::time::Duration;

use doorward_tests::{PASSWORD, Plan, Speech, Stack, Visitor, Wire};

/// The host of the one site.
const HOST: &str = "app.test";

/// The usual site, over TLS too.
fn plan() -> Plan {
    Stack::new().tls(&[HOST])
}

/// Somebody, in a browser that speaks HTTP/1.1 and in one that speaks HTTP/2.
async fn twice(stack: &Stack, name: &str) -> [Visitor; 2] {
    let plain = stack.sign_in(name).await;
    let mut encrypted = stack.secure(Speech::Http2, HOST);
    encrypted.sign_in(name, PASSWORD).await;
    [plain, encrypted]
}

/// A stranger, with either HTTP.
fn strangers(stack: &Stack) -> [Visitor; 2] {
    [stack.anon(), stack.secure(Speech::Http2, HOST)]
}

/// Whether this is a refusal. (The site must not have been asked either.)
fn is_block(status: u16) -> bool {
    matches!(status, 302 | 303 | 400 | 401 | 403 | 404 | 405 | 421 | 501)
}

/// The next honest request works.
async fn honest(stack: &Stack) {
    assert_eq!(stack.anon().get("/public/honest").await.status, 200);
}

/// Sends bytes on a connection of their own; the statuses of what comes back until it is quiet or closed.
async fn raw(stack: &Stack, bytes: &[u8]) -> Vec<u16> {
    let mut wire = Wire::to(stack.gateway().gate()).await;
    wire.send(bytes).await;
    let mut statuses = Vec::new();
    // The first answer may take a while; a second one, smuggled in, would follow at once.
    let mut patience = Duration::from_secs(10);
    while let Ok(Some(answer)) = tokio::time::timeout(patience, wire.answer_to("GET")).await {
        statuses.push(answer.status);
        patience = Duration::from_millis(300);
    }
    statuses
}
