package app

import (
	"errors"
	"os"
	"syscall"
)

// ErrTaken means that another process has taken a file.
var ErrTaken = errors.New("another process has it")

// Take takes a file for this process, and makes it if there is none. The error is ErrTaken
// when another has it. It is let go by release, or by the end of the process.
func Take(path string) (release func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(ErrTaken, f.Close())
	}
	return func() error { // to close it is not enough: a process that we are just starting has a copy for a moment
		return errors.Join(syscall.Flock(int(f.Fd()), syscall.LOCK_UN), f.Close())
	}, nil
}
