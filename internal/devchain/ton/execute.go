package ton

import (
	"errors"
	"math/big"

	"github.com/xssnick/tonutils-go/tvm/cell"

	"github.com/pepay/pepay/internal/chain/ton"
)

// What things cost, in nanotons: about what the real network asks.
var (
	gasExternal = big.NewInt(2_000_000)
	gasRequest  = big.NewInt(2_134_400) // of a request that another contract brings
	gasReceive  = big.NewInt(123_600)   // of a plain payment to a contract
	gasJetton   = big.NewInt(5_000_000)
	minJetton   = big.NewInt(20_000_000) // that must come with a transfer of a jetton
	forward     = big.NewInt(400_000)    // of a message
)

var errRefused = errors.New("the contract refuses it")

// run is the execution of one message.
type run struct {
	c       *Chain
	m       message
	s       account
	left    *big.Int // of the coin that came
	out     []message
	aborted bool
	bounce  bool
}

// execute delivers a message. A message from outside that is refused leaves no trace.
func (c *Chain) execute(m message, now uint64) (tx ton.Tx, sent []message, ok bool) {
	before := c.state(m.To)
	if fee := big.NewInt(storage); before.balance.Cmp(fee) > 0 {
		before.balance = new(big.Int).Sub(before.balance, fee)
	}
	x := &run{c: c, m: m, s: c.deployed(before, m.To, m.Init), left: new(big.Int).Set(m.Value)}
	if m.from == nil {
		r, err := c.accepts(x.s, m.To, m.Body, now)
		if err != nil {
			return tx, nil, false
		}
		x.s.seqno++
		x.charge(gasExternal)
		_ = x.send(r.Messages) // with ModeSkipErrors it never fails
	} else {
		x.s.balance = new(big.Int).Add(x.s.balance, m.Value)
		if x.aborted = x.receive(now) != nil; !x.aborted {
			x.bounce = false
		} else {
			x.abort(before)
		}
	}
	c.lt++
	tx = c.record(x, m)
	c.accounts[m.To] = x.s
	return tx, x.out, true
}

// abort undoes what the contract did. What is left of the coin stays, or goes back.
func (x *run) abort(before account) {
	x.s, x.out = before, nil
	if x.bounce = x.bounce && !x.m.bounced && x.left.Cmp(forward) > 0; x.bounce {
		x.out = []message{{Message: ton.Message{To: *x.m.from, Value: new(big.Int).Sub(x.left, forward), Body: bouncedBody(x.m.Body)}, bounced: true}}
		return
	}
	x.s.balance = new(big.Int).Add(before.balance, x.left)
}

var errNoState = errors.New("no contract")

// bouncedBody is how a message comes back: marked, and cut short.
func bouncedBody(body *ton.Cell) *ton.Cell {
	b := cell.BeginCell().MustStoreUInt(0xffffffff, 32)
	if body != nil {
		s := body.BeginParse()
		n := min(s.BitsLeft(), 256)
		b.MustStoreSlice(s.MustLoadSlice(n), n)
	}
	return b.EndCell()
}

// record writes down what happened, and gives names to the messages that were sent.
func (c *Chain) record(x *run, m message) ton.Tx {
	lt := c.lt
	self := m.To
	tx := ton.Tx{Account: m.To.Raw(), LT: ton.Number(lt)}
	tx.Description = ton.Description{Type: "ord", Aborted: &x.aborted}
	if x.bounce {
		tx.Description.Bounce = &struct{}{}
	}
	if m.hash == "" {
		m.hash = sum([]byte("message"), m.To[:], number(lt), number(c.salt))
	}
	in := wire(m)
	tx.In = &in
	tx.Out = []ton.Msg{}
	for i := range x.out {
		x.out[i].from = &self
		x.out[i].hash = sum([]byte("out"), self[:], number(lt), number(uint64(i)), number(c.salt)) //nolint:gosec // small
		tx.Out = append(tx.Out, wire(x.out[i]))
	}
	tx.Hash = sum([]byte("tx"), self[:], number(lt), number(c.salt))
	return tx
}

