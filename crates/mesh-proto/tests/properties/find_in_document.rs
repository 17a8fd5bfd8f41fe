//! Pictures are looked for in any document without a panic, and none is found twice.

use mesh_proto::image::find_in_document;
use serde_json::Value;

use super::{look_at, told};

pub(super) fn hold(data: &[u8]) {
    let Ok(document) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    let found = find_in_document(&document);
    look_at(&found);
    let mut urls: Vec<&str> = found
        .iter()
        .filter_map(|image| image.remote_url())
        .collect();
    let all = urls.len();
    urls.sort_unstable();
    urls.dedup();
    assert_eq!(urls.len(), all);
    assert_eq!(told(&find_in_document(&document)), told(&found));
}
