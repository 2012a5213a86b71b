//! What values look like: the part of schemas that each language has words for.
//!
//! Invariants: a type comes after those that it is made of, so there are no cycles; the alternatives of a choice differ in
//! their form, so that a value is at most one of them before any limit is looked at; names of types are unique.

use super::pattern::Pattern;

/// The form of a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    /// Anything.
    Any,
    Null,
    Boolean,
    /// A whole number within limits.
    Integer {
        least: Option<i128>,
        most: Option<i128>,
    },
    /// A number within limits.
    Number {
        least: Option<f64>,
        most: Option<f64>,
    },
    Text {
        size: Size,
        pattern: Option<Pattern>,
    },
    List {
        size: Size,
        item: Box<Shape>,
    },
    /// An object with any names of a form.
    Map {
        name: Box<Shape>,
        item: Box<Shape>,
    },
    /// A value or null.
    Nullable(Box<Shape>),
    /// A type of [`Shapes::types`], by its number.
    Named(usize),
}

/// How many there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Size {
    pub(super) least: u64,
    pub(super) most: Option<u64>,
}

impl Size {
    pub(super) fn is_any(self) -> bool {
        self == Self::default()
    }
}

/// Something that has a name in code.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Type {
    /// In the way of types: `LikeThis`.
    pub(super) name: String,
    /// Where the schema has it.
    pub(super) path: String,
    /// Whether the schema itself gives it a name.
    pub(super) shared: bool,
    pub(super) form: Form,
}

/// What a named type is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Form {
    /// Another name for a shape.
    Alias(Shape),
    /// An object with these members and no others.
    Object(Vec<Member>),
    /// One of these texts.
    Words(Vec<String>),
    /// An object with exactly one member, which says what it is.
    Tagged(Vec<(String, Shape)>),
    /// One of these, which differ in their form.
    Choice(Vec<Shape>),
}

/// A member of an object.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) required: bool,
    pub(super) shape: Shape,
}

/// Everything that is to be written.
#[derive(Debug, Clone, Default)]
pub(super) struct Shapes {
    pub(super) types: Vec<Type>,
    /// The parts of the description.
    pub(super) roots: Vec<Root>,
}

/// A part of the description.
#[derive(Debug, Clone)]
pub(super) struct Root {
    /// `message`, `state`, `config` or `reply`.
    pub(super) part: &'static str,
    pub(super) shape: Shape,
    /// The schema as compact JSON.
    pub(super) schema: String,
}

impl Shapes {
    /// The form of a shape, if it is a type.
    pub(super) fn form(&self, shape: &Shape) -> Option<&Form> {
        match shape {
            Shape::Named(at) => self.types.get(*at).map(|one| &one.form),
            _ => None,
        }
    }

    /// The shape behind names that are only other names.
    pub(super) fn behind<'s>(&'s self, shape: &'s Shape) -> &'s Shape {
        match self.form(shape) {
            Some(Form::Alias(shape)) => self.behind(shape),
            _ => shape,
        }
    }

    /// The name of a type.
    pub(super) fn name(&self, at: usize) -> &str {
        self.types.get(at).map_or("", |one| &one.name)
    }

    /// Whether a value can be both, whatever the limits.
    pub(super) fn overlap(&self, one: &Shape, other: &Shape) -> bool {
        let (one, other) = (self.behind(one), self.behind(other));
        match (self.form(one), self.form(other)) {
            (Some(Form::Choice(all)), _) => return all.iter().any(|one| self.overlap(one, other)),
            (_, Some(Form::Choice(all))) => return all.iter().any(|other| self.overlap(one, other)),
            (Some(Form::Object(ours)), Some(Form::Object(theirs))) => {
                return self.objects_overlap(ours, theirs);
            }
            (Some(Form::Words(ours)), Some(Form::Words(theirs))) => {
                return ours.iter().any(|word| theirs.contains(word));
            }
            _ => {}
        }
        match (one, other) {
            (Shape::Nullable(inner), _) => self.overlap(inner, other) || self.overlap(&Shape::Null, other),
            (_, Shape::Nullable(inner)) => self.overlap(one, inner) || self.overlap(one, &Shape::Null),
            _ => {
                let (one, other) = (self.kind(one), self.kind(other));
                one == other || one == "any" || other == "any"
            }
        }
    }

    fn objects_overlap(&self, ours: &[Member], theirs: &[Member]) -> bool {
        let find = |members: &[Member], name: &str| members.iter().position(|member| member.name == name);
        let apart = |these: &[Member], those: &[Member]| {
            these.iter().filter(|member| member.required).any(|member| match find(those, &member.name) {
                None => true,
                Some(at) => !self.overlap(&member.shape, &those[at].shape),
            })
        };
        !apart(ours, theirs) && !apart(theirs, ours)
    }

    /// The kind of JSON that a shape is; whole numbers are numbers.
    pub(super) fn kind(&self, shape: &Shape) -> &'static str {
        match (self.behind(shape), self.form(self.behind(shape))) {
            (_, Some(Form::Object(_) | Form::Tagged(_))) | (Shape::Map { .. }, _) => "object",
            (_, Some(Form::Words(_))) | (Shape::Text { .. }, _) => "string",
            (Shape::Null, _) => "null",
            (Shape::Boolean, _) => "boolean",
            (Shape::Integer { .. } | Shape::Number { .. }, _) => "number",
            (Shape::List { .. }, _) => "array",
            (Shape::Any | Shape::Nullable(_) | Shape::Named(_), _) => "any",
        }
    }
}
