//! What the gateway tells of itself: its dated contracts and its error codes.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says when it fails"
)]

use bytes::Bytes;
use mesh_proto::api_versions::{VersionList, VersionStatus};
use mesh_proto::call::Failure;
use mesh_proto::endpoint::{ListApiVersions, ListErrorCodes};
use mesh_proto::error::{DecodeError, ErrorCode};
use mesh_proto::error_codes::ErrorCodeList;
use mesh_proto::{ApiKey, Endpoint, Target};
use serde_json::{Value, json};

fn read<E: Endpoint>(endpoint: &E, status: u16, body: &str) -> Result<E::Output, Failure> {
    let target = Target::production(ApiKey::new("rsk_1").unwrap());
    let request = endpoint.request(&target).unwrap();
    assert!(
        request.headers().contains_key("authorization"),
        "it needs the key"
    );
    let response = http::Response::builder()
        .status(status)
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap();
    Ok(endpoint.read(response)?.into_value())
}

fn versions(body: &Value) -> VersionList {
    read(&ListApiVersions::new(), 200, &body.to_string()).unwrap()
}

fn codes(body: &Value) -> ErrorCodeList {
    read(&ListErrorCodes::new(), 200, &body.to_string()).unwrap()
}

#[test]
fn versions_say_which_is_the_baseline_and_which_the_latest() {
    let rows = json!([
        {"label": "2026-08", "status": "ga", "baseline": true, "latest": false, "capabilities": [], "sunset_on": null},
        {"label": "2026-09", "status": "preview", "baseline": false, "latest": true,
            "capabilities": ["video_reference"], "sunset_on": "2027-09-30", "released_on": "2026-09-01"},
        {"status": "ga"},
        {"label": "someday", "capabilities": {"video": {"max": 3}}},
    ]);
    let list = versions(&rows);
    assert_eq!(list.baseline().unwrap().label, "2026-08");
    let latest = list.latest().unwrap();
    assert_eq!(latest.version().unwrap().as_str(), "2026-09");
    assert_eq!(
        latest.status,
        Some(VersionStatus::Other("preview".to_owned()))
    );
    assert_eq!(
        list.versions[0].status,
        Some(VersionStatus::GeneralAvailability)
    );
    assert_eq!(latest.capabilities, ["video_reference"]);
    assert_eq!(latest.sunset_on.as_deref(), Some("2027-09-30"));
    assert_eq!(latest.extra["released_on"], "2026-09-01");
    assert!(list.versions[2].version().is_err());
    assert_eq!(list.versions[2].extra["capabilities"]["video"]["max"], 3);
    assert_eq!(
        (list.odd[0].place, list.odd[0].reason),
        (2, "it has no label")
    );
    assert_eq!(versions(&json!({"data": rows})), list);
    assert_eq!(serde_json::to_value(latest).unwrap(), rows[1]);
}

#[test]
fn a_deployment_that_does_not_know_its_versions_says_404() {
    let error = read(&ListApiVersions::new(), 404, r#"{"detail":"Not Found"}"#).unwrap_err();
    let Failure::Api(error) = error else {
        panic!("{error:?}")
    };
    assert_eq!(
        (error.status.as_u16(), error.message.as_str()),
        (404, "Not Found")
    );
}

#[test]
fn error_codes_are_read_in_any_shape() {
    let full = json!([
        {"code": "rate_limit_exceeded", "http_status": 429, "description": "Too many.", "retryable": true, "doc_url": "x"},
        {"code": "brand_new", "status": ["400", 422], "message": "New."},
    ]);
    let list = codes(&full);
    let rate = list.get(&ErrorCode::RateLimitExceeded).unwrap();
    assert_eq!(
        (rate.statuses.as_slice(), rate.retryable),
        (&[429][..], Some(true))
    );
    assert_eq!(rate.description.as_deref(), Some("Too many."));
    assert_eq!(rate.extra["doc_url"], "x");
    assert_eq!(list.codes[1].code, ErrorCode::Other("brand_new".to_owned()));
    assert_eq!(list.codes[1].statuses, [400, 422]);
    assert_eq!(list.codes[1].description.as_deref(), Some("New."));
    for name in ["errors", "data", "codes", "items"] {
        assert_eq!(codes(&json!({name: full, "version": 3})), list, "{name}");
    }

    let names = |list: &ErrorCodeList| {
        list.codes
            .iter()
            .map(|row| row.code.to_string())
            .collect::<Vec<_>>()
    };
    for body in [
        json!(["bad_request", "conflict"]),
        json!({"bad_request": {"status": 400}, "conflict": {"status": 409}}),
        json!({"errors": {"bad_request": "It is bad.", "conflict": null}}),
        json!({"bad_request": 400, "conflict": 409}),
    ] {
        let list = codes(&body);
        assert_eq!(names(&list), ["bad_request", "conflict"], "{body}");
        assert_eq!(list.odd, [], "{body}");
    }
    let described = codes(&json!({"errors": {"bad_request": "It is bad."}}));
    assert_eq!(
        described.codes[0].description.as_deref(),
        Some("It is bad.")
    );
    assert_eq!(codes(&json!({"conflict": 409})).codes[0].statuses, [409]);

    let odd = codes(&json!(["conflict", 7, {"status": 400}, {"code": 9}]));
    assert_eq!(
        odd.odd
            .iter()
            .map(|odd| (odd.place, odd.reason))
            .collect::<Vec<_>>(),
        [
            (1, "it is no object"),
            (2, "it has no code"),
            (3, "its code is empty or no text")
        ]
    );
    let row =
        serde_json::from_value::<mesh_proto::error_codes::ErrorCodeRow>(full[0].clone()).unwrap();
    let stored = serde_json::to_string(&row).unwrap();
    assert_eq!(
        serde_json::from_str::<mesh_proto::error_codes::ErrorCodeRow>(&stored).unwrap(),
        row
    );
}

#[test]
fn an_error_in_place_of_the_codes_is_that_error() {
    for body in [
        r#"{"error":{"code":"internal_error","message":"m"},"request_id":"req_1"}"#,
        r#"{"error":"broken"}"#,
    ] {
        let error = read(&ListErrorCodes::new(), 200, body).unwrap_err();
        assert!(
            matches!(error, Failure::Decode(DecodeError::Api(_))),
            "{error:?}"
        );
    }
    for body in ["{}", "7", "\"text\""] {
        let error = read(&ListErrorCodes::new(), 200, body).unwrap_err();
        assert!(
            matches!(error, Failure::Decode(DecodeError::Json { .. })),
            "{error:?}"
        );
    }
}
