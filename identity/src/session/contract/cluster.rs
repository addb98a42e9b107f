//! In Redis Cluster: owners change, keys move, steps are interrupted.

use super::servers::{Nodes, caught_up, connect_to, wait};
use super::*;
use crate::session::redis::RedisSessions;

const FAILOVER: Duration = Duration::from_secs(15);

fn open(nodes: &Nodes) -> Arc<dyn SessionStore> {
    Arc::new(RedisSessions::new(&nodes.config()).unwrap())
}

/// The place in `nodes` of the one that owns a session.
fn owner(nodes: &Nodes, key: &SessionKey) -> usize {
    let name = format!("doorward:session:{{{key}}}");
    let owns = |(_, port): &(_, u16)| {
        let mut connection = connect_to(*port)?;
        let found: Option<bool> = redis::cmd("EXISTS").arg(&name).query(&mut connection).ok();
        found.filter(|found| *found)
    };
    nodes
        .0
        .iter()
        .position(|node| owns(node).is_some())
        .expect("an owner")
}

/// Sessions on every master, one at least.
async fn spread(store: &Arc<dyn SessionStore>, nodes: &Nodes) -> Vec<(SessionKey, usize)> {
    let anna = record(account());
    let mut all = Vec::new();
    for _ in 0..24 {
        let key = key();
        store.insert(&key, &anna).await.unwrap();
        all.push((key, owner(nodes, &key)));
    }
    for master in 0..3 {
        assert!(all.iter().any(|(_, place)| *place == master));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_node_is_followed_by_its_replica_and_nobody_is_signed_out() {
    let mut nodes = Nodes::start(3, 1);
    let (store, other) = (open(&nodes), open(&nodes));
    let all = spread(&store, &nodes).await;
    // What a replica has not heard of is lost with its master: that is Redis' promise, not ours.
    for (_, port) in nodes.0.iter().take(3) {
        caught_up(*port, 1);
    }
    let mut events = settled(&other).await;
    nodes.0[1].0.kill();
    hear(&mut events, Duration::from_millis(500), |e| {
        *e == Event::Lost
    })
    .await;
    let start = Instant::now();
    let mut waiting = all.clone();
    while !waiting.is_empty() {
        let mut left = Vec::new();
        for (key, place) in waiting {
            match store.load(&key, now()).await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("signed out by a failover"),
                Err(_) => left.push((key, place)),
            }
        }
        waiting = left;
        assert!(start.elapsed() < FAILOVER, "no answer for {waiting:?}");
    }
    let heard = hear(&mut events, FAILOVER, |e| matches!(e, Event::Alive { .. })).await;
    assert!(heard.contains(&Event::Everything));
    for (key, _) in &all {
        store.remove(key).await.unwrap();
        hear(&mut events, Duration::from_secs(1), |e| {
            *e == Event::Changed(*key)
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_node_takes_only_its_own_sessions_with_it() {
    let mut nodes = Nodes::start(3, 0);
    for (_, port) in &nodes.0 {
        let mut set = redis::cmd("CONFIG");
        set.arg("SET")
            .arg("cluster-require-full-coverage")
            .arg("no");
        set.exec(&mut connect_to(*port).unwrap()).unwrap();
    }
    let store = open(&nodes);
    let all = spread(&store, &nodes).await;
    let mut events = settled(&store).await;
    for freeze in [true, false] {
        if freeze {
            nodes.0[2].0.signal("STOP");
        } else {
            nodes.0[2].0.signal("CONT");
            hear(&mut events, FAILOVER, |e| matches!(e, Event::Alive { .. })).await;
            nodes.0[2].0.kill();
        }
        hear(&mut events, Duration::from_millis(1500), |e| {
            *e == Event::Lost
        })
        .await;
        for _ in 0..3 {
            for (key, place) in &all {
                let asked = Instant::now();
                let answer = store.load(key, now()).await;
                let took = asked.elapsed();
                assert!(took < Duration::from_millis(1200), "{took:?}");
                match place {
                    2 => assert!(answer.is_err()),
                    _ => assert!(answer.unwrap().is_some()),
                }
            }
        }
    }
    nodes.0[2].0.restart();
}

fn cluster(port: u16, words: &[&str]) -> String {
    let mut command = redis::cmd("CLUSTER");
    command.arg(words);
    command.query(&mut connect_to(port).unwrap()).unwrap()
}

fn slot_of(port: u16, name: &str) -> String {
    let mut slot = redis::cmd("CLUSTER");
    slot.arg("KEYSLOT").arg(name);
    let slot: u16 = slot.query(&mut connect_to(port).unwrap()).unwrap();
    slot.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_followed_while_its_slot_moves() {
    let nodes = Nodes::start(3, 0);
    let (store, other) = (open(&nodes), open(&nodes));
    let (moved, stays) = (key(), key());
    let anna = record(account());
    store.insert(&moved, &anna).await.unwrap();
    store.insert(&stays, &anna).await.unwrap();
    store.touch(&moved, later(60), anna.ends_at).await.unwrap();
    let from = owner(&nodes, &moved);
    let (from, to) = (nodes.0[from].1, nodes.0[(from + 1) % 3].1);
    let ids = [from, to].map(|port| cluster(port, &["MYID"]));
    let name = format!("doorward:session:{{{moved}}}");
    let slot = slot_of(from, &name);
    let mut events = settled(&other).await;

    cluster(to, &["SETSLOT", &slot, "IMPORTING", &ids[0]]);
    cluster(from, &["SETSLOT", &slot, "MIGRATING", &ids[1]]);
    let mut migrate = redis::cmd("MIGRATE");
    migrate
        .arg("127.0.0.1")
        .arg(to)
        .arg("")
        .arg(0)
        .arg(5000)
        .arg("KEYS");
    migrate.arg(&name).arg(format!("doorward:seen:{{{moved}}}"));
    migrate.exec(&mut connect_to(from).unwrap()).unwrap();
    hear(&mut events, Duration::from_secs(1), |e| {
        *e == Event::Changed(moved)
    })
    .await;

    let found = store.load(&moved, now()).await.unwrap().unwrap();
    assert_eq!(found.last_seen, later(60), "asked where it is now");
    assert_eq!(
        store.rewrite(&moved, &rights(2)).await.unwrap(),
        Rewritten::Yes
    );
    hear(&mut events, Duration::from_secs(1), |e| {
        *e == Event::Changed(moved)
    })
    .await;

    for (_, port) in &nodes.0 {
        cluster(*port, &["SETSLOT", &slot, "NODE", &ids[1]]);
    }
    // Who watches hears that everything may be different, and hears the new owner from then on.
    hear(&mut events, FAILOVER, |e| *e == Event::Everything).await;
    hear(&mut events, FAILOVER, |e| matches!(e, Event::Alive { .. })).await;
    let found = store.load(&moved, now()).await.unwrap().unwrap();
    assert_eq!(
        found.record.generation, 2,
        "the first answer is followed to the new owner"
    );
    assert!(store.remove(&moved).await.unwrap().is_some());
    hear(&mut events, Duration::from_secs(1), |e| {
        *e == Event::Changed(moved)
    })
    .await;
    assert_eq!(other.load(&moved, now()).await.unwrap(), None);
    assert!(other.load(&stays, now()).await.unwrap().is_some());
}

/// Runs a command where its key is, as somebody who stops half-way would have.
fn run(nodes: &Nodes, words: &[String]) {
    wait("the owner of the key", || {
        nodes.0.iter().find_map(|(_, port)| {
            let mut command = redis::cmd(&words[0]);
            command.arg(&words[1..]);
            command.exec(&mut connect_to(*port)?).ok()
        })
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_stops_half_way_leaves_nothing_that_cannot_be_ended() {
    let nodes = Nodes::start(3, 0);
    let store = open(&nodes);
    let anna = record(account());
    let id = anna.account;
    let (noted, aside, stays) = (key(), key(), key());
    store.insert(&aside, &anna).await.unwrap();
    store.insert(&stays, &anna).await.unwrap();
    let words = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    let (index, ending) = (
        format!("doorward:account:{{{id}}}"),
        format!("doorward:ending:{{{id}}}"),
    );

    // Noted with the account, and no further: nothing is live.
    run(
        &nodes,
        &words(&["ZADD", &index, "9e15", &noted.to_string()]),
    );
    assert_eq!(store.list(id, now()).await.unwrap().len(), 2);
    // Set aside, and no further: still live, so still listed and given new rights, and ended by the next who ends all.
    run(&nodes, &words(&["ZREM", &index, &aside.to_string()]));
    run(&nodes, &words(&["SADD", &ending, &aside.to_string()]));
    assert_eq!(store.list(id, now()).await.unwrap().len(), 2);
    assert!(store.load(&aside, now()).await.unwrap().is_some());
    let ended = store.remove_account(id, Some(&stays)).await.unwrap();
    assert_eq!(ended, [aside]);
    assert_eq!(store.load(&aside, now()).await.unwrap(), None);
    assert!(store.load(&stays, now()).await.unwrap().is_some());
    assert_eq!(store.remove_account(id, None).await.unwrap(), [stays]);
    assert_eq!(store.remove_account(id, None).await.unwrap(), []);
}
