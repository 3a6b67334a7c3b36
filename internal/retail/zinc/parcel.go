package zinc

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/pepay/pepay/internal/pay"
)

// parcel is a tracking object of Zinc's.
type parcel struct {
	Order          lax[string]        `json:"merchant_order_id"`
	Carrier        lax[string]        `json:"carrier"`
	Number         lax[string]        `json:"tracking_number"`
	URL            lax[string]        `json:"tracking_url"`
	RetailerNumber lax[string]        `json:"retailer_tracking_number"`
	RetailerURL    lax[string]        `json:"retailer_tracking_url"`
	Status         lax[string]        `json:"delivery_status"`
	Products       lax[[]lax[string]] `json:"product_ids"`
	ObtainedAt     lax[time.Time]     `json:"obtained_at"`
}

const (
	maxNumber = 100
	delivered = "Delivered"
)

// deliveryStatus turns Zinc's words into ours; one that is not known is kept.
func deliveryStatus(s string) string {
	switch strings.ToLower(strings.NewReplacer(" ", "", "_", "", "-", "").Replace(s)) {
	case "intransit":
		return "In Transit"
	case "delivered":
		return delivered
	}
	return clean(s, maxNumber)
}

// parcels returns the parcels that can be followed, and whether everything has arrived:
// each order at the retailer has a parcel, no parcel is under way, and as many things
// have come as were wanted, as far as Zinc says what is in a parcel.
func parcels(in []lax[parcel], orders []string, wanted int, now time.Time) (out []pay.Shipment, all bool) {
	come, told := 0, true
	all = len(in) > 0 && len(in) <= maxList
	seen := map[string]bool{}
	for _, t := range in {
		p := t.v
		s := pay.Shipment{
			Carrier: clean(p.Carrier.v, maxNumber), Number: clean(p.Number.v, maxNumber), URL: public(p.URL.v), RetailerNumber: clean(p.RetailerNumber.v, maxNumber),
			RetailerURL: public(p.RetailerURL.v), DeliveryStatus: deliveryStatus(p.Status.v),
		}
		ours := slices.Contains(orders, p.Order.v)
		all = all && ours && s.DeliveryStatus == delivered
		if !ours || !s.Tracked() || len(out) == maxList {
			continue // without a number it could not be told from the next one
		}
		if at := p.ObtainedAt.v; at.After(time.Unix(0, 0)) && !at.After(now) {
			s.ObtainedAt = at.UTC().Truncate(time.Millisecond)
		}
		if s.ID = shipmentID(p.Order.v, s); slices.ContainsFunc(out, func(o pay.Shipment) bool { return o.ID == s.ID }) {
			continue
		}
		seen[p.Order.v] = true
		come, told = come+len(p.Products.v), told && len(p.Products.v) > 0
		out = append(out, s)
	}
	return out, all && len(seen) == len(orders) && (!told || come >= wanted)
}

// shipmentID names a parcel, always the same.
func shipmentID(order string, s pay.Shipment) string {
	number := s.Number
	if number == "" {
		number = s.RetailerNumber
	}
	sum := sha256.Sum256([]byte(order + " " + number))
	return "ship_" + hex.EncodeToString(sum[:12])
}
