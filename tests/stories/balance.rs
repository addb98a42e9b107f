//! Several upstreams: who gets what, and what happens when one of them dies.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use doorward_tests::{
    Ask, Authority, Echo, H2Echo, Numbers, Seen, Site, Stack, Validity, Visitor, free_port, long,
    say, until,
};

/// How often health is checked in these stories, where it is.
const INTERVAL: Duration = Duration::from_millis(500);

/// Longer than an upstream is passed over after nobody could connect to it.
const PAUSE: Duration = Duration::from_secs(10);

const CHECKED: &str = "health_check = { path = \"/healthz\", interval = \"500ms\" }";

/// A site whose requests go to all of these addresses, open to anybody at `/public/`.
fn site(addresses: &[SocketAddr]) -> Site {
    let urls: Vec<String> = addresses
        .iter()
        .map(|address| format!("\"http://{address}\""))
        .collect();
    Site::usual().upstreams(&format!("[{}]", urls.join(", ")))
}

async fn three() -> [Echo; 3] {
    [
        Echo::start().await,
        Echo::start().await,
        Echo::start().await,
    ]
}

fn addresses(echoes: &[Echo]) -> Vec<SocketAddr> {
    echoes.iter().map(Echo::address).collect()
}

/// What came of the visitors, without the health checks.
fn asked(echo: &Echo) -> Vec<Seen> {
    let seen = echo.seen().into_iter();
    seen.filter(|seen| seen.target() != "/healthz").collect()
}

fn counts(echoes: &[Echo]) -> Vec<usize> {
    echoes.iter().map(|echo| asked(echo).len()).collect()
}

/// How often the log says this.
fn said(stack: &Stack, words: &str) -> usize {
    stack.gateway().log().matches(words).count()
}

async fn until_said(stack: &Stack, words: &str, times: usize) {
    until(words, PAUSE, async || {
        (said(stack, words) >= times).then_some(())
    })
    .await;
}

/// Everybody gets the same.
#[tokio::test]
async fn turns() {
    let echoes = three().await;
    let stack = Stack::new().site(site(&addresses(&echoes))).start().await;
    let mut visitor = stack.anon();
    for _ in 0..150 {
        assert_eq!(visitor.get("/public/page").await.status, 200);
    }
    let counts = counts(&echoes);
    assert_eq!(counts.iter().sum::<usize>(), 150);
    assert!(
        counts.iter().all(|count| (45..=55).contains(count)),
        "{counts:?}"
    );
    let mut anna = stack.sign_in("anna").await;
    for _ in 0..3 {
        assert_eq!(anna.page("/page").await.status, 200);
    }
    for echo in &echoes {
        assert_eq!(echo.last().one("Remote-User").as_deref(), Some("anna"));
    }
}

/// Where nobody listens nothing was sent, so any request may go elsewhere: no visitor notices.
#[tokio::test]
async fn one_is_not_there() {
    let echoes = [Echo::start().await, Echo::start().await];
    let mut all = addresses(&echoes);
    all.insert(1, ([127, 0, 0, 1], free_port()).into());
    let stack = Stack::new().site(site(&all)).start().await;
    let mut visitor = stack.anon();
    for number in 0..60 {
        let post = Ask::new("POST", &format!("/public/{number}")).body("once");
        assert_eq!(visitor.send(&post).await.status, 200);
        assert_eq!(visitor.get("/public/page").await.status, 200);
    }
    let mut socket = visitor.websocket("/public/ws").await.expect("not refused");
    socket.is_alive().await;
    let counts = counts(&echoes);
    assert_eq!(counts.iter().sum::<usize>(), 121);
    assert!(counts.iter().all(|count| *count > 40), "{counts:?}");
    until_said(&stack, "an upstream is down", 1).await;
    assert_eq!(said(&stack, "an upstream is down"), 1, "said once");
    assert_eq!(said(&stack, "is up again"), 0);
}

