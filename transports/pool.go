package transports

// Task is a piece of work on a connection that needs a deep stack for a moment.
type Task interface{ Work() }

// pool runs tasks on goroutines that are kept for the next one: they have grown
// their stacks once, where the thousands of goroutines that only wait for a
// socket would each have to, and would keep them.
type pool struct {
	tasks chan Task     // unbuffered: taken by an idle goroutine or not at all
	idle  chan struct{} // one place per goroutine that may be idle
	done  chan struct{}
}

// idleWorkers is how many goroutines of a pool may wait for work.
const idleWorkers = 16

func newPool() *pool {
	return &pool{tasks: make(chan Task), idle: make(chan struct{}, idleWorkers), done: make(chan struct{})}
}

// Do runs t.Work in a goroutine that has run others before, if one is free,
// else in a new one. Shutdown waits for it.
func (s *Server) Do(t Task) {
	select {
	case s.pool.tasks <- t:
	default:
		// Ends when there are enough idle ones, or with Shutdown.
		s.tasks.Go(func() { s.pool.run(t) })
	}
}

func (p *pool) run(t Task) {
	for {
		t.Work()
		t = nil
		select {
		case p.idle <- struct{}{}:
		default:
			return
		}
		select {
		case t = <-p.tasks:
			<-p.idle
		case <-p.done:
			return
		}
	}
}
