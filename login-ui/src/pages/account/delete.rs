//! Deleting one's own account.

use askama::Template;
use axum::response::Response;
use doorward_identity::accounts::Account;
use doorward_identity::audit::By;
use doorward_identity::change::{Changed, delete};

use super::again::{Judged, Needed, Refused, judge, needed};
use super::to_sign_in;
use crate::answer;
use crate::failure::Failure;
use crate::form::Fields;
use crate::form_state::FormState;
use crate::frame::Frame;
use crate::pages::logout;
use crate::visit::{Session, Visit};

#[derive(Template)]
#[template(path = "account_delete.html")]
struct Page {
    frame: Frame,
    form: FormState,
    login: String,
    proof: Needed,
}

/// Asks; a mere visit changes nothing.
pub(crate) async fn get(visit: Visit) -> Result<Response, Failure> {
    let Some((session, account)) = visit.person().await? else {
        return to_sign_in(&visit);
    };
    show(&visit, (&session, &account), Refused::not())
}

/// Deletes the account of somebody who has proven again who they are. There is no way back.
pub(crate) async fn post(visit: Visit, fields: Fields) -> Result<Response, Failure> {
    let Some((session, account)) = visit.person().await? else {
        return to_sign_in(&visit);
    };
    let refused = match judge(&visit, &session, &fields, FormState::default()).await? {
        Judged::Refused(refused) => refused,
        Judged::Given(again) => {
            let by = By::Client(&visit.client);
            match delete(&visit.ui.identity, again.account().id, by).await? {
                Changed::Done(_) | Changed::Already(_) | Changed::NotFound => {
                    let way = visit.portal("login?done=deleted");
                    return Ok(logout::forget(&visit, answer::see_other(&way)?));
                }
                Changed::LastAdmin => Refused::invalid(FormState::default().alert(
                    "You’re the last administrator. Make somebody else one first.",
                    &[],
                )),
            }
        }
    };
    show(&visit, (&session, &account), refused)
}

fn show(
    visit: &Visit,
    (session, account): (&Session, &Account),
    refused: Refused,
) -> Result<Response, Failure> {
    let Refused { status, form, wait } = refused;
    let mut frame = Frame::new(&visit.live, "Delete your account?");
    frame.failed = form.has_failed();
    let page = Page {
        frame,
        proof: needed(visit, session, &form),
        form,
        login: account.user().to_owned(),
    };
    Ok(Refused::on(wait, answer::page(status, &page)?))
}
