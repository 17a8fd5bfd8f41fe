//! What the retries of many clients come to.

use std::time::Duration;

use mesh_simulation::fleet::{
    Finished, Fleet, Health, Outcome, Pace, Patience, Timeline, peak_over_mean,
};

const SECOND: Duration = Duration::from_secs(1);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn fleet(clients: usize, calls_each: usize, pace: Pace) -> Fleet {
    Fleet {
        clients,
        calls_each,
        pace,
        patience: Patience::Ours,
        seed: 7,
    }
}

/// Well, then `health` from one moment to another, then well again.
fn spell(health: Health, from: Duration, to: Duration) -> Timeline {
    Timeline(vec![
        (Duration::ZERO, Health::Well),
        (from, health),
        (to, Health::Well),
    ])
}

/// A script, which makes one call after another; fifty of them, each with a budget of its own.
fn scripts(calls_each: usize) -> Fleet {
    fleet(50, calls_each, Pace::After(SECOND / 10))
}

/// A service of a hundred clients at five calls a second each.
fn service(calls_each: usize) -> Fleet {
    fleet(100, calls_each, Pace::Every(SECOND / 5))
}

/// Whether the budget let every call make all the retries of the default policy.
fn every_retry_was_made(calls: &[Finished]) -> bool {
    calls.iter().all(|call| call.is_success || call.sends == 3)
}

#[test]
fn a_gateway_that_fails_three_times_in_ten_sees_every_retry() {
    let timeline = Timeline::always(Health::FailsThreeInTen);
    for fleet in [
        scripts(200),
        service(100),
        fleet(1_000, 10, Pace::After(SECOND)),
        fleet(5, 2_000, Pace::Every(SECOND / 10)),
    ] {
        let outcome = fleet.run(&timeline);
        let sends = outcome.sends_per_success();
        assert!(sends <= 1.43, "{sends} sends per success: {fleet:?}");
        let success = outcome.success(Duration::ZERO, Duration::MAX);
        assert!(success >= 0.97, "{success} of the calls succeed: {fleet:?}");
        assert!(every_retry_was_made(&outcome.calls), "{fleet:?}");
    }
}

#[test]
fn a_dead_gateway_sees_ten_retries_a_client_and_one_in_ten_seconds() {
    let dead = |fleet: Fleet| {
        let outcome = fleet.run(&Timeline::always(Health::Dead));
        let last = outcome.arrivals.iter().map(|arrival| arrival.at).max();
        let retries = outcome.arrivals.len() - outcome.calls.len();
        (retries, last.unwrap_or_default(), outcome)
    };
    for fleet in [
        scripts(20),
        scripts(100),
        scripts(1_000),
        service(1_000),
        fleet(20, 100, Pace::Every(SECOND / 100)),
        fleet(500, 20, Pace::After(SECOND)),
    ] {
        let (retries, last, _) = dead(fleet);
        let in_time = usize::try_from(last.as_secs() / 10).unwrap();
        let most = fleet.clients * (10 + in_time);
        assert!(retries <= most, "{retries} retries of {most}: {fleet:?}");
    }
    // The first calls of a script are repeated like any other.
    let (retries, _, outcome) = dead(scripts(5));
    assert_eq!(retries, 50 * 10);
    assert!(every_retry_was_made(&outcome.calls));
}

#[test]
fn after_a_hiccup_the_next_calls_of_a_script_are_retried() {
    // One call or more fails in spite of its retries; then the gateway fails now and then.
    let timeline = Timeline(vec![
        (Duration::ZERO, Health::Well),
        (seconds(10), Health::Dead),
        (seconds(12), Health::FailsThreeInTen),
    ]);
    let outcome = scripts(200).run(&timeline);
    let failed = |call: &&Finished| !call.is_success && call.ended < seconds(12);
    assert!(outcome.calls.iter().filter(failed).count() >= 50);
    assert!(every_retry_was_made(&outcome.calls));
    let success = outcome.success(seconds(12), Duration::MAX);
    assert!(success >= 0.97, "{success}");
}

