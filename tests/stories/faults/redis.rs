//! Redis is slow, says no, or has forgotten everything: in time, nobody gets in who should not, nobody is sent to sign
//! in for nothing, and open pages do not notice.

use std::time::{Duration, Instant};

use doorward_tests::{Numbers, PASSWORD, Plan, Rule, Stack, Store, Visitor, long, until};

/// Within this everything is answered, whatever the answer.
const NOTICED: Duration = Duration::from_secs(2);
/// Within this everything works again by itself.
const RECOVERED: Duration = Duration::from_secs(5);
/// Open pages, whatever Redis does.
const FAST: Duration = Duration::from_millis(50);

/// What is answered meanwhile.
struct Meanwhile {
    /// To whoever was let in before, once that is noticed.
    known: u16,
    /// To whoever has a session that this gateway has not seen yet.
    fresh: u16,
    /// To whoever signs in.
    sign_in: u16,
}

const NOTHING_WORKS: Meanwhile = Meanwhile {
    known: 503,
    fresh: 503,
    sign_in: 503,
};
const READS_WORK: Meanwhile = Meanwhile {
    known: 200,
    fresh: 200,
    sign_in: 503,
};
const ALL_WORKS: Meanwhile = Meanwhile {
    known: 200,
    fresh: 200,
    sign_in: 303,
};

fn plan() -> Plan {
    Stack::new()
        .faulty_redis()
        .section("[throttle]\naddress_failures = 1000")
}

/// Asks for a protected page. Whoever has a session is never sent to sign in, and what is refused is not seen by the
/// site.
async fn ask(stack: &Stack, what: &str, visitor: &mut Visitor) -> u16 {
    let before = stack.echo.count();
    let asked = Instant::now();
    let answer = visitor.page("/page").await;
    let took = asked.elapsed();
    assert!(took < NOTICED, "{what}: answered after {took:?}");
    assert!(
        matches!(answer.status, 200 | 503),
        "{what}: {}",
        answer.status
    );
    if answer.status == 503 {
        assert_eq!(stack.echo.count(), before, "{what}: the site saw it");
        assert!(answer.header("retry-after").is_some(), "{what}");
    } else {
        assert_eq!(
            stack.echo.last().one("Remote-User").as_deref(),
            Some("anna")
        );
    }
    answer.status
}

/// Asks for an open page again and again, whether or not the answers come: as a stranger, as somebody with a session,
/// and the site itself, which says what the machine makes of it.
async fn open_pages_are_fast(stack: &Stack, what: &str, known: &Visitor) {
    let (site, stranger) = (Visitor::at(stack.echo.address()), stack.anon());
    let mut every = tokio::time::interval(Duration::from_millis(20));
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..if long() { 500 } else { 30 } {
        every.tick().await;
        for (who, visitor) in [&site, &stranger, known].into_iter().enumerate() {
            let mut visitor = visitor.clone();
            asking.spawn(async move {
                let asked = Instant::now();
                let status = visitor.page("/public/page").await.status;
                (who, status, asked.elapsed())
            });
        }
    }
    let mut times: [Numbers; 3] = Default::default();
    for (who, status, took) in asking.join_all().await {
        assert_eq!(status, 200, "{what}");
        times[who].add(took);
    }
    let percent = if long() { 99 } else { 50 };
    let [site, stranger, known] = times.each_ref().map(|times| times.percentile(percent));
    if long() {
        times[0].report(&format!("{what}: the site itself"));
        times[1].report(&format!("{what}: an open page, by a stranger"));
        times[2].report(&format!("{what}: an open page, with a session"));
    }
    let most = site + FAST;
    assert!(stranger < most, "{what}: {stranger:?}, the site {site:?}");
    assert!(known < most, "{what}: {known:?}, the site {site:?}");
}

