//! Behind Sentinel: the master is followed, and who is the master no more is not believed.

use super::servers::{Watched, wait};
use super::*;
use crate::session::redis::RedisSessions;

/// From a master's death to answers: half a second until it is missed, then the election.
const FAILOVER: Duration = Duration::from_secs(15);

fn open(servers: &Watched) -> Arc<dyn SessionStore> {
    Arc::new(RedisSessions::new(&servers.config()).unwrap())
}

fn role(port: u16) -> Option<String> {
    let role = redis::cmd("ROLE");
    let answer: Vec<redis::Value> = role.query(&mut super::servers::connect_to(port)?).ok()?;
    redis::from_redis_value(answer.first()?.clone()).ok()
}

/// Asks for a live session until it is found; it is never said that there is none.
async fn found_again(store: &Arc<dyn SessionStore>, key: &SessionKey) {
    let start = Instant::now();
    loop {
        match store.load(key, now()).await {
            Ok(Some(_)) => return,
            Ok(None) => panic!("signed out by a failover, after {:?}", start.elapsed()),
            Err(_) => assert!(start.elapsed() < FAILOVER, "no answer for {FAILOVER:?}"),
        }
        tokio::task::yield_now().await;
    }
}

async fn lost(events: &mut mpsc::Receiver<Event>, deadline: Duration) {
    hear(events, deadline, |e| *e == Event::Lost).await;
}

/// Alive again, after everything was dropped.
async fn back(events: &mut mpsc::Receiver<Event>) {
    let heard = hear(events, FAILOVER, |e| matches!(e, Event::Alive { .. })).await;
    assert!(heard.contains(&Event::Everything), "{heard:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_master_is_followed_by_another_and_never_comes_back() {
    let mut servers = Watched::start(2, 3);
    let (store, other) = (open(&servers), open(&servers));
    let (known, ended) = (key(), key());
    let anna = record(account());
    store.insert(&known, &anna).await.unwrap();
    store.insert(&ended, &anna).await.unwrap();
    let mut events = settled(&other).await;
    assert!(store.remove(&ended).await.unwrap().is_some());
    servers.servers[0].0.kill();
    lost(&mut events, Duration::from_millis(500)).await;
    found_again(&store, &known).await;
    assert_eq!(
        store.load(&ended, now()).await.unwrap(),
        None,
        "what ended stays ended"
    );
    back(&mut events).await;
    servers.be_patient();

    // What is opened and ended now, the old one has never heard of. It comes back as a master.
    let young = key();
    store.insert(&young, &anna).await.unwrap();
    // Nobody promises that a replica has heard of what was opened; here it must have, whoever is the master next.
    let mut masters = servers.servers.iter().map(|server| server.1);
    let master = masters.find(|server| role(*server).as_deref() == Some("master"));
    let mut admin = super::servers::connect_to(master.unwrap()).unwrap();
    // It speaks of what this very connection wrote, and replicas hear in order.
    redis::cmd("SET")
        .arg("later")
        .arg(1)
        .exec(&mut admin)
        .unwrap();
    let heard: i64 = redis::cmd("WAIT")
        .arg(1)
        .arg(5000)
        .query(&mut admin)
        .unwrap();
    assert_eq!(heard, 1, "the other replica");
    store.remove(&known).await.unwrap();
    hear(&mut events, Duration::from_secs(1), |e| {
        *e == Event::Changed(known)
    })
    .await;
    servers.servers[0].0.restart();
    let old = servers.servers[0].1;
    wait("the old master is up", || role(old));
    let start = Instant::now();
    while role(old).as_deref() == Some("master") || start.elapsed() < Duration::from_secs(1) {
        // Away it may be, when the sentinels think better of it once more.
        assert!(!matches!(store.load(&young, now()).await, Ok(None)));
        assert!(!matches!(other.load(&known, now()).await, Ok(Some(_))));
        assert!(start.elapsed() < FAILOVER, "it stays a master");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_was_demoted_by_hand_is_not_believed() {
    let servers = Watched::start(1, 1);
    let store = open(&servers);
    let known = key();
    store.insert(&known, &record(account())).await.unwrap();
    let mut events = settled(&store).await;
    let (old, new) = (servers.servers[0].1, servers.servers[1].1);
    // Sentinel does not know of it, and its connections stay open: only its role tells.
    let mut demote = redis::cmd("REPLICAOF");
    let mut admin = super::servers::connect_to(old).unwrap();
    demote.arg("127.0.0.1").arg(new).exec(&mut admin).unwrap();
    assert!(
        store.load(&known, now()).await.is_err(),
        "the answer of a replica"
    );
    lost(&mut events, Duration::from_secs(1)).await;
    assert!(role(old).as_deref() != Some("master"));
}

#[tokio::test(flavor = "multi_thread")]
async fn most_of_the_sentinels_have_to_name_the_master() {
    let mut servers = Watched::start(0, 3);
    let store = open(&servers);
    let known = key();
    store.insert(&known, &record(account())).await.unwrap();
    let mut events = settled(&store).await;

    servers.sentinels[0].0.kill();
    let start = Instant::now();
    let mut proofs = 0;
    hear(&mut events, Duration::from_secs(3), |event| {
        assert_ne!(*event, Event::Lost, "two of three are enough");
        proofs += usize::from(matches!(event, Event::Alive { .. }));
        proofs == 6
    })
    .await;
    assert!(store.load(&known, now()).await.unwrap().is_some());
    assert!(start.elapsed() < Duration::from_secs(3));

    servers.sentinels[1].0.signal("STOP");
    lost(&mut events, Duration::from_secs(1)).await;
    let start = Instant::now();
    while store.load(&known, now()).await.is_ok() {
        assert!(start.elapsed() < Duration::from_secs(1), "still believed");
    }
    servers.sentinels[1].0.signal("CONT");
    back(&mut events).await;
    found_again(&store, &known).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_nobody_knows_is_away() {
    let servers = Watched::start(0, 1);
    let mut config = servers.config();
    let doorward_config::RedisServers::Sentinel { master, .. } = &mut config.servers else {
        panic!("sentinel");
    };
    *master = "other".to_owned();
    let store = RedisSessions::new(&config).unwrap();
    match store.load(&key(), now()).await {
        Err(crate::Fault::StoreAway { source, .. }) => {
            assert!(source.to_string().contains("knows no `other`"), "{source}");
        }
        answer => panic!("{answer:?}"),
    }
}
