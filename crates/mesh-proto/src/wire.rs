//! How values become JSON: fields in their documented order, what is unknown kept, pictures inline
//! or as holes of a splice.

mod field;
mod json;
mod lenient;
mod mending;
mod object;
mod read_object;
mod spoken;
mod transcode;
pub(crate) mod weight;

use std::fmt;
use std::ops::{Deref, DerefMut};

use serde_core::ser::{SerializeMap, SerializeSeq, Serializer};
use serde_core::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

pub(crate) use self::field::{Above, Awaited, Blank, Name, Private, Range, Ranged, Silent};
pub(crate) use self::json::{Json, Text, field, from_body, from_text};
pub(crate) use self::lenient::{
    count, count_in, lenient, lenient_list, lenient_object, null_is_default, unkept, without_nulls,
};
pub(crate) use self::mending::{BYTE_ORDER_MARK, legible, mended, without_mark};
pub(crate) use self::object::wire_object;
pub(crate) use self::read_object::{only_field, read_fields, read_object, write_fields};
pub(crate) use self::spoken::quoted;
pub(crate) use self::transcode::transcode;
use crate::body::Splice;

/// Fields beyond those that are modelled here: what a reply had, or what a request shall have.
///
/// A field that is also set in its own place is written only once, from there.
#[derive(Clone, Default, PartialEq)]
pub struct Extra(pub Map<String, Value>);

impl Serialize for Extra {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Extra {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(Self)
    }
}

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

/// How a value is written.
#[derive(Clone, Copy, Default)]
pub(crate) struct Manner<'s> {
    /// Collects the images, as holes of the text; without it they stand in it as data URLs.
    pub(crate) splice: Option<&'s Splice>,
    pub(crate) delivery: Delivery,
}

impl<'s> Manner<'s> {
    /// With the images as holes.
    pub(crate) fn spliced(splice: &'s Splice) -> Self {
        let delivery = Delivery::Whole;
        Self {
            splice: Some(splice),
            delivery,
        }
    }
}

/// Whether a request asks for its reply as one document or as a stream. The endpoint decides it.
#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) enum Delivery {
    #[default]
    Whole,
    Stream,
}

/// A value with images in it.
pub(crate) trait Wire {
    /// Writes the value.
    fn write<S: Serializer>(&self, manner: Manner<'_>, serializer: S) -> Result<S::Ok, S::Error>;
}

/// A value on its way to JSON.
pub(crate) struct Written<'a, T: ?Sized>(pub(crate) &'a T, pub(crate) Manner<'a>);

impl<T: Wire + ?Sized> Serialize for Written<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(self.1, serializer)
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn write<S: Serializer>(&self, manner: Manner<'_>, serializer: S) -> Result<S::Ok, S::Error> {
        let mut items = serializer.serialize_seq(Some(self.len()))?;
        for item in self {
            items.serialize_element(&Written(item, manner))?;
        }
        items.end()
    }
}

impl<T: Wire> Wire for Option<T> {
    fn write<S: Serializer>(&self, manner: Manner<'_>, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(value) => value.write(manner, serializer),
            None => serializer.serialize_none(),
        }
    }
}

/// A request that asks for a stream.
pub(crate) struct Streamed<'r, T>(pub(crate) &'r T);

impl<T: Wire> Wire for Streamed<'_, T> {
    fn write<S: Serializer>(&self, manner: Manner<'_>, serializer: S) -> Result<S::Ok, S::Error> {
        let delivery = Delivery::Stream;
        self.0.write(Manner { delivery, ..manner }, serializer)
    }
}

/// An object in the making.
pub(crate) struct Object<'e, M> {
    map: M,
    manner: Manner<'e>,
    extra: &'e Extra,
    /// What has been written, as far as that matters: nothing where there is no `extra`.
    written: Vec<&'static str>,
}

impl<'e, M: SerializeMap> Object<'e, M> {
    /// An object that is to have the fields of `extra`, too.
    pub(crate) fn begin<S: Serializer<SerializeMap = M>>(
        manner: Manner<'e>,
        serializer: S,
        extra: &'e Extra,
    ) -> Result<Self, S::Error> {
        Ok(Self {
            map: serializer.serialize_map(None)?,
            manner,
            extra,
            written: Vec::new(),
        })
    }

    /// How its values are written.
    pub(crate) fn manner(&self) -> Manner<'e> {
        self.manner
    }

    /// Writes that a stream is asked for, if it is. Only the endpoint decides that, so a field of
    /// this name in `extra` is never sent.
    pub(crate) fn stream(&mut self) -> Result<(), M::Error> {
        if self.manner.delivery == Delivery::Stream {
            self.field("stream", &true)?;
        }
        self.written.push("stream");
        Ok(())
    }

    pub(crate) fn field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), M::Error> {
        if !self.extra.is_empty() {
            self.written.push(name);
        }
        self.map.serialize_entry(name, value)
    }

    pub(crate) fn optional<T: Serialize>(
        &mut self,
        name: &'static str,
        value: Option<&T>,
    ) -> Result<(), M::Error> {
        match value {
            Some(value) => self.field(name, value),
            None => Ok(()),
        }
    }

    /// Writes the fields of `extra` that no other place has written, or will: those in `later`.
    pub(crate) fn extra(&mut self, later: &[&str]) -> Result<(), M::Error> {
        for (name, value) in &self.extra.0 {
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
        impl serde_core::Serialize for $name {
            fn serialize<S: serde_core::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                crate::wire::Wire::write(self, crate::wire::Manner::default(), serializer)
            }
        }
    )*};
}

pub(crate) use serialize_inline;
