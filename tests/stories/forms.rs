//! The forms: what a refusal keeps, who may send one, where they lead, how slow guessing is.

use std::fmt::Write;
use std::time::{Duration, Instant};

use doorward_tests::{Ask, PASSWORD, Stack, Visitor, until};

fn fields_with<'a>(name: &'static str, value: &'a str) -> Vec<(&'static str, &'a str)> {
    let mut fields = vec![
        ("username", "anna"),
        ("email", "anna@example.com"),
        ("password", PASSWORD),
        ("first_name", "Anna"),
        ("last_name", "Lind"),
        ("date_of_birth", "1990-05-17"),
    ];
    for field in &mut fields {
        if field.0 == name {
            field.1 = value;
        }
    }
    fields
}

/// A refused registration says what is wrong beside the field, keeps what was typed, and never the password.
#[tokio::test]
async fn a54_what_a_refused_registration_keeps() {
    let stack = Stack::new().start().await;
    for (field, value) in [
        ("username", "a b"),
        ("username", "anna\u{200b}"),
        ("username", "\u{430}nna"),
        ("username", "anna@mail"),
        ("email", "nowhere"),
        ("email", "a@b@c.example"),
        ("email", "anna@example.com\r\nBcc: x@y.example"),
        ("password", "short"),
        ("password", "password1234"),
        ("password", "annalind1990"),
        ("date_of_birth", "1990-02-31"),
        ("date_of_birth", "yesterday"),
    ] {
        let mut visitor = stack.anon();
        let answer = visitor
            .form("/_auth/register", &fields_with(field, value))
            .await;
        assert_eq!(answer.status, 422, "{field} {value:?}");
        assert!(!visitor.has_token());
        let page = answer.text();
        assert!(
            page.contains("aria-invalid=\"true\""),
            "{field}: the field is marked"
        );
        assert!(
            page.contains("aria-describedby"),
            "{field}: and tied to what is said"
        );
        assert!(page.contains("Lind"), "{field}: what was typed is kept");
        let typed = if field == "password" { value } else { PASSWORD };
        assert!(
            !page.contains(&format!("value=\"{typed}\"")) || field != "password",
            "{field}: never the password"
        );
        assert!(!page.contains(PASSWORD), "{field}: never the password");
    }
    assert_eq!(
        stack
            .anon()
            .form("/_auth/register", &fields_with("username", "anna"))
            .await
            .status,
        303
    );
}

/// What was typed comes back as text, whatever it is.
#[tokio::test]
async fn markup_is_text() {
    let stack = Stack::new().start().await;
    let nasty = "\"><script>alert(1)</script>";
    let page = stack
        .anon()
        .form("/_auth/register", &fields_with("username", nasty))
        .await
        .text();
    assert!(!page.contains("<script>alert"), "{page}");
    let page = stack.anon().try_sign_in(nasty, "x").await.text();
    assert!(!page.contains("<script>alert"), "{page}");
    let mut visitor = stack.anon();
    assert_eq!(
        visitor
            .form("/_auth/register", &fields_with("first_name", "<b>Anna</b>"))
            .await
            .status,
        303
    );
    for path in ["/_auth/account", "/deny/x", "/_auth/logout"] {
        let page = visitor.page(path).await.text();
        assert!(!page.contains("<b>Anna"), "{path}: {page}");
    }
}

/// A form counts only when it was sent from a page of ours.
#[tokio::test]
async fn a38_forms_of_other_origins() {
    let stack = Stack::new().start().await;
    let mut anna = stack.sign_in("anna").await;
    let login = [("login", "anna"), ("password", PASSWORD)];
    let host = stack.gateway().gate().to_string();
    let foreign = |path: &str, fields: &[(&str, &str)]| {
        let form = Ask::form(path, fields);
        [
            form.clone()
                .without("Sec-Fetch-Site")
                .header("Sec-Fetch-Site", "cross-site"),
            form.clone()
                .without("Sec-Fetch-Site")
                .header("Sec-Fetch-Site", "same-site"),
            form.clone()
                .without("Sec-Fetch-Site")
                .header("Origin", "https://evil.test"),
            form.without("Sec-Fetch-Site").header("Origin", "null"),
        ]
    };
    for ask in foreign("/_auth/logout", &[]) {
        assert_eq!(anna.send(&ask).await.status, 403, "{ask:?}");
        assert_eq!(anna.page("/page").await.status, 200, "still signed in");
    }
    let all = foreign("/_auth/login", &login)
        .into_iter()
        .chain(foreign("/_auth/register", &fields_with("username", "ben")));
    for ask in all {
        let mut visitor = stack.anon();
        assert_eq!(visitor.send(&ask).await.status, 403, "{ask:?}");
        assert!(!visitor.has_token());
    }
    let own = |site: Option<&str>, origin: Option<&str>| {
        let mut ask = Ask::form("/_auth/login", &login).without("Sec-Fetch-Site");
        if let Some(site) = site {
            ask = ask.header("Sec-Fetch-Site", site);
        }
        if let Some(origin) = origin {
            ask = ask.header("Origin", origin);
        }
        ask
    };
    let ours = format!("http://{host}");
    for ask in [
        own(Some("none"), None),
        own(Some("same-origin"), None),
        own(None, Some(&ours)),
        own(None, None),
    ] {
        assert_eq!(stack.anon().send(&ask).await.status, 303, "{ask:?}");
    }
    assert_eq!(anna.page("/_auth/logout").await.status, 200);
    assert_eq!(anna.page("/page").await.status, 200, "GET changes nothing");
}

