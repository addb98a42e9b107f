//! The `Range` header (RFC 9110 §14): which bytes are asked for.
//!
//! Must not know files; works on a size.

/// How many parts one answer may have. More are answered with the whole file, which costs no more than
/// asking for it plainly (RFC 9110 §17.15).
pub(crate) const MAX_PARTS: usize = 8;

/// Consecutive bytes, at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// Offset of the first byte.
    pub(crate) first: u64,
    /// Offset of the last byte, not smaller than `first`, smaller than the size.
    pub(crate) last: u64,
}

impl Span {
    /// Bytes.
    pub(crate) fn len(self) -> u64 {
        self.last - self.first + 1
    }
}

/// What a `Range` comes to.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Asked {
    /// Everything: no range, one that is not understood, or one that is a burden.
    Whole,
    /// One to [`MAX_PARTS`] spans, in the order asked for, together no longer than the file.
    Parts(Vec<Span>),
    /// Well written, but nothing of it is in the file.
    Outside,
}

/// One `first-last`, `first-` or `-suffix`.
#[derive(Clone, Copy)]
enum Spec {
    From(u64, Option<u64>),
    Suffix(u64),
}

/// Judges the value of a `Range` header for a file of `size` bytes.
pub(crate) fn parse(value: &str, size: u64) -> Asked {
    let Some(specs) = read(value) else {
        return Asked::Whole;
    };
    let spans: Vec<Span> = specs.iter().filter_map(|spec| span(*spec, size)).collect();
    let total = spans
        .iter()
        .fold(0_u64, |sum, span| sum.saturating_add(span.len()));
    if spans.is_empty() {
        // A suffix of an empty file is satisfiable, and is all of it.
        let suffix = |spec: &Spec| matches!(spec, Spec::Suffix(1..));
        return if specs.iter().any(suffix) {
            Asked::Whole
        } else {
            Asked::Outside
        };
    }
    if total > size {
        return Asked::Whole;
    }
    Asked::Parts(spans)
}

/// `None` unless this is `bytes=` and one to [`MAX_PARTS`] good specs. Empty list elements don't count.
fn read(value: &str) -> Option<Vec<Spec>> {
    let (unit, set) = value.split_once('=')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let mut specs = Vec::with_capacity(1);
    let elements = set
        .split(',')
        .map(|element| element.trim_matches([' ', '\t']));
    for element in elements.filter(|element| !element.is_empty()) {
        if specs.len() == MAX_PARTS {
            return None;
        }
        specs.push(spec(element)?);
    }
    (!specs.is_empty()).then_some(specs)
}

fn spec(element: &str) -> Option<Spec> {
    let (first, last) = element.split_once('-')?;
    match (first, last) {
        ("", suffix) => Some(Spec::Suffix(number(suffix)?)),
        (first, "") => Some(Spec::From(number(first)?, None)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Spec::From(first, Some(last)))
        }
    }
}

/// Digits only. A number too large to hold is as good as the largest.
fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

fn span(spec: Spec, size: u64) -> Option<Span> {
    let end = size.checked_sub(1)?;
    let (first, last) = match spec {
        Spec::From(first, last) => (first, last.map_or(end, |last| last.min(end))),
        Spec::Suffix(0) => return None,
        Spec::Suffix(length) => (size.saturating_sub(length), end),
    };
    (first <= end).then_some(Span { first, last })
}

#[cfg(test)]
mod tests {
    use super::{Asked, MAX_PARTS, Span, parse};
    use proptest::prelude::*;

