// Package session conducts the trials of a room, keeps its recording, and publishes snapshots.
//
// It implements signaling.Handler: every frame becomes an event, the event goes into the recording and into the fold of room diagnosis, and what the
// fold says of a running trial is done. It owns no opinion: when a trial is over and what that means is decided there, with the time as an argument.
package session
