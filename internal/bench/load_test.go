package bench_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/testkit"
)

const clients = 16

// engines measures f on each engine, with the address of an empty database.
func engines(b *testing.B, f func(b *testing.B, engine, url string)) {
	b.Run("sqlite", func(b *testing.B) { f(b, "sqlite", filepath.Join(b.TempDir(), "bench.db")) })
	b.Run("postgres", func(b *testing.B) { f(b, "postgres", testkit.Postgres(b)) })
}

// still leaves the chain alone, so that the benchmark can play the watcher, and
// leaves the deposits where they are, because there are none on the chain.
func still(o *app.Options) {
	o.Networks[0].Poll, o.Networks[0].Relayer = time.Hour, nil
}

// at runs f for 0 … n-1 on that many goroutines, and returns how long all took and
// how long each did.
func at(b *testing.B, goroutines, n int, f func(worker, i int) error) (time.Duration, durations) {
	b.Helper()
	took, next, g := make(durations, n), atomic.Int64{}, errgroup.Group{}
	start := time.Now()
	for worker := range goroutines {
		g.Go(func() error {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return nil
				}
				t := time.Now()
				if err := f(worker, i); err != nil {
					return err
				}
				took[i] = time.Since(t)
			}
		})
	}
	if err := g.Wait(); err != nil {
		b.Fatal(err)
	}
	return time.Since(start), took.sorted()
}

func perSecond(n int, d time.Duration) float64 { return float64(n) / d.Seconds() }

// client is one keep-alive connection that costs little: the machine is the server's.
type client struct {
	conn net.Conn
	r    *bufio.Reader
	host string
}

func dial(b *testing.B, address string) []*client {
	b.Helper()
	u, err := url.Parse(address)
	if err != nil {
		b.Fatal(err)
	}
	var cs []*client
	for range clients {
		c, err := net.Dial("tcp", u.Host)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = c.Close() })
		cs = append(cs, &client{c, bufio.NewReader(c), u.Host})
	}
	return cs
}

// post sends a request that must be answered with 200.
func (c *client) post(path, body string, h ...string) ([]byte, error) {
	var req bytes.Buffer
	fmt.Fprintf(&req, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", path, c.host, len(body))
	for i := 0; i < len(h); i += 2 {
		fmt.Fprintf(&req, "%s: %s\r\n", h[i], h[i+1])
	}
	req.WriteString("\r\n" + body)
	if _, err := c.conn.Write(req.Bytes()); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("POST %s: %s %s", path, resp.Status, answer)
	}
	return answer, err
}

func (c *client) invoice(a *testkit.App) error {
	_, err := c.post("/api/v1/invoices", `{"amount_usd": 25.50, "customer_id": "customer-7", "description": "Two bags of coffee"}`,
		"x-api-key", a.Key, "Idempotency-Key", testkit.UUID())
	return err
}

// openBare opens a database as the store does, but for one statement at a time.
func openBare(url string) (*sql.DB, error) {
	if strings.HasPrefix(url, "postgres") {
		db, err := sql.Open("pgx", url)
		if err == nil {
			db.SetMaxOpenConns(clients)
			db.SetMaxIdleConns(clients)
		}
		return db, err
	}
	db, err := sql.Open("sqlite", "file:"+url+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

// bare returns how many commits of one small row the engine makes in a second when
// as many clients ask for them, with the same driver and durability.
func bare(b *testing.B, engine string) float64 {
	b.Helper()
	url := filepath.Join(b.TempDir(), "bare.db")
	if engine == "postgres" {
		url = testkit.Postgres(b)
	}
	db, err := openBare(url)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // nothing is kept
	if _, err := db.Exec(`CREATE TABLE bare (id text PRIMARY KEY, at bigint NOT NULL)`); err != nil {
		b.Fatal(err)
	}
	insert, err := db.Prepare(`INSERT INTO bare (id, at) VALUES ($1, $2)`) //nolint:sqlclosecheck // it is, unless the benchmark ends anyway
	if err != nil {
		b.Fatal(err)
	}
	defer insert.Close() //nolint:errcheck // nothing is kept
	commit := func(_, i int) error { _, err := insert.Exec(testkit.UUID(), int64(i)); return err }
	at(b, clients, 200, commit)
	const n = 8_000
	d, _ := at(b, clients, n, commit)
	return perSecond(n, d)
}

// open makes n invoices, without HTTP, and returns their payors' sessions.
func open(b *testing.B, a *testkit.App, n int) []api.CreatedInvoice {
	b.Helper()
	ctx, made := context.Background(), make([]api.CreatedInvoice, n)
	caller, err := a.Billing.ByKey(ctx, a.Key)
	if err != nil {
		b.Fatal(err)
	}
	amount := api.Number("25.50")
	at(b, 4*clients, n, func(_, i int) error {
		answer, err := a.Billing.Open(ctx, caller, api.CreateInvoiceRequest{AmountUSD: &amount}, billing.Once{Key: testkit.UUID(), Hash: "h"})
		if err != nil {
			return err
		}
		return json.Unmarshal(answer, &made[i])
	})
	return made
}

// allocate gives each invoice an address and a quote in dollars.
func allocate(b *testing.B, a *testkit.App, made []api.CreatedInvoice) []billing.Allocation {
	b.Helper()
	ctx, all := context.Background(), make([]billing.Allocation, len(made))
	at(b, 4*clients, len(made), func(_, i int) error {
		s, err := a.Billing.BySession(ctx, made[i].SessionToken, made[i].Signature)
		if err == nil {
			all[i], err = a.Billing.Allocate(ctx, s, pay.Devchain.Name, testkit.Dollar)
		}
		return err
	})
	return all
}

// latest returns the id of the merchant's newest event.
func latest(b *testing.B, a *testkit.App) string {
	b.Helper()
	es := testkit.Events(b, a.Store, a.Merchant.ID)
	return es[len(es)-1].ID
}

// random returns hexadecimal digits of n random bytes, after 0x.
func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return fmt.Sprintf("0x%0*x", 2*n, new(big.Int).SetBytes(b))
}
