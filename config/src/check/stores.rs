//! Secrets. Messages here never quote a value.

use crate::Secret;
use crate::problem::{Fault, Findings};
use crate::raw::At;

/// A secret that stands in the configuration or in a file of its own.
pub(super) fn secret(
    (key, direct): (&str, Option<&At<String>>),
    (file_key, file): (&str, Option<&At<String>>),
    findings: &mut Findings<'_>,
) -> Option<(Secret, std::ops::Range<usize>)> {
    let Some(file) = file else {
        return direct.map(|text| (Secret::from(text.get().as_str()), text.span().clone()));
    };
    if direct.is_some() {
        let fault = Fault::new(format!("`{key}` and `{file_key}` are both set"));
        findings.add(file.span(), fault.help("keep one of them"));
        return None;
    }
    match std::fs::read_to_string(file.get()) {
        Ok(text) => {
            let text = text.strip_suffix('\n').unwrap_or(&text);
            let text = text.strip_suffix('\r').unwrap_or(text);
            Some((Secret::from(text), file.span().clone()))
        }
        Err(error) => {
            let fault = Fault::new(format!("`{}` cannot be read: {error}", file.get()));
            findings.add(file.span(), fault);
            None
        }
    }
}
