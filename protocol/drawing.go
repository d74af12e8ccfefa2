package protocol

// DrawingRequest is the body of POST /api/v1/picture: what to draw, and which of its ways.
type DrawingRequest struct {
	Picture Picture     `json:"picture"`
	Kinds   []TrialKind `json:"kinds"`
}

// Drawing is a picture laid out for a width. Whoever shows it decides nothing more: it puts each mark's shapes into a group of its own.
type Drawing struct {
	Width  int           `json:"width"`
	Height int           `json:"height"`
	Tall   bool          `json:"tall"` // from top to bottom, for a narrow screen
	Marks  []DrawingMark `json:"marks"`
	// Order is in which order the marks are read: indices of those that have a sentence.
	Order []int `json:"order"`
}

// MarkKind is what a mark stands for.
type MarkKind string

// The kinds of marks.
const (
	MarkNode  MarkKind = "node"
	MarkWire  MarkKind = "wire" // addresses on a line; it says nothing by itself
	MarkLeg   MarkKind = "leg"
	MarkWay   MarkKind = "way"
	MarkArrow MarkKind = "arrow"
)

// DrawingMark is a group of shapes that means one thing.
type DrawingMark struct {
	Kind     MarkKind `json:"kind"`
	ID       string   `json:"id"` // distinct among those of its kind
	State    string   `json:"state"`
	Class    string   `json:"class"`
	Sentence string   `json:"sentence"`
	// Of is the id of the picture's node or arrow, or the kind of the way.
	Of string `json:"of,omitempty"`
	// Hit is the path that a pointer finds: an arrow's lines alone are too thin.
	Hit string `json:"hit,omitempty"`
	// SVG are the shapes: elements without scripts and styles, all text escaped.
	SVG string `json:"svg"`
}