#[test]
fn a_hiccup_fails_no_call_and_its_retries_are_spread() {
    let (from, to) = (seconds(10), seconds(10) + SECOND / 10);
    let hiccup = spell(Health::Unavailable, from, to);
    for fleet in [scripts(200), service(100)] {
        let success = fleet.run(&hiccup).success(Duration::ZERO, seconds(20));
        assert!(success >= 0.999, "{success}: {fleet:?}");
    }
    let run = |patience| {
        let mut fleet = fleet(2_000, 20, Pace::Every(SECOND));
        fleet.patience = patience;
        fleet.run(&hiccup)
    };
    let ours = run(Patience::Ours);
    assert!(ours.success(Duration::ZERO, seconds(20)) >= 0.999);
    let (bin, after) = (SECOND / 20, to + SECOND / 20);
    let spread = peak_over_mean(&ours.retries(after, after + SECOND * 2 / 5, bin));
    assert!(spread <= 1.5, "{spread}");
    let most = |outcome: &Outcome| outcome.retries(from, seconds(13), bin).into_iter().max();
    let fixed = run(Patience::Fixed(SECOND));
    assert!(
        most(&ours) < most(&fixed).map(|most| most / 2),
        "{:?} of {:?}",
        most(&ours),
        most(&fixed)
    );
}

#[test]
fn a_moment_that_a_hint_names_is_no_wave() {
    // Everyone whose rate is used up is told the beginning of the next minute.
    let limited = spell(Health::RateLimited, seconds(50), seconds(60));
    for fleet in [
        scripts(800),
        service(350),
        fleet(1_000, 90, Pace::Every(SECOND)),
    ] {
        let outcome = fleet.run(&limited);
        let early = outcome.retries(seconds(50), seconds(60), SECOND);
        assert_eq!(early.iter().sum::<usize>(), 0, "before the minute was over");
        let spread = peak_over_mean(&outcome.retries(seconds(60), seconds(64), SECOND / 2));
        assert!(spread <= 2.0, "{spread}: {fleet:?}");
    }
    // A script waits for the minute, and no call of it fails.
    let waited = scripts(800)
        .run(&limited)
        .success(Duration::ZERO, Duration::MAX);
    assert!(waited >= 1.0, "{waited}");
}

#[test]
fn after_an_outage_a_gateway_with_little_to_spare_recovers_at_once() {
    let run = |patience, mut fleet: Fleet| {
        fleet.patience = patience;
        fleet.run(&Timeline(vec![
            (Duration::ZERO, Health::Sheds(60)),
            (seconds(20), Health::Dead),
            (seconds(40), Health::Sheds(60)),
        ]))
    };
    let loads = |outcome: &Outcome| outcome.sends(Duration::ZERO, seconds(60), SECOND);
    let (ours, fixed) = (
        run(Patience::Ours, service(300)),
        run(Patience::Fixed(SECOND), service(300)),
    );
    // 500 calls a second, and what the clients have to spend when the gateway dies. All of that is
    // gone two seconds later; then every client has one retry in ten seconds.
    let load = loads(&ours);
    assert!(load.iter().all(|sends| *sends <= 1_100), "{load:?}");
    let later = load.get(23..40).unwrap();
    assert!(later.iter().all(|sends| *sends <= 600), "{load:?}");
    assert!(
        later.iter().sum::<usize>() <= 17 * 500 + 2 * 100,
        "{load:?}"
    );
    assert!(load.iter().skip(40).all(|sends| *sends <= 600), "{load:?}");
    assert!(ours.success(seconds(40), seconds(42)) >= 0.999);
    assert!(ours.success(seconds(41), seconds(60)) >= 0.999);
    // So it is not the gateway that makes it easy.
    let load = loads(&fixed);
    assert!(
        load.iter().skip(25).take(15).all(|it| *it >= 1_900),
        "{load:?}"
    );
    // A script's first call after the gateway's return succeeds.
    let scripts = run(Patience::Ours, scripts(500));
    assert!(scripts.success(seconds(40), Duration::MAX) >= 1.0);
}

#[test]
fn an_overloaded_gateway_answers_what_it_can_and_sees_fewer_than_two_requests_a_call() {
    for (capacity, share, most) in [(45, 0.9, 1.6), (35, 0.7, 1.75), (25, 0.5, 1.6)] {
        let timeline = Timeline::always(Health::Sheds(capacity));
        let outcome = service(200).run(&timeline);
        let success = outcome.success(seconds(5), seconds(35));
        assert!(success >= share - 0.02, "{success} of {share}");
        let sends = outcome.sends_per_call();
        assert!(sends <= most, "{sends} sends per call at {share}");
    }
}
