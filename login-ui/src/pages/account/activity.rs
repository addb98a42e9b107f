//! What happened to somebody's account lately, in words.

use doorward_identity::audit::Entry;

use crate::ago::{self, Moment};
use crate::failure::Failure;
use crate::visit::{Session, Visit};

/// How many events are looked at.
const LATEST: u64 = 30;

/// One line of the list.
pub(super) struct Happening {
    pub(super) words: String,
    /// From where; empty for what an administrator did.
    pub(super) address: String,
    pub(super) at: Moment,
}

/// The newest first.
pub(super) async fn of(visit: &Visit, own: &Session) -> Result<Vec<Happening>, Failure> {
    let identity = &visit.ui.identity;
    let now = identity.clock.now();
    let account = own.snapshot.record.account;
    let entries = identity.audit.list(account, LATEST).await?;
    let line = |entry: Entry| {
        Some(Happening {
            words: words(&entry.event, entry.detail.as_deref().unwrap_or_default())?,
            address: entry
                .address
                .map_or_else(String::new, |address| address.to_string()),
            at: ago::moment(entry.at, now),
        })
    };
    Ok(entries.into_iter().filter_map(line).collect())
}

/// What a person calls it; nothing for what is only a step of something else.
fn words(event: &str, detail: &str) -> Option<String> {
    let said = match (event, detail) {
        ("sign_in.success", _) => "Signed in",
        ("sign_in.failure", "wrong_code" | "used_code") => "Sign-in refused: wrong code",
        ("sign_in.failure", "wrong_password" | "no_password") => "Sign-in refused: wrong password",
        ("sign_in.failure", _) => "Sign-in refused",
        ("sign_in.stepped_up", _) => "Confirmed with a code",
        ("sign_in.host", host) => return Some(format!("Came to {host}")),
        ("register.success" | "invite.used" | "setup.used", _) => "Account created",
        ("account.added" | "account.imported", _) => "Account created by an administrator",
        ("register.address_taken", _) => "Somebody tried to create an account with your e-mail",
        ("email.verified", _) => "E-mail confirmed",
        ("email.change_asked", _) => "Asked for another e-mail",
        ("email.changed", _) => "E-mail changed",
        ("code.wrong", _) => "Wrong code from a mail",
        ("recovery.success", _) => "Forgotten password replaced",
        ("account.enabled", _) => "Account enabled by an administrator",
        ("account.unlocked", _) => "Waiting times lifted by an administrator",
        ("role.granted", role) => return Some(format!("Role {role} given by an administrator")),
        ("role.revoked", role) => return Some(format!("Role {role} taken by an administrator")),
        ("password.changed", _) => "Password changed",
        ("password.set", _) => "Password set by an administrator",
        ("password.change_refused" | "account.proof_refused", _) => "Wrong current password",
        ("profile.updated", _) => "Profile changed",
        ("session.ended", "logout") => "Signed out",
        ("session.ended", _) => "Signed out from elsewhere",
        ("api_key.made", _) => "API key made",
        ("api_key.revoked", _) => "API key revoked",
        ("two_factor.enabled", _) => "Two-step sign-in turned on",
        ("two_factor.disabled", _) => "Two-step sign-in turned off",
        ("two_factor.reset", _) => "Two-step sign-in turned off by an administrator",
        ("two_factor.recovery_codes_made", _) => "New recovery codes made",
        ("two_factor.recovery_code_used", _) => "Recovery code used",
        _ => return None,
    };
    Some(said.to_owned())
}
