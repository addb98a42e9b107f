//! Peers that go, stall or ask too much, and a stop in the middle.

use crate::client::{DEADLINE, Origin};
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::time::timeout;

#[tokio::test]
async fn a_file_that_shrinks_cuts_the_connection() {
    let origin = Origin::start();
    let file = origin.put_sparse("film.bin", 64 << 20);
    let mut connection = origin.connect().await;
    connection.send("GET /film.bin", &[]).await;
    assert_eq!(
        connection.head().await.unwrap().header("content-length"),
        "67108864"
    );
    file.set_len(1 << 20).unwrap();
    let mut received = Vec::new();
    let _cut = timeout(DEADLINE, connection.0.read_to_end(&mut received))
        .await
        .expect("not cut");
    assert!(received.len() < 64 << 20, "padded to {}", received.len());
}

#[tokio::test]
async fn a_stop_lets_what_is_under_way_finish() {
    let origin = Origin::start();
    origin.put_sparse("film.bin", 64 << 20);
    let mut idle = origin.connect().await;
    idle.send("GET /missing", &[]).await;
    idle.answer(false).await.unwrap();
    let mut busy = origin.connect().await;
    busy.send("GET /film.bin", &[]).await;
    assert_eq!(busy.head().await.unwrap().status, 200);

    let socket = origin.folder.path().join("socket");
    origin.stop.send(()).unwrap();
    let mut rest = Vec::new();
    timeout(DEADLINE, idle.0.read_to_end(&mut rest))
        .await
        .expect("idle not closed")
        .unwrap();
    assert!(
        UnixStream::connect(&socket).await.is_err(),
        "nobody listens any more"
    );
    assert!(!origin.serving.is_finished());

    timeout(DEADLINE, busy.0.read_to_end(&mut rest))
        .await
        .expect("not finished")
        .unwrap();
    assert_eq!(rest.len(), 64 << 20, "the whole file, then the end");
    timeout(DEADLINE, origin.serving)
        .await
        .expect("still serving")
        .unwrap();
}

#[tokio::test]
async fn a_stop_with_nothing_open_is_at_once() {
    let origin = Origin::start();
    origin.stop.send(()).unwrap();
    timeout(DEADLINE, origin.serving)
        .await
        .expect("still serving")
        .unwrap();
}

#[tokio::test]
async fn peers_that_vanish_leave_nothing_behind() {
    let origin = Origin::start();
    origin.put_sparse("film.bin", 1 << 30);
    for _ in 0..50 {
        let mut connection = origin.connect().await;
        connection.send("GET /film.bin", &[]).await;
        assert_eq!(connection.head().await.unwrap().status, 200);
    }
    // A stop waits for every connection; these have been left by their peers.
    origin.stop.send(()).unwrap();
    timeout(DEADLINE, origin.serving)
        .await
        .expect("connections are held")
        .unwrap();
}

#[tokio::test]
async fn three_hundred_headers_are_fine_and_a_megabyte_is_not() {
    let origin = Origin::start();
    origin.put("a", "x");
    let names: Vec<String> = (0..300).map(|number| format!("X-{number}")).collect();
    let many: Vec<_> = names.iter().map(|name| (&**name, "v")).collect();
    assert_eq!(origin.ask("GET /a", &many).await.status, 200);
    let large = "v".repeat(1 << 20);
    let mut connection = origin.connect().await;
    let request = format!("GET /a HTTP/1.1\r\nHost: a\r\nX-Large: {large}\r\n\r\n");
    // The origin may hang up before it has read all of it.
    let _cut = tokio::io::AsyncWriteExt::write_all(&mut connection.0, request.as_bytes()).await;
    let status = connection.answer(false).await.map(|answer| answer.status);
    assert!(matches!(status, None | Some(431)), "{status:?}");
    assert_eq!(origin.get("/a").await.status, 200, "others are served");
}

#[tokio::test]
async fn a_request_with_a_body_leaves_the_next_one_alone() {
    let origin = Origin::start();
    origin.put("a", "x");
    let mut connection = origin.connect().await;
    connection.send("GET /a", &[("Content-Length", "20")]).await;
    let smuggled = b"GET /b HTTP/1.1\r\n\r\n\n";
    tokio::io::AsyncWriteExt::write_all(&mut connection.0, smuggled)
        .await
        .unwrap();
    assert_eq!(connection.answer(false).await.unwrap().status, 200);
    connection.send("GET /a", &[]).await;
    let next = connection.answer(false).await.map(|answer| answer.status);
    assert!(
        matches!(next, None | Some(200)),
        "the body is no request: {next:?}"
    );
}