    #[test]
    fn ranges_of_a_hundred_bytes() {
        let parts = |spans: &[(u64, u64)]| {
            Asked::Parts(
                spans
                    .iter()
                    .map(|&(first, last)| Span { first, last })
                    .collect(),
            )
        };
        for (value, asked) in [
            ("bytes=0-0", parts(&[(0, 0)])),
            ("bytes=0-99", parts(&[(0, 99)])),
            ("bytes=10-", parts(&[(10, 99)])),
            ("bytes=-10", parts(&[(90, 99)])),
            ("bytes=-500", parts(&[(0, 99)])),
            ("bytes=90-1000", parts(&[(90, 99)])),
            ("bytes=007-0010", parts(&[(7, 10)])),
            ("Bytes=1-2", parts(&[(1, 2)])),
            ("bytes= 1-2 ,\t5-6", parts(&[(1, 2), (5, 6)])),
            ("bytes=5-6,1-2", parts(&[(5, 6), (1, 2)])),
            ("bytes=0-0,", parts(&[(0, 0)])),
            ("bytes=,,0-0,,", parts(&[(0, 0)])),
            ("bytes=0-0,200-", parts(&[(0, 0)])),
            ("bytes=0-99999999999999999999999999", parts(&[(0, 99)])),
            ("bytes=-99999999999999999999999999", parts(&[(0, 99)])),
            ("bytes=0-49,0-49", parts(&[(0, 49), (0, 49)])),
            ("bytes=0-49,0-50", Asked::Whole),
            ("bytes=0-,0-,0-", Asked::Whole),
            ("bytes=100-", Asked::Outside),
            ("bytes=100-200", Asked::Outside),
            ("bytes=99999999999999999999999999-", Asked::Outside),
            ("bytes=-0", Asked::Outside),
            ("bytes=100-,200-", Asked::Outside),
            ("bytes=5-1", Asked::Whole),
            ("bytes=0-1,5-1", Asked::Whole),
            ("bytes=", Asked::Whole),
            ("bytes=,", Asked::Whole),
            ("bytes", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=a-b", Asked::Whole),
            ("bytes=+1-2", Asked::Whole),
            ("bytes=--1", Asked::Whole),
            ("bytes=1--2", Asked::Whole),
            ("bytes=1-2-3", Asked::Whole),
            ("bytes=0x1-2", Asked::Whole),
            ("lines=1-2", Asked::Whole),
            ("", Asked::Whole),
        ] {
            assert_eq!(parse(value, 100), asked, "{value}");
        }
    }

    #[test]
    fn ranges_of_nothing() {
        assert_eq!(parse("bytes=0-", 0), Asked::Outside);
        assert_eq!(parse("bytes=0-0", 0), Asked::Outside);
        assert_eq!(parse("bytes=-5", 0), Asked::Whole);
    }

    #[test]
    fn parts_are_bounded() {
        let list = |count: usize| format!("bytes={}", "0-0,".repeat(count));
        assert!(
            matches!(parse(&list(MAX_PARTS), 100), Asked::Parts(parts) if parts.len() == MAX_PARTS)
        );
        assert_eq!(parse(&list(MAX_PARTS + 1), 100), Asked::Whole);
        assert_eq!(parse(&list(1000), 100), Asked::Whole);
    }

    proptest! {
        #[test]
        fn spans_are_inside_and_no_longer_than_the_file(
            value in "bytes=((0|[0-9]{1,3})?-[0-9]{0,3},? ?){1,10}",
            size in 0_u64..300,
        ) {
            if let Asked::Parts(parts) = parse(&value, size) {
                prop_assert!((1..=MAX_PARTS).contains(&parts.len()));
                prop_assert!(parts.iter().all(|span| span.first <= span.last && span.last < size));
                prop_assert!(parts.iter().map(|span| span.len()).sum::<u64>() <= size);
            }
        }

        #[test]
        fn nothing_panics(value in ".*", size in any::<u64>()) {
            let _asked = parse(&value, size);
            let _asked = parse(&format!("bytes={value}"), size);
        }

        #[test]
        fn what_is_written_is_read(first in any::<u64>(), more in any::<u64>(), size in 1_u64..) {
            let last = first.saturating_add(more);
            let expected = if first < size {
                Asked::Parts(vec![Span { first, last: last.min(size - 1) }])
            } else {
                Asked::Outside
            };
            prop_assert_eq!(parse(&format!("bytes={first}-{last}"), size), expected);
        }
    }
}
