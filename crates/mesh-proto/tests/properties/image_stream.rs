//! A streamed reply of the images endpoint is the same in any pieces, and has a picture where it is
//! a success.

use mesh_proto::endpoint::ImageStream;
use mesh_proto::images::ImageRequest;

use super::{head, image_reply, look_at, read_in_any_pieces};

pub(super) fn hold(data: &[u8]) {
    let stream = ImageStream::new(&ImageRequest::new("m", "a fox")).unwrap();
    let (events, result, partial) = read_in_any_pieces(&stream, &head(200, &[]), data);
    for chunk in &events {
        look_at(&chunk.images());
        let _ = (chunk.is_partial(), format!("{chunk:?}"));
        let stored = serde_json::to_string(chunk).unwrap();
        assert_eq!(*chunk, serde_json::from_str(&stored).unwrap(), "{stored}");
    }
    if let Ok(reply) = &result {
        assert!(!reply.images().is_empty(), "a success without a picture");
    }
    if let Some(reply) = result.ok().or(partial) {
        image_reply::inspect(&reply);
    }
}
