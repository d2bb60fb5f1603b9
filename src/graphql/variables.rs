//! Checks the values of variables against their types before any resolver runs. The library would notice a wrong one
//! only when the resolver that wants it runs, after others have done their work.

use std::collections::HashMap;

use async_graphql::{
    Name, Value, Variables,
    parser::{
        parse_schema,
        types::{BaseType, InputValueDefinition, OperationDefinition, Type, TypeKind, TypeSystemDefinition},
    },
};

use crate::error::{ApiError, Code};

/// The longest path of a value told to a client, in characters: parts of it are the client's words.
const PATH: usize = 100;

/// The types a variable can have, by name. Scalars of the language and of ours that are not listed take any text.
#[derive(Debug, Default)]
pub(super) struct InputTypes(HashMap<Name, InputType>);

#[derive(Debug)]
enum InputType {
    Enum(Vec<Name>),
    Object(Vec<InputField>),
}

#[derive(Debug)]
struct InputField {
    name: Name,
    ty: Type,
    required: bool,
}

impl InputTypes {
    /// The input types of a schema, from its text.
    pub(super) fn of_sdl(sdl: &str) -> Self {
        let definitions = parse_schema(sdl).map(|document| document.definitions).unwrap_or_default();
        let types = definitions.into_iter().filter_map(|definition| match definition {
            TypeSystemDefinition::Type(ty) => Some((ty.node.name.node, input_type(ty.node.kind)?)),
            _ => None,
        });
        Self(types.collect())
    }

    /// Checks every variable an operation declares.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` with the path of the first value that does not fit.
    pub(super) fn check(&self, operation: &OperationDefinition, variables: &Variables) -> Result<(), ApiError> {
        for definition in operation.variable_definitions.iter().map(|definition| &definition.node) {
            let name = &definition.name.node;
            let ty = &definition.var_type.node;
            match variables.get(name) {
                None if definition.default_value.is_some() || ty.nullable => {}
                None => return Err(unfit(&format!("${name}"), ty)),
                Some(value) => self.fit(value, ty, &format!("${name}"))?,
            }
        }
        Ok(())
    }

    fn fit(&self, value: &Value, ty: &Type, path: &str) -> Result<(), ApiError> {
        match (value, &ty.base) {
            (Value::Null, _) if ty.nullable => Ok(()),
            (Value::Null, _) => Err(unfit(path, ty)),
            (Value::List(items), BaseType::List(item)) => {
                items.iter().enumerate().try_for_each(|(at, value)| self.fit(value, item, &format!("{path}[{at}]")))
            }
            // a single value stands for a list of one (GraphQL, "List", input coercion)
            (value, BaseType::List(item)) => self.fit(value, item, path),
            (value, BaseType::Named(name)) => match self.0.get(name) {
                Some(InputType::Object(fields)) => self.fit_object(value, fields, ty, path),
                Some(InputType::Enum(values)) if is_one_of(value, values) => Ok(()),
                None if is_scalar(value, name) => Ok(()),
                _ => Err(unfit(path, ty)),
            },
        }
    }

    fn fit_object(&self, value: &Value, fields: &[InputField], ty: &Type, path: &str) -> Result<(), ApiError> {
        let Value::Object(object) = value else { return Err(unfit(path, ty)) };
        if let Some(unknown) = object.keys().find(|name| fields.iter().all(|field| field.name != **name)) {
            return Err(bad(&format!("{path}.{unknown}"), "is not known"));
        }
        fields.iter().try_for_each(|field| {
            let path = format!("{path}.{}", field.name);
            match object.get(&field.name) {
                Some(value) => self.fit(value, &field.ty, &path),
                None if field.required => Err(unfit(&path, &field.ty)),
                None => Ok(()),
            }
        })
    }
}

