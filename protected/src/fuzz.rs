//! What must hold for any `Range` at all; for the fuzzer, and for its findings ever after.

use crate::range::{self, Asked, MAX_PARTS};

/// What is asked for lies in the file, is bounded, and is no more than the file.
///
/// # Panics
/// It does not hold.
pub fn range(data: &[u8]) {
    let Some((size, value)) = data.split_at_checked(2) else {
        return;
    };
    let (Ok(size), Ok(value)) = (size.try_into(), std::str::from_utf8(value)) else {
        return;
    };
    let size = u64::from(u16::from_le_bytes(size));
    for size in [size, size << 47] {
        if let Asked::Parts(spans) = range::parse(value, size) {
            assert!((1..=MAX_PARTS).contains(&spans.len()), "{value}");
            let each = |span: &range::Span| span.first <= span.last && span.last < size;
            assert!(spans.iter().all(each), "{value}");
            let total: u128 = spans.iter().map(|span| u128::from(span.len())).sum();
            assert!(total <= u128::from(size), "{value}");
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus() {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fuzz/corpus/range");
        let files = std::fs::read_dir(corpus).unwrap();
        let read = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
        assert!(read.inspect(|data| super::range(data)).count() > 0);
    }
}
