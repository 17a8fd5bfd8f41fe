//! The API key.

use std::borrow::Cow;
use std::fmt;

use http::header::HeaderValue;

use crate::secret;

/// A secret that opens the gateway: `rsk_` and a ULID for inference. Never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(HeaderValue);

impl ApiKey {
    /// A key, with white space around it taken off.
    ///
    /// Errors where nothing is left, or a character is in it that no header may carry. The form
    /// beyond that is the gateway's to judge.
    pub fn new(key: impl AsRef<str>) -> Result<Self, InvalidKey> {
        let key = key.as_ref().trim();
        if key.is_empty() {
            return Err(InvalidKey::Empty);
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidKey::Character);
        }
        let mut value =
            HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| InvalidKey::Character)?;
        value.set_sensitive(true);
        Ok(Self(value))
    }

    /// The value of the `Authorization` header, marked sensitive.
    pub fn authorization(&self) -> HeaderValue {
        self.0.clone()
    }

    /// Returns `text` with the key replaced by `[key]` wherever it stands, in any case and also
    /// percent-encoded, with escapes of JSON or as character references of HTML: for texts that a
    /// server wrote. A key of fewer than 8 characters is no secret, and the text stays as it is.
    ///
    /// ```
    /// let key = mesh_proto::ApiKey::new("rsk_01J7")?;
    /// assert_eq!(key.redacted("?token=RSK%5F01J7&n=1"), "?token=[key]&n=1");
    /// # Ok::<(), mesh_proto::InvalidKey>(())
    /// ```
    pub fn redacted<'t>(&self, text: &'t str) -> Cow<'t, str> {
        secret::without(text, self.reveal())
    }

    /// The secret itself.
    pub fn reveal(&self) -> &str {
        self.0
            .to_str()
            .ok()
            .and_then(|value| value.strip_prefix("Bearer "))
            .unwrap_or_default()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(redacted)")
    }
}

/// What keeps a text from being an API key. Never says the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidKey {
    /// Nothing but white space.
    Empty,
    /// A line break, a space or a character beyond ASCII inside it.
    Character,
}

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the API key is empty",
            Self::Character => {
                "the API key has a line break, a space or a character beyond ASCII inside it; check how it was copied"
            }
        })
    }
}

impl std::error::Error for InvalidKey {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_no_header_may_carry_are_refused_without_being_shown() {
        assert_eq!(ApiKey::new(" \n").unwrap_err(), InvalidKey::Empty);
        for key in ["rsk_a\nb", "rsk_a b", "rsk_ä", "rsk_\u{0}"] {
            assert_eq!(ApiKey::new(key).unwrap_err(), InvalidKey::Character);
        }
    }
}
