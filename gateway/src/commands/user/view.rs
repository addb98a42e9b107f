//! Accounts, printed.

use doorward_identity::accounts::Account;
use serde_json::{Value, json};

use crate::commands::exit::Trouble;
use crate::commands::print::{self, Format, moment, plain, say, table};

/// All of them, a line each.
pub fn list(accounts: &[Account], format: Format) -> Result<(), Trouble> {
    match format {
        Format::Json => print::json(&accounts.iter().map(account_json).collect::<Vec<_>>()),
        Format::Table => {
            let rows: Vec<_> = accounts.iter().map(row).collect();
            let headings = ["USERNAME", "EMAIL", "NAME", "ROLES", "STATE", "SINCE"];
            say(&table(headings, &rows))
        }
    }
}

/// One of them, with everything that is known.
pub fn show(account: &Account, format: Format) -> Result<(), Trouble> {
    if format == Format::Json {
        return print::json(&account_json(account));
    }
    let verified = if account.email_verified {
        "verified"
    } else {
        "not verified"
    };
    let birth = account.date_of_birth.map(|date| date.to_string());
    let lines = [
        ("id", account.id.to_string()),
        ("username", account.username.clone().unwrap_or_default()),
        ("email", format!("{} ({verified})", account.email)),
        ("name", account.name()),
        ("date of birth", birth.unwrap_or_default()),
        ("roles", account.roles.join(", ")),
        ("state", state(account).to_owned()),
        ("two factors", two_factors(account)),
        ("since", moment(account.created_at)),
    ];
    let said: Vec<_> = lines
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name:<14}{}\n", plain(value)))
        .collect();
    say(&said.concat())
}

/// Its roles in a few words.
pub fn roles(account: &Account) -> String {
    match account.roles.as_slice() {
        [] => "no role".to_owned(),
        [role] => format!("role {role}"),
        roles => format!("roles {}", roles.join(", ")),
    }
}

fn state(account: &Account) -> &'static str {
    match (account.enabled, account.has_password()) {
        (false, _) => "disabled",
        (true, true) => "enabled",
        (true, false) => "enabled, no password",
    }
}

fn two_factors(account: &Account) -> String {
    account.two_factor_since.map_or_else(
        || "off".to_owned(),
        |since| format!("on since {}", moment(since)),
    )
}

fn row(account: &Account) -> [String; 6] {
    [
        account.username.clone().unwrap_or_default(),
        account.email.clone(),
        account.name(),
        account.roles.join(","),
        state(account).to_owned(),
        moment(account.created_at),
    ]
}

fn account_json(account: &Account) -> Value {
    json!({
        "id": account.id.to_string(),
        "username": account.username,
        "email": account.email,
        "email_verified": account.email_verified,
        "first_name": account.first_name,
        "last_name": account.last_name,
        "date_of_birth": account.date_of_birth.map(|date| date.to_string()),
        "roles": account.roles,
        "enabled": account.enabled,
        "has_password": account.has_password(),
        "mfa_enabled": account.mfa_enabled(),
        "created_at": account.created_at.to_string(),
    })
}
