package app_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/big"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/simnet"
	"github.com/pepay/pepay/internal/testkit"
)

// hour is a long run on all networks while nodes fail and the process is killed.
type hour struct {
	*testing.T
	dice     *rand.Rand
	networks []*simnet.Network
	node     hourNode
	cmd      *exec.Cmd
	in       io.Closer
	url, key string
	invoices []*hourInvoice
	later    []hourLater
	starts   int
	dropped  int
	log      *os.File // of the processes, nil for none
	patience time.Duration
	long     bool
}

type hourInvoice struct {
	id      string
	network *simnet.Network
	token   pay.Token
	address string
	sent    []*big.Int // what the chain kept
}

type hourLater struct {
	at time.Time
	do func()
}

// In an hour, or in less than a minute unless PEPAY_TEST_HOUR says how long, payors pay on
// all ten networks, exactly and otherwise, while every node of every network fails again and
// again and the process is killed. In the end what was credited is what the chains hold, on
// each network: nothing twice, nothing missed; and after an hour all of it is with the merchant.
func TestHour(t *testing.T) {
	t.Parallel()
	length, count, patience := 20*time.Second, 40, 3*time.Minute
	if s := os.Getenv("PEPAY_TEST_HOUR"); s != "" {
		var err error
		if length, err = time.ParseDuration(s); err != nil {
			t.Fatal(err)
		}
		count, patience = 1000, 25*time.Minute
	}
	seed := uint64(time.Now().UnixNano())
	h := &hour{T: t, dice: rand.New(rand.NewPCG(seed, 1)), node: hourNode{Database: filepath.Join(t.TempDir(), "hour.db")}, patience: patience, long: count == 1000}
	var warnings *slog.Logger
	if path := os.Getenv("PEPAY_TEST_HOUR_LOG"); path != "" {
		var err error
		if h.log, err = os.Create(path); err != nil {
			t.Fatal(err)
		}
		warnings = slog.New(slog.NewTextHandler(h.log, nil))
	}
	t.Logf("seed %d", seed)
	before := map[int64]*big.Int{}
	for _, name := range pay.Networks {
		n := testkit.StartNetwork(t, name, simnet.Options{Seed: seed, Fault: 20, Log: warnings})
		h.networks = append(h.networks, n)
		h.node.Networks = append(h.node.Networks, hourNetwork{Network: n.Network, Tokens: n.Tokens, RPC: n.RPC, Poll: n.Poll, Payout: n.Payout})
		for _, token := range n.Tokens {
			before[token.ID] = h.holds(n, n.Payout, token)
		}
	}
	testkit.FundFees(t, h.networks...)
	h.start()
	t.Cleanup(func() { h.stop(syscall.SIGKILL) })
	begun, restart := time.Now(), length/12
	for time.Since(begun) < length {
		if due := int(int64(count) * int64(time.Since(begun)) / int64(length)); len(h.invoices) <= due && len(h.invoices) < count {
			h.sell()
		}
		h.late()
		if time.Since(begun) > restart {
			h.stop([]syscall.Signal{syscall.SIGKILL, syscall.SIGKILL, syscall.SIGTERM}[h.dice.IntN(3)])
			h.start()
			restart += length/12 + time.Duration(h.dice.Int64N(int64(length/24)))
		}
		<-time.After(20 * time.Millisecond)
	}
	for len(h.invoices) < count {
		h.sell()
	}
	for len(h.later) > 0 {
		h.late()
		<-time.After(20 * time.Millisecond)
	}
	for _, n := range h.networks {
		n.Fault.SetShare(0)
	}
	h.settled()
	h.sums(before)
}

func (h *hour) holds(n *simnet.Network, address string, t pay.Token) *big.Int {
	v, err := n.Holds(h.Context(), address, t)
	if err != nil {
		h.Fatal(err)
	}
	return v
}

// start starts the process, again and again until its nodes let it.
func (h *hour) start() {
	b, err := json.Marshal(h.node)
	if err != nil {
		h.Fatal(err)
	}
	for range 100 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestHourNode$")
		cmd.Env = append(os.Environ(), hourEnv+"="+string(b))
		if h.log != nil {
			cmd.Stderr = h.log
		}
		in, err := cmd.StdinPipe()
		if err != nil {
			h.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			h.Fatal(err)
		}
		h.starts++
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if url, key, ok := strings.Cut(lines.Text(), " "); ok && strings.HasPrefix(url, "http") {
				h.cmd, h.in, h.url, h.key = cmd, in, url, key
				go func() {
					for lines.Scan() {
					}
				}()
				return
			}
		}
		_ = cmd.Wait()
	}
	h.Fatal("it does not start")
}

