//! Memory stays flat, however large the file and however slow its readers. Alone in its process, which it measures.

#![cfg(test)]

use doorward_protected::{Root, serve};
use std::fs::{self, File};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

const GIGABYTE: u64 = 1 << 30;
const MEGABYTE: u64 = 1 << 20;

/// Largest resident size that this process ever had, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}

async fn ask(socket: &std::path::Path, range: &str) -> UnixStream {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    let request =
        format!("GET /film.bin HTTP/1.1\r\nHost: a\r\nRange: {range}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// Reads at most `limit` bytes and forgets them.
async fn drain(stream: &mut UnixStream, limit: u64) -> u64 {
    let mut buffer = vec![0; 256 * 1024];
    let mut received = 0;
    while received < limit {
        match stream.read(&mut buffer).await.unwrap() {
            0 => break,
            count => received += count as u64,
        }
    }
    received
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gigabyte_and_forty_slow_readers() {
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().join("site");
    fs::create_dir(&site).unwrap();
    File::create(site.join("film.bin"))
        .unwrap()
        .set_len(GIGABYTE)
        .unwrap();
    let socket = folder.path().join("socket");
    let listener = UnixListener::bind(&socket).unwrap();
    let serving = tokio::spawn(serve(
        listener,
        Root::open(&site).unwrap(),
        std::future::pending(),
    ));

    drain(&mut ask(&socket, "bytes=0-1000000").await, u64::MAX).await;
    let before = peak();

    let received = drain(&mut ask(&socket, "bytes=0-").await, u64::MAX).await;
    assert!(
        (GIGABYTE..GIGABYTE + 1024).contains(&received),
        "{received}"
    );
    let grown = peak() - before;
    assert!(grown < 8 * MEGABYTE, "one reader: {grown} bytes");

    let thousand = format!("bytes={}", "0-,".repeat(1000));
    let mut slow = Vec::new();
    for range in ["bytes=0-", "bytes=-1,0-1000000000,5-9", &thousand]
        .iter()
        .cycle()
        .take(40)
    {
        let mut stream = ask(&socket, range).await;
        assert!(
            drain(&mut stream, MEGABYTE).await >= MEGABYTE,
            "{range:.40}"
        );
        slow.push(stream);
    }
    // Another gigabyte goes by while they hold still.
    drain(&mut ask(&socket, "bytes=0-").await, GIGABYTE).await;
    let grown = peak() - before;
    assert!(
        grown < 40 * MEGABYTE / 2,
        "forty that hold still: {grown} bytes"
    );
    serving.abort();
}
