//! Codes and links that are mailed: how often they count, where they lead, what is in the mail.

use std::time::Duration;

use doorward_tests::{Letter, MailServer, PASSWORD, Plan, Site, Stack, Visitor, until};

use super::HOST;

pub(super) const NEW: &str = "quite-another-77-umbrella";
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn mailing(plan: Plan, server: &MailServer) -> Plan {
    plan.section(&format!("[mail]\nsmtp = \"smtp://{}\"", server.address()))
}

/// The newest letter to somebody, once there are so many.
async fn letter(server: &MailServer, to: &str, count: usize) -> Letter {
    until("the letter arrives", PATIENCE, async || {
        let mut letters = server.letters(to);
        (letters.len() >= count).then(|| letters.pop())?
    })
    .await
}

/// Too many wrong ones void the right one; a right one counts once.
#[tokio::test]
async fn a44_ten_wrong_ones_then_the_right_one() {
    let server = MailServer::start().await;
    let stack = mailing(Stack::new(), &server).start().await;
    stack.add_person("anna", &[]).await;
    let ask = [("email", "anna@example.com")];
    for (tries, counts) in [(10, false), (4, true)] {
        let mut anna = stack.anon();
        assert_eq!(anna.form("/_auth/recover", &ask).await.status, 303);
        let count = if counts { 2 } else { 1 };
        let right = letter(&server, "anna@example.com", count).await.code();
        let wrong = if right == "00000000" {
            "00000001"
        } else {
            "00000000"
        };
        for _ in 0..tries {
            let answer = anna.form("/_auth/recover/code", &[("code", wrong)]).await;
            assert!(
                matches!(answer.status, 422 | 303 | 429),
                "{}",
                answer.status
            );
        }
        let answer = anna.form("/_auth/recover/code", &[("code", &right)]).await;
        let in_time = (answer.status, answer.location()) == (303, "/_auth/recover/password");
        assert_eq!(in_time, counts, "after {tries}: {}", answer.status);
        let mut again = anna.clone();
        let answer = again.form("/_auth/recover/code", &[("code", &right)]).await;
        assert_ne!(answer.location(), "/_auth/recover/password", "once");
    }
}

/// A portal with an address, so that there are links.
fn linking(server: &MailServer) -> Plan {
    mailing(Stack::new(), server)
        .site(Site::usual().host(HOST))
        .section("[portal]\nurl = \"http://app.test\"")
}

/// What is to be read in a letter, lines that were folded for the journey whole again.
fn read(letter: &Letter) -> String {
    let text = letter.text.replace("=\r\n", "").replace("=\n", "");
    text.replace("=3D", "=")
}

/// The link of a letter, as a target.
fn link(letter: &Letter) -> String {
    let text = read(letter);
    let (_, rest) = text.split_once("http://app.test").expect("a link");
    rest.split_whitespace().next().expect("a target").to_owned()
}

fn at_the_portal(stack: &Stack) -> Visitor {
    stack.anon().on_host(HOST)
}

/// Whoever opens a link changes nothing; whoever presses its button uses it up.
#[tokio::test]
async fn a47_links_are_opened_by_others() {
    let server = MailServer::start().await;
    let stack = linking(&server).start().await;
    stack.add_person("anna", &[]).await;
    let mut anna = at_the_portal(&stack);
    let asked = anna
        .form("/_auth/recover", &[("email", "anna@example.com")])
        .await;
    assert_eq!(asked.status, 303, "{}", asked.text());
    let target = link(&letter(&server, "anna@example.com", 1).await);
    let (page, token) = target.split_once("?t=").expect("a token");
    for _ in 0..3 {
        let opened = at_the_portal(&stack).page(&target).await;
        assert_eq!(opened.status, 200);
        let policy = opened.header("referrer-policy");
        assert_eq!(policy, Some("no-referrer"), "nobody else hears of the link");
    }
    let head = doorward_tests::Ask::new("HEAD", &target);
    at_the_portal(&stack).send(&head).await;
    let mut phone = at_the_portal(&stack);
    let used = phone.form(page, &[("t", token)]).await;
    assert_eq!(
        (used.status, used.location()),
        (303, "/_auth/recover/password")
    );
    let again = at_the_portal(&stack).form(page, &[("t", token)]).await;
    assert_eq!(
        (again.status, again.location()),
        (303, "/_auth/recover"),
        "used"
    );
    let set = phone
        .form("/_auth/recover/password", &[("password", NEW)])
        .await;
    assert_eq!((set.status, set.location()), (303, "/_auth/login"));
    let again = phone
        .form("/_auth/recover/password", &[("password", PASSWORD)])
        .await;
    assert_eq!(again.location(), "/_auth/recover", "used");
    at_the_portal(&stack).sign_in("anna", NEW).await;
}

