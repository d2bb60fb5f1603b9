//! `FieldCost`: the execution cost of fields that cause more work than a document shows, such as a database query or a
//! long list. Every other field costs one unit.

/// The execution cost of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FieldCost {
    /// Units for the field itself.
    pub(super) base: u32,
    /// How often its content is executed: the length of a list.
    pub(super) items: u32,
    /// Whether it is a list of an introspection that leads back to the type it came from.
    pub(super) is_introspection_list: bool,
}

/// A value that needs no query.
const VALUE: FieldCost = FieldCost { base: 1, items: 1, is_introspection_list: false };

/// A field that queries the database.
const DATABASE_QUERY: FieldCost = FieldCost { base: 50, ..VALUE };

impl FieldCost {
    /// The cost of a field of this name, whatever its type; of two fields with the same name, the higher cost counts. A
    /// new list, or a new field that queries the database, needs a row here.
    pub(super) fn of(field: &str) -> Self {
        match field {
            "users" => DATABASE_QUERY.items(100),
            "edges" | "nodes" => VALUE.items(20),
            "user" | "node" | "sessions" | "totalCount" | "metadata" | "accountExport" => DATABASE_QUERY,
            "identities" => DATABASE_QUERY.items(2),
            // what this schema has; `fields` is an average over its types
            "types" => VALUE.items(52),
            "fields" => VALUE.items(6).introspection_list(),
            "interfaces" | "possibleTypes" | "inputFields" => VALUE.introspection_list(),
            _ => VALUE,
        }
    }

    const fn items(self, items: u32) -> Self {
        Self { items, ..self }
    }

    const fn introspection_list(self) -> Self {
        Self { is_introspection_list: true, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_in_the_table_is_in_the_schema() {
        let sdl = crate::graphql::sdl();
        for field in [
            "users",
            "user",
            "node",
            "sessions",
            "totalCount",
            "metadata",
            "accountExport",
            "identities",
            "edges",
            "nodes",
        ] {
            let is_there =
                [format!("\n\t{field}("), format!("\n\t{field}:"), format!("\n  {field}("), format!("\n  {field}:")];
            assert!(is_there.iter().any(|line| sdl.contains(line)), "{field}");
            assert_ne!(FieldCost::of(field), VALUE, "{field}");
        }
    }

    #[test]
    fn schema_has_no_more_types_than_the_table_says() {
        let sdl = crate::graphql::sdl();
        // the types of the introspection itself, and the scalars of the language
        let own = 12;
        let types = sdl.lines().filter(|line| line.ends_with('{') || line.starts_with("scalar ")).count();
        assert!(types + own <= usize::try_from(FieldCost::of("types").items).unwrap(), "{types}");
    }
}
