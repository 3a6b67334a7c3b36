package billing

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pepay/pepay/internal/store"
)

// uses remembers, in memory, which keys were used since they were last written.
type uses struct {
	sync.Mutex
	at map[string]time.Time
}

func (u *uses) note(key string, at time.Time) {
	u.Lock()
	defer u.Unlock()
	if u.at == nil {
		u.at = map[string]time.Time{}
	}
	u.at[key] = at
}

// UsesEvery is how often, at most, a key's last use is written.
const UsesEvery = time.Minute

// WriteUses writes when keys were last used, all in one unit. Requests never wait
// for it: a use is first noted in memory, so a crash forgets the last minute of
// uses, and a failure leaves them for the next time.
func (b *Billing) WriteUses(ctx context.Context) error {
	b.uses.Lock()
	at := b.uses.at
	b.uses.at = nil
	b.uses.Unlock()
	if len(at) == 0 {
		return nil
	}
	err := b.Store.Write(ctx, func(tx *store.Tx) error {
		for _, key := range slices.Sorted(maps.Keys(at)) { // in order, so that no two nodes wait for each other
			if err := tx.UsedKey(key, at[key], UsesEvery); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.uses.Lock()
		defer b.uses.Unlock()
		maps.Copy(at, b.uses.at)
		b.uses.at = at
	}
	return err
}

// RunUses calls WriteUses every minute, and once more when ctx ends.
func (b *Billing) RunUses(ctx context.Context) {
	for {
		select {
		case <-time.After(UsesEvery):
		case <-ctx.Done():
		}
		if err := b.WriteUses(context.WithoutCancel(ctx)); err != nil {
			b.Log.WarnContext(ctx, "the last uses of API keys were not written; they will be", "err", err)
		}
		if ctx.Err() != nil {
			return
		}
	}
}
