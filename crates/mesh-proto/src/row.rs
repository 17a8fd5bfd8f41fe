//! Rows of lists, read so that no odd field costs the row: what is not understood stays where it
//! came from, in `extra`.

use serde_json::{Map, Value};

use crate::usd::Usd;
use crate::wire::count_in;

/// A field that may be missing.
pub(crate) trait Field: Default {
    /// What `value` says, or nothing where it is not understood.
    fn read(value: &Value) -> Option<Self>;

    /// The field as it is written, or nothing where it says nothing.
    fn write(&self) -> Option<Value>;
}

/// Takes the field out of `row`, under the first of its names that says something.
pub(crate) fn take<F: Field>(row: &mut Map<String, Value>, names: &[&str]) -> F {
    for name in names {
        match row.get(*name) {
            None => {}
            Some(Value::Null) => {
                row.remove(*name);
            }
            Some(value) => {
                if let Some(field) = F::read(value) {
                    row.remove(*name);
                    if field.write().is_some() {
                        return field;
                    }
                }
            }
        }
    }
    F::default()
}

/// Puts the field into `row`, under the first of its names.
pub(crate) fn put<F: Field>(row: &mut Map<String, Value>, names: &[&str], field: &F) {
    if let (Some(name), Some(value)) = (names.first(), field.write()) {
        row.insert((*name).to_owned(), value);
    }
}

/// A struct of such fields, with serde, and `extra` for all else. A field that is known by several
/// names says so after `=`. The one in brackets is its key: what lacks it is no row.
macro_rules! row {
    (@names $field:ident) => { &[stringify!($field)] };
    (@names $field:ident $($name:literal)+) => { &[$($name),+] };
    (
        $(#[$outer:meta])*
        pub struct $row:ident $([
            $(#[$key_doc:meta])* $key:ident: $key_kind:ty $(= $($key_name:literal)|+)?
        ])? {
            $($(#[$doc:meta])* $field:ident: $kind:ty $(= $($name:literal)|+)?,)*
        }
    ) => {
        $(#[$outer])*
        #[non_exhaustive]
        pub struct $row {
            $($(#[$key_doc])* pub $key: $key_kind,)?
            $($(#[$doc])* pub $field: $kind,)*
            /// Fields that are not modelled here, and those whose values are not what they should
            /// be.
            pub extra: crate::wire::Extra,
        }

        impl serde_core::Serialize for $row {
            fn serialize<S: serde_core::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut row = self.extra.0.clone();
                $(
                    let names: &[&str] = crate::row::row!(@names $key $($($key_name)+)?);
                    for name in names.iter().take(1) {
                        row.insert((*name).to_owned(), serde_json::Value::from(self.$key.to_string()));
                    }
                )?
                $(crate::row::put(&mut row, crate::row::row!(@names $field $($($name)+)?), &self.$field);)*
                row.serialize(serializer)
            }
        }

        impl<'de> serde_core::Deserialize<'de> for $row {
            fn deserialize<D: serde_core::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let mut row = serde_json::Map::deserialize(deserializer)?;
                Ok(Self {
                    $($key: {
                        let names: &[&str] = crate::row::row!(@names $key $($($key_name)+)?);
                        crate::row::take::<Option<String>>(&mut row, names)
                            .filter(|key| !key.is_empty())
                            .ok_or_else(|| serde_core::de::Error::missing_field(stringify!($key)))?
                            .into()
                    },)?
                    $($field: crate::row::take(&mut row, crate::row::row!(@names $field $($($name)+)?)),)*
                    // A map keeps its node when it is emptied.
                    extra: crate::wire::Extra(if row.is_empty() { serde_json::Map::new() } else { row }),
                })
            }
        }
    };
}

pub(crate) use row;

impl Field for Option<String> {
    fn read(value: &Value) -> Option<Self> {
        value.as_str().map(|text| Some(text.to_owned()))
    }

    fn write(&self) -> Option<Value> {
        self.clone().map(Value::from)
    }
}

impl Field for Option<u64> {
    fn read(value: &Value) -> Option<Self> {
        count_in(value).map(Some)
    }

    fn write(&self) -> Option<Value> {
        self.map(Value::from)
    }
}

impl Field for Option<bool> {
    fn read(value: &Value) -> Option<Self> {
        yes_or_no(value).map(Some)
    }

    fn write(&self) -> Option<Value> {
        self.map(Value::from)
    }
}

/// A truth value, or a text or number that is meant for one.
pub(crate) fn yes_or_no(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(it) => Some(*it),
        Value::Number(number) => match number.as_u64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" => Some(true),
            "false" | "no" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

impl Field for Option<f64> {
    fn read(value: &Value) -> Option<Self> {
        let number = match value {
            Value::String(text) => text.trim().parse().ok(),
            value => value.as_f64(),
        };
        number.filter(|number: &f64| number.is_finite()).map(Some)
    }

    fn write(&self) -> Option<Value> {
        self.map(Value::from)
    }
}

/// An amount; a text that says that there is none counts as none.
impl Field for Option<Usd> {
    fn read(value: &Value) -> Option<Self> {
        if let Some(text) = value.as_str()
            && matches!(
                text.trim().to_ascii_lowercase().as_str(),
                "" | "none" | "null"
            )
        {
            return Some(None);
        }
        serde_json::from_value(value.clone()).ok().map(Some)
    }

    fn write(&self) -> Option<Value> {
        self.as_ref().map(|amount| Value::from(amount.as_str()))
    }
}

impl Field for Option<Value> {
    fn read(value: &Value) -> Option<Self> {
        Some(Some(value.clone()))
    }

    fn write(&self) -> Option<Value> {
        self.clone()
    }
}

/// Texts; of objects, the name that each goes by. One alone counts as a list of one.
impl Field for Vec<String> {
    fn read(value: &Value) -> Option<Self> {
        let name = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Object(it) => ["id", "name", "model", "brand", "value"]
                .into_iter()
                .find_map(|field| it.get(field)?.as_str())
                .map(str::to_owned),
            _ => None,
        };
        match value {
            Value::Array(items) => Some(items.iter().filter_map(name).collect()),
            one => Some(vec![name(one)?]),
        }
    }

    fn write(&self) -> Option<Value> {
        (!self.is_empty()).then(|| self.iter().map(String::as_str).collect())
    }
}

/// An open enumeration as a field, alone or in a list.
macro_rules! open_field {
    ($($name:ty),*) => {$(
        impl crate::row::Field for Option<$name> {
            fn read(value: &serde_json::Value) -> Option<Self> {
                value.as_str().map(|text| Some(text.into()))
            }

            fn write(&self) -> Option<serde_json::Value> {
                self.as_ref().map(|it| it.as_str().into())
            }
        }

        impl crate::row::Field for Vec<$name> {
            fn read(value: &serde_json::Value) -> Option<Self> {
                let texts = <Vec<String> as crate::row::Field>::read(value)?;
                Some(texts.into_iter().map(Into::into).collect())
            }

            fn write(&self) -> Option<serde_json::Value> {
                (!self.is_empty()).then(|| self.iter().map(|it| it.as_str()).collect())
            }
        }
    )*};
}

pub(crate) use open_field;

/// A row of a list that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OddRow {
    /// Its place in the list, from 0.
    pub place: usize,
    /// What is odd about it; none of the row's own text, which may be anything.
    pub reason: &'static str,
}
