//! Worlds by the thousand, and that each is the same every time.

/// What continuous integration runs; a longer run is documented at the crate's root.
const CALLS: u64 = 50_000;

#[test]
fn every_call_keeps_every_rule_and_everything_that_can_happen_does() {
    let report = mesh_simulation::run(1, CALLS, 2);
    println!("{report}");
    assert_eq!(report.failures(), "", "{} worlds failed", report.failed);
    assert!(report.calls >= CALLS);
    assert_eq!(report.unseen(), "", "can happen and was not seen");
    assert_eq!(report.surprising(), "", "cannot happen and was seen");
}

#[test]
fn the_same_seed_is_the_same_world() {
    for seed in 0..300 {
        assert_eq!(mesh_simulation::trace(seed), mesh_simulation::trace(seed));
    }
    assert_ne!(mesh_simulation::trace(1), mesh_simulation::trace(2));
}