/// A form that is refused unread is answered all the same, every time.
#[tokio::test]
async fn refused_unread() {
    let stack = Stack::new().start().await;
    let foreign = Ask::form("/_auth/register", &fields_with("username", "ben"))
        .without("Sec-Fetch-Site")
        .header("Sec-Fetch-Site", "cross-site");
    let large = Ask::form("/_auth/login", &[]).body(vec![b'a'; 200 * 1024]);
    for _ in 0..100 {
        assert_eq!(stack.anon().send(&foreign).await.status, 403);
        assert_eq!(stack.anon().send(&large).await.status, 413);
    }
}

/// Where nobody is led: each ends at `/`.
const ELSEWHERE: &[&str] = &[
    "//evil.test",
    "///evil.test",
    "/\\evil.test",
    "\\/evil.test",
    "/\t/evil.test",
    "/\n/evil.test",
    " //evil.test",
    "https:evil.test",
    "https://evil.test/",
    "http://evil.test/",
    "javascript:alert(1)",
    "/page\r\nSet-Cookie: a=b",
    "/_auth/logout",
    "/_auth/login?to=/x",
    "/%5fauth/logout",
    "/_auth",
];

/// Where a sign-in leads: never anywhere but to us.
#[tokio::test]
async fn a52_to() {
    let stack = Stack::new().start().await;
    stack.add_person("anna", &[]).await;
    let host = stack.gateway().gate().to_string();
    let same = format!("http://{host}/page?a=b");
    let user = format!("http://user@{host}/");
    let secure = format!("https://{host}/page");
    let wanted = [
        ("/page", "/page"),
        ("/page?a=b&c=%2F", "/page?a=b&c=%2F"),
        ("", "/"),
        ("page", "/"),
        (user.as_str(), "/"),
        (secure.as_str(), "/"),
        ("/../_auth/logout", "/"),
    ];
    for (to, expected) in wanted
        .into_iter()
        .chain(ELSEWHERE.iter().map(|to| (*to, "/")))
    {
        let fields = [("login", "anna"), ("password", PASSWORD), ("to", to)];
        let answer = stack.anon().form("/_auth/login", &fields).await;
        assert_eq!(
            (answer.status, answer.location()),
            (303, expected),
            "{to:?}"
        );
        assert_eq!(answer.all("set-cookie").len(), 1, "{to:?}");
    }
    let fields = [
        ("login", "anna"),
        ("password", PASSWORD),
        ("to", same.as_str()),
    ];
    let answer = stack.anon().form("/_auth/login", &fields).await;
    assert!(
        answer.location() == "/page?a=b" || answer.location() == same,
        "{}",
        answer.location()
    );
    let mut anna = stack.again("anna").await;
    let answer = anna.page("/_auth/login?to=%2Fpage").await;
    assert_eq!(
        (answer.status, answer.location()),
        (303, "/page"),
        "signed in already"
    );
    let answer = anna.page("/_auth/login?to=%2F%2Fevil.test").await;
    assert_eq!((answer.status, answer.location()), (303, "/"));
}

async fn guess(visitor: &mut Visitor, login: &str) -> (u16, String) {
    let answer = visitor.try_sign_in(login, "a-wrong-guess-0815").await;
    let mut page = answer.text().replace(login, "LOGIN");
    for line in answer
        .headers
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), "date" | "x-request-id" | "content-length"))
    {
        let _ = write!(page, "\n{line:?}");
    }
    (answer.status, page)
}

/// A wrong name, a wrong password and a disabled account look alike.
#[tokio::test]
async fn refusals_are_alike() {
    let stack = Stack::new().start().await;
    stack.add_person("anna", &[]).await;
    stack.add_person("carl", &[]).await;
    let _ = stack.command(&["user", "disable", "carl"]).await.exits(0);
    let known = guess(&mut stack.anon(), "anna").await;
    assert_eq!(known.0, 401);
    assert_eq!(guess(&mut stack.anon(), "nobody").await, known);
    assert_eq!(guess(&mut stack.anon(), "carl").await, known);
    let right = stack.anon().try_sign_in("carl", PASSWORD).await;
    assert_eq!(
        (right.status, right.text().replace("carl", "LOGIN")),
        (
            401,
            stack
                .anon()
                .try_sign_in("anna", "x")
                .await
                .text()
                .replace("anna", "LOGIN")
        )
    );
}

