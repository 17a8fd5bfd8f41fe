//! A schema in the form in which providers follow it to the letter: the common ground of their
//! strict modes, as OpenAI states it.

use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

/// How deep a schema is followed, and how many schemas are looked at: they may refer to themselves.
const DEEPEST: usize = 64;
const MOST_SCHEMAS: usize = 20_000;

/// What strict modes know. What is not here is dropped, told to the model, or an obstacle.
const KEPT: [&str; 19] = [
    "$ref",
    "additionalProperties",
    "anyOf",
    "const",
    "description",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maximum",
    "minItems",
    "minimum",
    "multipleOf",
    "pattern",
    "properties",
    "required",
    "type",
];

/// What they do not know, and a model can keep to when it is told.
const TOLD: [&str; 9] = [
    "contentEncoding",
    "contentMediaType",
    "example",
    "examples",
    "maxLength",
    "maxProperties",
    "minLength",
    "minProperties",
    "uniqueItems",
];

/// What they do not know, and no dropping leaves the meaning whole.
const OBSTACLES: [&str; 13] = [
    "$dynamicRef",
    "$recursiveRef",
    "contains",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "if",
    "not",
    "patternProperties",
    "prefixItems",
    "propertyNames",
    "then",
];

/// The formats of texts that they know.
const FORMATS: [&str; 9] = [
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "time",
    "uuid",
];

/// Where definitions stand.
const DEFINITIONS: [&str; 2] = ["$defs", "definitions"];

/// `given` in strict form: every object closed, every property required, optional ones nullable.
///
/// Errors with the place and the reason where that would change what the schema allows.
pub(super) fn strict(given: &Value) -> Result<Value, String> {
    let mut walk = Walk {
        root: given,
        left: MOST_SCHEMAS,
        wanted: BTreeSet::new(),
    };
    let mut root = given.clone();
    // The root has to be the object itself, not a reference to it.
    if root.get("$ref").is_some() {
        root = Value::Object(walk.inlined(root, "#")?);
    }
    walk.schema(&mut root, "#", 0)?;
    let mut made = BTreeSet::new();
    while let Some(wanted) = walk.wanted.difference(&made).next().cloned() {
        let (home, name) = wanted;
        let place = format!("#/{home}/{name}");
        let definition = given.get(home).and_then(|all| all.get(&name));
        let mut definition = definition.cloned().unwrap_or_default();
        walk.schema(&mut definition, &place, 0)?;
        if let Some(root) = root.as_object_mut()
            && let Value::Object(all) = root.entry(home).or_insert_with(|| json!({}))
        {
            all.insert(name.clone(), definition);
        }
        made.insert((home, name));
    }
    Ok(root)
}

/// The schema a local reference leads to, or `None` where it leads nowhere.
pub(super) fn resolve<'r>(root: &'r Value, reference: &str) -> Option<&'r Value> {
    let path = percent_decode_str(reference.strip_prefix('#')?)
        .decode_utf8()
        .ok()?;
    root.pointer(&path)
}

/// The definition that a reference names, where it leads to a whole one.
fn definition(reference: &str) -> Option<(&'static str, String)> {
    let path = percent_decode_str(reference.strip_prefix("#/")?)
        .decode_utf8()
        .ok()?;
    let (home, name) = path.split_once('/')?;
    let home = DEFINITIONS.into_iter().find(|known| *known == home)?;
    (!name.contains('/')).then(|| (home, name.replace("~1", "/").replace("~0", "~")))
}

struct Walk<'r> {
    root: &'r Value,
    left: usize,
    /// The definitions that are referred to, by where they stand and their names.
    wanted: BTreeSet<(&'static str, String)>,
}

