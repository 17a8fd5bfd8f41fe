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
/// `enum`, `const`, local `$ref`, the first of `anyOf` and `oneOf`.
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
            return fixed.clone();
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
        let alternatives = ["anyOf", "oneOf", "allOf"]
            .iter()
            .find_map(|key| schema.get(*key)?.as_array()?.first());
        if let Some(first) = alternatives {
            return self.value(first, name, depth + 1);
        }
        let kind = match schema.get("type") {
            Some(Value::String(kind)) => kind.as_str(),
            Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str).unwrap_or("null"),
            _ if schema.get("properties").is_some() => "object",
            _ => "string",
        };
        let fact = self.facts.get(name);
        match kind {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, name, depth),
            "integer" => fact
                .filter(|it| it.is_u64())
                .cloned()
                .unwrap_or_else(|| bounded(schema).into()),
            "number" => fact
                .filter(|it| it.is_number())
                .cloned()
                .unwrap_or_else(|| bounded(schema).into()),
            "boolean" => fact
                .filter(|it| it.is_boolean())
                .cloned()
                .unwrap_or(Value::Bool(false)),
            "null" => Value::Null,
            _ => fact
                .filter(|it| it.is_string())
                .cloned()
                .unwrap_or_else(|| self.answer.into()),
        }
    }

    fn choice(&self, choices: &[Value], name: &str) -> Value {
        let known = self.facts.get(name).filter(|fact| choices.contains(fact));
        known.or(choices.first()).cloned().unwrap_or(Value::Null)
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
            return list.clone();
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

fn is_text_list(value: &Value) -> bool {
    value
        .as_array()
        .is_some_and(|items| items.iter().all(Value::is_string))
}

fn bounded(schema: &Value) -> i64 {
    let bound = |name: &str| schema.get(name).and_then(Value::as_i64);
    let low =
        bound("minimum").or_else(|| bound("exclusiveMinimum").map(|low| low.saturating_add(1)));
    low.unwrap_or(0)
        .max(0)
        .min(bound("maximum").unwrap_or(i64::MAX))
}
