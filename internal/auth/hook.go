package auth

import (
	"crypto/hmac"
	"encoding/hex"
)

// RetailHook is the secret part of the path at which the retail provider, which signs
// nothing, tells of news. It follows from the deployment's secret.
func (a *Auth) RetailHook() string { return hex.EncodeToString(a.hook) }

// IsRetailHook reports whether s is RetailHook, in a time that tells nothing.
func (a *Auth) IsRetailHook(s string) bool { return hmac.Equal([]byte(s), []byte(a.RetailHook())) }
