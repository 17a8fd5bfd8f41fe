//! What the fields of an object have to be able to do: see [`wire_object`](super::wire_object).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::{RangeFrom, RangeInclusive};

use serde_core::Deserialize;
use serde_core::de::{Deserializer, Error, Visitor};

use super::Extra;
use crate::build_error::BuildError;
use crate::excerpt;

/// A field that may say nothing, and is neither written nor shown then.
pub(crate) trait Silent {
    fn says_something(&self) -> bool {
        true
    }
}

impl<T> Silent for Option<T> {
    fn says_something(&self) -> bool {
        self.is_some()
    }
}

impl<T> Silent for Vec<T> {
    fn says_something(&self) -> bool {
        !self.is_empty()
    }
}

impl<K, V> Silent for BTreeMap<K, V> {
    fn says_something(&self) -> bool {
        !self.is_empty()
    }
}

impl Silent for Extra {
    fn says_something(&self) -> bool {
        !self.is_empty()
    }
}

impl Silent for String {}
impl Silent for u64 {}

/// A field before it is read or set.
pub(crate) trait Blank {
    fn blank() -> Self;
}

impl<T: Default> Blank for T {
    fn blank() -> Self {
        Self::default()
    }
}

/// A field whose value `Debug` must not show.
pub(crate) trait Private {
    fn shown(&self) -> impl fmt::Debug;
}

impl Private for String {
    fn shown(&self) -> impl fmt::Debug {
        excerpt::message(self)
    }
}

impl Private for BTreeMap<String, String> {
    fn shown(&self) -> impl fmt::Debug {
        self.keys().collect::<Vec<_>>()
    }
}

/// What a number may be.
pub(crate) trait Range<T> {
    /// The rule that `value` breaks, or nothing.
    fn broken_by(&self, value: T) -> Option<String>;
}

impl<T: PartialOrd + fmt::Display> Range<T> for RangeInclusive<T> {
    fn broken_by(&self, value: T) -> Option<String> {
        let (least, most) = (self.start(), self.end());
        (!self.contains(&value)).then(|| format!("{value} is not between {least} and {most}"))
    }
}

impl<T: PartialOrd + fmt::Display> Range<T> for RangeFrom<T> {
    fn broken_by(&self, value: T) -> Option<String> {
        (!self.contains(&value)).then(|| format!("{value} is not at least {}", self.start))
    }
}

/// Finite numbers above this one.
pub(crate) struct Above(pub(crate) f64);

impl Range<f64> for Above {
    fn broken_by(&self, value: f64) -> Option<String> {
        (!(value > self.0 && value.is_finite()))
            .then(|| format!("{value} is not a number above {}", self.0))
    }
}

/// An object whose declaration has ranges.
pub(crate) trait Ranged {
    /// Errors where a number is outside its range. `path` leads to the object, such as `image.`.
    fn check_ranges(&self, path: &str) -> Result<(), BuildError>;
}

/// A field that may come. Of one that comes again the last counts, as any JSON parser has it: two
/// writers of one object have been seen to cost a picture otherwise.
pub(crate) struct Awaited {
    pub(crate) name: &'static str,
    pub(crate) has_come: bool,
}

impl Awaited {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self {
            name,
            has_come: false,
        }
    }

    /// Errors where it has not come.
    pub(crate) fn demand<E: Error>(&self) -> Result<(), E> {
        if self.has_come {
            return Ok(());
        }
        Err(E::missing_field(self.name))
    }
}

/// The name of a field, borrowed unless an escape stands in it.
pub(crate) struct Name<'de>(pub(crate) Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field's name")
            }

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
