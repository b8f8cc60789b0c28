package transports

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

type task func()

func (f task) Work() { f() }

func TestPoolRunsAllAndKeepsFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(Config{})
		var done sync.WaitGroup
		done.Add(100)
		for range 100 {
			s.Do(task(func() {
				time.Sleep(time.Second) // all at the same time
				done.Done()
			}))
		}
		began := time.Now()
		done.Wait()
		if got := time.Since(began); got != time.Second {
			t.Errorf("the tasks took %v, want 1 s: they must not wait for one another", got)
		}
		synctest.Wait()
		if got := len(s.pool.idle); got != idleWorkers {
			t.Errorf("%d goroutines are kept, want %d", got, idleWorkers)
		}
		s.Do(task(func() {}))
		synctest.Wait()
		if got := len(s.pool.idle); got != idleWorkers {
			t.Errorf("%d goroutines are kept, want %d", got, idleWorkers)
		}
		s.Shutdown(t.Context(), 0)
		if got := s.tasks.count.Load(); got != 0 {
			t.Errorf("%d goroutines are left", got)
		}
		ran := make(chan struct{})
		s.Do(task(func() { close(ran) })) // a straggler's
		<-ran
	})
}

func TestShutdownWaitsForTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(Config{})
		began := time.Now()
		s.Go(func() { time.Sleep(3 * time.Second) })
		s.Shutdown(context.Background(), 0)
		if got := time.Since(began); got != 3*time.Second {
			t.Errorf("Shutdown took %v, want 3 s", got)
		}
	})
}

// A goroutine that never ends does not keep the process from ending.
func TestShutdownGivesUpOnAStuckTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(Config{})
		stuck := make(chan struct{})
		s.Go(func() { <-stuck })
		began := time.Now()
		s.Shutdown(context.Background(), 0)
		if got := time.Since(began); got != closeWait {
			t.Errorf("Shutdown took %v, want %v", got, closeWait)
		}
		close(stuck)
		s.writers.Close()
	})
}
