//! What the retries of many clients come to.

use std::time::Duration;

use mesh_simulation::fleet::{
    Fleet, Health, Outcome, Pace, Patience, Timeline, peak_over_mean,
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

fn dead(clients: usize, calls_each: usize, pace: Pace) -> Outcome {
    fleet(clients, calls_each, pace).run(&Timeline::always(Health::Dead))
}

#[test]
fn explore() {
    for (clients, calls) in [(1000, 1), (500, 5), (200, 10), (200, 20), (100, 50), (50, 100), (10, 1000)] {
        for pace in [Pace::After(SECOND), Pace::Every(SECOND), Pace::Every(seconds(10)), Pace::Every(SECOND / 10)] {
            let outcome = dead(clients, calls, pace);
            println!("{clients} x {calls} {pace:?}: {:.3}", outcome.sends_per_call());
        }
    }
    for (clients, calls) in [(100, 100), (10, 1000), (1000, 10)] {
        for pace in [Pace::After(SECOND), Pace::Every(SECOND), Pace::Every(SECOND / 10)] {
            let outcome = fleet(clients, calls, pace).run(&Timeline::always(Health::FailsThreeInTen));
            println!("30%: {clients} x {calls} {pace:?}: {:.4} {:.4}", outcome.sends_per_success(), outcome.success(Duration::ZERO, seconds(100_000)));
        }
    }
    let blip = Timeline(vec![(Duration::ZERO, Health::Well), (seconds(10), Health::Unavailable), (seconds(10)+SECOND/10, Health::Well)]);
    for patience in [Patience::Ours, Patience::Fixed(SECOND)] {
        let mut fleet = fleet(2000, 20, Pace::Every(SECOND));
        fleet.patience = patience;
        let outcome = fleet.run(&blip);
        let bins = outcome.retries(seconds(10), seconds(12), SECOND / 20);
        println!("{patience:?} {bins:?} {:.2}", peak_over_mean(&bins));
    }
    let window = Timeline(vec![(Duration::ZERO, Health::Well), (seconds(50), Health::RateLimited), (seconds(60), Health::Well)]);
    for patience in [Patience::Ours] {
        let mut fleet = fleet(1000, 90, Pace::Every(SECOND));
        fleet.patience = patience;
        let outcome = fleet.run(&window);
        let bins = outcome.retries(seconds(50), seconds(70), SECOND / 2);
        println!("{patience:?} {bins:?} {:.2}", peak_over_mean(&bins));
    }
    for capacity in [90, 70, 50] {
        let outcome = fleet(200, 300, Pace::Every(SECOND/5)).run(&Timeline::always(Health::Sheds(capacity)));
        println!("sheds {capacity} of 100: {:.3} per call {:.3} per success, {:.3} succeed, goodput {}", outcome.sends_per_call(), outcome.sends_per_success(), outcome.success(seconds(5), seconds(55)), outcome.arrivals.iter().filter(|a| a.is_answered).count() / 60);
    }
    let outage = Timeline(vec![(Duration::ZERO, Health::Sheds(120)), (seconds(20), Health::Dead), (seconds(40), Health::Sheds(120))]);
    for patience in [Patience::Ours, Patience::Fixed(SECOND)] {
        let mut fleet = fleet(200, 300, Pace::Every(SECOND/5));
        fleet.patience = patience;
        let outcome = fleet.run(&outage);
        println!("{patience:?} {:?}", outcome.sends(seconds(0), seconds(60), SECOND));
        println!("{:.3} {:.3} {:.3}", outcome.success(seconds(0), seconds(20)), outcome.success(seconds(40), seconds(42)), outcome.success(seconds(42), seconds(60)));
    }
}
