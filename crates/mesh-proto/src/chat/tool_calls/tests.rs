//! Which call a piece belongs to.

use serde_json::{Value, json};

use super::*;

/// Assembles pieces, and returns id, name and arguments of each call.
fn assembled(pieces: &Value) -> Value {
    let mut calls = ToolCalls::default();
    let mut weight = Weight::default();
    for piece in pieces.as_array().unwrap() {
        let piece = serde_json::from_value(piece.clone()).unwrap();
        calls.add(&piece, &mut weight);
    }
    let calls = calls.into_calls().into_iter();
    calls
        .map(|call| json!([call.id, call.function.name, call.function.arguments]))
        .collect()
}

/// A piece; null stands for a field that is missing.
fn piece(index: Value, id: Value, name: Value, arguments: Value) -> Value {
    let mut piece = json!({"function": {}});
    for (place, value) in [("index", index), ("id", id)] {
        if !value.is_null() {
            piece[place] = value;
        }
    }
    for (place, value) in [("name", name), ("arguments", arguments)] {
        if !value.is_null() {
            piece["function"][place] = value;
        }
    }
    piece
}

macro_rules! pieces {
    ($([$index:tt, $id:tt, $name:tt, $arguments:tt]),* $(,)?) => {
        json!([$(piece(json!($index), json!($id), json!($name), json!($arguments))),*])
    };
}

#[test]
fn whole_calls_under_one_index_stay_apart() {
    let two = json!([
        ["call_a", "weather", "{\"city\": \"Oslo\"}"],
        ["call_b", "time", "{\"city\": \"Rome\"}"]
    ]);
    assert_eq!(
        assembled(&pieces![
            [0, "call_a", "weather", "{\"city\": \"Oslo\"}"],
            [0, "call_b", "time", "{\"city\": \"Rome\"}"],
        ]),
        two
    );
    // The first call is not whole yet, and pieces of both follow.
    assert_eq!(
        assembled(&pieces![
            [0, "call_a", "weather", "{\"city\""],
            [0, "call_b", "time", "{\"city\""],
            [0, "call_a", null, ": \"Oslo\"}"],
            [0, "call_b", null, ": \"Rome\"}"],
        ]),
        two
    );
    // What follows without an id belongs to the latest call of its index.
    assert_eq!(
        assembled(&pieces![
            [0, "call_a", "weather", "{\"city\": \"Oslo\"}"],
            [0, "call_b", "time", ""],
            [0, null, null, "{\"city\": "],
            [0, null, null, "\"Rome\"}"],
        ]),
        two
    );
    let without_ids = json!([
        [null, "weather", "{\"city\": \"Oslo\"}"],
        [null, "time", "{\"city\": \"Rome\"}"]
    ]);
    assert_eq!(
        assembled(&pieces![
            [null, null, "weather", "{\"city\": \"Oslo\"}"],
            [null, null, "time", "{\"city\": \"Rome\"}"],
        ]),
        without_ids
    );
    assert_eq!(
        assembled(&pieces![
            [0, null, "weather", "{\"city\": \"Oslo\"}"],
            [0, null, "time", "{\"city\": \"Rome\"}"],
        ]),
        without_ids
    );
    let twice = json!([
        [null, "weather", "{\"a\":[\"}\"]}"],
        [null, "weather", "[]"]
    ]);
    assert_eq!(
        assembled(&pieces![
            [0, null, "weather", "{\"a\":[\"}"],
            [0, null, "weather", "\"]}"],
            [0, null, "weather", "[]"],
        ]),
        twice
    );
    assert_eq!(
        assembled(&pieces![
            [null, null, "weather", "{\"a\":[\"}"],
            [null, null, "weather", "\"]}"],
            [null, "", "weather", "[]"],
        ]),
        json!([[null, "weather", "{\"a\":[\"}\"]}"], ["", "weather", "[]"]])
    );
}

