//! Whatever comes in whatever order.

use super::*;

fn act() -> impl Strategy<Value = Act> {
    let kinds = prop::sample::select(vec![
        FaultKind::Connect,
        FaultKind::Lost,
        FaultKind::TimedOut,
        FaultKind::BodyRefused,
        FaultKind::Other,
    ]);
    let sent = prop::sample::select(vec![Sent::Nothing, Sent::Part, Sent::Whole]);
    let stages = prop::sample::select(vec![Stage::Connecting, Stage::Connected, Stage::BodySent]);
    let statuses = prop::sample::select(vec![
        200, 200, 200, 204, 301, 400, 401, 408, 429, 500, 502, 503, 504,
    ]);
    let hints = prop::sample::select(vec![
        "0",
        "3",
        "70",
        "-1",
        "inf",
        "x",
        "Wed, 21 Oct 2026 07:28:30 GMT",
    ]);
    let texts = prop::sample::select(vec![
        CHUNK,
        DONE,
        ": ping\n\n",
        "data: {\"choices\":[],\"usage\":{}}\n\n",
        "data: {\"error\":{\"code\":\"upstream_error\",\"message\":\"m\"}}\n\n",
        "data: nonsense\n\n",
        "data: {\"choices\":[{\"delta\":{\"con",
        REPLY,
        "[]",
        "<html>",
        "\n",
        "{",
    ]);
    prop_oneof![
        1 => stages.prop_map(Act::Stage),
        3 => (statuses, hints).prop_map(|(status, hint)| Act::Head(status, vec![("retry-after", hint.to_owned())])),
        4 => texts.prop_map(data),
        2 => Just(Act::End),
        1 => (kinds, sent).prop_map(|(kind, sent)| Act::Fault(kind, sent)),
        1 => (0_u64..400_000).prop_map(|milliseconds| Act::Pass(Duration::from_millis(milliseconds))),
    ]
}

/// Drives a call with whatever comes, and holds it to its promises.
fn survives<E: Endpoint>(
    endpoint: E,
    acts: &[Act],
    total: Option<u64>,
    seed: u64,
) -> Result<(), TestCaseError> {
    let told = Arc::new(Mutex::new(Vec::new()));
    let sink = told.clone();
    let mut settings = Settings::default()
        .with_observer(move |attempt| sink.lock().unwrap().push(attempt.clone()));
    settings.deadlines.total = total.map(Duration::from_millis);
    let replay = endpoint.replay();
    let begin = Moment::after_origin(seconds(5));
    let mut now = begin;
    let mut call = Call::new(endpoint, &target(), &settings, now, seed).unwrap();
    let mut acts = acts.iter().cloned();
    let (mut events, mut sends, mut attempt) = (0, 0, 0);
    // Each poll consumes an act, hands out an event, or lets time pass to a deadline: three attempts
    // of a few phases each.
    for _ in 0..acts.len() * 3 + 100 {
        let deadline = call.deadline();
        match call.poll(now) {
            Step::Send(mut outgoing) => {
                if outgoing.attempt() != attempt {
                    attempt = outgoing.attempt();
                    sends += 1;
                    prop_assert_eq!(events, 0, "an attempt after an event");
                    prop_assert!(
                        total.is_none_or(|total| now.since(begin) < Duration::from_millis(total))
                            || sends == 1
                    );
                }
                match acts.next() {
                    Some(Act::Stage(stage)) => outgoing.progress(stage),
                    Some(Act::Head(status, headers)) => outgoing.head(parts(status, &headers)),
                    Some(Act::Fault(kind, sent)) => outgoing.fault(Fault::new(kind).after(sent)),
                    Some(Act::Pass(duration)) => now = now.plus(duration),
                    Some(Act::Data(_) | Act::End) => {}
                    None => now = deadline.unwrap_or(now).max(now),
                }
            }
            Step::Receive(incoming) => match acts.next() {
                Some(Act::Data(text)) => incoming.data(&text),
                Some(Act::End) => incoming.end(),
                Some(Act::Fault(kind, sent)) => incoming.fault(Fault::new(kind).after(sent)),
                Some(Act::Pass(duration)) => now = now.plus(duration),
                Some(Act::Stage(_) | Act::Head(..)) => {}
                None => now = deadline.unwrap_or(now).max(now),
            },
            Step::Wait(until) => {
                prop_assert!(until >= now);
                prop_assert!(until.since(now) <= seconds(60 + 30));
                now = until;
            }
            Step::Event(_) => events += 1,
            Step::Done(result) => {
                prop_assert!(sends <= 3);
                if let Err(error) = result {
                    prop_assert_eq!(error.attempts(), sends);
                    prop_assert!(
                        events == 0 || error.outcome() == Outcome::Delivered,
                        "{}",
                        error
                    );
                }
                let repeated = told
                    .lock()
                    .unwrap()
                    .iter()
                    .filter(|attempt| attempt.next.is_some())
                    .count();
                prop_assert_eq!(u32::try_from(repeated).unwrap() + 1, sends);
                for attempt in told
                    .lock()
                    .unwrap()
                    .iter()
                    .filter(|attempt| attempt.next.is_some())
                {
                    let (AttemptEnd::Failed(outcome)
                    | AttemptEnd::Fault(_, outcome)
                    | AttemptEnd::Deadline(_, outcome)) = attempt.end
                    else {
                        return Err(TestCaseError::fail("a success was repeated"));
                    };
                    let is_free = matches!(outcome, Outcome::NotSent | Outcome::Refused);
                    prop_assert!(
                        is_free || replay == Replay::Always,
                        "{:?} was repeated",
                        attempt.end
                    );
                }
                return Ok(());
            }
        }
    }
    Err(TestCaseError::fail("the call never ends"))
}

proptest! {
    #[test]
    fn any_interleaving_ends_within_its_budgets(
        acts in proptest::collection::vec(act(), 0..40),
        total in proptest::option::of(1_u64..600_000),
        seed: u64,
    ) {
        survives(stream(), &acts, total, seed)?;
        survives(chat(), &acts, total, seed)?;
        survives(ListModels::new(), &acts, total, seed)?;
    }
}