/// Breaks Redis, looks, mends it, looks again.
async fn breaks(
    stack: &Stack,
    what: &str,
    meanwhile: Meanwhile,
    break_it: impl AsyncFnOnce(),
    mend_it: impl AsyncFnOnce(),
) {
    let mut known = stack.again("anna").await;
    let mut fresh = stack.again("anna").await;
    assert_eq!(ask(stack, what, &mut known).await, 200, "{what}: before");
    break_it().await;
    until(what, NOTICED, async || {
        (ask(stack, what, &mut known).await == meanwhile.known).then_some(())
    })
    .await;
    for _ in 0..2 {
        let status = ask(stack, what, &mut fresh).await;
        assert_eq!(status, meanwhile.fresh, "{what}: not seen yet");
        let status = ask(stack, what, &mut known).await;
        assert_eq!(status, meanwhile.known, "{what}: seen before");
    }
    let asked = Instant::now();
    let mut newcomer = stack.anon();
    let answer = newcomer.try_sign_in("anna", PASSWORD).await;
    assert_eq!(
        answer.status,
        meanwhile.sign_in,
        "{what}: {}",
        answer.text()
    );
    assert_eq!(newcomer.has_token(), answer.status == 303, "{what}");
    assert!(
        asked.elapsed() < NOTICED * 2,
        "{what}: {:?}",
        asked.elapsed()
    );
    assert_eq!(
        stack.anon().page("/page").await.status,
        302,
        "{what}: a stranger"
    );
    open_pages_are_fast(stack, what, &known).await;
    mend_it().await;
    for visitor in [&mut known, &mut fresh] {
        until(what, RECOVERED, async || {
            (ask(stack, what, visitor).await == 200).then_some(())
        })
        .await;
    }
    until(what, RECOVERED, async || {
        let answer = stack.anon().try_sign_in("anna", PASSWORD).await;
        (answer.status == 303).then_some(())
    })
    .await;
}

/// The way there is broken: `watch` for the link that tells of changes, `data` for all else.
async fn by_rules(rows: &[(&str, Rule, Rule, Meanwhile)]) {
    let stack = plan().start().await;
    stack.add_person("anna", &[]).await;
    for (what, watch, data, meanwhile) in rows {
        let Meanwhile {
            known,
            fresh,
            sign_in,
        } = *meanwhile;
        let set = async |watch, data| {
            stack.faults().watch(watch);
            stack.faults().data(data);
        };
        let meanwhile = Meanwhile {
            known,
            fresh,
            sign_in,
        };
        let (bad, good) = (set(*watch, *data), set(Rule::Pass, Rule::Pass));
        breaks(
            &stack,
            what,
            meanwhile,
            async || bad.await,
            async || good.await,
        )
        .await;
    }
}

/// A little slow is no outage; too slow is one, and is given up in time.
#[tokio::test]
async fn slow() {
    let [little, much] = [200, 5000].map(|millis| Rule::Delay(Duration::from_millis(millis)));
    by_rules(&[
        ("200 ms late", little, little, ALL_WORKS),
        ("5 s late", much, much, NOTHING_WORKS),
        ("the link alone 5 s late", much, Rule::Pass, ALL_WORKS),
    ])
    .await;
}

/// The connections are cut, or Redis answers what no session is.
#[tokio::test]
async fn refusing() {
    let [loading, moved] = [
        "LOADING Redis is loading the dataset in memory",
        "MOVED 3999 127.0.0.1:6381",
    ]
    .map(Rule::Refuse);
    by_rules(&[
        ("reset", Rule::Reset, Rule::Reset, NOTHING_WORKS),
        ("loading", loading, loading, NOTHING_WORKS),
        ("moved", moved, moved, NOTHING_WORKS),
    ])
    .await;
}

/// Runs a command of Redis on the stack's own.
async fn tell(stack: &Stack, words: &[&str]) {
    let mut command = ::redis::cmd(words[0]);
    for word in &words[1..] {
        command.arg(word);
    }
    let mut client = stack.redis().client().await;
    let _: ::redis::Value = command.query_async(&mut client).await.expect("done");
}

/// Redis reads and does not write: who is signed in goes on, nobody signs in, and no sign-out is acknowledged that
/// was none.
#[tokio::test]
async fn reading_only() {
    let stack = plan().start().await;
    stack.add_person("anna", &[]).await;
    let mut leaving = stack.again("anna").await;
    let replica = async || {
        tell(&stack, &["REPLICAOF", "127.0.0.1", "1"]).await;
        let answer = leaving.form("/_auth/logout", &[]).await;
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert!(leaving.has_token(), "the cookie is not taken for nothing");
        assert_eq!(leaving.page("/page").await.status, 200);
    };
    let master = async || tell(&stack, &["REPLICAOF", "NO", "ONE"]).await;
    breaks(&stack, "read only", READS_WORK, replica, master).await;

    let mut leaving = stack.again("anna").await;
    let mut copy = leaving.clone();
    let full = async || {
        tell(&stack, &["CONFIG", "SET", "maxmemory", "1"]).await;
        leaving.sign_out().await;
        assert_eq!(
            copy.page("/page").await.status,
            302,
            "signing out needs no memory"
        );
    };
    let room = async || tell(&stack, &["CONFIG", "SET", "maxmemory", "0"]).await;
    breaks(&stack, "out of memory", READS_WORK, full, room).await;
}

