//! What becomes of connections between calls.

use super::{DONE, REPLY, delta};
use crate::scenario::{Ask, Expected, Need, Scenario};
use crate::script::{Act, Exchange};

pub(super) fn scenarios() -> Vec<Scenario> {
    vec![
        // A thread of its own may give a connection back a moment after the reply is out.
        Scenario::new("kept", "ten calls take one connection, or two", Ask::Chat)
            .needs(&[Need::KeptConnections])
            .calls(10)
            .answers([Exchange::answer(200, REPLY)])
            .accepts(Expected::reply("hi").requests(10).connections(2)),
        Scenario::new(
            "kept_after_an_error",
            "an error whose body has been read costs no connection",
            Ask::Chat,
        )
        .needs(&[Need::KeptConnections])
        .calls(3)
        .with(|settings| settings.retry.max_retries = 3)
        .answers([
            super::error(503, "provider_not_available"),
            super::error(503, "provider_not_available"),
            Exchange::answer(200, REPLY),
        ])
        .accepts(Expected::reply("hi").requests(5).connections(2)),
        Scenario::new(
            "died_between_calls",
            "a kept connection that has died meanwhile is replaced",
            Ask::Chat,
        )
        .needs(&[Need::Http1, Need::KeptConnections])
        .calls(2)
        .answers([
            Exchange::answer(200, REPLY).then(Act::Close),
            Exchange::answer(200, REPLY),
        ])
        .accepts(Expected::reply("hi").requests(2)),
        Scenario::new(
            "died_after_a_stream",
            "so it is after a stream",
            Ask::ChatStream,
        )
        .needs(&[Need::Http1, Need::KeptConnections])
        .calls(2)
        .answers([
            Exchange::events([delta("one"), DONE.to_owned()]).then(Act::Close),
            Exchange::events([delta("one"), DONE.to_owned()]),
        ])
        .accepts(Expected::stream(["one"]).requests(2)),
        Scenario::new(
            "one_connection",
            "over HTTP/2 one connection carries all calls",
            Ask::ChatStream,
        )
        .needs(&[Need::Http2])
        .calls(20)
        .answers([Exchange::events([delta("one"), DONE.to_owned()])])
        .accepts(Expected::stream(["one"]).requests(20).connections(1)),
    ]
}
