//! Dated contracts ([protocol reference, section 2](crate::protocol#2-dated-versions)).

use std::fmt;

use http::header::HeaderValue;

/// The label of a dated contract, `YYYY-MM` ([protocol reference, section 2](crate::protocol#2-dated-versions)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiVersion(String);

impl ApiVersion {
    /// A label such as `2026-09`. Errors on any other form: the gateway refuses those before it
    /// looks at the key.
    pub fn new(label: &str) -> Result<Self, InvalidApiVersion> {
        let (year, month) = label.split_once('-').ok_or(InvalidApiVersion)?;
        let digits = |text: &str, count| {
            text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        if digits(year, 4) && digits(month, 2) && (1..=12).contains(&month.parse().unwrap_or(0)) {
            Ok(Self(label.to_owned()))
        } else {
            Err(InvalidApiVersion)
        }
    }

    /// The label.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

/// A version label that is not of the form `YYYY-MM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidApiVersion;

impl fmt::Display for InvalidApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the API version is not of the form YYYY-MM")
    }
}

impl std::error::Error for InvalidApiVersion {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_labels_are_dates() {
        assert_eq!(ApiVersion::new("2026-09").unwrap().as_str(), "2026-09");
        for label in [
            "",
            "2026",
            "2026-13",
            "2026-9",
            "2026-09-01",
            "latest",
            "２０２６-09",
        ] {
            assert!(ApiVersion::new(label).is_err(), "{label}");
        }
    }
}
