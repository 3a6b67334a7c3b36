package cardano

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/pepay/pepay/internal/chain/node"
	"github.com/pepay/pepay/internal/pay"
)

// pageSize is how much of a list the API gives at once.
const pageSize = 100

// endpoint is one node that speaks the API.
type endpoint struct {
	*node.State
	node.Endpoint
	magic uint64
}

// dial takes the address of the API, with the key for it where others have the user's name:
// https://KEY@host/api/v0.
func dial(address, name string, magic uint64, client *http.Client) (*endpoint, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("%s: the address is not usable", name)
	}
	header := http.Header{}
	if key := u.User.Username(); key != "" {
		header["project_id"] = []string{key}
	}
	u.User = nil
	return &endpoint{&node.State{Name: name}, node.Endpoint{URL: strings.TrimRight(u.String(), "/"), Header: header, Client: client}, magic}, nil
}

// get reads an answer; found is false when the node does not know what is asked for.
func (n *endpoint) get(ctx context.Context, path string, into any) (found bool, err error) {
	if err := n.Check(ctx, n.ofNetwork); err != nil {
		return false, err
	}
	return n.read(ctx, path, into)
}

func (n *endpoint) read(ctx context.Context, path string, into any) (found bool, err error) {
	raw, err := n.Do(ctx, http.MethodGet, path, "", nil)
	if s, ok := errors.AsType[node.Status](err); ok && s.Code == http.StatusNotFound {
		return false, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		return false, fmt.Errorf("%s: %s: %w", n.Name, path, err)
	}
	return true, nil
}

// ofNetwork makes sure that the node is of our network.
func (n *endpoint) ofNetwork(ctx context.Context) error {
	var genesis struct {
		Magic uint64 `json:"network_magic"`
	}
	found, err := n.read(ctx, "/genesis", &genesis)
	switch {
	case err != nil:
		return err
	case !found:
		return fmt.Errorf("%s does not answer as the API does: is its path right?", n.Name)
	case genesis.Magic != n.magic:
		return fmt.Errorf("%s is a node of the network %d, want %d: it is not used", n.Name, genesis.Magic, n.magic)
	}
	return nil
}

// pages reads a list to its end, or to the limit.
func pages[T any](ctx context.Context, n *endpoint, path string, limit int) (all []T, err error) {
	err = walk(ctx, n, path, limit, func(v T) (bool, error) {
		all = append(all, v)
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// walk reads a list until it ends, or is at the limit, or whoever takes it wants no more.
func walk[T any](ctx context.Context, n *endpoint, path string, limit int, take func(T) (more bool, err error)) error {
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	for page := 1; (page-1)*pageSize < limit; page++ {
		var part []T
		found, err := n.get(ctx, fmt.Sprintf("%s%scount=%d&page=%d", path, sep, pageSize, page), &part)
		if err != nil {
			return err
		}
		if len(part) > pageSize {
			return fmt.Errorf("%s: %s: a page of %d", n.Name, path, len(part))
		}
		for _, v := range part {
			if more, err := take(v); err != nil || !more {
				return err
			}
		}
		if !found || len(part) < pageSize {
			break
		}
	}
	return nil
}

var hashText = regexp.MustCompile(`^[0-9a-f]{64}$`)

// header is what the API says of a block.
type header struct {
	Height   *uint64 `json:"height"`
	Hash     string  `json:"hash"`
	Slot     *uint64 `json:"slot"`
	Time     int64   `json:"time"`
	Txs      int     `json:"tx_count"`
	Previous string  `json:"previous_block"`
}

func (h header) check() error {
	if h.Height == nil || h.Slot == nil || !hashText.MatchString(h.Hash) || *h.Height > 1<<40 || *h.Slot > 1<<40 || h.Time < 0 || h.Time > 1<<40 || h.Txs < 0 || h.Txs > maxTxs {
		return fmt.Errorf("a block %.80q is not whole, or out of range", h.Hash)
	}
	return nil
}

func (h header) position() pay.Block {
	return pay.Block{Height: *h.Height, Hash: h.Hash, Time: time.Unix(h.Time, 0).UTC()}
}

// header asks for a block by its height, its hash or "latest".
func (n *endpoint) header(ctx context.Context, at string) (h header, found bool, err error) {
	found, err = n.get(ctx, "/blocks/"+at, &h)
	if err == nil && found {
		if err = h.check(); err != nil {
			err = fmt.Errorf("%s: %w", n.Name, err)
		} else if at != "latest" && at != h.Hash && at != fmt.Sprint(*h.Height) {
			err = fmt.Errorf("%s answers with block %d for %s", n.Name, *h.Height, at)
		}
	}
	return h, found && err == nil, err
}
