//! A chat reply is the same in any pieces, can be stored and read back, and gives up its pictures
//! without a panic.

use mesh_proto::{ApiKey, ChatReply, ChatRequest, Endpoint, Target};

use super::{head, look_at, read_in_any_pieces, told};

pub(super) fn hold(data: &[u8]) {
    let request = ChatRequest::new("m").user("u");
    if let (_, Ok(reply), _) = read_in_any_pieces(&request, &head(200, &[]), data) {
        inspect(&reply);
        goes_on(reply);
    }
}

/// Everything that can be asked of a reply, and that storing it changes nothing.
pub(super) fn inspect(reply: &ChatReply) {
    let images = reply.images();
    look_at(&images);
    let drawn = reply.drawn();
    assert_eq!(drawn.is_ok(), !images.is_empty());
    if let Err(absence) = drawn {
        let _ = (absence.to_string(), format!("{absence:?}"));
    }
    let _ = (reply.refusal(), reply.cost(), reply.auto_routing());
    let _ = (reply.tool_calls(), reply.is_cached(), format!("{reply:?}"));

    let stored = serde_json::to_string(reply).unwrap();
    let again: ChatReply = serde_json::from_str(&stored).unwrap();
    assert_eq!(again, *reply, "{stored}");
    assert_eq!(serde_json::to_string(&again).unwrap(), stored);
    assert_eq!(told(&again.images()), told(&images));
}

/// The conversation can go on with the reply, and its message is sent back as it is stored.
fn goes_on(reply: ChatReply) {
    let Some(message) = reply.into_message() else {
        return;
    };
    let request = ChatRequest::new("m").message(message);
    let target = Target::production(ApiKey::new("rsk_1").unwrap());
    if let Ok(sent) = request.request(&target) {
        let mut body = vec![0; usize::try_from(sent.body().len()).unwrap()];
        assert_eq!(sent.body().reader().read(&mut body), body.len());
        assert_eq!(
            String::from_utf8(body).unwrap(),
            serde_json::to_string(&request).unwrap()
        );
    }
}
