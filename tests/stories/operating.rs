//! What an operator sees: numbers, health, log lines; and that visitors see none of it.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use doorward_tests::{PASSWORD, Stack, Store, until};

/// The names that stand in every gateway's metrics from its start.
const NAMES: &[&str] = &[
    "http_request_duration_seconds",
    "http_requests_in_flight",
    "authz_decisions_total",
    "authz_duration_seconds",
    "session_cache_hits_total",
    "session_cache_misses_total",
    "session_cache_invalidations_total",
    "session_link_up",
    "sessions_created_total",
    "sessions_ended_total",
    "session_store_op_seconds",
    "store_up",
    "login_attempts_total",
    "registrations_total",
    "throttled_total",
    "password_hash_seconds",
    "password_hash_queue",
    "headers_stripped_total",
    "requests_refused_total",
    "build_info",
];

#[tokio::test]
async fn every_number_is_there_from_the_start() {
    let stack = Stack::new().start().await;
    let answer = stack.gateway().admin("/metrics").await;
    assert_eq!(answer.status, 200);
    assert!(
        answer
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/plain")),
        "{answer:?}"
    );
    let text = answer.text();
    let missing: Vec<&&str> = NAMES
        .iter()
        .filter(|name| !text.contains(&format!("\ndoorward_{name}")))
        .collect();
    assert!(missing.is_empty(), "missing: {missing:?} in\n{text}");
    assert!(
        text.contains("\nprocess_resident_memory_bytes "),
        "process metrics"
    );
    assert!(text.contains("version=\"0.1.0\""));
}

#[tokio::test]
async fn numbers_move_with_what_happens() {
    let stack = Stack::new().start().await;
    let number = async |series: &str| stack.gateway().metric(series).await.unwrap_or(0.0);
    let series = [
        "doorward_http_requests_total{",
        "doorward_sessions_created_total",
        "doorward_sessions_ended_total",
        "doorward_login_attempts_total{",
        "doorward_registrations_total{",
        "doorward_session_cache_hits_total",
        "doorward_requests_refused_total{",
        "doorward_headers_stripped_total",
        "doorward_authz_decisions_total{",
        "doorward_upstream_duration_seconds_count",
        "doorward_password_hash_seconds_count",
    ];
    let mut before = Vec::new();
    for name in series {
        before.push(number(name).await);
    }
    let mut visitor = stack.anon();
    let register = [
        ("username", "anna"),
        ("email", "anna@example.com"),
        ("password", PASSWORD),
    ];
    assert_eq!(visitor.form("/_auth/register", &register).await.status, 303);
    assert_eq!(
        visitor
            .try_sign_in("anna", "wrong-wrong-wrong")
            .await
            .status,
        401
    );
    visitor.sign_in("anna", PASSWORD).await;
    let ask = doorward_tests::Ask::get("/page").header("Remote-User", "root");
    assert_eq!(visitor.send(&ask).await.status, 200);
    assert_eq!(visitor.get("/page").await.status, 200);
    assert_eq!(visitor.get("/a//b").await.status, 400);
    visitor.sign_out().await;
    for (name, before) in series.iter().zip(before) {
        until(
            &format!("{name} has moved"),
            Duration::from_secs(3),
            async || (number(name).await > before).then_some(()),
        )
        .await;
    }
}

/// A stranger's words never become labels, and the number of series does not grow with them.
#[tokio::test]
async fn labels_hold_no_user_data() {
    let stack = Stack::new().start().await;
    let mut anna = stack.sign_in("anna").await;
    let series = async || {
        stack
            .gateway()
            .admin("/metrics")
            .await
            .text()
            .lines()
            .count()
    };
    for round in ["warm", "up"] {
        assert_eq!(anna.page(&format!("/{round}")).await.status, 200);
        anna.try_sign_in(round, "no").await;
    }
    let before = series().await;
    for index in 0..50 {
        assert_eq!(
            anna.page(&format!("/needle-{index}?needle={index}"))
                .await
                .status,
            200
        );
        anna.try_sign_in(&format!("needle-{index}"), "no").await;
    }
    assert!(
        series().await <= before + 5,
        "from {before} to {}",
        series().await
    );
    let text = stack.gateway().admin("/metrics").await.text();
    assert!(!text.contains("needle") && !text.contains("anna"), "{text}");
}

/// `promtool check metrics` finds nothing to say (when it is installed; `./run tests` installs it).
#[tokio::test]
async fn promtool_is_content() {
    let stack = Stack::new().store(Store::Redis).start().await;
    let mut anna = stack.sign_in("anna").await;
    assert_eq!(anna.page("/page").await.status, 200);
    let text = stack.gateway().admin("/metrics").await.text();
    let spawned = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut tool =
        spawned.expect("promtool is installed (Debian: prometheus; ./run tests does it)");
    tool.stdin
        .take()
        .expect("piped")
        .write_all(text.as_bytes())
        .expect("read");
    let output = tool.wait_with_output().expect("ends");
    let said = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success() && said.is_empty(),
        "{}",
        String::from_utf8_lossy(&said)
    );
}

