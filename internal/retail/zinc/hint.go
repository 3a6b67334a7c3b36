package zinc

import "encoding/json"

// MaxHint is the most bytes of a webhook's body that Hint reads.
const MaxHint = 1 << 20

// Hint reads the body of a webhook of Zinc's and returns the requests and the orders, by
// the placement's key, that it may be about. Webhooks are not signed and come more than
// once, so that nothing else in one counts: whoever gets a hint asks Poll, and a hint
// that is forged, late or repeated changes nothing. Anything that is not a webhook of
// Zinc's is a hint at nothing.
func Hint(body []byte) (requests, keys []string) {
	var in struct {
		ID      lax[string] `json:"request_id"`
		Request lax[struct {
			ID    lax[string] `json:"request_id"`
			Key   lax[string] `json:"idempotency_key"`
			Notes lax[struct {
				Order lax[string] `json:"order"`
			}] `json:"client_notes"`
		}] `json:"request"`
	}
	if len(body) > MaxHint || json.Unmarshal(body, &in) != nil {
		return nil, nil
	}
	return distinct(in.ID.v, in.Request.v.ID.v), distinct(in.Request.v.Notes.v.Order.v, in.Request.v.Key.v)
}

// distinct returns what can be ids, each once.
func distinct(a, b string) (ids []string) {
	if tokenish(a) {
		ids = append(ids, a)
	}
	if b != a && tokenish(b) {
		ids = append(ids, b)
	}
	return ids
}
