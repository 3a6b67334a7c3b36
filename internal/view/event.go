package view

import (
	"encoding/json"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/pay"
)

// Event renders an event. The same event always gives the same bytes.
func Event(e pay.Event) api.Event {
	return api.Event{
		ID: e.ID, Object: "event", APIVersion: api.Version, Created: e.CreatedAt.Unix(), Type: string(e.Type), Livemode: e.Environment == pay.Mainnet,
		Request: api.EventRequest{ID: orNull(e.RequestID), IdempotencyKey: orNull(e.RequestKey)},
		Data:    api.EventData{Object: e.Object, PreviousAttributes: e.Previous},
	}
}

// merchantOnly are the fields of objects that a payor is not shown.
var merchantOnly = []string{"metadata", "customer_id", "merchant_id", "commerce_order_id", "settlement", "settlement_status"}

// PayorEvent renders an event for the payor it concerns: without what is between
// the merchant and us.
func PayorEvent(e pay.Event) api.Event {
	v := Event(e)
	v.Request = api.EventRequest{}
	v.Data.Object, v.Data.PreviousAttributes = without(e.Object), without(e.Previous)
	return v
}

func without(object []byte) json.RawMessage {
	var m map[string]json.RawMessage
	if json.Unmarshal(object, &m) != nil {
		return json.RawMessage("{}")
	}
	for _, f := range merchantOnly {
		delete(m, f)
	}
	return JSON(m)
}

// StreamError renders the last frame of a websocket.
func StreamError(code, message string) api.StreamError {
	return api.StreamError{Object: "ws_error", Code: code, Message: message}
}

// StreamControl renders where a websocket stands in a replay: why it needs to be put
// right, if it does, and the newest event there was when it came.
func StreamControl(kind, since, reason, last string) api.StreamControl {
	return api.StreamControl{Object: "ws_control", Type: kind, Since: orNull(since), Reason: orNull(reason), LastEventID: orNull(last)}
}
