//! Fields checked one by one, problems told as FastAPI tells them.

use serde_json::{Map, Value};

use super::document::{Document, MOST_VALUES};
use super::errors::{FieldProblem, Refused};

/// An object of a request, and where in the body it stands.
#[derive(Clone, Debug)]
pub(super) struct Fields<'b> {
    object: &'b Map<String, Value>,
    place: Vec<Value>,
}

/// The bounds of a number.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bounds {
    /// Any number.
    Any,
    /// From one to another, both included.
    Between(f64, f64),
    /// So much or more.
    AtLeast(f64),
    /// More than that.
    Above(f64),
}

/// The problems found so far: the first [`Problems::MOST`].
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<FieldProblem>);

impl Problems {
    /// How many are told.
    pub(super) const MOST: usize = 100;

    /// Whether no more are told, so that nothing more has to be looked at.
    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= Self::MOST
    }

    fn push(&mut self, problem: FieldProblem) {
        if !self.is_full() {
            self.0.push(problem);
        }
    }
}

/// Reads a body, or tells the rules that it breaks.
pub(super) fn read<'b, T>(
    body: &'b Document,
    read: impl FnOnce(&Fields<'b>, &mut Problems) -> T,
) -> Result<T, Refused> {
    let mut problems = Problems::default();
    if body.is_cut {
        let message = format!("Body should have at most {MOST_VALUES} values");
        problems.push(problem(vec!["body".into()], message, "too_long"));
    }
    let fields = Fields::of_body(&body.value, &mut problems);
    let request = fields.map(|fields| read(&fields, &mut problems));
    match request {
        Some(request) if problems.0.is_empty() => Ok(request),
        _ => Err(Refused::Fields(problems.0)),
    }
}

impl<'b> Fields<'b> {
    /// The body itself; `None`, with the problem told, where it is no object.
    fn of_body(body: &'b Value, problems: &mut Problems) -> Option<Self> {
        Self::of(body, vec!["body".into()], problems)
    }

    fn of(value: &'b Value, place: Vec<Value>, problems: &mut Problems) -> Option<Self> {
        match value {
            Value::Object(object) => Some(Self { object, place }),
            _ => {
                let message = "Input should be a valid dictionary";
                problems.push(problem(place, message, "dict_type"));
                None
            }
        }
    }

    /// A field that is there and not null.
    pub(super) fn get(&self, name: &str) -> Option<&'b Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// Whether a field is there, be it null.
    pub(super) fn has(&self, name: &str) -> bool {
        self.object.contains_key(name)
    }

    /// Tells a problem of a field.
    pub(super) fn tell(
        &self,
        name: &str,
        message: impl Into<String>,
        kind: &'static str,
        problems: &mut Problems,
    ) {
        problems.push(problem(self.at(name), message, kind));
    }

    /// Tells that a field is missing.
    pub(super) fn missing(&self, name: &str, problems: &mut Problems) {
        self.tell(name, "Field required", "missing", problems);
    }

