//! The one way to declare an object of the wire: [`wire_object`].

/// Declares an object of the wire. From the declaration follow the struct, how it is read in one
/// pass (unknown fields go into `extra`), how it is written, its `Debug`, and, for what a caller
/// fills in, a setter for each optional field and the check of its ranges.
///
/// A field is one line:
///
/// ```text
/// wire_object! {
///     /// What is sent.
///     #[derive(Clone, Default, PartialEq)]
///     pub struct Question as request {
///         /// The model's id.
///         pub model: Option<String> [before_stream],
///         /// How freely the model chooses, 0 to 2.
///         pub temperature: Option<f64> in (0.0..=2.0),
///         /// What kind of question it is.
///         pub kind: Option<Kind> = "type",
///         /// When it was asked, in seconds since 1970.
///         pub created: Option<u64> => count,
///     }
///     last {
///         /// The conversation.
///         pub messages: Vec<Message> [always] <= Wire::write,
///     }
/// }
/// ```
///
/// It is sent as `{"model":…,"stream":true,"temperature":…,"type":…,"created":…, extra…,
/// "messages":[…]}`, and `Question::default().temperature(0.5).model("gpt-4o")` sets its fields.
///
/// The parts of a field, in this order, each of them optional:
///
/// - A mark in brackets. `required`: an object without the field is an error. `always`: the field
///   is written even if it says nothing (an option that is `None`, a list without items).
///   `private`: `Debug` shows an excerpt or the names alone. `own_setter`: no setter is generated.
///   `before_stream`: a request for a stream has `"stream":true` after this field.
/// - `= "name"`: its name on the wire, if that is not the field's.
/// - `in (range)`: what it may be (see [`Range`](super::Range)); its setter takes the number itself,
///   any other setter takes what converts into the type.
/// - `<= function`: writes it, for values that have images in them (see [`Wire`](super::Wire)).
/// - `=> function`: reads it, instead of its own `Deserialize`; usually a lenient reader.
///
/// The parts of an object: `without "name"` reads that field and drops it; `then function` changes
/// what has been read; `as request` asks for setters and ranges; `last` has fields that are written
/// after `extra`; `beside` has fields that are not part of the wire.
///
/// The type of a field is a name with its parameters, not a path. Of a field that comes twice the
/// last counts. `#[serde(flatten)]` would say the same, but it holds back every field until all have
/// come, which takes several times as long.
macro_rules! wire_object {
    (
        $(#[$meta:meta])*
        $visibility:vis struct $object:ident
        $(without $unkept:literal)? $(then $settle:path)? $(as $role:ident)? {
            $(
                $(#[$doc:meta])*
                $field_visibility:vis $field:ident: $kind:ident $(<$($of:ty),+>)? $([$mark:ident])?
                $(= $name:literal)? $(in ($range:expr))? $(<= $writer:path)? $(=> $reader:path)?,
            )*
        }
        $(last {
            $(
                $(#[$late_doc:meta])*
                $late_visibility:vis $late:ident: $late_kind:ident $(<$($late_of:ty),+>)? $([$late_mark:ident])?
                $(= $late_name:literal)? $(<= $late_writer:path)? $(=> $late_reader:path)?,
            )*
        })?
        $(beside {
            $($(#[$beside_doc:meta])* $beside_visibility:vis $beside:ident: $beside_kind:ty,)*
        })?
    ) => {
        $(#[$meta])*
        #[non_exhaustive]
        $visibility struct $object {
            $($(#[$doc])* $field_visibility $field: $kind $(<$($of),+>)?,)*
            /// Fields that are not modelled here, kept and sent as they are.
            pub extra: crate::wire::Extra,
            $($($(#[$late_doc])* $late_visibility $late: $late_kind $(<$($late_of),+>)?,)*)?
            $($($(#[$beside_doc])* $beside_visibility $beside: $beside_kind,)*)?
        }

        impl $object {
            /// The object before anything is read or set.
            fn blank() -> Self {
                Self {
                    $($field: crate::wire::Blank::blank(),)*
                    extra: crate::wire::Extra::new(),
                    $($($late: crate::wire::Blank::blank(),)*)?
                    $($($beside: crate::wire::Blank::blank(),)*)?
                }
            }

            /// Writes all but the `last` fields.
            fn write_fields<M: serde_core::ser::SerializeMap>(
                &self,
                object: &mut crate::wire::Object<'_, M>,
            ) -> Result<(), M::Error> {
                $(
                    crate::wire::wire_object!(@write object, self.$field, $kind $(<$($of),+>)?,
                        crate::wire::wire_object!(@name $field $($name)?), [$($mark)?] $(, $writer)?);
                    $(crate::wire::wire_object!(@after object, $mark);)?
                )*
                object.extra(&[$($(crate::wire::wire_object!(@name $late $($late_name)?),)*)?])
            }
        }

        impl crate::wire::Wire for $object {
            fn write<S: serde_core::Serializer>(
                &self,
                manner: crate::wire::Manner<'_>,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                let mut object = crate::wire::Object::begin(manner, serializer, &self.extra)?;
                self.write_fields(&mut object)?;
                $($(crate::wire::wire_object!(@write object, self.$late, $late_kind $(<$($late_of),+>)?,
                    crate::wire::wire_object!(@name $late $($late_name)?), [$($late_mark)?] $(, $late_writer)?);)*)?
                object.end()
            }
        }

        impl serde_core::Serialize for $object {
            fn serialize<S: serde_core::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                crate::wire::Wire::write(self, crate::wire::Manner::default(), serializer)
            }
        }

        impl crate::wire::Silent for $object {}

        impl std::fmt::Debug for $object {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let mut shown = f.debug_struct(stringify!($object));
                $(crate::wire::wire_object!(@show shown, self.$field, $field, [$($mark)?]);)*
                crate::wire::wire_object!(@show shown, self.extra, extra, []);
                $($(crate::wire::wire_object!(@show shown, self.$late, $late, [$($late_mark)?]);)*)?
                $($(shown.field(stringify!($beside), &self.$beside);)*)?
                shown.finish()
            }
        }

        crate::wire::wire_object! { @read $object [$($unkept)?] [$($settle)?]
            $($field: $kind $(<$($of),+>)?, [$($mark)?], [$($name)?], [$($reader)?];)*
            $($($late: $late_kind $(<$($late_of),+>)?, [$($late_mark)?], [$($late_name)?], [$($late_reader)?];)*)?
        }
        crate::wire::wire_object! { @fill_in [$($role)?] $object {
            $($(#[$doc])* $field: ($kind $(<$($of),+>)?) [$($mark)?] [crate::wire::wire_object!(@name $field $($name)?)] [$($range)?];)*
            $($($(#[$late_doc])* $late: ($late_kind $(<$($late_of),+>)?) [$($late_mark)?] [stringify!($late)] [];)*)?
        } }
    };

    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $name:literal) => { $name };

    (@write $object:ident, $value:expr, $kind:ty, $name:expr, [$($mark:ident)?]) => {
        if crate::wire::wire_object!(@is_written $value, [$($mark)?]) {
            $object.field($name, &$value)?;
        }
    };
    (@write $object:ident, $value:expr, $kind:ty, $name:expr, [$($mark:ident)?], $writer:path) => {
        if crate::wire::wire_object!(@is_written $value, [$($mark)?]) {
            struct Written<'v>(&'v $kind, crate::wire::Manner<'v>);

            impl serde_core::Serialize for Written<'_> {
                fn serialize<S: serde_core::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    $writer(self.0, self.1, serializer)
                }
            }

            $object.field($name, &Written(&$value, $object.manner()))?;
        }
    };
    (@is_written $value:expr, [always]) => { true };
    (@is_written $value:expr, [$($mark:ident)?]) => { crate::wire::Silent::says_something(&$value) };
    (@after $object:ident, before_stream) => { $object.stream()?; };
    (@after $object:ident, $mark:ident) => {};

    (@show $shown:ident, $value:expr, $field:ident, [private]) => {
        if crate::wire::Silent::says_something(&$value) {
            $shown.field(stringify!($field), &crate::wire::Private::shown(&$value));
        }
    };
    (@show $shown:ident, $value:expr, $field:ident, [$($mark:ident)?]) => {
        if crate::wire::Silent::says_something(&$value) {
            $shown.field(stringify!($field), &$value);
        }
    };

    (@read $object:ident [$($unkept:literal)?] [$($settle:path)?]
        $($field:ident: $kind:ty, [$($mark:ident)?], [$($name:literal)?], [$($reader:path)?];)*
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
                        $(let mut $field = crate::wire::Awaited::new(crate::wire::wire_object!(@name $field $($name)?));)*
                        while let Some(crate::wire::Name(name)) = fields.next_key()? {
                            $(
                                if name == $field.name {
                                    $field.has_come = true;
                                    self.0.$field = crate::wire::wire_object!(@value fields $kind $(, $reader)?);
                                    continue;
                                }
                            )*
                            $(
                                if name == $unkept {
                                    crate::wire::wire_object!(@value fields (), crate::wire::unkept);
                                    continue;
                                }
                            )?
                            self.0.extra.insert(name.into_owned(), fields.next_value()?);
                        }
                        $(crate::wire::wire_object!(@demand $field [$($mark)?]);)*
                        Ok(())
                    }
                }

                let mut object = Self::blank();
                deserializer.deserialize_map(Fields(&mut object))?;
                $($settle(&mut object);)?
                Ok(object)
            }
        }
    };
    (@demand $field:ident [required]) => { $field.demand()?; };
    (@demand $field:ident [$($mark:ident)?]) => {};
    (@value $fields:ident $kind:ty) => { $fields.next_value::<$kind>()? };
    (@value $fields:ident $kind:ty, $reader:path) => {{
        struct Read($kind);

        impl<'de> serde_core::Deserialize<'de> for Read {
            fn deserialize<D: serde_core::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $reader(deserializer).map(Self)
            }
        }

        $fields.next_value::<Read>()?.0
    }};

    (@fill_in [] $($fields:tt)*) => {};
    (@fill_in [request] $object:ident {
        $($(#[$doc:meta])* $field:ident: $kind:tt [$($mark:ident)?] [$name:expr] [$($range:expr)?];)*
    }) => {
        impl $object {
            $(crate::wire::wire_object! { @setter [$($mark)?] $(#[$doc])* $field: $kind [$($range)?] })*
        }

        impl crate::wire::Ranged for $object {
            fn check_ranges(&self, _path: &str) -> Result<(), crate::build_error::BuildError> {
                $($(
                    if let Some(rule) = self.$field.and_then(|value| crate::wire::Range::broken_by(&$range, value)) {
                        let field = format!("{_path}{}", $name);
                        return Err(crate::build_error::BuildError::invalid(field, rule));
                    }
                )?)*
                Ok(())
            }
        }
    };
    (@setter [own_setter] $($rest:tt)*) => {};
    (@setter [$($mark:ident)?] $(#[$doc:meta])* $field:ident: (Option<$kind:ty>) []) => {
        #[doc = concat!("Sets `", stringify!($field), "`.")]
        $(#[$doc])*
        pub fn $field(mut self, $field: impl Into<$kind>) -> Self {
            self.$field = Some($field.into());
            self
        }
    };
    (@setter [$($mark:ident)?] $(#[$doc:meta])* $field:ident: (Option<$kind:ty>) [$range:expr]) => {
        #[doc = concat!("Sets `", stringify!($field), "`.")]
        $(#[$doc])*
        pub fn $field(mut self, $field: $kind) -> Self {
            self.$field = Some($field);
            self
        }
    };
    (@setter $($rest:tt)*) => {};
}

pub(crate) use wire_object;

#[cfg(test)]
mod tests;