func (h *hour) stop(s syscall.Signal) {
	if s == syscall.SIGTERM {
		_ = h.in.Close() // as an order to stop is carried out
	} else {
		_ = h.cmd.Process.Signal(s)
	}
	_ = h.cmd.Wait()
}

// ask sends a request until it is answered with 200, to whichever process there is; or with
// 410, which is false.
func (h *hour) ask(method, path, body string, headers testkit.Headers, into any) (ok bool) {
	var last string
	for range 600 {
		r, err := http.NewRequestWithContext(h.Context(), method, h.url+path, strings.NewReader(body))
		if err != nil {
			h.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i+1 < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		res, err := http.DefaultClient.Do(r)
		if err == nil {
			b, _ := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				if err := json.Unmarshal(b, into); err != nil {
					h.Fatal(err)
				}
				return true
			}
			if res.StatusCode == http.StatusGone {
				return false
			}
			last = fmt.Sprint(res.StatusCode, " ", string(b))
		} else {
			last = err.Error()
		}
		<-time.After(50 * time.Millisecond)
	}
	h.Fatalf("%s %s: %s", method, path, last)
	return false
}

// sell opens an invoice and has its payor pay in one of many ways.
func (h *hour) sell() {
	n := h.networks[len(h.invoices)%len(h.networks)]
	i := &hourInvoice{network: n, token: n.Tokens[h.dice.IntN(2)]}
	way := h.dice.IntN(20)
	life := 600_000
	if way == 0 {
		life = 1500
	}
	var made api.CreatedInvoice
	h.ask("POST", "/api/v1/invoices", fmt.Sprintf(`{"amount_usd":%d,"expires_in":%d}`, 5+h.dice.IntN(40), life), testkit.Headers{"x-api-key", h.key, "Idempotency-Key", testkit.UUID()}, &made)
	payor := testkit.Headers{"x-session-token", made.SessionToken, "x-signature", made.Signature}
	var a api.PaymentAddress
	if !h.ask("POST", "/api/v1/payments/payment-addresses", fmt.Sprintf(`{"network":%q,"tokenId":%d}`, n.Name, i.token.ID), payor, &a) {
		return // the invoice that was to be paid late expired while the process was down
	}
	units, ok := new(big.Int).SetString(strings.ReplaceAll(a.EstimatedTokenAmount, ".", ""), 10)
	if !ok {
		h.Fatal(a)
	}
	i.id, i.address, h.invoices = made.InvoiceID, a.TempAddress, append(h.invoices, i)
	part := func(of, out int64) *big.Int {
		return new(big.Int).Quo(new(big.Int).Mul(units, big.NewInt(of)), big.NewInt(out))
	}
	switch {
	case way == 0: // late
		h.after(3*time.Second, func() { h.pay(i, units) })
	case way == 1: // never
	case way <= 4: // in two parts
		h.pay(i, part(1, 3))
		h.after(time.Duration(h.dice.IntN(4000))*time.Millisecond, func() { h.pay(i, part(2, 3)) })
	case way == 5: // two at once
		h.pay(i, part(1, 2))
		h.pay(i, part(1, 2))
	case way == 6: // too little
		h.pay(i, part(1, 4))
	case way <= 8: // too much
		h.pay(i, part(5, 4))
	case way == 9 && n.Name.Family() == pay.EVM: // what the chain takes back
		tx := h.pay(i, units)
		h.after(1100*time.Millisecond, func() {
			if n.Drop(h.Context(), tx) == nil {
				i.sent, h.dropped = i.sent[:len(i.sent)-1], h.dropped+1
			}
		})
	default:
		h.pay(i, units)
	}
}

func (h *hour) pay(i *hourInvoice, units *big.Int) string {
	tx, err := i.network.Pay(h.Context(), i.address, i.token, money.NewUnits(units))
	if err != nil {
		h.Fatalf("pay on %s: %v", i.network.Name, err)
	}
	i.sent = append(i.sent, units)
	return tx
}