impl<'r> Walk<'r> {
    fn schema(&mut self, schema: &mut Value, place: &str, depth: usize) -> Result<(), String> {
        self.left = self.left.saturating_sub(1);
        if depth > DEEPEST || self.left == 0 {
            return Err(format!(
                "{place}: it goes on without end, or deeper than {DEEPEST}"
            ));
        }
        let Value::Object(object) = schema else {
            return Err(format!("{place}: a value of any kind"));
        };
        if let Some(target) = object.get("$ref") {
            let (reference, target) = self.target(target, place)?;
            let whole = reference == "#" || definition(reference).is_some();
            let is_alone = object
                .keys()
                .all(|name| name == "$ref" || !has_meaning(name));
            if whole && is_alone {
                self.wanted.extend(definition(reference));
                *schema = reference_with(reference, object.get("description"));
                return Ok(());
            }
            // A reference bears no company, so what it leads to is put in its place.
            let target = target.clone();
            object.remove("$ref");
            merge(object, target, place)?;
            return self.schema(schema, place, depth + 1);
        }
        if let Some(parts) = object.remove("allOf") {
            for part in list(parts, place)? {
                merge(object, self.inlined(part, place)?, place)?;
            }
            return self.schema(schema, place, depth + 1);
        }
        if let Some(keyword) = OBSTACLES.iter().find(|it| object.contains_key(**it)) {
            return Err(format!("{place}: it says {keyword:?}"));
        }
        for keyword in ["unevaluatedProperties", "unevaluatedItems"] {
            if !matches!(object.remove(keyword), None | Some(Value::Bool(_))) {
                return Err(format!("{place}: it says {keyword:?}"));
            }
        }
        if let Some(choices) = object.remove("oneOf")
            && object.insert("anyOf".to_owned(), choices).is_some()
        {
            return Err(format!("{place}: it says both \"anyOf\" and \"oneOf\""));
        }
        if let Some(choices) = object.remove("anyOf") {
            self.any_of(object, choices, place, depth)?;
        } else {
            self.plain(object, place, depth)?;
        }
        let nullable = object.get("nullable") == Some(&Value::Bool(true));
        tell(object);
        object.retain(|name, _| KEPT.contains(&name.as_str()));
        if nullable {
            make_nullable(schema);
        }
        Ok(())
    }

    fn any_of(
        &mut self,
        object: &mut Map<String, Value>,
        choices: Value,
        place: &str,
        depth: usize,
    ) -> Result<(), String> {
        // What stands beside the choices holds for each of them.
        let shared: Map<String, Value> = ["additionalProperties", "properties", "required", "type"]
            .into_iter()
            .filter_map(|name| object.remove_entry(name))
            .collect();
        let mut made = Vec::new();
        for (index, mut choice) in list(choices, place)?.into_iter().enumerate() {
            let place = format!("{place}/anyOf/{index}");
            if !shared.is_empty() {
                let mut whole = self.inlined(choice, &place)?;
                merge(&mut whole, shared.clone(), &place)?;
                choice = Value::Object(whole);
            }
            self.schema(&mut choice, &place, depth + 1)?;
            made.push(choice);
        }
        if made.is_empty() {
            return Err(format!("{place}: a choice among none"));
        }
        object.insert("anyOf".to_owned(), Value::Array(made));
        Ok(())
    }

    fn plain(
        &mut self,
        object: &mut Map<String, Value>,
        place: &str,
        depth: usize,
    ) -> Result<(), String> {
        if !object.contains_key("type") {
            let kind = if object.contains_key("properties") {
                json!("object")
            } else if object.contains_key("items") {
                json!("array")
            } else if let Some(kind) = kind_of_values(object) {
                kind
            } else {
                return Err(format!("{place}: a value of any kind"));
            };
            object.insert("type".to_owned(), kind);
        }
        if is_of(object, "object") {
            self.object(object, place, depth)?;
        } else {
            // Of what is no object they say nothing, and strict modes read them all the same.
            for keyword in ["additionalProperties", "properties", "required"] {
                object.remove(keyword);
            }
        }
        if is_of(object, "array") {
            let place = format!("{place}/items");
            match object.get_mut("items") {
                Some(items) => self.schema(items, &place, depth + 1)?,
                None => return Err(format!("{place}: a list of anything")),
            }
        } else {
            object.remove("items");
        }
        Ok(())
    }