/// When nobody is there it is 502, and 200 as soon as somebody is.
#[tokio::test]
async fn nobody_is_there() {
    let echoes = three().await;
    let stack = Stack::new().site(site(&addresses(&echoes))).start().await;
    let mut visitor = stack.anon();
    for echo in &echoes {
        echo.kill().await;
    }
    for _ in 0..5 {
        assert_eq!(visitor.get("/public/page").await.status, 502);
    }
    until_said(&stack, "an upstream is down", 3).await;
    echoes[2].revive().await;
    for _ in 0..5 {
        let answer = visitor.get("/public/page").await;
        assert_eq!(answer.status, 200, "all are tried before giving up");
    }
    assert_eq!(counts(&echoes), [0, 0, 5]);
    echoes[0].revive().await;
    until("the first one is used again", PAUSE, async || {
        assert_eq!(visitor.get("/public/page").await.status, 200);
        (!asked(&echoes[0]).is_empty()).then_some(())
    })
    .await;
    until_said(&stack, "is up again", 2).await;
    assert_eq!(said(&stack, "an upstream is down"), 3);
}

/// Whoever says that it is not well gets nothing until it says that it is.
#[tokio::test]
async fn health_checks() {
    let echoes = three().await;
    let stack = Stack::new()
        .site(site(&addresses(&echoes)).line(CHECKED))
        .start()
        .await;
    let mut visitor = stack.anon();
    echoes[1].fall_ill();
    until_said(&stack, "an upstream is down", 1).await;
    assert!(stack.gateway().log().contains("/healthz answered 503"));
    for _ in 0..30 {
        assert_eq!(visitor.get("/public/page").await.status, 200);
    }
    assert_eq!(counts(&echoes), [15, 0, 15]);
    let check = echoes[0].seen().into_iter().next().expect("a check");
    assert_eq!(
        (check.method(), check.target()),
        ("GET".into(), "/healthz".into())
    );
    assert_eq!(check.one("Host"), Some(echoes[0].address().to_string()));
    assert_eq!(check.one("Remote-User"), None);
    echoes[1].recover();
    until_said(&stack, "is up again", 1).await;
    for _ in 0..3 {
        assert_eq!(visitor.get("/public/page").await.status, 200);
    }
    assert_eq!(asked(&echoes[1]).len(), 1);
    // A check that is wrong everywhere does not take the site down.
    for echo in &echoes {
        echo.fall_ill();
    }
    until_said(&stack, "an upstream is down", 4).await;
    for _ in 0..6 {
        assert_eq!(visitor.get("/public/page").await.status, 200);
    }
    assert_eq!(said(&stack, "an upstream is down"), 4, "once per change");
}

/// A check speaks as requests do: TLS, HTTP/2, the certificate checked.
#[tokio::test]
async fn health_checks_over_http2() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let authority = Authority::new("ours");
    let file = authority.write(folder.path(), "ca.pem");
    let server = authority.server("localhost", Validity::Now, &["h2"]);
    let upstream = H2Echo::with_tls(server).await;
    let port = upstream.address().port();
    let site = Site::usual()
        .upstream(&format!("https://localhost:{port}"))
        .line(&format!("upstream_ca = \"{}\"", file.display()))
        .line("health_check = { path = \"/missing\", interval = \"100ms\" }");
    let stack = Stack::new().site(site).start().await;
    until_said(&stack, "/missing answered 404", 1).await;
    let seen = upstream.last();
    assert_eq!(
        (seen.method.as_str(), seen.uri),
        ("GET", format!("https://localhost:{port}/missing"))
    );
    assert_eq!(
        stack.anon().get("/public/page").await.status,
        200,
        "there is no other"
    );
}

/// A name is looked up before the first request needs it; whether or not it has addresses where nobody listens.
#[tokio::test]
async fn by_name() {
    let echo = Echo::start().await;
    let url = format!("http://localhost:{}", echo.address().port());
    let stack = Stack::new()
        .site(Site::usual().upstream(&url))
        .start()
        .await;
    let mut visitor = stack.anon();
    for _ in 0..20 {
        assert_eq!(visitor.get("/public/page").await.status, 200);
    }
    assert_eq!(echo.count(), 20);
}

