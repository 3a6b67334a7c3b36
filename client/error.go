package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Error is what a server answered instead of what was asked for.
type Error struct {
	Status     int           // of HTTP
	Code       string        // for programs, such as VALIDATION_ERROR; "" when the answer has none
	Message    string        // for people: what to change
	RequestID  string        // names the request in the server's log; "" when the answer has none
	RetryAfter time.Duration // how long the server asks to wait; 0 when it does not say
}

// Error implements error.
func (e *Error) Error() string {
	text := fmt.Sprintf("pepay: %d", e.Status)
	if e.Code != "" {
		text += " " + e.Code
	}
	text += ": " + e.Message
	if e.RequestID != "" {
		text += " (request " + e.RequestID + ")"
	}
	return text
}

// readError reads any of the API's four error bodies, and makes do with any other.
func readError(resp *http.Response, body []byte) *Error {
	var v struct {
		Error      json.RawMessage `json:"error"` // a text, or an object with code and message
		Message    string          `json:"message"`
		Code       string          `json:"code"`
		ErrorCode  string          `json:"error_code"`
		RetryAfter string          `json:"retry_after"`
	}
	var inner struct{ Code, Message string }
	var text string
	_ = json.Unmarshal(body, &v) // what does not fit stays empty
	_ = json.Unmarshal(v.Error, &inner)
	_ = json.Unmarshal(v.Error, &text)
	e := &Error{
		Status: resp.StatusCode, Code: first(inner.Code, v.Code, v.ErrorCode), Message: first(inner.Message, text, v.Message, http.StatusText(resp.StatusCode)),
		RequestID: first(resp.Header.Get("X-Request-Id"), resp.Header.Get("Request-Id")), RetryAfter: headerWait(resp.Header.Get("Retry-After")),
	}
	if e.RetryAfter == 0 {
		e.RetryAfter = wordsWait(v.RetryAfter)
	}
	return e
}

func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// headerWait reads a Retry-After header: seconds, or a date.
func headerWait(s string) time.Duration {
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

// wordsWait reads the hint for people: "15 minutes".
func wordsWait(s string) time.Duration {
	count, unit, _ := strings.Cut(s, " ")
	n, err := strconv.ParseUint(count, 10, 31)
	if err != nil {
		return 0
	}
	switch strings.TrimSuffix(unit, "s") {
	case "second":
		return time.Duration(n) * time.Second
	case "minute":
		return time.Duration(n) * time.Minute
	case "hour":
		return time.Duration(n) * time.Hour
	}
	return 0
}
