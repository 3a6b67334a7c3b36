package client_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/client"
)

// The vectors are for every language; the server's own signing is tested against them, too.
func TestVectors(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct{ Name, Secret, Timestamp, Body, Signature string }
	if err := json.Unmarshal(b, &vectors); err != nil || len(vectors) < 3 {
		t.Fatal(len(vectors), err)
	}
	for _, v := range vectors {
		ms, _ := strconv.ParseInt(v.Timestamp, 10, 64)
		at := time.UnixMilli(ms)
		h := http.Header{}
		if client.SignWebhook(h, []byte(v.Body), v.Secret, at); h.Get(api.HeaderSignature) != v.Signature || h.Get(api.HeaderTimestamp) != v.Timestamp {
			t.Errorf("%s: signed as %v", v.Name, h)
		}
		verifier := client.WebhookVerifier{Secrets: []string{v.Secret}, Now: func() time.Time { return at }}
		if _, err := verifier.Verify([]byte(v.Body), h); errors.Is(err, client.ErrSignature) || errors.Is(err, client.ErrTimestamp) {
			t.Errorf("%s: %v", v.Name, err)
		}
	}
}

func TestVerifyWebhook(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1767323045000)
	body := `{"id":"evt_1767323045000-1","object":"event","type":"invoice.updated"}`
	signed := func(secret string, at time.Time) http.Header {
		h := http.Header{}
		client.SignWebhook(h, []byte(body), secret, at)
		return h
	}
	rotating := signed("new", now)
	rotating.Set(api.HeaderSignaturePrevious, signed("old", now).Get(api.HeaderSignature))
	without := signed("new", now)
	without.Del(api.HeaderSignature)
	odd := signed("new", now)
	odd.Set(api.HeaderSignature, "zz"+odd.Get(api.HeaderSignature)[2:])
	short := signed("new", now)
	short.Set(api.HeaderSignature, short.Get(api.HeaderSignature)[:62])
	moved := signed("new", now)
	moved.Set(api.HeaderTimestamp, strconv.FormatInt(now.UnixMilli()+1, 10))
	words := http.Header{}
	client.SignWebhook(words, []byte("{"), "new", now)
	for name, c := range map[string]struct {
		body      string
		header    http.Header
		secrets   []string
		tolerance time.Duration
		want      error
	}{
		"as sent":                           {body, signed("new", now), []string{"new"}, 0, nil},
		"two secrets":                       {body, signed("new", now), []string{"old", "new"}, 0, nil},
		"rotating, the receiver knows both": {body, rotating, []string{"new", "old"}, 0, nil},
		"rotating, it knows the new":        {body, rotating, []string{"new"}, 0, nil},
		"rotating, it knows the old":        {body, rotating, []string{"old"}, 0, nil},
		"five minutes ago":                  {body, signed("new", now.Add(-5*time.Minute)), []string{"new"}, 0, nil},
		"in five minutes":                   {body, signed("new", now.Add(5*time.Minute)), []string{"new"}, 0, nil},
		"longer ago":                        {body, signed("new", now.Add(-5*time.Minute-time.Millisecond)), []string{"new"}, 0, client.ErrTimestamp},
		"further ahead":                     {body, signed("new", now.Add(5*time.Minute+time.Millisecond)), []string{"new"}, 0, client.ErrTimestamp},
		"any time":                          {body, signed("new", time.UnixMilli(1)), []string{"new"}, -1, nil},
		"a shorter tolerance":               {body, signed("new", now.Add(-2*time.Second)), []string{"new"}, time.Second, client.ErrTimestamp},
		"another secret":                    {body, signed("new", now), []string{"other"}, 0, client.ErrSignature},
		"no secret":                         {body, signed("new", now), nil, 0, client.ErrSignature},
		"an empty secret":                   {body, signed("", now), []string{""}, 0, client.ErrSignature},
		"another body":                      {body + " ", signed("new", now), []string{"new"}, 0, client.ErrSignature},
		"another time":                      {body, moved, []string{"new"}, 0, client.ErrSignature},
		"no signature":                      {body, without, []string{"new"}, 0, client.ErrSignature},
		"no headers":                        {body, http.Header{}, []string{"new"}, 0, client.ErrSignature},
		"not hexadecimal":                   {body, odd, []string{"new"}, 0, client.ErrSignature},
		"half a signature":                  {body, short, []string{"new"}, 0, client.ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := client.WebhookVerifier{Secrets: c.secrets, Tolerance: c.tolerance, Now: func() time.Time { return now }}
			e, err := v.Verify([]byte(c.body), c.header)
			if !errors.Is(err, c.want) || (err == nil) != (e.ID == "evt_1767323045000-1") {
				t.Errorf("%+v %v", e, err)
			}
		})
	}
	if _, err := (client.WebhookVerifier{Secrets: []string{"new"}, Tolerance: -1}).Verify([]byte("{"), words); err == nil {
		t.Error("half an event was taken")
	}
	if _, err := client.VerifyWebhook([]byte(body), signed("new", now), "new"); !errors.Is(err, client.ErrTimestamp) {
		t.Errorf("an old webhook: %v", err)
	}
}
