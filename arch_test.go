// Package pepay_test holds the rules of the whole tree that a compiler does not
// check: who may import whom, and how much a person must read at a time.
package pepay_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/pepay/pepay/"

// floors lists the packages from the ground up. A package may import only floors
// below its own, or what beside allows.
var floors = []string{
	"api internal/money internal/meter internal/trace contracts",
	"internal/pay client",
	"internal/view internal/auth internal/seed internal/rates internal/bus internal/chain internal/retail",
	"internal/store internal/chain/node internal/chain/fake internal/chain/chaintest internal/retail/catalog internal/retail/zinc",
	"internal/chain/evm internal/chain/solana internal/chain/ton internal/chain/sui internal/chain/cardano internal/devchain internal/devchain/fault",
	"internal/devchain/avalanche internal/devchain/solana internal/devchain/ton internal/devchain/sui internal/devchain/cardano",
	"internal/billing internal/jobs internal/settle internal/commerce",
	"internal/settle/solana internal/settle/ton internal/settle/sui internal/settle/cardano internal/settle/settletest",
	"internal/notify",
	"internal/server/web",
	"internal/server",
	"internal/app",
	"internal/simnet",
	"cmd/pepay examples/shop",
	"internal/testkit",
	"internal/bench",
}

// beside lists what a package may import of its own floor.
var beside = map[string]string{"internal/settle": "internal/billing", "internal/commerce": "internal/billing"}

// never lists what the floors would allow and the design does not: rows are not
// what goes over the wire.
var never = map[string]string{"internal/store": "api internal/view"}

// testOnly packages are imported by tests and by each other, never by the program.
var testOnly = strings.Fields("internal/chain/fake internal/chain/chaintest internal/settle/settletest internal/testkit")

// reserved imports belong to few packages; tests, and packages only tests import,
// may use them too.
var reserved = map[string]string{
	"database/sql":                         "internal/store",
	module + "internal/devchain":           "cmd/pepay internal/app internal/simnet",
	module + "internal/devchain/avalanche": "cmd/pepay internal/app internal/simnet",
	module + "internal/devchain/solana":    "cmd/pepay internal/app internal/simnet",
	module + "internal/devchain/ton":       "cmd/pepay internal/app internal/simnet",
	module + "internal/devchain/sui":       "cmd/pepay internal/app internal/simnet",
	module + "internal/devchain/cardano":   "cmd/pepay internal/app internal/simnet",
}

// source is one Go file and the package it is in: its folder.
type source struct {
	path, pkg string
	test      bool
	*ast.File
}

func (s source) imports() (paths []string) {
	for _, i := range s.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		paths = append(paths, p)
	}
	return paths
}

// walk calls f with every file of the tree that is ours.
func walk(t *testing.T, f func(path string)) {
	t.Helper()
	if err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if hidden := strings.HasPrefix(d.Name(), ".") && p != "."; d.IsDir() && (hidden || d.Name() == "node_modules" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if err == nil && d.Type().IsRegular() {
			f(filepath.ToSlash(p))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func sources(t *testing.T, set *token.FileSet) (all []source) {
	t.Helper()
	walk(t, func(p string) {
		if path.Ext(p) != ".go" {
			return
		}
		file, err := parser.ParseFile(set, p, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, source{p, path.Dir(p), strings.HasSuffix(p, "_test.go"), file})
	})
	return all
}

func TestFloors(t *testing.T) {
	t.Parallel()
	level := map[string]int{}
	for i, f := range floors {
		for _, p := range strings.Fields(f) {
			level[p] = i
		}
	}
	unlisted := map[string]bool{}
	for _, s := range sources(t, token.NewFileSet()) {
		if s.test {
			continue
		}
		floor, ok := level[s.pkg]
		if !ok {
			unlisted[s.pkg] = true
			continue
		}
		for _, to := range s.imports() {
			if owners, ok := reserved[to]; ok && !slices.Contains(append(strings.Fields(owners), testOnly...), s.pkg) {
				t.Errorf("%s must not import %s: that is for %s", s.path, to, owners)
			}
			to, ours := strings.CutPrefix(to, module)
			if !ours {
				continue
			}
			if n, ok := level[to]; ok && n >= floor && beside[s.pkg] != to {
				t.Errorf("%s (floor %d) must not import %s (floor %d)", s.path, floor, to, n)
			}
			if slices.Contains(strings.Fields(never[s.pkg]), to) {
				t.Errorf("%s must not import %s", s.path, to)
			}
			if slices.Contains(testOnly, to) && !slices.Contains(testOnly, s.pkg) {
				t.Errorf("%s must not import %s: that is for tests", s.path, to)
			}
			if (s.pkg == "client" || s.pkg == "examples/shop") && strings.HasPrefix(to, "internal/") {
				t.Errorf("%s must not import %s: whoever uses the client cannot", s.path, to)
			}
		}
	}
	for _, p := range slices.Sorted(maps.Keys(unlisted)) {
		t.Errorf("%s stands on no floor: add it to floors", p)
	}
}

// impure are the packages, and the families of packages, that rules about money
// have no use for: they would let in the world, chance or floating point.
var impure = strings.Fields("bufio crypto database encoding io log math/rand math/rand/v2 net os runtime syscall testing text unsafe")

func TestDomainIsPure(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t, token.NewFileSet()) {
		if s.test || s.pkg != "internal/pay" && s.pkg != "internal/money" {
			continue
		}
		for _, to := range s.imports() {
			family, _, _ := strings.Cut(to, "/")
			foreign := strings.Contains(family, ".") && to != module+"internal/money"
			if foreign || slices.Contains(impure, family) || slices.Contains(impure, to) {
				t.Errorf("%s must not import %s", s.path, to)
			}
		}
	}
}

// Longer ones are hard to keep in mind.
const (
	maxFileLines    = 400
	maxHandlerLines = 15
)

func TestFilesAreShort(t *testing.T) {
	t.Parallel()
	walk(t, func(p string) {
		if !slices.Contains([]string{".go", ".css", ".js", ".mjs", ".sol"}, path.Ext(p)) {
			return
		}
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(b, []byte("\n")); n > maxFileLines {
			t.Errorf("%s has %d lines, more than %d: what two nouns are in it?", p, n, maxFileLines)
		}
	})
}

// A handler is a method of *Server that returns (any, error).
func TestHandlersAreThin(t *testing.T) {
	t.Parallel()
	set := token.NewFileSet()
	handlers := 0
	for _, s := range sources(t, set) {
		if s.test || s.pkg != "internal/server" {
			continue
		}
		for _, d := range s.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil || f.Type.Results == nil || len(f.Type.Results.List) != 2 {
				continue
			}
			if r, ok := f.Type.Results.List[0].Type.(*ast.Ident); !ok || r.Name != "any" {
				continue
			}
			handlers++
			if n := set.Position(f.Body.Rbrace).Line - set.Position(f.Body.Lbrace).Line - 1; n > maxHandlerLines {
				t.Errorf("%s: handler %s has %d lines, more than %d: decode, call one use case, render", s.path, f.Name.Name, n, maxHandlerLines)
			}
		}
	}
	if handlers == 0 {
		t.Error("no handlers found: has their form changed?")
	}
}
