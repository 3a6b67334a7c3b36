// Package bench measures the program against its goals, on both engines with every
// commit on disk: make bench prints one table. A missed goal fails nothing.
package bench
