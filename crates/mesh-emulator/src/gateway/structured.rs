//! Answers as JSON: the measured facts as an object, or put into a caller's schema as far as they
//! fit.

use std::cell::Cell;

use serde_json::{Map, Value, json};

use crate::vision::Sight;

/// How deep a schema is followed, and how many values are made: schemas may refer to themselves.
const DEEPEST: u32 = 16;
const MOST_VALUES: u32 = 2000;

/// What was measured, as an object.
pub(super) fn facts(sights: &[Sight], answer: &str, question: &str) -> Value {
    let pictures: Vec<Value> = sights.iter().map(picture_facts).collect();
    json!({
        "emulator": true,
        "answer": answer,
        "question_words": question.split_whitespace().count(),
        "pictures": pictures,
    })
}

fn picture_facts(sight: &Sight) -> Value {
    let [red, green, blue] = sight.mean;
    let colours: Vec<Value> = sight
        .colours
        .iter()
        .map(|it| json!({"name": it.colour, "share": rounded(it.share)}))
        .collect();
    json!({
        "format": sight.format.to_string(),
        "width": sight.width,
        "height": sight.height,
        "bytes": sight.bytes,
        "mean_colour": format!("#{red:02x}{green:02x}{blue:02x}"),
        "colours": colours,
        "brightness": rounded(sight.brightness),
        "contrast": rounded(sight.contrast),
        "saturation": rounded(sight.saturation),
        "sharpness": sight.sharpness.map(rounded),
        "transparency": rounded(sight.transparency),
        "grayscale": sight.grayscale,
    })
}

fn rounded(value: f32) -> f64 {
    (f64::from(value) * 1000.0).round() / 1000.0
}

/// A value that fits a schema, as far as the emulator reads schemas: types, `properties`, `items`,
/// `enum`, `const`, local `$ref`, one of `anyOf` and `oneOf`, all of `allOf`, bounds of numbers,
/// texts and lists. A value of an enumeration is one that the answer names, where it names one.
pub(super) fn fill(schema: &Value, sights: &[Sight], answer: &str, question: &str) -> Value {
    let filler = Filler {
        root: schema,
        facts: flat_facts(sights, question),
        answer,
        left: Cell::new(MOST_VALUES),
    };
    filler.value(schema, "", 0)
}

/// The facts of the first picture by the names that schemas use for them.
fn flat_facts(sights: &[Sight], question: &str) -> Map<String, Value> {
    let mut facts = Map::new();
    if let Some(sight) = sights.first() {
        if let Value::Object(measured) = picture_facts(sight) {
            facts.extend(measured);
        }
        let names: Vec<Value> = sight
            .colours
            .iter()
            .map(|it| it.colour.clone().into())
            .collect();
        let main = names.first().cloned().unwrap_or(Value::Null);
        for name in [
            "colour",
            "color",
            "dominant_color",
            "dominant_colour",
            "main_color",
        ] {
            facts.insert(name.to_owned(), main.clone());
        }
        for name in ["colours", "colors", "palette", "dominant_colors"] {
            facts.insert(name.to_owned(), names.clone().into());
        }
        facts.insert("grayscale".to_owned(), sight.grayscale.into());
        facts.insert("is_grayscale".to_owned(), sight.grayscale.into());
    }
    facts.insert("count".to_owned(), sights.len().into());
    facts.insert("pictures".to_owned(), sights.len().into());
    facts.insert(
        "words".to_owned(),
        question.split_whitespace().count().into(),
    );
    facts
}

struct Filler<'f> {
    root: &'f Value,
    facts: Map<String, Value>,
    answer: &'f str,
    left: Cell<u32>,
}

