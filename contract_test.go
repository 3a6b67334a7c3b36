package pepay_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/pepay/pepay/api"
)

// A row of docs/contract.md: something the API promises and the tests that prove it,
// "`POST /api/v1/invoices` | `internal/server TestCreate`".
var (
	contractRow  = regexp.MustCompile("(?m)^\\| `([^`]+)`[^|]*\\|(.*)\\|$")
	contractTest = regexp.MustCompile("`([a-z/]+) ((?:Test|Fuzz|Example)[A-Za-z0-9_]*)`")
)

// docs/contract.md leaves nothing out that the API promises, and names only tests
// that there are.
func TestContractTable(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/contract.md")
	if err != nil {
		t.Fatal(err)
	}
	proven := map[string]bool{}
	tests := testNames(t)
	for _, row := range contractRow.FindAllStringSubmatch(string(text), -1) {
		named := contractTest.FindAllStringSubmatch(row[2], -1)
		if proven[row[1]] = len(named) > 0; !proven[row[1]] {
			t.Errorf("%s: no test is named", row[1])
		}
		for _, n := range named {
			if !slices.Contains(tests[n[1]], n[2]) {
				t.Errorf("%s: there is no %s in %s", row[1], n[2], n[1])
			}
		}
	}
	for _, want := range append(operations(t), codes(t)...) {
		if !proven[want] {
			t.Errorf("docs/contract.md has no row for %s", want)
		}
	}
}

// testNames returns the names of the tests of each package, by folder.
func testNames(t *testing.T) map[string][]string {
	t.Helper()
	names := map[string][]string{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil {
				dir := filepath.ToSlash(filepath.Dir(path))
				names[dir] = append(names[dir], fn.Name.Name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// operations returns "GET /path" for every operation of openapi.yaml.
func operations(t *testing.T) (all []string) {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(api.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			all = append(all, method+" "+path)
		}
	}
	slices.Sort(all)
	return all
}

// codes returns every error code.
func codes(t *testing.T) (all []string) {
	t.Helper()
	src, err := os.ReadFile("internal/pay/error.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`Code +Code? *= "([A-Z_]+)"|Code = "([A-Z_]+)"`).FindAllStringSubmatch(string(src), -1) {
		all = append(all, m[1]+m[2])
	}
	return all
}