func wire(m message) ton.Msg {
	body := m.Body
	if body == nil {
		body = cell.BeginCell().EndCell()
	}
	to, bounced := m.To.Raw(), m.bounced
	w := ton.Msg{Hash: m.hash, Destination: &to, Content: &ton.Content{Hash: b64(body.Hash()), Body: ton.Encode64(body)}}
	if m.from != nil {
		from, value := m.from.Raw(), m.Value.String()
		w.Source, w.Value, w.Bounced = &from, &value, &bounced
	}
	return w
}

func (x *run) charge(fee *big.Int) {
	x.s.balance, x.left = new(big.Int).Sub(x.s.balance, fee), new(big.Int).Sub(x.left, fee)
}

// deployed returns the account with the contract that a message brings, if its address is of it.
func (c *Chain) deployed(s account, a ton.Address, init *ton.Cell) account {
	if s.wallet != nil || s.jetton != nil || init == nil || ton.Address(init.Hash()) != a {
		return s
	}
	r := init.BeginParse()
	_, _ = r.LoadUInt(3)
	code, err1 := r.LoadRefCell()
	data, err2 := r.LoadRefCell()
	if err1 != nil || err2 != nil {
		return s
	}
	if w, ok := ton.ParseWallet(code, data); ok {
		s.wallet = &w
		return s
	}
	for _, j := range c.jettons {
		if owner, _, _, err := j.Holding(data); err == nil && j.Wallet(owner) == a {
			s.jetton, s.owner = &j, owner
		}
	}
	return s
}

// accepts checks a request from outside as the wallet does before it pays for it.
func (c *Chain) accepts(s account, a ton.Address, body *ton.Cell, now uint64) (ton.Request, error) {
	r, err := s.request(body, now)
	if err != nil || r.Internal {
		return r, errors.Join(errRefused, err)
	}
	for _, m := range r.Messages {
		if m.Mode&ton.ModeSkipErrors == 0 {
			return r, errors.New("exit code 137: a message whose errors are not ignored")
		}
	}
	if s.balance.Cmp(gasExternal) < 0 {
		return r, errors.New("the account cannot pay for it")
	}
	return r, nil
}

func (s account) request(body *ton.Cell, now uint64) (ton.Request, error) {
	if s.wallet == nil {
		return ton.Request{}, errNoState
	}
	r, signed, err := ton.ParseRequest(body, s.wallet.Key)
	switch {
	case err != nil:
		return r, err
	case !signed:
		return r, errors.New("exit code 135: the signature is wrong")
	case r.Wallet != s.wallet.ID || r.Seqno != s.seqno:
		return r, errors.New("exit code 133: another wallet, or sequence number")
	case uint64(r.ValidUntil) <= now:
		return r, errors.New("exit code 136: too late")
	}
	return r, nil
}

// receive runs the contract.
func (x *run) receive(now uint64) error {
	x.bounce = x.m.Bounce
	switch {
	case x.s.wallet != nil:
		return x.wallet(now)
	case x.s.jetton != nil:
		return x.jetton()
	}
	return errNoState
}

func (x *run) gas(fee *big.Int) error {
	if x.left.Cmp(fee) < 0 {
		x.s.balance, x.left = new(big.Int).Sub(x.s.balance, x.left), new(big.Int)
		return errors.New("not enough gas")
	}
	x.charge(fee)
	return nil
}

const opSigned = 0x73696e74

func (x *run) wallet(now uint64) error {
	if x.m.bounced || ton.Op(x.m.Body) != opSigned {
		if x.left.Cmp(gasReceive) >= 0 {
			x.charge(gasReceive)
		}
		return nil
	}
	if err := x.gas(gasRequest); err != nil {
		return err
	}
	if _, signed, err := ton.ParseRequest(x.m.Body, x.s.wallet.Key); err != nil || !signed {
		return err // without a signature it is taken for a payment
	}
	r, err := x.s.request(x.m.Body, now)
	if err != nil || !r.Internal {
		return errors.Join(errRefused, err)
	}
	x.s.seqno++
	return x.send(r.Messages)
}

