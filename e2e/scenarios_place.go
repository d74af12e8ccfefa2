package e2e

// Scenarios of where a machine stands: interfaces, policies, families, segments.

var placeScenarios = []Scenario{}
