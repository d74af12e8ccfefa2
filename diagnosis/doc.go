// Package diagnosis turns a recording into a verdict. It is pure: the same events give the same findings, on the server, in a test, or years later.
//
// Fold takes events one by one and keeps the picture: peers, candidates, pairs with both ends' counters, trials. Diagnose reads the picture and applies
// the rules, one file each (rule_*.go). Ending decides from the same picture whether a trial can still succeed; it is told the time, it has no clock.
//
// A rule never takes silence for an answer: what was not measured is not "no". It is certain only on positive evidence of its own, and because evidence is
// only ever added, what is certain stays so until the end of the recording.
package diagnosis
