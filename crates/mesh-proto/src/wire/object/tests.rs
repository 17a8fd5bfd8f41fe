//! An object that is declared here, with a field of each kind: each is sent, read, kept and shown,
//! because it was declared.

#![allow(
    unreachable_pub,
    reason = "the declared types are as public as real ones"
)]

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::body::Splice;
use crate::image::Image;
use crate::wire::{Above, Manner, Ranged, Streamed, Wire, Written, count, lenient};

wire_object! {
    /// A question.
    #[derive(Clone, Default, PartialEq)]
    pub struct Question without "object" then Self::settle as request {
        /// The model's id.
        pub model: Option<String> [before_stream],
        /// Has a range.
        pub heat: Option<f64> in (0.0..=2.0),
        /// Has a range and another name.
        pub tokens: Option<u32> = "max_tokens" in (1..),
        /// Has a range and a reader.
        pub delay: Option<f64> in (Above(0.0)) => lenient,
        /// Has a lenient reader.
        pub created: Option<u64> => count,
        /// Is written if it is empty, too.
        pub tags: Vec<String> [always],
        /// Is shown by its names.
        pub slots: BTreeMap<String, String> [private],
        /// Is shown by an excerpt.
        pub secret: String [private],
        /// Has no setter.
        pub user: Option<String> [own_setter],
    }
    last {
        /// Has images in it.
        pub images: Vec<Image> = "pictures" <= Wire::write,
    }
    beside {
        /// Is no part of the object.
        pub note: u64,
    }
}

wire_object! {
    /// A part without which there is no object.
    #[derive(Clone, Default, PartialEq)]
    struct Named {
        name: String [required],
    }
}

impl Question {
    fn settle(&mut self) {
        if self.user.as_deref() == Some("") {
            self.user = None;
        }
    }
}

fn image() -> Image {
    Image::from_url("data:image/png;base64,iVBORw0KGgo=").unwrap()
}

fn question() -> Question {
    let mut question = Question::default()
        .model("m")
        .heat(0.5)
        .tokens(3)
        .delay(1.5)
        .created(7_u64);
    question.tags.push("tag".to_owned());
    question
        .slots
        .insert("slot".to_owned(), "hidden".to_owned());
    question.secret = format!("<html><title>said</title>{}</html>", "x".repeat(2000));
    question.user = Some("u".to_owned());
    question.images.push(image());
    question
        .extra
        .insert("unknown".to_owned(), json!({"a": [null]}));
    question
}

fn names(value: &str) -> Vec<String> {
    use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

    struct Names(Vec<String>);

    impl<'de> Deserialize<'de> for Names {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(Self(Vec::new()))
        }
    }

    impl<'de> Visitor<'de> for Names {
        type Value = Self;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<Self, A::Error> {
            while let Some((name, _)) = fields.next_entry::<String, IgnoredAny>()? {
                self.0.push(name);
            }
            Ok(self)
        }
    }

    serde_json::from_str::<Names>(value).unwrap().0
}

#[test]
fn every_declared_field_is_sent_in_the_order_of_the_declaration() {
    let text = serde_json::to_string(&question()).unwrap();
    let expected = [
        "model",
        "heat",
        "max_tokens",
        "delay",
        "created",
        "tags",
        "slots",
        "secret",
        "user",
        "unknown",
        "pictures",
    ];
    assert_eq!(names(&text), expected);
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&value["heat"], &value["max_tokens"]),
        (&json!(0.5), &json!(3))
    );
    assert_eq!(
        serde_json::to_string(&Question::default()).unwrap(),
        r#"{"tags":[],"secret":""}"#
    );
}

#[test]
fn every_declared_field_is_read_and_an_unknown_one_is_kept() {
    let sent = question();
    let text = serde_json::to_string(&sent).unwrap();
    let read: Question = serde_json::from_str(&text).unwrap();
    assert!(read == sent, "{read:?}");
    assert_eq!(read.extra["unknown"], json!({"a": [null]}));
    assert_eq!(serde_json::to_string(&read).unwrap(), text);

    let odd = r#"{"object":{},"created":"12","delay":[],"heat":1,"heat":2,"user":"","note":5}"#;
    let read: Question = serde_json::from_str(odd).unwrap();
    assert_eq!((read.created, read.delay), (Some(12), None));
    assert_eq!((read.heat, read.user, read.note), (Some(2.0), None, 0));
    assert_eq!(read.extra.keys().collect::<Vec<_>>(), ["note"]);

    assert_eq!(
        serde_json::from_str::<Named>(r#"{"name":"n"}"#)
            .unwrap()
            .name,
        "n"
    );
    let error = serde_json::from_str::<Named>("{}").unwrap_err();
    assert!(
        error.to_string().starts_with("missing field `name`"),
        "{error}"
    );
}

#[test]
fn every_field_that_says_something_is_shown_without_private_text() {
    let shown = format!("{:?}", question());
    for name in [
        "model", "heat", "tokens", "delay", "created", "tags", "slots", "secret", "user", "extra",
        "images", "note",
    ] {
        assert!(shown.contains(&format!(" {name}: ")), "{name} in {shown}");
    }
    assert!(!shown.contains("hidden"), "{shown}");
    assert!(
        shown.contains("slot") && shown.contains("unknown"),
        "{shown}"
    );
    assert!(shown.len() < 1000, "{shown}");
    let silent = format!("{:?}", Question::default());
    assert_eq!(silent, "Question { secret: \"\", note: 0 }");
}

#[test]
fn a_field_of_extra_does_not_repeat_a_declared_one() {
    let mut question = question();
    for name in ["heat", "max_tokens", "pictures", "stream", "later"] {
        question.extra.insert(name.to_owned(), json!("again"));
    }
    let text = serde_json::to_string(&question).unwrap();
    let mut once = names(&text);
    assert!(!once.contains(&"stream".to_owned()));
    assert!(once.contains(&"later".to_owned()));
    let all = once.len();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), all, "{text}");
    // What is not set in its own place may stand in `extra`.
    question.heat = None;
    let value = serde_json::to_value(&question).unwrap();
    assert_eq!(value["heat"], "again");
}

#[test]
fn a_request_for_a_stream_says_so_after_its_first_field() {
    let splice = Splice::new();
    let question = question();
    let body = splice
        .body(&Written(&Streamed(&question), Manner::spliced(&splice)))
        .unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut body.reader(), &mut text).unwrap();
    let plain = serde_json::to_string(&question).unwrap();
    assert_eq!(text, plain.replacen("\"m\",", "\"m\",\"stream\":true,", 1));
}

#[test]
fn a_number_outside_its_range_is_named_with_its_place() {
    assert!(question().check_ranges("").is_ok());
    for (question, expected) in [
        (
            Question::default().heat(2.5),
            "in.heat: 2.5 is not between 0 and 2",
        ),
        (
            Question::default().heat(f64::NAN),
            "in.heat: NaN is not between 0 and 2",
        ),
        (
            Question::default().tokens(0),
            "in.max_tokens: 0 is not at least 1",
        ),
        (
            Question::default().delay(0.0),
            "in.delay: 0 is not a number above 0",
        ),
        (
            Question::default().delay(f64::INFINITY),
            "in.delay: inf is not a number above 0",
        ),
    ] {
        let error = question.check_ranges("in.").unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}
