use tokio::time::{advance, timeout};

use super::*;

const FIRST: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);

fn multiplex(requests: u32) -> Arc<Multiplex> {
    Arc::new(Multiplex::new(FIRST, requests))
}

/// After how long it is over, and why.
async fn over(multiplex: &Multiplex) -> (Duration, Over) {
    let start = Instant::now();
    let over = timeout(3600 * SECOND, multiplex.over()).await.unwrap();
    (start.elapsed(), over)
}

fn about(took: Duration, expected: Duration) -> bool {
    (expected..expected + SECOND / 10).contains(&took)
}

#[tokio::test(start_paused = true)]
async fn the_first_request_has_a_deadline_and_the_next_one_more_time() {
    let multiplex = multiplex(10);
    let (took, why) = over(&multiplex).await;
    assert!(about(took, FIRST) && why == Over::Idle, "{took:?}");

    let multiplex = self::multiplex(10);
    let open = multiplex.open();
    let long = timeout(3600 * SECOND, multiplex.over()).await;
    assert!(long.is_err(), "while something is open it is not idle");
    drop(open);
    let (took, why) = over(&multiplex).await;
    assert!(about(took, IDLE) && why == Over::Idle, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn idle_begins_again_after_each_request() {
    let multiplex = multiplex(10);
    drop(multiplex.open());
    advance(50 * SECOND).await;
    drop(multiplex.open());
    let (took, _) = over(&multiplex).await;
    assert!(about(took, IDLE), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn after_the_last_request_goodbye_is_said_and_meant() {
    let multiplex = multiplex(2);
    let first = multiplex.open();
    assert!(!multiplex.said_goodbye());
    let last = multiplex.open();
    assert!(multiplex.said_goodbye() && *multiplex.goodbye().borrow());
    drop((first, last));
    let (took, why) = over(&multiplex).await;
    assert!(about(took, FAREWELL) && why == Over::Idle, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn who_goes_on_after_that_is_cut_off() {
    let multiplex = multiplex(2);
    let mut open: Vec<_> = (0..2 + STREAMS).map(|_| multiplex.open()).collect();
    let long = timeout(3600 * SECOND, multiplex.over()).await;
    assert!(long.is_err(), "as many as may be under way are served");
    open.push(multiplex.open());
    let (_, why) = over(&multiplex).await;
    assert_eq!(why, Over::TooMany);
}

#[tokio::test(start_paused = true)]
async fn goodbye_cuts_an_idle_wait_short() {
    let multiplex = multiplex(10);
    drop(multiplex.open());
    let waiting = over(&multiplex);
    let told = async {
        advance(20 * SECOND).await;
        multiplex.say_goodbye();
    };
    let ((took, _), ()) = tokio::join!(waiting, told);
    assert!(took < 22 * SECOND, "{took:?}");
}