#[test]
fn pieces_of_calls_under_their_own_indices_or_ids_stay_with_them() {
    let two = json!([["a", "f", "{\"x\":1}"], ["b", "g", "{\"y\":2}"]]);
    for pieces in [
        pieces![
            [0, "a", "f", "{\"x\""],
            [1, "b", "g", "{\"y\""],
            [0, null, null, ":1}"],
            [1, null, null, ":2}"],
        ],
        pieces![
            [0, "a", "f", "{\"x\""],
            [0, "a", "f", ":1}"],
            [1, "b", "g", "{\"y\""],
            [1, "b", "", ":2}"],
        ],
        pieces![
            [null, "a", "f", "{\"x\""],
            [null, "b", "g", "{\"y\""],
            [null, "a", null, ":1}"],
            [null, "b", null, ":2}"],
        ],
        pieces![
            [null, "a", "f", ""],
            [null, null, null, "{\"x\":1}"],
            [null, "b", "g", ""],
            [null, null, null, "{\"y\":2}"],
        ],
        // A piece that names its call, under the index of another one.
        pieces![
            [0, "a", "f", "{\"x\""],
            [1, "b", "g", "{\"y\""],
            [0, "b", null, ":2}"],
            [1, "a", null, ":1}"],
        ],
    ] {
        assert_eq!(assembled(&pieces), two, "{pieces}");
    }
    // Gateways that give every call one id number them.
    assert_eq!(
        assembled(&pieces![[0, "f", "f", "{}"], [1, "f", "f", "{}"]]),
        json!([["f", "f", "{}"], ["f", "f", "{}"]])
    );
    // A name in pieces.
    assert_eq!(
        assembled(&pieces![[0, "a", "wea", ""], [0, null, "ther", "{}"]]),
        json!([["a", "weather", "{}"]])
    );
}

#[test]
fn an_empty_id_is_replaced_by_a_later_one() {
    let one = json!([["call_a", "weather", "{\"city\":\"Oslo\"}"]]);
    for pieces in [
        pieces![
            [0, "", "weather", ""],
            [0, "call_a", "", "{\"city\":\"Oslo\"}"]
        ],
        pieces![
            [0, "", "weather", ""],
            [0, "call_a", "weather", "{\"city\":\"Oslo\"}"]
        ],
        pieces![
            [0, "", "weather", "{\"city\":"],
            [0, "call_a", "", "\"Oslo\"}"]
        ],
        pieces![
            [0, "", "weather", "{\"city\":\"Oslo\"}"],
            [0, "call_a", "", ""]
        ],
        pieces![
            [null, "", "weather", ""],
            [null, "call_a", null, "{\"city\":\"Oslo\"}"]
        ],
        pieces![
            [0, null, "weather", ""],
            [0, "call_a", "", "{\"city\":\"Oslo\"}"]
        ],
        pieces![
            [0, "call_a", "weather", ""],
            [0, "", "", "{\"city\":\"Oslo\"}"]
        ],
    ] {
        assert_eq!(assembled(&pieces), one, "{pieces}");
    }
    assert_eq!(
        assembled(&pieces![
            [0, "", "f", "{\"a\":1}"],
            [0, "b", "g", "{\"a\":1}"]
        ]),
        json!([["", "f", "{\"a\":1}"], ["b", "g", "{\"a\":1}"]])
    );
}

#[test]
fn an_opening_empty_object_is_dropped_once_arguments_follow() {
    let one = json!([["call_a", "weather", "{\"city\":\"Oslo\"}"]]);
    for pieces in [
        pieces![
            [0, "call_a", "weather", {}],
            [0, null, null, "{\"city\":"],
            [0, null, null, "\"Oslo\"}"]
        ],
        pieces![
            [0, "call_a", "weather", "{ }"],
            [0, null, null, "{\"city\":\"Oslo\"}"]
        ],
        pieces![
            [0, "call_a", "weather", "{}"],
            [0, "call_a", "weather", "{\"city\":\"Oslo\"}"]
        ],
        pieces![
            [null, "call_a", "weather", "{}"],
            [null, null, null, "{\"city\":\"Oslo\"}"]
        ],
    ] {
        assert_eq!(assembled(&pieces), one, "{pieces}");
    }
    for (arguments, left) in [
        (vec!["{}"], "{}"),
        (vec!["{", "}"], "{}"),
        (vec!["{}", ""], "{}"),
        (vec!["{}", "\n"], "{}\n"),
        (vec!["\"\"", "\"\""], "\"\"\"\""),
        (vec!["[]", "{}"], "[]{}"),
        // A whole that is repeated is left alone.
        (vec!["{\"a\":1}", "{\"a\":1}"], "{\"a\":1}{\"a\":1}"),
    ] {
        let pieces: Vec<_> = arguments
            .iter()
            .map(|it| piece(json!(0), json!("a"), json!("f"), json!(it)))
            .collect();
        assert_eq!(
            assembled(&json!(pieces)),
            json!([["a", "f", left]]),
            "{pieces:?}"
        );
    }
}
