//! The types of the schema: which values an input type takes, and which arguments a field has. The library does not
//! publish its registry of types, so they are read from the schema definition.

use std::collections::HashMap;

use async_graphql::{
    Name, Positioned,
    parser::{
        parse_schema,
        types::{BaseType, FieldDefinition, InputValueDefinition, Type, TypeKind, TypeSystemDefinition},
    },
};

/// Built-in scalars that every schema has, because introspection uses them. The others are part of a schema that uses
/// them.
const ALWAYS: [&str; 2] = ["String", "Boolean"];
const WHERE_USED: [&str; 3] = ["ID", "Int", "Float"];

/// The types of a schema.
#[derive(Debug, Default)]
pub(in crate::graphql) struct Types {
    inputs: HashMap<Name, InputType>,
    outputs: HashMap<Name, HashMap<Name, Signature>>,
}

/// A type that a variable or an argument may have.
#[derive(Debug)]
pub(super) enum InputType {
    /// A built-in scalar, or one of this schema: those take any string, and `JSON` any value.
    Scalar,
    Enum(Vec<Name>),
    Object(Vec<Input>),
}

/// An argument, or a field of an input object.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) name: Name,
    pub(super) ty: Type,
    /// Whether it has a default value.
    pub(super) has_default: bool,
}

impl Input {
    /// Whether a value must be given.
    pub(super) fn is_required(&self) -> bool {
        !self.ty.nullable && !self.has_default
    }
}

/// A field of an object or an interface.
#[derive(Debug)]
pub(super) struct Signature {
    /// Its type, without lists.
    pub(super) ty: Name,
    pub(super) arguments: Vec<Input>,
}

impl Types {
    /// The types of a schema, from its definition.
    pub(in crate::graphql) fn from_sdl(sdl: &str) -> Self {
        let mut types = Self::default();
        types.scalars(&ALWAYS);
        for definition in parse_schema(sdl).map(|document| document.definitions).unwrap_or_default() {
            if let TypeSystemDefinition::Type(ty) = definition {
                types.add(ty.node.name.node, ty.node.kind);
            }
        }
        let used: Vec<_> = WHERE_USED.into_iter().filter(|scalar| types.names().any(|name| name == scalar)).collect();
        types.scalars(&used);
        types
    }

    /// An input type.
    pub(super) fn input(&self, name: &Name) -> Option<&InputType> {
        self.inputs.get(name)
    }

    /// A field of an object or an interface. The types of the introspection are not among them.
    pub(super) fn field(&self, ty: &Name, field: &Name) -> Option<&Signature> {
        self.outputs.get(ty)?.get(field)
    }

    fn add(&mut self, name: Name, kind: TypeKind) {
        let input = match kind {
            TypeKind::Scalar => InputType::Scalar,
            TypeKind::Enum(it) => InputType::Enum(it.values.into_iter().map(|value| value.node.value.node).collect()),
            TypeKind::InputObject(it) => InputType::Object(inputs(it.fields)),
            TypeKind::Object(it) => return drop(self.outputs.insert(name, signatures(it.fields))),
            TypeKind::Interface(it) => return drop(self.outputs.insert(name, signatures(it.fields))),
            TypeKind::Union(_) => return,
        };
        self.inputs.insert(name, input);
    }

    fn scalars(&mut self, names: &[&str]) {
        self.inputs.extend(names.iter().map(|name| (Name::new(name), InputType::Scalar)));
    }

    /// The types of all fields and arguments.
    fn names(&self) -> impl Iterator<Item = &Name> {
        let fields = self.outputs.values().flat_map(HashMap::values);
        let arguments = fields.clone().flat_map(|field| &field.arguments);
        let objects = self.inputs.values().filter_map(|input| match input {
            InputType::Object(fields) => Some(fields),
            InputType::Scalar | InputType::Enum(_) => None,
        });
        fields.map(|field| &field.ty).chain(arguments.chain(objects.flatten()).map(|input| innermost(&input.ty)))
    }
}

/// The name of a type, without lists.
pub(super) fn innermost(ty: &Type) -> &Name {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(item) => innermost(item),
    }
}

fn signatures(fields: Vec<Positioned<FieldDefinition>>) -> HashMap<Name, Signature> {
    let signature = |field: FieldDefinition| {
        let ty = innermost(&field.ty.node).clone();
        (field.name.node, Signature { ty, arguments: inputs(field.arguments) })
    };
    fields.into_iter().map(|field| signature(field.node)).collect()
}

fn inputs(definitions: Vec<Positioned<InputValueDefinition>>) -> Vec<Input> {
    let input = |definition: InputValueDefinition| {
        let has_default = definition.default_value.is_some();
        Input { name: definition.name.node, ty: definition.ty.node, has_default }
    };
    definitions.into_iter().map(|definition| input(definition.node)).collect()
}
