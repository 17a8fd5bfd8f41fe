//! JSON whose long texts are slices of the body that they stand in: a picture in a reply costs
//! nothing beyond what was received.

use std::cell::RefCell;
use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use bytestring::ByteString;
use serde_core::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_core::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Number, Value};

use super::mending::{legible, mended, without_mark};

/// A JSON value, cheap to clone whatever pictures are in it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    Text(Text),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// A text that is its own, or a slice of the body that it stands in.
#[derive(Clone)]
pub(crate) enum Text {
    Owned(String),
    Shared(ByteString),
}

impl Text {
    /// Appends to it; what was a slice becomes its own.
    pub(crate) fn push_str(&mut self, more: &str) {
        if let Self::Shared(text) = self {
            *self = Self::Owned(text.to_string());
        }
        if let Self::Owned(text) = self {
            text.push_str(more);
        }
    }

    /// What is text, as a slice; what is none, as nothing.
    pub(crate) fn of_bytes(bytes: &Bytes) -> Self {
        Self::Shared(ByteString::try_from(bytes.clone()).unwrap_or_default())
    }

    /// The same text, cheap to clone.
    pub(crate) fn into_shared(self) -> Self {
        match self {
            Self::Owned(text) => Self::Shared(text.into()),
            shared @ Self::Shared(_) => shared,
        }
    }

    /// Its bytes, without a copy.
    pub(crate) fn into_bytes(self) -> Bytes {
        match self {
            Self::Owned(text) => text.into(),
            Self::Shared(text) => text.into_bytes(),
        }
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Owned(text) => text,
            Self::Shared(text) => text,
        }
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} characters", self.len())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::Owned(text)
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        match text {
            Text::Owned(text) => text,
            Text::Shared(text) => text.to_string(),
        }
    }
}

/// From this length on a text is a slice of its body: short ones are not worth keeping a body for.
const SHARED: usize = 1024;

thread_local! {
    /// The body that is being read. serde has no way to hand it to where a text is made, and a text
    /// that does not find it here is a copy and still right.
    static BODY: RefCell<Option<ByteString>> = const { RefCell::new(None) };
}

/// Reads `T` from a body, the long texts of [`Json`] in it as slices of that body, or of the mended
/// one.
///
/// Half of a surrogate pair, or a byte that is not UTF-8, costs nobody the rest: it is U+FFFD.
pub(crate) fn from_body<T: serde_core::de::DeserializeOwned>(
    body: &Bytes,
) -> Result<T, serde_json::Error> {
    let mut text = match ByteString::try_from(body.slice_ref(without_mark(body))) {
        Ok(text) => text,
        Err(_) => legible(body).into_owned().into(),
    };
    // What is mended is not to be mended again, so that this ends.
    loop {
        let reading = Reading::of(text.clone());
        let read = serde_json::from_str(&text);
        drop(reading);
        match read {
            Ok(value) => return Ok(value),
            Err(error) => text = mended(&text).ok_or(error)?.into(),
        }
    }
}

/// Reads `T` from a text that is no body: see [`from_body`].
pub(crate) fn from_text<T: serde_core::de::DeserializeOwned>(
    text: &str,
) -> Result<T, serde_json::Error> {
    serde_json::from_str(text).or_else(|error| match mended(text) {
        Some(text) => serde_json::from_str(&text),
        None => Err(error),
    })
}

/// That a body is being read, until this is dropped.
struct Reading {
    outer: Option<ByteString>,
}

impl Reading {
    fn of(body: ByteString) -> Self {
        Self {
            outer: BODY.replace(Some(body)),
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        BODY.set(self.outer.take());
    }
}

/// `text` as a slice of the body that is being read, if it is one.
fn slice_of_body(text: &str) -> Option<ByteString> {
    BODY.with_borrow(|body| {
        let body = body.as_ref()?;
        let at = text.as_ptr().addr().checked_sub(body.as_ptr().addr())?;
        let end = at.checked_add(text.len())?;
        (end <= body.len()).then(|| body.slice_ref(text))
    })
}

impl Json {
    /// A field of an object: the last of its name, as any JSON parser has it.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(fields) => field(fields, name),
            _ => None,
        }
    }

    /// The same, to be changed.
    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Self> {
        match self {
            Self::Object(fields) => fields
                .iter_mut()
                .rfind(|(known, _)| known == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    pub(crate) fn as_text(&self) -> Option<&Text> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text; `None` for anything else.
    pub(crate) fn as_str(&self) -> Option<&str> {
        self.as_text().map(|text| &**text)
    }

    /// The items of a list; none of anything else.
    pub(crate) fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }
}

/// The last field of a name.
pub(crate) fn field<'f>(fields: &'f [(String, Json)], name: &str) -> Option<&'f Json> {
    let found = fields.iter().rfind(|(known, _)| known == name);
    found.map(|(_, value)| value)
}

