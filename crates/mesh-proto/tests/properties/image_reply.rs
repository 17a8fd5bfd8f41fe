//! A reply of the images endpoint is the same in any pieces, has a picture where it is a success,
//! and can be stored and read back.

use mesh_proto::images::{ImageReply, ImageRequest};

use super::{head, look_at, read_in_any_pieces, told};

pub(super) fn hold(data: &[u8]) {
    let request = ImageRequest::new("m", "a fox");
    if let (_, Ok(reply), _) = read_in_any_pieces(&request, &head(200, &[]), data) {
        assert!(!reply.images().is_empty(), "a success without a picture");
        inspect(&reply);
    }
}

/// Everything that can be asked of a reply, and that storing it changes nothing.
pub(super) fn inspect(reply: &ImageReply) {
    let images = reply.images();
    look_at(&images);
    let _ = format!("{reply:?}");
    let stored = serde_json::to_string(reply).unwrap();
    let again: ImageReply = serde_json::from_str(&stored).unwrap();
    assert_eq!(again, *reply, "{stored}");
    assert_eq!(serde_json::to_string(&again).unwrap(), stored);
    assert_eq!(told(&again.images()), told(&images));
}
