//! The key that must not show, and the search for it.

/// Any nine characters of its secret part give it away to [`is_shown`].
pub(crate) const KEY: &str = "rsk_QZ7QZ7QZ7QZ7QZ7QZ7QZ7QZ7QZ";

/// Whether `text` has a piece of the key in it.
pub(crate) fn is_shown(text: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), b"QZ7QZ7Q").is_some()
}
