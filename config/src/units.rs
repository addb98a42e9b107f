//! Durations and sizes: text with a unit, and back.

use std::fmt;
use std::time::Duration;

use crate::problem::Fault;

/// Units of time with their milliseconds, the largest first.
const TIMES: [(&str, u64); 5] = [
    ("d", 24 * 60 * 60 * 1000),
    ("h", 60 * 60 * 1000),
    ("m", 60 * 1000),
    ("s", 1000),
    ("ms", 1),
];

/// Units of size with their bytes, the largest first.
const SIZES: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("KB", 1000),
    ("B", 1),
];

/// A duration such as `30s`, `1h30m` or `250ms`. Days have 24 hours.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, Fault> {
    let fault = || {
        let hint = if is_whole(text) {
            format!("say which unit: \"{text}s\", \"{text}m\", \"{text}h\" or \"{text}d\"")
        } else {
            "a whole number and ms, s, m, h or d, as in \"30s\", \"2h\" or \"1h30m\"".to_owned()
        };
        Fault::new(format!("`{text}` is not a duration")).help(hint)
    };
    let mut total: u64 = 0;
    let mut rest = text;
    // Each unit may come once and only after larger ones, so that `5m1h`, most
    // likely a slip, is not taken for something.
    let mut left = TIMES.as_slice();
    while !rest.is_empty() || total == 0 && left.len() == TIMES.len() {
        let (number, unit, behind) = part(rest).ok_or_else(fault)?;
        let at = left
            .iter()
            .position(|(name, _)| *name == unit)
            .ok_or_else(fault)?;
        let (found, smaller) = left.split_at(at + 1);
        let scale = found.last().map_or(1, |(_, scale)| *scale);
        total = number
            .checked_mul(scale)
            .and_then(|more| total.checked_add(more))
            .ok_or_else(|| Fault::new(format!("`{text}` is longer than can be counted")))?;
        left = smaller;
        rest = behind;
    }
    Ok(Duration::from_millis(total))
}

/// A size such as `32KiB` or `500B`, in bytes.
pub(crate) fn parse_size(text: &str) -> Result<u64, Fault> {
    let fault = || {
        let hint = if is_whole(text) {
            format!("say which unit: \"{text}B\", \"{text}KiB\" or \"{text}MiB\"")
        } else {
            "a whole number and B, KiB, MiB or GiB, as in \"64KiB\"".to_owned()
        };
        Fault::new(format!("`{text}` is not a size")).help(hint)
    };
    let (number, unit, behind) = part(text).ok_or_else(fault)?;
    let (_, scale) = SIZES
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(unit))
        .filter(|_| behind.is_empty())
        .ok_or_else(fault)?;
    number
        .checked_mul(*scale)
        .ok_or_else(|| Fault::new(format!("`{text}` is more than can be counted")))
}

fn is_whole(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A number, the letters behind it, and what follows.
fn part(text: &str) -> Option<(u64, &str, &str)> {
    let letters = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, rest) = text.split_at_checked(letters)?;
    let end = rest
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(rest.len());
    let (unit, behind) = rest.split_at_checked(end)?;
    Some((number.parse().ok()?, unit, behind))
}

/// A duration as it is written in the file; less than a millisecond is dropped.
pub(crate) struct Lasting(pub(crate) Duration);

impl fmt::Display for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.0.as_millis();
        if left == 0 {
            return f.write_str("0s");
        }
        for (unit, scale) in TIMES {
            let scale = u128::from(scale);
            if left >= scale {
                write!(f, "{}{unit}", left / scale)?;
                left %= scale;
            }
        }
        Ok(())
    }
}

/// A size as it is written in the file, in the largest binary unit that divides it.
pub(crate) struct Size(pub(crate) u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, scale) = SIZES
            .into_iter()
            .filter(|(_, scale)| scale.is_power_of_two() && self.0 > 0)
            .find(|(_, scale)| self.0.is_multiple_of(*scale))
            .unwrap_or(("B", 1));
        write!(f, "{}{unit}", self.0 / scale)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{Lasting, Size, parse_duration, parse_size};

    #[test]
    fn durations_that_are_read() {
        for (text, millis) in [
            ("0s", 0),
            ("250ms", 250),
            ("30s", 30_000),
            ("10m", 600_000),
            ("2h", 7_200_000),
            ("1h30m", 5_400_000),
            ("30d", 2_592_000_000),
            ("1d2h3m4s5ms", 93_784_005),
        ] {
            assert_eq!(
                parse_duration(text).unwrap(),
                Duration::from_millis(millis),
                "{text}"
            );
        }
    }

    #[test]
    fn durations_that_are_not() {
        for text in [
            "",
            "30",
            "s",
            "30 s",
            "-1s",
            "1.5h",
            "5m1h",
            "1h1h",
            "1y",
            "1hour",
            " 1s",
            "1s ",
            "1h30",
            "99999999999999999999d",
            "18446744073709551615d",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        let fault = parse_duration("30").unwrap_err();
        assert!(fault.help.unwrap().contains("\"30s\""));
    }

    #[test]
    fn sizes_that_are_read() {
        for (text, bytes) in [
            ("0B", 0),
            ("500B", 500),
            ("32KiB", 32_768),
            ("32kib", 32_768),
            ("19MiB", 19_922_944),
            ("1GB", 1_000_000_000),
        ] {
            assert_eq!(parse_size(text).unwrap(), bytes, "{text}");
        }
    }

    #[test]
    fn sizes_that_are_not() {
        for text in [
            "",
            "32",
            "KiB",
            "1.5MiB",
            "-1B",
            "1 KiB",
            "1KiB2B",
            "99999999999GiB",
        ] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn durations_come_back(millis in 0..u64::MAX / 4) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse_duration(&Lasting(duration).to_string()).unwrap(), duration);
        }

        #[test]
        fn sizes_come_back(bytes in prop_oneof![any::<u64>(), (0..1u64 << 24).prop_map(|kib| kib << 10)]) {
            prop_assert_eq!(parse_size(&Size(bytes).to_string()).unwrap(), bytes);
        }

        #[test]
        fn nothing_panics(text in ".*") {
            let _ = parse_duration(&text);
            let _ = parse_size(&text);
        }
    }
}
