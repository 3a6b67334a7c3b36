package server

import (
	"net/http"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/auth"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/view"
)

var signInRoutes = []route{
	{"POST /api/auth/wallet/challenge", merchantFace, byAddress((*Server).challenge), nil},
	{"POST /api/auth/wallet/verify", merchantFace, byAddress((*Server).signIn), nil},
	{"POST /api/auth/wallet/verify-token", merchantFace, byAddress((*Server).verifyToken), nil},
	{"POST /api/auth/wallet/logout", merchantFace, byAddress((*Server).signOut), nil},
}

// byAddress admits anybody, so often.
func byAddress(h func(*Server, *http.Request) (any, error)) func(*Server, *http.Request) (any, error) {
	return func(s *Server, r *http.Request) (any, error) {
		if err := s.allow(r, s.Limits.signIn, s.address(r)); err != nil {
			return nil, err
		}
		return h(s, r)
	}
}

func (s *Server) challenge(r *http.Request) (any, error) {
	in, _, err := body[api.ChallengeRequest](r, pay.CodeValidation, false)
	if err != nil {
		return nil, err
	}
	w, err := s.Billing.Wallet(in.WalletType, in.WalletAddress)
	if err != nil {
		return nil, err
	}
	c, message, err := s.Billing.Challenge(r.Context(), w)
	return api.Challenge{ChallengeID: c.ID, Message: message}, err
}

func (s *Server) signIn(r *http.Request) (any, error) {
	in, _, err := body[api.SignInRequest](r, pay.CodeValidation, false)
	if err == nil && !pay.IsUUID(in.ChallengeID) {
		err = pay.Errorf(pay.CodeValidation, "challengeId must be the id of a challenge")
	}
	if err != nil {
		return nil, err
	}
	w, err := s.Billing.Wallet(in.WalletType, in.WalletAddress)
	signature, bad := auth.Signature(w.Type, in.Signature)
	if err = orElse(err, bad); err != nil {
		return nil, err
	}
	return s.signedIn(s.Billing.SignIn(r.Context(), in.ChallengeID, w, signature))
}

func (s *Server) signedIn(v billing.SignedIn, err error) (any, error) {
	return view.SignedIn(v.Login, v.Token, "You are signed in", v.Members, v.Merchants), err
}

func (s *Server) verifyToken(r *http.Request) (any, error) {
	return s.signedIn(s.Billing.SignedIn(r.Context(), accessToken(r)))
}

func (s *Server) signOut(r *http.Request) (any, error) {
	err := s.Billing.SignOut(r.Context(), accessToken(r))
	return api.Outcome{Success: true, Message: "You are signed out"}, err
}

// accessToken is the token in a request's headers, one of which has an older name.
func accessToken(r *http.Request) string {
	if h := r.Header.Get("Authorization"); h != "" {
		return bearer(h)
	}
	return bearer(r.Header.Get("USER_AUTHORIZATION"))
}
