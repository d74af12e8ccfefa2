package protocol

// Picture is the path between the two ends as page and reports draw it: made once, from what was measured, so that no two drawings differ. What is not known is in it
// as not known. Every element carries its sentence; all of them together are the picture in words.
type Picture struct {
	Title string `json:"title"` // what is drawn, in a few words
	A     string `json:"a"`     // the id of the node that stands for the first machine; arrows name it
	B     string `json:"b"`
	// Nodes are from A over the server to B: what a packet meets on its way.
	Nodes []PictureNode `json:"nodes"`
	// Wires lie between two nodes, with the addresses that packets of that machine carry there.
	Wires []PictureWire `json:"wires"`
	// Legs are between a machine and this server.
	Legs []PictureArrow `json:"legs"`
	// Ways are between the machines, a kind of trial each, in the order of what they cost.
	Ways []PictureWay `json:"ways"`
	// Text is the picture in sentences.
	Text []string `json:"text"`
}

// NodeKind is what a node is.
type NodeKind string

// The kinds of nodes.
const (
	NodeMachine NodeKind = "machine"
	NodeNAT     NodeKind = "nat"
	NodeServer  NodeKind = "server"
	NodeBetween NodeKind = "between" // what lies between the machines beside the server
	NodeProxy   NodeKind = "proxy"   // an HTTP proxy between a machine and the server's page
	NodeGateway NodeKind = "gateway" // what changes the addresses in a machine's STUN answers (ALG)
)

// NodeState is what is known of a node.
type NodeState string

// The states of nodes. Unknown is neither there nor absent.
const (
	NodeThere    NodeState = "there"
	NodeAbsent   NodeState = "absent"   // a NAT that is not there
	NodeUnknown  NodeState = "unknown"  // nobody has measured it, or it cannot be seen
	NodeOneWay   NodeState = "one-way"  // a NAT that translates what leaves its machine, and lets the machine be asked past it
	NodeSegment  NodeState = "segment"  // between: nothing, one segment
	NodeRouted   NodeState = "routed"   // between: at least one router
	NodeFiltered NodeState = "filtered" // between: something that drops packets
)

// Crossing tells whether the way between the machines, beside the server, leads through a NAT.
type Crossing string

// The crossings.
const (
	CrossingYes     Crossing = "crossed"
	CrossingNo      Crossing = "bypassed"
	CrossingUnknown Crossing = "unknown"
)

// PictureNode is a machine, what stands before it, the server, or what lies between the machines.
type PictureNode struct {
	ID    string    `json:"id"` // a machine's is its peer's
	Kind  NodeKind  `json:"kind"`
	State NodeState `json:"state"`
	// Of is the machine that a NAT, a proxy or a gateway belongs to; empty: both, one NAT before two machines.
	Of string `json:"of,omitempty"`
	// Crossing is of NATs.
	Crossing  Crossing `json:"crossing,omitempty"`
	Label     string   `json:"label"`
	Notes     []string `json:"notes"`
	Addresses []string `json:"addresses"`
	Sentence  string   `json:"sentence"`
}

// PictureWire is the line between two nodes.
type PictureWire struct {
	From      string           `json:"from"`
	To        string           `json:"to"`
	Of        string           `json:"of"` // the machine whose packets these are
	Addresses []PictureAddress `json:"addresses"`
}

// Viewer is who sees an address.
type Viewer string

// The viewers.
const (
	SeenByItself Viewer = "itself"
	SeenByServer Viewer = "server"
	SeenByPeer   Viewer = "peer"
)

// PictureAddress is an address and who knows it.
type PictureAddress struct {
	Address string `json:"address"` // empty: hidden, or not known
	By      Viewer `json:"by"`
	Text    string `json:"text"` // the same in the reader's language, for the drawing
}

// PictureArrow is one direction of one kind of path.
type PictureArrow struct {
	ID    string     `json:"id"`
	From  string     `json:"from"` // ids of nodes
	To    string     `json:"to"`
	State ArrowState `json:"state"`
	Label string     `json:"label"` // the state in a few words
	// Asked is the ip:port that From sends to; empty: hidden or not known.
	Asked string `json:"asked,omitempty"`
	// Answerer is where the answer of a non-symmetric direction came from.
	Answerer string `json:"answerer,omitempty"`
	// AskedText and AnswerText say both of a non-symmetric direction, as they stand at the arrow.
	AskedText  string `json:"askedText,omitempty"`
	AnswerText string `json:"answerText,omitempty"`
	Sentence   string `json:"sentence"`
	// Pairs are indices into the pairs of the way's trial.
	Pairs  []int `json:"pairs"`
	Events []int `json:"events"`
}

// Via is what a way leads over.
type Via string

// The vias.
const (
	ViaDirect Via = "direct"
	ViaServer Via = "server" // this server's relay
	ViaRelay  Via = "relay"  // another relay
)

// PictureWay is one kind of path between the machines.
type PictureWay struct {
	Kind        TrialKind      `json:"kind"`
	Trial       TrialID        `json:"trial,omitempty"` // empty: it was not tried
	Name        string         `json:"name"`
	Via         Via            `json:"via"`
	Outcome     Outcome        `json:"outcome" ts:"Outcome | ''"`
	OutcomeText string         `json:"outcomeText"`
	Shown       bool           `json:"shown"` // one of those that tell most: what works, and what failed before it
	Sentence    string         `json:"sentence"`
	Arrows      []PictureArrow `json:"arrows"` // from A, then from B
}
