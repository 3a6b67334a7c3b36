package commerce

import (
	"context"

	"github.com/pepay/pepay/internal/pay"
)

func (c *Commerce) Open(context.Context, pay.Environment) error { return nil }
