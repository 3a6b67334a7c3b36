package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestExamples runs what examples/ holds against a development deployment, as its
// reader would.
func TestExamples(t *testing.T) {
	t.Parallel()
	for _, need := range []string{"bash", "curl", "python3"} {
		if _, err := exec.LookPath(need); err != nil {
			t.Skipf("the examples need %s: %v", need, err)
		}
	}
	dir := t.TempDir()
	startPepay(t, dir)
	file := filepath.Join(dir, ".pepay", "dev.json")
	example := func(env string, args ...string) *exec.Cmd {
		c := exec.Command(args[0], args[1:]...)
		c.Dir, c.Env = "../../examples", append(os.Environ(), "DEV_JSON="+file, env)
		return c
	}
	// pay returns what pay.sh says, by the first word of its lines.
	pay := func(amount string) map[string][]string {
		t.Helper()
		out, err := example("", "bash", "pay.sh", amount).CombinedOutput()
		if err != nil {
			t.Fatalf("pay.sh: %v\n%s", err, out)
		}
		said := map[string][]string{}
		for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
			word, rest, _ := strings.Cut(line, " ")
			said[word] = append(said[word], strings.TrimSpace(rest))
		}
		return said
	}

	first := pay("25.50")
	if !slices.Equal(first["status"], []string{"paid"}) || first["amount"][0] != "25.5 dollars" {
		t.Fatalf("pay.sh says %v", first)
	}
	events := first["event"]
	if n := len(events); n < 4 || !strings.HasSuffix(events[0], "invoice.created unpaid") || !slices.ContainsFunc(events, func(e string) bool { return strings.HasSuffix(e, "invoice.updated paid") }) {
		t.Fatalf("pay.sh lists %v", events)
	}
	begin, _, _ := strings.Cut(events[0], " ")

	merchant := follow(t, example("", "python3", "follow.py", "merchant", begin))
	for _, e := range events[1:] { // what was missed
		merchant.next(e)
	}
	second := pay("3")["event"]
	for _, e := range second[:2] { // and what happens, after what may still come of the first
		merchant.until(e)
	}

	payor := follow(t, example("", "python3", "follow.py", "payor", first["stream"][0], begin))
	if e := payor.line(); !strings.Contains(e, "payment_quote.updated") {
		t.Errorf("the payor is told %s first", e)
	}
	payor.until(events[len(events)-1])
}

// following is what follow.py prints.
type following struct {
	t   *testing.T
	out chan string
}

func follow(t *testing.T, c *exec.Cmd) following {
	t.Helper()
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := c.StdinPipe() // it ends with its input
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _, _ = io.Copy(io.Discard, out); _ = c.Wait() })
	f := following{t, make(chan string, 1000)}
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			f.out <- s.Text()
		}
	}()
	return f
}

func (f following) line() string {
	f.t.Helper()
	select {
	case s := <-f.out:
		return s
	case <-time.After(patience):
		f.t.Fatal("follow.py says nothing more")
		return ""
	}
}

func (f following) next(want string) {
	f.t.Helper()
	if got := f.line(); got != want {
		f.t.Errorf("follow.py says %s, want %s", got, want)
	}
}

func (f following) until(want string) {
	f.t.Helper()
	for f.line() != want {
	}
}

func waitUntil(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not after %s", what, patience)
		}
	}
}