impl From<&Value> for Json {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::Text(text.clone().into()),
            Value::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Value::Object(fields) => Self::Object(
                fields
                    .iter()
                    .map(|(name, value)| (name.clone(), value.into()))
                    .collect(),
            ),
        }
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text.into()),
            Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Value::Object(fields) => Self::Object(
                fields
                    .into_iter()
                    .map(|(name, value)| (name, value.into()))
                    .collect(),
            ),
            plain => Self::from(&plain),
        }
    }
}

impl From<Json> for Value {
    fn from(json: Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(value),
            Json::Number(number) => Self::Number(number),
            Json::Text(text) => Self::String(text.into()),
            Json::List(items) => items.into_iter().map(Self::from).collect(),
            Json::Object(fields) => {
                // To collect them would be to sort them first.
                let mut object = Map::new();
                for (name, value) in fields {
                    object.insert(name, Self::from(value));
                }
                Self::Object(object)
            }
        }
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
            Self::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Json;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any JSON value")
            }

            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Null)
            }

            fn visit_none<E>(self) -> Result<Json, E> {
                Ok(Json::Null)
            }

            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
                Json::deserialize(deserializer)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
                Ok(Json::Bool(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
                Ok(Json::Number(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
                Ok(Json::Number(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
                Ok(Number::from_f64(value).map_or(Json::Null, Json::Number))
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Json, E> {
                let shared = (text.len() >= SHARED).then(|| slice_of_body(text));
                Ok(Json::Text(match shared.flatten() {
                    Some(slice) => Text::Shared(slice),
                    None => Text::Owned(text.to_owned()),
                }))
            }

            fn visit_str<E>(self, text: &str) -> Result<Json, E> {
                Ok(Json::Text(Text::Owned(text.to_owned())))
            }

            fn visit_string<E>(self, text: String) -> Result<Json, E> {
                Ok(Json::Text(text.into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Json::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Json, A::Error> {
                let mut object = Vec::new();
                while let Some(field) = fields.next_entry()? {
                    object.push(field);
                }
                Ok(Json::Object(object))
            }
        }

        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn document(text: &str) -> Bytes {
        Bytes::from(format!(
            r#"{{"short":"a","long":"{text}","n":1.5,"list":[true,null,{{}}]}}"#
        ))
    }

    #[test]
    fn a_long_text_is_a_slice_of_its_body_and_a_short_one_is_not() {
        let body = document(&"A".repeat(SHARED));
        let json: Json = from_body(&body).unwrap();
        let within = |text: &Text| body.as_ptr_range().contains(&text.as_ptr());
        assert!(within(json.get("long").unwrap().as_text().unwrap()));
        assert!(!within(json.get("short").unwrap().as_text().unwrap()));
        // Escapes have to be resolved, so such a text is a copy.
        let body = document(&"\\n".repeat(SHARED));
        let json: Json = from_body(&body).unwrap();
        assert_eq!(json.get("long").unwrap().as_str().unwrap().len(), SHARED);
        // Outside of a body's reading there is nothing to slice.
        let text = format!("\"{}\"", "A".repeat(SHARED));
        assert!(serde_json::from_str::<Json>(&text).is_ok());
        assert!(BODY.with_borrow(Option::is_none));
    }

    #[test]
    fn what_is_no_text_or_no_character_costs_nothing_else() {
        for (bad, mended) in [
            (&b"a \\udc00 b"[..], "a \u{fffd} b"),
            (b"a\xff\xe9b", "a\u{fffd}\u{fffd}b"),
            (b"\\ud83d\xf0\x9f", "\u{fffd}\u{fffd}"),
        ] {
            let picture = "A".repeat(SHARED);
            let body = [
                b"\xef\xbb\xbf {\"bad\":\"",
                bad,
                b"\",\"long\":\"",
                picture.as_bytes(),
                b"\"}",
            ];
            let json: Json = from_body(&body.concat().into()).unwrap();
            assert_eq!(json.get("bad").unwrap().as_str(), Some(mended));
            // The picture is a slice of the body that was read in the end.
            let long = json.get("long").unwrap().as_text().unwrap();
            assert!(matches!(long, Text::Shared(text) if **text == *picture));
        }
        let outside = Bytes::from_static(b"{\"a\":\"\\ud800\",\xff}");
        let error = from_body::<Json>(&outside).unwrap_err();
        assert!(error.line() == 1 && error.column() > 0, "{error}");
        for never in ["[NaN,\"\\ud800\"]", "[1e999,\"\\ud800\"]", "[Infinity]"] {
            assert!(from_body::<Json>(&never.into()).is_err(), "{never}");
        }
        let cut = from_body::<Json>(&"[\"a\\ud83d".into()).unwrap_err();
        assert!(cut.is_eof());
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,8}".prop_map(Value::from),
            "[a\\\\\"]{1000,1100}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("[a-c]{1,2}", inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_value_is_read_and_written_as_serde_json_does(value in any_value()) {
            let text = value.to_string();
            let json: Json = from_body(&Bytes::from(text.clone())).unwrap();
            prop_assert_eq!(serde_json::to_string(&json).unwrap(), text);
            prop_assert_eq!(&Json::from(&value), &json);
            prop_assert_eq!(Value::from(json), value);
        }
    }
}
