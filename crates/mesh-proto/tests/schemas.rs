//! Schemas as they are sent: what strict modes take, and what keeps a schema from them.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says when it fails"
)]

use mesh_proto::chat::ResponseFormat;
use mesh_proto::structured::Schema;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn strict(schema: Value) -> Value {
    let made = Schema::new("s", schema);
    assert_eq!(made.obstacle(), None);
    made.as_json().clone()
}

/// A property as it is sent, `required` among its siblings or not.
fn property(schema: &Value, required: bool) -> Value {
    let required = if required { json!(["p"]) } else { json!([]) };
    let whole = json!({"type": "object", "properties": {"p": schema}, "required": required});
    let made = strict(whole);
    assert_eq!(made["required"], json!(["p"]));
    made["properties"]["p"].clone()
}

#[test]
fn every_object_is_closed_and_every_property_required() {
    let made = strict(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "House",
        "description": "A house.",
        "properties": {
            "rooms": {"type": "array", "items": {"$ref": "#/$defs/Room"}, "minItems": 1},
            "garden": {"$ref": "#/$defs/Garden", "description": "If any."},
        },
        "required": ["rooms", "gone"],
        "additionalProperties": true,
        "$defs": {
            "Room": {
                "type": "object",
                "properties": {"size": {"type": "integer", "format": "uint32", "minimum": 0}},
            },
            "Garden": {"type": "object", "properties": {}, "additionalProperties": false},
            "Unused": {"type": "object"},
        },
    }));
    assert_eq!(
        made,
        json!({
            "type": "object",
            "description": "A house.",
            "properties": {
                "rooms": {"type": "array", "items": {"$ref": "#/$defs/Room"}, "minItems": 1},
                "garden": {
                    "anyOf": [{"$ref": "#/$defs/Garden"}, {"type": "null"}],
                    "description": "If any.",
                },
            },
            "required": ["garden", "rooms"],
            "additionalProperties": false,
            "$defs": {
                "Room": {
                    "type": "object",
                    "properties": {"size": {"type": ["integer", "null"], "minimum": 0}},
                    "required": ["size"],
                    "additionalProperties": false,
                },
                "Garden": {
                    "type": "object",
                    "properties": {},
                    "required": [],
                    "additionalProperties": false,
                },
            },
        })
    );
}

