package contracts_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestSourceGivesBytecode compiles the sources and compares with what is committed.
func TestSourceGivesBytecode(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the contracts cannot be compiled here: %v", err)
		}
	}
	if _, err := os.Stat("node_modules/solc/soljson.js"); err != nil {
		if out, err := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund").CombinedOutput(); err != nil {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
	}
	file := filepath.Join(t.TempDir(), "artifacts.json")
	if out, err := exec.CommandContext(t.Context(), "node", "build.mjs", file).CombinedOutput(); err != nil {
		t.Fatalf("build.mjs: %v\n%s", err, out)
	}
	if !bytes.Equal(must(os.ReadFile(file)), must(os.ReadFile("artifacts.json"))) {
		t.Error("artifacts.json is not what the sources compile to: run npm ci --ignore-scripts && npm run build")
	}
}
