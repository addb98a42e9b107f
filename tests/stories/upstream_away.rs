//! The site behind the gate is away, slow or speaks nonsense: a page of ours says so, with something to read out.

use std::time::{Duration, Instant};

use doorward_tests::{Answer, Ask, Site, Stack, free_port, until};

/// The page is ours, tells nothing about the inside, and has the id under which the log knows the request.
async fn is_our_page(stack: &Stack, answer: &Answer, inside: &str) {
    let text = answer.text();
    assert!(
        answer
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/html")),
        "{answer:?}"
    );
    assert!(
        answer
            .header("cache-control")
            .is_some_and(|value| value.contains("no-store")),
        "{answer:?}"
    );
    assert!(
        !text.contains(inside) && !text.to_lowercase().contains("pingora"),
        "{text}"
    );
    assert!(
        answer
            .header("server")
            .is_none_or(|server| !server.to_lowercase().contains("pingora")),
        "{answer:?}"
    );
    // The line is written after the answer.
    until(
        "the log has the page's id",
        Duration::from_secs(3),
        async || {
            let log = stack.gateway().log();
            let lines = log.lines();
            let known =
                lines.filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
            let mut ids = known.filter_map(|line| id_of(&line));
            ids.any(|id| text.contains(id.as_str())).then_some(())
        },
    )
    .await;
}

/// The value of `request_id`, wherever in a log line it is.
fn id_of(value: &serde_json::Value) -> Option<String> {
    let object = value.as_object()?;
    let own = object
        .get("request_id")
        .and_then(|id| id.as_str())
        .map(str::to_owned);
    own.or_else(|| object.values().find_map(id_of))
}

#[tokio::test]
async fn away() {
    let port = free_port();
    let site = Site::new().upstream(&format!("http://127.0.0.1:{port}"));
    let stack = Stack::new().site(site).start().await;
    let mut anna = stack.sign_in("anna").await;
    let answer = anna.page("/page").await;
    assert_eq!(answer.status, 502);
    is_our_page(&stack, &answer, &port.to_string()).await;
    assert_eq!(
        stack.anon().page("/page").await.status,
        302,
        "a stranger learns nothing about it"
    );
    assert_eq!(
        anna.page("/_auth/account").await.status,
        200,
        "our own pages do not need it"
    );
}

#[tokio::test]
async fn nonsense_and_silence() {
    let site = Site::usual()
        .line("response_timeout = \"1s\"")
        .line("connect_timeout = \"1s\"");
    let stack = Stack::new().site(site).start().await;
    let mut anna = stack.sign_in("anna").await;
    let inside = stack.echo.address().port().to_string();
    for path in ["/break", "/garbage"] {
        let answer = anna.page(path).await;
        assert_eq!(answer.status, 502, "{path}");
        is_our_page(&stack, &answer, &inside).await;
        assert_eq!(
            anna.page("/page").await.status,
            200,
            "and the next one works"
        );
    }
    let start = Instant::now();
    let answer = anna.page("/hold").await;
    assert_eq!(answer.status, 504);
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
    is_our_page(&stack, &answer, &inside).await;
    assert_eq!(anna.page("/page").await.status, 200);
}

/// What may have happened is not done twice.
#[tokio::test]
async fn a_post_is_not_repeated() {
    let stack = Stack::new().start().await;
    let mut anna = stack.sign_in("anna").await;
    assert_eq!(
        anna.page("/page").await.status,
        200,
        "so that there is a connection to reuse"
    );
    let before = stack.echo.count();
    assert_eq!(anna.form("/break", &[("a", "b")]).await.status, 502);
    assert_eq!(stack.echo.count(), before + 1);
}

/// The site's own errors are the site's own.
#[tokio::test]
async fn its_own_errors_pass() {
    let stack = Stack::new().start().await;
    let mut anna = stack.sign_in("anna").await;
    let answer = anna.page("/missing").await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (404, Some("text/plain"))
    );
    let head = anna.send(&Ask::new("HEAD", "/page")).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert!(
        head.header("content-length")
            .is_some_and(|length| length != "0"),
        "{head:?}"
    );
}

/// A site on a Unix socket.
#[tokio::test]
async fn on_a_unix_socket() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("site.sock");
    let site = Site::usual().upstream(&format!("unix:{}", path.display()));
    let stack = Stack::new().site(site).start().await;
    let mut anna = stack.sign_in("anna").await;
    assert_eq!(anna.page("/page").await.status, 502, "not there yet");
    stack.echo.also_on(&path);
    assert_eq!(anna.page("/page").await.status, 200);
    assert_eq!(
        stack.echo.last().one("Remote-User").as_deref(),
        Some("anna")
    );
    assert_eq!(stack.anon().page("/page").await.status, 302);
}
