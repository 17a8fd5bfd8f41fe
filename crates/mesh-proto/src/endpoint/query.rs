//! The query of a URL.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What a query's value may hold unescaped (RFC 3986, section 2.3).
pub(super) const VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A path with a query in the making.
pub(super) struct Query {
    path: String,
    separator: char,
}

impl Query {
    pub(super) fn new(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            separator: '?',
        }
    }

    /// Adds `name` with each of the values.
    pub(super) fn with<V: ToString>(
        mut self,
        name: &str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        for value in values {
            self.path.push(self.separator);
            self.path.push_str(name);
            self.path.push('=');
            self.path
                .extend(utf8_percent_encode(&value.to_string(), VALUE));
            self.separator = '&';
        }
        self
    }

    pub(super) fn into_path(self) -> String {
        self.path
    }
}
