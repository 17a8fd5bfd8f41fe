//! Limits of time and size.

use super::*;

#[test]
fn deadlines_are_noticed_in_every_phase() {
    let limits = |exchange: Vec<Act>| {
        let settings = Settings {
            retry: RetryPolicy::never(),
            ..Settings::default()
        };
        let run = run(stream(), &settings, &[exchange]);
        let Failure::Deadline(deadline) = *run.result.unwrap_err().failure() else {
            panic!("no deadline")
        };
        (deadline, run.at.since(run.began[0]))
    };
    let pass = |time| Act::Pass(seconds(time));
    assert_eq!(limits(vec![]), (Deadline::Head(seconds(330)), seconds(330)));
    assert_eq!(
        limits(vec![Act::Stage(Stage::Connecting)]),
        (Deadline::Connect(seconds(10)), seconds(10))
    );
    let sent = vec![
        Act::Stage(Stage::Connecting),
        pass(9),
        Act::Stage(Stage::Connected),
        pass(100),
        Act::Stage(Stage::BodySent),
    ];
    assert_eq!(
        limits(sent),
        (Deadline::Head(seconds(330)), seconds(9 + 100 + 330))
    );
    let idle = vec![
        head(200),
        pass(299),
        data(": ping\n\n"),
        pass(299),
        data(CHUNK),
    ];
    assert_eq!(
        limits(idle),
        (Deadline::Idle(seconds(300)), seconds(299 + 299 + 300))
    );
}

#[test]
fn a_driver_may_say_late_when_the_body_was_sent() {
    let settings = Settings {
        retry: RetryPolicy::never(),
        ..Settings::default()
    };
    let mut call = Call::new(stream(), &target(), &settings, Moment::ORIGIN, 0).unwrap();
    let at = |time| Moment::after_origin(seconds(time));
    let Step::Send(mut outgoing) = call.poll(at(3)) else {
        panic!()
    };
    outgoing.progress(Stage::Connecting);
    let Step::Send(mut outgoing) = call.poll(Moment::ORIGIN) else {
        panic!()
    };
    outgoing.progress_at(Stage::BodySent, at(9));
    assert_eq!(call.deadline(), Some(at(9 + 330)));
    assert!(matches!(call.poll(at(9 + 329)), Step::Send(_)));
    assert!(matches!(call.poll(at(9 + 330)), Step::Done(Err(_))));
}

#[test]
fn a_driver_may_say_late_that_it_was_connecting() {
    let settings = Settings {
        retry: RetryPolicy::never(),
        ..Settings::default()
    };
    let mut call = Call::new(stream(), &target(), &settings, Moment::ORIGIN, 0).unwrap();
    assert!(matches!(call.poll(Moment::ORIGIN), Step::Send(_)));
    let late = Moment::after_origin(seconds(10));
    let Step::Send(mut outgoing) = call.poll(late) else {
        panic!()
    };
    outgoing.progress(Stage::Connecting);
    outgoing.fault(Fault::new(FaultKind::TimedOut).after(Sent::Nothing));
    let Step::Done(Err(error)) = call.poll(late) else {
        panic!()
    };
    assert_eq!(
        *error.failure(),
        Failure::Deadline(Deadline::Connect(seconds(10)))
    );
}

#[test]
fn the_callers_own_time_is_not_the_gateways_silence() {
    let mut now = Moment::ORIGIN;
    let mut call = Call::new(stream(), &target(), &Settings::default(), now, 0).unwrap();
    // The first poll begins the call, however late it is.
    now = now.plus(seconds(1000));
    let Step::Send(outgoing) = call.poll(now) else {
        panic!()
    };
    outgoing.head(parts(200, &[]));
    for _ in 0..3 {
        let Step::Receive(incoming) = call.poll(now) else {
            panic!()
        };
        incoming.data(CHUNK.as_bytes());
        assert!(matches!(call.poll(now), Step::Event(_)));
        now = now.plus(seconds(1000));
    }
    let Step::Receive(incoming) = call.poll(now) else {
        panic!()
    };
    incoming.data(DONE.as_bytes());
    assert!(matches!(call.poll(now), Step::Done(Ok(_))));
}

#[test]
fn a_limit_beyond_all_time_is_no_limit() {
    let mut settings = Settings::default();
    settings.deadlines.idle = Duration::MAX;
    settings.deadlines.head = Some(Duration::MAX);
    settings.deadlines.total = Some(Duration::MAX);
    let exchange = vec![
        Act::Pass(seconds(1 << 40)),
        head(200),
        Act::Pass(seconds(1 << 40)),
        data(REPLY),
        Act::End,
    ];
    assert!(run(chat(), &settings, &[exchange]).result.is_ok());
}

