package bench_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestMain makes this binary also the process at the other end of the websockets.
func TestMain(m *testing.M) {
	if local := os.Getenv(readersEnv); local != "" {
		readSockets(local)
		return
	}
	os.Exit(m.Run())
}

// line is one line of the table: a figure, what it is compared with in the same run,
// and the goal for it or, with ofRatio, for their ratio.
type line struct {
	what    string
	engine  string
	figure  float64
	unit    string
	versus  string
	than    float64
	goal    string // such as "< 15" or "≥ 0.4", "" for none
	ofRatio bool
}

const columns = "%-47s %-8s %9s %-5s  %-36s %6s  %-8s %s\n"

var head = false

// print adds a line to the table, which goes to stderr: stdout is go test's.
func (l line) print() {
	if !head {
		head = true
		fmt.Fprintf(os.Stderr, "\n%s\n\n"+columns, machine(), "what", "engine", "figure", "unit", "compared with, in the same run", "ratio", "goal", "met")
		fmt.Fprintln(os.Stderr, strings.Repeat("-", 136))
	}
	judged, versus, ratio, goal, met := l.figure, "", "", l.goal, ""
	if l.than != 0 {
		versus = strings.TrimSpace(number(l.than) + " " + l.versus)
		ratio = strconv.FormatFloat(l.figure/l.than, 'f', 2, 64)
	}
	if l.ofRatio {
		judged, goal = l.figure/l.than, goal+"×"
	}
	if op, bound, ok := strings.Cut(l.goal, " "); ok {
		b, _ := strconv.ParseFloat(bound, 64)
		met = map[bool]string{true: "yes", false: "NO"}[map[string]bool{"<": judged < b, "≤": judged <= b, "≥": judged >= b}[op]]
	}
	fmt.Fprintf(os.Stderr, columns, l.what, l.engine, number(l.figure), l.unit, versus, ratio, goal, met)
}

// number shows at least three digits of f.
func number(f float64) string {
	switch {
	case f >= 100:
		s := strconv.FormatFloat(f, 'f', 0, 64)
		for n := len(s) - 3; n > 0; n -= 3 {
			s = s[:n] + "," + s[n:]
		}
		return s
	case f >= 10:
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return strconv.FormatFloat(f, 'f', 2, 64)
}

// machine says where the figures are from.
func machine() string {
	model, memory, server := "unknown processor", "", "no PostgreSQL"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		model = after(string(b), "model name\t:", model)
	}
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		if kb, err := strconv.Atoi(strings.TrimSuffix(after(string(b), "MemTotal:", ""), " kB")); err == nil {
			memory = fmt.Sprintf(", %d GB", kb>>20)
		}
	}
	if db, err := openBare(os.Getenv("TEST_POSTGRES")); err == nil {
		_ = db.QueryRow("SELECT 'PostgreSQL ' || current_setting('server_version') || ', fsync ' || current_setting('fsync') || ', synchronous_commit ' || current_setting('synchronous_commit')").Scan(&server)
		_ = db.Close()
	}
	load, _ := exec.Command("uptime").Output()
	return fmt.Sprintf("%d × %s%s · %s · SQLite WAL, synchronous FULL · %s/%s %s\nbefore:%s", runtime.NumCPU(), model, memory, server, runtime.GOOS, runtime.GOARCH, runtime.Version(), strings.TrimRight(string(load), "\n"))
}

// after returns the rest of the line that begins with a prefix.
func after(text, prefix, otherwise string) string {
	if _, rest, ok := strings.Cut(text, prefix); ok {
		rest, _, _ = strings.Cut(rest, "\n")
		return strings.TrimSpace(rest)
	}
	return otherwise
}

// durations are sorted.
type durations []time.Duration

func (d durations) sorted() durations { slices.Sort(d); return d }

// ms is a percentile in milliseconds.
func (d durations) ms(percent int) float64 {
	return float64(d[min(len(d)*percent/100, len(d)-1)]) / float64(time.Millisecond)
}
