//! One canonical path: what the rules see is what the upstream gets, and what could be read two ways is refused.

use doorward_tests::frames::{END_HEADERS, END_STREAM, Frames, fields, frame, kind};
use doorward_tests::{Ask, PASSWORD, Site, Speech, Stack, Visitor};

const HOST: &str = "app.test";

/// Spellings by which a stranger might reach `/secret` through `/public/**`: dot segments and empty ones.
pub(crate) const DOTS: &[&str] = &[
    "/public/../secret",
    "/public/./../secret",
    "//secret",
    "/public//../secret",
    "/./secret",
    "/secret/",
    "/secret/.",
    "/public/../../secret",
];

/// Dots and slashes in code.
pub(crate) const ENCODED: &[&str] = &[
    "/public/%2e%2e/secret",
    "/public/%2E./secret",
    "/public/.%2e/secret",
    "/public/..%2fsecret",
    "/public%2f..%2fsecret",
    "/public/%2e%2e%2fsecret",
    "/public/%252e%252e/secret",
    "/%2fsecret",
];

/// What some servers take for parameters of a segment, and throw away.
pub(crate) const PARAMETERS: &[&str] = &[
    "/public/..;/secret",
    "/secret;a=/public/",
    "/public;/../secret",
    "/public/..%3b/secret",
    "/public/..;a=b/secret",
    "/secret;",
];

/// The other slash.
pub(crate) const BACKSLASHES: &[&str] = &[
    "/public\\..\\secret",
    "/public/%5c..%5csecret",
    "\\secret",
    "/public/..%5Csecret",
];

/// A public path in the query, in the fragment, or behind what only looks like either.
pub(crate) const QUERIES: &[&str] = &[
    "/secret?x=/public/",
    "/secret#/public/",
    "/secret%23/public/",
    "/secret%3f/public/",
    "/secret?/public/..",
];

/// Letters in code, NUL, bytes that are no text, what is no target at all.
pub(crate) const LETTERS: &[&str] = &[
    "/%73ecret",
    "/%2573ecret",
    "/SECRET",
    "/Secret",
    "/public/%00/../secret",
    "/secret%00",
    "/public/\u{0}/../secret",
    "/public/%c0%ae%c0%ae/secret",
    "/public/%ff/../secret",
    "/public/%zz/../secret",
    "/public/%2/../secret",
    "/public/\u{fc}/../secret",
    "/public/..\t/secret",
    "secret",
    "*",
    "",
];

async fn refused(stack: &Stack, visitor: &mut Visitor, target: &str) -> u16 {
    let before = stack.echo.count();
    let status = visitor
        .try_send(&Ask::page(target))
        .await
        .map_or(0, |answer| answer.status);
    let fine = matches!(status, 0 | 302 | 400 | 401 | 403 | 404 | 405 | 421);
    assert!(fine, "{target:?} was answered {status}");
    assert_eq!(
        stack.echo.count(),
        before,
        "{target:?} reached the site: {}",
        stack.echo.last().text()
    );
    status
}

/// Asks over HTTP/2, by a head that no client would send.
async fn over_http2(visitor: &Visitor, target: &str) -> u16 {
    let mut frames = Frames::of(visitor).await;
    let cookies = visitor.cookies();
    let mut head = vec![
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", HOST),
        (":path", target),
        ("sec-fetch-mode", "navigate"),
    ];
    head.extend(cookies.as_deref().map(|cookies| ("cookie", cookies)));
    frames
        .send(&frame(
            kind::HEADERS,
            END_HEADERS | END_STREAM,
            1,
            &fields(&head),
        ))
        .await;
    let outcome = frames.outcome(1).await;
    outcome.and_then(|frame| frame.status()).unwrap_or(0)
}

/// What passed must be what the rules saw: nothing that any server might read as /admin.
fn no_way_to_admin(stack: &Stack, before: usize, target: &str, status: u16) {
    if stack.echo.count() == before {
        let fine = matches!(status, 0 | 400 | 403 | 404 | 405);
        assert!(fine, "{target:?} was answered {status}");
        return;
    }
    assert_eq!(status, 200, "{target:?}");
    let path = stack.echo.last().target();
    let path = path.split('?').next().expect("a path");
    let tame = !path.contains("..")
        && !path.to_lowercase().contains("%2e")
        && !path.contains("/admin")
        && !path.contains('\\');
    assert!(tame, "{target:?} reached the site as {path}");
}

/// No stranger gets to `/secret` by these, and nobody who is no administrator to `/admin/x`, in either HTTP.
async fn shut(doors: &[&str]) {
    let stack = Stack::new().tls(&[HOST]).start().await;
    let mut anna = stack.sign_in("anna").await;
    let stranger = stack.secure(Speech::Http2, HOST);
    let mut encrypted = stranger.clone();
    encrypted.sign_in("anna", PASSWORD).await;
    for target in doors {
        refused(&stack, &mut stack.anon(), target).await;
        let before = stack.echo.count();
        let status = over_http2(&stranger, target).await;
        let fine = matches!(status, 0 | 302 | 400 | 401 | 403 | 404 | 405 | 421);
        assert!(fine && stack.echo.count() == before, "{target:?}: {status}");
        let target = target
            .replace("secret", "admin/x")
            .replace("%73ecret", "%61dmin/x")
            .replace("%2573ecret", "%2561dmin/x");
        let answer = anna.try_send(&Ask::page(&target)).await;
        let status = answer.map_or(0, |answer| answer.status);
        no_way_to_admin(&stack, before, &target, status);
        let before = stack.echo.count();
        let status = over_http2(&encrypted, &target).await;
        no_way_to_admin(&stack, before, &target, status);
        let honest = stack.anon().page("/public/next").await.status;
        assert_eq!(honest, 200, "the next honest request, after {target:?}");
    }
    assert_eq!(over_http2(&stranger, "/public/next").await, 200);
    assert_eq!(over_http2(&encrypted, "/next").await, 200);
    assert_eq!(anna.page("/next").await.status, 200);
}

