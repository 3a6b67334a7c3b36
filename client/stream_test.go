package client_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pepay/pepay/client"
)

// Whatever a server and the wires to it do, the reader of a stream has every event
// once and in order.
func TestStreamUnderFaults(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { streamUnderFaults(t, seed) })
		})
	}
}

func streamUnderFaults(t *testing.T, seed uint64) {
	const events = 80
	f := &faulty{chance: rand.New(rand.NewPCG(seed, 1))}
	pepay := f.start(t)
	before := int(seed % 4) // with none, there is nothing to go on from
	for range before {
		f.add()
	}
	since := ""
	if seed%3 == 1 && before > 0 {
		since, before = f.events[0].ID, 1
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	done := make(chan struct{})
	go func() {
		<-time.After(5 * time.Minute) // by then it knows where it begins
		for range events {
			f.add()
			<-time.After(time.Duration(f.number(4000)) * time.Millisecond)
		}
		close(done)
	}()
	defer func() { <-done }()
	next := before
	for e, err := range pepay.Events.Stream(ctx, client.Subscription{Since: since}) {
		if err != nil {
			t.Fatal(err)
		}
		f.mu.Lock()
		want, total := f.events[next].ID, len(f.events)
		f.mu.Unlock()
		if e.ID != want {
			t.Fatalf("got %s, want %s: event %d of %d", e.ID, want, next, total)
		}
		if next++; next >= before+events && next == total && ctx.Err() == nil && total >= events {
			break
		}
		if f.unlucky(10) {
			<-time.After(time.Duration(f.number(100)) * time.Second) // a slow reader
		}
	}
	if ctx.Err() != nil {
		t.Fatalf("%d of %d events came", next, len(f.events))
	}
	t.Logf("%d connections", f.dials)
}

// A connection that is silent, although it is pinged, is given up.
func TestStreamNoticesSilence(t *testing.T) {
	t.Parallel()
	for _, mute := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) { streamNoticesSilence(t, mute) })
	}
}

func streamNoticesSilence(t *testing.T, mute bool) {
	f := &faulty{calm: true, silent: true, mute: mute}
	pepay := f.start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	var notices []error
	for _, err := range pepay.Events.Stream(ctx, client.Subscription{Notice: func(err error) { notices = append(notices, err) }}) {
		t.Error(err)
	}
	if len(notices) < 9 || len(notices) > 20 || f.dials < len(notices) || f.dials > len(notices)+1 {
		t.Errorf("%d connections, %v", f.dials, notices)
	}
}

// A quiet connection that answers pings is kept.
func TestStreamKeepsAQuietConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &faulty{calm: true}
		pepay := f.start(t)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Hour)
		defer cancel()
		go func() {
			<-time.After(9 * time.Hour)
			f.add()
		}()
		got := 0
		for _, err := range pepay.Events.Stream(ctx, client.Subscription{}) {
			if err != nil {
				t.Error(err)
			}
			got++
		}
		if got != 1 || f.dials != 1 {
			t.Errorf("%d events by %d connections", got, f.dials)
		}
	})
}

// The waits grow to half a minute and have some chance in them.
func TestStreamBacksOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &faulty{calm: true, refuse: 503}
		pepay := f.start(t)
		pepay.Retries = 0
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		var at []time.Time
		for e, err := range pepay.Events.Stream(ctx, client.Subscription{Notice: func(error) { at = append(at, time.Now()) }}) {
			t.Error(e, err)
		}
		for n, most := 1, time.Second; n < len(at); n, most = n+1, min(2*most, 30*time.Second) {
			if wait := at[n].Sub(at[n-1]); wait < most/2 || wait > most {
				t.Errorf("wait %d is %s, want %s at most and half of it at least", n, wait, most)
			}
		}
		if len(at) < 20 {
			t.Errorf("%d attempts", len(at))
		}
	})
}

// What waiting does not help against ends the stream.
func TestStreamEnds(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 401, 403, 404} {
		synctest.Test(t, func(t *testing.T) {
			f := &faulty{calm: true, refuse: status}
			pepay := f.start(t)
			var last error
			for _, err := range pepay.Events.Stream(t.Context(), client.Subscription{}) {
				last = err
			}
			if e, ok := errors.AsType[*client.Error](last); !ok || e.Status != status {
				t.Errorf("%d: %v", status, last)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		f := &faulty{calm: true}
		pepay := f.start(t)
		for _, since := range []string{"banana", "evt_", "evt_1", "evt_x-1", "evt_1-x"} {
			var last error
			for _, err := range pepay.Events.Stream(t.Context(), client.Subscription{Since: since}) {
				last = err
			}
			if last == nil {
				t.Errorf("%q was taken", since)
			}
		}
	})
}

// An event that the server has forgotten is no place to go on from: what is kept
// comes, and the reader is told.
func TestStreamAfterLongAbsence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &faulty{calm: true}
		pepay := f.start(t)
		for range 30 {
			f.add()
			<-time.After(time.Second)
		}
		f.kept = 10
		told, next := 0, 10
		for e, err := range pepay.Events.Stream(t.Context(), client.Subscription{Since: f.events[3].ID, Notice: func(err error) {
			if errors.Is(err, client.ErrForgotten) {
				told++
			}
		}}) {
			if err != nil || e.ID != f.events[next].ID {
				t.Fatal(e.ID, err)
			}
			if next++; next == 35 {
				break
			}
			if next >= 30 {
				f.add()
			}
		}
		if told != 1 {
			t.Errorf("told %d times", told)
		}
	})
}
