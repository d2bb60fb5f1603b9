//! What answering a field takes that a document does not show: the database is asked, and lists are long. The rest of the
//! fields are one step each.

/// What one field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Steps {
    /// The field itself.
    pub(super) own: u32,
    /// How often what it holds is answered.
    pub(super) times: u32,
    /// Whether it is a list in an introspection that leads back to where it came from.
    pub(super) is_list_of_types: bool,
}

/// A field that asks the database.
const ASKS: Steps = Steps { own: 50, ..PLAIN };

/// A field that needs nothing and is there once.
const PLAIN: Steps = Steps { own: 1, times: 1, is_list_of_types: false };

impl Steps {
    /// What a field of this name takes, whatever it is a field of: where names are shared, the dearest. A new list, or a
    /// new question to the database, wants a row here.
    pub(super) fn of(field: &str) -> Self {
        match field {
            "users" => ASKS.times(100),
            "edges" | "nodes" => PLAIN.times(20),
            "user" | "node" | "sessions" | "totalCount" => ASKS,
            "identities" => ASKS.times(2),
            // as many as this schema has, on average over its types
            "types" => PLAIN.times(40),
            "fields" => PLAIN.times(6).list_of_types(),
            "interfaces" | "possibleTypes" | "inputFields" => PLAIN.list_of_types(),
            _ => PLAIN,
        }
    }

    const fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    const fn list_of_types(self) -> Self {
        Self { is_list_of_types: true, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_about_fields_there_are() {
        let sdl = crate::graphql::sdl();
        for field in ["users", "user", "node", "sessions", "totalCount", "identities", "edges", "nodes"] {
            let is_there =
                [format!("\n\t{field}("), format!("\n\t{field}:"), format!("\n  {field}("), format!("\n  {field}:")];
            assert!(is_there.iter().any(|line| sdl.contains(line)), "{field}");
            assert_ne!(Steps::of(field), PLAIN, "{field}");
        }
    }

    #[test]
    fn the_schema_is_no_larger_than_the_table_says() {
        let sdl = crate::graphql::sdl();
        // those of the introspection itself, and the scalars of the language
        let own = 12;
        let types = sdl.lines().filter(|line| line.ends_with('{') || line.starts_with("scalar ")).count();
        assert!(types + own <= usize::try_from(Steps::of("types").times).unwrap(), "{types}");
    }
}
