package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pepay/pepay/client"
)

// target is the deployment that a command speaks to: by default the one that pepay
// dev runs on this machine.
type target struct {
	BaseURL string `help:"The deployment; by default the one in dev.json." env:"PEPAY_BASE_URL" placeholder:"URL"`
	APIKey  string `name:"api-key" help:"An API key of scope merchant; by default the one in dev.json." env:"PEPAY_API_KEY" placeholder:"KEY"`
	DataDir string `help:"The --data-dir of pepay dev, where dev.json is." type:"path" default:".pepay" placeholder:"DIR"`
}

// open returns a client, and what dev.json says; that is only empty when it is not
// needed.
func (t target) open() (*client.Client, *devFile, error) {
	path := t.devFile()
	f, err := readDevFile(path)
	if err != nil {
		return nil, nil, err
	}
	url, key := cmp.Or(t.BaseURL, f.BaseURL), cmp.Or(t.APIKey, f.MerchantAPIKey)
	if url == "" || key == "" {
		return nil, nil, fmt.Errorf("there is no %s: start pepay dev, name its --data-dir, or give --base-url and --api-key", path)
	}
	return client.New(url, key), f, nil
}

// devFile is where dev.json is: that of --networks all, if its start was the last one.
func (t target) devFile() string {
	one, all := filepath.Join(t.DataDir, "dev.json"), filepath.Join(t.DataDir, "all", "dev.json")
	b, err := os.Stat(all)
	if err != nil {
		return one
	}
	if a, err := os.Stat(one); err == nil && a.ModTime().After(b.ModTime()) {
		return one
	}
	return all
}

// explain says what to do about an answer that a wrong key or address gets.
func explain(err error) error {
	if e, ok := errors.AsType[*client.Error](err); ok && e.Status == 401 {
		return fmt.Errorf("the API key was refused; --api-key, PEPAY_API_KEY and dev.json are where it may come from: %w", err)
	}
	return err
}
