//! One row, as import reads it and export writes it.

use serde::{Deserialize, Deserializer, Serialize};

/// The columns, as they are called in every format.
pub(crate) const COLUMNS: [&str; 8] = [
    "username",
    "email",
    "password_hash",
    "first_name",
    "last_name",
    "date_of_birth",
    "roles",
    "mfa_enabled",
];
/// Columns for what is seldom: without them people may sign in and their addresses are verified.
pub(crate) const SELDOM: [&str; 2] = ["disabled", "email_verified"];

/// What stands in a row; nothing of it is checked. An empty text is not said.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(Debug))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Row {
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub(crate) username: String,
    #[serde(deserialize_with = "text")]
    pub(crate) email: String,
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub(crate) password_hash: String,
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub(crate) first_name: String,
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub(crate) last_name: String,
    /// `YYYY-MM-DD`
    #[serde(deserialize_with = "text", skip_serializing_if = "String::is_empty")]
    pub(crate) date_of_birth: String,
    /// Absent: those of the configuration.
    #[serde(deserialize_with = "roles")]
    pub(crate) roles: Option<Vec<String>>,
    #[serde(deserialize_with = "flag")]
    pub(crate) mfa_enabled: bool,
    #[serde(deserialize_with = "flag", skip_serializing_if = "is_false")]
    pub(crate) disabled: bool,
    #[serde(deserialize_with = "flag_or_true", skip_serializing_if = "is_true")]
    pub(crate) email_verified: bool,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            username: String::new(),
            email: String::new(),
            password_hash: String::new(),
            first_name: String::new(),
            last_name: String::new(),
            date_of_birth: String::new(),
            roles: None,
            mfa_enabled: false,
            disabled: false,
            email_verified: true,
        }
    }
}

impl Row {
    /// Sets the column of that name from its text in a table.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub(super) fn set(&mut self, column: &str, text: &str) -> Result<(), String> {
        let field = match column {
            "username" => &mut self.username,
            "email" => &mut self.email,
            "password_hash" => &mut self.password_hash,
            "first_name" => &mut self.first_name,
            "last_name" => &mut self.last_name,
            "date_of_birth" => &mut self.date_of_birth,
            "roles" => {
                self.roles = Some(split_roles(text));
                return Ok(());
            }
            "mfa_enabled" => return set_flag(&mut self.mfa_enabled, column, text),
            "disabled" => return set_flag(&mut self.disabled, column, text),
            "email_verified" => return set_flag(&mut self.email_verified, column, text),
            _ => return Err(format!("there is no column {column}")),
        };
        text.trim().clone_into(field);
        Ok(())
    }

    /// Whether a table of it needs the columns in [`SELDOM`].
    pub(crate) fn is_seldom(&self) -> bool {
        self.disabled || !self.email_verified
    }
}

/// Roles are parted by blanks, commas, semicolons or bars: none of them may stand in one.
pub(super) fn split_roles(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|'))
        .filter(|role| !role.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Yes or no, as databases and languages write it. An empty text leaves it as it is.
pub(super) fn set_flag(flag: &mut bool, column: &str, text: &str) -> Result<(), String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "" => {}
        "true" | "t" | "yes" | "y" | "1" => *flag = true,
        "false" | "f" | "no" | "n" | "0" => *flag = false,
        _ => return Err(format!("{column}: true or false.")),
    }
    Ok(())
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
fn is_true(flag: &bool) -> bool {
    *flag
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
fn is_false(flag: &bool) -> bool {
    !*flag
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let said = Option::<String>::deserialize(deserializer)?;
    Ok(said.map_or_else(String::new, |text| text.trim().to_owned()))
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a list of roles")]
enum Roles {
    List(Vec<String>),
    Text(String),
}

fn roles<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    Ok(
        Option::<Roles>::deserialize(deserializer)?.map(|roles| match roles {
            Roles::List(list) => list,
            Roles::Text(text) => split_roles(&text),
        }),
    )
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "true or false")]
enum Flag {
    Bool(bool),
    Number(u8),
    Text(String),
}

fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    flag_or(false, deserializer)
}

fn flag_or_true<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    flag_or(true, deserializer)
}

fn flag_or<'de, D: Deserializer<'de>>(unsaid: bool, deserializer: D) -> Result<bool, D::Error> {
    use serde::de::Error;
    let mut flag = unsaid;
    let text = match Option::<Flag>::deserialize(deserializer)? {
        None => return Ok(unsaid),
        Some(Flag::Bool(said)) => return Ok(said),
        Some(Flag::Number(number)) => number.to_string(),
        Some(Flag::Text(text)) => text,
    };
    set_flag(&mut flag, "a yes or no", &text).map_err(D::Error::custom)?;
    Ok(flag)
}