#[test]
fn what_is_optional_may_be_null() {
    for (schema, expected) in [
        (
            json!({"type": "string"}),
            json!({"type": ["string", "null"]}),
        ),
        (
            json!({"type": ["string", "null"]}),
            json!({"type": ["string", "null"]}),
        ),
        (
            json!({"enum": ["a", "b"]}),
            json!({"type": ["string", "null"], "enum": ["a", "b", null]}),
        ),
        (
            json!({"const": "a", "description": "d"}),
            json!({"anyOf": [{"type": "string", "const": "a"}, {"type": "null"}], "description": "d"}),
        ),
        (
            json!({"oneOf": [{"type": "string"}, {"type": "integer"}]}),
            json!({"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]}),
        ),
        (
            json!({"anyOf": [{"type": "string"}, {"type": "null"}], "default": null}),
            json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ),
        (
            json!({"$ref": "#"}),
            json!({"anyOf": [{"$ref": "#"}, {"type": "null"}]}),
        ),
    ] {
        assert_eq!(property(&schema, false), expected, "{schema}");
    }
    let nullable = json!({"type": "string", "nullable": true});
    assert_eq!(
        property(&nullable, true),
        json!({"type": ["string", "null"]})
    );
}

#[test]
fn limits_that_strict_modes_do_not_know_are_told_in_words() {
    for (schema, expected) in [
        (
            json!({"type": "string", "minLength": 2, "pattern": "^a", "title": "T", "x-own": 1}),
            json!({"type": "string", "pattern": "^a", "description": "minLength: 2"}),
        ),
        (
            json!({"type": "string", "format": "uri", "description": "Where."}),
            json!({"type": "string", "description": "Where.\n\nformat: \"uri\""}),
        ),
        (
            json!({"type": "string", "format": "date-time"}),
            json!({"type": "string", "format": "date-time"}),
        ),
        (
            json!({"type": "number", "format": "double", "multipleOf": 0.5}),
            json!({"type": "number", "multipleOf": 0.5}),
        ),
        (
            json!({"type": "array", "items": {"type": "string"}, "uniqueItems": true}),
            json!({"type": "array", "items": {"type": "string"}, "description": "uniqueItems: true"}),
        ),
    ] {
        assert_eq!(property(&schema, true), expected, "{schema}");
    }
}

#[test]
fn parts_that_hold_together_become_one() {
    let of_both = json!({
        "type": "object",
        "properties": {"a": {"type": "string"}, "kind": {"const": "k"}},
        "required": ["a", "kind"],
        "additionalProperties": false,
    });
    let closed = |schema: Value| {
        let mut made = strict(schema);
        made["properties"]["kind"]
            .as_object_mut()
            .unwrap()
            .remove("type");
        made.as_object_mut().unwrap().remove("$defs");
        made
    };
    let a = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]});
    let kind =
        json!({"type": "object", "properties": {"kind": {"const": "k"}}, "required": ["kind"]});
    assert_eq!(closed(json!({"allOf": [a, kind]})), of_both);
    // As an internally tagged variant has it.
    let mut with_company = kind.clone();
    with_company["$ref"] = json!("#/$defs/A");
    with_company["$defs"] = json!({"A": a});
    assert_eq!(closed(with_company), of_both);
    // As a flattened enum has it.
    let mut beside = kind.clone();
    beside["oneOf"] = json!([a]);
    let made = Schema::new("s", beside);
    assert_eq!(made.obstacle(), None);
    let inner = &made.as_json()["properties"]["value"]["anyOf"][0];
    assert_eq!(inner["required"], json!(["a", "kind"]));
}

#[test]
fn what_is_no_object_stands_in_one() {
    let made = strict(json!({
        "type": "array",
        "items": {"anyOf": [{"$ref": "#"}, {"$ref": "#/$defs/N"}]},
        "$defs": {"N": {"type": "integer"}},
    }));
    assert_eq!(
        made,
        json!({
            "type": "object",
            "properties": {"value": {
                "type": "array",
                "items": {"anyOf": [{"$ref": "#/properties/value"}, {"$ref": "#/$defs/N"}]},
            }},
            "required": ["value"],
            "additionalProperties": false,
            "$defs": {"N": {"type": "integer"}},
        })
    );
    // A reference at the top is looked through.
    let made = strict(json!({
        "$ref": "#/$defs/Node",
        "$defs": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}},
    }));
    assert_eq!(made["type"], "object");
    assert_eq!(
        made["properties"]["next"]["anyOf"][0]["$ref"],
        "#/$defs/Node"
    );
    assert_eq!(made["$defs"]["Node"]["required"], json!(["next"]));
}

