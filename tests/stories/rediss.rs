//! Redis over TLS: the whole journey, and nobody else's certificate.

use doorward_tests::{Authority, RedisServer, Stack, free_port, run_in, until};

#[tokio::test]
async fn the_journey_and_strange_certificates() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name);
    let authority = Authority::new("redis");
    let ca = authority.write(folder.path(), "ca.pem");
    let strange = Authority::new("strange").write(folder.path(), "strange.pem");
    let _ = authority.issue(&at("cert.pem"), &at("key.pem"), &["localhost"]);
    let text = |path: std::path::PathBuf| path.to_str().expect("utf-8").to_owned();
    let port = free_port().to_string();
    let _redis = RedisServer::with(&[
        "--tls-port",
        &port,
        "--tls-cert-file",
        &text(at("cert.pem")),
        "--tls-key-file",
        &text(at("key.pem")),
        "--tls-ca-cert-file",
        &text(ca.clone()),
        "--tls-auth-clients",
        "no",
    ])
    .await;
    let section = |host: &str, ca: &std::path::Path| {
        format!("[redis]\nurl = \"rediss://{host}:{port}\"\nca_file = {ca:?}")
    };

    let plan = Stack::new().gateways(2).section(&section("localhost", &ca));
    let stack = plan.start().await;
    let mut anna = stack.sign_in("anna").await;
    let mut there = anna.also_at(stack.gateways[1].gate());
    assert_eq!(anna.page("/page").await.status, 200);
    assert_eq!(there.page("/page").await.status, 200);
    let _ = stack.command(&["check"]).await.exits(0);
    anna.sign_out().await;
    until(
        "signed out everywhere",
        std::time::Duration::from_secs(1),
        async || (there.page("/page").await.status == 302).then_some(()),
    )
    .await;

    let usual = text(stack.folder().join("doorward-0.toml"));
    for (host, ca) in [("127.0.0.1", &ca), ("localhost", &strange)] {
        let file = at("other.toml");
        std::fs::write(&file, section(host, ca)).expect("written");
        let words = ["check", "--config", &usual, "--config", &text(file)];
        let ran = run_in(folder.path(), &words).await.exits(69);
        assert!(ran.err.contains("certificate"), "{}", ran.err);
    }
}
