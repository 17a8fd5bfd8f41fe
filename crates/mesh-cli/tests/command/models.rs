//! `mesh models`: which models see and draw.

use mesh_conformance::{Act, Exchange, ScriptedServer};
use serde_json::json;

use crate::answers::{document, server};
use crate::running::{Ran, offline, run, speaking_to};

fn ids(ran: &Ran) -> Vec<&str> {
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.stdout
        .lines()
        .map(|line| line.split('\t').next().unwrap())
        .collect()
}

fn catalogue() -> serde_json::Value {
    let model = |id: &str, takes: &[&str], gives: &[&str]| json!({"id": id, "input_modalities": takes, "output_modalities": gives});
    json!([
        model("a/writer", &["text"], &["text"]),
        model("b/seer", &["text", "image"], &["text"]),
        model("c/painter", &["text"], &["image"]),
        model("d/both", &["image"], &["image", "text"]),
        {"id": "e/unknown"},
    ])
}

#[test]
fn models_are_listed_one_a_line_with_the_id_first() {
    let server = server(document(&catalogue()));
    let ran = run(speaking_to(&server).arg("models"));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(
        ran.stdout,
        "a/writer\ttext\ttext\nb/seer\ttext+image\ttext\nc/painter\ttext\timage\nd/both\timage\timage+text\ne/unknown\t?\t?\n"
    );
    assert_eq!(ran.stderr, "");
}

#[test]
fn the_filters_keep_the_models_that_are_known_to_see_or_draw() {
    for (filters, kept) in [
        (&["--sees"][..], &["b/seer", "d/both"][..]),
        (&["--draws"], &["c/painter", "d/both"]),
        (&["--sees", "--draws"], &["d/both"]),
    ] {
        let server = server(document(&catalogue()));
        let ran = run(speaking_to(&server).arg("models").args(filters));
        assert_eq!(ids(&ran), kept);
    }
}

#[test]
fn where_none_is_known_to_see_those_that_do_not_say_are_counted() {
    let silent = json!([{"id": "a/b"}, {"id": "c/d"}, {"id": "e/f", "input_modalities": ["text"]}]);
    for filters in [&["--sees"][..], &["--sees", "--draws"]] {
        let server = server(document(&silent));
        let ran = run(speaking_to(&server).arg("models").args(filters));
        assert_eq!(ids(&ran), [""; 0]);
        assert!(ran.line().contains("2 of 3 models do not say"), "{ran:?}");
    }
    let known = json!([{"id": "a/b", "input_modalities": ["text"]}]);
    for (models, filters) in [(&known, &["--sees"][..]), (&json!([]), &["--draws"])] {
        let server = server(document(models));
        let ran = run(speaking_to(&server).arg("models").args(filters));
        assert_eq!((ids(&ran).len(), ran.stderr.as_str()), (0, ""));
    }
}

#[test]
fn what_a_model_takes_and_gives_is_read_from_its_architecture_too() {
    let listed = json!({"input_modalities": ["text", "image"], "output_modalities": ["text"]});
    let models = json!({"data": [
        {"id": "a/lists", "architecture": listed},
        {"id": "b/text", "architecture": {"modality": "text+image->text"}},
        {"id": "c/blind", "architecture": {"modality": "text->text"}},
    ]});
    let server = server(document(&models));
    let ran = run(speaking_to(&server).args(["models", "--sees"]));
    assert_eq!(
        ran.stdout,
        "a/lists\ttext+image\ttext\nb/text\ttext+image\ttext\n"
    );
}

#[test]
fn a_list_of_nothing_beside_an_error_is_the_error() {
    let body = json!({"data": [], "error": {"code": "unauthorized", "message": "Whose key?"}});
    let server = server(document(&body));
    let ran = run(speaking_to(&server).arg("models"));
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), ""), "{ran:?}");
    assert!(ran.line().contains("Whose key?"), "{ran:?}");
}

#[test]
fn the_emulator_has_models_of_every_kind() {
    let all = run(offline().arg("models"));
    let sees = run(offline().args(["models", "--sees"]));
    let draws = run(offline().args(["models", "--draws"]));
    let (all, sees, draws) = (ids(&all), ids(&sees), ids(&draws));
    assert!(all.len() >= 12, "{all:?}");
    assert!(
        sees.contains(&"openai/gpt-4o-mini") && sees.contains(&"openai/gpt-4o"),
        "{sees:?}"
    );
    assert!(draws.contains(&"openai/gpt-image-1"), "{draws:?}");
    assert!(!draws.contains(&"openai/gpt-4o-mini"), "{draws:?}");
    assert!(sees.iter().chain(&draws).all(|id| all.contains(id)));
    assert!(sees.len() < all.len() && draws.len() < all.len());
}

#[test]
fn a_row_that_is_no_model_is_told_and_hides_no_other() {
    let server = server(document(&json!([{"id": "a/b"}, "nonsense", {"id": "c/d"}])));
    let ran = run(speaking_to(&server).arg("models"));
    assert_eq!(ids(&ran), ["a/b", "c/d"]);
    assert!(ran.line().contains("no model"), "{ran:?}");
}

#[test]
fn a_second_try_says_what_failed_and_not_the_status_of_a_success() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n[";
    let cut = Exchange::new([Act::Raw(head.into()), Act::Close]);
    let server = ScriptedServer::start([cut, document(&catalogue())]);
    let ran = run(speaking_to(&server).arg("models"));
    assert_eq!(ids(&ran).len(), 5);
    let line = ran.line();
    assert!(
        line.contains("attempt 1 failed (the connection was lost); trying again"),
        "{line}"
    );
}
