//! A QR code as the outline of its dark squares, for an inline SVG: no image to load, nothing for a policy to allow.
//!
//! Owns the outline. Must not know what it says.

use std::fmt::Write;

use fast_qr::{ECL, QRBuilder};

/// The light squares around a code that a camera needs (ISO/IEC 18004 §6.3.8).
const MARGIN: usize = 4;

/// A code, ready to be drawn: one unit is one square.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Qr {
    /// Width and height, margin and all.
    pub(crate) size: usize,
    /// For the `d` of a `<path>`.
    pub(crate) outline: String,
}

impl Qr {
    /// The code that says `text`; `None` if that is too long for any.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let code = QRBuilder::new(text.as_bytes()).ecl(ECL::M).build().ok()?;
        let mut outline = String::new();
        for (row, squares) in code.data.chunks(code.size).take(code.size).enumerate() {
            let dark = squares.iter().map(|square| square.value());
            for (start, length) in runs(dark) {
                let (x, y) = (start + MARGIN, row + MARGIN);
                // Writing to a string cannot fail.
                let _ = write!(outline, "M{x} {y}h{length}v1h-{length}z");
            }
        }
        Some(Self {
            size: code.size + 2 * MARGIN,
            outline,
        })
    }
}

/// Where dark squares begin that stand side by side, and how many.
fn runs(squares: impl Iterator<Item = bool>) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (at, _) in squares.enumerate().filter(|(_, dark)| *dark) {
        match runs.last_mut() {
            Some((start, length)) if *start + *length == at => *length += 1,
            _ => runs.push((at, 1)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_side_by_side_are_one_run() {
        let squares = |text: &str| runs(text.chars().map(|c| c == '#'));
        assert_eq!(squares(""), []);
        assert_eq!(squares("...."), []);
        assert_eq!(squares("##..#"), [(0, 2), (4, 1)]);
        assert_eq!(squares(".###"), [(1, 3)]);
    }

    #[test]
    fn a_code_is_square_and_has_its_corners() {
        let qr =
            Qr::of("otpauth://totp/Doorward:anna?secret=GEZDGNBVGY3TQOJQ&issuer=Doorward").unwrap();
        assert!(qr.size > 21 + 2 * MARGIN && qr.size < 60, "{}", qr.size);
        // The finder patterns: seven dark squares at both ends of the first row, and one row of the last.
        let end = qr.size - MARGIN - 7;
        assert!(qr.outline.starts_with("M4 4h7v1h-7z"), "{}", qr.outline);
        assert!(qr.outline.contains(&format!("M{end} 4h7v1h-7z")));
        assert!(
            qr.outline
                .contains(&format!("M4 {}h7v1h-7z", qr.size - MARGIN - 1))
        );
    }

    #[test]
    fn what_is_too_long_is_none() {
        assert_eq!(Qr::of(&"x".repeat(5000)), None);
    }
}
