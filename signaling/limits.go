package signaling

import "time"

// Limits. Those that a deployment may want otherwise stand in Config, with these as their defaults.
const (
	// maxFrame is what one frame from a peer may hold, in bytes. The largest honest frames are a sample of some hundred pairs and the description of
	// a browser with every codec, both under 40 KiB.
	maxFrame = 64 << 10

	// defaultMaxRooms bounds the memory of a server whose address leaked: an empty room is some 300 bytes here, and its recording a few KiB.
	defaultMaxRooms = 20_000

	// defaultMaxConns is four times what the benchmark opens. At about 12 KiB each they fit in 512 MiB.
	defaultMaxConns = 40_000

	// maxPeers is two: a diagnosis is about one pair.
	maxPeers = 2

	// maxCompanions stand beside one peer: its machine without its browser is one other point of view, and a second would see the same.
	maxCompanions = 1

	// maxWatchers is a class room; each one costs a snapshot every 40 ms while trials run.
	maxWatchers = 32

	// framesPerSecond and framesBurst: a message costs about 10 µs, so that one peer takes at most 3 % of a core for long. A browser with every trial
	// under way sends under 200 a second; a benchmark with 100 connections some 1,500 on each.
	framesPerSecond = 3000
	framesBurst     = 6000

	// bytesPerSecond and bytesBurst: 3,000 candidates of 500 bytes, and a burst of 100 of the largest frames.
	bytesPerSecond = 2 << 20
	bytesBurst     = 8 << 20

	// errorsPerSecond and errorsBurst: an error frame is for a developer who reads it. Beyond this, broken frames are dropped unanswered and unrecorded.
	errorsPerSecond = 5
	errorsBurst     = 20

	// runsPerSecond and runsBurst: a run may be a whole diagnosis inside the room, some ms. A person presses a button, and a page that asks for each kind by itself names a handful.
	runsPerSecond = 2
	runsBurst     = 8

	// maxRefused closes a connection with 1008 after so many refused frames: no honest client goes on like that.
	maxRefused = 10_000

	// defaultQueueBytes and queueFrames bound what waits for one connection. A newcomer's first events are a few MiB; snapshots replace each other.
	defaultQueueBytes = 8 << 20
	queueFrames       = 4096

	// keepFrames and keepBytes bound what is kept for one peer's resume: five trials with two descriptions of 8 KiB and fifty candidates each are half
	// of either.
	keepFrames = 512
	keepBytes  = 512 << 10

	// ackEvery: a peer that sends much and is sent nothing gets an empty events frame with an ack after so many, so that it need not keep more.
	ackEvery = 256

	// maxLabel and maxUserAgent are in characters; what is over is cut off.
	maxLabel     = 64
	maxUserAgent = 512

	// maxTrials is how many kinds one list may name; there are six.
	maxTrials = 16

	// maxRoomCode is the longest code that OpenRooms accepts, in characters.
	maxRoomCode = 64
)

// Clocks.
const (
	// sweepEvery is how often Run looks for what is overdue, so all clocks below are late by at most this.
	sweepEvery = time.Second

	// helloWait is from the connection, or from a refused hello, to the next hello.
	helloWait = 15 * time.Second

	// pingEvery keeps NATs and proxies open (the shortest idle time-outs in the field are 30 s) and measures the round trip.
	pingEvery = 20 * time.Second

	// silence after which a connection counts as dropped: two pings went unanswered.
	silence = 2*pingEvery + 5*time.Second

	// resumeWait is how long a dropped peer keeps its place: a laptop changing networks takes 5 to 15 s.
	resumeWait = 30 * time.Second

	// writeWait is how long one write may take: a socket that took nothing for so long belongs to nobody.
	writeWait = 10 * time.Second

	// closeWait is how long the other end may take to answer a close frame (RFC 6455 section 7.1.1).
	closeWait = 5 * time.Second

	// shutdownWait is how long Run waits for byes to be read before it closes the sockets.
	shutdownWait = time.Second

	// emptyRoomWait: the last peer is gone, and its report can still be fetched. unusedRoomWait: nobody ever came.
	emptyRoomWait  = 2 * time.Hour
	unusedRoomWait = time.Hour

	// retryAfter is what bye tells a client to wait: a restart of the server takes about a second.
	retryAfter = time.Second
)

// Close codes of our own (RFC 6455 section 7.4.2: 4000 to 4999 are for private use), numbered after the HTTP status that says the same.
const (
	closeUnknownRoom = 4404
	closeReplaced    = 4409
)
