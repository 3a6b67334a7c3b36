package store

import (
	"strings"

	"github.com/pepay/pepay/internal/pay"
)

const verificationColumns = `id, invoice_id, networks, tx_hash, state, attempts, next_at, created_at, updated_at, completed_at, outcome, message, payments`

func scanVerification(r scanner) (v pay.Verification, err error) {
	var networks, payments string
	err = r.Scan(&v.ID, &v.InvoiceID, &networks, &v.TxHash, &v.State, &v.Attempts, instant{&v.NextAt}, instant{&v.CreatedAt}, instant{&v.UpdatedAt},
		instant{&v.CompletedAt}, &v.Outcome, &v.Message, &payments)
	for _, n := range strings.FieldsFunc(networks, comma) {
		v.Networks = append(v.Networks, pay.NetworkName(n))
	}
	v.Payments = strings.FieldsFunc(payments, comma)
	return v, err
}

func comma(c rune) bool { return c == ',' }

// SaveVerification stores a verification, new or changed.
func (tx *Tx) SaveVerification(v pay.Verification) error {
	names := make([]string, len(v.Networks))
	for n, name := range v.Networks {
		names[n] = string(name)
	}
	_, err := tx.exec(`INSERT INTO verifications (`+verificationColumns+`) VALUES `+placeholders(1, 13)+`
		ON CONFLICT (id) DO UPDATE SET state = excluded.state, attempts = excluded.attempts, next_at = excluded.next_at, updated_at = excluded.updated_at,
			completed_at = excluded.completed_at, outcome = excluded.outcome, message = excluded.message, payments = excluded.payments`,
		v.ID, v.InvoiceID, strings.Join(names, ","), v.TxHash, string(v.State), v.Attempts, millis(v.NextAt), millis(v.CreatedAt), millis(v.UpdatedAt),
		millis(v.CompletedAt), string(v.Outcome), v.Message, strings.Join(v.Payments, ","))
	return err
}

// Verification returns the verification with that id, and false when there is none.
func (tx *Tx) Verification(id string) (pay.Verification, bool, error) {
	return maybe(tx, scanVerification, `SELECT `+verificationColumns+` FROM verifications WHERE id = $1`, id)
}

// LatestVerification returns the newest verification of an invoice, and false when it
// has none.
func (tx *Tx) LatestVerification(invoice string) (pay.Verification, bool, error) {
	return maybe(tx, scanVerification, `SELECT `+verificationColumns+` FROM verifications WHERE invoice_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1`, invoice)
}