func (h *hour) after(d time.Duration, do func()) {
	h.later = append(h.later, hourLater{time.Now().Add(d), do})
}

func (h *hour) late() {
	for n := 0; n < len(h.later); n++ {
		if l := h.later[n]; time.Now().After(l.at) {
			h.later = slices.Delete(h.later, n, n+1)
			l.do()
			n--
		}
	}
}

// credited returns what an invoice was credited, without what the chain took back.
func (h *hour) credited(i *hourInvoice) (units []string, settled bool) {
	var v api.Invoice
	h.ask("GET", "/api/v1/invoices/"+i.id+"?expand=payments&payments_limit=100", "", testkit.Headers{"x-api-key", h.key}, &v)
	settled = true
	for _, p := range v.Payments.Data {
		if reason(&p) == pay.ReasonReorged {
			continue
		}
		n, _ := new(big.Int).SetString(strings.ReplaceAll(p.TokenAmount, ".", ""), 10)
		units, settled = append(units, n.String()), settled && p.SettlementStatus == "settled"
	}
	slices.Sort(units)
	return units, settled
}

// settled waits until each invoice was credited what was sent for it, and nothing else;
// and in a long run until that is settled, for which what failed rests ten minutes.
func (h *hour) settled() {
	patience := time.Now().Add(h.patience)
	for _, i := range h.invoices {
		want := []string{}
		for _, u := range i.sent {
			want = append(want, u.String())
		}
		slices.Sort(want)
		for {
			got, settled := h.credited(i)
			if slices.Equal(got, want) && (settled || !h.long) {
				break
			}
			if time.Now().After(patience) {
				h.Errorf("invoice %s on %s in %s: credited %v, sent %v, settled %v", i.id, i.network.Name, i.token.Symbol, got, want, settled)
				break
			}
			<-time.After(200 * time.Millisecond)
		}
	}
}

// held is what the chain says that deposit addresses were given in a token: what they hold,
// and what the merchant got since.
func (h *hour) held(n *simnet.Network, t pay.Token, before *big.Int) *big.Int {
	held := new(big.Int).Sub(h.holds(n, n.Payout, t), before)
	for _, i := range h.invoices {
		if i.network == n {
			held.Add(held, h.holds(n, i.address, t))
		}
	}
	return held
}

// sums compares, on each network and for each token, what was credited with what the chain
// says that deposit addresses were given: what they hold, and what the merchant got.
func (h *hour) sums(before map[int64]*big.Int) {
	for _, n := range h.networks {
		for _, t := range n.Tokens {
			credited, count := new(big.Int), 0
			for _, i := range h.invoices {
				if i.network != n || i.token.ID != t.ID {
					continue
				}
				units, _ := h.credited(i)
				for _, u := range units {
					one, _ := new(big.Int).SetString(u, 10)
					credited.Add(credited, one)
					count++
				}
			}
			held := h.held(n, t, before[t.ID])
			for range 100 { // a settlement between two looks is seen in neither place
				if held.Cmp(credited) >= 0 {
					break
				}
				<-time.After(100 * time.Millisecond)
				held = h.held(n, t, before[t.ID])
			}
			spare := new(big.Int).Sub(held, credited)
			exact := spare.Sign() == 0
			if t.Type == pay.Native && n.Name == "cardano" { // what must lie beside a token comes along
				exact = spare.Sign() >= 0
			}
			if t.Type == pay.Native && n.Name == "ton" { // rent is paid out of deposits, and what is left of fees comes along
				exact = spare.Cmp(big.NewInt(-1_000_000)) >= 0
			}
			h.Logf("%-9s %-5s %3d payments, credited %s, on chain %s", n.Name, t.Symbol, count, credited, held)
			if !exact {
				h.Errorf("%s on %s: credited %s, the chain has %s", t.Symbol, n.Name, credited, held)
			}
		}
		faults := 0
		for _, c := range maps.All(n.Fault.Counts()) {
			faults += c
		}
		h.Logf("%-9s %d answers of its node failed", n.Name, faults)
	}
	h.Logf("%d invoices, %d starts, %d payments taken back by forks", len(h.invoices), h.starts, h.dropped)
}