#[tokio::test]
async fn health() {
    for store in [Store::Embedded, Store::Redis] {
        let stack = Stack::new().store(store).start().await;
        assert_eq!(stack.gateway().admin("/livez").await.status, 200);
        assert_eq!(stack.gateway().admin("/readyz").await.status, 200);
        assert_eq!(stack.gateway().admin("/readyz?verbose").await.status, 200);
        assert_eq!(stack.gateway().admin("/").await.status, 404);
        assert_eq!(
            stack.gateway().metric("doorward_session_link_up").await,
            Some(1.0)
        );
        let up = stack.gateway().metric("doorward_store_up{").await;
        assert!(up.is_some_and(|up| up >= 1.0), "{up:?}");
    }
}

/// The operator's addresses exist on the operator's listener only.
#[tokio::test]
async fn visitors_do_not_see_it() {
    let stack = Stack::new().start().await;
    for path in ["/metrics", "/livez", "/readyz"] {
        assert_eq!(stack.anon().page(path).await.status, 302, "{path}");
    }
    assert_eq!(stack.echo.count(), 0);
    let mut anna = stack.sign_in("anna").await;
    assert_eq!(
        anna.page("/metrics").await.status,
        200,
        "the site may have a page of that name"
    );
    assert_eq!(stack.echo.last().target(), "/metrics");
}

/// One line a request, readable by machines, without anything that opens a door.
#[tokio::test]
async fn the_log() {
    let stack = Stack::new().start().await;
    let mut anna = stack.sign_in("anna").await;
    for _ in 0..3 {
        assert_eq!(anna.page("/marked?secret=once").await.status, 200);
    }
    assert_eq!(anna.try_sign_in("anna", "mistyped-4711").await.status, 401);
    let lines = || {
        let log = stack.gateway().log();
        let lines = log.lines().filter(|line| line.contains("/marked"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    until("three lines", Duration::from_secs(3), async || {
        (lines().len() >= 3).then_some(())
    })
    .await;
    let lines = lines();
    assert_eq!(lines.len(), 3, "{lines:?}");
    for line in &lines {
        let json: serde_json::Value =
            serde_json::from_str(line).expect("JSON, as nobody sits at a terminal");
        assert!(json.to_string().contains("200"), "{json}");
    }
    let log = stack.gateway().log();
    for secret in [PASSWORD, "mistyped-4711", anna.token()] {
        assert!(!log.contains(secret), "{secret} in the log");
    }
    let me = anna.fetch("/_auth/api/me").await.text();
    let me: serde_json::Value = serde_json::from_str(&me).expect("JSON");
    let id = me["id"].as_str().expect("an id");
    assert!(
        lines.iter().all(|line| line.contains(id)),
        "each says who: {lines:?}"
    );
    until(
        "one line for each sign-in",
        Duration::from_secs(5),
        async || {
            let log = stack.gateway().log();
            let trail = log.lines().filter(|line| line.contains("\"audit\""));
            (trail.count() == 2).then_some(())
        },
    )
    .await;
}

/// The environment is the last word but the command line.
#[tokio::test]
async fn the_environment() {
    let plan = Stack::new().section("[portal]\ntitle = \"From the file\"");
    let stack = plan
        .variable("DOORWARD__PORTAL__TITLE", "Harbour")
        .start()
        .await;
    let page = stack.anon().page("/_auth/login").await.text();
    assert!(
        page.contains("Harbour") && !page.contains("From the file"),
        "{page}"
    );
}

/// The pages may live elsewhere.
#[tokio::test]
async fn another_place_for_the_pages() {
    let stack = Stack::new()
        .section("[portal]\npath = \"/door\"")
        .start()
        .await;
    let sent = stack.anon().page("/page").await;
    assert_eq!(
        (sent.status, sent.location()),
        (302, "/door/login?to=%2Fpage")
    );
    assert_eq!(stack.anon().page(sent.location()).await.status, 200);
    assert_eq!(
        stack.anon().page("/_auth/login").await.status,
        302,
        "an address like any other now"
    );
    let mut visitor = stack.anon();
    let register = [
        ("username", "anna"),
        ("email", "anna@example.com"),
        ("password", PASSWORD),
        ("to", "/page"),
    ];
    assert_eq!(visitor.form("/door/register", &register).await.status, 303);
    assert_eq!(visitor.page("/page").await.status, 200);
    let link = visitor.page("/door/account").await.text();
    assert!(!link.contains("/_auth/"), "no link to the old place");
}
