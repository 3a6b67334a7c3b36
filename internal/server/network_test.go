package server_test

import (
	"fmt"
	"testing"

	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/testkit"
)

func TestNetworks(t *testing.T) {
	t.Parallel()
	testkit.EachDatabase(t, func(t *testing.T, url string) {
		d := newDesk(t, url, nil)
		d.Mine(5)
		var p pay.Proof
		proven := func(height uint64) func() bool {
			return func() bool {
				if err := d.Store.Read(t.Context(), func(tx *store.Tx) (err error) { p, err = tx.Proof("ethereum"); return err }); err != nil {
					t.Fatal(err)
				}
				return p.Final.Height >= height
			}
		}
		head := p.Seen.Height
		testkit.Eventually(t, "some blocks are final", proven(head+1))
		first := p.Since
		d.Mine(4)
		testkit.Eventually(t, "more are", proven(p.Final.Height+4))
		if p.Since != first || p.Final.Height != p.Seen.Height-2 {
			t.Errorf("since %d, then since %d, seen %d, proven %d", first, p.Since, p.Seen.Height, p.Final.Height)
		}
		says(t, d.ask("GET /api/v1/networks", "", d.key), fmt.Sprintf(`{"object":"list","data":[{"object":"network","network":"ethereum","title":"Ethereum","family":"evm","uri_scheme":"ethereum",`+
			`"network_environment":"devnet","confirmations":3,"block_time_ms":50,"simulated":false,"tokens":["DUSDC","ETH"],"since_height":%d,"seen_height":%d,"proven_height":%d,`+
			`"proven_hash":%q,"proven_at":%d}],"has_more":false}`, p.Since, p.Seen.Height, p.Final.Height, p.Final.Hash, p.Final.Time.Unix()))
		says(t, d.ask("GET /readyz", "", nil), fmt.Sprintf(`{"status":"ready","problems":{},"warnings":{},"proven_height":{"ethereum":%d}}`, p.Final.Height))
		refused(t, d.ask("GET /api/v1/networks", "", nil), 401, "B", "API_KEY_INVALID")
	})
}
