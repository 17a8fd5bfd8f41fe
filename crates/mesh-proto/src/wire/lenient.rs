//! Fields that others write in more ways than are documented, read so that no odd one costs the
//! caller a reply.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde_core::Deserialize;
use serde_core::de::value::{CowStrDeserializer, MapAccessDeserializer, SeqAccessDeserializer};
use serde_core::de::{DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// A value that is told from a text and an object before anything is kept of it.
enum Told<'de, O = Value> {
    Text(Cow<'de, str>),
    Object(O),
    Other(Value),
}

impl<'de, O: Deserialize<'de>> Deserialize<'de> for Told<'de, O> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any<O>(PhantomData<O>);

        impl<'de, O: Deserialize<'de>> Visitor<'de> for Any<O> {
            type Value = Told<'de, O>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any JSON value")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Told<'de, O>, E> {
                Ok(Told::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Told<'de, O>, E> {
                Ok(Told::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_string<E>(self, text: String) -> Result<Told<'de, O>, E> {
                Ok(Told::Text(Cow::Owned(text)))
            }

            fn visit_none<E>(self) -> Result<Told<'de, O>, E> {
                Ok(Told::Other(Value::Null))
            }

            fn visit_some<D: Deserializer<'de>>(self, some: D) -> Result<Told<'de, O>, D::Error> {
                some.deserialize_any(self)
            }

            fn visit_unit<E>(self) -> Result<Told<'de, O>, E> {
                Ok(Told::Other(Value::Null))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Told<'de, O>, E> {
                Ok(Told::Other(value.into()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Told<'de, O>, E> {
                Ok(Told::Other(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Told<'de, O>, E> {
                Ok(Told::Other(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Told<'de, O>, E> {
                Ok(Told::Other(value.into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Told<'de, O>, A::Error> {
                Value::deserialize(SeqAccessDeserializer::new(items)).map(Told::Other)
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Told<'de, O>, A::Error> {
                O::deserialize(MapAccessDeserializer::new(fields)).map(Told::Object)
            }
        }

        deserializer.deserialize_any(Any(PhantomData))
    }
}

/// A field that never costs the caller a reply: whatever is not a `T` counts as missing, and so
/// does null.
pub(crate) fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(match Told::<Value>::deserialize(deserializer)? {
        Told::Text(text) => T::deserialize(CowStrDeserializer::<D::Error>::new(text)).ok(),
        Told::Other(Value::Null) => None,
        Told::Object(value) | Told::Other(value) => serde_json::from_value(value).ok(),
    })
}

/// The same for a `T` that reads any object there is, and reads it as it comes.
pub(crate) fn lenient_object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(match Told::deserialize(deserializer)? {
        Told::Object(object) => Some(object),
        Told::Text(_) | Told::Other(_) => None,
    })
}

/// A count that may come as a number with a fraction, or as text.
pub(crate) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(match Told::<Value>::deserialize(deserializer)? {
        Told::Text(text) => text.trim().parse().ok(),
        Told::Object(value) | Told::Other(value) => count_in(&value),
    })
}

/// The same in a value that is there already.
pub(crate) fn count_in(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked"
)]
fn whole(number: f64) -> Option<u64> {
    (number.fract() == 0.0 && (0.0..=9e15).contains(&number)).then_some(number as u64)
}

/// A field that is read and not kept. Unlike with serde's own way of ignoring, a text in it has to
/// be one, as in any other field.
pub(crate) fn unkept<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    Unkept::deserialize(deserializer).map(drop)
}

/// A value that was read and not kept: see [`unkept`].
#[derive(Clone, Copy)]
struct Unkept;

impl<'de> Deserialize<'de> for Unkept {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Unkept {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_str<E>(self, _text: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _value: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _value: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _value: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _value: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self, A::Error> {
        while fields.next_key::<Self>()?.is_some() {
            fields.next_value::<Self>()?;
        }
        Ok(self)
    }
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
    struct List<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a sequence")
        }

        fn visit_none<E>(self) -> Result<Vec<T>, E> {
            Ok(Vec::new())
        }

        fn visit_unit<E>(self) -> Result<Vec<T>, E> {
            Ok(Vec::new())
        }

        fn visit_some<D: Deserializer<'de>>(self, some: D) -> Result<Vec<T>, D::Error> {
            some.deserialize_seq(self)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(item) = items.next_element::<Option<T>>()? {
                if let Some(item) = item {
                    // Nearly always there is one, and a list that grows by itself begins with four.
                    if list.is_empty() {
                        list.reserve_exact(1);
                    }
                    list.push(item);
                }
            }
            Ok(list)
        }
    }

    deserializer.deserialize_option(List(PhantomData))
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
