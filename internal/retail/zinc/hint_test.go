package zinc_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pepay/pepay/internal/retail"
	"github.com/pepay/pepay/internal/retail/zinc"
)

func TestHint(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][2][]string{
		placedBody("", order1): {{first}, nil},
		`{"_type":"error","code":"x","request_id":"a1","request":{"client_notes":{"order":"k1"}}}`:               {{"a1"}, {"k1"}},
		`{"request":{"request_id":"a2","idempotency_key":"k2","client_notes":{"order":"k2"}}}`:                   {{"a2"}, {"k2"}},
		`{"request_id":"a1","request":{"request_id":"a2","idempotency_key":"k2","client_notes":{"order":"k1"}}}`: {{"a1", "a2"}, {"k1", "k2"}},
		`{"request_id":"a1","request":7}`: {{"a1"}, nil},
		`{"request_id":"../x"}`:           {nil, nil},
		`{"request_id":["a"]}`:            {nil, nil},
		`{}`:                              {nil, nil},
		``:                                {nil, nil},
		`[]`:                              {nil, nil},
		`{"request_id":"a1"`:              {nil, nil},
		`{"request_id":"a1","x":"` + strings.Repeat("x", zinc.MaxHint) + `"}`: {nil, nil},
	} {
		requests, keys := zinc.Hint([]byte(body))
		if !slices.Equal(requests, want[0]) || !slices.Equal(keys, want[1]) {
			t.Errorf("%.200s: %v, %v", body, requests, keys)
		}
	}
}

// A webhook, true, forged or repeated, only leads to a question, and the answer counts.
func TestHintReplay(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.answer("GET /orders/"+first, errorBody("request_processing"))
	forged := []byte(placedBody(track(order1, "1Z1", "Delivered", ""), order1))
	for range 3 {
		requests, _ := zinc.Hint(forged)
		for _, request := range requests {
			r.polls(t, request, retail.Progress{Stage: retail.Working})
		}
	}
	if r.count("GET /orders/"+first) != 3 || r.count("POST") != 0 {
		t.Errorf("asked %v", r.calls)
	}
}
