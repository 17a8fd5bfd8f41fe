//! Objects with fields that are known and others that are kept, read in one pass.

use std::fmt;
use std::marker::PhantomData;

use serde_core::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_core::{Deserialize, forward_to_deserialize_any};

use super::Name;

/// A struct, and how it is read from an object and written: each field by its own `Deserialize`, or
/// by the function after `=>`; under its own name, or the one after `=`; as its default where it is
/// missing, unless it is `[required]`. What is not known goes into `extra`, except for the field
/// after `without`, which is read and not kept. A field that says nothing is not written, unless it
/// is `[always]`. The function after `then` changes what has been read.
///
/// It is what serde derives for such a struct with a flattened `extra`, but for what comes twice,
/// which serde refuses: the last counts. Serde holds back every field until it has seen them all, and
/// so takes several times as long. Without serde's derive nobody has to build `syn` for this crate
/// either.
macro_rules! read_object {
    (
        $(#[$outer:meta])*
        $outer_visibility:vis struct $object:ident $(without $unkept:literal)? $(from $empty:expr,)? $(then $settle:path)? {
            $(
                $(#[$inner:meta])*
                $visibility:vis $field:ident: $kind:ty $([$mark:ident])? $(= $name:literal)? $(=> $with:path)?,
            )*
        }
    ) => {
        $(#[$outer])*
        #[non_exhaustive]
        $outer_visibility struct $object {
            $(
                $(#[$inner])*
                $visibility $field: $kind,
            )*
            /// Fields that are not modelled here.
            pub extra: crate::wire::Extra,
        }

        crate::wire::read_fields! {
            $object $(without $unkept)? $(from $empty,)? $(then $settle)? {
                $($field: $kind $([$mark])? $(= $name)? $(=> $with)?,)*
            }
        }
        crate::wire::write_fields! {
            $object { $($field $([$mark])? $(= $name)?,)* }
        }
    };
}

/// How a struct is read whose fields are told elsewhere: see [`read_object`]. What is read begins
/// as the expression after `from`, or else as the default; a field may lie deeper, `in` another.
macro_rules! read_fields {
    (@empty) => { Self::default() };
    (@empty $empty:expr) => { $empty };
    (@awaited $field:ident) => { crate::wire::Awaited::new(stringify!($field)) };
    (@awaited $field:ident $name:literal) => { crate::wire::Awaited::new($name) };
    (@demand $field:ident required) => { $field.demand()?; };
    (@demand $field:ident $($mark:ident)?) => {};
    (@read $fields:ident $kind:ty) => { $fields.next_value::<$kind>()? };
    (@read $fields:ident $kind:ty, $with:path) => {{
        struct Read($kind);

        impl<'de> serde_core::Deserialize<'de> for Read {
            fn deserialize<D: serde_core::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $with(deserializer).map(Self)
            }
        }

        $fields.next_value::<Read>()?.0
    }};
    (
        $object:ident $(in $($within:ident).+;)? $(without $unkept:literal)? $(from $empty:expr,)? $(then $settle:path)? {
            $(
                $field:ident $(in $($place:ident).+)?: $kind:ty $([$mark:ident])? $(= $name:literal)? $(=> $with:path)?,
            )*
        }
    ) => {
        impl<'de> serde_core::Deserialize<'de> for $object {
            fn deserialize<D: serde_core::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                // Filled where it lies: it is too large to be handed from call to call.
                struct Fields<'o>(&'o mut $object);

                impl<'de> serde_core::de::Visitor<'de> for Fields<'_> {
                    type Value = ();

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde_core::de::MapAccess<'de>>(
                        self,
                        mut fields: A,
                    ) -> Result<(), A::Error> {
                        $(let mut $field = crate::wire::read_fields!(@awaited $field $($name)?);)*
                        while let Some(crate::wire::Name(name)) = fields.next_key()? {
                            $(
                                if name == $field.name {
                                    $field.has_come = true;
                                    self.0$($(.$place)+)?.$field =
                                        crate::wire::read_fields!(@read fields $kind $(, $with)?);
                                    continue;
                                }
                            )*
                            $(
                                if name == $unkept {
                                    crate::wire::read_fields!(@read fields (), crate::wire::unkept);
                                    continue;
                                }
                            )?
                            self.0$($(.$within)+)?.extra.insert(name.into_owned(), fields.next_value()?);
                        }
                        $(crate::wire::read_fields!(@demand $field $($mark)?);)*
                        Ok(())
                    }
                }

                let mut object = crate::wire::read_fields!(@empty $($empty)?);
                deserializer.deserialize_map(Fields(&mut object))?;
                $($settle(&mut object);)?
                Ok(object)
            }
        }
    };
}