#[test]
fn what_cannot_be_strict_is_sent_as_it_is_and_says_why() {
    let object = |property: Value| json!({"type": "object", "properties": {"p": property}});
    for (schema, place) in [
        (
            object(json!({"type": "object", "additionalProperties": {"type": "string"}})),
            "#/properties/p: a map",
        ),
        (
            object(json!({"type": "object"})),
            "#/properties/p: an object with any fields",
        ),
        (object(json!({})), "#/properties/p: a value of any kind"),
        (object(json!(true)), "#/properties/p: a value of any kind"),
        (
            object(json!({"type": "array"})),
            "#/properties/p/items: a list of anything",
        ),
        (
            object(json!({"type": "array", "prefixItems": [{"type": "string"}]})),
            "#/properties/p: it says \"prefixItems\"",
        ),
        (
            object(json!({"not": {"type": "string"}})),
            "#/properties/p: it says \"not\"",
        ),
        (
            object(json!({"$ref": "https://example.com/s"})),
            "#/properties/p: its \"$ref\"",
        ),
        (
            object(json!({"$ref": "#/$defs/Gone"})),
            "#/properties/p: its \"$ref\"",
        ),
        (
            object(json!({"anyOf": []})),
            "#/properties/p: a choice among none",
        ),
        (
            object(json!({"allOf": [{"type": "string"}, {"type": "integer"}]})),
            "#/properties/p: it says two things of \"type\"",
        ),
        // A circle that inlining never gets out of.
        (
            object(json!({"$ref": "#/properties/p", "minimum": 1})),
            "#/properties/p: ",
        ),
    ] {
        let made = Schema::new("s", schema.clone());
        let obstacle = made.obstacle().unwrap();
        assert!(obstacle.starts_with(place), "{obstacle}");
        assert_eq!(made.as_json(), &schema);
        let ResponseFormat::JsonSchema { strict, .. } = ResponseFormat::from(&made) else {
            panic!("a schema");
        };
        assert_eq!(strict, None);
    }
}

#[test]
fn a_schema_that_grows_with_every_step_ends() {
    // Each of thirty definitions holds the next one twice: a thousand million in all.
    let definitions: Map<String, Value> = (0..30)
        .map(|level| {
            let next = json!({"$ref": format!("#/$defs/{}", level + 1), "minProperties": 1});
            let both = json!({"type": "object", "properties": {"l": next, "r": next}});
            (level.to_string(), both)
        })
        .chain([("30".to_owned(), json!({"type": "string"}))])
        .collect();
    let made = Schema::new("s", json!({"$ref": "#/$defs/0", "$defs": definitions}));
    assert!(made.obstacle().unwrap().contains("without end"));
}

#[test]
fn names_are_what_providers_take() {
    for (name, expected) in [
        ("Meter", "Meter"),
        ("a b.c/d", "a_b_c_d"),
        ("Zähler", "Z_hler"),
        ("  ", "answer"),
        ("", "answer"),
    ] {
        assert_eq!(Schema::new(name, json!({})).name(), expected);
    }
    assert_eq!(Schema::new("x".repeat(100), json!({})).name().len(), 64);
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        prop::sample::select(vec![
            "object",
            "array",
            "string",
            "null",
            "#",
            "#/$defs/a",
            "#/properties/a",
            "#/a/b",
            "date",
            "é/~1",
        ])
        .prop_map(Value::from),
    ];
    let keyword = prop::sample::select(vec![
        "$ref",
        "$defs",
        "definitions",
        "type",
        "properties",
        "required",
        "items",
        "anyOf",
        "oneOf",
        "allOf",
        "enum",
        "const",
        "additionalProperties",
        "description",
        "default",
        "format",
        "nullable",
        "minLength",
        "unevaluatedProperties",
        "a",
        "b",
    ]);
    leaf.prop_recursive(6, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((keyword.clone(), inner), 0..6).prop_map(|fields| {
                let fields = fields
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value));
                Value::Object(fields.collect::<Map<_, _>>())
            }),
        ]
    })
}

/// Whether every object of a strict schema is closed, and every property required.
fn assert_closed(schema: &Value) {
    let kinds = schema.get("type");
    let is_object = kinds.is_some_and(|kinds| {
        kinds == "object"
            || kinds
                .as_array()
                .is_some_and(|kinds| kinds.contains(&json!("object")))
    });
    if is_object {
        assert_eq!(schema["additionalProperties"], false, "{schema}");
        let properties = schema["properties"].as_object().unwrap();
        let required: Vec<_> = schema["required"].as_array().unwrap().iter().collect();
        assert_eq!(properties.keys().collect::<Vec<_>>(), required, "{schema}");
    }
    for word in ["oneOf", "allOf", "default", "not", "nullable", "minLength"] {
        assert!(schema.get(word).is_none(), "{word} in {schema}");
    }
    let maps = ["properties", "$defs", "definitions"]
        .iter()
        .filter_map(|name| schema.get(*name)?.as_object());
    let lists = schema.get("anyOf").and_then(Value::as_array);
    let inner = maps
        .flat_map(Map::values)
        .chain(lists.into_iter().flatten());
    inner.chain(schema.get("items")).for_each(assert_closed);
}

