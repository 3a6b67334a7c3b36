package view

import (
	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/pay"
)

// Verification renders a verification.
func Verification(p pay.Verification) api.Verification {
	v := api.Verification{
		Object: "invoice_manual_verification", ID: p.ID, InvoiceID: p.InvoiceID, Network: string(p.Networks[0]), TxHash: orNull(p.TxHash),
		JobStatus: string(p.State), Status: string(p.State), AttemptCount: p.Attempts, MaxAttempts: pay.MaxAttempts, NextAttemptAt: seconds(p.NextAt),
		CreatedAt: p.CreatedAt.Unix(), UpdatedAt: p.UpdatedAt.Unix(), CompletedAt: seconds(p.CompletedAt),
	}
	switch {
	case p.State == pay.VerificationCompleted:
		v.Status = string(p.Outcome)
		v.Result = &api.VerificationResult{Outcome: string(p.Outcome), Message: p.Message, Payments: append([]string{}, p.Payments...)}
	case p.Message != "":
		v.Error = &api.VerificationError{Message: p.Message}
	}
	return v
}
