//! Limits of time that only a timer finds: nothing comes, and nobody wakes the call.

#![allow(
    clippy::unwrap_used,
    reason = "a test runs a server, and fails by panicking"
)]

use std::net::TcpListener;
use std::time::Duration;

use mesh_async::{ChatRequest, Client, Error, RetryPolicy, Settings};
use mesh_proto::call::Deadline;
use mesh_proto::call::Failure;

#[tokio::test]
async fn a_reply_may_be_late_however_long_connecting_might_have_taken() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut settings = Settings::default();
    settings.retry = RetryPolicy::never();
    settings.deadlines.connect = Duration::from_secs(3600);
    settings.deadlines.head = Some(Duration::from_millis(50));
    let mesh = Client::builder()
        .key("rsk_canary")
        .base_url(format!("http://{}", silent.local_addr().unwrap()))
        .settings(settings)
        .build()
        .unwrap();
    let request = ChatRequest::new("m").user("hello");
    // In a task of its own, which the test's limit does not wake.
    let call = tokio::spawn(async move { mesh.chat().completions().create(&request).await });
    let result = tokio::time::timeout(Duration::from_secs(60), call).await;
    let Ok(Ok(Err(Error::Call(error)))) = result else {
        unreachable!("the limit for the head is not kept")
    };
    assert!(matches!(
        error.failure(),
        Failure::Deadline(Deadline::Head(_))
    ));
}