impl Filler<'_> {
    fn value(&self, schema: &Value, name: &str, depth: u32) -> Value {
        let left = self.left.get();
        if depth > DEEPEST || left == 0 {
            return Value::Null;
        }
        self.left.set(left - 1);
        if let Some(fixed) = schema.get("const") {
            return self.copied(fixed);
        }
        if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
            return self.choice(choices, name);
        }
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            let found = target
                .strip_prefix('#')
                .and_then(|path| self.root.pointer(path));
            return found.map_or(Value::Null, |found| self.value(found, name, depth + 1));
        }
        if let Some(all) = schema.get("allOf").and_then(Value::as_array) {
            return self.all(schema, all, name, depth);
        }
        let alternatives = ["anyOf", "oneOf"]
            .iter()
            .find_map(|key| schema.get(*key)?.as_array());
        if let Some(alternatives) = alternatives {
            let is_null = |it: &&Value| it.get("type").is_some_and(|kind| kind == "null");
            let chosen = alternatives.iter().find(|it| !is_null(it));
            return chosen
                .or(alternatives.first())
                .map_or(Value::Null, |it| self.value(it, name, depth + 1));
        }
        let kind = match schema.get("type") {
            Some(Value::String(kind)) => kind.as_str(),
            Some(Value::Array(kinds)) => {
                let mut kinds = kinds.iter().filter_map(Value::as_str);
                kinds.find(|kind| *kind != "null").unwrap_or("null")
            }
            _ if schema.get("properties").is_some() => "object",
            _ => "string",
        };
        let fact = self.facts.get(name);
        match kind {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, name, depth),
            "integer" => fact
                .filter(|it| it.is_u64() && is_within(it, schema))
                .cloned()
                .unwrap_or_else(|| integer(schema).into()),
            "number" => fact
                .filter(|it| it.is_number() && is_within(it, schema))
                .cloned()
                .unwrap_or_else(|| number(schema).into()),
            "boolean" => fact
                .filter(|it| it.is_boolean())
                .cloned()
                .unwrap_or(Value::Bool(false)),
            "null" => Value::Null,
            _ => {
                let known = fact.and_then(Value::as_str);
                text(known.unwrap_or(self.answer), schema).into()
            }
        }
    }

    /// A copy of a part of the schema. It counts for as many values as it is large, for a schema may
    /// ask for it many times.
    fn copied(&self, value: &Value) -> Value {
        let left = self.left.get();
        let size = size(value, left);
        self.left.set(left.saturating_sub(size));
        if size > left {
            Value::Null
        } else {
            value.clone()
        }
    }

    fn choice(&self, choices: &[Value], name: &str) -> Value {
        const MOST_CHOICES: usize = 1000;
        let choices = choices.get(..MOST_CHOICES).unwrap_or(choices);
        let effort = u32::try_from(choices.len() / 10).unwrap_or(u32::MAX);
        self.left.set(self.left.get().saturating_sub(effort));
        let fact = self.facts.get(name).filter(|fact| choices.contains(fact));
        let told = || {
            let answer = self.answer.to_lowercase();
            let named = choices.iter().filter_map(|choice| {
                let word = choice.as_str()?.to_lowercase();
                let at = answer.find(&word).filter(|_| !word.is_empty())?;
                Some((at, choice))
            });
            named.min_by_key(|(at, _)| *at).map(|(_, choice)| choice)
        };
        let chosen = fact.or_else(told).or(choices.first());
        chosen.map_or(Value::Null, |it| self.copied(it))
    }

    /// What fits several schemas at once: objects with the properties of all, else the first.
    fn all(&self, schema: &Value, all: &[Value], name: &str, depth: u32) -> Value {
        let own = schema
            .get("properties")
            .is_some()
            .then(|| self.object(schema, depth));
        let others = all.iter().map(|it| self.value(it, name, depth + 1));
        let mut values = own.into_iter().chain(others);
        let mut whole = values.next().unwrap_or(Value::Null);
        for other in values {
            if let (Value::Object(whole), Value::Object(other)) = (&mut whole, other) {
                whole.extend(other);
            }
        }
        whole
    }

    fn object(&self, schema: &Value, depth: u32) -> Value {
        let properties = schema.get("properties").and_then(Value::as_object);
        let filled = properties
            .into_iter()
            .flatten()
            .map(|(name, inner)| (name.clone(), self.value(inner, name, depth + 1)));
        Value::Object(filled.collect())
    }

    fn array(&self, schema: &Value, name: &str, depth: u32) -> Value {
        let of_texts = schema
            .pointer("/items/type")
            .is_some_and(|kind| kind == "string");
        if let Some(list) = self
            .facts
            .get(name)
            .filter(|it| of_texts && is_text_list(it))
        {
            return listed(schema, list);
        }
        let least = schema
            .get("minItems")
            .and_then(Value::as_u64)
            .unwrap_or(1)
            .clamp(1, 16);
        let items = schema.get("items");
        (0..least)
            .filter_map(|_| items.map(|items| self.value(items, name, depth + 1)))
            .collect()
    }
}

/// How many values a value is, a text of some thousand bytes counting as one; more than `most` is
/// not counted.
fn size(value: &Value, most: u32) -> u32 {
    let of_text = |text: &str| u32::try_from(text.len() / 4096).unwrap_or(u32::MAX);
    let mut sum = 0_u32;
    let mut waiting = vec![value];
    while let Some(value) = waiting.pop() {
        let own = match value {
            Value::String(text) => of_text(text),
            Value::Array(items) => {
                waiting.extend(
                    items
                        .iter()
                        .take(usize::try_from(most).unwrap_or(usize::MAX)),
                );
                u32::try_from(items.len()).unwrap_or(u32::MAX)
            }
            Value::Object(fields) => {
                let names = fields.keys().map(|name| of_text(name).saturating_add(1));
                waiting.extend(fields.values());
                names.fold(0, u32::saturating_add)
            }
            _ => 0,
        };
        sum = sum.saturating_add(own);
        if sum > most {
            break;
        }
    }
    sum
}

/// The list as far as the schema has place for it.
fn listed(schema: &Value, list: &Value) -> Value {
    let choices = schema.pointer("/items/enum").and_then(Value::as_array);
    let most = schema.get("maxItems").and_then(Value::as_u64);
    let most = most.and_then(|most| usize::try_from(most).ok());
    let items = list.as_array().into_iter().flatten();
    let fitting = items.filter(|it| choices.is_none_or(|choices| choices.contains(it)));
    fitting.take(most.unwrap_or(usize::MAX)).cloned().collect()
}

