package commerce

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/pepay/pepay/api"
	"github.com/pepay/pepay/internal/billing"
	"github.com/pepay/pepay/internal/pay"
	"github.com/pepay/pepay/internal/store"
	"github.com/pepay/pepay/internal/view"
)

// transitions are what the simulator can make true, by the contract's names.
var transitions = map[string]pay.FactKind{
	"payment_confirmed": pay.FactPaid, "payment_settled": pay.FactSettled, "placed": pay.FactPlaced, "shipped": pay.FactTracked,
	"delivery_confirmed": pay.FactDelivered, "failed": pay.FactFailed, "cancelled": pay.FactCancelled, "refunded": pay.FactRefunded,
}

var errDevnetOnly = pay.Errorf(pay.CodeDevnetOnly, "The simulator is for devnet: use a devnet key and its orders")

// Simulate makes a fact true of a devnet order, by the rule that real facts go by. From
// then on nothing happens to the order but by the simulator.
func (c *Commerce) Simulate(ctx context.Context, by billing.Caller, id string, in api.SimulateRequest, o billing.Once) ([]byte, error) {
	if by.Environment != pay.Devnet {
		return nil, errDevnetOnly
	}
	if in.TransitionTo == nil || transitions[*in.TransitionTo] == "" {
		return nil, pay.Errorf(pay.CodeValidation, "transitionTo must be payment_confirmed, payment_settled, placed, shipped, delivery_confirmed, failed, cancelled or refunded")
	}
	payer, err := c.simulatedPayer(in)
	if err != nil {
		return nil, err
	}
	f := pay.Fact{Kind: transitions[*in.TransitionTo], TxHash: synthetic(id, *in.TransitionTo)}
	return c.write(ctx, by, "simulate", o, func(tx *store.Tx) (any, error) {
		before, err := tx.OrderForUpdate(id)
		if err == nil && before.MerchantID == by.Merchant.ID && before.Environment != pay.Devnet {
			return nil, errDevnetOnly
		}
		if before, err = orderOf(before, err)(by); err != nil {
			return nil, err
		}
		f := f
		switch f.Kind { //nolint:exhaustive // the others say nothing more
		case pay.FactPaid:
			f.Wallet, f.Network = payer.Wallet, payer.Network
		case pay.FactSettled:
			f.Network = pay.RefundNetwork
		case pay.FactTracked, pay.FactDelivered:
			if f.Shipments, err = simulatedParcels(before, in.Tracking, f.Kind); err != nil {
				return nil, err
			}
		case pay.FactRefunded:
			if due := before.Refund.Status == pay.RefundPending; due && before.Refund.Destination == "" {
				return nil, pay.Errorf(pay.CodeRefundMissing, "Nobody has named an address on BSC for the refund: give refundDestinationWalletAddressBsc at checkout or when cancelling")
			}
		}
		after, err := before.Next(f, tx.Now())
		if err != nil {
			return nil, err
		}
		after.Simulated = true
		if err := c.simulateMoney(tx, before, f); err != nil {
			return nil, err
		}
		return view.Wrapped(api.Simulated{Order: view.Order(after)}), announce(tx, before, after)
	})
}

// simulateMoney does to the order's invoice what the fact says.
func (c *Commerce) simulateMoney(tx *store.Tx, o pay.Order, f pay.Fact) error {
	if f.Kind != pay.FactPaid && f.Kind != pay.FactSettled {
		return nil
	}
	i, err := tx.InvoiceForUpdate(o.InvoiceID)
	if err != nil {
		return err
	}
	if f.Kind == pay.FactSettled {
		return c.Billing.SimulateSettlementIn(tx, i, f.TxHash)
	}
	_, err = c.Billing.SimulatePaymentIn(tx, i, billing.Simulated{TxHash: f.TxHash, From: f.Wallet, On: f.Network})
	if e, ok := errors.AsType[*pay.Error](err); ok {
		return pay.Errorf(pay.CodeTransition, "%s", e.Message)
	}
	return err
}

// simulatedPayer reads who is to have paid: by default a wallet on BSC that is nobody's.
func (c *Commerce) simulatedPayer(in api.SimulateRequest) (who pay.Customer, err error) {
	if who.Network = pay.RefundNetwork; in.WalletNetwork != nil {
		who.Network = pay.NetworkName(*in.WalletNetwork)
	}
	if !c.Billing.Registry.Known(who.Network) {
		return who, pay.Errorf(pay.CodeWalletNetwork, "walletNetwork must be one of %v", c.Billing.Registry.Names())
	}
	if in.WalletAddress == nil {
		return who, nil
	}
	if who.Wallet, err = c.wallet(who.Network, *in.WalletAddress); err != nil {
		return who, pay.Errorf(pay.CodeWalletAddress, "walletAddress %v", err)
	}
	return who, nil
}

// simulatedParcels is the parcel that the request describes, or one like any other.
func simulatedParcels(o pay.Order, in *api.TrackingInput, k pay.FactKind) ([]pay.Shipment, error) {
	if in == nil && k == pay.FactDelivered {
		return nil, nil
	}
	if in == nil {
		in = &api.TrackingInput{}
	}
	number := "1Z" + strings.ToUpper(strings.ReplaceAll(o.ID, "-", ""))[:16]
	s := pay.Shipment{ID: "ship_" + o.ID[:8]}
	for _, f := range []struct {
		name      string
		from, old *string
		to        *string
		otherwise string
	}{
		{"carrier", in.Carrier, nil, &s.Carrier, "UPS"},
		{"trackingNumber", in.TrackingNumber, in.TrackingNumberOld, &s.Number, number},
		{"carrierTrackingUrl", in.CarrierTrackingURL, in.CarrierTrackingURLOld, &s.URL, ""},
		{"retailerTrackingNumber", in.RetailerTrackingNumber, in.RetailerTrackingNumberOld, &s.RetailerNumber, ""},
		{"retailerTrackingUrl", in.RetailerTrackingURL, in.RetailerTrackingURLOld, &s.RetailerURL, ""},
		{"deliveryStatus", in.DeliveryStatus, in.DeliveryStatusOld, &s.DeliveryStatus, "In Transit"},
	} {
		*f.to = f.otherwise
		for _, given := range []*string{f.old, f.from} {
			if given == nil {
				continue
			}
			if len(*given) > pay.MaxText || slices.Contains([]byte(*given), 0) {
				return nil, pay.Errorf(pay.CodeValidation, "tracking.%s must have at most %d characters", f.name, pay.MaxText)
			}
			*f.to = *given
		}
	}
	if s.URL == "" {
		s.URL = "https://t.17track.net/en#nums=" + url.QueryEscape(s.Number)
	}
	return []pay.Shipment{s}, nil
}