    fn object(
        &mut self,
        object: &mut Map<String, Value>,
        place: &str,
        depth: usize,
    ) -> Result<(), String> {
        match object.insert("additionalProperties".to_owned(), Value::Bool(false)) {
            Some(Value::Object(values)) if !values.is_empty() => {
                return Err(format!("{place}: a map with any keys"));
            }
            Some(Value::Bool(false)) => {
                object
                    .entry("properties")
                    .or_insert_with(|| Value::Object(Map::new()));
            }
            _ => {}
        }
        let required: BTreeSet<String> = match object.get("required") {
            Some(Value::Array(names)) => names
                .iter()
                .filter_map(|name| name.as_str().map(str::to_owned))
                .collect(),
            _ => BTreeSet::new(),
        };
        let Some(Value::Object(properties)) = object.get_mut("properties") else {
            return Err(format!("{place}: an object with any fields"));
        };
        for (name, property) in &mut *properties {
            self.schema(property, &format!("{place}/properties/{name}"), depth + 1)?;
            if !required.contains(name) {
                make_nullable(property);
            }
        }
        let all = properties.keys().map(String::as_str).collect();
        object.insert("required".to_owned(), all);
        Ok(())
    }

    /// A reference as text, and the object that it leads to.
    fn target<'v>(
        &self,
        reference: &'v Value,
        place: &str,
    ) -> Result<(&'v str, &'r Map<String, Value>), String> {
        let nowhere = || format!("{place}: its \"$ref\" leads to no schema in here");
        let reference = reference.as_str().ok_or_else(nowhere)?;
        match resolve(self.root, reference) {
            Some(Value::Object(target)) => Ok((reference, target)),
            _ => Err(nowhere()),
        }
    }

    /// A part as an object of its own, without a reference at its top.
    fn inlined(&self, part: Value, place: &str) -> Result<Map<String, Value>, String> {
        let Value::Object(mut part) = part else {
            return Err(format!("{place}: a value of any kind"));
        };
        // Each turn leads on to another schema, or round in a circle.
        for _ in 0..DEEPEST {
            let Some(reference) = part.remove("$ref") else {
                return Ok(part);
            };
            let target = self.target(&reference, place)?.1.clone();
            merge(&mut part, target, place)?;
        }
        Err(format!("{place}: it goes on without end"))
    }
}

/// Puts `other` into `into`, where both hold at once.
fn merge(
    into: &mut Map<String, Value>,
    other: Map<String, Value>,
    place: &str,
) -> Result<(), String> {
    for (name, value) in other {
        let Some(known) = into.get_mut(&name) else {
            into.insert(name, value);
            continue;
        };
        match (name.as_str(), known, value) {
            (_, known, value) if *known == value => {}
            ("properties", Value::Object(known), Value::Object(more)) => {
                for (property, schema) in more {
                    if known
                        .insert(property.clone(), schema.clone())
                        .is_some_and(|before| before != schema)
                    {
                        return Err(format!("{place}: it says two things of {property:?}"));
                    }
                }
            }
            ("required", Value::Array(known), Value::Array(more)) => known.extend(more),
            ("additionalProperties", known, value) if known.is_boolean() && value.is_boolean() => {
                *known = Value::Bool(false);
            }
            // The outer one knows more of what the value is for.
            (annotation, ..) if !has_meaning(annotation) => {}
            _ => return Err(format!("{place}: it says two things of {name:?}")),
        }
    }
    Ok(())
}

/// Whether a keyword says which values are allowed, as far as anybody can tell.
fn has_meaning(keyword: &str) -> bool {
    let annotations = [
        "$comment",
        "$defs",
        "$id",
        "$schema",
        "default",
        "definitions",
        "deprecated",
        "description",
        "example",
        "examples",
        "readOnly",
        "title",
        "writeOnly",
    ];
    !annotations.contains(&keyword)
}

