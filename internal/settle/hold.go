package settle

import (
	"context"
	"time"

	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
)

// Tenure is how long the processes that cannot pay out on a network go on leaving that to
// one that has said it can: it may be away for as long, and nothing is given up meanwhile.
const Tenure = 24 * time.Hour

// noRelayer is why payments are left to people where nobody settles; they are taken up
// again when somebody does.
const noRelayer = "this deployment has no relayer for the network"

// elsewhere is how long a job rests that is for another process.
const elsewhere = time.Second

func lease(job string, n pay.NetworkName) string { return job + " " + string(n) }

// held reports whether a process has the key that a job on a network wants.
func held(ctx context.Context, s *store.Store, job string, n pay.NetworkName) (yes bool, again time.Time, err error) {
	err = s.Read(ctx, func(tx *store.Tx) (err error) {
		again = tx.Now().Add(elsewhere)
		yes, err = tx.Leased(lease(job, n))
		return err
	})
	return yes, again, err
}

// Hold tells the other processes of the deployment, for a Tenure, on which networks this one
// settles, and takes up there what was left for want of a relayer. What waits is promised
// again: a process without the key may have found nothing for it to do.
func (s *Settler) Hold(ctx context.Context) error {
	for n := range s.Movers {
		for more := true; more; {
			if err := s.Store.Write(ctx, func(tx *store.Tx) error {
				if _, err := tx.Lease(lease(billing.JobSettle, n), "", tx.Now().Add(Tenure)); err != nil {
					return err
				}
				ps, err := tx.PaymentsLeft(n, noRelayer, maxTodo)
				if err != nil {
					return err
				}
				_, due, err := tx.RelayUnderWay(n)
				if err != nil {
					return err
				}
				for _, status := range []pay.SettlementStatus{pay.SettlementPending, pay.SettlementFailed, pay.SettlementProcessing} {
					some, err := tx.Unsettled(n, status)
					if err != nil {
						return err
					}
					due = due || some
				}
				if more = len(ps) == maxTodo; due || len(ps) > 0 {
					tx.AddJob(billing.JobSettle, string(n), tx.Now())
				}
				return s.Billing.Restate(tx, ps, func(v pay.Settlement) pay.Settlement {
					return pay.Settlement{ID: v.ID, Status: pay.SettlementPending, At: tx.Now()}
				})
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Hold tells the other processes of the deployment, for a Tenure, on which networks this one
// pays refunds, and takes up what was owed there before.
func (p *Payer) Hold(ctx context.Context) error {
	return p.Store.Write(ctx, func(tx *store.Tx) error {
		for n := range p.Wallets {
			if _, err := tx.Lease(lease(billing.JobRefund, n), "", tx.Now().Add(Tenure)); err != nil {
				return err
			}
			tx.AddJob(billing.JobRefund, string(n), tx.Now())
		}
		return nil
	})
}