/// What an upstream may have acted on is not sent again, wherever that would be.
#[tokio::test]
async fn a_post_is_sent_once() {
    let echoes = three().await;
    let stack = Stack::new().site(site(&addresses(&echoes))).start().await;
    let mut visitor = stack.anon();
    for _ in 0..3 {
        assert_eq!(visitor.get("/public/page").await.status, 200);
    }
    let post = |number: usize, word: &str| {
        Ask::new("POST", &format!("/public/{number}/{word}")).body(vec![b'x'; 10_000])
    };
    for number in 0..12 {
        let answer = visitor.send(&post(number, "break")).await;
        assert_eq!(answer.status, 502, "read, and cut off");
    }
    let (gate, mut tasks) = (visitor, tokio::task::JoinSet::new());
    for task in 0..8 {
        let mut visitor = gate.clone();
        tasks.spawn(async move {
            for number in 0..25 {
                let answer = visitor.send(&post(100 + task * 25 + number, "page")).await;
                assert!(matches!(answer.status, 200 | 502), "{}", answer.status);
            }
        });
    }
    until("posts arrive", PAUSE, async || {
        (counts(&echoes).iter().sum::<usize>() > 60).then_some(())
    })
    .await;
    echoes[1].kill().await;
    while let Some(ended) = tasks.join_next().await {
        ended.expect("no visitor was surprised");
    }
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for seen in echoes.iter().flat_map(asked) {
        if seen.method() == "POST" {
            *times.entry(seen.target()).or_default() += 1;
        }
    }
    let twice: Vec<_> = times.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "sent twice: {twice:?}");
    assert!(times.len() <= 212);
    assert!(
        times.len() >= 12 + 190,
        "nearly all arrived: {}",
        times.len()
    );
}

/// What one visitor under load noticed.
#[derive(Default)]
struct Noticed {
    sent: usize,
    /// When it was not 200.
    errors: Vec<Instant>,
    took: Numbers,
}

/// Asks again and again on one connection, `pace` apart, until `end`.
async fn load(visitor: Visitor, pace: Duration, end: Instant) -> Noticed {
    let mut noticed = Noticed::default();
    let mut wire = visitor.wire().await;
    let bytes = visitor.bytes(&Ask::get("/public/page"));
    let mut ticks = tokio::time::interval(pace);
    while Instant::now() < end {
        ticks.tick().await;
        let start = Instant::now();
        noticed.sent += 1;
        match wire.exchange(&bytes).await {
            Some(answer) if answer.status == 200 => noticed.took.add(start.elapsed()),
            Some(_) => noticed.errors.push(start),
            None => {
                noticed.errors.push(start);
                wire = visitor.wire().await;
            }
        }
    }
    noticed
}

/// One of three dies under load: what is under way there breaks off; after that nobody notices.
#[tokio::test]
async fn one_dies_under_load() {
    let echoes = three().await;
    let stack = Stack::new()
        .site(site(&addresses(&echoes)).line(CHECKED))
        .start()
        .await;
    let (visitors, pace, lasts) = if long() {
        (50, Duration::from_millis(100), Duration::from_secs(30))
    } else {
        (20, Duration::from_millis(100), Duration::from_secs(4))
    };
    let (start, echoes) = (Instant::now(), Arc::new(echoes));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..visitors {
        tasks.spawn(load(stack.anon(), pace, start + lasts));
    }
    tokio::time::sleep_until((start + lasts / 3).into()).await;
    let killed = Instant::now();
    echoes[1].kill().await;
    tokio::time::sleep_until((start + lasts * 2 / 3).into()).await;
    let before = asked(&echoes[1]).len();
    echoes[1].revive().await;

    let (mut sent, mut errors, mut slowest) = (0, Vec::new(), Duration::ZERO);
    while let Some(noticed) = tasks.join_next().await {
        let noticed = noticed.expect("no visitor was surprised");
        sent += noticed.sent;
        slowest = slowest.max(noticed.took.max());
        errors.extend(noticed.errors);
    }
    let last = errors.iter().max().map(|at| at.duration_since(killed));
    say(&format!(
        "one of three upstreams died under {} GETs a second: {} of {sent} failed, the last {last:?} after; the slowest answer took {slowest:?}",
        sent as u64 / lasts.as_secs(),
        errors.len(),
    ));
    assert!(last.unwrap_or_default() < INTERVAL, "{last:?}");
    assert!(
        errors.len() <= visitors,
        "only what was under way: {}",
        errors.len()
    );
    assert!(asked(&echoes[1]).len() > before, "it is used again");
    assert_eq!(said(&stack, "an upstream is down"), 1);
    assert_eq!(said(&stack, "is up again"), 1);
}
