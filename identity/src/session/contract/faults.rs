//! What a Redis that fails does to its sessions: it is said in time, and it ends by itself.

use super::servers::RedisServer;
use super::*;
use crate::Fault;
use crate::session::redis::RedisSessions;

fn open(server: &RedisServer) -> Arc<dyn SessionStore> {
    Arc::new(RedisSessions::new(&server.config()).unwrap())
}

fn is_away<T>(answer: &Result<T, Fault>) -> bool {
    matches!(answer, Err(Fault::StoreAway { .. }))
}

/// Asks until the store answers.
async fn answers(store: &Arc<dyn SessionStore>, deadline: Duration) {
    let start = Instant::now();
    while store.load(&key(), now()).await.is_err() {
        assert!(start.elapsed() < deadline, "no answer after {deadline:?}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_watch_says_so_and_comes_back_saying_that_all_may_be_different() {
    let server = RedisServer::start();
    let store = open(&server);
    let mut events = settled(&store).await;
    let mut admin = server.connection();
    let clients: String = redis::cmd("CLIENT").arg("LIST").query(&mut admin).unwrap();
    let watch = clients
        .lines()
        .find(|line| line.contains("name=doorward-watch"))
        .unwrap();
    let id = watch
        .split(' ')
        .find_map(|field| field.strip_prefix("id="))
        .unwrap();
    let killed: i64 = redis::cmd("CLIENT")
        .arg("KILL")
        .arg("ID")
        .arg(id)
        .query(&mut admin)
        .unwrap();
    assert_eq!(killed, 1);
    hear(&mut events, Duration::from_millis(500), |e| {
        *e == Event::Lost
    })
    .await;
    let heard = hear(&mut events, Duration::from_secs(2), |e| {
        matches!(e, Event::Alive { .. })
    })
    .await;
    assert_eq!(heard.first(), Some(&Event::Everything));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_is_away_in_time_and_back_by_itself() {
    let server = RedisServer::start();
    let store = open(&server);
    let mut events = settled(&store).await;
    let known = key();
    store.insert(&known, &record(account())).await.unwrap();

    server.signal("STOP");
    let start = Instant::now();
    assert!(is_away(&store.load(&known, now()).await));
    assert!(
        start.elapsed() < Duration::from_millis(1500),
        "took {:?}",
        start.elapsed()
    );
    hear(&mut events, Duration::from_millis(1500), |e| {
        *e == Event::Lost
    })
    .await;

    server.signal("CONT");
    answers(&store, Duration::from_secs(5)).await;
    assert!(store.load(&known, now()).await.unwrap().is_some());
    hear(&mut events, Duration::from_secs(5), |e| {
        matches!(e, Event::Alive { .. })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_is_away_and_its_successor_is_used() {
    let mut server = RedisServer::start();
    let store = open(&server);
    let mut events = settled(&store).await;
    server.kill();
    hear(&mut events, Duration::from_millis(500), |e| {
        *e == Event::Lost
    })
    .await;
    assert!(is_away(&store.load(&key(), now()).await));
    server.restart();
    answers(&store, Duration::from_secs(5)).await;
    let heard = hear(&mut events, Duration::from_secs(5), |e| {
        matches!(e, Event::Alive { .. })
    })
    .await;
    assert!(heard.contains(&Event::Everything));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flush_is_told_as_everything() {
    let server = RedisServer::start();
    let store = open(&server);
    let known = key();
    store.insert(&known, &record(account())).await.unwrap();
    let mut events = settled(&store).await;
    redis::cmd("FLUSHALL")
        .exec(&mut server.connection())
        .unwrap();
    hear(&mut events, Duration::from_secs(1), |e| {
        *e == Event::Everything
    })
    .await;
    assert_eq!(store.load(&known, now()).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_kind_is_a_fault_and_no_session() {
    let server = RedisServer::start();
    let store = open(&server);
    let (foreign, garbled) = (key(), key());
    let mut admin = server.connection();
    redis::cmd("SET")
        .arg(format!("doorward:session:{foreign}"))
        .arg("x")
        .exec(&mut admin)
        .unwrap();
    redis::cmd("HSET")
        .arg(format!("doorward:session:{garbled}"))
        .arg("r")
        .arg("{")
        .exec(&mut admin)
        .unwrap();
    assert!(store.load(&foreign, now()).await.is_err());
    assert!(store.load(&garbled, now()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_is_readable_in_redis() {
    let server = RedisServer::start();
    let store = open(&server);
    let token = Token::generate(&SystemRandom);
    store
        .insert(&token.key(), &record(account()))
        .await
        .unwrap();
    let mut admin = server.connection();
    let names: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut admin).unwrap();
    assert!(
        names
            .iter()
            .any(|name| name.ends_with(&token.key().to_string())),
        "{names:?}"
    );
    for name in names {
        assert!(!name.contains(&token.text()));
        let dump: Vec<u8> = redis::cmd("DUMP").arg(&name).query(&mut admin).unwrap();
        assert!(
            !dump
                .windows(43)
                .any(|window| window == token.text().as_bytes())
        );
    }
}
