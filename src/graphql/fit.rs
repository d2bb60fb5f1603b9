//! Whether a value fits a type. Where in it one does not is written down only then: a value may have tens of thousands of
//! parts.

use std::{collections::HashMap, fmt::Write as _};

use async_graphql::{
    Name, Value,
    parser::types::{BaseType, Type, VariableDefinition},
};

use super::types::{Input, InputType, Types};

/// The longest path of a value told to a client, in characters: parts of it are the client's words.
const PATH: usize = 100;

/// A value that does not fit.
#[derive(Debug)]
pub(super) struct Unfit {
    /// The way to the part that does not, from the inside out.
    path: Vec<Step>,
    what: String,
}

#[derive(Debug)]
enum Step {
    Item(usize),
    Field(Name),
}

impl Unfit {
    /// No value where there must be one, or one of another type.
    pub(super) fn must_be(ty: &Type) -> Self {
        Self { path: Vec::new(), what: format!("must be `{ty}`") }
    }

    /// Says it of a value that has a name.
    pub(super) fn of(&self, kind: &str, name: &str) -> String {
        let mut path = name.to_owned();
        for step in self.path.iter().rev() {
            // writing to a text cannot fail
            let _ = match step {
                Step::Item(at) => write!(path, "[{at}]"),
                Step::Field(name) => write!(path, ".{name}"),
            };
        }
        let path: String = path.chars().take(PATH).collect();
        format!("The {kind} `{path}` {}.", self.what)
    }

    fn within(mut self, step: Step) -> Self {
        self.path.push(step);
        self
    }
}

/// Holds values against types.
pub(super) struct Fitting<'a> {
    pub(super) types: &'a Types,
    /// The variables that may stand in the values, by name. Bytes, which neither JSON nor a document has, stand for one.
    pub(super) variables: HashMap<&'a str, &'a VariableDefinition>,
}

impl Fitting<'_> {
    /// Holds a value against a type.
    ///
    /// # Errors
    /// With the first part that does not fit.
    pub(super) fn fit(&self, value: &Value, ty: &Type) -> Result<(), Unfit> {
        self.fit_place(value, ty, false)
    }

    /// Holds a value against the place of an argument, or of a field of an input object.
    pub(super) fn fit_input(&self, value: &Value, input: &Input) -> Result<(), Unfit> {
        self.fit_place(value, &input.ty, input.has_default)
    }

    fn fit_place(&self, value: &Value, ty: &Type, has_default: bool) -> Result<(), Unfit> {
        match (value, &ty.base) {
            (Value::Binary(name), _) if self.may_stand(name, ty, has_default) => Ok(()),
            (Value::Null, _) if ty.nullable => Ok(()),
            (Value::Null | Value::Binary(_), _) => Err(Unfit::must_be(ty)),
            (Value::List(items), BaseType::List(item)) => items
                .iter()
                .enumerate()
                .try_for_each(|(at, value)| self.fit(value, item).map_err(|unfit| unfit.within(Step::Item(at)))),
            // a single value stands for a list of one (GraphQL, "List", input coercion)
            (value, BaseType::List(item)) => self.fit(value, item),
            (value, BaseType::Named(name)) => match self.types.input(name) {
                Some(InputType::Object(fields)) => self.fit_object(value, fields, ty),
                Some(InputType::Enum(values)) if is_one_of(value, values) => Ok(()),
                Some(InputType::Scalar) if is_scalar(value, name) => Ok(()),
                _ => Err(Unfit::must_be(ty)),
            },
        }
    }

    fn fit_object(&self, value: &Value, fields: &[Input], ty: &Type) -> Result<(), Unfit> {
        let Value::Object(object) = value else { return Err(Unfit::must_be(ty)) };
        if let Some(unknown) = object.keys().find(|name| fields.iter().all(|field| field.name != **name)) {
            let unfit = Unfit { path: Vec::new(), what: "is not known".to_owned() };
            return Err(unfit.within(Step::Field(unknown.clone())));
        }
        fields.iter().try_for_each(|field| {
            let fits = match object.get(&field.name) {
                Some(value) => self.fit_input(value, field),
                None if field.is_required() => Err(Unfit::must_be(&field.ty)),
                None => Ok(()),
            };
            fits.map_err(|unfit| unfit.within(Step::Field(field.name.clone())))
        })
    }

    /// Whether a variable may stand at a place (GraphQL, "All Variable Usages Are Allowed"). One that is not declared is
    /// told of elsewhere.
    fn may_stand(&self, name: &[u8], place: &Type, has_default: bool) -> bool {
        let variable = str::from_utf8(name).ok().and_then(|name| self.variables.get(name));
        variable.is_none_or(|variable| {
            let default = variable.default_value.as_ref().is_some_and(|value| value.node != Value::Null);
            are_compatible(&variable.var_type.node, place, default || has_default)
        })
    }
}

/// Whether what is of one type is also of the other. Where there is a default, nothing counts as that.
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
        ("Float", Value::Number(_)) | ("Boolean", Value::Boolean(_)) => true,
        ("ID", Value::Number(number)) => number.is_i64() || number.is_u64(),
        ("Int" | "Float" | "Boolean", _) => false,
        (_, value) => matches!(value, Value::String(_)),
    }
}
