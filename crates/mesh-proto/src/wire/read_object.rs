//! Objects with fields that are known and others that are kept, read in one pass.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

/// A struct, and how it is read from an object: each field by its own `Deserialize`, or by the
/// function after `=>`; under its own name, or the one after `=`; as its default where it is
/// missing. What is not known goes into `extra`, except for the field after `without`, which is
/// read and not kept.
///
/// It is what serde derives for such a struct with a flattened `extra`, which holds back every field
/// until it has seen them all, and so takes several times as long.
macro_rules! read_object {
    (@once $field:ident) => { crate::wire::Once::new(stringify!($field)) };
    (@once $field:ident $name:literal) => { crate::wire::Once::new($name) };
    (@read $fields:ident $kind:ty) => { $fields.next_value::<$kind>()? };
    (@read $fields:ident $kind:ty, $with:path) => {{
        struct Read($kind);

        impl<'de> serde::Deserialize<'de> for Read {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $with(deserializer).map(Self)
            }
        }

        $fields.next_value::<Read>()?.0
    }};
    (
        $(#[$outer:meta])*
        $outer_visibility:vis struct $object:ident $(without $unkept:literal)? {
            $(
                $(#[$inner:meta])*
                $visibility:vis $field:ident: $kind:ty $(= $name:literal)? $(=> $with:path)?,
            )*
        }
    ) => {
        $(#[$outer])*
        #[derive(serde::Serialize)]
        #[non_exhaustive]
        $outer_visibility struct $object {
            $(
                $(#[$inner])*
                $(#[serde(rename = $name)])?
                $visibility $field: $kind,
            )*
            /// Fields that are not modelled here.
            #[serde(flatten)]
            pub extra: crate::wire::Extra,
        }

        impl<'de> serde::Deserialize<'de> for $object {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                // Filled where it lies: it is too large to be handed from call to call.
                struct Fields<'o>(&'o mut $object);

                impl<'de> serde::de::Visitor<'de> for Fields<'_> {
                    type Value = ();

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("struct ", stringify!($object)))
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        mut fields: A,
                    ) -> Result<(), A::Error> {
                        $(let mut $field = crate::wire::read_object!(@once $field $($name)?);)*
                        $(let mut unkept = crate::wire::Once::new($unkept);)?
                        while let Some(crate::wire::Name(name)) = fields.next_key()? {
                            $(
                                if name == $field.name {
                                    $field.come()?;
                                    self.0.$field =
                                        crate::wire::read_object!(@read fields $kind $(, $with)?);
                                    continue;
                                }
                            )*
                            $(
                                if name == $unkept {
                                    unkept.come()?;
                                    crate::wire::read_object!(@read fields (), crate::wire::unkept);
                                    continue;
                                }
                            )?
                            self.0.extra.insert(name.into_owned(), fields.next_value()?);
                        }
                        Ok(())
                    }
                }

                let mut object = Self::default();
                deserializer.deserialize_map(Fields(&mut object))?;
                Ok(object)
            }
        }
    };
}

pub(crate) use read_object;

/// A field that may come once.
pub(crate) struct Once {
    pub(crate) name: &'static str,
    has_come: bool,
}

impl Once {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self {
            name,
            has_come: false,
        }
    }

    /// Errors where it has come before.
    #[inline]
    pub(crate) fn come<E: Error>(&mut self) -> Result<(), E> {
        if std::mem::replace(&mut self.has_come, true) {
            return Err(E::duplicate_field(self.name));
        }
        Ok(())
    }
}

