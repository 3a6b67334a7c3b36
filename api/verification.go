package api

// VerifyRequest is the optional body of POST /api/v1/invoice/{id}/verify.
type VerifyRequest struct {
	Network *string `json:"network"`
	TxHash  *string `json:"tx_hash"`
}

// Verification is the invoice_manual_verification object. Times are epoch seconds.
type Verification struct {
	Object        string              `json:"object"` // "invoice_manual_verification"
	ID            string              `json:"id"`
	InvoiceID     string              `json:"invoice_id"`
	Network       string              `json:"network"`
	TxHash        *string             `json:"tx_hash"`
	JobStatus     string              `json:"job_status"` // pending, processing, completed, failed
	Status        string              `json:"status"`     // the outcome once it is completed, until then the job's status
	AttemptCount  int                 `json:"attempt_count"`
	MaxAttempts   int                 `json:"max_attempts"`
	NextAttemptAt *int64              `json:"next_attempt_at"`
	CreatedAt     int64               `json:"created_at"`
	UpdatedAt     int64               `json:"updated_at"`
	CompletedAt   *int64              `json:"completed_at"`
	Result        *VerificationResult `json:"result"`
	Error         *VerificationError  `json:"error"`
}

// VerificationResult is what a completed verification came to.
type VerificationResult struct {
	Outcome  string   `json:"outcome"`
	Message  string   `json:"message"`
	Payments []string `json:"payments"` // ids of the payments it is about
}

// VerificationError is why the last attempt could not read the chain.
type VerificationError struct {
	Message string `json:"message"`
}
