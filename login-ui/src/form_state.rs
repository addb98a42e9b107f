//! A form as it is shown: blank, or as it came back with what is wrong.
//!
//! Owns which values may be shown again; a password never is. Must not know the rules that were broken.

use std::borrow::Cow;

use crate::form::Fields;

/// What the templates read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FormState {
    /// The sentence above the form, if something is wrong.
    pub(crate) alert: Option<Cow<'static, str>>,
    /// What is wrong with single fields, in the order of the page.
    pub(crate) problems: Vec<Problem>,
    values: Vec<(&'static str, String)>,
    /// Fields that the sentence above is about.
    suspects: &'static [&'static str],
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Its name.
    pub(crate) field: &'static str,
    /// What to do about it.
    pub(crate) text: Cow<'static, str>,
}

impl Problem {
    /// What the field is called on the page.
    pub(crate) fn label(&self) -> &'static str {
        match self.field {
            "username" => "Username",
            "email" => "E-mail",
            "login" => "Username or e-mail",
            "current" => "Current password",
            "code" => "Code",
            "first_name" => "First name",
            "last_name" => "Last name",
            "date_of_birth" => "Date of birth",
            "name" => "Name",
            "days" => "Works for how many days",
            "hosts" => "Hosts",
            "paths" => "Paths",
            "methods" => "Methods",
            "from" => "From addresses",
            _ => "Password",
        }
    }
}

impl FormState {
    /// A form that keeps what was typed into these fields.
    pub(crate) fn keeping(fields: &Fields, names: &[&'static str]) -> Self {
        let kept = |name: &&'static str| (*name, fields.get(name).to_owned());
        Self {
            values: names.iter().map(kept).collect(),
            ..Self::default()
        }
    }

    /// A form filled in with what is known.
    pub(crate) fn filled(values: Vec<(&'static str, String)>) -> Self {
        Self {
            values,
            ..Self::default()
        }
    }

    /// Says what is wrong with the whole, and which fields to look at.
    pub(crate) fn alert(
        mut self,
        text: impl Into<Cow<'static, str>>,
        suspects: &'static [&'static str],
    ) -> Self {
        self.alert = Some(text.into());
        self.suspects = suspects;
        self
    }

    /// Says what is wrong with each field.
    pub(crate) fn problems(mut self, problems: Vec<Problem>) -> Self {
        self.alert = Some("Look at these again:".into());
        self.problems = problems;
        self
    }

    /// Whether nothing was typed and nothing is wrong.
    pub(crate) fn is_blank(&self) -> bool {
        self.alert.is_none() && self.values.iter().all(|(_, value)| value.is_empty())
    }

    /// Whether it is shown with an error.
    pub(crate) fn has_failed(&self) -> bool {
        self.alert.is_some()
    }

    /// What to show in the field.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.values
            .iter()
            .find(|(known, _)| *known == name)
            .map_or("", |(_, value)| value)
    }

    /// What is wrong with the field.
    pub(crate) fn problem(&self, name: &str) -> Option<&str> {
        self.problems
            .iter()
            .find(|problem| problem.field == name)
            .map(|problem| &*problem.text)
    }

    /// Whether the field is shown as wrong.
    pub(crate) fn marks(&self, name: &str) -> bool {
        self.suspects.contains(&name) || self.problem(name).is_some()
    }

    /// Whether one of the fields is wrong or already filled in, so that they must not be folded away.
    pub(crate) fn needs(&self, names: &[&str]) -> bool {
        names
            .iter()
            .any(|name| self.marks(name) || !self.value(name).is_empty())
    }

    /// The ids of what explains the field.
    pub(crate) fn described_by(&self, name: &str, hint: &str) -> Option<String> {
        let mut ids = Vec::new();
        if !hint.is_empty() {
            ids.push(format!("{name}-hint"));
        }
        if self.problem(name).is_some() {
            ids.push(format!("{name}-problem"));
        } else if self.suspects.contains(&name) {
            ids.push("alert".to_owned());
        }
        (!ids.is_empty()).then(|| ids.join(" "))
    }
}
