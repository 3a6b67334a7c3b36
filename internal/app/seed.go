package app

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/seed"
)

// sealedSeed is what a seed is sealed for, so that nothing else passes for one.
const sealedSeed = "seed"

// SealSeed encrypts a seed for a file. The key has 32 bytes and is kept elsewhere.
func SealSeed(s seed.Seed, key []byte) (string, error) {
	a, err := auth.New(key)
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(a.Seal([]byte(s.Words()), sealedSeed)), nil
}

// OpenSeed reads what SealSeed wrote.
func OpenSeed(text string, key []byte) (s seed.Seed, err error) {
	a, err := auth.New(key)
	if err != nil {
		return s, err
	}
	sealed, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil {
		return s, errors.New("it is not a file that pepay seed wrote")
	}
	words, err := a.Open(sealed, sealedSeed)
	if err != nil {
		return s, errors.New("it does not open: the key is another one, or the file was changed")
	}
	return seed.New(string(words))
}

// keyCommandTime bounds how long the command may take that gives the seed's key.
const keyCommandTime = 30 * time.Second

// Seed opens the configured seed, which none may be. The key comes from the file, from
// the environment or from a command, which may ask a key service.
func (c Config) Seed() (s seed.Seed, err error) {
	if c.SeedFile == "" {
		return s, nil
	}
	key, err := fromFile("seed_key", c.SeedKey, c.SeedKeyFile)
	if err != nil {
		return s, err
	}
	if key == "" && c.SeedKeyCommand != "" {
		ctx, cancel := context.WithTimeout(context.Background(), keyCommandTime)
		defer cancel()
		out, err := exec.CommandContext(ctx, "/bin/sh", "-c", c.SeedKeyCommand).Output() //nolint:gosec // the operator's own command
		if err != nil {
			return s, errors.New("seed_key_command: expected a command that prints the key; it failed")
		}
		key = strings.TrimSpace(string(out))
	}
	raw, err := hex.DecodeString(key)
	if err != nil || len(raw) != auth.SecretSize {
		return s, unexpected(c, "", "seed_key")
	}
	sealed, err := os.ReadFile(c.SeedFile)
	if err != nil {
		return s, fmt.Errorf("seed_file: expected the path of a file that can be read: %w", err)
	}
	if s, err = OpenSeed(string(sealed), raw); err != nil {
		return s, fmt.Errorf("seed_file: %w", err)
	}
	return s, nil
}
