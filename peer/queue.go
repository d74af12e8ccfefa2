package peer

import "sync"

// queue hands frames from the reader of the signaling to one trial. Putting never waits, so that a trial that is busy creating an offer does not hold
// up the others; it is bounded by what the server lets the other end send.
type queue[T any] struct {
	mu    sync.Mutex
	items []T
	ready chan struct{} // has one token while items may be there
}

func newQueue[T any]() *queue[T] { return &queue[T]{ready: make(chan struct{}, 1)} }

func (q *queue[T]) put(item T) {
	q.mu.Lock()
	q.items = append(q.items, item)
	q.mu.Unlock()
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// take empties the queue.
func (q *queue[T]) take() []T {
	q.mu.Lock()
	defer q.mu.Unlock()
	items := q.items
	q.items = nil
	return items
}