fn reference_with(reference: &str, description: Option<&Value>) -> Value {
    match description {
        Some(description) => json!({"anyOf": [{"$ref": reference}], "description": description}),
        None => json!({"$ref": reference}),
    }
}

fn list(value: Value, place: &str) -> Result<Vec<Value>, String> {
    match value {
        Value::Array(items) => Ok(items),
        _ => Err(format!("{place}: no list where one belongs")),
    }
}

fn is_of(object: &Map<String, Value>, kind: &str) -> bool {
    match object.get("type") {
        Some(Value::String(only)) => only == kind,
        Some(Value::Array(kinds)) => kinds.iter().any(|one| one == kind),
        _ => false,
    }
}

/// The type of what `enum` or `const` lists.
fn kind_of_values(object: &Map<String, Value>) -> Option<Value> {
    let values = match (object.get("enum"), object.get("const")) {
        (Some(Value::Array(values)), _) => values.as_slice(),
        (_, Some(value)) => std::slice::from_ref(value),
        _ => return None,
    };
    let kinds: BTreeSet<&str> = values
        .iter()
        .map(|value| match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_f64() => "number",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        })
        .collect();
    let mut several = kinds.iter();
    match (several.next(), several.next()) {
        (Some(only), None) if !matches!(*only, "array" | "object") => Some(json!(only)),
        (Some(_), Some(_)) if !kinds.contains("array") && !kinds.contains("object") => {
            Some(json!(kinds))
        }
        _ => None,
    }
}

/// Says in the description what strict modes do not know.
fn tell(object: &mut Map<String, Value>) {
    let mut told = Vec::new();
    for keyword in TOLD {
        if let Some(value) = object.remove(keyword) {
            told.push(format!("{keyword}: {value}"));
        }
    }
    let format = object.get("format").and_then(Value::as_str);
    if !format.is_some_and(|format| FORMATS.contains(&format)) || !is_of(object, "string") {
        let format = object.remove("format");
        // Formats of numbers say how a program stores them.
        if let Some(format) = format.filter(|_| is_of(object, "string")) {
            told.push(format!("format: {format}"));
        }
    }
    if told.is_empty() {
        return;
    }
    let told = told.join("; ");
    let description = match object.get("description").and_then(Value::as_str) {
        Some(description) => format!("{description}\n\n{told}"),
        None => told,
    };
    object.insert("description".to_owned(), Value::String(description));
}

/// Lets a schema in strict form allow null as well.
fn make_nullable(schema: &mut Value) {
    let null = json!({"type": "null"});
    let Value::Object(object) = schema else {
        return;
    };
    if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
        if !choices.iter().any(allows_null) {
            choices.push(null);
        }
        return;
    }
    if allows_null(schema) {
        return;
    }
    let Value::Object(object) = schema else {
        return;
    };
    if object.contains_key("$ref") || object.contains_key("const") {
        let description = object.remove("description");
        let mut choice = Map::new();
        let either = vec![Value::Object(std::mem::take(object)), null];
        choice.insert("anyOf".to_owned(), Value::Array(either));
        choice.extend(description.map(|text| ("description".to_owned(), text)));
        *schema = Value::Object(choice);
        return;
    }
    if let Some(Value::Array(values)) = object.get_mut("enum") {
        values.push(Value::Null);
    }
    match object.get_mut("type") {
        Some(Value::Array(kinds)) => kinds.push(json!("null")),
        Some(kind) => *kind = json!([kind, "null"]),
        None => {}
    }
}

fn allows_null(schema: &Value) -> bool {
    schema
        .as_object()
        .is_some_and(|object| match object.get("enum") {
            Some(Value::Array(values)) => values.contains(&Value::Null),
            _ => is_of(object, "null"),
        })
}
