//! Reloads while requests are under way: each request sees one configuration, and none fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use doorward_tests::{Ask, Echo, Numbers, Rule, Site, Stack, Visitor, say, until};
use tokio::task::JoinHandle;

const PATIENCE: Duration = Duration::from_secs(5);
const RELOADS: usize = 50;

/// Puts the sites of a number into the file. Even ones go to the first upstream and let people in at `/even`, odd ones
/// to the second and at `/odd`. The upstream is told who it is under a name with the number in it. Both upstreams are
/// always in use by some site, so that neither is opened anew.
fn set(stack: &Stack, number: usize, upstreams: [&Echo; 2]) {
    let [upstream, other] = [number, number + 1].map(|number| upstreams[number % 2].address());
    let (open, closed) = if number.is_multiple_of(2) {
        ("even", "odd")
    } else {
        ("odd", "even")
    };
    let site = format!(
        "[[site]]\nupstream = \"http://{upstream}\"\nidentity = {{ user = \"X-Number-{number}\" }}\n\
         [[site.rule]]\npath = \"/{open}/**\"\nallow = \"signed_in\"\n\
         [[site.rule]]\npath = \"/{closed}/**\"\nallow = \"nobody\"\n\
         [[site]]\nhost = \"other.test\"\nupstream = \"http://{other}\"\n"
    );
    stack.edit(|text| {
        let rest = text.split_once("[[site]]");
        rest.map_or(&*text, |(rest, _)| rest).to_owned() + &site
    });
}

/// The number of the configuration that a request was forwarded under: the upstream was told by one alone.
fn number_of(head: &str) -> usize {
    let lines = head.lines().filter_map(|line| {
        let (name, _) = line.split_once(':')?;
        name.to_lowercase().strip_prefix("x-number-")?.parse().ok()
    });
    let numbers: Vec<usize> = lines.collect();
    assert_eq!(numbers.len(), 1, "{head}");
    numbers[0]
}

/// A request that waits for the store while everything is replaced ends as it began: rule, upstream and headers.
#[tokio::test]
async fn a_request_sees_one_configuration() {
    let stack = Stack::new().faulty_redis().start().await;
    let odd = Echo::start().await;
    let both = [&stack.echo, &odd];
    let anna = stack.sign_in("anna").await;
    set(&stack, 0, both);
    stack.gateway().reload("ok").await;
    stack.faults().data(Rule::HoldReplies);
    let held = stack.faults().held();
    let mut asking = anna.clone();
    let asked = tokio::spawn(async move { asking.get("/even/x").await });
    until("the store is asked", PATIENCE, async || {
        (stack.faults().held() > held).then_some(())
    })
    .await;
    set(&stack, 1, both);
    stack.gateway().reload("ok").await;
    stack.faults().data(Rule::Pass);
    let answer = asked.await.expect("answered");
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(number_of(&answer.text()), 0);
    assert_eq!((stack.echo.count(), odd.count()), (1, 0));
    assert_eq!(anna.clone().get("/even/x").await.status, 403);
    assert_eq!(number_of(&anna.clone().get("/odd/x").await.text()), 1);
    assert_eq!((stack.echo.count(), odd.count()), (1, 1));
}

/// Whether a visitor keeps the connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Connections {
    One,
    OneEach,
}

/// People who go on asking.
#[derive(Default)]
struct Crowd {
    stop: AtomicBool,
    allowed: AtomicUsize,
    refused: AtomicUsize,
}

impl Crowd {
    fn answered(&self) -> (usize, usize) {
        (
            self.allowed.load(Ordering::Relaxed),
            self.refused.load(Ordering::Relaxed),
        )
    }

    /// Six of them, four on connections that they keep.
    fn come(self: &Arc<Self>, visitor: &Visitor) -> Vec<JoinHandle<()>> {
        let all = (0..6).map(|number| {
            let connections = if number < 4 {
                Connections::One
            } else {
                Connections::OneEach
            };
            tokio::spawn(Arc::clone(self).ask(visitor.clone(), connections))
        });
        all.collect()
    }

    /// Asks until told to stop. Any answer but the two is a failure, and so is none.
    async fn ask(self: Arc<Self>, visitor: Visitor, connections: Connections) {
        let mut wire = visitor.wire().await;
        let mut round = 0;
        while !self.stop.load(Ordering::Relaxed) {
            if connections == Connections::OneEach {
                wire = visitor.wire().await;
            }
            let path = ["/even/x", "/odd/x"][round % 2];
            round += 1;
            let answer = wire.exchange(&visitor.bytes(&Ask::get(path))).await;
            let answer = answer.expect("an answer");
            let text = answer.text();
            assert!(
                matches!(answer.status, 200 | 403),
                "{path}: {} {text}",
                answer.status
            );
            if answer.status == 403 {
                self.refused.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let even = number_of(&text).is_multiple_of(2);
            assert_eq!(even, path.starts_with("/even"), "{path}: {text}");
            self.allowed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until so many more were answered.
    async fn goes_on(&self, more: usize) {
        let sum = || {
            let (allowed, refused) = self.answered();
            allowed + refused
        };
        let before = sum();
        until("requests flow", PATIENCE, async || {
            (sum() > before + more).then_some(())
        })
        .await;
    }
}

/// How many sockets of its own the gateway has.
fn sockets(stack: &Stack) -> usize {
    let id = stack.gateway().id().to_string();
    let folder = stack.folder().join("data-0/run").join(id);
    std::fs::read_dir(folder)
        .expect("the folder of sockets")
        .count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_in_a_row() {
    let plan = Stack::new().site(Site::new().rule("allow = \"signed_in\""));
    let stack = plan.start().await;
    let odd = Echo::start().await;
    let both = [&stack.echo, &odd];
    let anna = stack.sign_in("anna").await;
    set(&stack, 0, both);
    stack.gateway().reload("ok").await;
    let crowd = Arc::new(Crowd::default());
    let people = crowd.come(&anna);
    crowd.goes_on(50).await;
    let gateway = stack.gateway();
    let (open, memory) = (gateway.open_files(), gateway.memory());
    let mut took = Numbers::default();
    for number in 1..=RELOADS {
        set(&stack, number, both);
        took.add(gateway.reload("ok").await);
        crowd.goes_on(20).await;
    }
    crowd.stop.store(true, Ordering::Relaxed);
    for person in people {
        person.await.expect("no request failed");
    }
    for (parity, echo) in both.into_iter().enumerate() {
        let seen = echo.seen();
        for seen in seen.iter().filter(|seen| seen.target().ends_with("/x")) {
            assert_eq!(number_of(&seen.text()) % 2, parity, "{}", seen.text());
        }
    }
    let (allowed, refused) = crowd.answered();
    assert!(
        allowed > RELOADS && refused > RELOADS,
        "{allowed} and {refused}"
    );
    took.report("from SIGHUP until the counter says so, under load");
    let (after, larger) = (gateway.open_files(), gateway.memory());
    say(&format!(
        "{RELOADS} reloads under load: {allowed} let in, {refused} refused, none failed; \
         files open {open} → {after}, memory {memory} → {larger} KiB"
    ));
    assert!(
        after < open + RELOADS / 2,
        "files are left open: {open}, then {after}"
    );
    let sockets = sockets(&stack);
    assert!(sockets <= 4, "{sockets} sockets are left");
}
