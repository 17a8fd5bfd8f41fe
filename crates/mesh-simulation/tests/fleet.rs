//! What the retries of many clients come to.

use std::time::Duration;

use mesh_simulation::fleet::{Fleet, Health, Outcome, Pace, Patience, Timeline, peak_over_mean};

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

#[test]
fn a_gateway_that_fails_three_times_in_ten_sees_1_43_sends_per_success() {
    let timeline = Timeline::always(Health::FailsThreeInTen);
    for (clients, calls_each) in [(1_000, 10), (100, 100), (5, 2_000)] {
        for pace in [
            Pace::After(SECOND),
            Pace::Every(SECOND),
            Pace::Every(SECOND / 10),
        ] {
            let outcome = fleet(clients, calls_each, pace).run(&timeline);
            let sends = outcome.sends_per_success();
            let success = outcome.success(Duration::ZERO, Duration::MAX);
            let what = format!("{clients} clients, {calls_each} calls {pace:?}");
            assert!(sends <= 1.43, "{sends} sends per success: {what}");
            // 97.3 % without a budget.
            assert!(success >= 0.95, "{success} of the calls succeed: {what}");
        }
    }
}

#[test]
fn a_dead_gateway_sees_1_1_sends_per_call() {
    let sends = |clients, calls_each, pace| {
        let fleet = fleet(clients, calls_each, pace);
        fleet.run(&Timeline::always(Health::Dead)).sends_per_call()
    };
    // Clients whose calls follow each other.
    for (clients, calls_each) in [(500, 20), (100, 100), (10, 1_000)] {
        let sends = sends(clients, calls_each, Pace::After(SECOND));
        assert!(sends <= 1.1, "{sends} with {calls_each} calls each");
    }
    // Clients that have several calls under way when they find the gateway dead.
    for (calls_each, interval) in [(30, SECOND), (100, SECOND / 10), (1_000, SECOND / 100)] {
        let sends = sends(20, calls_each, Pace::Every(interval));
        assert!(sends <= 1.1, "{sends} with a call every {interval:?}");
    }
    // Who has made no twenty calls yet has had the retries of the first one, and no more.
    for (calls_each, most) in [(1, 3.0), (2, 2.0), (5, 1.4), (10, 1.2)] {
        let sends = sends(500, calls_each, Pace::After(SECOND));
        assert!(sends <= most, "{sends} with {calls_each} calls each");
    }
}

#[test]
fn a_hiccup_costs_nothing_and_its_retries_are_spread() {
    let (from, to) = (seconds(10), seconds(10) + SECOND / 10);
    let hiccup = spell(Health::Unavailable, from, to);
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
    let outcome = fleet(1_000, 90, Pace::Every(SECOND)).run(&limited);
    let retries = outcome.retries(seconds(50), seconds(60), SECOND);
    assert_eq!(
        retries.iter().sum::<usize>(),
        0,
        "before the minute was over"
    );
    let spread = peak_over_mean(&outcome.retries(seconds(60), seconds(64), SECOND / 2));
    assert!(spread <= 2.0, "{spread}");
}

#[test]
fn after_an_outage_a_gateway_with_little_to_spare_recovers_at_once() {
    let run = |patience| {
        let mut fleet = fleet(100, 300, Pace::Every(SECOND / 5));
        fleet.patience = patience;
        fleet.run(&Timeline(vec![
            (Duration::ZERO, Health::Sheds(60)),
            (seconds(20), Health::Dead),
            (seconds(40), Health::Sheds(60)),
        ]))
    };
    let loads = |outcome: &Outcome| outcome.sends(Duration::ZERO, seconds(60), SECOND);
    let (ours, fixed) = (run(Patience::Ours), run(Patience::Fixed(SECOND)));
    // 500 calls a second, and what the clients have to spend when the gateway dies: all of it is
    // gone two seconds later.
    let load = loads(&ours);
    assert!(load.iter().all(|sends| *sends <= 1_000), "{load:?}");
    assert!(load.iter().skip(23).all(|sends| *sends <= 510), "{load:?}");
    assert!(ours.success(seconds(40), seconds(42)) >= 0.999);
    // So it is not the gateway that makes it easy.
    let load = loads(&fixed);
    assert!(
        load.iter().skip(25).take(15).all(|it| *it >= 1_900),
        "{load:?}"
    );
}

#[test]
fn a_gateway_that_cannot_keep_up_does_what_it_can_and_sees_half_as_much_again_at_most() {
    for (capacity, share) in [(45, 0.9), (35, 0.7), (25, 0.5)] {
        let timeline = Timeline::always(Health::Sheds(capacity));
        let outcome = fleet(100, 200, Pace::Every(SECOND / 5)).run(&timeline);
        let success = outcome.success(seconds(5), seconds(35));
        assert!(success >= share - 0.02, "{success} of {share}");
        let sends = outcome.sends_per_call();
        assert!(sends <= 1.55, "{sends} sends per call at {share}");
    }
}
