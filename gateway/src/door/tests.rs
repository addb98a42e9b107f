use tokio::time::timeout;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// What becomes of somebody who is served this.
async fn served(request: impl Future<Output = ()>) -> Option<()> {
    timeout(3600 * SECOND, around(request)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_nothing_is_never_disturbed() {
    let request = async { sleep(1800 * SECOND).await };
    assert_eq!(served(request).await, Some(()));
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_does_not_begin_is_not_waited_for() {
    let request = async {
        answer_within(3 * SECOND);
        sleep(1800 * SECOND).await;
    };
    assert_eq!(served(request).await, None);
}

#[tokio::test(start_paused = true)]
async fn one_that_began_may_be_silent() {
    let request = async {
        answer_within(3 * SECOND);
        sleep(2 * SECOND).await;
        answered();
        sleep(1800 * SECOND).await;
    };
    assert_eq!(served(request).await, Some(()));
}

#[tokio::test(start_paused = true)]
async fn what_one_request_left_is_not_the_next_ones() {
    for long in [Duration::ZERO, 2 * SECOND] {
        let requests = async {
            answer_within(3 * SECOND);
            sleep(long).await;
            over();
            sleep(1800 * SECOND).await;
        };
        assert_eq!(served(requests).await, Some(()), "idle after {long:?}");
        let requests = async {
            answer_within(3 * SECOND);
            answered();
            sleep(long).await;
            over();
            answer_within(3 * SECOND);
            sleep(1800 * SECOND).await;
        };
        assert_eq!(served(requests).await, None, "asked again after {long:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_request_after_many_short_ones_is_watched_within_a_second() {
    let began = Mutex::new(Instant::now());
    let requests = async {
        for _ in 0..100 {
            answer_within(Duration::ZERO);
            sleep(LOOK / 10).await;
            over();
        }
        *began.lock().unwrap() = Instant::now();
        answer_within(Duration::ZERO);
        sleep(1800 * SECOND).await;
    };
    assert_eq!(around(requests).await, None);
    let took = began.lock().unwrap().elapsed();
    let late = 2 * LOOK + Duration::from_millis(10);
    assert!(took >= LOOK && took <= late, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn one_that_ends_as_its_deadline_passes_had_its_answer() {
    for _ in 0..32 {
        let requests = async {
            answer_within(3 * SECOND);
            answered();
            sleep(3 * SECOND).await;
            over();
            sleep(10 * SECOND).await;
        };
        assert_eq!(served(requests).await, Some(()));
    }
}
