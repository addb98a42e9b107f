use super::{Body, CHUNK, Piece};
use crate::range::Span;
use bytes::Bytes;
use http_body::Body as _;
use http_body_util::BodyExt;
use std::fs::File;
use std::io::{ErrorKind, Write};

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn span(first: usize, last: usize) -> Piece {
    Piece::Span(Span {
        first: first as u64,
        last: last as u64,
    })
}

/// Not a multiple of anything, and no two chunks of it alike.
fn pattern(length: u32) -> Vec<u8> {
    (0..length).flat_map(u32::to_le_bytes).collect()
}

#[tokio::test]
async fn pieces_come_in_order_and_whole() {
    let bytes = pattern(100_001);
    let end = bytes.len() - 1;
    let pieces = [
        Piece::Text(Bytes::from_static(b"head")),
        span(0, end),
        Piece::Text(Bytes::from_static(b"middle")),
        span(70_000, 70_000 + 2 * CHUNK),
        span(5, 5),
        Piece::Text(Bytes::from_static(b"end")),
    ];
    let body = Body::of(file(&bytes), pieces);
    let expected = [
        b"head",
        &bytes[..],
        b"middle",
        &bytes[70_000..=70_000 + 2 * CHUNK],
        &bytes[5..=5],
        b"end",
    ]
    .concat();
    assert_eq!(body.size_hint().exact(), Some(expected.len() as u64));
    assert_eq!(body.collect().await.unwrap().to_bytes(), expected);
}

#[tokio::test]
async fn a_chunk_that_was_let_go_is_used_again() {
    let bytes = pattern(200_000);
    let mut body = Body::of(file(&bytes), [span(0, bytes.len() - 1)]);
    let mut received = Vec::new();
    let mut places = std::collections::HashSet::new();
    while let Some(frame) = body.frame().await {
        let chunk = frame.unwrap().into_data().unwrap();
        assert!(chunk.len() <= CHUNK);
        places.insert(chunk.as_ptr() as usize);
        received.extend_from_slice(&chunk);
    }
    assert_eq!(received, bytes);
    assert_eq!(
        places.len(),
        1,
        "one buffer for {} chunks",
        bytes.len().div_ceil(CHUNK)
    );
}

#[tokio::test]
async fn a_chunk_that_is_kept_is_left_alone() {
    let bytes = pattern(200_000);
    let mut body = Body::of(file(&bytes), [span(0, bytes.len() - 1)]);
    let mut kept = Vec::new();
    while let Some(frame) = body.frame().await {
        kept.push(frame.unwrap().into_data().unwrap());
    }
    assert_eq!(kept.concat(), bytes);
}

#[tokio::test]
async fn a_file_that_shrinks_ends_in_an_error() {
    let bytes = pattern(100_000);
    let file = file(&bytes);
    let mut body = Body::of(
        file.try_clone().unwrap(),
        [span(0, bytes.len() - 1), span(0, 1)],
    );
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    file.set_len(first.len() as u64 + 10).unwrap();
    let second = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(second.len(), 10, "what is left is sent");
    let error = body.frame().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert!(body.frame().await.is_none(), "nothing follows");
}
