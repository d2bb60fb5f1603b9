//! `Cost`: the cost of a part of a document.

/// The cost of a part of a document, with every fragment expanded at each spread. Sums saturate.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    /// Fields, and fragments at each spread: the library visits each of them.
    pub(super) fields: u32,
    /// Levels of fields.
    pub(super) depth: u32,
    /// Levels of braces.
    pub(super) nesting: u32,
    pub(super) aliases: u32,
    pub(super) directives: u32,
    /// Arguments, and the values within them.
    pub(super) values: u32,
    /// How often a variable is used.
    pub(super) variable_usages: u32,
    /// Levels of lists in an introspection.
    pub(super) introspection_lists: u32,
    /// The cost of executing it.
    pub(super) execution: u32,
    /// Fields at the top level of the part.
    pub(super) root_fields: u32,
    /// `login` fields at the top level of the part.
    pub(super) logins: u32,
}

impl Cost {
    /// The cost of two adjacent parts: amounts are added, and of levels the greater counts.
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            fields: self.fields.saturating_add(other.fields),
            depth: self.depth.max(other.depth),
            nesting: self.nesting.max(other.nesting),
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.saturating_add(other.directives),
            values: self.values.saturating_add(other.values),
            variable_usages: self.variable_usages.saturating_add(other.variable_usages),
            introspection_lists: self.introspection_lists.max(other.introspection_lists),
            execution: self.execution.saturating_add(other.execution),
            root_fields: self.root_fields.saturating_add(other.root_fields),
            logins: self.logins.saturating_add(other.logins),
        }
    }
}
