//! A JSON body, read up to a number of values, so that memory follows what is read of it.

use std::cell::Cell;
use std::fmt;

use mesh_proto::error::ErrorCode;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::errors::Refused;

/// The most values of a body that are read. Each takes 32 bytes at least, and a request of a
/// thousand messages has some thousands.
pub(super) const MOST_VALUES: usize = 200_000;

/// A body, and whether it has more values than are read.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) value: Value,
    pub(super) is_cut: bool,
}

impl Document {
    /// Reads a body: 400 if it is not JSON. What is beyond [`MOST_VALUES`] is checked to be JSON and
    /// left out.
    pub(super) fn read(body: &[u8]) -> Result<Self, Refused> {
        let left = Left {
            values: Cell::new(MOST_VALUES),
            is_cut: Cell::new(false),
        };
        let mut reader = serde_json::Deserializer::from_slice(body);
        let value = left.deserialize(&mut reader).and_then(|value| {
            reader.end()?;
            Ok(value)
        });
        match value {
            Ok(value) => Ok(Self {
                value,
                is_cut: left.is_cut.get(),
            }),
            Err(error) => Err(Refused::because(
                ErrorCode::BadRequest,
                format!("The body is not JSON: {error}."),
            )),
        }
    }

    /// A document that was not read from JSON.
    pub(super) fn of(value: Value) -> Self {
        Self {
            value,
            is_cut: false,
        }
    }
}

/// How many values may still be read.
struct Left {
    values: Cell<usize>,
    is_cut: Cell<bool>,
}

impl Left {
    /// Whether another value may be read; if not, notes that there was one.
    fn has_place(&self) -> bool {
        let has_place = self.values.get() > 0;
        if !has_place {
            self.is_cut.set(true);
        }
        has_place
    }
}

impl<'de> DeserializeSeed<'de> for &Left {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.values.set(self.values.get().saturating_sub(1));
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &Left {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while self.values.get() > 0 {
            match items.next_element_seed(self)? {
                Some(item) => list.push(item),
                None => return Ok(list.into()),
            }
        }
        while items.next_element::<IgnoredAny>()?.is_some() {
            self.has_place();
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while self.values.get() > 0 {
            let Some(name) = fields.next_key::<String>()? else {
                return Ok(object.into());
            };
            let value = fields.next_value_seed(self)?;
            object.insert(name, value);
        }
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            self.has_place();
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn values_beyond_the_bound_are_left_out_and_must_be_json() {
        for (count, is_cut) in [
            (MOST_VALUES - 2, false),
            (MOST_VALUES, true),
            (1_000_000, true),
        ] {
            let body = format!("{{\"a\":[{}0]}}", "0,".repeat(count - 1));
            let document = Document::read(body.as_bytes()).unwrap();
            assert_eq!(document.is_cut, is_cut, "{count}");
            let kept = document.value["a"].as_array().unwrap().len();
            assert_eq!(kept, count.min(MOST_VALUES - 2));
            let broken = body.replace("0]}", "x]}");
            assert!(Document::read(broken.as_bytes()).is_err());
        }
        let names: Vec<String> = (0..MOST_VALUES + 5)
            .map(|it| format!("\"{it}\":{{}}"))
            .collect();
        let document = Document::read(format!("{{{}}}", names.join(",")).as_bytes()).unwrap();
        assert!(document.is_cut);
        assert_eq!(document.value.as_object().unwrap().len(), MOST_VALUES - 1);
    }

    #[test]
    fn depth_is_bounded() {
        let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(Document::read(deep(100).as_bytes()).is_ok());
        assert!(Document::read(deep(5_000_000).as_bytes()).is_err());
        assert!(Document::read(&vec![b'['; 5_000_000]).is_err());
    }

    proptest! {
        #[test]
        fn a_body_is_read_as_serde_json_reads_it(text in "[\\[\\]{}:,\"a1.e\\\\0 ntrufls-]{0,24}") {
            let expected = serde_json::from_str::<Value>(&text).ok();
            let read = Document::read(text.as_bytes()).ok().map(|it| it.value);
            prop_assert_eq!(read, expected);
        }
    }

    #[test]
    fn every_kind_of_value_is_kept() {
        let value = json!({"a": [null, true, -1, 1, 1.5, "x", u64::MAX, {"b": {}}]});
        let read = Document::read(value.to_string().as_bytes()).unwrap();
        assert_eq!(read.value, value);
    }
}
