//! Input coercion: whether a value matches a type. The path of a mismatch is built only if there is one, because a
//! value may have tens of thousands of parts.

use std::{collections::HashMap, fmt::Write as _};

use async_graphql::{
    Name, Value,
    parser::types::{BaseType, Type, VariableDefinition},
};

use super::types::{Input, InputType, Types};

/// The longest path quoted to a client, in characters: parts of it are the client's own names.
const PATH: usize = 100;

/// A value that does not match its type.
#[derive(Debug)]
pub(super) struct TypeMismatch {
    /// The path of the mismatching part, from the inside out.
    path: Vec<PathSegment>,
    problem: String,
}

#[derive(Debug)]
enum PathSegment {
    Item(usize),
    Field(Name),
}

impl TypeMismatch {
    /// A value of another type, or a missing required value.
    pub(super) fn must_be(ty: &Type) -> Self {
        Self { path: Vec::new(), problem: format!("must be `{ty}`") }
    }

    /// A sentence about the value, for a client: `kind` is `argument` or `variable`.
    pub(super) fn describe(&self, kind: &str, name: &str) -> String {
        let mut path = name.to_owned();
        for segment in self.path.iter().rev() {
            // writing to a string cannot fail
            let _ = match segment {
                PathSegment::Item(at) => write!(path, "[{at}]"),
                PathSegment::Field(name) => write!(path, ".{name}"),
            };
        }
        let path: String = path.chars().take(PATH).collect();
        format!("The {kind} `{path}` {}.", self.problem)
    }

    fn inside(mut self, segment: PathSegment) -> Self {
        self.path.push(segment);
        self
    }
}

/// Coerces values to types.
pub(super) struct Coercion<'a> {
    pub(super) types: &'a Types,
    /// The variables that the values may contain, by name. `Value::Binary`, which neither JSON nor a document can
    /// express, represents a variable.
    pub(super) variables: HashMap<&'a str, &'a VariableDefinition>,
}

impl Coercion<'_> {
    /// Coerces a value to a type.
    ///
    /// # Errors
    /// With the first part that does not match its type.
    pub(super) fn coerce(&self, value: &Value, ty: &Type) -> Result<(), TypeMismatch> {
        self.coerce_at(value, ty, false)
    }

    /// Coerces a value to the type of an argument, or of a field of an input object.
    pub(super) fn coerce_input(&self, value: &Value, input: &Input) -> Result<(), TypeMismatch> {
        self.coerce_at(value, &input.ty, input.has_default)
    }

    fn coerce_at(&self, value: &Value, ty: &Type, has_default: bool) -> Result<(), TypeMismatch> {
        match (value, &ty.base) {
            (Value::Binary(name), _) if self.is_allowed(name, ty, has_default) => Ok(()),
            (Value::Null, _) if ty.nullable => Ok(()),
            (Value::Null | Value::Binary(_), _) => Err(TypeMismatch::must_be(ty)),
            (Value::List(items), BaseType::List(item)) => items.iter().enumerate().try_for_each(|(at, value)| {
                self.coerce(value, item).map_err(|mismatch| mismatch.inside(PathSegment::Item(at)))
            }),
            // a single value is a list of one item (GraphQL 3.11, "List", input coercion)
            (value, BaseType::List(item)) => self.coerce(value, item),
            (value, BaseType::Named(name)) => match self.types.input(name) {
                Some(InputType::Object(fields)) => self.coerce_object(value, fields, ty),
                Some(InputType::Enum(values)) if is_one_of(value, values) => Ok(()),
                Some(InputType::Scalar) if is_scalar(value, name) => Ok(()),
                _ => Err(TypeMismatch::must_be(ty)),
            },
        }
    }

    fn coerce_object(&self, value: &Value, fields: &[Input], ty: &Type) -> Result<(), TypeMismatch> {
        let Value::Object(object) = value else { return Err(TypeMismatch::must_be(ty)) };
        if let Some(unknown) = object.keys().find(|name| fields.iter().all(|field| field.name != **name)) {
            let mismatch = TypeMismatch { path: Vec::new(), problem: "is not known".to_owned() };
            return Err(mismatch.inside(PathSegment::Field(unknown.clone())));
        }
        fields.iter().try_for_each(|field| {
            let coerced = match object.get(&field.name) {
                Some(value) => self.coerce_input(value, field),
                None if field.is_required() => Err(TypeMismatch::must_be(&field.ty)),
                None => Ok(()),
            };
            coerced.map_err(|mismatch| mismatch.inside(PathSegment::Field(field.name.clone())))
        })
    }

    /// Whether a variable may be used at a place (GraphQL 5.8.5, "All Variable Usages Are Allowed"). The library
    /// reports variables that are not declared.
    fn is_allowed(&self, name: &[u8], place: &Type, has_default: bool) -> bool {
        let variable = str::from_utf8(name).ok().and_then(|name| self.variables.get(name));
        variable.is_none_or(|variable| {
            let default = variable.default_value.as_ref().is_some_and(|value| value.node != Value::Null);
            are_compatible(&variable.var_type.node, place, default || has_default)
        })
    }
}

/// Whether a variable of type `ty` may be used where `place` is expected. A default value takes the place of a missing
/// one.
fn are_compatible(ty: &Type, place: &Type, has_default: bool) -> bool {
    let base = match (&ty.base, &place.base) {
        (BaseType::List(item), BaseType::List(place)) => are_compatible(item, place, false),
        (BaseType::Named(name), BaseType::Named(place)) => name == place,
        _ => false,
    };
    base && (place.nullable || !ty.nullable || has_default)
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
        // a literal of `JSON` may contain variables as well
        ("Float", Value::Number(_)) | ("Boolean", Value::Boolean(_)) | ("JSON", _) => true,
        ("ID", Value::Number(number)) => number.is_i64() || number.is_u64(),
        ("Int" | "Float" | "Boolean", _) => false,
        (_, value) => matches!(value, Value::String(_)),
    }
}
