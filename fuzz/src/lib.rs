//! What the targets check: the properties that the tests of mesh-proto check, too.

#![allow(
    clippy::missing_panics_doc,
    reason = "a property that does not hold panics"
)]

#[path = "../../crates/mesh-proto/tests/properties/mod.rs"]
pub mod properties;
