//! What is said about fields on more than one page.

use doorward_config::Live;
use doorward_identity::register::Problem as Judged;

use crate::form_state::Problem;

/// What was judged wrong, for the page.
pub(super) fn problems(judged: Vec<Judged>) -> Vec<Problem> {
    judged
        .into_iter()
        .map(|one| Problem {
            field: one.field.as_str(),
            text: one.text.into(),
        })
        .collect()
}

/// What a new password needs, said before it is typed.
pub(super) fn password_hint(live: &Live) -> String {
    format!(
        "At least {} characters. A few words work well.",
        live.password.min_length
    )
}
