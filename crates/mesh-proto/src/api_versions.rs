//! The dated contracts that a gateway serves ([protocol reference, section 2](crate::protocol#2-dated-versions)).

use crate::open_enum::open_enum;
use crate::row::OddRow;
use crate::row::{open_field, row};
use crate::target::{ApiVersion, InvalidApiVersion};

open_enum! {
    /// Where a dated contract is in its life.
    pub enum VersionStatus {
        /// Served, and to be relied on.
        GeneralAvailability = "ga",
        /// On its way out, or gone.
        Sunset = "sunset",
    }
}

open_field!(VersionStatus);

row! {
    /// A dated contract. Every field but its label may be missing.
    #[derive(Clone, Debug, PartialEq)]
    pub struct VersionRow [
        /// Its label, such as `2026-09`; see [`VersionRow::version`].
        label: String
    ] {
        /// Where it is in its life.
        status: Option<VersionStatus>,
        /// Whether it applies where neither the request nor the key asks for another.
        baseline: Option<bool>,
        /// Whether none is newer.
        latest: Option<bool>,
        /// What it can do, where that is told as names.
        capabilities: Vec<String>,
        /// The day from which it is not served, as the gateway writes it.
        sunset_on: Option<String>,
    }
}

impl VersionRow {
    /// The version, to be asked for with
    /// [`Target::with_version`](crate::Target::with_version).
    ///
    /// Errors where the label is not of the form `YYYY-MM`.
    pub fn version(&self) -> Result<ApiVersion, InvalidApiVersion> {
        ApiVersion::new(&self.label)
    }
}

/// The dated contracts, and the rows that are none.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct VersionList {
    /// The contracts, in the gateway's order.
    pub versions: Vec<VersionRow>,
    /// Rows that could not be read.
    pub odd: Vec<OddRow>,
}

impl VersionList {
    /// The one that applies where neither the request nor the key asks for another.
    pub fn baseline(&self) -> Option<&VersionRow> {
        self.versions.iter().find(|row| row.baseline == Some(true))
    }

    /// The newest.
    pub fn latest(&self) -> Option<&VersionRow> {
        self.versions.iter().find(|row| row.latest == Some(true))
    }
}
