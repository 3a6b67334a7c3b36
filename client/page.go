package client

import (
	"context"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/pepay/pepay/api"
)

// pageSize is the most objects that a server gives at once.
const pageSize = 100

// Cursor says where a list begins, which way it goes and where it ends. Its zero
// value is everything, newest first.
type Cursor struct {
	After  string // the id of an object: begin with the next older one
	Before string // the id of an object: begin with the next newer one and go on to ever newer ones
	Limit  int    // end after so many objects; 0 for all
}

// list walks through the pages of a list. fetch gets one of them.
func list[T any](ctx context.Context, at Cursor, filter url.Values, id func(T) string, fetch func(context.Context, url.Values) (api.List[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		q, at, given := maps.Clone(filter), at, 0 // a sequence can be ranged over again
		for {
			size := pageSize
			if at.Limit > 0 {
				size = min(size, at.Limit-given)
			}
			q.Set("limit", strconv.Itoa(size))
			set(q, "starting_after", at.After)
			set(q, "ending_before", at.Before)
			page, err := fetch(ctx, q)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			if at.Before != "" {
				slices.Reverse(page.Data) // pages are newest first, whichever way one goes
			}
			for _, v := range page.Data {
				if !yield(v, nil) {
					return
				}
			}
			if given += len(page.Data); !page.HasMore || len(page.Data) == 0 || at.Limit > 0 && given >= at.Limit {
				return
			}
			if last := id(page.Data[len(page.Data)-1]); at.Before != "" {
				at.Before = last
			} else {
				at.After = last
			}
		}
	}
}

// Offset says where a list of commerce begins and ends. Its zero value is everything,
// newest first.
type Offset struct {
	Skip  int // leave out so many of the newest
	Limit int // end after so many objects; 0 for all
}

// offsets is list for pages that are found by counting. What is new while one walks
// moves the rest on: an object may come twice then.
func offsets[T any](ctx context.Context, at Offset, filter url.Values, fetch func(context.Context, url.Values) ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		q, given := maps.Clone(filter), 0
		for {
			size := pageSize
			if at.Limit > 0 {
				size = min(size, at.Limit-given)
			}
			q.Set("limit", strconv.Itoa(size))
			q.Set("offset", strconv.Itoa(at.Skip+given))
			page, err := fetch(ctx, q)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, v := range page {
				if !yield(v, nil) {
					return
				}
			}
			if given += len(page); len(page) < size || given == at.Limit {
				return
			}
		}
	}
}

// bare fetches pages of the lists that come without an envelope.
func bare[T any](c *Client, path string) func(context.Context, url.Values) (api.List[T], error) {
	return func(ctx context.Context, q url.Values) (api.List[T], error) {
		return call[api.List[T]](ctx, c, http.MethodGet, path, q, nil)
	}
}

// set gives a query a parameter, unless it is empty.
func set(q url.Values, name, value string) {
	if value != "" {
		q.Set(name, value)
	}
}
