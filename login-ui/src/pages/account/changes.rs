//! What somebody may change about themselves.

use axum::response::Response;
use doorward_identity::accounts::Account;
use doorward_identity::change::{
    ChangedPassword, Edited, PasswordChange, Profile, change_password, edit_profile,
};

use super::{Shown, show, to_sign_in};
use crate::answer::{self, Wait};
use crate::failure::Failure;
use crate::form::Fields;
use crate::form_state::{FormState, Problem};
use crate::pages::fields as names;
use crate::visit::Visit;

const PROFILE: &[&str] = &["first_name", "last_name", "date_of_birth"];

/// The profile as it is stored.
pub(super) fn stored(account: &Account) -> FormState {
    let born = account
        .date_of_birth
        .map_or_else(String::new, |date| date.to_string());
    FormState::filled(vec![
        ("first_name", account.first_name.clone()),
        ("last_name", account.last_name.clone()),
        ("date_of_birth", born),
    ])
}

/// Saves the profile.
pub(crate) async fn profile(visit: Visit, fields: Fields) -> Result<Response, Failure> {
    let Some((session, account)) = visit.person().await? else {
        return to_sign_in(&visit);
    };
    let wanted = Profile {
        first_name: fields.get("first_name"),
        last_name: fields.get("last_name"),
        date_of_birth: fields.get("date_of_birth"),
    };
    match edit_profile(&visit.ui.identity, account.id, wanted, &visit.client).await? {
        Edited::Saved => answer::see_other(&visit.portal("account?done=profile")),
        Edited::Invalid(problems) => {
            let form = FormState::keeping(&fields, PROFILE).problems(names::problems(problems));
            show(
                &visit,
                &session,
                account,
                Shown {
                    profile: Some(form),
                    ..Shown::default()
                },
            )
            .await
        }
    }
}

/// Sets a new password, which ends every other session and gives this browser a new one.
pub(crate) async fn password(visit: Visit, fields: Fields) -> Result<Response, Failure> {
    let Some((session, account)) = visit.person().await? else {
        return to_sign_in(&visit);
    };
    let change = PasswordChange {
        account: account.id,
        current: fields.get("current"),
        password: fields.get("password"),
        session: session.key,
    };
    let form = FormState::default();
    let (form, wait) =
        match change_password(&visit.ui.identity, &visit.live, change, &visit.client).await? {
            ChangedPassword::Done(opened) => {
                return answer::welcome(&visit, &opened, &visit.portal("account?done=password"));
            }
            ChangedPassword::SignedOut => return to_sign_in(&visit),
            ChangedPassword::Wrong => {
                let text = "That isn’t your current password.".into();
                (
                    form.problems(vec![Problem {
                        field: "current",
                        text,
                    }]),
                    None,
                )
            }
            ChangedPassword::Invalid(problems) => (form.problems(names::problems(problems)), None),
            ChangedPassword::Slow { retry_after } => {
                let wait = Wait::Slowed(retry_after);
                (form.alert(wait.words(), &["current"]), Some(wait))
            }
            ChangedPassword::Busy { retry_after } => {
                let wait = Wait::Busy(retry_after);
                (form.alert(wait.words(), &[]), Some(wait))
            }
        };
    let shown = Shown {
        password: Some(form),
        ..Shown::default()
    };
    let mut page = show(&visit, &session, account, shown).await?;
    if let Some(wait) = wait {
        *page.status_mut() = wait.status();
        page = wait.on(page);
    }
    Ok(page)
}
