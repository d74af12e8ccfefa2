package protocol

// Code is the stable name of a cause, as in docs/findings.md. It stands in reports, in the language catalogs and in tests.
type Code string

// The causes that this version can find. Those that a later version adds keep their names from the vocabulary in docs.
const (
	CodeMDNSMasked           Code = "mdns-masked"
	CodeMDNSMulticastBlocked Code = "mdns-multicast-blocked"
	CodeNoDefaultRoute       Code = "no-default-route"
	CodeNoNATToServer        Code = "no-nat-to-server"
	CodeSTUNUnreachable      Code = "stun-unreachable"
	CodeUDPBlocked           Code = "udp-blocked"
	CodeOneWayBlock          Code = "one-way-block"
	CodeAsymmetricNAT        Code = "asymmetric-nat"
	CodeAsymmetricRouting    Code = "asymmetric-routing"
	CodeSignalingGap         Code = "signaling-gap"
	CodeCandidateRejected    Code = "candidate-rejected"
	CodeInsecureContext      Code = "insecure-context"
	CodeDeadICEServer        Code = "dead-ice-server"
	CodeDependentBothSides   Code = "dependent-mapping-both-sides"
	CodeDependentOneSide     Code = "dependent-mapping-one-side"
	CodeHairpinUnsupported   Code = "hairpin-unsupported"
	CodeSTUNInOtherRealm     Code = "stun-in-other-realm"
	CodeSTUNRewritten        Code = "stun-rewritten-by-alg"
	CodeShortMappingLifetime Code = "short-mapping-lifetime"
	CodeDoubleNAT            Code = "double-nat"
	CodeUnstableMapping      Code = "unstable-mapping"

	CodeHostSuppressed      Code = "host-candidates-suppressed"
	CodeUDPDisabled         Code = "non-proxied-udp-disabled"
	CodeClientIsolation     Code = "client-isolation"
	CodeVPNChosen           Code = "vpn-interface-chosen"
	CodeWrongInterface      Code = "wrong-interface-chosen"
	CodeVirtualBridge       Code = "virtual-bridge-candidates"
	CodeOverlappingSubnets  Code = "overlapping-subnets"
	CodeMTUBlackHole        Code = "path-mtu-black-hole"
	CodeDTLSBlocked         Code = "dtls-blocked"
	CodeSTUNFiltered        Code = "stun-filtered"
	CodePathLost            Code = "path-lost"
	CodeSlowFirstPacket     Code = "slow-first-packet"
	CodeIPv6Broken          Code = "ipv6-broken"
	CodeLinkLocalOnly       Code = "link-local-only"
	CodeRelayUnusable       Code = "relay-unusable"
	CodeRelayCannotReach    Code = "relay-cannot-reach-masked"
	CodeICETCPImpossible    Code = "ice-tcp-impossible"
	CodeICECredentialFault  Code = "ice-credential-fault"
	CodeOSPermission        Code = "os-permission-missing"
	CodeWebRTCUnavailable   Code = "webrtc-unavailable"
	CodeDNSFailure          Code = "dns-failure"
	CodeHTTPProxyOnly       Code = "http-proxy-only"
	CodeLossyPath           Code = "lossy-path"
	CodeFingerprintMismatch Code = "dtls-fingerprint-mismatch"

	// CodeBrowserBlocked is not among the causes of the vocabulary: icescope peer on the same machine connects where the browser does not.
	CodeBrowserBlocked Code = "browser-blocked"
	// CodeExpectationFailed is not among the causes: what the NATs let one expect did not come about.
	CodeExpectationFailed Code = "expectation-contradicted"
)

// ErrorCode is the stable name of what was wrong with a frame or a request.
type ErrorCode string

// The errors that a client can see. docs/protocol.md says for each what to do.
const (
	ErrBadJSON         ErrorCode = "bad-json"          // the frame is not a JSON object
	ErrUnknownType     ErrorCode = "unknown-type"      // no such frame type
	ErrBadMessage      ErrorCode = "bad-message"       // a member is missing, of the wrong type, or out of its range
	ErrBadCandidate    ErrorCode = "bad-candidate"     // not a candidate-attribute (RFC 8839 section 5.1)
	ErrBadICEServers   ErrorCode = "bad-ice-servers"   // the pasted iceServers cannot be used
	ErrTooLarge        ErrorCode = "too-large"         // the frame is over its limit; the connection is closed with 1009
	ErrRateLimited     ErrorCode = "rate-limited"      // too many frames; this one was dropped
	ErrNotBinary       ErrorCode = "text-only"         // a binary frame
	ErrHelloFirst      ErrorCode = "hello-first"       // the first frame must be hello
	ErrHelloTwice      ErrorCode = "hello-twice"       // a second hello on one connection
	ErrUnknownRoom     ErrorCode = "unknown-room"      // no such room
	ErrUnknownReport   ErrorCode = "unknown-report"    // no such kept report
	ErrNotListed       ErrorCode = "not-listed"        // the kept reports are not listed
	ErrRoomFull        ErrorCode = "room-full"         // two peers are there; join as a watcher
	ErrTooManyRooms    ErrorCode = "too-many-rooms"    // the server's limit
	ErrTooManyWatchers ErrorCode = "too-many-watchers" // the room's limit
	ErrBadResume       ErrorCode = "bad-resume"        // the resume token is unknown or its 30 s are over; say hello without it
	ErrNotForWatchers  ErrorCode = "not-for-watchers"  // a watcher sent what only a peer may
	ErrNoPeer          ErrorCode = "no-peer"           // nobody to relay to
	ErrTooSlow         ErrorCode = "too-slow"          // the connection's queue overflowed; closed with 1013
	ErrRefused         ErrorCode = "refused"           // the request makes no sense now; the message says why
	ErrForbiddenOrigin ErrorCode = "forbidden-origin"  // the page was not served by this server
	ErrInternal        ErrorCode = "internal"          // a defect of the server
)
