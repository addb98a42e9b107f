//! Times as people say them, with the exact one beside.
//!
//! Owns the wording. Must not know the clock: both times are handed in.

use std::time::Duration;

use jiff::Timestamp;

/// A moment as the page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// "5 minutes ago".
    pub(crate) words: String,
    /// For `<time datetime>`, RFC 3339 in UTC.
    pub(crate) machine: String,
    /// For `title`: "19 November 2026, 05:51 UTC".
    pub(crate) exact: String,
}

/// Describes `then` as seen from `now`. What lies ahead (another machine's clock) counts as now.
pub(crate) fn moment(then: Timestamp, now: Timestamp) -> Moment {
    let then_utc = then.to_zoned(jiff::tz::TimeZone::UTC);
    let seconds = now.as_second().saturating_sub(then.as_second());
    let words = match seconds {
        ..60 => "just now".to_owned(),
        60..3600 => count(seconds / 60, "minute"),
        3600..86_400 => count(seconds / 3600, "hour"),
        86_400..172_800 => "yesterday".to_owned(),
        172_800..2_592_000 => count(seconds / 86_400, "day"),
        _ => format!("on {}", then_utc.strftime("%-d %B %Y")),
    };
    Moment {
        words,
        machine: then_utc.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        exact: then_utc.strftime("%-d %B %Y, %H:%M UTC").to_string(),
    }
}

/// A day that may lie ahead, as in "2 March 2026".
pub(crate) fn day(at: Timestamp) -> Moment {
    Moment {
        words: at.strftime("%-d %B %Y").to_string(),
        ..moment(at, at)
    }
}

/// Whole seconds, rounded up: nothing is said to be over before it is.
pub(crate) fn seconds(time: Duration) -> u64 {
    time.as_secs()
        .saturating_add(u64::from(time.subsec_nanos() > 0))
}

/// A wait, rounded up, as in "Try again in 40 seconds."
pub(crate) fn wait(seconds: u64) -> String {
    match seconds {
        0 | 1 => "1 second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        91..=5400 => format!("{} minutes", seconds.div_ceil(60)),
        _ => format!("{} hours", seconds.div_ceil(3600)),
    }
}

fn count(number: i64, unit: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural} ago")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_people_say_them() {
        let now: Timestamp = "2026-11-20T05:51:00Z".parse().unwrap();
        for (then, words) in [
            ("2026-11-20T05:51:30Z", "just now"),
            ("2026-11-20T05:50:01Z", "just now"),
            ("2026-11-20T05:50:00Z", "1 minute ago"),
            ("2026-11-20T05:00:00Z", "51 minutes ago"),
            ("2026-11-20T04:51:00Z", "1 hour ago"),
            ("2026-11-19T06:00:00Z", "23 hours ago"),
            ("2026-11-19T05:00:00Z", "yesterday"),
            ("2026-11-17T05:00:00Z", "3 days ago"),
            ("2026-03-02T05:00:00Z", "on 2 March 2026"),
        ] {
            assert_eq!(moment(then.parse().unwrap(), now).words, words, "{then}");
        }
        let exact = moment("2026-11-19T05:00:00.5Z".parse().unwrap(), now);
        assert_eq!(exact.machine, "2026-11-19T05:00:00Z");
        assert_eq!(exact.exact, "19 November 2026, 05:00 UTC");
    }

    #[test]
    fn waits_are_rounded_up() {
        for (seconds, words) in [
            (0, "1 second"),
            (1, "1 second"),
            (40, "40 seconds"),
            (90, "90 seconds"),
            (91, "2 minutes"),
            (3600, "60 minutes"),
            (5401, "2 hours"),
        ] {
            assert_eq!(wait(seconds), words);
        }
    }
}
