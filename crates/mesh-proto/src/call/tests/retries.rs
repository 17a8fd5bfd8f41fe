//! What is repeated, when, and what a failure may have cost.

use super::*;

#[test]
fn what_is_repeated_and_what_a_failure_may_have_cost() {
    use FaultKind::{Certificate, Connect, Lost, Other, Proxy, TimedOut};
    use Outcome::{Delivered, NotSent, Refused, Unknown};

    // What happens; attempts of a read; attempts of a generation; outcome.
    let rows: &[(Vec<Act>, u32, u32, Outcome)] = &[
        (vec![Act::Fault(Connect, Sent::Nothing)], 3, 3, NotSent),
        (vec![Act::Fault(Proxy, Sent::Nothing)], 3, 3, NotSent),
        (
            vec![Act::Fault(
                Certificate(CertificateFault::Expired),
                Sent::Nothing,
            )],
            1,
            1,
            NotSent,
        ),
        // What had gone out counts, whatever the fault is called.
        (vec![Act::Fault(Connect, Sent::Whole)], 3, 1, Unknown),
        (vec![Act::Fault(Lost, Sent::Whole)], 3, 1, Unknown),
        (vec![Act::Fault(Lost, Sent::Part)], 3, 3, NotSent),
        (vec![Act::Fault(Lost, Sent::Nothing)], 3, 3, NotSent),
        (vec![Act::Fault(TimedOut, Sent::Whole)], 3, 1, Unknown),
        (vec![Act::Fault(Other, Sent::Whole)], 3, 1, Unknown),
        (vec![Act::Stage(Stage::Connecting)], 3, 3, NotSent),
        (
            // A stage may be outdated by the time of the fault, whose word counts.
            vec![Act::Stage(Stage::Connecting), Act::Fault(Lost, Sent::Whole)],
            3,
            1,
            Unknown,
        ),
        (vec![Act::Stage(Stage::Connected)], 3, 1, Unknown),
        (vec![], 3, 1, Unknown),
        (vec![head(200)], 3, 1, Unknown),
        (
            vec![head(200), data("{"), Act::Fault(Lost, Sent::Whole)],
            3,
            1,
            Unknown,
        ),
        (whole(200, "{"), 1, 1, Delivered),
        // Nobody's answer: there may be no gateway.
        (whole(200, "<html>"), 1, 1, Unknown),
        (whole(200, ""), 1, 1, Unknown),
        (whole(204, ""), 1, 1, Unknown),
        (whole(200, r#"{"status":"ok"}"#), 1, 1, Delivered),
        (whole(202, r#"{"status":"queued"}"#), 1, 1, Unknown),
        (whole(304, ""), 1, 1, Unknown),
        (error(200, "upstream_error"), 1, 1, Unknown),
        (error(200, "rate_limit_exceeded"), 1, 1, Refused),
        (error(400, "invalid_request"), 1, 1, Refused),
        (error(401, "unauthorized"), 1, 1, Refused),
        (error(402, "insufficient_credits"), 1, 1, Refused),
        (error(404, "model_not_found"), 1, 1, Refused),
        (error(408, "unheard_of"), 3, 1, Unknown),
        (whole(408, "<html>"), 3, 1, Unknown),
        (error(499, "unheard_of"), 1, 1, Unknown),
        (error(400, "499"), 1, 1, Unknown),
        (error(429, "408"), 3, 1, Unknown),
        (error(422, "validation_error"), 1, 1, Refused),
        (error(429, "rate_limit_exceeded"), 3, 3, Refused),
        (error(429, "batch_limit_exceeded"), 1, 1, Refused),
        (error(429, "insufficient_quota"), 1, 1, Refused),
        (error(429, "spend_limit_exceeded"), 1, 1, Refused),
        (error(500, "internal_error"), 3, 1, Unknown),
        (error(500, "provider_job_failed"), 1, 1, Unknown),
        (error(501, "not_implemented"), 1, 1, Unknown),
        (error(502, "upstream_error"), 3, 1, Unknown),
        (error(503, "provider_not_available"), 3, 3, Refused),
        (error(503, "provider_job_failed"), 1, 1, Unknown),
        (error(504, "gateway_timeout"), 3, 1, Unknown),
        (whole(413, "<html>"), 1, 1, Refused),
        (
            vec![head(503), Act::Fault(Lost, Sent::Whole)],
            3,
            1,
            Unknown,
        ),
        (vec![head(302)], 1, 1, Refused),
    ];
    for (exchange, read, generation, outcome) in rows {
        assert_eq!(
            fate(ListModels::new(), exchange.clone()),
            (*read, Some(*outcome)),
            "{exchange:?}"
        );
        assert_eq!(
            fate(chat(), exchange.clone()),
            (*generation, Some(*outcome)),
            "{exchange:?}"
        );
        assert_eq!(
            fate(stream(), exchange.clone()).0,
            *generation,
            "{exchange:?}"
        );
    }
}

#[test]
fn a_503_is_refused_only_where_it_says_that_nothing_began() {
    use Outcome::{Refused, Unknown};

    type Fate = (u32, Outcome);
    let body = |fields: &str| format!(r#"{{"error":{{{fields},"message":"m"}}}}"#);
    let code = |code: &str| body(&format!(r#""code":"{code}""#));
    // The body; attempts of a generation and outcome without a hint, and with one in a header.
    let rows: &[(String, Fate, Fate)] = &[
        // The gateway's own word.
        (code("provider_not_available"), (3, Refused), (3, Refused)),
        (code("model_policy_unavailable"), (3, Refused), (3, Refused)),
        (code("rate_limit_exceeded"), (3, Refused), (3, Refused)),
        (
            code("upstream_rate_limit_error"),
            (3, Refused),
            (3, Refused),
        ),
        (
            body(r#""type":"rate_limit_error""#),
            (3, Refused),
            (3, Refused),
        ),
        (body(r#""code":429"#), (3, Refused), (3, Refused)),
        (
            body(r#""code":"provider_not_available","type":"server_error""#),
            (3, Refused),
            (3, Refused),
        ),
        // No word, or one that nobody knows: a router's.
        (String::new(), (1, Unknown), (3, Refused)),
        ("<html>".to_owned(), (1, Unknown), (3, Refused)),
        (
            "upstream connect error".to_owned(),
            (1, Unknown),
            (3, Refused),
        ),
        ("{}".to_owned(), (1, Unknown), (3, Refused)),
        (code("brand_new"), (1, Unknown), (3, Refused)),
        (code("overloaded_error"), (1, Unknown), (3, Refused)),
        (
            body(r#""code":503,"status":"UNAVAILABLE""#),
            (1, Unknown),
            (3, Refused),
        ),
        (
            r#"{"detail":"busy"}"#.to_owned(),
            (1, Unknown),
            (3, Refused),
        ),
        // Words that contradict a hint.
        (code("upstream_error"), (1, Unknown), (1, Unknown)),
        (code("internal_error"), (1, Unknown), (1, Unknown)),
        (code("server_error"), (1, Unknown), (1, Unknown)),
        (code("gateway_timeout"), (1, Unknown), (1, Unknown)),
        (code("provider_job_failed"), (1, Unknown), (1, Unknown)),
        (code("InternalServerError"), (1, Unknown), (1, Unknown)),
        (
            body(r#""code":"brand_new","type":"server_error""#),
            (1, Unknown),
            (1, Unknown),
        ),
        (
            body(r#""code":"brand_new","provider_code":"internal_error""#),
            (1, Unknown),
            (1, Unknown),
        ),
        (body(r#""code":502"#), (1, Unknown), (1, Unknown)),
        (body(r#""code":"499""#), (1, Unknown), (1, Unknown)),
        (
            body(r#""code":408,"type":"invalid_request_error""#),
            (1, Unknown),
            (1, Unknown),
        ),
        (
            r#"{"code":"internal_error","message":"m"}"#.to_owned(),
            (1, Unknown),
            (1, Unknown),
        ),
        // Quota, auth, policy and validation.
        (code("insufficient_credits"), (1, Refused), (1, Refused)),
        (code("insufficient_user_quota"), (1, Refused), (1, Refused)),
        (code("unauthorized"), (1, Refused), (1, Refused)),
        (code("invalid_api_key"), (1, Refused), (1, Refused)),
        (code("content_policy_violation"), (1, Refused), (1, Refused)),
        (code("validation_error"), (1, Refused), (1, Refused)),
        (code("model_not_found"), (1, Refused), (1, Refused)),
        (body(r#""code":402"#), (1, Refused), (1, Refused)),
    ];
    for (body, plain, hinted) in rows {
        let hint = ("retry-after", "1".to_owned());
        let with_hint = vec![Act::Head(503, vec![hint]), data(body), Act::End];
        for (exchange, (attempts, outcome)) in [(whole(503, body), plain), (with_hint, hinted)] {
            let expected = (*attempts, Some(*outcome));
            assert_eq!(fate(chat(), exchange.clone()), expected, "{exchange:?}");
            assert_eq!(fate(stream(), exchange.clone()), expected, "{exchange:?}");
            assert_eq!(fate(image(), exchange.clone()), expected, "{exchange:?}");
            assert_eq!(fate(edit(), exchange.clone()), expected, "{exchange:?}");
            let reads = if *outcome == Refused { *attempts } else { 3 };
            let reads = if body.contains("job_failed") {
                1
            } else {
                reads
            };
            let (attempts, _) = fate(ListModels::new(), exchange.clone());
            assert_eq!(attempts, reads, "{exchange:?}");
        }
    }
}

#[test]
fn every_form_of_a_hint_makes_a_503_a_refusal_and_no_reset_does() {
    let answers = |headers: &[(&'static str, &str)], body: &str| {
        let headers = headers
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        vec![Act::Head(503, headers.collect()), data(body), Act::End]
    };
    for (headers, body, attempts) in [
        (&[("retry-after", "0")][..], "", 3),
        (&[("retry-after-ms", "20")], "", 3),
        (
            &[],
            r#"{"error":{"message":"m","retry_after_seconds":1}}"#,
            3,
        ),
        (&[], r#"{"error":{"message":"m","retry_after":1}}"#, 3),
        (&[("retry-after", "soon")], "", 1),
        (&[("retry-after", "-1")], "", 1),
        (
            &[("x-ratelimit-reset", "1"), ("x-ratelimit-remaining", "0")],
            "",
            1,
        ),
        (&[], r#"{"error":{"message":"try again in 1s"}}"#, 1),
    ] {
        let outcome = if attempts == 3 {
            Outcome::Refused
        } else {
            Outcome::Unknown
        };
        let exchange = answers(headers, body);
        assert_eq!(
            fate(chat(), exchange),
            (attempts, Some(outcome)),
            "{headers:?} {body}"
        );
    }
}

#[test]
fn a_hint_counts_only_once_the_whole_body_has_shown_that_nothing_contradicts_it() {
    let hinted = |acts: &[Act]| {
        let hint = ("retry-after", "1".to_owned());
        let mut exchange = vec![Act::Head(503, vec![hint])];
        exchange.extend_from_slice(acts);
        exchange
    };
    let half = data(r#"{"error":{"code":"ups"#);
    let lost = Act::Fault(FaultKind::Lost, Sent::Whole);
    for exchange in [
        hinted(&[half.clone(), lost]),
        hinted(&[half.clone(), Act::End]),
        hinted(&[half]),
        hinted(&[data(&" ".repeat(64 << 10)), Act::End]),
    ] {
        assert_eq!(fate(chat(), exchange), (1, Some(Outcome::Unknown)));
    }
    assert_eq!(
        fate(chat(), hinted(&[Act::End])),
        (3, Some(Outcome::Refused))
    );
}

#[test]
fn a_status_inside_a_success_means_what_it_means_as_a_status() {
    use Outcome::{Refused, Unknown};

    for (fields, outcome) in [
        (r#""code":503"#, Unknown),
        (r#""code":"503""#, Unknown),
        (r#""status":503"#, Unknown),
        (r#""code":503,"retry_after_seconds":1"#, Refused),
        (
            r#""code":503,"status":"INTERNAL","retry_after_seconds":1"#,
            Unknown,
        ),
        (r#""code":"provider_not_available""#, Refused),
        (r#""code":"provider_not_available","status":503"#, Refused),
        (r#""code":408"#, Unknown),
        (r#""code":"408""#, Unknown),
        (r#""status":408"#, Unknown),
        (r#""code":499,"status":"CANCELLED""#, Unknown),
        (r#""type":"invalid_request_error","code":"499""#, Unknown),
        (r#""status_code":499"#, Unknown),
        (r#""code":400"#, Refused),
        (r#""code":429"#, Refused),
        (r#""code":"insufficient_user_quota""#, Refused),
        (r#""type":"rate_limit_error""#, Refused),
        (r#""code":"server_error""#, Unknown),
    ] {
        let body = format!(r#"{{"error":{{{fields},"message":"m"}}}}"#);
        assert_eq!(
            fate(chat(), whole(200, &body)),
            (1, Some(outcome)),
            "{body}"
        );
        assert_eq!(
            fate(image(), whole(200, &body)),
            (1, Some(outcome)),
            "{body}"
        );
        assert_eq!(
            fate(edit(), whole(200, &body)),
            (1, Some(outcome)),
            "{body}"
        );
        assert_eq!(
            fate(stream(), whole(200, &body)),
            (1, Some(outcome)),
            "{body}"
        );
        let frame = format!("data: {body}\n\n");
        assert_eq!(
            fate(stream(), whole(200, &frame)),
            (1, Some(outcome)),
            "{body}"
        );
    }
}

#[test]
fn a_bad_gateway_is_repeated_only_when_the_caller_says_so() {
    let mut settings = Settings::default();
    settings.retry.bad_gateway = BadGateway::Retry;
    for status in [502, 503, 504] {
        let run = run(
            chat(),
            &settings,
            &[error(status, "upstream_error"), whole(200, REPLY)],
        );
        assert_eq!(run.result.unwrap().text(), "hi");
        assert_eq!(run.began.len(), 2);
    }
}

#[test]
fn what_must_not_be_repeated_is_not_when_the_caller_takes_the_risk() {
    let mut settings = Settings::default();
    settings.retry.bad_gateway = BadGateway::Retry;
    for exchange in [
        error(503, "provider_job_failed"),
        error(503, "insufficient_credits"),
        error(408, "odd"),
        error(499, "odd"),
        error(429, "499"),
        error(500, "internal_error"),
        whole(503, r#"{"error":{"code":401}}"#),
    ] {
        let run = run(chat(), &settings, &[exchange, whole(200, REPLY)]);
        assert_eq!(run.began.len(), 1);
    }
}

#[test]
fn what_an_earlier_attempt_may_have_cost_is_not_forgotten() {
    let mut settings = Settings::default();
    settings.retry.bad_gateway = BadGateway::Retry;
    for last in [
        vec![Act::Fault(FaultKind::Connect, Sent::Nothing)],
        error(401, "unauthorized"),
        error(503, "provider_not_available"),
    ] {
        let run = run(chat(), &settings, &[error(502, "upstream_error"), last]);
        assert_eq!(run.result.unwrap_err().outcome(), Outcome::Unknown);
    }
}

#[test]
fn nothing_is_repeated_after_the_first_event() {
    let after_event = |mut acts: Vec<Act>| {
        acts.insert(0, head(200));
        acts.insert(1, data(CHUNK));
        run(stream(), &Settings::default(), &[acts])
    };
    for acts in [
        vec![Act::Fault(FaultKind::Connect, Sent::Nothing)],
        vec![Act::Fault(FaultKind::Lost, Sent::Whole)],
        vec![Act::End],
        vec![],
        vec![data(
            "data: {\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"m\"}}\n\n",
        )],
        vec![data("data: not json\n\n")],
        vec![data("data: {\"cut"), Act::End],
    ] {
        let run = after_event(acts.clone());
        let error = run.result.unwrap_err();
        assert_eq!((error.attempts(), run.events.len()), (1, 1), "{acts:?}");
        assert_eq!(error.outcome(), Outcome::Delivered, "{acts:?}");
        assert_eq!(run.partial.unwrap().text(), "hi", "{acts:?}");
    }
}

#[test]
fn back_off_lies_under_its_ceiling_and_over_the_hint() {
    let hinted = |hint: &str| {
        vec![
            Act::Head(429, vec![("retry-after", hint.to_owned())]),
            data(r#"{"error":{"message":"m"}}"#),
            Act::End,
        ]
    };
    let waits = run(
        chat(),
        &Settings::default(),
        &[error(503, "provider_not_available")],
    )
    .waits;
    assert_eq!(waits.len(), 2);
    assert!(
        waits[0] <= Duration::from_millis(500) && waits[1] <= seconds(1),
        "{waits:?}"
    );
    let waits = run(
        chat(),
        &Settings::default(),
        &[hinted("9"), whole(200, REPLY)],
    )
    .waits;
    assert!(
        waits[0] >= seconds(9) && waits[0] <= seconds(9) + Duration::from_millis(4_500),
        "{waits:?}"
    );

    let too_long = run(chat(), &Settings::default(), &[hinted("61")]);
    let error = too_long.result.unwrap_err();
    assert_eq!(
        (error.attempts(), error.retry_after()),
        (1, Some(seconds(61)))
    );
    assert_eq!(too_long.at, too_long.began[0], "it failed at once");

    let mut settings = Settings::default();
    settings.deadlines.total = Some(seconds(5));
    let beyond_total = run(chat(), &settings, &[hinted("5")]);
    assert_eq!(
        beyond_total
            .result
            .unwrap_err()
            .api()
            .unwrap()
            .status
            .as_u16(),
        429
    );
    assert_eq!(beyond_total.at, beyond_total.began[0], "it failed at once");
}

#[test]
fn the_same_seed_takes_the_same_steps() {
    let waits = || {
        run(
            chat(),
            &Settings::default(),
            &[error(503, "provider_not_available")],
        )
        .waits
    };
    assert_eq!(waits(), waits());
}

#[test]
fn a_dead_gateway_sees_ten_retries_and_one_more_in_ten_seconds() {
    let settings = Settings::default();
    // No wait between these calls: the back-off of ten retries takes less than ten seconds.
    let sends = |calls| -> usize {
        let one = || run(chat(), &settings, &[error(503, "provider_not_available")]);
        (0..calls).map(|_| one().began.len()).sum()
    };
    assert_eq!(
        sends(5),
        15,
        "every call gets its retries while there are any"
    );
    assert_eq!(sends(15), 15, "then each call is sent once");
}

#[test]
fn a_call_that_fails_takes_its_own_retries_and_no_more() {
    let settings = Settings::default();
    let failed = run(chat(), &settings, &[error(503, "provider_not_available")]);
    assert_eq!(failed.began.len(), 3);
    let next = run(
        chat(),
        &settings,
        &[error(503, "provider_not_available"), whole(200, REPLY)],
    );
    assert!(next.result.is_ok());
}

#[test]
fn a_gateway_that_fails_now_and_then_sees_every_retry() {
    let settings = Settings::default();
    let (mut sends, mut successes) = (0, 0);
    for number in 0..1000 {
        // Every third attempt fails.
        let exchange = if number % 3 == 0 {
            vec![error(503, "provider_not_available"), whole(200, REPLY)]
        } else {
            vec![whole(200, REPLY)]
        };
        let run = run(chat(), &settings, &exchange);
        sends += run.began.len();
        successes += usize::from(run.result.is_ok());
    }
    assert_eq!((successes, sends), (1000, 1334));
}

#[test]
fn a_retry_that_is_not_made_goes_back() {
    let settings = Settings::default();
    let mut call = Call::new(chat(), &target(), &settings, Moment::ORIGIN, 0).unwrap();
    let Step::Send(outgoing) = call.poll(Moment::ORIGIN) else {
        panic!()
    };
    outgoing.fault(Fault::new(FaultKind::Connect));
    assert!(matches!(call.poll(Moment::ORIGIN), Step::Wait(_)));
    assert_eq!(settings.budget.left(Moment::ORIGIN), 9);
    drop(call);
    assert_eq!(settings.budget.left(Moment::ORIGIN), 10);
}

#[test]
fn an_observer_is_told_of_every_attempt() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let sink = told.clone();
    let settings = Settings::default()
        .with_observer(move |attempt| sink.lock().unwrap().push(attempt.clone()));
    let run = run(
        chat(),
        &settings,
        &[
            error(503, "provider_not_available"),
            vec![Act::Fault(FaultKind::Connect, Sent::Nothing)],
            whole(200, REPLY),
        ],
    );
    assert!(run.result.is_ok());
    let told = told.lock().unwrap();
    let seen: Vec<_> = told
        .iter()
        .map(|attempt| {
            (
                attempt.number,
                attempt.status.map(|it| it.as_u16()),
                attempt.end,
            )
        })
        .collect();
    let fault = Fault::new(FaultKind::Connect).after(Sent::Nothing);
    assert_eq!(
        seen,
        [
            (1, Some(503), AttemptEnd::Failed(Outcome::Refused)),
            (2, None, AttemptEnd::Fault(fault, Outcome::NotSent)),
            (3, Some(200), AttemptEnd::Success),
        ]
    );
    assert_eq!(
        told.iter()
            .filter_map(|attempt| attempt.next)
            .collect::<Vec<_>>(),
        run.waits
    );
    assert!(
        told.iter()
            .all(|attempt| attempt.path == "/v1/chat/completions")
    );
}

#[test]
fn an_answer_to_an_earlier_attempt_cannot_be_given() {
    let mut call = Call::new(
        ListModels::new(),
        &target(),
        &Settings::default(),
        Moment::ORIGIN,
        0,
    )
    .unwrap();
    let Step::Send(outgoing) = call.poll(Moment::ORIGIN) else {
        panic!()
    };
    outgoing.fault(Fault::new(FaultKind::Connect));
    let Step::Wait(until) = call.poll(Moment::ORIGIN) else {
        panic!()
    };
    assert_eq!(call.attempt(), 1);
    let Step::Send(outgoing) = call.poll(until) else {
        panic!()
    };
    assert_eq!(outgoing.attempt(), 2);
}

#[test]
fn a_transports_own_error_stands_beneath_its_fault_only() {
    use std::error::Error as _;

    for (exchange, is_told) in [
        (vec![Act::Fault(FaultKind::Lost, Sent::Whole)], true),
        (error(401, "unauthorized"), false),
        (whole(200, "<html>"), false),
    ] {
        let run = run(chat(), &Settings::default(), &[exchange]);
        let error = run.result.unwrap_err();
        let error = error.with_source(Some("connection reset".into()));
        assert_eq!(error.source().is_some(), is_told, "{error}");
    }
}

#[test]
fn certificate_fault_is_not_sent_and_names_its_reason_and_the_option() {
    use CertificateFault::{
        AuthorityAsServer, Expired, NotYetValid, Other, Revoked, UnknownAuthority, WrongHost,
    };

    for (fault, words) in [
        (Expired, "has expired"),
        (NotYetValid, "not valid yet"),
        (WrongHost, "wrong host"),
        (
            UnknownAuthority,
            "self-signed or signed by an unknown authority",
        ),
        (AuthorityAsServer, "CA:FALSE"),
        (Revoked, "revoked"),
        (Other, "invalid"),
    ] {
        let kind = FaultKind::Certificate(fault);
        let message = Fault::new(kind).to_string();
        for words in [words, "certificate_authority", "SSL_CERT_FILE"] {
            assert!(message.contains(words), "{message}");
        }
        for handed_over in [0, 4, 9] {
            let sent = Fault::in_upload(kind, handed_over, 9).sent;
            assert_eq!(sent, Sent::Nothing);
        }
    }
    let proxy = Fault::in_upload(FaultKind::Proxy, 0, 9);
    assert_eq!(proxy, Fault::new(FaultKind::Proxy).after(Sent::Nothing));
    let lost = Fault::in_upload(FaultKind::Proxy, 9, 9);
    assert_eq!(lost, Fault::new(FaultKind::Lost).after(Sent::Whole));
}