    /// A string.
    pub(super) fn text(&self, name: &str, problems: &mut Problems) -> Option<&'b str> {
        let value = self.get(name)?;
        if !value.is_string() {
            self.tell(
                name,
                "Input should be a valid string",
                "string_type",
                problems,
            );
        }
        value.as_str()
    }

    /// A string that must be there.
    pub(super) fn required_text(&self, name: &str, problems: &mut Problems) -> Option<&'b str> {
        if !self.has(name) {
            self.missing(name, problems);
        } else if self.get(name).is_none() {
            self.tell(
                name,
                "Input should be a valid string",
                "string_type",
                problems,
            );
        }
        self.text(name, problems)
    }

    /// A string of a closed list.
    pub(super) fn choice<T: Copy>(
        &self,
        name: &str,
        choices: &[(&str, T)],
        problems: &mut Problems,
    ) -> Option<T> {
        let value = self.get(name)?;
        let found = value
            .as_str()
            .and_then(|text| choices.iter().find(|(choice, _)| *choice == text));
        if found.is_none() {
            let quoted: Vec<String> = choices.iter().map(|(it, _)| format!("'{it}'")).collect();
            let listed = match quoted.split_last() {
                Some((last, [])) => last.clone(),
                Some((last, others)) => format!("{} or {last}", others.join(", ")),
                None => String::new(),
            };
            self.tell(
                name,
                format!("Input should be {listed}"),
                "literal_error",
                problems,
            );
        }
        found.map(|(_, choice)| *choice)
    }

    /// A boolean.
    pub(super) fn boolean(&self, name: &str, problems: &mut Problems) -> Option<bool> {
        let value = self.get(name)?;
        if !value.is_boolean() {
            self.tell(
                name,
                "Input should be a valid boolean",
                "bool_type",
                problems,
            );
        }
        value.as_bool()
    }

    /// A number within bounds.
    pub(super) fn number(
        &self,
        name: &str,
        bounds: Bounds,
        problems: &mut Problems,
    ) -> Option<f64> {
        let Some(number) = self.get(name)?.as_f64() else {
            self.tell(
                name,
                "Input should be a valid number",
                "float_type",
                problems,
            );
            return None;
        };
        self.within(name, number, bounds, problems)
            .then_some(number)
    }

    /// A whole number within bounds.
    pub(super) fn integer(
        &self,
        name: &str,
        bounds: Bounds,
        problems: &mut Problems,
    ) -> Option<i64> {
        let value = self.get(name)?;
        let whole = match value {
            Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(whole), _) => Some(whole),
                (None, Some(_)) => Some(i64::MAX),
                (None, None) => number
                    .as_f64()
                    .filter(|it| it.fract() == 0.0)
                    .and_then(whole_number),
            },
            _ => None,
        };
        let Some(whole) = whole else {
            let (message, kind) = if value.is_number() {
                (
                    "Input should be a valid integer, got a number with a fractional part",
                    "int_from_float",
                )
            } else {
                ("Input should be a valid integer", "int_type")
            };
            self.tell(name, message, kind, problems);
            return None;
        };
        #[allow(
            clippy::cast_precision_loss,
            reason = "bounds are small, far from where it is lost"
        )]
        let comparable = whole as f64;
        self.within(name, comparable, bounds, problems)
            .then_some(whole)
    }

    fn within(&self, name: &str, number: f64, bounds: Bounds, problems: &mut Problems) -> bool {
        let (low, high) = match bounds {
            Bounds::Any => return true,
            Bounds::Between(low, high) => (low, high),
            Bounds::AtLeast(low) => (low, f64::INFINITY),
            Bounds::Above(low) => {
                if number <= low {
                    let message = format!("Input should be greater than {low}");
                    self.tell(name, message, "greater_than", problems);
                }
                return number > low;
            }
        };
        if number < low {
            let message = format!("Input should be greater than or equal to {low}");
            self.tell(name, message, "greater_than_equal", problems);
        } else if number > high {
            let message = format!("Input should be less than or equal to {high}");
            self.tell(name, message, "less_than_equal", problems);
        }
        (low..=high).contains(&number)
    }

    /// A list.
    pub(super) fn list(&self, name: &str, problems: &mut Problems) -> Option<&'b [Value]> {
        match self.get(name)? {
            Value::Array(items) => Some(items),
            _ => {
                self.tell(name, "Input should be a valid list", "list_type", problems);
                None
            }
        }
    }

    /// A list of strings.
    pub(super) fn texts(&self, name: &str, problems: &mut Problems) -> Vec<&'b str> {
        let items = self.list(name, problems).unwrap_or_default();
        let mut texts = Vec::new();
        for (index, item) in items.iter().enumerate() {
            if problems.is_full() {
                break;
            }
            match item.as_str() {
                Some(text) => texts.push(text),
                None => problems.push(problem(
                    self.at_item(name, index),
                    "Input should be a valid string",
                    "string_type",
                )),
            }
        }
        texts
    }

    /// A string or a list of strings.
    pub(super) fn text_or_texts(&self, name: &str, problems: &mut Problems) -> Vec<&'b str> {
        match self.get(name) {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(_)) => self.texts(name, problems),
            Some(_) => {
                let message = "Input should be a valid string or a list of strings";
                self.tell(name, message, "string_type", problems);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// A picture: a string, or an object whose `url` is one.
    pub(super) fn picture(&self, name: &str, problems: &mut Problems) -> Option<&'b str> {
        match self.get(name)? {
            Value::Object(_) => self.object(name, problems)?.required_text("url", problems),
            _ => self.text(name, problems),
        }
    }

    /// A list of pictures, or one alone.
    pub(super) fn pictures(&self, name: &str, problems: &mut Problems) -> Vec<&'b str> {
        let Some(Value::Array(items)) = self.get(name) else {
            return self.picture(name, problems).into_iter().collect();
        };
        let mut pictures = Vec::new();
        for (index, item) in items.iter().enumerate() {
            if problems.is_full() {
                break;
            }
            match item {
                Value::String(text) => pictures.push(text.as_str()),
                Value::Object(_) => {
                    let inner = self.item(name, index, item, problems);
                    pictures.extend(inner.and_then(|it| it.required_text("url", problems)));
                }
                _ => problems.push(problem(
                    self.at_item(name, index),
                    "Input should be a valid string",
                    "string_type",
                )),
            }
        }
        pictures
    }

    /// An object within.
    pub(super) fn object(&self, name: &str, problems: &mut Problems) -> Option<Self> {
        Self::of(self.get(name)?, self.at(name), problems)
    }

    /// An object of a list within.
    pub(super) fn item(
        &self,
        name: &str,
        index: usize,
        value: &'b Value,
        problems: &mut Problems,
    ) -> Option<Self> {
        Self::of(value, self.at_item(name, index), problems)
    }

    /// Where the object stands, as `messages[0].content[1]`.
    pub(super) fn path(&self) -> String {
        let mut path = String::new();
        for step in self.place.iter().skip(1) {
            match step.as_str() {
                Some(name) if path.is_empty() => path.push_str(name),
                Some(name) => {
                    path.push('.');
                    path.push_str(name);
                }
                None => {
                    path.push('[');
                    path.push_str(&step.to_string());
                    path.push(']');
                }
            }
        }
        path
    }

    fn at(&self, name: &str) -> Vec<Value> {
        let mut place = self.place.clone();
        place.push(name.into());
        place
    }

    fn at_item(&self, name: &str, index: usize) -> Vec<Value> {
        let mut place = self.at(name);
        place.push(index.into());
        place
    }
}

fn problem(place: Vec<Value>, message: impl Into<String>, kind: &'static str) -> FieldProblem {
    FieldProblem {
        place,
        message: message.into(),
        kind,
    }
}

fn whole_number(number: f64) -> Option<i64> {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the conversion saturates, and the bound excludes that"
    )]
    (number.abs() < 9e15).then_some(number as i64)
}
