package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/pay"
)

// devLog writes one line that people like to read for each record.
type devLog struct {
	mu    *sync.Mutex
	w     io.Writer
	level slog.Level
	attrs string
}

func newDevLog(w io.Writer, verbose bool) *slog.Logger {
	level := slog.LevelInfo
	if verbose {
		level = slog.LevelDebug
	}
	return slog.New(&devLog{mu: &sync.Mutex{}, w: w, level: level})
}

// Enabled implements slog.Handler.
func (l *devLog) Enabled(_ context.Context, level slog.Level) bool { return level >= l.level }

// Handle implements slog.Handler.
func (l *devLog) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Time.Format("15:04:05"))
	if r.Level != slog.LevelInfo {
		b.WriteString(" " + r.Level.String())
	}
	b.WriteString("  " + r.Message + l.attrs)
	r.Attrs(func(a slog.Attr) bool {
		fmt.Fprintf(&b, "  %s=%v", a.Key, a.Value)
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := io.WriteString(l.w, b.String()+"\n")
	return err
}

// WithAttrs implements slog.Handler.
func (l *devLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *l
	for _, a := range attrs {
		c.attrs += fmt.Sprintf("  %s=%v", a.Key, a.Value)
	}
	return &c
}

// WithGroup implements slog.Handler.
func (l *devLog) WithGroup(string) slog.Handler { return l }

// story tells what happens, one line for each event.
func story(log *slog.Logger) func([]pay.Event) {
	return func(es []pay.Event) {
		for _, e := range es {
			log.Info(tell(e))
		}
	}
}

func tell(e pay.Event) string {
	short := e.InvoiceID[:min(8, len(e.InvoiceID))]
	switch e.Type { //nolint:exhaustive // the others do not happen here
	case pay.InvoiceCreated, pay.InvoiceUpdated:
		var i api.Invoice
		_ = json.Unmarshal(e.Object, &i) // rendered by us
		if e.Type == pay.InvoiceCreated {
			return fmt.Sprintf("invoice %s  opened for $%s", short, i.AmountDecimal)
		}
		return fmt.Sprintf("invoice %s  %s: $%s of $%s", short, i.Status, i.AmountPaidDecimal, i.AmountDecimal)
	case pay.PaymentCreated, pay.PaymentUpdated:
		var p api.Payment
		_ = json.Unmarshal(e.Object, &p) // rendered by us
		line := fmt.Sprintf("invoice %s  payment %s: %s %s ($%s)", short, p.Status, p.TokenAmount, p.TokenSymbol, p.AmountDecimal)
		if p.Settlement != nil {
			line += ", settlement " + p.Settlement.Status
		}
		return line
	case pay.QuoteUpdated:
		var q api.Quote
		_ = json.Unmarshal(e.Object, &q) // rendered by us
		return fmt.Sprintf("invoice %s  quoted %s at %s", short, q.EstimatedTokenAmount, q.TempAddress)
	}
	return string(e.Type)
}
