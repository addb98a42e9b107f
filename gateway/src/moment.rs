//! A moment as log lines have it: RFC 3339 in UTC, to the microsecond.
//!
//! Owns the spelling. Most lines of a second share all of it but the fraction, so each thread keeps that.

use std::cell::Cell;
use std::fmt;

use jiff::Timestamp;

/// `2026-01-31T12:00:00.000000Z`
#[derive(Debug, Clone, Copy)]
pub struct Moment(pub Timestamp);

/// `2026-01-31T12:00:00`
type Second = [u8; 19];

thread_local! {
    /// The last second that this thread wrote.
    static LAST: Cell<(i64, Second)> = const { Cell::new((i64::MIN, [b'0'; 19])) };
}

fn spelled(second: i64) -> Option<Second> {
    let (last, spelled) = LAST.get();
    if last == second {
        return Some(spelled);
    }
    let text = Timestamp::from_second(second).ok()?.to_string();
    let spelled = text.strip_suffix('Z')?.as_bytes().try_into().ok()?;
    LAST.set((second, spelled));
    Some(spelled)
}

impl Moment {
    /// Writes it.
    ///
    /// # Errors
    /// `to` does not take it.
    pub fn write(self, to: &mut impl fmt::Write) -> fmt::Result {
        let fraction = u32::try_from(self.0.subsec_microsecond());
        // Before 1970 fractions count backwards; beyond 9999 years are longer.
        let (Ok(mut fraction), Some(second)) = (fraction, spelled(self.0.as_second())) else {
            return write!(to, "{:.6}", self.0);
        };
        let mut end = *b".000000Z";
        for digit in end.iter_mut().skip(1).take(6).rev() {
            *digit += u8::try_from(fraction % 10).unwrap_or(0);
            fraction /= 10;
        }
        for part in [&second[..], &end] {
            to.write_str(std::str::from_utf8(part).map_err(|_| fmt::Error)?)?;
        }
        Ok(())
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(to)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn reads_as_jiff_writes_it(micros in -4_000_000_000_000_000_i64..4_000_000_000_000_000, later in 0..3_000_000_i64) {
            for micros in [micros, micros + later, micros] {
                let moment = Timestamp::from_microsecond(micros).unwrap();
                prop_assert_eq!(Moment(moment).to_string(), format!("{moment:.6}"));
            }
        }
    }

    #[test]
    fn ends_of_time() {
        for moment in [Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH] {
            assert_eq!(Moment(moment).to_string(), format!("{moment:.6}"));
        }
    }
}
