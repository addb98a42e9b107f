//! `--upgrade`: a new process takes over, and nobody notices.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use doorward_tests::{Ask, Plan, Site, Stack, Visitor, Wire, long, say, until};
use tokio::task::JoinHandle;

const PATIENCE: Duration = Duration::from_secs(10);

/// People who go on asking, each with a break between two requests.
#[derive(Default)]
struct Crowd {
    stop: AtomicBool,
    answered: AtomicUsize,
    /// Requests that met a connection which was closed while nothing was under way on it.
    again: AtomicUsize,
}

impl Crowd {
    /// As many as make about `rate` requests a second together; every fourth has a new connection for each.
    fn come(self: &Arc<Self>, visitor: &Visitor, rate: u32) -> Vec<JoinHandle<()>> {
        let people = (rate / 25).max(4);
        let pause = Duration::from_secs(1) * people / rate;
        let all = (0..people).map(|number| {
            tokio::spawn(Arc::clone(self).ask(visitor.clone(), pause, number % 4 == 0))
        });
        all.collect()
    }

    async fn ask(self: Arc<Self>, visitor: Visitor, pause: Duration, anew: bool) {
        let request = visitor.bytes(&Ask::get("/page"));
        let mut next = tokio::time::interval(pause);
        let mut kept: Option<Wire> = None;
        while !self.stop.load(Ordering::Relaxed) {
            next.tick().await;
            let was_idle = kept.is_some();
            let mut wire = match kept.take() {
                Some(wire) => wire,
                None => visitor.wire().await,
            };
            let mut answer = wire.exchange(&request).await;
            if answer.is_none() && was_idle {
                self.again.fetch_add(1, Ordering::Relaxed);
                wire = visitor.wire().await;
                answer = wire.exchange(&request).await;
            }
            let answer = answer.expect("an answer");
            assert_eq!(answer.status, 200, "{}", answer.text());
            self.answered.fetch_add(1, Ordering::Relaxed);
            if !anew && answer.header("connection") != Some("close") {
                kept = Some(wire);
            }
        }
    }
}

/// So many upgrades in a row under load: no request fails, nobody is signed out, WebSockets go on until `drain`.
async fn under_load(plan: Plan, upgrades: usize, rate: u32) {
    let mut stack = plan.server("drain = \"2s\"").start().await;
    let mut anna = stack.sign_in("anna").await;
    let crowd = Arc::new(Crowd::default());
    let people = crowd.come(&anna, rate);
    let mut leaving = Vec::new();
    for _ in 0..upgrades {
        let mut socket = anna.websocket("/ws").await.expect("opened");
        let before = crowd.answered.load(Ordering::Relaxed);
        let mut old = stack.gateway_mut().upgrade().await;
        socket.is_alive().await;
        leaving.push(tokio::spawn(async move {
            let _ = socket.closed(PATIENCE).await;
            old.wait().await.expect("waited for")
        }));
        until("the crowd is served", PATIENCE, async || {
            let answered = crowd.answered.load(Ordering::Relaxed);
            (answered > before + people.len() * 2).then_some(())
        })
        .await;
    }
    for old in leaving {
        let status = old.await.expect("it was let finish");
        assert!(status.success(), "{status}");
    }
    crowd.stop.store(true, Ordering::Relaxed);
    for person in people {
        person.await.expect("no request failed");
    }
    assert_eq!(anna.page("/page").await.status, 200, "still signed in");
    let [answered, again] =
        [&crowd.answered, &crowd.again].map(|count| count.load(Ordering::Relaxed));
    say(&format!(
        "{upgrades} upgrades under {rate} requests/s: {answered} answered, {again} of them at the second try after an idle close"
    ));
}

