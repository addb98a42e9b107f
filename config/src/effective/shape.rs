//! Which keys a table may have, as the JSON Schema says.

use serde_json::Value as Json;

/// One table of the schema, or a list of it.
#[derive(Clone, Copy)]
pub(super) struct Shape<'s> {
    root: &'s Json,
    table: Option<&'s Json>,
}

impl<'s> Shape<'s> {
    /// The whole file.
    pub(super) fn of_file(root: &'s Json) -> Self {
        Self {
            root,
            table: Some(root),
        }
    }

    /// What a key of this table holds.
    pub(super) fn below(self, key: &str) -> Self {
        let value = self
            .table
            .and_then(|table| table.get("properties")?.get(key));
        Self {
            root: self.root,
            table: value.and_then(|value| self.find(value)),
        }
    }

    /// Its keys.
    pub(super) fn keys(self) -> impl Iterator<Item = &'s str> {
        self.table
            .and_then(|table| table.get("properties")?.as_object())
            .into_iter()
            .flat_map(|properties| properties.keys())
            .map(String::as_str)
    }

    /// The table that a schema is about, past references, what may be absent, and lists.
    fn find(self, schema: &'s Json) -> Option<&'s Json> {
        if schema.get("properties").is_some() {
            return Some(schema);
        }
        if let Some(reference) = schema.get("$ref").and_then(Json::as_str) {
            return self.find(self.root.pointer(reference.trim_start_matches('#'))?);
        }
        if let Some(items) = schema.get("items") {
            return self.find(items);
        }
        let variants = schema.get("anyOf")?.as_array()?;
        variants.iter().find_map(|variant| self.find(variant))
    }
}
