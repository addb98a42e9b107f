//! `Upgrade` decides nothing.

use doorward_tests::Ask;

use super::{is_block, plan};

/// Whatever is asked to become of the connection, a stranger stays one, and a person who may not enter does not.
#[tokio::test]
async fn a24_upgrades_of_every_kind() {
    let stack = plan().start().await;
    let mut anna = stack.sign_in("anna").await;
    let key = ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    let asked: [&[(&str, &str)]; 8] = [
        &[("Upgrade", "x")],
        &[("Connection", "Upgrade"), ("Upgrade", "x")],
        &[("Connection", "Upgrade"), ("Upgrade", "websocket")],
        &[
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            key,
        ],
        &[
            ("Connection", "keep-alive, upgrade"),
            ("upgrade", "WebSocket"),
            ("Sec-WebSocket-Version", "13"),
            key,
        ],
        &[("Connection", "Upgrade"), ("Upgrade", "h2c")],
        &[
            ("Connection", "Upgrade"),
            ("Upgrade", "h2c, websocket"),
            key,
        ],
        &[("Upgrade", "websocket"), ("Upgrade", "TLS/1.0"), key],
    ];
    for headers in asked {
        for path in ["/secret", "/ws"] {
            let ask = headers
                .iter()
                .fold(Ask::get(path), |ask, (name, value)| ask.header(name, value));
            let answer = stack.anon().send(&ask).await;
            assert!(is_block(answer.status), "{headers:?}: {}", answer.status);
            let ask = ask.at("/admin/ws");
            let answer = anna.send(&ask).await;
            assert!(
                matches!(answer.status, 400 | 403),
                "{headers:?}: {}",
                answer.status
            );
        }
    }
    assert_eq!(stack.echo.count(), 0);
    let mut socket = anna.websocket("/ws").await.expect("she may");
    socket.is_alive().await;
}