#[tokio::test]
async fn a10_dot_segments() {
    shut(DOTS).await;
}

#[tokio::test]
async fn a11_encoded_dots_and_slashes() {
    shut(ENCODED).await;
}

#[tokio::test]
async fn a12_parameters() {
    shut(PARAMETERS).await;
}

#[tokio::test]
async fn a13_backslashes() {
    shut(BACKSLASHES).await;
}

#[tokio::test]
async fn a14_queries_and_fragments() {
    shut(QUERIES).await;
}

#[tokio::test]
async fn a15_letters_in_code() {
    shut(LETTERS).await;
}

/// What is forwarded is the one spelling that was judged; the query is nobody's business.
#[tokio::test]
async fn one_spelling_is_matched_and_forwarded() {
    let stack = Stack::new().start().await;
    let mut anna = stack.sign_in("anna").await;
    let forwarded = [
        ("/%73ecret", "/secret"),
        ("/a%7eb%2Dc", "/a~b-c"),
        ("/a%c3%bc", "/a%C3%BC"),
        ("/a%20b", "/a%20b"),
        ("/page?x=%2e%2e/%2F;//&y=%73", "/page?x=%2e%2e/%2F;//&y=%73"),
        ("/page?", "/page?"),
        ("/public/%70age", "/public/page"),
        ("/a/b.c/d-e_f~g/", "/a/b.c/d-e_f~g/"),
        ("/...", "/..."),
        ("/.hidden", "/.hidden"),
    ];
    for (sent, expected) in forwarded {
        assert_eq!(anna.get(sent).await.status, 200, "{sent}");
        assert_eq!(stack.echo.last().target(), expected, "{sent}");
    }
    assert_eq!(
        anna.page("/%61dmin/x").await.status,
        403,
        "decoded, then judged"
    );
    assert_eq!(stack.anon().get("/public/%70age").await.status, 200);
    assert_eq!(
        stack.anon().page("/%73ecret").await.location(),
        "/_auth/login?to=%2Fsecret"
    );
}

#[tokio::test]
async fn ambiguous_is_400_even_for_people() {
    let stack = Stack::new().start().await;
    let mut anna = stack.sign_in("anna").await;
    let ambiguous = [
        "/a/../b",
        "/a/%2e%2e/b",
        "/a/./b",
        "/a//b",
        "/a%2Fb",
        "/a%2fb",
        "/a;b",
        "/a;v=1/b",
        "/a\\b",
        "/a%5Cb",
        "/a%00b",
        "/a%zz",
        "/a%",
    ];
    for target in ambiguous {
        assert_eq!(refused(&stack, &mut anna, target).await, 400, "{target}");
    }
    assert_eq!(anna.get("/a/b").await.status, 200);
}

#[tokio::test]
async fn a_relaxed_site_takes_some_of_it_unchanged() {
    let stack = Stack::new()
        .site(Site::usual().line("paths = \"relaxed\""))
        .start()
        .await;
    let mut anna = stack.sign_in("anna").await;
    for target in ["/a//b", "/a%2Fb", "/a;v=1/b", "//a"] {
        assert_eq!(anna.get(target).await.status, 200, "{target}");
        assert_eq!(stack.echo.last().target(), target);
    }
    for target in [
        "/a/../b",
        "/a/%2e%2e/b",
        "/a\\b",
        "/a%5Cb",
        "/a%00b",
        "/a/..;/b",
        "/a/..%2Fb",
        "/a%2F..%2Fb",
        "/a%2F..%3Fb",
        "/a/..%23b",
    ] {
        assert_eq!(refused(&stack, &mut anna, target).await, 400, "{target}");
    }
    for target in [
        "/public/..%2Fsecret",
        "//secret",
        "/public;/../secret",
        "/public/..;/secret",
    ] {
        refused(&stack, &mut stack.anon(), target).await;
    }
}

/// Absolute targets: the authority must be the host.
#[tokio::test]
async fn a16_absolute_targets() {
    let stack = Stack::new()
        .site(Site::usual().host("app.test"))
        .site(
            Site::new()
                .host("admin.test")
                .rule("allow = [\"role:admin\"]"),
        )
        .start()
        .await;
    let mut stranger = stack.anon().on_host("app.test");
    refused(&stack, &mut stranger, "http://admin.test/public/x").await;
    refused(&stack, &mut stranger, "http://app.test@admin.test/public/x").await;
    assert_eq!(stranger.get("http://app.test/public/x").await.status, 200);
    assert_eq!(stranger.page("http://app.test/secret").await.status, 302);
}