// send is the action phase.
func (x *run) send(all []ton.Message) error {
	balance := x.s.balance
	for _, m := range all {
		value, cost := new(big.Int).Set(m.Value), new(big.Int)
		if m.Mode&ton.ModeForward != 0 {
			value.Add(value, x.left)
		}
		cost.Set(value)
		if m.Mode&ton.ModePaysFees != 0 {
			cost.Add(cost, forward)
		} else {
			value.Sub(value, forward)
		}
		if value.Sign() < 0 || cost.Cmp(balance) > 0 {
			if m.Mode&ton.ModeSkipErrors != 0 {
				continue
			}
			x.bounce = x.bounce && m.Mode&ton.ModeBounceError != 0
			return errors.New("result code 37: not enough coin")
		}
		balance = new(big.Int).Sub(balance, cost)
		m.Value = value
		x.out = append(x.out, message{Message: m})
	}
	x.s.balance = balance
	return nil
}

// jetton is a jetton wallet.
func (x *run) jetton() error {
	j := *x.s.jetton
	if err := x.gas(gasJetton); err != nil {
		return err
	}
	if x.m.bounced {
		return x.back()
	}
	switch ton.Op(x.m.Body) {
	case ton.OpTransfer:
		t, err := ton.ParseTransfer(x.m.Body)
		if err != nil || *x.m.from != x.s.owner || t.Units.Cmp(x.s.units) > 0 || x.m.Value.Cmp(minJetton) < 0 {
			return errors.Join(errRefused, err)
		}
		x.s.units = new(big.Int).Sub(x.s.units, t.Units)
		a := ton.Arrival{Units: t.Units, From: x.s.owner, Sent: true, Answer: t.Answer, Forward: t.Forward}
		return x.send([]ton.Message{{To: j.Wallet(t.To), Value: new(big.Int), Bounce: true, Init: j.Init(t.To), Body: a.Body(), Mode: ton.ModeForward}})
	case ton.OpInternal:
		a, _, err := ton.ParseArrival(x.m.Body)
		if err != nil || *x.m.from != j.Master && (!a.Sent || *x.m.from != j.Wallet(a.From)) || x.c.frozen[x.s.owner] {
			return errors.Join(errRefused, err)
		}
		x.s.units = new(big.Int).Add(x.s.units, a.Units)
		var out []ton.Message
		if a.Forward.Sign() > 0 {
			body := cell.BeginCell().MustStoreUInt(ton.OpNotification, 32).MustStoreUInt(0, 64).MustStoreBigCoins(a.Units).MustStoreUInt(0, 3).EndCell()
			out = append(out, ton.Message{To: x.s.owner, Value: a.Forward, Body: body, Mode: ton.ModePaysFees})
			x.left = new(big.Int).Sub(x.left, new(big.Int).Add(a.Forward, forward))
		}
		body := cell.BeginCell().MustStoreUInt(ton.OpExcesses, 32).MustStoreUInt(0, 64).EndCell()
		return x.send(append(out, ton.Message{To: a.Answer, Value: new(big.Int), Body: body, Mode: ton.ModeForward | ton.ModeSkipErrors}))
	}
	return errRefused
}

// back takes units that came back.
func (x *run) back() error {
	s := x.m.Body.BeginParse()
	_, _ = s.LoadUInt(32)
	op, err := s.LoadUInt(32)
	if err != nil || op != ton.OpInternal {
		return err
	}
	_, _ = s.LoadUInt(64)
	units, err := s.LoadBigCoins()
	if err == nil {
		x.s.units = new(big.Int).Add(x.s.units, units)
	}
	return err
}

// data is the contract's.
func (s account) data() *ton.Cell {
	switch {
	case s.wallet != nil:
		return s.wallet.State(s.seqno)
	case s.jetton != nil:
		return s.jetton.Data(s.owner, s.units)
	}
	return nil
}