/// Somebody sets a password while all is running.
#[tokio::test]
async fn a_password_of_its_own() {
    let stack = plan().start().await;
    stack.add_person("anna", &[]).await;
    let operator = stack.redis().client().await;
    let set = async |password: &str| {
        let mut all = ::redis::pipe();
        all.cmd("CONFIG")
            .arg("SET")
            .arg("requirepass")
            .arg(password)
            .ignore();
        all.cmd("CLIENT")
            .arg("KILL")
            .arg("TYPE")
            .arg("normal")
            .ignore();
        let () = all.query_async(&mut operator.clone()).await.expect("done");
    };
    let (lock, unlock) = (async || set("hunter2").await, async || set("").await);
    breaks(&stack, "no password", NOTHING_WORKS, lock, unlock).await;
    assert!(!stack.gateway().log().contains("panic"));
}

/// One key is of another kind, as somebody else's program may have written it: one person is not let in, and not
/// taken for a stranger.
#[tokio::test]
async fn a_key_of_another_kind() {
    let stack = plan().store(Store::Redis).start().await;
    let mut ben = stack.sign_in("ben").await;
    let before = stack.redis().keys().await;
    let mut anna = stack.sign_in("anna").await;
    let mut keys = stack.redis().keys().await;
    keys.retain(|key| !before.contains(key) && key.starts_with(b"doorward:session:"));
    let key = String::from_utf8(keys.remove(0)).expect("a name");
    assert_eq!(ask(&stack, "its own kind", &mut anna).await, 200);
    tell(&stack, &["RENAME", &key, "elsewhere"]).await;
    tell(&stack, &["SET", &key, "x"]).await;
    until("it is not believed", Duration::from_secs(1), async || {
        (ask(&stack, "another kind", &mut anna).await == 503).then_some(())
    })
    .await;
    assert_eq!(ask(&stack, "another kind", &mut anna).await, 503);
    assert_eq!(
        ben.page("/page").await.status,
        200,
        "others are not concerned"
    );
    tell(&stack, &["RENAME", "elsewhere", &key]).await;
    until(
        "it is its own kind again",
        Duration::from_secs(1),
        async || (ask(&stack, "its own kind", &mut anna).await == 200).then_some(()),
    )
    .await;
}

/// Everything is forgotten: everyone is out at once, on every gateway, and signs in again.
#[tokio::test]
async fn forgetting() {
    let stack = plan().gateways(2).start().await;
    let mut anna = stack.sign_in("anna").await;
    let mut there = anna.also_at(stack.gateways[1].gate());
    let mut socket = there.websocket("/ws").await.expect("a WebSocket");
    socket.is_alive().await;
    for visitor in [&mut anna, &mut there] {
        assert_eq!(ask(&stack, "before", visitor).await, 200);
    }
    tell(&stack, &["FLUSHALL"]).await;
    for visitor in [&mut anna, &mut there] {
        until("everyone is out", Duration::from_secs(1), async || {
            (visitor.page("/page").await.status == 302).then_some(())
        })
        .await;
    }
    socket.closed(Duration::from_secs(5)).await;
    let before = stack.echo.count();
    assert_eq!(anna.fetch("/page").await.status, 401);
    assert_eq!(stack.echo.count(), before, "the site saw nothing");
    let mut again = stack.again("anna").await;
    assert_eq!(ask(&stack, "after", &mut again).await, 200);
}

/// Restarted without what it kept: everyone signs in again, and nobody has gained anything.
#[tokio::test]
async fn started_again_with_nothing() {
    let mut stack = plan().start().await;
    let mut anna = stack.sign_in("anna").await;
    assert_eq!(ask(&stack, "before", &mut anna).await, 200);
    // What is forgotten is also what is written to its file.
    tell(&stack, &["FLUSHALL"]).await;
    stack.redis_mut().kill().await;
    stack.redis_mut().start_again().await;
    until("everyone is out", RECOVERED, async || {
        let status = anna.page("/page").await.status;
        assert!(matches!(status, 302 | 503), "{status}");
        (status == 302).then_some(())
    })
    .await;
    assert_eq!(stack.again("anna").await.page("/page").await.status, 200);
}
