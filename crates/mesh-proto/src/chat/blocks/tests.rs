//! What becomes of pieces of reasoning.

use serde_json::json;

use super::*;

fn appended(lists: &[Value]) -> Value {
    let mut blocks = Vec::new();
    let mut weight = Weight::default();
    for list in lists {
        append(&mut blocks, list, &mut weight);
    }
    Value::Array(blocks)
}

#[test]
fn the_pieces_of_a_block_become_one_with_its_signature() {
    let text =
        |text: &str| json!([{"type": "reasoning.text", "format": "f", "index": 0, "text": text}]);
    let signed = json!([{"type": "reasoning.text", "format": "f", "index": 0, "signature": "SIG"}]);
    let whole = json!({"type": "reasoning.text", "format": "f", "index": 0, "text": "ab", "signature": "SIG"});
    assert_eq!(
        appended(&[text("a"), text("b"), signed.clone()]),
        json!([whole])
    );
    let null = json!([{"type": "reasoning.text", "format": null, "index": 0, "text": null, "signature": "SIG", "id": null}]);
    let mut with_id = whole.clone();
    with_id["id"] = Value::Null;
    assert_eq!(appended(&[text("a"), text("b"), null]), json!([with_id]));
    // A signature without a type, without a list.
    let bare = json!({"index": 0, "signature": "SIG"});
    assert_eq!(appended(&[text("a"), text("b"), bare]), json!([whole]));

    let thinking = |text: &str, signature: &str| json!([{"type": "thinking", "thinking": text, "signature": signature}]);
    assert_eq!(
        appended(&[thinking("a", ""), thinking("b", ""), thinking("", "SIG")]),
        json!([{"type": "thinking", "thinking": "ab", "signature": "SIG"}])
    );
    let summary = |text: &str| json!([{"type": "reasoning.summary", "index": 0, "summary": text}]);
    assert_eq!(
        appended(&[summary("a"), summary("b")]),
        json!([{"type": "reasoning.summary", "index": 0, "summary": "ab"}])
    );
    // Blocks that take turns.
    let of =
        |index: u64, text: &str| json!({"type": "reasoning.text", "index": index, "text": text});
    assert_eq!(
        appended(&[
            json!([of(0, "a"), of(1, "x")]),
            json!([of(1, "y"), of(0, "b")])
        ]),
        json!([of(0, "ab"), of(1, "xy")])
    );
}

#[test]
fn blocks_of_another_kind_index_or_id_and_behind_a_signature_stay_apart() {
    for (first, second) in [
        (
            json!({"type": "reasoning.text", "index": 0, "text": "a"}),
            json!({"type": "reasoning.text", "index": 1, "text": "b"}),
        ),
        (
            json!({"type": "reasoning.summary", "index": 0, "summary": "a"}),
            json!({"type": "reasoning.text", "index": 0, "text": "b"}),
        ),
        (
            json!({"type": "reasoning.text", "index": 0, "text": "a", "signature": "S"}),
            json!({"type": "reasoning.text", "index": 0, "text": "b"}),
        ),
        (
            json!({"type": "reasoning.text", "id": "x", "text": "a"}),
            json!({"type": "reasoning.text", "id": "y", "text": "b"}),
        ),
        (
            json!({"type": "reasoning.text", "format": "x", "text": "a"}),
            json!({"type": "reasoning.text", "format": "y", "text": "b"}),
        ),
        (
            json!({"type": "thinking", "thinking": "a", "signature": "S"}),
            json!({"type": "thinking", "thinking": "b", "signature": ""}),
        ),
        (
            json!({"type": "redacted_thinking", "data": "a"}),
            json!({"type": "redacted_thinking", "data": "b"}),
        ),
        (
            json!({"type": "thinking", "thinking": "a"}),
            json!({"type": "redacted_thinking", "data": "b"}),
        ),
        (
            json!({"type": "reasoning.encrypted", "index": 0, "data": "a"}),
            json!({"type": "reasoning.encrypted", "index": 0, "data": "b"}),
        ),
        (
            json!({"type": "reasoning.summary", "index": 0, "summary": "a"}),
            json!({"type": "reasoning.encrypted", "index": 0, "data": "b"}),
        ),
        (
            json!({"type": "reasoning.encrypted", "index": 0, "data": "a"}),
            json!({"type": "reasoning.summary", "index": 0, "summary": "b"}),
        ),
        (json!("a"), json!("b")),
    ] {
        let apart = json!([first, second]);
        assert_eq!(appended(&[json!([first]), json!([second])]), apart);
        assert_eq!(appended(std::slice::from_ref(&apart)), apart);
    }
    // Without an index, blocks of one list are blocks of their own.
    let two = json!([{"type": "thinking", "thinking": "a"}, {"type": "thinking", "thinking": "b"}]);
    assert_eq!(appended(std::slice::from_ref(&two)), two);
}

#[test]
fn a_list_of_texts_within_a_block_goes_on() {
    let mut block = json!({"type": "thinking", "thinking": [{"type": "text", "text": "a"}]});
    let piece = json!({"type": "thinking", "thinking": [{"type": "text", "text": "b"}, {"type": "reference", "ids": [1]}]});
    let mut weight = Weight::default();
    for _ in 0..2 {
        merge(
            block.as_object_mut().unwrap(),
            piece.as_object().unwrap(),
            &mut weight,
        );
    }
    assert_eq!(
        block["thinking"],
        json!([
            {"type": "text", "text": "ab"}, {"type": "reference", "ids": [1]},
            {"type": "text", "text": "b"}, {"type": "reference", "ids": [1]}
        ])
    );
}
