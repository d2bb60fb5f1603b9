//! The types of the schema, read from its text: what can be put in, and which arguments a field takes. The library knows
//! them, and tells nobody.

use std::collections::HashMap;

use async_graphql::{
    Name, Positioned,
    parser::{
        parse_schema,
        types::{BaseType, FieldDefinition, InputValueDefinition, Type, TypeKind, TypeSystemDefinition},
    },
};

/// Scalars of the language that every schema has: its introspection is made of them. The others are there where a field
/// or an argument is of them.
const ALWAYS: [&str; 2] = ["String", "Boolean"];
const WHERE_USED: [&str; 3] = ["ID", "Int", "Float"];

/// The types of a schema.
#[derive(Debug, Default)]
pub(super) struct Types {
    inputs: HashMap<Name, InputType>,
    outputs: HashMap<Name, HashMap<Name, Signature>>,
}

/// A type that a variable or an argument can have.
#[derive(Debug)]
pub(super) enum InputType {
    /// One of the language, or of ours: those take any text.
    Scalar,
    Enum(Vec<Name>),
    Object(Vec<Input>),
}

/// An argument, or a field of an input object.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) name: Name,
    pub(super) ty: Type,
    /// Whether something stands there where nothing is given.
    pub(super) has_default: bool,
}

impl Input {
    /// Whether it cannot be left out.
    pub(super) fn is_required(&self) -> bool {
        !self.ty.nullable && !self.has_default
    }
}

/// A field of an object or an interface.
#[derive(Debug)]
pub(super) struct Signature {
    /// The name of its type, without lists.
    pub(super) ty: Name,
    pub(super) arguments: Vec<Input>,
}

impl Types {
    /// The types of a schema, from its text.
    pub(super) fn of_sdl(sdl: &str) -> Self {
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

    /// A type that can be put in.
    pub(super) fn input(&self, name: &Name) -> Option<&InputType> {
        self.inputs.get(name)
    }

    /// A field of a type; of the introspection's own types none is known.
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

    /// The type of everything there is.
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

/// The name of a type without its lists.
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
