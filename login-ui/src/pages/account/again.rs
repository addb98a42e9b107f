//! Proving again who one is, before something that matters: what a form has to ask for, and how it is judged.

use axum::response::Response;
use doorward_identity::proof::{self, Again, Offered, Proof};
use http::StatusCode;

use crate::answer::Wait;
use crate::failure::Failure;
use crate::form::Fields;
use crate::form_state::{FormState, Problem};
use crate::visit::{Session, Visit};

/// Whether the password has to be typed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Needed {
    Password,
    Nothing,
}

#[expect(
    clippy::large_enum_variant,
    reason = "one is made for a request and taken apart at once"
)]
pub(super) enum Judged {
    Given(Again),
    Refused(Refused),
}

/// A form that is shown once more, and with which status.
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) form: FormState,
    pub(super) wait: Option<Wait>,
}

impl Refused {
    /// Nothing is wrong yet.
    pub(super) fn not() -> Self {
        Self {
            status: StatusCode::OK,
            form: FormState::default(),
            wait: None,
        }
    }

    /// Something is wrong with what was typed.
    pub(super) fn invalid(form: FormState) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            form,
            wait: None,
        }
    }

    /// It was too much.
    pub(super) fn waiting(form: FormState, wait: Wait, suspects: &'static [&'static str]) -> Self {
        Self {
            status: wait.status(),
            form: form.alert(wait.words(), suspects),
            wait: Some(wait),
        }
    }

    /// The page with its `Retry-After`, if there is one.
    pub(super) fn on(wait: Option<Wait>, response: Response) -> Response {
        match wait {
            Some(wait) => wait.on(response),
            None => response,
        }
    }
}

/// Judges the field `current`; a refused `form` keeps what else was typed.
pub(super) async fn judge(
    visit: &Visit,
    session: &Session,
    fields: &Fields,
    form: FormState,
) -> Result<Judged, Failure> {
    let current = fields.get("current");
    let refused = |text: &'static str, form: FormState| {
        let problem = Problem {
            field: "current",
            text: text.into(),
        };
        Judged::Refused(Refused::invalid(form.problems(vec![problem])))
    };
    // An empty form is never a try.
    if current.is_empty() && needed(visit, session, &form) == Needed::Password {
        return Ok(refused("This is needed.", form));
    }
    let offered = Offered {
        session: session.key,
        current,
        client: &visit.client,
    };
    let wait = match proof::prove(&visit.ui.identity, &visit.live, offered).await? {
        Proof::Given(again) => return Ok(Judged::Given(again)),
        Proof::Wrong => return Ok(refused("That isn’t your current password.", form)),
        Proof::Slow { retry_after } => Wait::Slowed(retry_after),
        Proof::Busy { retry_after } => Wait::Busy(retry_after),
    };
    Ok(Judged::Refused(Refused::waiting(form, wait, &["current"])))
}

/// What `form` has to ask for. The field is also there to be corrected, whoever sent it unasked.
pub(super) fn needed(visit: &Visit, session: &Session, form: &FormState) -> Needed {
    let now = visit.ui.identity.clock.now();
    if proof::is_fresh(&session.snapshot.record, now) && !form.marks("current") {
        Needed::Nothing
    } else {
        Needed::Password
    }
}
