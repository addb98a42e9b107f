//! A mail server that is down, slow, silent, refusing, or drops the line: nobody who waits for an answer notices, and
//! the mail comes.

use std::time::{Duration, Instant};

use doorward_tests::{MailServer, Mood, Numbers, PASSWORD, Stack, Visitor, long};

/// No answer may have waited for a mail server; the fastest of those in question would take longer.
const AT_ONCE: Duration = Duration::from_secs(2);

async fn with_mail(server: &MailServer) -> Stack {
    let mail = format!(
        "[mail]\nsmtp = \"smtp://{}\"\n[throttle]\naddress_failures = 1000",
        server.address()
    );
    Stack::new().section(&mail).start().await
}

/// Registers somebody, who then waits for a code.
async fn register(stack: &Stack, name: &str, times: &mut Numbers) -> Visitor {
    let mut visitor = stack.anon();
    let email = format!("{name}@example.com");
    let fields = [("email", email.as_str()), ("password", PASSWORD)];
    let start = Instant::now();
    let answer = visitor.form("/_auth/register", &fields).await;
    times.add(start.elapsed());
    assert_eq!((answer.status, answer.location()), (303, "/_auth/verify"));
    visitor
}

/// The code that came in is good.
async fn proves(server: &MailServer, visitor: &mut Visitor, name: &str, limit: u64) {
    let to = format!("{name}@example.com");
    let letter = server.letter(&to, Duration::from_secs(limit)).await;
    let fields = [("code", letter.code())];
    let fields = fields.each_ref().map(|(name, code)| (*name, code.as_str()));
    let answer = visitor.form("/_auth/verify", &fields).await;
    assert_eq!(
        (answer.status, answer.location()),
        (303, "/"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn whatever_the_server_does_the_answer_is_the_same_and_the_mail_comes() {
    let mut server = MailServer::start().await;
    let stack = with_mail(&server).await;
    let mut times = Numbers::default();

    let mut willing = register(&stack, "willing", &mut times).await;
    proves(&server, &mut willing, "willing", 10).await;

    server.be(Mood::Slow);
    let mut slow = register(&stack, "slow", &mut times).await;
    proves(&server, &mut slow, "slow", 20).await;

    server.be(Mood::Refusing);
    let mut refused = register(&stack, "refused", &mut times).await;
    let refusals = async || {
        let series = "doorward_mail_sent_total{kind=\"verify\",outcome=\"retry\"}";
        stack
            .gateway()
            .metric(series)
            .await
            .filter(|count| *count > 0.0)
    };
    doorward_tests::until("it was refused", Duration::from_secs(10), refusals).await;
    server.be(Mood::Willing);
    proves(&server, &mut refused, "refused", 20).await;

    server.stop().await;
    let mut down = register(&stack, "down", &mut times).await;
    server.start_again().await;
    proves(&server, &mut down, "down", 20).await;

    // Known or unknown, whatever becomes of the mail.
    server.be(Mood::Silent);
    let mut anybody = Vec::new();
    for email in ["willing@example.com", "nobody@example.com"] {
        let mut visitor = stack.anon();
        let start = Instant::now();
        let answer = visitor.form("/_auth/recover", &[("email", email)]).await;
        times.add(start.elapsed());
        anybody.push((answer.status, answer.location().to_owned(), answer.body));
    }
    assert_eq!(anybody[0], anybody[1]);
    times.report("answers while the mail server was willing, slow, refusing, down, silent");
    assert!(times.max() < AT_ONCE, "{:?}", times.max());
    for name in ["willing", "slow", "refused", "down"] {
        let copies = server.letters(&format!("{name}@example.com"));
        let verify = copies
            .iter()
            .filter(|letter| letter.header("Subject").contains("code"));
        assert_eq!(verify.count(), 1, "{name}: one copy");
    }
}

/// A server that hangs up before its `250` may have taken the message: it comes again once, a minute later, and can be
/// told for the same.
#[tokio::test]
async fn a_line_that_drops_costs_one_copy_at_most() {
    let server = MailServer::start().await;
    let stack = with_mail(&server).await;
    server.be(Mood::Dropping);
    let mut times = Numbers::default();
    let mut anna = register(&stack, "anna", &mut times).await;
    assert!(times.max() < AT_ONCE, "{:?}", times.max());
    proves(&server, &mut anna, "anna", 10).await;
    server.be(Mood::Willing);
    if !long() {
        return;
    }
    let copies = async || {
        let copies = server.letters("anna@example.com");
        (copies.len() == 2).then_some(copies)
    };
    let copies = doorward_tests::until("it comes again", Duration::from_mins(2), copies).await;
    assert_eq!(
        copies[0].header("Message-ID"),
        copies[1].header("Message-ID")
    );
    assert_eq!(copies[0].code(), copies[1].code());
}
