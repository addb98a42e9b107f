//! One canonical path: what the rules see is what the upstream gets, and what could be read two ways is refused.

use doorward_tests::{Ask, Site, Stack, Visitor};

/// Spellings by which a stranger might reach `/secret` through `/public/**`.
const SIDE_DOORS: &[&str] = &[
    "/public/../secret",
    "/public/./../secret",
    "//secret",
    "/public//../secret",
    "/public/%2e%2e/secret",
    "/public/%2E./secret",
    "/public/.%2e/secret",
    "/public/..%2fsecret",
    "/public%2f..%2fsecret",
    "/public/%2e%2e%2fsecret",
    "/public/..;/secret",
    "/secret;a=/public/",
    "/public;/../secret",
    "/public/..%3b/secret",
    "/public\\..\\secret",
    "/public/%5c..%5csecret",
    "/secret?x=/public/",
    "/secret#/public/",
    "/secret%23/public/",
    "/secret%3f/public/",
    "/%73ecret",
    "/%2573ecret",
    "/public/%00/../secret",
    "/public/\u{0}/../secret",
    "/public/%c0%ae%c0%ae/secret",
    "/public/%ff/../secret",
    "/public/%zz/../secret",
    "/public/%2/../secret",
    "/public/\u{fc}/../secret",
    "/public/..\t/secret",
    "/./secret",
    "/secret/",
    "/secret/.",
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

#[tokio::test]
async fn side_doors_are_shut_for_strangers() {
    let stack = Stack::new().start().await;
    for target in SIDE_DOORS {
        refused(&stack, &mut stack.anon(), target).await;
        assert_eq!(
            stack.anon().page("/public/next").await.status,
            200,
            "the next honest request, after {target:?}"
        );
    }
}

/// Somebody signed in, but no administrator, tries to get to `/admin`.
#[tokio::test]
async fn side_doors_are_shut_for_people() {
    let stack = Stack::new().start().await;
    let mut anna = stack.sign_in("anna").await;
    for target in SIDE_DOORS {
        let target = target
            .replace("secret", "admin/x")
            .replace("%73ecret", "%61dmin/x")
            .replace("%2573ecret", "%2561dmin/x");
        let before = stack.echo.count();
        let status = anna
            .try_send(&Ask::page(&target))
            .await
            .map_or(0, |answer| answer.status);
        if stack.echo.count() == before {
            assert!(
                matches!(status, 0 | 400 | 403 | 404 | 405),
                "{target:?} was answered {status}"
            );
            continue;
        }
        // What passed must be what the rules saw: nothing that any server might read as /admin.
        assert_eq!(status, 200);
        let path = stack.echo.last().target().to_lowercase();
        let tame = !path.contains("..")
            && !path.contains("%2e")
            && !path.contains("/admin")
            && !path.contains('\\');
        assert!(tame, "{target:?} reached the site as {path}");
    }
    assert_eq!(
        anna.page("/%61dmin/x").await.status,
        403,
        "decoded, then judged"
    );
    assert_eq!(anna.page("/next").await.status, 200);
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
async fn absolute_targets() {
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
