//! The site drips, breaks off, or resets: whoever asked learns of it, nothing is done twice, and the next request does
//! not suffer for it.

use std::time::Duration;

use doorward_tests::{Answer, Ask, Echo, FaultProxy, Rule, Site, Stack, Visitor, Wire, until};

struct Behind {
    stack: Stack,
    echo: Echo,
    way: FaultProxy,
}

/// A site on the other side of a way that breaks.
async fn behind() -> Behind {
    let echo = Echo::start().await;
    let way = FaultProxy::to(echo.address()).await;
    let site = Site::usual()
        .upstream(&format!("http://{}", way.address()))
        .line("response_timeout = \"1s\"")
        .line("connect_timeout = \"1s\"");
    let stack = Stack::new().site(site).start().await;
    Behind { stack, echo, way }
}

/// It is a page of ours, and says nothing of who asked.
fn tells_nothing(answer: &Answer, visitor: &Visitor) {
    let text = format!("{:?}{}", answer.headers, answer.text());
    for secret in ["anna", visitor.token(), "Remote-User", "127.0.0.1"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

async fn works(behind: &Behind, visitor: &mut Visitor) {
    for _ in 0..4 {
        assert_eq!(visitor.page("/page").await.status, 200);
        let user = behind.echo.last().one("Remote-User");
        assert_eq!(user.as_deref(), Some("anna"));
    }
}

/// A download under way, so far that its body has begun.
async fn download(visitor: &Visitor) -> Wire {
    let mut wire = visitor.wire().await;
    let ask = Ask::get("/big?200000000");
    wire.send(&visitor.bytes(&ask)).await;
    assert_eq!(wire.head().await.expect("an answer").status, 200);
    assert!(wire.piece().await.is_some());
    wire
}

/// Slow is not silent: an answer that drips arrives, whole.
#[tokio::test]
async fn dripping() {
    let behind = behind().await;
    let mut anna = behind.stack.sign_in("anna").await;
    works(&behind, &mut anna).await;
    behind.way.data(Rule::Drip(Duration::from_millis(2)));
    let answer = anna.page("/page").await;
    assert_eq!(answer.status, 200);
    assert!(answer.text().starts_with("GET /page HTTP/1.1\r\n"));
    assert!(answer.text().ends_with("\r\n\r\n"), "all of it");
    behind.way.data(Rule::Pass);
    works(&behind, &mut anna).await;
}

/// Slower than the site may be.
#[tokio::test]
async fn silent() {
    let behind = behind().await;
    let mut anna = behind.stack.sign_in("anna").await;
    works(&behind, &mut anna).await;
    for rule in [Rule::HoldReplies, Rule::Delay(Duration::from_secs(5))] {
        behind.way.data(rule);
        let before = behind.echo.count();
        let answer = anna.form("/order", &[("a", "b")]).await;
        assert_eq!(answer.status, 504, "{rule:?}");
        tells_nothing(&answer, &anna);
        assert_eq!(behind.echo.count(), before + 1, "{rule:?}: ordered once");
        behind.way.data(Rule::Pass);
        works(&behind, &mut anna).await;
    }
}

/// It breaks off in the middle of a body: so does the answer, and never looks whole.
#[tokio::test]
async fn breaking_off() {
    let behind = behind().await;
    let mut anna = behind.stack.sign_in("anna").await;
    works(&behind, &mut anna).await;
    for rule in [Rule::Cut, Rule::Reset] {
        let mut wire = download(&anna).await;
        behind.way.data(rule);
        wire.closed(Duration::from_secs(5)).await;
        behind.way.data(Rule::Pass);
        works(&behind, &mut anna).await;
    }
}

/// It resets while a form is on its way: the form was sent once, or not at all.
#[tokio::test]
async fn resetting() {
    let behind = behind().await;
    let mut anna = behind.stack.sign_in("anna").await;
    let silence = until_asked;
    for rule in [Rule::Cut, Rule::Reset] {
        works(&behind, &mut anna).await;
        let before = behind.echo.count();
        // The site has it, and does not answer.
        let mut wire = anna.wire().await;
        let form = Ask::form("/hold", &[("a", "b")]);
        wire.send(&anna.bytes(&form)).await;
        silence(&behind.echo, before + 1).await;
        behind.way.data(rule);
        let answer = wire.answer_to("POST").await.expect("an answer");
        assert_eq!(answer.status, 502, "{rule:?}");
        tells_nothing(&answer, &anna);
        assert_eq!(anna.form("/order", &[("a", "b")]).await.status, 502);
        assert_eq!(behind.echo.count(), before + 1, "{rule:?}: once");
        behind.way.data(Rule::Pass);
        works(&behind, &mut anna).await;
    }
}

async fn until_asked(echo: &Echo, count: usize) {
    until("the site was asked", Duration::from_secs(5), async || {
        (echo.count() == count).then_some(())
    })
    .await;
}

/// Connections kept for reuse die while nobody uses them: the next form arrives once.
#[tokio::test]
async fn dead_connections_are_not_used() {
    let behind = behind().await;
    let mut anna = behind.stack.sign_in("anna").await;
    for rule in [Rule::Cut, Rule::Reset] {
        works(&behind, &mut anna).await;
        behind.way.data(rule);
        behind.way.data(Rule::Pass);
        let before = behind.echo.count();
        let status = anna.form("/order", &[("a", "b")]).await.status;
        assert!(matches!(status, 200 | 502), "{rule:?}: {status}");
        let expected = before + usize::from(status == 200);
        assert_eq!(behind.echo.count(), expected, "{rule:?}: {status}");
    }
    works(&behind, &mut anna).await;
}