fn is_text_list(value: &Value) -> bool {
    value
        .as_array()
        .is_some_and(|items| items.iter().all(Value::is_string))
}

/// The bounds of a number, both included; whole numbers step by 1.
fn bounds(schema: &Value, step: f64) -> (Option<f64>, Option<f64>) {
    let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
    let low = bound("minimum").or_else(|| bound("exclusiveMinimum").map(|low| low + step));
    let high = bound("maximum").or_else(|| bound("exclusiveMaximum").map(|high| high - step));
    (low, high)
}

fn is_within(value: &Value, schema: &Value) -> bool {
    let (low, high) = bounds(schema, f64::EPSILON);
    value.as_f64().is_some_and(|value| {
        low.is_none_or(|low| value >= low) && high.is_none_or(|high| value <= high)
    })
}

/// The number nearest to 0 within the bounds.
fn number(schema: &Value) -> f64 {
    let (low, high) = bounds(schema, 0.5);
    0.0_f64
        .max(low.unwrap_or(f64::MIN))
        .min(high.unwrap_or(f64::MAX))
}

fn integer(schema: &Value) -> i64 {
    let (low, high) = bounds(schema, 1.0);
    let nearest = 0.0_f64
        .max(low.map_or(f64::MIN, f64::ceil))
        .min(high.map_or(f64::MAX, f64::floor));
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the number is whole, and the conversion saturates"
    )]
    let whole = nearest as i64;
    whole
}

/// A text, cut to the length that there is place for, or filled up to the one that is wanted.
fn text(text: &str, schema: &Value) -> String {
    const MOST: usize = 10_000;
    let bound = |name: &str| {
        let bound = schema.get(name).and_then(Value::as_u64);
        bound.and_then(|bound| usize::try_from(bound).ok())
    };
    let most = bound("maxLength").unwrap_or(usize::MAX);
    let least = bound("minLength").unwrap_or(0).min(MOST);
    let mut fitting: String = text.chars().take(most).collect();
    let length = fitting.chars().count();
    fitting.extend(std::iter::repeat_n('.', least.saturating_sub(length)));
    fitting
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(schema: &Value) -> Value {
        fill(schema, &[], "Mostly green, some red.", "a b c")
    }

    #[test]
    fn values_fit_their_schemas() {
        for (schema, expected) in [
            (
                json!({"type": ["null", "integer"], "minimum": 3.5}),
                json!(4),
            ),
            (json!({"type": "integer", "exclusiveMaximum": 0}), json!(-1)),
            (json!({"type": "number", "minimum": 0.25}), json!(0.25)),
            (json!({"type": "string", "maxLength": 6}), json!("Mostly")),
            (
                json!({"type": "string", "maxLength": 1, "minLength": 3}),
                json!("M.."),
            ),
            (json!({"enum": ["red", "green", "blue"]}), json!("green")),
            (json!({"enum": [7, 8]}), json!(7)),
            (
                json!({"anyOf": [{"type": "null"}, {"type": "boolean"}]}),
                json!(false),
            ),
            (json!({"anyOf": [{"type": "null"}]}), json!(null)),
            (
                json!({"properties": {"words": {"type": "integer"}}}),
                json!({"words": 3}),
            ),
            (
                json!({"properties": {"words": {"type": "integer", "maximum": 2}}}),
                json!({"words": 0}),
            ),
            (
                json!({"allOf": [{"properties": {"a": {"const": 1}}}, {"properties": {"b": {"const": 2}}}]}),
                json!({"a": 1, "b": 2}),
            ),
        ] {
            assert_eq!(filled(&schema), expected, "{schema}");
        }
    }

    #[test]
    fn a_schema_cannot_ask_for_a_large_part_of_itself_many_times() {
        let names: Map<String, Value> = (0..1500)
            .map(|it| (format!("a{it}"), json!({"$ref": "#/$defs/large"})))
            .collect();
        let list: Vec<u32> = (0..50_000).collect();
        let choices: Vec<String> = (0..50_000)
            .map(|it| format!("{it}{}", "x".repeat(99)))
            .collect();
        for large in [
            json!({"const": "x".repeat(1_000_000)}),
            json!({"const": list}),
            json!({"const": {"a": {"b": "x".repeat(1_000_000)}}}),
            json!({"enum": ["x".repeat(1_000_000)]}),
            json!({"enum": choices}),
        ] {
            let schema = json!({"properties": names, "$defs": {"large": large}});
            let filled = filled(&schema);
            assert_eq!(filled.as_object().map(Map::len), Some(1500));
            assert!(filled.to_string().len() < 20_000_000);
        }
    }

    #[test]
    fn lists_of_facts_keep_to_their_schema() {
        let colours = json!(["green", "red", "blue"]);
        let schema = json!({"items": {"enum": ["blue", "green", "grey"]}, "maxItems": 1});
        assert_eq!(listed(&schema, &colours), json!(["green"]));
        assert_eq!(listed(&json!({}), &colours), colours);
    }
}
