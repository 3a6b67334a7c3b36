package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/pepay/pepay/internal/app"
	"github.com/pepay/pepay/internal/seed"
)

// seedFlags are the files of a seed and of its key.
type seedFlags struct {
	File    string `help:"Where the encrypted seed goes; seed_file in the configuration." default:"seed.enc" type:"path"`
	KeyFile string `help:"What it is encrypted with; made if there is none yet; seed_key_file in the configuration. Keep it elsewhere than the seed." default:"seed.key" type:"path"`
}

type seedNew struct{ seedFlags }

// Run makes a seed, shows its words once and keeps it encrypted.
func (c seedNew) Run() error {
	var entropy [32]byte
	_, _ = rand.Read(entropy[:]) // never fails: crypto/rand ends the program instead
	s, err := seed.Generate(entropy)
	if err != nil {
		return err
	}
	if err := c.keep(s); err != nil {
		return err
	}
	fmt.Println(s.Words())
	fmt.Fprintf(os.Stderr, "Write these words on paper, in this order: they are shown only now. Whoever has them has all that deposit addresses hold.\nThe encrypted seed is in %s, its key in %s.\n", c.File, c.KeyFile)
	return nil
}

type seedImport struct{ seedFlags }

// Run keeps a seed whose words come from standard input.
func (c seedImport) Run() error {
	b, err := io.ReadAll(io.LimitReader(os.Stdin, 4096))
	if err != nil {
		return err
	}
	s, err := seed.New(string(b))
	if err != nil {
		return fmt.Errorf("standard input %w", err)
	}
	if err := c.keep(s); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "The encrypted seed is in %s, its key in %s.\n", c.File, c.KeyFile)
	return nil
}

// keep writes the encrypted seed, and its key unless there is one. It never overwrites a
// seed: somebody's money may depend on it.
func (c seedFlags) keep(s seed.Seed) error {
	key, err := c.key()
	if errors.Is(err, fs.ErrNotExist) {
		key = make([]byte, 32)
		_, _ = rand.Read(key) // never fails: crypto/rand ends the program instead
		err = writeNew(c.KeyFile, hex.EncodeToString(key))
	}
	if err != nil {
		return err
	}
	sealed, err := app.SealSeed(s, key)
	if err != nil {
		return err
	}
	return writeNew(c.File, sealed)
}

func (c seedFlags) key() ([]byte, error) {
	b, err := os.ReadFile(c.KeyFile)
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("%s must hold 64 hexadecimal digits", c.KeyFile)
	}
	return key, nil
}

// open reads the encrypted seed.
func (c seedFlags) open() (s seed.Seed, err error) {
	key, err := c.key()
	if err != nil {
		return s, err
	}
	b, err := os.ReadFile(c.File)
	if err != nil {
		return s, err
	}
	if s, err = app.OpenSeed(string(b), key); err != nil {
		return s, fmt.Errorf("%s: %w", c.File, err)
	}
	return s, nil
}

// writeNew writes a line to a file that must not exist, for its owner only.
func writeNew(path, line string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists: nothing was changed; name another file, or move this one away if nothing depends on it", path)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, line)
	return errors.Join(err, f.Close())
}