/// Guessing is slowed, for every spelling of a name as for one; others are not.
#[tokio::test]
async fn a42_guessing_is_slowed() {
    let stack = Stack::new()
        .section("[throttle]\naccount_failures = 5")
        .start()
        .await;
    stack.add_person("anna", &[]).await;
    stack.add_person("ben", &[]).await;
    let spellings = [
        "anna",
        "ANNA",
        "anna@example.com",
        "Anna@Example.com",
        "\u{ff41}nna",
    ];
    let mut slowed = None;
    for index in 0..12 {
        let answer = stack
            .anon()
            .try_sign_in(spellings[index % spellings.len()], "a-wrong-guess-0815")
            .await;
        if answer.status == 429 {
            slowed = Some((index, answer));
            break;
        }
        assert_eq!(answer.status, 401);
    }
    let (tries, answer) = slowed.expect("slowed at last");
    assert!((4..=7).contains(&tries), "after {tries} tries");
    let wait: u64 = answer
        .header("retry-after")
        .expect("Retry-After")
        .parse()
        .expect("seconds");
    assert!(wait > 0 && wait < 3600, "{wait}");
    assert_eq!(
        stack.anon().try_sign_in("anna", PASSWORD).await.status,
        429,
        "even the right one waits"
    );
    stack.again("ben").await;
}

on_both_stores! {
    /// The delay that guessing brings ends by itself: the right password is taken then, from where the guesses came too,
    /// and the guesses are forgotten. Nobody else waits.
    async fn a43_a_delay_ends_by_itself(plan) {
        let stack = plan.section("[throttle]\naccount_failures = 2").start().await;
        stack.add_person("anna", &[]).await;
        stack.add_person("ben", &[]).await;
        let status = async |password: &str| {
            let answer = stack.anon().try_sign_in("anna", password).await;
            assert_eq!(answer.header("retry-after").is_some(), answer.status == 429);
            answer.status
        };
        let guess = "a-wrong-guess-0815";
        for _ in 0..2 {
            assert_eq!(status(guess).await, 401);
        }
        // One second; the guess that is judged after it makes two of it.
        let judged = until("a guess is judged again", Duration::from_secs(5), async || {
            let asked = Instant::now();
            (status(guess).await == 401).then_some(asked)
        })
        .await;
        assert_eq!(status(PASSWORD).await, 429, "even the right one waits");
        stack.again("ben").await;
        until("the right one is taken", Duration::from_secs(5), async || {
            let status = status(PASSWORD).await;
            assert!(matches!(status, 303 | 429), "{status}");
            (status == 303).then_some(())
        })
        .await;
        let waited = judged.elapsed();
        assert!(waited > Duration::from_millis(1900), "not before: {waited:?}");
        for _ in 0..2 {
            assert_eq!(status(guess).await, 401, "forgotten");
        }
    }
}

/// Garbage is answered, not suffered.
#[tokio::test]
async fn garbage() {
    let stack = Stack::new().start().await;
    let mut visitor = stack.anon();
    let login = |body: Vec<u8>| Ask::form("/_auth/login", &[]).body(body);
    let bodies: [(&str, Vec<u8>); 5] = [
        ("nothing", Vec::new()),
        ("no fields", b"a".to_vec()),
        ("bytes", vec![0xff; 100]),
        ("twice", b"login=anna&login=ben&password=x".to_vec()),
        ("a NUL", b"login=an%00na&password=x%00".to_vec()),
    ];
    for (what, body) in bodies {
        let status = visitor.send(&login(body)).await.status;
        assert!(matches!(status, 400 | 401 | 415 | 422), "{what}: {status}");
    }
    let large = login(vec![b'a'; 70 * 1024]);
    assert_eq!(visitor.send(&large).await.status, 413);
    let long = "x".repeat(2000);
    let status = visitor.try_sign_in("anna", &long).await.status;
    assert!(matches!(status, 401 | 413 | 422), "{status}");
    let json = Ask::form("/_auth/login", &[])
        .without("Content-Type")
        .header("Content-Type", "text/plain")
        .body("login=a&password=b");
    let status = visitor.send(&json).await.status;
    assert!(matches!(status, 400 | 401 | 415 | 422), "{status}");
    assert_eq!(visitor.page("/_auth/nothing-here").await.status, 404);
    assert_eq!(
        visitor
            .send(&Ask::new("DELETE", "/_auth/login"))
            .await
            .status,
        405
    );
    assert_eq!(visitor.page("/_auth/login").await.status, 200);
}

/// The account page opens for people who navigate, not for scripts of the site that shares its origin.
#[tokio::test]
async fn the_account_page_is_for_people() {
    let stack = Stack::new().start().await;
    let mut anna = stack.sign_in("anna").await;
    assert_eq!(anna.page("/_auth/account").await.status, 200);
    let fetched = anna.fetch("/_auth/account").await;
    assert_ne!(fetched.status, 200);
    assert!(!fetched.text().contains("anna@example.com"));
    let sent = stack.anon().page("/_auth/account").await;
    assert!(matches!(sent.status, 302 | 303), "{}", sent.status);
    assert!(
        sent.location().starts_with("/_auth/login"),
        "{}",
        sent.location()
    );
}
