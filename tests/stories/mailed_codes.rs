//! Codes that are mailed: an address is proven, a forgotten password replaced. Without SMTP, mail lies in a folder.

use std::path::PathBuf;
use std::time::Duration;

use doorward_tests::{PASSWORD, Plan, Stack, until};

const NEW: &str = "quite-another-77-umbrella";

/// Addresses have to be proven.
fn proving(plan: Plan) -> Plan {
    plan.section("[registration]\nverify_email = \"on\"")
}

/// The messages of one kind that have been written so far, the newest last.
fn written(stack: &Stack, kind: &str) -> Vec<PathBuf> {
    let outbox = stack.folder().join("data-0/outbox");
    let mut files: Vec<PathBuf> = std::fs::read_dir(outbox)
        .into_iter()
        .flatten()
        .flatten()
        .map(|file| file.path())
        // While it is written its name begins with a dot.
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| name.as_encoded_bytes()[0] != b'.')
        })
        .filter(|path| path.to_string_lossy().contains(&format!("-{kind}-")))
        .collect();
    files.sort();
    files
}

/// The code in the newest of `count` messages.
async fn code(stack: &Stack, kind: &str, count: usize) -> String {
    let limit = Duration::from_secs(10);
    let newest = until("the mail is written", limit, async || {
        let files = written(stack, kind);
        (files.len() >= count).then(|| files.last().cloned())?
    })
    .await;
    let text = std::fs::read_to_string(newest).expect("a message");
    let subject = text.lines().find_map(|line| line.strip_prefix("Subject: "));
    let code = subject.and_then(|subject| subject.split(' ').next());
    code.expect("a code first in the subject").to_owned()
}

/// A code of the right form that is not `right`.
fn another(right: &str) -> &'static str {
    if right == "00000000" {
        "00000001"
    } else {
        "00000000"
    }
}

on_both_stores! {
    /// There is no session before the address is proven, and the code counts in the browser that asked.
    async fn an_address_is_proven(plan) {
        let stack = proving(plan).start().await;
        let mut anna = stack.anon();
        let fields = [("email", "anna@example.com"), ("password", PASSWORD), ("to", "/page")];
        let answer = anna.form("/_auth/register", &fields).await;
        assert_eq!((answer.status, answer.location()), (303, "/_auth/verify?to=%2Fpage"));
        assert!(!anna.has_token(), "no session yet");
        let right = code(&stack, "verify", 1).await;

        let answer = stack.anon().form("/_auth/verify", &[("code", &right)]).await;
        assert_eq!((answer.status, answer.location()), (303, "/_auth/login"), "another browser");
        for wrong in ["", another(&right)] {
            assert_eq!(anna.form("/_auth/verify", &[("code", wrong)]).await.status, 422);
        }
        let answer = anna.form("/_auth/verify", &[("code", &right), ("to", "/page")]).await;
        assert_eq!((answer.status, answer.location()), (303, "/page"));
        assert_eq!(anna.page("/page").await.status, 200);
        assert_eq!(anna.form("/_auth/verify", &[("code", &right)]).await.location(), "/_auth/login", "once");
    }

    /// A forgotten password is replaced; everything that was signed in ends, and nobody is signed in by it.
    async fn a46_a_forgotten_password(plan) {
        let stack = plan.start().await;
        stack.add_person("anna", &[]).await;
        let mut elsewhere = stack.again("anna").await;
        let mut anna = stack.anon();
        let mut nobody = stack.anon();
        let known = anna.form("/_auth/recover", &[("email", "anna@example.com")]).await;
        let unknown = nobody.form("/_auth/recover", &[("email", "nobody@example.com")]).await;
        assert_eq!((known.status, known.location()), (303, "/_auth/recover/code"));
        assert_eq!((known.status, known.location()), (unknown.status, unknown.location()));
        let right = code(&stack, "recover", 1).await;

        let answer = nobody.form("/_auth/recover/code", &[("code", &right)]).await;
        assert_eq!(answer.status, 422, "somebody else's code");
        let wrong = anna.form("/_auth/recover/code", &[("code", another(&right))]).await;
        assert_eq!(wrong.status, 422);
        let answer = anna.form("/_auth/recover/code", &[("code", &right)]).await;
        assert_eq!((answer.status, answer.location()), (303, "/_auth/recover/password"));
        assert_eq!(anna.page("/_auth/recover/password").await.status, 200);

        let answer = anna.form("/_auth/recover/password", &[("password", "short")]).await;
        assert_eq!(answer.status, 422);
        assert_eq!(elsewhere.page("/page").await.status, 200, "nothing has changed");
        let answer = anna.form("/_auth/recover/password", &[("password", NEW)]).await;
        assert_eq!((answer.status, answer.location()), (303, "/_auth/login"));
        assert!(!anna.has_token(), "not signed in by it");
        until("what was signed in has ended", Duration::from_secs(1), async || {
            (elsewhere.page("/page").await.status == 302).then_some(())
        }).await;
        assert_eq!(stack.anon().try_sign_in("anna", PASSWORD).await.status, 401);
        stack.anon().sign_in("anna", NEW).await;
        let again = anna.form("/_auth/recover/password", &[("password", PASSWORD)]).await;
        assert_eq!((again.status, again.location()), (303, "/_auth/recover"), "once");
    }
}
