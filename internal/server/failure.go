package server

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/pay"
)

// statuses is the HTTP status of each code.
var statuses = map[pay.Code]int{
	pay.CodeInvalidRequest: 400, pay.CodeWrongNetwork: 400, pay.CodeWrongToken: 400, pay.CodeValidation: 400,
	pay.CodeAmountFormat: 400, pay.CodeAmountRange: 400, pay.CodeMetadataTooLarge: 400, pay.CodeExpirationFormat: 400,
	pay.CodeExpirationRange: 400, pay.CodeIdempotencyMissing: 400, pay.CodeInvoiceState: 400,
	pay.CodeEndpointState:      400,
	pay.CodePaymentState:       409,
	pay.CodeNetworkUnsupported: 400, pay.CodeKeyInvalid: 401, pay.CodeSessionInvalid: 401, pay.CodeTicketInvalid: 401,
	pay.CodeForbidden: 403, pay.CodeInvoiceNotFound: 404, pay.CodeNotFound: 404, pay.CodeMethodNotAllowed: 405,
	pay.CodeIdempotencyConflict: 409, pay.CodeInvoiceExpired: 410, pay.CodeSessionRate: 429, pay.CodeRate: 429, pay.CodeInternal: 500,

	pay.CodeCustomerMissing: 400, pay.CodeWalletAddress: 400, pay.CodeWalletNetwork: 400, pay.CodeCheckoutMode: 400, pay.CodeCartEmpty: 400,
	pay.CodeNoValidItems: 400, pay.CodeEstimateExpired: 400, pay.CodeEstimateUsed: 400, pay.CodeShippingAddress: 400, pay.CodeRefundAddress: 400,
	pay.CodeRefundMissing: 400, pay.CodeCancellation: 400, pay.CodeTransition: 400, pay.CodeKeyMissing: 401, pay.CodeScope: 403,
	pay.CodeKeySuspended: 403, pay.CodeKeyExpired: 403, pay.CodeDevnetOnly: 403, pay.CodeMainnetAccess: 403, pay.CodeProductNotFound: 404,
	pay.CodeCartItemNotFound: 404, pay.CodeEstimateNotFound: 404, pay.CodeAddressNotFound: 404, pay.CodeOrderNotFound: 404,
	pay.CodeCommerceDown: 503, pay.CodeProviderDown: 503,
}

// tooMany is a refused request and how long to wait before the next.
type tooMany struct {
	error
	wait time.Duration
}

func (e *tooMany) Unwrap() error { return e.error }

// failure renders an error in the envelope of its route group (contract 1.6). What
// is not meant for callers is logged here, once, and hidden.
func (s *Server) failure(w http.ResponseWriter, r *http.Request, f face, err error) (int, any) {
	e, ok := errors.AsType[*pay.Error](err)
	if !ok {
		if r.Context().Err() == nil {
			s.Log.ErrorContext(r.Context(), "request failed", "request", pay.CauseOf(r.Context()).RequestID, "route", routeOf(r), "err", err)
		}
		e = &pay.Error{Code: pay.CodeInternal, Message: "Internal server error"}
	}
	status, ok := statuses[e.Code]
	if !ok {
		status = http.StatusInternalServerError
	}
	if t, ok := errors.AsType[*tooMany](err); ok {
		w.Header().Set("Retry-After", strconv.Itoa(max(seconds(t.wait), 1)))
	}
	switch {
	case e.Code == pay.CodeSessionRate:
		return status, api.SessionRateError{Error: e.Message, ErrorCode: string(e.Code), Source: "payment_session"}
	case e.Code == pay.CodeRate && f == payorFace: // whose 429 has one shape
		return status, api.SessionRateError{Error: e.Message, ErrorCode: string(e.Code), Source: "ip_address"}
	case e.Code == pay.CodeRate:
		return status, api.RateError{Message: e.Message, ErrorCode: string(e.Code), RetryAfter: forPeople(w.Header().Get("Retry-After"))}
	case f == commerceFace, f == merchantFace && status <= http.StatusForbidden:
		return status, api.MerchantError{Error: api.MerchantErrorBody{Code: string(e.Code), Message: e.Message}}
	}
	return status, api.Error{Error: e.Message, Code: string(e.Code)}
}

// forPeople says a number of seconds in words.
func forPeople(seconds string) string {
	n, _ := strconv.Atoi(seconds) // ours
	switch {
	case n == 1:
		return "1 second"
	case n < 2*60:
		return seconds + " seconds"
	}
	return strconv.Itoa((n+59)/60) + " minutes"
}

func refuse(c pay.Code, wait time.Duration, format string, args ...any) error {
	return &tooMany{pay.Errorf(c, format, args...), wait}
}