/// Mail leads to the address that is configured, whatever the request said.
#[tokio::test]
async fn a48_where_links_lead() {
    let server = MailServer::start().await;
    let stack = linking(&server).start().await;
    stack.add_person("anna", &[]).await;
    let recover = doorward_tests::Ask::form("/_auth/recover", &[("email", "anna@example.com")]);
    let unknown = recover.clone().header("Host", "evil.test");
    assert_eq!(stack.anon().send(&unknown).await.status, 421);
    let forged = recover
        .header("Host", HOST)
        .header("X-Forwarded-Host", "evil.test")
        .header("X-Forwarded-Proto", "https")
        .header("X-Forwarded-Port", "666")
        .header("X-Forwarded-Server", "evil.test")
        .header("X-Original-Host", "evil.test")
        .header("Forwarded", "host=evil.test;proto=https")
        .header("Referer", "http://evil.test/");
    assert_eq!(stack.anon().send(&forged).await.status, 303);
    let letter = letter(&server, "anna@example.com", 1).await;
    assert!(
        link(&letter).starts_with("/_auth/recover/code?t="),
        "{}",
        letter.text
    );
    assert!(
        !letter.text.contains("evil") && !letter.text.contains(":666"),
        "{}",
        letter.text
    );
    let text = read(&letter);
    let (all, ours) = (text.matches("://"), text.matches("http://app.test/"));
    assert_eq!(all.count(), ours.count(), "{text}");
}

/// What somebody calls themselves stays text, and one letter goes to one person.
#[tokio::test]
async fn a49_names_in_letters() {
    let server = MailServer::start().await;
    let stack = mailing(Stack::new(), &server).start().await;
    let register = async |email: &str, first: &str| {
        let fields = [
            ("email", email),
            ("password", PASSWORD),
            ("first_name", first),
            ("last_name", first),
        ];
        stack.anon().form("/_auth/register", &fields).await.status
    };
    for email in [
        "anna@example.com\r\nBcc: x@evil.test",
        "anna@example.com\nRCPT TO:<x@evil.test>",
        "anna@example.com, x@evil.test",
        "anna@example.com x@evil.test",
        "<x@evil.test> anna@example.com",
        "anna@example.com>\r\nDATA",
        "\"x\"@evil.test@example.com",
        "anna@evil.test%0d%0aBcc: x@y",
    ] {
        assert_eq!(register(email, "Anna").await, 422, "{email:?}");
    }
    let nasty = [
        ("one@example.com", "Anna\r\nBcc: x@evil.test"),
        ("two@example.com", "%0d%0aBcc: x@evil.test"),
        ("three@example.com", "<b>Anna</b><script>"),
        ("four@example.com", "\"; Bcc: x@evil.test"),
        ("five@example.com", "=?utf-8?q?a=0d=0aBcc:_x@evil.test?="),
    ];
    let mut written = 0;
    for (email, name) in nasty {
        let status = register(email, name).await;
        assert!(matches!(status, 303 | 422), "{name:?}: {status}");
        if status == 303 {
            written += 1;
            let letter = letter(&server, email, 1).await;
            assert_eq!(server.letters(email).len(), 1);
            let (head, body) = letter.text.split_once("\r\n\r\n").expect("a head");
            assert!(!head.to_lowercase().contains("\nbcc"), "{head}");
            assert!(
                !body.contains("<b>") && !body.contains("<script>"),
                "{body}"
            );
        }
    }
    assert!(written > 0, "some are only strange");
    assert!(
        server.letters("x@evil.test").is_empty(),
        "nobody else got anything"
    );
    assert_eq!(register("anna@example.com", "Zo\u{eb}").await, 303);
    let code = letter(&server, "anna@example.com", 1).await.code();
    assert_eq!(code.len(), 8);
}
