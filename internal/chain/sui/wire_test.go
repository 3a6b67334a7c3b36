package sui_test

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"testing"

	"github.com/pepay/pepay/internal/chain/sui"
)

// What a node sends cannot become many times as much when it is read. It is not parallel:
// what is allocated meanwhile is counted.
func TestAnswersStaySmall(t *testing.T) { //nolint:paralleltest // as said
	many := binary.AppendUvarint([]byte{0}, 1<<24)
	for name, read := range map[string]func() error{
		"numbers":        func() error { _, err := sui.ParseMessage(bytes.Repeat([]byte{8, 1}, 1<<24)); return err },
		"empty messages": func() error { _, err := sui.ParseMessage(bytes.Repeat([]byte{0x32, 0}, 1<<24)); return err },
		"fixed numbers":  func() error { _, err := sui.ParseMessage(bytes.Repeat([]byte{13, 0, 0, 0, 0}, 1<<22)); return err },
		"digests":        func() error { _, err := sui.DecodeContents(append(many, make([]byte, 1<<25)...)); return err },
		"signed digests": func() error {
			_, err := sui.DecodeContents(append([]byte{1}, append(many[1:], make([]byte, 1<<25)...)...))
			return err
		},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := read()
		runtime.ReadMemStats(&after)
		if all := after.TotalAlloc - before.TotalAlloc; err == nil || all > 140<<20 { // the answer is 32 MiB, and it is made twice
			t.Errorf("%s: %v; %d MiB", name, err, all>>20)
		}
	}
	// The largest checkpoint that the network allows, twice.
	if m, err := sui.ParseMessage(bytes.Repeat([]byte{0x32, 0}, 20_000)); err != nil || !m.Has(6) {
		t.Error(err)
	}
	if txs, err := sui.DecodeContents(sui.ContentsBytes(make([]sui.Digest, 20_000))); err != nil || len(txs) != 20_000 {
		t.Error(len(txs), err)
	}
}
