//! The comparing form of a text: NFKC (UAX #15) and full case folding (Unicode §3.13).

use unicode_normalization::UnicodeNormalization;
use unicode_security::{GeneralSecurityProfile, MixedScript, skeleton};

use super::NameFault;

/// How often folding may change a text before it is given up. Two rounds suffice for every known character.
const ROUNDS: usize = 8;

/// The comparing form: the same for all spellings of one name, and its own comparing form.
pub(super) fn canonical(text: &str) -> String {
    let mut folded = once(text);
    for _ in 0..ROUNDS {
        let again = once(&folded);
        if again == folded {
            break;
        }
        folded = again;
    }
    folded
}

fn once(text: &str) -> String {
    let composed: String = text.nfkc().collect();
    caseless::default_case_fold_str(&composed).nfkc().collect()
}

/// One script (UTS #39 §5.1), and not one whose letters together look like a plain Latin name (§4).
pub(super) fn check_scripts(text: &str) -> Result<(), NameFault> {
    if !text.is_single_script() {
        return Err(NameFault::MixedScripts);
    }
    if !text.is_ascii() && skeleton(text).all(|c| c.is_ascii()) {
        return Err(NameFault::Lookalike);
    }
    Ok(())
}

/// A character beyond ASCII that may stand in a name: allowed by the general security profile for identifiers
/// (UTS #39 §3.1), and visible.
pub(super) fn is_foreign_letter(c: char) -> bool {
    !c.is_ascii() && c.identifier_allowed() && !is_unseen(c)
}

/// Controls, white space, and what changes a line without being seen: joiners, marks of direction, fillers,
/// variation selectors, tags.
pub(crate) fn is_unseen(c: char) -> bool {
    c.is_control()
        || c.is_whitespace()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}
