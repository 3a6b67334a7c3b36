package client_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"testing"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/client"
)

// shelf serves invoices named 0 to n-1, of which 0 is the oldest, as the API does.
type shelf struct {
	n, asked int
	fail     int // the request that fails
}

func (s *shelf) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.asked++; s.asked == s.fail {
		return with(400, `{"error":"no"}`)()
	}
	q := r.URL.Query()
	limit, err := strconv.Atoi(q.Get("limit"))
	if err != nil || limit < 1 || limit > 100 {
		return with(400, `{"error":"limit"}`)()
	}
	low, high := 0, s.n // what is on the page is in [low, high)
	more := false
	if before := q.Get("ending_before"); before != "" {
		at, _ := strconv.Atoi(before)
		low = at + 1
		more, high = high-low > limit, min(high, low+limit)
	} else {
		if after := q.Get("starting_after"); after != "" {
			high, _ = strconv.Atoi(after)
		}
		more, low = high-limit > 0, max(0, high-limit)
	}
	l := api.List[api.Invoice]{Object: "list", Data: []api.Invoice{}, HasMore: more}
	for i := high - 1; i >= low; i-- {
		l.Data = append(l.Data, api.Invoice{ID: strconv.Itoa(i)})
	}
	b, _ := json.Marshal(l)
	return with(200, string(b))()
}

func TestLists(t *testing.T) {
	t.Parallel()
	down := func(from, to int) (ids []string) {
		for i := from; i >= to; i-- {
			ids = append(ids, strconv.Itoa(i))
		}
		return ids
	}
	up := func(from, to int) []string { ids := down(to, from); slices.Reverse(ids); return ids }
	for name, c := range map[string]struct {
		n     int
		at    client.Cursor
		want  []string
		asked int
	}{
		"nothing":            {0, client.Cursor{}, nil, 1},
		"one page":           {100, client.Cursor{}, down(99, 0), 1},
		"pages":              {250, client.Cursor{}, down(249, 0), 3},
		"a limit":            {250, client.Cursor{Limit: 7}, down(249, 243), 1},
		"a limit over pages": {250, client.Cursor{Limit: 120}, down(249, 130), 2},
		"older":              {250, client.Cursor{After: "120"}, down(119, 0), 2},
		"newer":              {250, client.Cursor{Before: "20"}, up(21, 249), 3},
		"newer, some":        {250, client.Cursor{Before: "20", Limit: 3}, up(21, 23), 1},
		"nothing newer":      {250, client.Cursor{Before: "249"}, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &shelf{n: c.n}
			pepay := client.New("http://pepay.test", "k")
			pepay.HTTP = &http.Client{Transport: s}
			seq := pepay.Invoices.List(t.Context(), client.InvoiceFilter{Cursor: c.at})
			for range 2 { // a sequence can be ranged over again
				var got []string
				s.asked = 0
				for v, err := range seq {
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, v.ID)
				}
				if !slices.Equal(got, c.want) || s.asked != c.asked {
					t.Errorf("%d requests: %v", s.asked, got)
				}
			}
		})
	}
	t.Run("left early", func(t *testing.T) {
		t.Parallel()
		s := &shelf{n: 250}
		pepay := client.New("http://pepay.test", "k")
		pepay.HTTP = &http.Client{Transport: s}
		for _, err := range pepay.Invoices.List(t.Context(), client.InvoiceFilter{}) {
			if err != nil {
				t.Error(err)
			}
			break
		}
		if s.asked != 1 {
			t.Errorf("%d requests", s.asked)
		}
	})
	t.Run("an error", func(t *testing.T) {
		t.Parallel()
		pepay := client.New("http://pepay.test", "k")
		pepay.HTTP = &http.Client{Transport: &shelf{n: 250, fail: 2}}
		got, failed := 0, 0
		for _, err := range pepay.Invoices.List(t.Context(), client.InvoiceFilter{}) {
			if err != nil {
				failed++
				continue
			}
			got++
		}
		if got != 100 || failed != 1 {
			t.Errorf("%d invoices and %d errors", got, failed)
		}
	})
}
