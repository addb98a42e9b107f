//! How long a request waits for the database: briefly while nothing has come of it, longer to finish what has.
//!
//! A code that was used up and a session that is then refused help nobody. So whoever has made something count waits for
//! the rest of it. Must not know what it is.

use std::cell::Cell;
use std::time::Duration;

/// Longest wait of a request that has made something count.
pub(crate) const TO_FINISH: Duration = Duration::from_secs(10);

tokio::task_local! {
    static COUNTS: Cell<bool>;
}

/// Does all that belongs to one request.
pub async fn in_one_go<T>(work: impl Future<Output = T>) -> T {
    COUNTS.scope(Cell::new(false), work).await
}

/// Something of this request counts now.
pub(crate) fn it_counts() {
    // Commands wait no longer than they say.
    let _ = COUNTS.try_with(|counts| counts.set(true));
}

/// The longest wait now, where it is `usual` as long as nothing counts.
pub(crate) fn deadline(usual: Duration) -> Duration {
    match COUNTS.try_with(Cell::get) {
        Ok(true) => usual.max(TO_FINISH),
        Ok(false) | Err(_) => usual,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_has_made_something_count_waits_longer() {
        let usual = Duration::from_secs(1);
        it_counts();
        assert_eq!(deadline(usual), usual, "outside of any request");
        in_one_go(async {
            assert_eq!(deadline(usual), usual);
            it_counts();
            assert_eq!(deadline(usual), TO_FINISH);
        })
        .await;
        in_one_go(async { assert_eq!(deadline(usual), usual, "the next one") }).await;
    }
}
