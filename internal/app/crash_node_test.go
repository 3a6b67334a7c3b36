package app_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/money"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/rates"
	"github.com/pepay/pepay/internal/retail/catalog"
	"github.com/pepay/pepay/internal/testkit"
)

// crashNode tells a child process what to be: a node of a deployment that kills
// itself when it comes to a place for the given time.
type crashNode struct {
	Database, Relayer string
	RPC               string
	Shop              string // a file for what the provider is asked to place; "" for the catalog as it is
	Wallet            string // the key of a wallet, for a node that pays refunds and nothing else
	Other             string // the RPC of a second network, on which all happens that does; "" for none
	Accept, Key       string // an invoice, and who accepts what is paid to it and does not count
	Die               string // "<place>#<time>"; "" to live and print every place
}

const crashEnv = "PEPAY_TEST_CRASH_NODE"

func TestMain(m *testing.M) {
	if s := os.Getenv(crashEnv); s != "" {
		var n crashNode
		if err := json.Unmarshal([]byte(s), &n); err != nil {
			panic(err)
		}
		n.run()
	}
	// They wait more than they compute: for blocks, leases and expiries.
	_ = flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0)))
	os.Exit(m.Run())
}

// commitPlace begins the name of the place where a commit is begun.
const commitPlace = "store.(*Store).moment<store.(*Store).units"

// places counts how often the process came to each place where it may die.
type places struct {
	mu      sync.Mutex
	seen    map[string]int
	die     string
	commits int
}

func (p *places) at(place string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen[place]++
	here := fmt.Sprintf("%s#%d", place, p.seen[place])
	often := 1
	if strings.HasPrefix(place, commitPlace) {
		often = p.commits // each is a place of its own
	}
	if p.die == "" && p.seen[place] <= often {
		fmt.Println(here)
	}
	if p.die == here {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// now is the clock: every unit of work reads it when it begins, and again when its
// events are about to be written, so its callers are the places between commits.
func (p *places) now() time.Time {
	pcs := make([]uintptr, 24)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	var path []string
	for f, more := frames.Next(); more; f, more = frames.Next() {
		if _, name, ours := strings.Cut(f.Function, "pepay/internal/"); ours {
			path = append(path, name)
		}
	}
	p.at(strings.Join(path, "<"))
	return ahead()
}

// ahead is a clock that is a day ahead. The test's chain mines many blocks a second
// and stamps them a second apart; to this clock they are still not of the future.
func ahead() time.Time { return time.Now().Add(24 * time.Hour) }

var rpcMethod = regexp.MustCompile(`"method":"(\w+)"`)

// RoundTrip kills before a node hears of a request, or after it did and before we
// hear of that.
func (p *places) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	method := rpcMethod.FindSubmatch(body)
	name := "batch"
	if method != nil {
		name = string(method[1])
	}
	p.at("before " + name)
	resp, err := http.DefaultTransport.RoundTrip(r)
	p.at("after " + name)
	return resp, err
}

func (n crashNode) run() {
	p := &places{seen: map[string]int{}, die: n.Die, commits: 20}
	o := n.options()
	if n.Other != "" || n.Shop != "" {
		p.commits = 400
	}
	if n.Shop != "" {
		o.Providers[pay.Devnet] = &witness{Provider: catalog.New(), places: p, file: n.Shop}
	}
	if n.Wallet != "" {
		o.Networks = []app.NetworkOptions{testkit.BSC(n.RPC, privateKey(n.Wallet), 1000*100*money.Cent)}
	}
	o.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	o.Now, o.Networks[len(o.Networks)-1].HTTP = p.now, p
	a, err := app.Start(context.Background(), o)
	if err != nil {
		fmt.Println("error: " + err.Error())
		os.Exit(1)
	}
	fmt.Println(a.URL)
	if n.Accept != "" {
		go acceptAll(a.URL, n.Accept, n.Key)
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent lets go
	os.Exit(0)
}

func nodeOptions(database, rpc, relayer string) app.Options {
	testkit.Schema(database)
	o := testkit.OptionsAt(database, rpc)
	o.Networks[0].Relayer, o.Lease, o.Now = privateKey(relayer), 2*time.Second, ahead
	o.Sources[0].(*rates.Static).Now = ahead
	return o
}

func privateKey(digits string) *ecdsa.PrivateKey {
	key, err := crypto.HexToECDSA(digits)
	if err != nil {
		panic(err)
	}
	return key
}

// start runs the node as a child process and returns what it prints, line by line.
func (n crashNode) start(t *testing.T, die string) (*exec.Cmd, io.Closer, *bufio.Scanner) {
	n.Die = die
	config, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.Background(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), crashEnv+"="+string(config))
	log := &bytes.Buffer{}
	cmd.Stderr = log
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(log.String())
		}
	})
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, in, bufio.NewScanner(out)
}

// dieAt runs a node until it kills itself at a place.
func (n crashNode) dieAt(t *testing.T, place string) {
	cmd, in, lines := n.start(t, place)
	died := make(chan struct{})
	go func() {
		for lines.Scan() {
		}
		close(died)
	}()
	select {
	case <-died:
	case <-time.After(5 * time.Second): // a place it came to only by the chance of timing
		t.Log("it did not come there this time")
	}
	_ = in.Close()
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}
