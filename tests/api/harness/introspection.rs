//! The schema as introspection returns it.

use serde_json::{Value, json};

use super::TestApp;

/// A type of the schema.
#[derive(Clone, Debug)]
pub(crate) struct Type {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) description: Option<String>,
    /// The interfaces an object implements.
    pub(crate) interfaces: Vec<String>,
    /// Fields of an object or an interface.
    pub(crate) fields: Vec<Field>,
    /// Fields of an input object.
    pub(crate) inputs: Vec<Field>,
    /// Values of an enum: their names and descriptions.
    pub(crate) values: Vec<(String, Option<String>)>,
}

/// A field, an argument or an input field.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// The type in SDL, such as `[User]!`.
    pub(crate) kind: String,
    pub(crate) default: Option<String>,
    pub(crate) arguments: Vec<Field>,
    /// Whether the field needs a selection set.
    pub(crate) composite: bool,
}

impl Type {
    /// Whether the GraphQL specification defines the type.
    pub(crate) fn is_built_in(&self) -> bool {
        self.name.starts_with("__") || ["Boolean", "Float", "ID", "Int", "String"].contains(&&*self.name)
    }
}

impl Field {
    /// The field in SDL, such as `user(id: ID!): User`.
    pub(crate) fn signature(&self) -> String {
        let default = self.default.as_ref().map(|value| format!(" = {value}")).unwrap_or_default();
        let arguments: Vec<String> = self.arguments.iter().map(Self::signature).collect();
        let arguments = if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) };
        format!("{}{arguments}: {}{default}", self.name, self.kind)
    }
}

const QUERY: &str = "{ __schema { types {
    name kind description interfaces { name }
    fields(includeDeprecated: true) {
        name description type { ...type } args { name description defaultValue type { ...type } }
    }
    inputFields { name description defaultValue type { ...type } }
    enumValues(includeDeprecated: true) { name description }
} } }
fragment type on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

impl TestApp {
    /// All types of the schema.
    pub(crate) async fn introspect(&self) -> Vec<Type> {
        let answer = self.anonymous().graphql(QUERY, json!({})).await;
        list(&answer.data()["__schema"]["types"], read_type)
    }
}

fn read_type(value: &Value) -> Type {
    Type {
        name: text(&value["name"]).unwrap(),
        kind: text(&value["kind"]).unwrap(),
        description: text(&value["description"]),
        interfaces: list(&value["interfaces"], |it| text(&it["name"]).unwrap()),
        fields: list(&value["fields"], read_field),
        inputs: list(&value["inputFields"], read_field),
        values: list(&value["enumValues"], |it| (text(&it["name"]).unwrap(), text(&it["description"]))),
    }
}

fn read_field(value: &Value) -> Field {
    Field {
        name: text(&value["name"]).unwrap(),
        description: text(&value["description"]),
        kind: sdl(&value["type"]),
        default: text(&value["defaultValue"]),
        arguments: list(&value["args"], read_field),
        composite: is_composite(&value["type"]),
    }
}

fn sdl(kind: &Value) -> String {
    match kind["kind"].as_str() {
        Some("NON_NULL") => format!("{}!", sdl(&kind["ofType"])),
        Some("LIST") => format!("[{}]", sdl(&kind["ofType"])),
        _ => text(&kind["name"]).unwrap(),
    }
}

fn is_composite(kind: &Value) -> bool {
    match kind["kind"].as_str() {
        Some("NON_NULL" | "LIST") => is_composite(&kind["ofType"]),
        named => matches!(named, Some("OBJECT" | "INTERFACE" | "UNION")),
    }
}

fn list<T>(value: &Value, read: impl Fn(&Value) -> T) -> Vec<T> {
    value.as_array().into_iter().flatten().map(read).collect()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned)
}
