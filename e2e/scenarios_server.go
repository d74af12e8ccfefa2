package e2e

// Scenarios of what servers and proxies do: relays, names, filters of STUN.

var serverScenarios = []Scenario{}
