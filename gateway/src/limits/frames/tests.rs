use proptest::prelude::*;
use tokio::time::{advance, pause};

use super::*;
use crate::limits::multiplex::Over;

const LIMIT: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);

fn frames() -> Frames {
    Frames::new(LIMIT, Arc::new(Multiplex::new(LIMIT, 10)), None)
}

fn frame(kind: u8, flags: u8, length: usize) -> Vec<u8> {
    let [.., high, middle, low] = u32::try_from(length).unwrap().to_be_bytes();
    let mut frame = vec![high, middle, low, kind, flags, 0, 0, 0, 1];
    frame.resize(HEAD + length, b'x');
    frame
}

fn left(frames: &mut Frames) -> Option<(Duration, Late)> {
    let (until, late) = frames.wait()?;
    Some((until.duration_since(Instant::now()), late))
}

#[tokio::test]
async fn whole_frames_are_waited_for_without_end() {
    pause();
    let mut frames = frames();
    assert_eq!(left(&mut frames), Some((LIMIT, Late::Silent)));
    frames.came(&[b'P'; PREFACE]);
    assert_eq!(left(&mut frames), None);
    for (kind, flags, length) in [(4, 0, 18), (HEADERS, END_HEADERS, 300), (DATA, 0, 0)] {
        frames.came(&frame(kind, flags, length));
        assert_eq!(left(&mut frames), None);
    }
}

#[tokio::test]
async fn what_has_begun_has_so_long_from_its_beginning() {
    pause();
    let mut frames = frames();
    frames.came(b"P");
    advance(SECOND).await;
    frames.came(&[b'P'; PREFACE - 2]);
    assert_eq!(left(&mut frames), Some((9 * SECOND, Late::Head)));
    frames.came(b"P");
    let headers = frame(HEADERS, END_HEADERS, 50);
    for byte in &headers[..58] {
        frames.came(&[*byte]);
        advance(SECOND / 10).await;
    }
    let (left_over, late) = left(&mut frames).unwrap();
    assert!(left_over < 5 * SECOND && late == Late::Head);
    frames.came(&headers[58..]);
    assert_eq!(left(&mut frames), None);
}

#[tokio::test(start_paused = true)]
async fn whoever_resets_too_much_is_sent_away_unless_they_come_for_many() {
    let budgets = Arc::new(crate::limits::resets::Resets::default());
    let address = [192, 0, 2, 1].into();
    for (resets, most) in [
        (Some(budgets.of(address)), 500),
        (Some(budgets.of(address)), 0),
        (None, 10_000),
    ] {
        let multiplex = Arc::new(Multiplex::new(LIMIT, 10));
        let mut frames = Frames::new(LIMIT, Arc::clone(&multiplex), resets);
        frames.came(&[b'P'; PREFACE]);
        let over = async || {
            let over = tokio::time::timeout(Duration::ZERO, multiplex.over());
            over.await.ok()
        };
        for _ in 0..most {
            frames.came(&frame(RST_STREAM, 0, 4));
        }
        assert_eq!(over().await, None, "after {most}");
        frames.came(&frame(RST_STREAM, 0, 4));
        let expected = (most < 10_000).then_some(Over::TooMany);
        assert_eq!(over().await, expected, "after one more than {most}");
    }
}

#[tokio::test]
async fn a_block_of_headers_ends_with_its_last_frame() {
    pause();
    let mut frames = frames();
    frames.came(&[b'P'; PREFACE]);
    frames.came(&frame(HEADERS, 0, 10));
    advance(4 * SECOND).await;
    frames.came(&frame(CONTINUATION, 0, 10));
    assert_eq!(left(&mut frames), Some((6 * SECOND, Late::Head)));
    frames.came(&frame(CONTINUATION, END_HEADERS, 0));
    assert_eq!(left(&mut frames), None);
}

#[tokio::test]
async fn data_may_be_as_slow_as_a_body() {
    pause();
    let mut frames = frames();
    frames.came(&[b'P'; PREFACE]);
    frames.came(&frame(DATA, 0, 100)[..50]);
    assert_eq!(left(&mut frames), Some((PATIENCE, Late::Head)));
}

proptest! {
    #[test]
    fn in_whatever_pieces_they_come(
        lengths in proptest::collection::vec((0_u8..12, any::<u8>(), 0_usize..40), 1..8),
        cuts in proptest::collection::vec(1_usize..30, 1..20),
    ) {
        let mut bytes = vec![b'P'; PREFACE];
        let mut open = false;
        for (kind, flags, length) in lengths {
            bytes.extend(frame(kind, flags, length));
            if matches!(kind, HEADERS | PUSH_PROMISE | CONTINUATION) {
                open = flags & END_HEADERS == 0;
            }
        }
        let mut frames = frames();
        let (mut rest, mut cuts) = (bytes.as_slice(), cuts.iter().cycle());
        while !rest.is_empty() {
            let (piece, behind) = split(rest, *cuts.next().unwrap());
            frames.came(piece);
            rest = behind;
        }
        prop_assert!(matches!(frames.part, Part::Head(_, 0)));
        prop_assert_eq!(frames.wait().is_some(), open);
    }
}
