use std::time::{Duration, Instant};

use super::Operator;

/// The names of the keys, and what each is for.
fn keys(operator: &Operator) -> Vec<(String, String)> {
    let listed = operator.says("key list --json").done();
    let listed: Vec<serde_json::Value> = serde_json::from_str(&listed).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    listed
        .iter()
        .map(|key| (text(&key["state"]), text(&key["kid"])))
        .collect()
}

#[test]
fn the_first_turn_waits_until_every_gateway_knows_the_key() {
    let operator = Operator::new();
    let before = keys(&operator);
    let begun = Instant::now();
    let answer = operator.says("key rotate");
    assert!(begun.elapsed() < Duration::from_secs(25));
    assert_eq!(answer.code, 0, "{}", answer.stderr);
    assert!(answer.stderr.contains("waiting 1"), "{}", answer.stderr);
    assert!(answer.stdout.contains("previous"), "{}", answer.stdout);
    let after = keys(&operator);
    assert_eq!(
        (before[0].0.as_str(), after[1].0.as_str()),
        ("next", "current")
    );
    assert_eq!(before[0].1, after[1].1);
}
