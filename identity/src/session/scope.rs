//! What an API key may do: a narrowing of what its owner may, in the words of the configuration.
//!
//! Owns how it is written down. Must not know requests: whoever judges one compiles this first.

use doorward_config::{HostPattern, IpNet, Method, PathGlob, written};
use serde::{Deserialize, Serialize};

/// Most entries of each kind.
const MOST: usize = 32;

/// Where an API key is good. An empty list leaves that side open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Text", into = "Text")]
pub struct Scope {
    /// Hosts, as in `[[site]]`.
    pub hosts: Vec<HostPattern>,
    /// Paths, as in `[[site.rule]]`.
    pub paths: Vec<PathGlob>,
    /// Methods; `HEAD` is one of its own.
    pub methods: Vec<Method>,
    /// Networks that the client must be in.
    pub from: Vec<IpNet>,
}

/// As it is stored. Nothing has a default, and nothing else may stand there: what is missing or not understood must
/// not open a side.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    hosts: Vec<String>,
    paths: Vec<String>,
    methods: Vec<String>,
    from: Vec<String>,
}

impl Scope {
    /// Whether it is small enough to be kept with every session.
    #[must_use]
    pub fn fits(&self) -> bool {
        let lengths = [
            self.hosts.len(),
            self.paths.len(),
            self.methods.len(),
            self.from.len(),
        ];
        lengths.into_iter().all(|length| length <= MOST)
            && self.paths.iter().all(|path| path.as_str().len() <= 1024)
    }

    /// Whether it leaves everything open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.hosts.is_empty()
            && self.paths.is_empty()
            && self.methods.is_empty()
            && self.from.is_empty()
    }
}

fn texts<T: ToString>(list: &[T]) -> Vec<String> {
    list.iter().map(T::to_string).collect()
}

impl From<Scope> for Text {
    fn from(scope: Scope) -> Self {
        Self {
            hosts: texts(&scope.hosts),
            paths: texts(&scope.paths),
            methods: texts(&scope.methods),
            from: texts(&scope.from),
        }
    }
}

impl TryFrom<Text> for Scope {
    type Error = String;

    fn try_from(text: Text) -> Result<Self, String> {
        fn each<T, E: ToString>(
            texts: &[String],
            read: impl Fn(&str) -> Result<T, E>,
        ) -> Result<Vec<T>, String> {
            let read = |text: &String| read(text).map_err(|error| error.to_string());
            texts.iter().map(read).collect()
        }
        Ok(Self {
            hosts: each(&text.hosts, HostPattern::parse)?,
            paths: each(&text.paths, PathGlob::parse)?,
            methods: each(&text.methods, written::method)?,
            from: each(&text.from, written::network)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_reads_back_and_nothing_else_is_taken() {
        let scope = Scope {
            hosts: vec![HostPattern::parse("*.a.test").unwrap()],
            paths: vec![PathGlob::parse("/x/**").unwrap()],
            methods: vec![Method::GET],
            from: vec![written::network("10.0.0.0/8").unwrap()],
        };
        let text = serde_json::to_string(&scope).unwrap();
        assert_eq!(
            text,
            r#"{"hosts":["*.a.test"],"paths":["/x/**"],"methods":["GET"],"from":["10.0.0.0/8"]}"#
        );
        assert_eq!(serde_json::from_str::<Scope>(&text).unwrap(), scope);
        let open = serde_json::to_string(&Scope::default()).unwrap();
        assert!(serde_json::from_str::<Scope>(&open).unwrap().is_open());
        for damaged in [
            "{}",
            r#"{"paths":[],"methods":[],"from":[]}"#,
            r#"{"hosts":[],"paths":[],"methods":[],"from":[],"ports":["80"]}"#,
            r#"{"hosts":["a b"],"paths":[],"methods":[],"from":[]}"#,
            r#"{"hosts":[],"paths":["x"],"methods":[],"from":[]}"#,
        ] {
            assert!(serde_json::from_str::<Scope>(damaged).is_err(), "{damaged}");
        }
    }

    #[test]
    fn a_scope_has_its_bounds() {
        let glob = PathGlob::parse("/x").unwrap();
        let of = |count| Scope {
            paths: vec![glob.clone(); count],
            ..Scope::default()
        };
        assert!(of(MOST).fits());
        assert!(!of(MOST + 1).fits());
    }
}
