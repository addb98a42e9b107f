//! What a database server that fails does to its sessions: it is said in time, and it ends by itself.

use super::backends::sql;
use super::*;
use crate::Fault;
use crate::testing::server::{Engine, Server};

async fn open(server: &Server) -> Arc<dyn SessionStore> {
    sql(&server.database().await).await
}

fn is_away<T>(answer: &Result<T, Fault>) -> bool {
    matches!(answer, Err(Fault::StoreAway { .. }))
}

/// Asks until the store answers.
async fn answers(store: &Arc<dyn SessionStore>) {
    let start = Instant::now();
    while store.remove(&key()).await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(5), "no answer");
    }
}

async fn says_that_it_is_away(store: &Arc<dyn SessionStore>, events: &mut mpsc::Receiver<Event>) {
    let in_time = Duration::from_millis(1500);
    hear(events, in_time, |e| *e == Event::Lost).await;
    let start = Instant::now();
    assert!(is_away(&store.load(&key(), now()).await));
    assert!(start.elapsed() < in_time, "took {:?}", start.elapsed());
    let start = Instant::now();
    assert!(is_away(&store.remove(&key()).await));
    assert!(start.elapsed() < in_time, "took {:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_is_away_in_time_and_back_by_itself() {
    for engine in [Engine::Postgres, Engine::MariaDb] {
        let server = Server::start(engine);
        let store = open(&server).await;
        let known = key();
        store.insert(&known, &record(account())).await.unwrap();
        let mut events = settled(&store).await;
        server.signal("STOP");
        says_that_it_is_away(&store, &mut events).await;
        server.signal("CONT");
        answers(&store).await;
        assert!(store.load(&known, now()).await.unwrap().is_some());
        hear(&mut events, Duration::from_secs(5), |e| {
            matches!(e, Event::Alive { .. })
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_is_away_and_what_it_kept_is_there_when_it_is_back() {
    for engine in [Engine::Postgres, Engine::MariaDb] {
        let mut server = Server::start(engine);
        let store = open(&server).await;
        let (known, ended) = (key(), key());
        store.insert(&known, &record(account())).await.unwrap();
        store.insert(&ended, &record(account())).await.unwrap();
        let mut events = settled(&store).await;
        server.kill();
        says_that_it_is_away(&store, &mut events).await;
        server.restart();
        server.tell("SELECT 1").await;
        answers(&store).await;
        assert!(store.load(&known, now()).await.unwrap().is_some());
        store.remove(&ended).await.unwrap();
        hear(&mut events, Duration::from_secs(5), |e| {
            *e == Event::Changed(ended)
        })
        .await;
    }
}
