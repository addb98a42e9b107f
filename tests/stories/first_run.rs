//! The first start on a fresh machine: nothing configured, the sample site, the first administrator.

use std::path::Path;

use doorward_tests::{Ask, Gateway, PASSWORD, Visitor};

/// A project folder as it is after a clone, as far as a start needs it.
fn clone() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let project = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the project");
    std::fs::create_dir(folder.path().join("protected")).expect("a folder");
    let from = project.join("protected/site");
    std::os::unix::fs::symlink(from, folder.path().join("protected/site")).expect("a link");
    folder
}

fn setup_link(gateway: &Gateway) -> Option<String> {
    let log = gateway.log();
    let start = log.find("/_auth/setup?t=")?;
    let link: String = log[start..]
        .chars()
        .take_while(|letter| !letter.is_whitespace())
        .collect();
    Some(link)
}

#[tokio::test]
async fn a_stranger_at_the_sample_site() {
    let folder = clone();
    let gateway = Gateway::unconfigured(folder.path()).await;
    let mut stranger = Visitor::at(gateway.gate());
    assert_eq!(
        stranger.page("/").await.status,
        200,
        "the home page is open"
    );

    let ask = Ask::get("/secret.html");
    let page = stranger
        .send(&ask.clone().header("Accept", "text/html"))
        .await;
    assert_eq!(
        (page.status, page.location()),
        (302, "/_auth/login?to=%2Fsecret.html")
    );
    let fetched = stranger.send(&ask.header("Sec-Fetch-Mode", "cors")).await;
    assert_eq!(
        (fetched.status, fetched.header("content-type")),
        (401, Some("application/problem+json"))
    );

    let register = [
        ("username", "anna"),
        ("email", "anna@example.com"),
        ("password", PASSWORD),
        ("to", "/secret.html"),
    ];
    let answer = stranger.form("/_auth/register", &register).await;
    assert_eq!((answer.status, answer.location()), (303, "/secret.html"));
    assert_eq!(stranger.page("/secret.html").await.status, 200);
}

/// The banner says what is protected, where the numbers are, and how to become administrator.
#[tokio::test]
async fn what_it_prints() {
    let folder = clone();
    let gateway = Gateway::unconfigured(folder.path()).await;
    let log = gateway.log();
    for words in [
        "doorward 0.1.0",
        "data/doorward.db",
        "sessions: embedded",
        "files:protected/site",
        "/metrics",
        "first admin",
        "valid 30 minutes",
    ] {
        assert!(log.contains(words), "{words:?} in\n{log}");
    }
    assert!(log.contains(&gateway.gate().port().to_string()), "{log}");
}

#[tokio::test]
async fn the_setup_link_works_once() {
    let folder = clone();
    let mut gateway = Gateway::unconfigured(folder.path()).await;
    let link = setup_link(&gateway).expect("a setup link");
    let token = link.split_once("t=").expect("a token").1.to_owned();
    let mut admin = Visitor::at(gateway.gate());

    assert_eq!(admin.page("/_auth/setup").await.status, 404, "no token");
    assert_eq!(
        admin.page("/_auth/setup?t=guessed").await.status,
        404,
        "a guess"
    );
    assert_eq!(admin.page(&link).await.status, 200);
    assert_eq!(
        admin.page(&link).await.status,
        200,
        "looking does not use it up"
    );

    let fields = |password: &'static str| {
        let token = token.clone();
        move |path: &str| {
            let fields = [
                ("t", token.as_str()),
                ("username", "admin"),
                ("email", "root@example.com"),
                ("password", password),
            ];
            Ask::form(path, &fields)
        }
    };
    let weak = admin.send(&fields("password")("/_auth/setup")).await;
    assert_eq!(weak.status, 422, "a bad password does not use it up");
    assert!(
        weak.text().contains("root@example.com"),
        "what was typed is kept"
    );
    let done = admin.send(&fields(PASSWORD)("/_auth/setup")).await;
    assert_eq!(done.status, 303, "{}", done.text());
    assert!(admin.has_token(), "and signs in");
    assert_eq!(admin.page("/secret.html").await.status, 200);

    let mut late = Visitor::at(gateway.gate());
    assert_eq!(late.page(&link).await.status, 404, "used");
    assert_eq!(
        late.send(&fields(PASSWORD)("/_auth/setup")).await.status,
        404
    );

    gateway.kill().await;
    let before = gateway.log().len();
    gateway.start_again();
    gateway.ready().await;
    let since = gateway.log().split_off(before);
    assert!(
        since.contains("doorward 0.1.0") && !since.contains("setup?t="),
        "no offer while there is an administrator:\n{since}"
    );
    assert_eq!(
        admin.page("/secret.html").await.status,
        200,
        "and nobody was signed out"
    );
}