/// How a struct is written whose fields are told elsewhere: see [`read_object`].
macro_rules! write_fields {
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $name:literal) => { $name };
    (@says $value:expr) => { crate::wire::Silent::says_something($value) };
    (@says $value:expr, $mark:ident) => { true };
    ($object:ident { $($field:ident $([$mark:ident])? $(= $name:literal)?,)* }) => {
        impl $object {
            fn write_fields<M: serde_core::ser::SerializeMap>(&self, fields: &mut M) -> Result<(), M::Error> {
                $(
                    if crate::wire::write_fields!(@says &self.$field $(, $mark)?) {
                        let name = crate::wire::write_fields!(@name $field $($name)?);
                        fields.serialize_entry(name, &self.$field)?;
                    }
                )*
                for (name, value) in &self.extra.0 {
                    fields.serialize_entry(name, value)?;
                }
                Ok(())
            }
        }

        impl serde_core::Serialize for $object {
            fn serialize<S: serde_core::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde_core::ser::SerializeMap;

                let mut fields = serializer.serialize_map(None)?;
                self.write_fields(&mut fields)?;
                fields.end()
            }
        }
    };
}

pub(crate) use {read_fields, read_object, write_fields};

/// The value of the only field that matters of the struct `name`, which has to be there.
pub(crate) fn only_field<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
    name: &'static str,
    field: &'static [&'static str; 1],
) -> Result<T, D::Error> {
    struct Only<T> {
        field: &'static str,
        value: PhantomData<T>,
    }

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Only<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "an object with the field `{}`", self.field)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<T, A::Error> {
            let expected = format!("an array with the one element `{}`", self.field);
            items
                .next_element()?
                .ok_or_else(|| A::Error::invalid_length(0, &expected.as_str()))
        }

        fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<T, A::Error> {
            let mut value = None;
            while let Some(Name(name)) = fields.next_key()? {
                if name == self.field {
                    value = Some(fields.next_value()?);
                } else {
                    fields.next_value::<IgnoredAny>()?;
                }
            }
            match value {
                Some(value) => Ok(value),
                None => T::deserialize(Missing(self.field, PhantomData)),
            }
        }
    }

    /// What stands where a field is missing: nothing, which an option takes for none.
    struct Missing<E>(&'static str, PhantomData<E>);

    impl<'de, E: Error> Deserializer<'de> for Missing<E> {
        type Error = E;

        fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, E> {
            Err(E::missing_field(self.0))
        }

        fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
            visitor.visit_none()
        }

        forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
            unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
        }
    }

    let [of] = *field;
    deserializer.deserialize_struct(
        name,
        field,
        Only {
            field: of,
            value: PhantomData,
        },
    )
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
            number: Option<u64> [always] = "count" => count,
            kind: Option<Content> [always] = "type",
            within: Vec<Ours> [always] => without_nulls,
            one: Option<Box<Named>> [always],
        }
    }

    read_object! {
        #[derive(Clone, Debug, PartialEq)]
        struct Named from Self { name: String::new(), ours: Vec::new(), extra: Extra::new() }, {
            name: String [required],
            ours: Vec<Ours>,
        }
    }

    #[derive(Serialize, Deserialize)]
    struct PlainNamed {
        name: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ours: Vec<Plain>,
        #[serde(flatten)]
        extra: Extra,
    }

    /// The same, as serde derives it, its odd fields read by way of a whole value.
    #[derive(Serialize, Deserialize)]
    struct Plain {
        #[serde(
            default,
            deserialize_with = "value",
            skip_serializing_if = "Option::is_none"
        )]
        id: Option<String>,
        #[serde(default, deserialize_with = "number")]
        count: Option<u64>,
        #[serde(default, rename = "type")]
        kind: Option<Content>,
        #[serde(default)]
        within: Option<Vec<Option<Plain>>>,
        #[serde(default)]
        one: Option<Box<PlainNamed>>,
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
            one: ours.one.map(|it| {
                Box::new(PlainNamed {
                    name: it.name,
                    ours: it.ours.into_iter().map(as_plain).collect(),
                    extra: it.extra,
                })
            }),
            _object: None,
            extra: ours.extra,
        }
    }

    fn normal(mut plain: Plain) -> Plain {
        let within = plain.within.unwrap_or_default().into_iter().flatten();
        plain.within = Some(within.map(|it| Some(normal(it))).collect());
        plain.one = plain.one.map(|mut it| {
            it.ours = it.ours.into_iter().map(normal).collect();
            it
        });
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
            "{\"name\":\"a\",\"b\":1,\"ours\":[{}]}",
            "{\"name\":\"\",\"ours\":[]}",
            "[{\"type\":\"text\",\"text\":\"b\"},null]",
        ]);
        leaf.prop_map(str::to_owned)
            .prop_recursive(3, 24, 5, |inner| {
                let name = prop::sample::select(vec![
                    "id", "count", "type", "within", "one", "object", "x", "i\\u0064", "kind",
                    "\\n", "name", "ours",
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

        // By way of a value, as what comes twice is refused by what serde derives: the last counts.
        #[test]
        fn it_reads_what_serde_derives(text in text()) {
            let ours = serde_json::from_str::<Ours>(&text);
            let plain = serde_json::from_str::<Value>(&text).and_then(serde_json::from_value::<Plain>);
            let from_text = serde_json::from_str::<Plain>(&text);
            match (ours, plain) {
                (Ok(ours), Ok(plain)) => {
                    let read = serde_json::to_string(&as_plain(ours.clone())).unwrap();
                    prop_assert_eq!(read, serde_json::to_string(&normal(plain)).unwrap());
                    let stored = serde_json::to_string(&ours).unwrap();
                    prop_assert_eq!(serde_json::from_str::<Ours>(&stored).unwrap(), ours);
                }
                // What comes twice has to be readable each time.
                (Err(ours), _) => {
                    let said = from_text.map(drop).unwrap_err().to_string()
                        .replace("struct PlainNamed", "an object")
                        .replace("struct Plain", "an object");
                    if !said.starts_with("duplicate field") {
                        prop_assert_eq!(ours.to_string(), said);
                    }
                }
                (ours, plain) => panic!("{text}: {ours:?} and {:?}", plain.map(|_| ())),
            }
        }
    }

    #[test]
    fn the_last_of_a_name_counts() {
        let text = r#"{"id":"a","object":1,"id":"b","type":null,"object":2,"type":"c","x":1,"x":2,
            "one":{"name":"a"},"one":{"name":"b","n\u0061me":"c"},"within":[{}],"within":[]}"#;
        let ours: Ours = serde_json::from_str(text).unwrap();
        assert_eq!(ours.id.as_deref(), Some("b"));
        assert_eq!(ours.kind, Some("c".into()));
        assert_eq!(ours.one.unwrap().name, "c");
        assert_eq!((ours.within.len(), &ours.extra["x"]), (0, &Value::from(2)));
    }
}
