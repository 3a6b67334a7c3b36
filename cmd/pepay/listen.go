package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/client"
	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/view"
)

type listenCommand struct {
	target
	ForwardTo string   `required:"" help:"Where your program takes webhooks, such as http://localhost:4242/hook." placeholder:"URL"`
	Types     []string `help:"Only these types of events, such as invoice.updated or invoice.*; by default all." placeholder:"TYPE"`
	Since     string   `help:"Begin with what came after the event of this id; by default with what comes from now on." placeholder:"ID"`
	Secret    string   `help:"What to sign with; by default a new one, printed at the start." env:"PEPAY_WEBHOOK_SECRET" placeholder:"whsec_…"`
}

// Help is shown below the summary by --help.
func (listenCommand) Help() string {
	return `Events come over a websocket, so your machine needs no address that others can reach. Each is posted like a webhook: the
same body and headers, signed with the secret that is printed at the start; give that one to your program. One event is
posted at a time, in order. Nothing is repeated: a failure is shown, and --since takes you back to it.

  pepay listen --forward-to http://localhost:4242/hook
  pepay trigger invoice.paid          # in another terminal`
}

// forwardTimeout is how long a receiver may take: as long as for a webhook.
const forwardTimeout = 10 * time.Second

// Run forwards events until it is told to stop.
func (c listenCommand) Run(ctx context.Context) error {
	if u, err := url.Parse(c.ForwardTo); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("forward-to: expected an http or https URL")
	}
	pepay, _, err := c.open()
	if err != nil {
		return err
	}
	if c.Secret == "" {
		c.Secret = auth.NewWebhookSecret()
	}
	out := newScreen(os.Stdout)
	fmt.Fprintf(out, "Forwarding events to %s, signed with\n\n  %s\n\nCtrl-C ends it.\n\n", c.ForwardTo, c.Secret)
	fmt.Fprintf(out, "%-8s  %-24s  %-28s  %-6s  %s\n", "TIME", "TYPE", "ID", "STATUS", "TOOK")
	notice := func(err error) { fmt.Fprintln(os.Stderr, out.dim(err.Error())) }
	for e, err := range pepay.Events.Stream(ctx, client.Subscription{Since: c.Since, Types: c.Types, Notice: notice}) {
		if err != nil {
			return explain(err)
		}
		start := time.Now()
		status, err := c.forward(ctx, e)
		if ctx.Err() != nil {
			break
		}
		fmt.Fprintf(out, "%s  %-24s  %-28s  %s  %s\n", start.Format(time.TimeOnly), e.Type, e.ID, out.status(status), time.Since(start).Round(time.Millisecond))
		if err != nil {
			fmt.Fprintln(out, "          "+out.dim(err.Error()))
		}
	}
	fmt.Fprintln(out, "Ended.")
	return nil
}

// forward posts an event as the server would, and returns the status of the answer.
func (c listenCommand) forward(ctx context.Context, e api.Event) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, forwardTimeout)
	defer cancel()
	body := view.JSON(e)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.ForwardTo, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(api.HeaderEvent, e.Type)
	r.Header.Set(api.HeaderEventID, e.ID)
	environment := "devnet"
	if e.Livemode {
		environment = "mainnet"
	}
	r.Header.Set(api.HeaderEnvironment, environment)
	client.SignWebhook(r.Header, body, c.Secret, time.Now())
	sender := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := sender.Do(r)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, resp.Body.Close()
}

// screen is where a command writes; it has colours only on a terminal.
type screen struct {
	io.Writer
	colours bool
}

func newScreen(f *os.File) screen {
	s, err := f.Stat()
	return screen{f, err == nil && s.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == ""}
}

func (s screen) paint(colour, text string) string {
	if !s.colours {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

func (s screen) dim(text string) string { return s.paint("2", text) }

// status shows what a receiver answered: 0 for nothing.
func (s screen) status(n int) string {
	text, colour := strconv.Itoa(n), "31"
	if n == 0 {
		text = "none"
	}
	if n/100 == 2 {
		colour = "32"
	}
	return s.paint(colour, fmt.Sprintf("%-6s", text))
}
