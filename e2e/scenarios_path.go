package e2e

// Scenarios of what happens to packets on the way: sizes, DTLS, loss, a path that is cut.

var pathScenarios = []Scenario{}
