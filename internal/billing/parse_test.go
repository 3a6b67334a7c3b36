package billing_test

import (
	"encoding/json"
	"testing"
)

// parse reads an answer.
func parse[T any](t *testing.T, b []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return v
}
