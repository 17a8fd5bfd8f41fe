//! A value written while it is read, so that it is never whole in memory.

use std::cell::Cell;
use std::fmt;

use serde_core::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_core::ser::{Error as _, Serialize, SerializeMap, SerializeSeq, Serializer};

/// Writes what `deserializer` reads.
pub(crate) fn transcode<'de, D: Deserializer<'de>, S: Serializer>(
    deserializer: D,
    serializer: S,
) -> Result<S::Ok, D::Error> {
    deserializer.deserialize_any(Any(serializer))
}

struct Any<S>(S);

/// An error of the writer as one of the reader.
fn unwritten<E: de::Error>(error: impl fmt::Display) -> E {
    E::custom(error)
}

impl<'de, S: Serializer> Visitor<'de> for Any<S> {
    type Value = S::Ok;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<S::Ok, E> {
        self.0.serialize_unit().map_err(unwritten)
    }

    fn visit_none<E: de::Error>(self) -> Result<S::Ok, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, some: D) -> Result<S::Ok, D::Error> {
        some.deserialize_any(self)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<S::Ok, E> {
        self.0.serialize_bool(value).map_err(unwritten)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<S::Ok, E> {
        self.0.serialize_i64(value).map_err(unwritten)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<S::Ok, E> {
        self.0.serialize_u64(value).map_err(unwritten)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<S::Ok, E> {
        self.0.serialize_f64(value).map_err(unwritten)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<S::Ok, E> {
        self.0.serialize_str(text).map_err(unwritten)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<S::Ok, A::Error> {
        let mut list = self.0.serialize_seq(None).map_err(unwritten)?;
        while items.next_element_seed(Item(&mut list))?.is_some() {}
        list.end().map_err(unwritten)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<S::Ok, A::Error> {
        let mut object = self.0.serialize_map(None).map_err(unwritten)?;
        while let Some(name) = fields.next_key::<String>()? {
            object.serialize_key(&name).map_err(unwritten)?;
            fields.next_value_seed(Field(&mut object))?;
        }
        object.end().map_err(unwritten)
    }
}

struct Item<'s, S>(&'s mut S);

impl<'de, S: SerializeSeq> DeserializeSeed<'de> for Item<'_, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let item = Unread(Cell::new(Some(deserializer)));
        self.0.serialize_element(&item).map_err(unwritten)
    }
}

struct Field<'s, S>(&'s mut S);

impl<'de, S: SerializeMap> DeserializeSeed<'de> for Field<'_, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let value = Unread(Cell::new(Some(deserializer)));
        self.0.serialize_value(&value).map_err(unwritten)
    }
}

/// A value that is read when it is written, once.
struct Unread<D>(Cell<Option<D>>);

impl<'de, D: Deserializer<'de>> Serialize for Unread<D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.take() {
            Some(deserializer) => transcode(deserializer, serializer).map_err(S::Error::custom),
            None => Err(S::Error::custom("a value can be read only once")),
        }
    }
}
