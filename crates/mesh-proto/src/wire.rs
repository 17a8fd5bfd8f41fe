//! How values become JSON: fields in their documented order, what is unknown kept, pictures inline
//! or as holes of a splice.

mod json;

use std::fmt;
use std::ops::{Deref, DerefMut};

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use self::json::{Json, Text, field, from_body};
use crate::body::Splice;

/// Fields beyond those that are modelled here: what a reply had, or what a request shall have.
///
/// A field that is also set in its own place is written only once, from there.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Extra(pub Map<String, Value>);

impl Extra {
    /// No fields.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Deref for Extra {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Extra {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

// Values may be pictures.
impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A value with pictures in it.
pub(crate) trait Wire {
    /// Writes the value, its pictures as data URLs, or as holes of `splice` where there is one.
    fn write<S: Serializer>(
        &self,
        splice: Option<&Splice>,
        serializer: S,
    ) -> Result<S::Ok, S::Error>;
}

/// A value on its way to JSON.
pub(crate) struct Written<'a, T: ?Sized>(pub(crate) &'a T, pub(crate) Option<&'a Splice>);

impl<T: Wire + ?Sized> Serialize for Written<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(self.1, serializer)
    }
}

impl<T: Wire> Wire for [T] {
    fn write<S: Serializer>(
        &self,
        splice: Option<&Splice>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut items = serializer.serialize_seq(Some(self.len()))?;
        for item in self {
            items.serialize_element(&Written(item, splice))?;
        }
        items.end()
    }
}

/// An object in the making.
pub(crate) struct Object<M> {
    map: M,
    written: Vec<&'static str>,
}

impl<M: SerializeMap> Object<M> {
    pub(crate) fn begin<S: Serializer<SerializeMap = M>>(serializer: S) -> Result<Self, S::Error> {
        Ok(Self {
            map: serializer.serialize_map(None)?,
            written: Vec::new(),
        })
    }

    pub(crate) fn field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), M::Error> {
        self.written.push(name);
        self.map.serialize_entry(name, value)
    }

    pub(crate) fn optional<T: Serialize>(
        &mut self,
        name: &'static str,
        value: Option<&T>,
    ) -> Result<(), M::Error> {
        value.map_or(Ok(()), |value| self.field(name, value))
    }

    /// Writes the fields that no other place has written, or will: those in `later`.
    pub(crate) fn extra(&mut self, extra: &Extra, later: &[&str]) -> Result<(), M::Error> {
        for (name, value) in &extra.0 {
            if !self.written.contains(&name.as_str()) && !later.contains(&name.as_str()) {
                self.map.serialize_entry(name, value)?;
            }
        }
        Ok(())
    }

    pub(crate) fn end(self) -> Result<M::Ok, M::Error> {
        self.map.end()
    }
}

/// Plain serde for a type with pictures in it: the pictures inline.
macro_rules! serialize_inline {
    ($($name:ty),*) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                crate::wire::Wire::write(self, None, serializer)
            }
        }
    )*};
}

pub(crate) use serialize_inline;

/// A field that never costs the caller a reply: whatever is not a `T` counts as missing.
pub(crate) fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

/// A field that is read and not kept. Unlike with serde's own way of ignoring, a text in it has to
/// be one: what is not UTF-8 is an error wherever it stands.
pub(crate) fn unkept<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    struct Unkept;

    impl<'de> Visitor<'de> for Unkept {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any JSON value")
        }

        fn visit_str<E>(self, _text: &str) -> Result<(), E> {
            Ok(())
        }

        fn visit_unit<E>(self) -> Result<(), E> {
            Ok(())
        }

        fn visit_bool<E>(self, _value: bool) -> Result<(), E> {
            Ok(())
        }

        fn visit_i64<E>(self, _value: i64) -> Result<(), E> {
            Ok(())
        }

        fn visit_u64<E>(self, _value: u64) -> Result<(), E> {
            Ok(())
        }

        fn visit_f64<E>(self, _value: f64) -> Result<(), E> {
            Ok(())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<(), A::Error> {
            Json::deserialize(SeqAccessDeserializer::new(items)).map(drop)
        }

        fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<(), A::Error> {
            Json::deserialize(MapAccessDeserializer::new(fields)).map(drop)
        }
    }

    deserializer.deserialize_any(Unkept)
}

/// A field that some write as null where they mean nothing.
pub(crate) fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A list that may be null, and may have nulls in it.
pub(crate) fn without_nulls<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let items: Option<Vec<Option<T>>> = Option::deserialize(deserializer)?;
    Ok(items.into_iter().flatten().flatten().collect())
}

/// A list of which what can be read is kept; a single object counts as a list of one.
pub(crate) fn lenient_list<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Array(items) => items
            .into_iter()
            .filter_map(|item| serde_json::from_value(item).ok())
            .collect(),
        item @ Value::Object(_) => serde_json::from_value(item).into_iter().collect(),
        _ => Vec::new(),
    })
}

/// A count that may come as a number with a fraction, or as text.
pub(crate) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_u64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    })
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked"
)]
fn whole(number: f64) -> Option<u64> {
    (number.fract() == 0.0 && (0.0..=9e15).contains(&number)).then_some(number as u64)
}
