package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/pepay/pepay/contracts"
	"github.com/pepay/pepay/internal/devchain"
)

type devchainCommand struct {
	Listen  string `help:"host:port of the JSON-RPC; on this machine only." default:"127.0.0.1:8545"`
	DataDir string `help:"Where the chain is kept; empty for memory." type:"path" placeholder:"DIR"`
}

// Run runs the chain until it is told to stop.
func (c devchainCommand) Run(ctx context.Context) error {
	chain, err := devchain.Start(ctx, devchain.Options{Dir: c.DataDir, Listen: c.Listen, Period: devchain.DefaultPeriod})
	if err != nil {
		return err
	}
	fmt.Printf("Development chain %d at %s, one block a second.\n  payer    %s\n  key      0x%x   (worthless: everybody has it)\n  DUSDC    %s\nCtrl-C stops it.\n",
		chain.ChainID(), chain.URL(), crypto.PubkeyToAddress(chain.Payer().PublicKey), crypto.FromECDSA(chain.Payer()), chain.Dollar())
	<-ctx.Done()
	return chain.Close()
}

type chainDeploy struct {
	RPC     string `required:"" help:"JSON-RPC of the network." placeholder:"URL"`
	KeyFile string `required:"" help:"A file with the private key of an account that pays for it." type:"existingfile" placeholder:"FILE"`
}

// Run deploys the factory and checks it.
func (c chainDeploy) Run(ctx context.Context) error {
	b, err := os.ReadFile(c.KeyFile)
	if err != nil {
		return err
	}
	key, err := crypto.HexToECDSA(strings.TrimPrefix(strings.TrimSpace(string(b)), "0x"))
	if err != nil {
		return errors.New("key-file: expected a private key of 64 hexadecimal digits")
	}
	client, err := ethclient.DialContext(ctx, c.RPC)
	if err != nil {
		return errors.New("rpc: expected an http or https URL of a node")
	}
	if contracts.Verify(ctx, client) == nil {
		fmt.Printf("The factory is already at %s on this network.\n", contracts.Factory)
		return nil
	}
	fmt.Printf("Deploying the factory to %s …\n", contracts.Factory)
	if err := devchain.Deploy(ctx, client, key); err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok { // the URL may hold a key
			err = fmt.Errorf("rpc: the node does not answer: %w", u.Err)
		}
		return err
	}
	fmt.Println("Deployed and checked: its code and a sample address are what they must be.")
	return nil
}
