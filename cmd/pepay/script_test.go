package main

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"pepay": main}) }

// TestScripts runs testdata/*.txtar: each is a session at the command line.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("SECRET", strings.Repeat("5e", 32))
			e.Values[hookKey{}] = &received{raw: map[string]string{}}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"ready": ready, "since": since, "within": within, "samekeys": sameKeys, "captured": captured, "occupy": occupy, "changed": changed, "dials": dials, "barechain": bareChain,
			"hook": hook, "hooked": hooked, "networks": networks,
		},
	})
}

// patience bounds everything a script waits for.
const patience = 60 * time.Second

// waitFor polls until ok holds.
func waitFor(ts *testscript.TestScript, what string, ok func() bool) {
	for end := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			ts.Fatalf("%s: not after %s", what, patience)
		}
	}
}

// ready DIR waits until the deployment described by DIR/dev.json
// answers, and checks every field of the file.
func ready(ts *testscript.TestScript, _ bool, args []string) {
	var f map[string]any
	waitFor(ts, "a deployment in "+args[0], func() bool {
		b, err := os.ReadFile(ts.MkAbs(filepath.Join(args[0], "dev.json")))
		if err != nil || json.Unmarshal(b, &f) != nil {
			return false
		}
		url, _ := f["base_url"].(string)
		resp, err := http.Get(url + "/readyz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	chain := f["chains"].([]any)[0].(map[string]any)
	for name, ok := range map[string]bool{
		"base_url":             strings.HasPrefix(f["base_url"].(string), "http://127.0.0.1:") && !strings.HasSuffix(f["base_url"].(string), ":0"),
		"dashboard_url":        strings.HasPrefix(f["dashboard_url"].(string), f["base_url"].(string)),
		"merchant_id":          f["merchant_id"].(float64) >= 1 && f["merchant_id"] == float64(int64(f["merchant_id"].(float64))),
		"merchant_api_key":     strings.HasPrefix(f["merchant_api_key"].(string), "pk_test_"),
		"commerce_api_key":     strings.HasPrefix(f["commerce_api_key"].(string), "ck_"),
		"chains.network":       chain["network"] == "ethereum",
		"chains.rpc_url":       strings.HasPrefix(chain["rpc_url"].(string), "http://127.0.0.1:"),
		"chains.chain_id":      chain["chain_id"].(float64) > 0,
		"chains.payer_private": len(chain["payer_private_key"].(string)) == 66,
	} {
		if !ok {
			ts.Fatalf("dev.json: %s is not as it must be: %v", name, f)
		}
	}
}

// networks DIR N waits until the deployment has N networks, each proven beyond the block
// that it began at.
func networks(ts *testscript.TestScript, _ bool, args []string) {
	var dev map[string]any
	b, err := os.ReadFile(ts.MkAbs(filepath.Join(args[0], "dev.json")))
	ts.Check(err)
	ts.Check(json.Unmarshal(b, &dev))
	url, _ := dev["base_url"].(string)
	key, _ := dev["merchant_api_key"].(string)
	waitFor(ts, args[1]+" networks are proven", func() bool {
		r, err := http.NewRequest(http.MethodGet, url+"/api/v1/networks", nil)
		ts.Check(err)
		r.Header.Set("x-api-key", key)
		resp, err := http.DefaultClient.Do(r)
		ts.Check(err)
		var list api.List[api.Network]
		ts.Check(json.NewDecoder(resp.Body).Decode(&list))
		_ = resp.Body.Close()
		proven := 0
		for _, n := range list.Data {
			if n.ProvenHeight != nil && *n.ProvenHeight > *n.SinceHeight {
				proven++
			}
		}
		return strconv.Itoa(proven) == args[1] && len(list.Data) == proven
	})
}

// since VAR remembers the time, within VAR checks that an idle stop took no longer
// than it may.
func since(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], time.Now().Format(time.RFC3339Nano))
}

func within(ts *testscript.TestScript, _ bool, args []string) {
	start, err := time.Parse(time.RFC3339Nano, ts.Getenv(args[0]))
	ts.Check(err)
	if took := time.Since(start); took > 2*time.Second {
		ts.Fatalf("the stop took %s", took)
	}
}

// samekeys A B checks that two copies of dev.json have the same merchant and keys.
func sameKeys(ts *testscript.TestScript, _ bool, args []string) {
	var files [2]map[string]any
	for n, name := range args {
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(name)), &files[n]))
		for _, k := range []string{"base_url", "dashboard_url", "chains"} { // their ports may change
			delete(files[n], k)
		}
	}
	if !reflect.DeepEqual(files[0], files[1]) {
		ts.Fatalf("got %v, then %v", files[0], files[1])
	}
}

// captured VAR N sets a variable to the Nth word of the last line of the last output.
func captured(ts *testscript.TestScript, _ bool, args []string) {
	lines := strings.Split(strings.TrimSpace(ts.ReadFile("stdout")), "\n")
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Setenv(args[0], strings.Fields(lines[len(lines)-1])[n-1])
}

// occupy VAR listens at a port until the script ends.
func occupy(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { _ = l.Close() })
	ts.Setenv(args[0], l.Addr().String())
}

// changed DIR COPY waits until DIR/dev.json is another file than its copy.
func changed(ts *testscript.TestScript, _ bool, args []string) {
	was := ts.ReadFile(args[1])
	waitFor(ts, "a new dev.json in "+args[0], func() bool {
		b, err := os.ReadFile(ts.MkAbs(filepath.Join(args[0], "dev.json")))
		return err == nil && string(b) != was
	})
}

// dials ADDRESS waits until something listens there.
func dials(ts *testscript.TestScript, _ bool, args []string) {
	waitFor(ts, args[0], func() bool {
		c, err := net.Dial("tcp", args[0])
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}