#[test]
fn the_head_may_take_as_long_as_the_request_says_and_a_little_more() {
    let mut request = chat();
    request.timeout = Some(600.0);
    let error = run(request, &Settings::default(), &[vec![]])
        .result
        .unwrap_err();
    assert_eq!(
        *error.failure(),
        Failure::Deadline(Deadline::Head(seconds(630)))
    );
}

#[test]
fn the_total_limit_counts_waits_and_spares_what_has_arrived() {
    let mut settings = Settings::default();
    settings.deadlines.total = Some(seconds(60));
    let stalled = run(stream(), &settings, &[vec![head(200), data(CHUNK)]]);
    let error = stalled.result.unwrap_err();
    assert_eq!(
        *error.failure(),
        Failure::Deadline(Deadline::Total(seconds(60)))
    );
    assert_eq!((error.attempts(), error.outcome()), (1, Outcome::Delivered));

    let late = vec![
        head(200),
        Act::Pass(seconds(59)),
        data(CHUNK),
        data(&format!("{CHUNK}{DONE}")),
    ];
    assert_eq!(
        run(stream(), &settings, &[late]).result.unwrap().text(),
        "hihi"
    );

    // The last bytes come in the very read that outlasts the limit.
    let mut call = Call::new(stream(), &target(), &settings, Moment::ORIGIN, 0).unwrap();
    let Step::Send(outgoing) = call.poll(Moment::ORIGIN) else {
        panic!()
    };
    outgoing.head(parts(200, &[]));
    let Step::Receive(incoming) = call.poll(Moment::ORIGIN) else {
        panic!()
    };
    incoming.data(format!("{CHUNK}{DONE}").as_bytes());
    let late = Moment::after_origin(seconds(61));
    assert!(matches!(call.poll(late), Step::Event(_)));
    assert!(matches!(call.poll(late), Step::Done(Ok(_))));
}

#[test]
fn an_error_body_that_drips_holds_the_call_for_one_idle_limit() {
    let settings = Settings {
        retry: RetryPolicy::never(),
        ..Settings::default()
    };
    let mut drips = vec![head(400)];
    for _ in 0..100 {
        drips.extend([Act::Pass(seconds(100)), data("x ")]);
    }
    let run = run(chat(), &settings, &[drips]);
    let error = run.result.unwrap_err();
    assert_eq!(run.at.since(run.began[0]), seconds(300));
    assert_eq!(error.status().unwrap().as_u16(), 400);
    assert_eq!(error.api().unwrap().message, "x x");
}

#[test]
fn limits_on_size_are_errors_and_not_memory() {
    let mut settings = Settings::default();
    settings.limits.reply = 100;
    settings.limits.frame = 100;
    settings.limits.error_body = 100;
    let long = "x".repeat(101);
    let reply = run(chat(), &settings, &[vec![head(200), data(&long), Act::End]])
        .result
        .unwrap_err();
    assert_eq!(
        *reply.failure(),
        Failure::Decode(DecodeError::TooLarge {
            what: "reply",
            limit: 100
        })
    );
    let announced = vec![
        Act::Head(200, vec![("content-length", "101".to_owned())]),
        data("x"),
    ];
    let reply = run(chat(), &settings, &[announced]).result.unwrap_err();
    assert_eq!(
        *reply.failure(),
        Failure::Decode(DecodeError::TooLarge {
            what: "reply",
            limit: 100
        })
    );
    let frame = run(
        stream(),
        &settings,
        &[vec![head(200), data("data: "), data(&long)]],
    )
    .result
    .unwrap_err();
    assert_eq!(
        *frame.failure(),
        Failure::Decode(DecodeError::TooLarge {
            what: "frame",
            limit: 100
        })
    );
    // An error's body is read as far as the limit, and its end is not waited for.
    let body = run(chat(), &settings, &[vec![head(400), data(&long)]]);
    assert_eq!(body.result.unwrap_err().status().unwrap().as_u16(), 400);
    assert_eq!(body.at, body.began[0]);
}

#[test]
fn a_request_beyond_the_limit_is_not_sent_and_names_its_pictures() {
    let picture = |size: usize| {
        let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
        bytes.resize(size, 0);
        crate::image::Image::from_bytes(bytes).unwrap()
    };
    let pictures = vec![
        picture(1 << 20),
        picture(14 << 20),
        picture(2 << 20),
        picture(9 << 20),
    ];
    let request = ChatRequest::new("m").user(("look", pictures));
    let error =
        Call::new(&request, &target(), &Settings::default(), Moment::ORIGIN, 0).unwrap_err();
    let BuildError::TooLarge { limit, largest, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(*limit, 33_554_432);
    assert_eq!(
        largest.iter().map(|(place, _)| *place).collect::<Vec<_>>(),
        [2, 4, 3]
    );
    assert!(
        error.to_string().contains("picture 2 with 18.6 MiB"),
        "{error}"
    );
}