on_both_stores! {
    async fn a70_nobody_notices(plan) {
        if long() {
            under_load(plan, 20, 1000).await;
        } else {
            under_load(plan, 2, 200).await;
        }
    }

    /// What the old process keeps open still hears that a session has ended.
    async fn what_stays_open_hears_of_it(plan) {
        let mut stack = plan.server("drain = \"30s\"").start().await;
        let mut anna = stack.sign_in("anna").await;
        let ben = stack.sign_in("ben").await;
        let mut socket = anna.websocket("/ws").await.expect("opened");
        let mut other = ben.websocket("/ws").await.expect("opened");
        let mut old = stack.gateway_mut().upgrade().await;
        socket.is_alive().await;
        anna.sign_out().await;
        let took = socket.closed(Duration::from_secs(5)).await;
        other.is_alive().await;
        say(&format!("open at the old process, signed out at the new one: closed after {took:?}"));
        drop(other);
        assert!(old.wait().await.expect("waited for").success());
    }
}

/// What cannot serve leaves serving to the one that does.
#[tokio::test]
async fn a_failed_one_changes_nothing() {
    let mut stack = Stack::new().start().await;
    let mut anna = stack.sign_in("anna").await;
    let process = stack.gateway().id();
    let goes_on = async |stack: &Stack, anna: &mut Visitor| {
        for _ in 0..3 {
            assert_eq!(anna.page("/page").await.status, 200);
        }
        assert_eq!(stack.gateway().id(), process);
        assert_eq!(stack.gateway().admin("/readyz").await.status, 200);
    };

    let good = std::fs::read_to_string(stack.folder().join("doorward-0.toml")).expect("a file");
    stack.edit(|text| text + "\n[sever]\n");
    assert_eq!(stack.gateway_mut().fail_to_upgrade().await.code(), Some(78));
    goes_on(&stack, &mut anna).await;

    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = taken.local_addr().expect("an address");
    stack.edit(|_| good.replace("listen = [", &format!("listen = [\"{address}\", ")));
    assert_eq!(stack.gateway_mut().fail_to_upgrade().await.code(), Some(1));
    goes_on(&stack, &mut anna).await;

    // One that dies as soon as it has the sockets.
    let run_dir = stack
        .gateway()
        .data_dir()
        .join("run")
        .join(process.to_string());
    for _ in 0..3 {
        drop(UnixStream::connect(run_dir.join("upgrade.sock")).expect("offered"));
    }
    until("it is said", PATIENCE, async || {
        stack
            .gateway()
            .log()
            .contains("this one goes on")
            .then_some(())
    })
    .await;
    goes_on(&stack, &mut anna).await;

    stack.edit(|_| good);
    let mut old = stack.gateway_mut().upgrade().await;
    assert!(old.wait().await.expect("waited for").success());
    assert_eq!(anna.page("/page").await.status, 200);
}

/// The next configuration comes with the next process, and with nobody to relieve it simply starts.
#[tokio::test]
async fn it_brings_its_own_configuration() {
    let mut stack = Stack::new().site(Site::usual()).start().await;
    let anna = stack.sign_in("anna").await;
    stack.edit(|text| text + "\n[[site]]\nhost = \"new.test\"\nupstream = \"none\"\n");
    assert_eq!(anna.on_host("new.test").page("/page").await.status, 200);
    let start = Instant::now();
    let mut old = stack.gateway_mut().upgrade().await;
    assert!(old.wait().await.expect("waited for").success());
    say(&format!(
        "an upgrade with nothing open: {:?}",
        start.elapsed()
    ));
    assert_eq!(anna.on_host("new.test").page("/page").await.status, 404);

    stack.gateway_mut().kill().await;
    stack.gateway_mut().start_again();
    stack.gateway_mut().ready().await;
    assert_eq!(anna.on_host("new.test").page("/page").await.status, 404);
    // Its pid file names a process that is gone.
    stack.gateway_mut().kill().await;
    let mut alone = Visitor::at(stack.gateway().gate());
    stack.gateway_mut().start_with(&["--upgrade"]);
    stack.gateway_mut().ready().await;
    assert_eq!(alone.page("/public/x").await.status, 200);
}
