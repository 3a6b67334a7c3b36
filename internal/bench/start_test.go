package bench_test

import (
	"bytes"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pepay/pepay/internal/testkit"
)

func BenchmarkStart(b *testing.B) {
	pepay := os.Getenv("BENCH_PEPAY")
	if pepay == "" {
		b.Skip("BENCH_PEPAY names no built program; make bench builds one")
	}
	b.Run("dev", func(b *testing.B) {
		listen, dir := free(b), b.TempDir()
		for _, what := range []string{"pepay dev, started for the first time, until ready", "pepay dev, started again, until ready"} {
			_, took, stop := run(b, listen, nil, pepay, "dev", "--listen", listen, "--data-dir", dir)
			stop()
			line{what: what, engine: "sqlite", figure: took.Seconds(), unit: "s"}.print()
		}
	})
	rpc := free(b)
	chain := exec.Command(pepay, "devchain", "--listen", rpc)
	if err := chain.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { end(chain) })
	testkit.Eventually(b, "the chain runs", func() bool { return up("http://"+rpc) != 0 })
	engines(b, func(b *testing.B, engine, database string) {
		listen := free(b)
		env := []string{
			"PEPAY_LISTEN=" + listen, "PEPAY_PUBLIC_URL=http://" + listen, "PEPAY_DATABASE=" + database, "PEPAY_SECRET=" + strings.Repeat("5e", 32),
			"PEPAY_NETWORKS_ETHEREUM_RPC=" + mainnet(b, rpc), "HTTPS_PROXY=http://127.0.0.1:1", // no price source is asked: nothing leaves this machine
		}
		_, _, stop := run(b, listen, env, pepay, "serve")
		stop() // now the database exists
		p, took, stop := run(b, listen, env, pepay, "serve")
		defer stop()
		line{what: "pepay serve, until ready", engine: engine, figure: took.Seconds(), unit: "s"}.print()
		time.Sleep(5 * time.Second)
		line{what: "pepay serve, idle, resident memory", engine: engine, figure: resident(b, strconv.Itoa(p)) / 1024, unit: "MB", goal: "< 80"}.print()
	})
}

// run starts the program and returns when it says that it is ready.
func run(b *testing.B, listen string, env []string, name string, args ...string) (pid int, took time.Duration, stop func()) {
	b.Helper()
	cmd, said := exec.Command(name, args...), &bytes.Buffer{}
	cmd.Env, cmd.Stderr = append(os.Environ(), env...), said
	start := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	stop = func() { end(cmd) }
	b.Cleanup(stop)
	for up("http://"+listen+"/readyz") != http.StatusOK {
		if time.Since(start) > 30*time.Second {
			stop()
			b.Fatalf("%s %v is not ready: %s", name, args, said)
		}
		time.Sleep(2 * time.Millisecond)
	}
	return cmd.Process.Pid, time.Since(start), stop
}

func end(cmd *exec.Cmd) {
	_ = cmd.Process.Signal(syscall.SIGTERM)
	_ = cmd.Wait()
}

// up returns the status of an answer, 0 for none.
func up(url string) int {
	resp, err := http.Get(url) //nolint:gosec // ours
	if err != nil {
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// free returns an address that nobody listens on.
func free(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // it was never used
	return l.Addr().String()
}

// mainnet passes the development chain off as Ethereum: serve refuses any other.
func mainnet(b *testing.B, rpc string) string {
	b.Helper()
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: rpc})
		r.Out.Header.Set("Accept-Encoding", "identity")
	}}
	proxy.ErrorLog = log.New(io.Discard, "", 0)
	proxy.ModifyResponse = func(r *http.Response) error {
		body, err := io.ReadAll(r.Body)
		body = bytes.ReplaceAll(body, []byte(`"result":"0x539"`), []byte(`"result":"0x1"`))
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		r.Header.Set("Content-Length", strconv.Itoa(len(body)))
		return err
	}
	s := httptest.NewServer(proxy)
	b.Cleanup(s.Close)
	return s.URL
}