fn input_type(kind: TypeKind) -> Option<InputType> {
    match kind {
        TypeKind::Enum(it) => Some(InputType::Enum(it.values.into_iter().map(|value| value.node.value.node).collect())),
        TypeKind::InputObject(it) => {
            Some(InputType::Object(it.fields.into_iter().map(|field| input_field(field.node)).collect()))
        }
        _ => None,
    }
}

fn input_field(definition: InputValueDefinition) -> InputField {
    let ty = definition.ty.node;
    InputField { name: definition.name.node, required: !ty.nullable && definition.default_value.is_none(), ty }
}

fn is_one_of(value: &Value, values: &[Name]) -> bool {
    match value {
        Value::String(text) => values.iter().any(|name| name == text.as_str()),
        Value::Enum(name) => values.contains(name),
        _ => false,
    }
}

fn is_scalar(value: &Value, name: &Name) -> bool {
    match (name.as_str(), value) {
        ("Int", Value::Number(number)) => number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        ("Float", Value::Number(_)) | ("Boolean", Value::Boolean(_)) => true,
        ("ID", Value::Number(number)) => number.is_i64() || number.is_u64(),
        ("Int" | "Float" | "Boolean", _) => false,
        (_, value) => matches!(value, Value::String(_)),
    }
}

fn unfit(path: &str, ty: &Type) -> ApiError {
    bad(path, &format!("must be `{ty}`"))
}

fn bad(path: &str, what: &str) -> ApiError {
    let path: String = path.chars().take(PATH).collect();
    ApiError::new(Code::BadUserInput).detail(format!("The variable `{path}` {what}."))
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::{Value as Json, json};

    use super::*;

    const SDL: &str = "enum Scope { ALL CURRENT } input Device { id: String! name: String tags: [Int!] inner: Device }";

    fn check(declared: &str, variables: Json) -> Result<(), ApiError> {
        let document = parse_query(format!("query({declared}) {{ __typename }}")).unwrap();
        let operation = &document.operations.iter().next().unwrap().1.node;
        InputTypes::of_sdl(SDL).check(operation, &Variables::from_json(variables))
    }

    #[test]
    fn values_that_fit_pass() {
        for (declared, value) in [
            ("$v: String!", json!("x")),
            ("$v: ID!", json!(7)),
            ("$v: Int", json!(null)),
            ("$v: [ID!]!", json!("one")),
            ("$v: Scope!", json!("ALL")),
            ("$v: Device!", json!({ "id": "a", "tags": [1, 2], "inner": { "id": "b", "name": null } })),
        ] {
            assert!(check(declared, json!({ "v": value })).is_ok(), "{declared}");
        }
        assert!(check("$v: Int! = 3", json!({})).is_ok());
        assert!(check("$v: Int", json!({})).is_ok());
    }

    #[test]
    fn values_that_do_not_fit_are_refused_with_their_path() {
        for (declared, variables, path) in [
            ("$v: String!", json!({}), "$v"),
            ("$v: String!", json!({ "v": null }), "$v"),
            ("$v: String!", json!({ "v": 1 }), "$v"),
            ("$v: Int!", json!({ "v": 2_147_483_648_u64 }), "$v"),
            ("$v: Boolean!", json!({ "v": "true" }), "$v"),
            ("$v: [ID!]!", json!({ "v": ["a", null] }), "$v[1]"),
            ("$v: Scope!", json!({ "v": "NONE" }), "$v"),
            ("$v: Device!", json!({ "v": { "name": "x" } }), "$v.id"),
            ("$v: Device!", json!({ "v": { "id": "a", "other": 1 } }), "$v.other"),
            ("$v: Device!", json!({ "v": { "id": "a", "inner": { "id": 1 } } }), "$v.inner.id"),
            ("$v: Device!", json!({ "v": "a" }), "$v"),
        ] {
            let refused = check(declared, variables).unwrap_err();
            assert!(refused.detail.unwrap().contains(&format!("`{path}`")), "{declared} {path}");
        }
    }
}
