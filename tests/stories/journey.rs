//! The whole journey by HTTP: a stranger becomes somebody, gets what they came for, and leaves.

use doorward_tests::{Answer, PASSWORD, Plan, Site, Stack};

async fn shop(plan: Plan) -> (Stack, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let put =
        |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    put(
        "index.html",
        "<!doctype html><title>Open</title>the open page",
    );
    put(
        "secret.html",
        "<!doctype html><title>Secret</title>the secret page",
    );
    put("report.pdf", "%PDF-1.4 the report");
    let site = Site::new()
        .upstream(&format!("files:{}", folder.path().display()))
        .rule("path = \"/\"\nallow = \"anyone\"")
        .rule("allow = \"signed_in\"");
    (plan.site(site).start().await, folder)
}

const ANNA: [(&str, &str); 7] = [
    ("username", "anna"),
    ("email", "anna@example.com"),
    ("password", PASSWORD),
    ("first_name", "Anna"),
    ("last_name", "Lind"),
    ("date_of_birth", "1990-05-17"),
    ("to", "/secret.html"),
];

fn only_cookie(answer: &Answer) -> String {
    let cookies = answer.all("set-cookie");
    assert_eq!(cookies.len(), 1, "{answer:?}");
    cookies[0].to_owned()
}

on_both_stores! {
    /// Register, be where one wanted to be, download, sign out, be a stranger again.
    async fn from_stranger_to_stranger(plan) {
        let (stack, _folder) = shop(plan).await;
        let mut anna = stack.anon();

        let open = anna.page("/").await;
        assert_eq!((open.status, open.text().contains("the open page")), (200, true));

        let sent = anna.page("/secret.html").await;
        assert_eq!((sent.status, sent.location()), (302, "/_auth/login?to=%2Fsecret.html"));
        assert!(!sent.text().contains("the secret page"));

        let login = anna.page(sent.location()).await;
        assert_eq!(login.status, 200);
        assert!(login.text().contains("/secret.html"), "the form remembers where to go");
        assert!(login.text().contains("/_auth/register"), "there is a way to an account");

        let registered = anna.form("/_auth/register", &ANNA).await;
        assert_eq!((registered.status, registered.location()), (303, "/secret.html"));
        let cookie = only_cookie(&registered);
        assert!(cookie.starts_with("doorward="), "{cookie}");
        for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(attribute), "{attribute} in {cookie}");
        }
        for foreign in ["Domain", "Max-Age", "Secure", "Expires"] {
            assert!(!cookie.contains(foreign), "{foreign} in {cookie}");
        }

        let secret = anna.page("/secret.html").await;
        assert_eq!((secret.status, secret.text().contains("the secret page")), (200, true));
        let download = anna.get("/report.pdf").await;
        assert_eq!((download.status, download.header("content-type")), (200, Some("application/pdf")));
        assert_eq!(download.body, b"%PDF-1.4 the report");

        let account = anna.page("/_auth/account").await;
        assert_eq!((account.status, account.text().contains("anna")), (200, true));

        let mut thief = anna.clone();
        let asked = anna.page("/_auth/logout").await;
        assert_eq!(asked.status, 200, "a link only asks");
        assert_eq!(anna.page("/secret.html").await.status, 200, "and changes nothing");
        let left = anna.sign_out().await;
        assert_eq!(left.location(), "/");
        assert!(!anna.has_token(), "the cookie is taken back");

        assert_eq!(anna.page("/secret.html").await.status, 302);
        assert_eq!(thief.page("/secret.html").await.status, 302, "the old cookie is worth nothing");
        assert_eq!(anna.page("/").await.status, 200);
    }

    /// Sign in by either name, in any case; come back with the same account.
    async fn back_by_name_and_by_address(plan) {
        let (stack, _folder) = shop(plan).await;
        assert_eq!(stack.anon().form("/_auth/register", &ANNA).await.status, 303);
        for login in ["anna", "ANNA", "anna@example.com", "Anna@Example.com"] {
            let mut anna = stack.anon();
            let fields = [("login", login), ("password", PASSWORD), ("to", "/report.pdf")];
            let answer = anna.form("/_auth/login", &fields).await;
            assert_eq!((answer.status, answer.location()), (303, "/report.pdf"), "{login}");
            assert_eq!(anna.get("/report.pdf").await.status, 200, "{login}");
        }
        let wrong = stack.anon().try_sign_in("anna", "violet-harbour-42-lanterN").await;
        assert_eq!(wrong.status, 401);
    }

    /// "Stay signed in" is the difference between a cookie that ends with the browser and one that does not.
    async fn staying_signed_in(plan) {
        let (stack, _folder) = shop(plan).await;
        stack.add_person("anna", &[]).await;
        let fields = [("login", "anna"), ("password", PASSWORD), ("to", "/"), ("remember", "on")];
        let answer = stack.anon().form("/_auth/login", &fields).await;
        assert_eq!(answer.status, 303);
        let cookie = only_cookie(&answer);
        let age = cookie.split("Max-Age=").nth(1).and_then(|rest| rest.split(';').next()).expect("Max-Age");
        let age: u32 = age.parse().expect("seconds");
        assert!((2_591_990..=2_592_000).contains(&age), "30 days: {cookie}");
        let answer = stack.anon().form("/_auth/login", &fields[..3]).await;
        let cookie = only_cookie(&answer);
        assert!(!cookie.contains("Max-Age"), "{cookie}");
    }

    /// A known token that somebody planted before is not the one after signing in, and it dies.
    async fn a37_a_new_token_at_every_sign_in(plan) {
        let (stack, _folder) = shop(plan).await;
        let mut anna = stack.sign_in("anna").await;
        let mut before = anna.clone();
        anna.sign_in("anna", PASSWORD).await;
        assert_ne!(anna.token(), before.token());
        assert_eq!(anna.page("/secret.html").await.status, 200);
        assert_eq!(before.page("/secret.html").await.status, 302);

        let mut planted = stack.anon();
        planted.keep("doorward", &"A".repeat(43));
        planted.sign_in("anna", PASSWORD).await;
        assert_ne!(planted.token(), "A".repeat(43));
    }
}

