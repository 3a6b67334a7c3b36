package notify_test

import (
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/notify"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

// A payor's stream does not tell how much happens at its merchant: the newest event is
// hardly ever one of the payor's.
func TestPayorsSinceTellsNothingOfOthers(t *testing.T) {
	t.Parallel()
	eachStage(t, func(t *testing.T, g *stage) {
		g.happen(event(merchant, 1), event(merchant, 2), event(merchant, 2))
		mine, last := g.all()[0].ID, g.last().ID
		for _, payor := range []bool{true, false} {
			for _, since := range []string{mine, "evt_1-1"} {
				sub := notify.Subscription{EventFilter: store.EventFilter{MerchantID: merchant, InvoiceID: "inv_1"}, Payor: payor, Since: since}
				s := g.dial(t, sub)
				frames := map[string]int{mine: 2, "evt_1-1": 1}[since]
				for range frames {
					if f := s.Next(); f.Object != "ws_control" || strings.Contains(string(f.Raw), last) == payor || strings.Contains(string(f.Raw), `"last_event_id":null`) != payor {
						t.Errorf("payor %t since %s: %s", payor, since, f.Raw)
					}
				}
			}
		}
	})
}

// A socket that names an event that never was is told so, and goes on from now; one
// that names a known event gets everything since, also what the room has not heard of.
func TestUnknownSince(t *testing.T) {
	t.Parallel()
	eachStage(t, func(t *testing.T, g *stage) {
		g.happen(event(merchant+1, 0))
		foreign := testkit.Events(t, g.s, merchant+1)[0].ID
		g.happen(event(merchant, 0))
		for _, since := range []string{"evt_1-1", "evt_0-999", foreign + "9"} {
			s := g.dial(t, notify.Subscription{EventFilter: store.EventFilter{MerchantID: merchant}, Since: since})
			if f := s.Next(); f.Object != "ws_control" || f.Type != "resync_required" || f.Since == nil || *f.Since != since {
				t.Errorf("since %s: %s", since, f.Raw)
			}
			before := g.last().Seq
			g.in(t, s)
			if s.Got[0].ID != g.all()[before].ID && s.Got[0].ID != g.all()[before+1].ID { // live, and not what was before
				t.Errorf("since %s: %v", since, s.Got)
			}
		}
		g.mute.Store(true)
		g.happen(event(merchant, 0)) // the room has not heard of it, and still it belongs to the replay
		s := g.dial(t, notify.Subscription{EventFilter: store.EventFilter{MerchantID: merchant}, Since: g.all()[0].ID})
		want := []string{"replay_start"}
		for range len(g.all()) - 1 {
			want = append(want, "event")
		}
		for n, want := range append(want, "replay_complete") {
			if f := s.Next(); f.Type != want && f.Object != want {
				t.Errorf("frame %d is %s, want %s", n, f.Raw, want)
			}
		}
	})
}
