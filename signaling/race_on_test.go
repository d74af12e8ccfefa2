//go:build race

package signaling

// raceEnabled makes the load smaller: the race detector costs ten times the memory.
const raceEnabled = true