/// The name of a field, borrowed unless an escape stands in it.
pub(crate) struct Name<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field's name")
            }

            #[inline]
            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }

            fn visit_string<E>(self, name: String) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name)))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};
    use serde_json::Value;

    use crate::chat::Content;
    use crate::wire::{Extra, count, lenient, without_nulls};

    read_object! {
        #[derive(Clone, Debug, Default, PartialEq)]
        struct Ours without "object" {
            id: Option<String> => lenient,
            number: Option<u64> = "count" => count,
            kind: Option<Content> = "type",
            within: Vec<Ours> => without_nulls,
            one: Option<Box<Ours>>,
        }
    }

    /// The same, as serde derives it, its odd fields read by way of a whole value.
    #[derive(Serialize, Deserialize)]
    struct Plain {
        #[serde(default, deserialize_with = "value")]
        id: Option<String>,
        #[serde(default, deserialize_with = "number")]
        count: Option<u64>,
        #[serde(default, rename = "type")]
        kind: Option<Content>,
        #[serde(default)]
        within: Option<Vec<Option<Plain>>>,
        #[serde(default)]
        one: Option<Box<Plain>>,
        #[serde(default, skip_serializing, rename = "object")]
        _object: Option<Value>,
        #[serde(flatten)]
        extra: Extra,
    }

    fn value<'de, D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<String>, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(serde_json::from_value(value).ok())
    }

    fn number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::Number(number) => number.as_u64().or_else(|| {
                let number = number.as_f64()?;
                let is_whole = number.fract() == 0.0 && (0.0..=9e15).contains(&number);
                is_whole.then(|| {
                    format!("{number:.0}")
                        .trim_start_matches('-')
                        .parse()
                        .unwrap()
                })
            }),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        })
    }

    fn as_plain(ours: Ours) -> Plain {
        Plain {
            id: ours.id,
            count: ours.number,
            kind: ours.kind,
            within: Some(
                ours.within
                    .into_iter()
                    .map(|it| Some(as_plain(it)))
                    .collect(),
            ),
            one: ours.one.map(|it| Box::new(as_plain(*it))),
            _object: None,
            extra: ours.extra,
        }
    }

    fn normal(mut plain: Plain) -> Plain {
        let within = plain.within.unwrap_or_default().into_iter().flatten();
        plain.within = Some(within.map(|it| Some(normal(it))).collect());
        plain.one = plain.one.map(|it| Box::new(normal(*it)));
        plain
    }

    fn text() -> impl Strategy<Value = String> {
        let leaf = prop::sample::select(vec![
            "null",
            "true",
            "1",
            "-1",
            "2.0",
            "1.5",
            "-0",
            "1e3",
            "1e999",
            "18446744073709551615",
            "18446744073709551616",
            "\"a\"",
            "\"\"",
            "\" 7 \"",
            "\"\\u0037\"",
            "\"\\ud800\"",
            "[]",
            "{}",
            "nul",
            "{\"a\":1,\"a\":2}",
            "[{\"type\":\"text\",\"text\":\"b\"},null]",
        ]);
        leaf.prop_map(str::to_owned)
            .prop_recursive(3, 24, 5, |inner| {
                let name = prop::sample::select(vec![
                    "id", "count", "type", "within", "one", "object", "x", "i\\u0064", "kind",
                    "\\n",
                ]);
                let field = (name, inner.clone()).prop_map(|(name, it)| format!("\"{name}\":{it}"));
                prop_oneof![
                    5 => proptest::collection::vec(field, 0..5)
                        .prop_map(|fields| format!("{{{}}}", fields.join(", "))),
                    1 => proptest::collection::vec(inner, 0..3)
                        .prop_map(|items| format!("[{}]", items.join(","))),
                ]
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn it_reads_what_serde_derives(text in text()) {
            let ours = serde_json::from_str::<Ours>(&text);
            let plain = serde_json::from_str::<Plain>(&text);
            match (ours, plain) {
                (Ok(ours), Ok(plain)) => {
                    let read = serde_json::to_string(&as_plain(ours.clone())).unwrap();
                    prop_assert_eq!(read, serde_json::to_string(&normal(plain)).unwrap());
                    let stored = serde_json::to_string(&ours).unwrap();
                    prop_assert_eq!(serde_json::from_str::<Ours>(&stored).unwrap(), ours);
                }
                (Err(ours), Err(plain)) => {
                    let said = plain.to_string().replace("struct Plain", "struct Ours");
                    prop_assert_eq!(ours.to_string(), said);
                }
                (ours, plain) => panic!("{text}: {ours:?} and {:?}", plain.map(|_| ())),
            }
        }
    }
}