/// Without a username the person is known by the address.
#[tokio::test]
async fn without_a_username() {
    let stack = Stack::new().start().await;
    let mut anna = stack.anon();
    let fields = [
        ("username", ""),
        ("email", "anna@example.com"),
        ("password", PASSWORD),
        ("to", "/page"),
    ];
    let answer = anna.form("/_auth/register", &fields).await;
    assert_eq!(
        (answer.status, answer.location()),
        (303, "/page"),
        "{}",
        answer.text()
    );
    assert_eq!(anna.page("/page").await.status, 200);
    assert_eq!(
        stack.echo.last().one("Remote-User").as_deref(),
        Some("anna@example.com")
    );
}

/// Names and addresses are taken once, however they are spelled.
#[tokio::test]
async fn names_are_taken_once() {
    let (stack, _folder) = shop(Stack::new()).await;
    assert_eq!(
        stack.anon().form("/_auth/register", &ANNA).await.status,
        303
    );
    let again = |username: &'static str, email: &'static str| {
        let fields = [
            ("username", username),
            ("email", email),
            ("password", PASSWORD),
        ];
        let mut visitor = stack.anon();
        async move { visitor.form("/_auth/register", &fields).await.status }
    };
    assert_eq!(again("Anna", "other@example.com").await, 422);
    assert_eq!(
        again("\u{ff41}nna", "other@example.com").await,
        422,
        "a full-width a"
    );
    assert_eq!(again("other", "ANNA@example.com").await, 422);
    assert_eq!(
        again("admin", "other@example.com").await,
        422,
        "a reserved name"
    );
    assert_eq!(again("other", "other@example.com").await, 303);
}
