//! Errors in every form, read from response headers and bodies.

use super::*;

fn head(status: u16, headers: &[(&str, &str)]) -> Head {
    let mut builder = http::Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    Head::from(&builder.body(()).unwrap().into_parts().0)
}

#[test]
fn every_form_gives_message_code_and_id() {
    let header = [("x-request-id", "req_header")];
    for (status, body, code, message, id) in [
        (
            429,
            r#"{"error":{"code":"rate_limit_exceeded","message":"Slow down","retry_after_seconds":7},"request_id":"req_body"}"#,
            Some("rate_limit_exceeded"),
            "Slow down",
            "req_body",
        ),
        (
            404,
            r#"{"detail":"Model not found"}"#,
            None,
            "Model not found",
            "req_header",
        ),
        (
            422,
            r#"{"detail":[{"loc":["body","messages",0,"role"],"msg":"field required","type":"missing"},{"loc":["body","n"],"msg":"too big","type":"x"}]}"#,
            None,
            "body.messages.0.role: field required; body.n: too big",
            "req_header",
        ),
        (500, r#"{"message":"broken"}"#, None, "broken", "req_header"),
        (500, r#"{"error":"broken"}"#, None, "broken", "req_header"),
        (
            400,
            r#"{"error":{"code":"brand_new"}}"#,
            Some("brand_new"),
            "brand_new",
            "req_header",
        ),
        (
            400,
            r#"{"error":{"message":"m","type":"invalid_request","code":null}}"#,
            Some("invalid_request"),
            "m",
            "req_header",
        ),
        (
            413,
            "<html><h1>413</h1>\n</html>",
            None,
            "413",
            "req_header",
        ),
        (502, "", None, "Bad Gateway", "req_header"),
        (
            500,
            r#"{"unknown":1}"#,
            None,
            r#"{"unknown":1}"#,
            "req_header",
        ),
        (500, "[1", None, "[1", "req_header"),
        (500, r#""text""#, None, "text", "req_header"),
    ] {
        let error = ApiError::read(&head(status, &header), body.as_bytes());
        assert_eq!(error.status.as_u16(), status);
        assert_eq!(error.code.as_ref().map(ErrorCode::as_str), code, "{body}");
        assert_eq!(error.message, message, "{body}");
        assert_eq!(error.request_id(), Some(id), "{body}");
    }
}

#[test]
fn a_code_that_repeats_the_status_is_said_once() {
    let body = br#"{"error":{"code":402,"message":"Insufficient credits"}}"#;
    let error = ApiError::read(&head(402, &[]), body);
    assert_eq!(error.to_string(), "Insufficient credits (402)");
    let error = ApiError::read(&head(400, &[]), body);
    assert_eq!(error.to_string(), "Insufficient credits (400, 402)");
}

#[test]
fn a_body_that_is_no_text_is_named_and_not_shown() {
    let gzip = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xabVJ-*\xca/R\xb2";
    for (headers, body, message) in [
        (
            &[("content-encoding", "gzip")][..],
            &gzip[..],
            r#"the reply is encoded as "gzip", which nobody asked for"#,
        ),
        (
            &[],
            gzip,
            r#"the reply is encoded as "gzip", which nobody asked for"#,
        ),
        (
            &[("content-encoding", "br")],
            b"\x0b\x02\x80\xff",
            r#"the reply is encoded as "br", which nobody asked for"#,
        ),
        (&[], b"\x0b\x02\x80\xff", "the reply is no text"),
        (&[("content-encoding", "gzip")], b"down", "down"),
        (&[("content-encoding", "gzip")], br#"{"message":"m"}"#, "m"),
        (&[], b"Acc\xe8s", "Acc\u{fffd}s"),
    ] {
        let error = ApiError::read(&head(400, headers), body);
        assert_eq!(error.message, message);
        assert!(!error.excerpt().contains('\u{1f}'));
    }
}

#[test]
fn the_bodys_hint_goes_before_the_headers() {
    let head = head(429, &[("retry-after", "9")]);
    for (hint, seconds) in [
        ("7", 7.0),
        ("\"7.5\"", 7.5),
        ("-1", 9.0),
        ("null", 9.0),
        ("[]", 9.0),
    ] {
        let body =
            format!(r#"{{"error":{{"code":"x","message":"m","retry_after_seconds":{hint}}}}}"#);
        let error = ApiError::read(&head, body.as_bytes());
        assert_eq!(
            error.retry_after(),
            Some(Duration::from_secs_f64(seconds)),
            "{hint}"
        );
    }
}

#[test]
fn a_wait_is_read_wherever_it_stands() {
    let date = ("date", "Wed, 21 Oct 2026 07:28:00 GMT");
    let quoted = r#""metadata":{"headers":{"X-RateLimit-Remaining":"0","X-RateLimit-Reset":"1792567690000"}}"#;
    for (status, headers, fields, expected) in [
        (429, &[][..], r#""retry_after":2.5"#, Some(2.5)),
        (429, &[], r#""retry_after":"6m0s""#, Some(360.0)),
        (429, &[], r#""retry_after_ms":1500"#, Some(1.5)),
        (429, &[], r#""retryAfter":3"#, Some(3.0)),
        (
            429,
            &[],
            r#""metadata":{"retry_after_seconds":4}"#,
            Some(4.0),
        ),
        (429, &[], r#""details":{"retry_after":5}"#, Some(5.0)),
        (429, &[], r#""details":[{"retryDelay":"1.5s"}]"#, Some(1.5)),
        (
            429,
            &[],
            r#""metadata":{"headers":{"Retry-After":"6"}}"#,
            Some(6.0),
        ),
        (
            429,
            &[],
            r#""metadata":{"headers":{"retry-after":7}}"#,
            Some(7.0),
        ),
        (429, &[date], quoted, Some(10.0)),
        (503, &[date], quoted, Some(10.0)),
        // No clock is known.
        (429, &[], quoted, None),
        (
            429,
            &[("retry-after-ms", "800"), ("retry-after", "1")],
            "",
            Some(0.8),
        ),
        (429, &[("x-ratelimit-reset-tokens", "1.5s")], "", Some(1.5)),
        (503, &[("x-ratelimit-reset-tokens", "1.5s")], "", None),
        (
            503,
            &[
                ("x-ratelimit-reset-tokens", "1.5s"),
                ("x-ratelimit-remaining-tokens", "0"),
            ],
            "",
            Some(1.5),
        ),
        // The body goes before the headers, and what is asked for before a reset.
        (
            429,
            &[("retry-after", "9")],
            r#""retry_after":2"#,
            Some(2.0),
        ),
        (429, &[("retry-after", "9")], quoted, Some(9.0)),
        (
            429,
            &[("x-ratelimit-reset", "9")],
            r#""retry_after":2"#,
            Some(2.0),
        ),
        (429, &[("x-ratelimit-reset", "9"), date], quoted, Some(9.0)),
        // Nonsense is ignored, and so is prose.
        (
            429,
            &[("retry-after", "9")],
            r#""retry_after":-2"#,
            Some(9.0),
        ),
        (
            429,
            &[("x-ratelimit-reset", "soon")],
            r#""retry_after":"soon""#,
            None,
        ),
        (429, &[], r#""note":"try again in 20s""#, None),
    ] {
        let comma = if fields.is_empty() { "" } else { "," };
        let body =
            format!(r#"{{"error":{{"message":"Please try again in 20s."{comma}{fields}}}}}"#);
        let error = ApiError::read(&head(status, headers), body.as_bytes());
        let expected = expected.map(Duration::from_secs_f64);
        assert_eq!(error.retry_after(), expected, "{status} {headers:?} {body}");
    }
}

#[test]
fn a_moment_is_read_against_the_drivers_clock_where_the_response_has_no_date() {
    let at = std::time::UNIX_EPOCH + Duration::from_secs(1_792_567_680);
    let headers = [("x-ratelimit-reset", "1792567690")];
    let error = ApiError::read_at(&head(429, &headers), b"", Some(at));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(10)));
    let dated = [headers[0], ("date", "Wed, 21 Oct 2026 07:28:08 GMT")];
    let error = ApiError::read_at(&head(429, &dated), b"", Some(at));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(2)));
}

#[test]
fn a_challenge_is_named_and_says_nothing_of_the_key() {
    let page = "<html><head><title>Just a moment...</title></head></html>";
    for (status, headers, body, message) in [
        (
            403,
            &[("cf-mitigated", "challenge")][..],
            page,
            "bot challenge by Cloudflare (cf-mitigated: challenge): Just a moment...",
        ),
        (
            429,
            &[("CF-Mitigated", "Challenge")],
            "",
            "bot challenge by Cloudflare (cf-mitigated: challenge): Too Many Requests",
        ),
        (
            403,
            &[("server", "cloudflare")],
            page,
            "bot challenge by Cloudflare: Just a moment...",
        ),
        (
            405,
            &[("x-amzn-waf-action", "captcha")],
            "<title>Human Verification</title>",
            "bot challenge by AWS WAF (x-amzn-waf-action): Human Verification",
        ),
    ] {
        let error = ApiError::read(&head(status, headers), body.as_bytes());
        assert_eq!(error.message, message);
        assert!(
            !error.is_auth() && !error.is_quota() && !error.is_rate_limit(),
            "{message}"
        );
        assert!(error.forbids_repeating(), "{message}");
    }
    assert!(ApiError::read(&head(403, &[]), page.as_bytes()).is_auth());
}

#[test]
fn the_most_specific_words_are_the_message() {
    for (status, body, message) in [
        (
            400,
            r#"{"statusCode":400,"message":["n must not be greater than 10"],"error":"Bad Request"}"#,
            "n must not be greater than 10",
        ),
        (
            400,
            r#"{"statusCode":400,"message":["a","b","a"],"error":"Bad Request"}"#,
            "a; b",
        ),
        (
            400,
            r#"{"error":{"message":["model must be a string"],"code":400}}"#,
            "model must be a string",
        ),
        (
            400,
            r#"{"error":{"message":{"detail":"picture too large"},"code":400}}"#,
            "picture too large",
        ),
        (
            500,
            r#"{"timestamp":"t","status":500,"error":"Internal Server Error","message":"model backend is down","path":"/v1"}"#,
            "model backend is down",
        ),
        (
            500,
            r#"{"status":500,"error":"Internal Server Error","path":"/v1"}"#,
            "Internal Server Error",
        ),
        (
            500,
            r#"{"type":"about:blank","title":"Model is loading","status":500}"#,
            "Model is loading",
        ),
        (
            403,
            r#"{"type":"https://a.b/errors/x","title":"Forbidden","status":403,"detail":"no access to m"}"#,
            "no access to m",
        ),
        (
            400,
            r#"{"type":"https://a.b/400","title":"One or more validation errors occurred.","status":400,"errors":{"n":["must be at most 10"]}}"#,
            "n: must be at most 10",
        ),
        (
            401,
            r#"{"error":"invalid_token","error_description":"The token expired"}"#,
            "The token expired",
        ),
        (
            400,
            r#"{"error":"n is wrong","message":"Bad Request"}"#,
            "n is wrong",
        ),
        (400, r#"{"Message":"no such thing"}"#, "no such thing"),
        (
            400,
            r#"{"__type":"com.amazon#ValidationException","message":"too long"}"#,
            "too long",
        ),
    ] {
        let error = ApiError::read(&head(status, &[]), body.as_bytes());
        assert_eq!(error.message, message, "{body}");
    }
}

#[test]
fn words_in_lists_objects_and_texts_are_the_message() {
    for (status, body, message) in [
        (
            400,
            r#"{"error":{"code":"x","error":{"message":"inner"}}}"#,
            "inner",
        ),
        (
            500,
            r#"{"error":{"message":"{\"error\":{\"message\":\"The model is overloaded\"}}"}}"#,
            "The model is overloaded",
        ),
        (500, r#"{"error":["one","two"]}"#, "one; two"),
        (
            400,
            r#"{"errors":[{"message":"one"},{"message":"two"}]}"#,
            "one; two",
        ),
        (
            500,
            r#"{"fault":{"faultstring":"Spike arrest","detail":{"errorcode":"x"}}}"#,
            "Spike arrest",
        ),
        (
            400,
            r#"{"detail":{"message":"no such size","code":"c"}}"#,
            "no such size",
        ),
        (
            502,
            r#"{"error":{"message":"proxy: <!DOCTYPE html><html><head><title>502 Bad Gateway</title></head></html>"}}"#,
            "proxy: 502 Bad Gateway",
        ),
        (
            502,
            r#"{"error":{"message":"Provider returned error","metadata":{"raw":"<html><title>502 Bad Gateway</title></html>"}}}"#,
            "Provider returned error: 502 Bad Gateway",
        ),
    ] {
        let error = ApiError::read(&head(status, &[]), body.as_bytes());
        assert_eq!(error.message, message, "{body}");
    }
}

#[test]
fn quota_and_keys_are_known_by_the_words_of_every_provider() {
    use std::collections::BTreeMap;

    let google = |reason: &str, message: &str| {
        format!(
            r#"[{{"error":{{"code":400,"message":"{message}","status":"INVALID_ARGUMENT","details":[{{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"{reason}"}}]}}}}]"#
        )
    };
    let mut seen = BTreeMap::new();
    for (status, body, is) in [
        (403, r#"{"error":{"message":"user quota is not enough, left: -0.01","type":"new_api_error","code":"insufficient_user_quota"}}"#.to_owned(), "quota"),
        (403, r#"{"error":{"message":"m","type":"new_api_error","code":"pre_consume_token_quota_failed"}}"#.to_owned(), "quota"),
        (403, r#"{"code":"The caller does not have permission to execute the specified operation","error":"You have run out of credits or need a subscription."}"#.to_owned(), "quota"),
        (403, r#"{"code":"The caller does not have permission to execute the specified operation","error":"No."}"#.to_owned(), "auth"),
        (400, r#"{"code":"Client specified an invalid argument","error":"Incorrect API key provided: rs***st."}"#.to_owned(), "auth"),
        (400, r#"{"code":"Client specified an invalid argument","error":"n is wrong"}"#.to_owned(), ""),
        (400, google("API_KEY_INVALID", "m"), "auth"),
        (403, google("BILLING_DISABLED", "m"), "quota"),
        (400, google("OTHER", "m"), ""),
        (400, r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API."}}"#.to_owned(), "quota"),
        (402, r#"{"error":{"message":"Insufficient Balance","type":"unknown_error","code":"invalid_request_error"}}"#.to_owned(), "quota"),
        (401, r#"{"error":{"type":"CreditsError","message":"Insufficient balance"}}"#.to_owned(), "quota"),
        (429, r#"{"error":{"message":"m","type":"exceeded_current_quota_error"}}"#.to_owned(), "quota"),
        (429, r#"{"error":{"message":"m","type":"insufficient_quota","code":null}}"#.to_owned(), "quota"),
        (429, r#"{"error":{"code":429,"message":"You exceeded your current quota, please check your plan","status":"RESOURCE_EXHAUSTED"}}"#.to_owned(), "quota"),
        (429, r#"{"error":{"code":429,"message":"You exceeded your current quota, please check your plan","status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"41s"}]}}"#.to_owned(), "rate"),
        (429, r#"{"error":{"code":429,"message":"Your prepayment credits are depleted.","status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"41s"}]}}"#.to_owned(), "quota"),
        (429, r#"{"type":"error","error":{"type":"rate_limit_error","message":"m"}}"#.to_owned(), "rate"),
        (400, r#"{"__type":"com.amazon.coral.service#ThrottlingException","message":"m"}"#.to_owned(), "rate"),
        (503, r#"{"error":{"code":429,"message":"m"}}"#.to_owned(), "rate"),
        (400, r#"{"code":"Arrearage","message":"Access denied"}"#.to_owned(), "quota"),
        (403, r#"{"code":30001,"message":"Sorry, your account balance is insufficient","data":null}"#.to_owned(), "quota"),
        (401, r#"{"code":"InvalidApiKey","message":"Invalid API-key provided."}"#.to_owned(), "auth"),
        (401, r#"{"error":{"code":"401","message":"Access denied due to invalid subscription key"}}"#.to_owned(), "auth"),
        (400, r#"{"error":{"code":"401","message":"m"}}"#.to_owned(), "auth"),
        (400, r#"{"code":"DataInspectionFailed","message":"m"}"#.to_owned(), "policy"),
        (200, r#"{"error":{"message":"m","code":"insufficient_user_quota"}}"#.to_owned(), "quota"),
        // Of a failing server it may be the gateway's own key, or account.
        (502, r#"{"error":{"code":"upstream_error","message":"Incorrect API key provided"}}"#.to_owned(), ""),
        (500, r#"{"error":{"message":"insufficient balance"}}"#.to_owned(), ""),
    ] {
        let error = ApiError::read(&head(status, &[]), body.as_bytes());
        let told = [
            (error.is_quota(), "quota"),
            (error.is_auth(), "auth"),
            (error.is_rate_limit(), "rate"),
            (error.is_content_policy(), "policy"),
        ];
        let told: Vec<&str> = told.iter().filter(|(is, _)| *is).map(|(_, what)| *what).collect();
        assert_eq!(told.concat(), is, "{status} {body}");
        *seen.entry(is).or_insert(0) += 1;
    }
    assert_eq!(seen.len(), 5);
}

#[test]
fn quota_and_rate_are_told_apart() {
    for (status, code, rate, quota) in [
        (429, "rate_limit_exceeded", true, false),
        (429, "unheard_of", true, false),
        (429, "insufficient_quota", false, true),
        (429, "batch_limit_exceeded", false, true),
        (402, "insufficient_credits", false, true),
        (402, "unheard_of", false, true),
        (500, "internal_error", false, false),
    ] {
        let body = format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#);
        let error = ApiError::read(&head(status, &[]), body.as_bytes());
        assert_eq!(
            (error.is_rate_limit(), error.is_quota()),
            (rate, quota),
            "{status} {code}"
        );
    }
}

#[test]
fn a_403_is_about_the_key_only_where_its_code_does_not_say_otherwise() {
    for (status, code, auth) in [
        (401, "unauthorized", true),
        (403, "forbidden", true),
        (403, "unheard_of", true),
        (403, "content_policy_violation", false),
        (403, "invalid_input", false),
        (400, "invalid_request", false),
    ] {
        let body = format!(r#"{{"error":{{"code":"{code}","message":"m"}}}}"#);
        assert_eq!(
            ApiError::read(&head(status, &[]), body.as_bytes()).is_auth(),
            auth,
            "{status} {code}"
        );
    }
}

#[test]
fn an_echoed_key_is_taken_out_wherever_it_stands() {
    let body = r#"{"error":{"code":"c rsk_canary","message":"bad key rsk_canary","details":{"a":["Bearer rsk_canary"],"b":{"rsk_canary":1}},
        "provider_code":"rsk_canary","provider_error":"rsk_canary"},"request_id":"rsk_canary"}"#;
    let mut error = ApiError::read(&head(401, &[]), body.as_bytes());
    error.redact("rsk_canary");
    assert!(
        !format!(
            "{error:?} {error} {:?} {:?}",
            error.details, error.provider_error
        )
        .contains("canary")
    );
    assert_eq!(error.message, "bad key [key]");
}