#[test]
fn what_says_nothing_of_a_kind_is_left_out() {
    let given = json!({"type": "object", "properties": {
        "name": {"type": "string", "items": {"oneOf": null}, "properties": {"a": {"allOf": []}}, "required": ["a"]}
    }, "required": ["name"], "items": {"default": 1}});
    let made = Schema::new("s", given);
    assert!(made.is_strict(), "{:?}", made.obstacle());
    assert_eq!(
        *made.as_json(),
        json!({"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"], "additionalProperties": false})
    );
}

proptest! {
    #[test]
    fn anything_is_taken_and_what_is_strict_is_closed(schema in anything()) {
        let made = Schema::new("s", schema);
        if made.is_strict() {
            assert_closed(made.as_json());
            prop_assert_eq!(&made.as_json()["type"], "object");
        }
    }

    #[test]
    fn every_name_is_one(name: String) {
        let made = Schema::new(&name, json!({}));
        prop_assert!((1..=64).contains(&made.name().len()));
        prop_assert!(made.name().bytes().all(|it| it.is_ascii_alphanumeric() || b"_-".contains(&it)));
    }
}

#[cfg(feature = "schemars")]
mod from_types {
    use std::collections::BTreeMap;

    use schemars::JsonSchema;
    use serde::Deserialize;

    use super::*;

    /// What a picture shows.
    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code, reason = "only its schema is looked at")]
    struct Scene {
        /// In a sentence.
        summary: String,
        things: Vec<Thing>,
        light: Option<Light>,
        #[serde(default)]
        tags: Vec<String>,
        #[serde(flatten)]
        camera: Camera,
        inside: Option<Box<Scene>>,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(tag = "kind", rename_all = "snake_case")]
    #[allow(dead_code, reason = "only its schema is looked at")]
    enum Thing {
        Person { age: Option<u8> },
        Text(Text),
        Nothing,
    }

    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code, reason = "only its schema is looked at")]
    struct Text {
        words: String,
    }

    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code, reason = "only its schema is looked at")]
    enum Light {
        /// Daylight.
        Day,
        Night,
        Lamp(u32),
    }

    #[derive(Deserialize, JsonSchema)]
    #[allow(dead_code, reason = "only its schema is looked at")]
    struct Camera {
        angle: f32,
    }

    #[test]
    fn what_serde_knows_is_strict() {
        let made = Schema::of::<Scene>();
        assert_eq!((made.name(), made.obstacle()), ("Scene", None));
        assert_closed(made.as_json());
        let properties = &made.as_json()["properties"];
        assert_eq!(
            properties["summary"],
            json!({"type": "string", "description": "In a sentence."})
        );
        assert_eq!(properties["angle"], json!({"type": "number"}));
        assert_eq!(properties["tags"]["type"], json!(["array", "null"]));
        let thing = &made.as_json()["$defs"]["Thing"]["anyOf"];
        assert_eq!(thing[1]["required"], json!(["kind", "words"]));
        assert_eq!(made.as_json()["description"], "What a picture shows.");
    }

    #[test]
    fn a_list_and_a_number_stand_in_objects_and_a_map_is_not_strict() {
        let list = Schema::of::<Vec<Text>>();
        assert!(list.is_strict());
        assert_eq!(list.as_json()["properties"]["value"]["type"], "array");
        assert_eq!(list.name(), "Array_of_Text");
        assert!(Schema::of::<u8>().is_strict());
        let map = Schema::of::<BTreeMap<String, u8>>();
        assert!(map.obstacle().unwrap().contains("a map with any keys"));
        assert_eq!(map.as_json()["type"], "object");
    }
}
