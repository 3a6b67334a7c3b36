package settle_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/settle"
)

// asked is a mover that answers by the first item's receiver.
type asked struct {
	settle.Mover
	says  map[string]error
	calls []string
}

func (a *asked) Prepare(_ context.Context, items []pay.SweepItem) (settle.Prepared, error) {
	a.calls = append(a.calls, fmt.Sprint(items[0].Receiver, len(items)))
	p := settle.Prepared{Items: items}
	if err := a.says[items[0].Receiver]; errors.Is(err, settle.ErrUnread) {
		return settle.Prepared{Unread: items[:1]}, err
	}
	return p, a.says[items[0].Receiver]
}

// A transaction is to one receiver. What is not known of one's addresses lets the next one
// go first; any other error is of them all.
func TestTurns(t *testing.T) {
	t.Parallel()
	unread, noGas := fmt.Errorf("%w: a", settle.ErrUnread), settle.ErrNoGas
	var items []pay.SweepItem
	for i, receiver := range []string{"a", "b", "a", "c"} {
		items = append(items, pay.SweepItem{Receiver: receiver, Address: fmt.Sprint(i)})
	}
	for name, c := range map[string]struct {
		network pay.NetworkName
		says    map[string]error
		calls   []string
		err     error
	}{
		"known":             {"cardano", nil, []string{"a2"}, nil},
		"one is not":        {"cardano", map[string]error{"a": unread}, []string{"a2", "b1"}, nil},
		"two are not":       {"cardano", map[string]error{"a": unread, "b": unread}, []string{"a2", "b1", "c1"}, nil},
		"none is":           {"cardano", map[string]error{"a": unread, "b": unread, "c": unread}, []string{"a2", "b1", "c1"}, settle.ErrUnread},
		"no gas":            {"cardano", map[string]error{"a": noGas}, []string{"a2"}, settle.ErrNoGas},
		"no gas for others": {"cardano", map[string]error{"a": unread, "b": noGas}, []string{"a2", "b1"}, settle.ErrNoGas},
		"EVM":               {"ethereum", map[string]error{"a": noGas}, []string{"a4"}, settle.ErrNoGas},
	} {
		m := &asked{says: c.says}
		s := &settle.Settler{Log: slog.New(slog.DiscardHandler)}
		p, err := settle.PrepareSome(s, t.Context(), pay.Network{Name: c.network}, m, items)
		if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) || !slices.Equal(m.calls, c.calls) {
			t.Errorf("%s: %v after %v", name, err, m.calls)
		}
		unread := 0
		for _, err := range c.says {
			if errors.Is(err, settle.ErrUnread) {
				unread++
			}
		}
		if len(p.Unread) != unread {
			t.Errorf("%s: unread are %+v", name, p.Unread)
		}
		if err == nil && slices.ContainsFunc(p.Items, func(i pay.SweepItem) bool { return i.Receiver != p.Items[0].Receiver }) {
			t.Errorf("%s: %+v", name, p.Items)
		}
	}
}
