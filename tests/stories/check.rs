//! `doorward check`: every mistake at once, each at its line.

use doorward_tests::run_in;

fn file(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("site.toml"), text).expect("written");
    (folder, "site.toml".into())
}

const FIVE_MISTAKES: &str = r#"[server]
listen = ["127.0.0.1:8080"]
trusted_proxys = ["10.0.0.0/8"]

[session]
idle = "soon"

[registration]
mode = "ajar"

[[site]]
host = "app.test"
upstream = "gopher://127.0.0.1:70"

[[site.rule]]
from = ["10.0.0.0/99"]
allow = "signed_in"
"#;

#[tokio::test]
async fn five_mistakes() {
    let (folder, name) = file(FIVE_MISTAKES);
    let ran = run_in(folder.path(), &["check", "--config", &name])
        .await
        .exits(78);
    for line in [3, 6, 9, 13, 16] {
        assert!(
            ran.err.contains(&format!("site.toml:{line}:")),
            "line {line} in\n{}",
            ran.err
        );
    }
    let places: Vec<&str> = ran
        .err
        .lines()
        .filter(|line| line.contains("site.toml:"))
        .collect();
    assert_eq!(places.len(), 5, "{}", ran.err);
    assert!(
        ran.err.contains("trusted_proxies"),
        "suggests what was meant:\n{}",
        ran.err
    );
    assert!(ran.err.contains('^'), "points at it:\n{}", ran.err);
}

#[tokio::test]
async fn the_same_mistakes_keep_a_gateway_from_starting() {
    let (folder, name) = file(FIVE_MISTAKES);
    let ran = run_in(folder.path(), &["run", "--config", &name])
        .await
        .exits(78);
    assert!(ran.err.contains("site.toml:6:"), "{}", ran.err);
}

#[tokio::test]
async fn no_mistake() {
    let right = FIVE_MISTAKES
        .replace("trusted_proxys", "trusted_proxies")
        .replace("soon", "2h")
        .replace("ajar", "open")
        .replace("gopher", "http")
        .replace("/99", "/8");
    let (folder, name) = file(&right);
    let _ = run_in(folder.path(), &["check", "--config", &name])
        .await
        .exits(0);
    let _ = run_in(folder.path(), &["check", "--config", "missing.toml"])
        .await
        .exits(78);
    let _ = run_in(folder.path(), &["chekc"]).await.exits(2);
}

#[tokio::test]
async fn no_toml() {
    let (folder, name) = file("[server]\nlisten = [\n[session]\n");
    let ran = run_in(folder.path(), &["check", "--config", &name])
        .await
        .exits(78);
    assert!(ran.err.contains("site.toml:"), "{}", ran.err);
}

const SITE: &str = "[[site]]\nhost = \"*\"\nupstream = \"http://127.0.0.1:1\"\n";

/// A secret has one home.
#[tokio::test]
async fn a_secret_and_its_file() {
    let (folder, name) = file(&format!(
        "{SITE}[redis]\nurl = \"redis://127.0.0.1:1/0\"\nurl_file = \"redis.url\"\n"
    ));
    std::fs::write(folder.path().join("redis.url"), "redis://127.0.0.1:1/0\n").expect("written");
    let ran = run_in(folder.path(), &["check", "--offline", "--config", &name])
        .await
        .exits(78);
    assert!(ran.err.contains("url_file"), "{}", ran.err);
    std::fs::write(
        folder.path().join(&name),
        format!("{SITE}[redis]\nurl_file = \"redis.url\"\n"),
    )
    .expect("written");
    let _ = run_in(folder.path(), &["check", "--offline", "--config", &name])
        .await
        .exits(0);
}
