use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{pause, timeout};

use super::super::Body;
use super::*;

const HEADER: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);

/// A client, the connection it has, and its pace. The clock goes by itself while everybody waits.
fn connected() -> (DuplexStream, Timed<Arc<Pace>>, Arc<Pace>) {
    pause();
    let (client, server) = duplex(1024);
    let pace = Arc::new(Pace::new(HEADER));
    let timed = Timed::new(Box::new(server), Arc::clone(&pace));
    (client, timed, pace)
}

/// Sends a byte a second until nobody is there any more; what it heard.
fn drip(mut client: DuplexStream) -> tokio::task::JoinHandle<Vec<u8>> {
    tokio::spawn(async move {
        let mut heard = Vec::new();
        while client.write_all(b"x").await.is_ok() {
            if timeout(SECOND, client.read_to_end(&mut heard))
                .await
                .is_ok()
            {
                break;
            }
        }
        client.read_to_end(&mut heard).await.unwrap();
        heard
    })
}

/// Reads until the pace says that it is over.
async fn serve(mut timed: Timed<Arc<Pace>>, pace: &Pace) -> (Late, Duration) {
    let start = Instant::now();
    let mut bytes = Vec::new();
    let reading = async { while timed.read_buf(&mut bytes).await.is_ok() {} };
    tokio::select! {
        biased;
        () = reading => panic!("reading ended before the deadline"),
        late = pace.over() => (late, start.elapsed()),
    }
}

#[tokio::test]
async fn a_head_that_drips_is_answered_and_cut() {
    let (client, timed, pace) = connected();
    let client = drip(client);
    let (late, took) = serve(timed, &pace).await;
    assert_eq!(late, Late::Head);
    assert!(
        took >= HEADER && took < HEADER + 2 * SECOND,
        "from the first byte: {took:?}"
    );
    let heard = client.await.unwrap();
    assert_eq!(heard, TOO_SLOW);
}

#[tokio::test]
async fn silence_is_cut_without_a_word() {
    let (mut client, timed, pace) = connected();
    let (late, took) = serve(timed, &pace).await;
    assert_eq!((late, took.as_secs()), (Late::Silent, HEADER.as_secs()));
    let mut heard = Vec::new();
    client.read_to_end(&mut heard).await.unwrap();
    assert!(heard.is_empty());
}

#[tokio::test]
async fn a_body_that_drips_is_an_error_to_whoever_reads_it() {
    let (client, mut timed, pace) = connected();
    let client = drip(client);
    let mut bytes = Vec::new();
    timed.read_buf(&mut bytes).await.unwrap();
    pace.head_is_in(Body::Coming);
    let start = Instant::now();
    let error = loop {
        if let Err(error) = timed.read_buf(&mut bytes).await {
            break error;
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert_eq!(start.elapsed().as_secs(), 30);
    timed.write_all(b"too late").await.unwrap();
    drop(timed);
    assert_eq!(client.await.unwrap(), b"too late");
}

#[tokio::test]
async fn an_open_answer_is_not_timed() {
    let (mut client, mut timed, pace) = connected();
    client.write_all(b"all of it").await.unwrap();
    let mut bytes = Vec::new();
    timed.read_buf(&mut bytes).await.unwrap();
    assert_eq!(bytes, b"all of it");
    pace.head_is_in(Body::None);
    let hour = 3600 * SECOND;
    assert!(timeout(hour, timed.read_u8()).await.is_err());
    client.write_all(b"!").await.unwrap();
    assert_eq!(timed.read_u8().await.unwrap(), b'!');
    drop(client);
    assert!(timed.read_u8().await.is_err(), "its end is noticed");
}
